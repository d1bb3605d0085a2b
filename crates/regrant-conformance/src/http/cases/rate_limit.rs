//! RFC 6585 section 4: too many attempts to guess a credential. Without a sender they are counted by the client that
//! they claim, so the answers do not depend on the address of the kit.

use std::time::Duration;

use regrant::TokenServiceBuilder;
use regrant::host::AttemptLimit;
use regrant::wire::{Endpoint, Endpoints, Paths};

use super::{ENDPOINTS, valid_answer, valid_request};
use crate::http::answer::{Answer, malformed_scope, missing, too_many_attempts};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, PASSWORD, USER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{Given, later};
use crate::http::store::WatchedStore;

const SOURCE: &str = "RFC 6585 section 4, RFC 6749 section 10.10";

pub(super) fn cases() -> Vec<Case> {
    let at_each_endpoint = ENDPOINTS.into_iter().flat_map(|(name, endpoint)| attempts(name, endpoint));
    let all = at_each_endpoint.chain(passwords()).chain(malformed());
    all.map(|case| case.with_service(two_attempts_a_minute)).chain([device()]).collect()
}

fn two_attempts_a_minute(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.rate_limit(AttemptLimit::new(2, Duration::from_secs(60)))
}

const WRONG: Auth = Auth::Basic("app", "wrong");

fn guesses(request: &HttpRequest) -> [Given; 2] {
    [Given::Asked(request.clone()), Given::Asked(request.clone())]
}

fn attempts(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let guess = valid_request(endpoint, WRONG);
    let refused = [("the_right", APP), ("another_wrong", WRONG)].map(|(which, auth)| {
        let name = format!("{which}_secret_after_two_wrong_ones_is_one_attempt_too_many_at_{name}");
        case(name, SOURCE, valid_request(endpoint, auth), too_many_attempts("60"))
            .given(guesses(&guess))
            .without_the_store()
    });
    let served = [
        ("the_right_secret_after_one_wrong_one_is_served", vec![Given::Asked(guess.clone())]),
        ("the_right_secret_after_the_wait_is_served", guesses(&guess).into_iter().chain([later(60)]).collect()),
        ("right_secrets_cost_no_attempt", vec![Given::Asked(valid_request(endpoint, APP)); 5]),
        (
            "wrong_secrets_of_another_client_cost_no_attempt",
            guesses(&valid_request(endpoint, Auth::Basic("other", "no"))).into(),
        ),
    ];
    let served = served.map(|(what, given)| {
        case(format!("{what}_at_{name}"), SOURCE, valid_request(endpoint, APP), valid_answer(endpoint))
            .given(given)
            .like_a_valid_one()
    });
    let rest = case(
        format!("a_wait_that_has_begun_is_rounded_up_at_{name}"),
        SOURCE,
        valid_request(endpoint, APP),
        too_many_attempts("60"),
    )
    .given(guesses(&guess).into_iter().chain([Given::Later(Duration::from_millis(1))]))
    .without_the_store();
    refused.into_iter().chain(served).chain([rest]).collect()
}

/// The password flow of the host: the credentials of the user are an attempt, besides those of the client.
fn passwords() -> [Case; 1] {
    let with = |password| {
        post(Endpoint::Token, APP, &[("grant_type", "password"), ("username", USER), ("password", password)])
    };
    [case(
        "the_right_password_after_two_wrong_ones_is_one_attempt_too_many",
        "RFC 6585 section 4, RFC 6749 section 4.3.2",
        with(PASSWORD),
        too_many_attempts("60"),
    )
    .given(guesses(&with("a guess")))
    .without_the_store()]
}

/// A malformed request is answered as such, since it is no attempt.
fn malformed() -> [Case; 2] {
    let guess = valid_request(Endpoint::Token, WRONG);
    let requests: [(&str, HttpRequest, Answer); 2] = [
        ("without_a_grant_type", post(Endpoint::Token, APP, &[]), missing("grant_type")),
        (
            "with_a_malformed_scope",
            post(Endpoint::Token, APP, &[("grant_type", "client_credentials"), ("scope", "a  b")]),
            malformed_scope(),
        ),
    ];
    requests.map(|(how, request, answer)| {
        case(format!("a_request_{how}_is_no_attempt"), SOURCE, request, answer)
            .given(guesses(&guess))
            .without_the_store()
    })
}

fn device() -> Case {
    fn with_page(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
        endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
    }
    let ask = |auth| post(Endpoint::DeviceAuthorization, auth, &[]);
    case(
        "the_right_secret_after_two_wrong_ones_is_one_attempt_too_many_at_device_authorization",
        SOURCE,
        ask(APP),
        too_many_attempts("60"),
    )
    .given(guesses(&ask(WRONG)))
    .with_service(two_attempts_a_minute)
    .with_endpoints(with_page)
    .without_the_store()
}
