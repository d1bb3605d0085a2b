//! RFC 9700 section 4.14.2: rotation, lost answers, and reuse of spent tokens.

use regrant::wire::Endpoint::Token;
use serde_json::json;

use crate::http::answer::{Answer, invalid_grant, ok, tokens};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, OTHER, POSTER, SCOPE, SPA, STRICT, post};
use crate::http::message::HttpRequest;
use crate::http::server::{later, refreshed, revoked, signed_in};

pub(super) fn cases() -> Vec<Case> {
    let clients = [("header", APP), ("body", POSTER), ("public", SPA)];
    clients
        .into_iter()
        .flat_map(|(who, auth)| of_each_client(who, auth))
        .chain(late_retries())
        .chain(walks())
        .chain(without_grace())
        .chain(by_others())
        .collect()
}

fn refresh(auth: Auth, token: &str) -> HttpRequest {
    post(Token, auth, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// The same tokens again, with the remaining life of the access token.
fn again(expires_in: u64) -> Answer {
    those_of("next", expires_in)
}

/// The tokens of the answer `name`.
fn those_of(name: &str, expires_in: u64) -> Answer {
    ok(json!({
        "access_token": format!("{{{name}.access_token}}"), "token_type": "Bearer", "expires_in": expires_in,
        "refresh_token": format!("{{{name}.refresh_token}}"), "scope": SCOPE,
    }))
}

fn of_each_client(who: &str, auth: Auth) -> Vec<Case> {
    let rotated = || [signed_in("old", auth), refreshed("next", auth, "{old.refresh_token}")];
    let old = || refresh(auth, "{old.refresh_token}");
    let name = |what: &str| format!("{what}_by_a_{who}_client");
    vec![
        case(name("a_refresh_gives_new_tokens"), "RFC 6749 section 6, RFC 6749 section 5.1", old(), tokens())
            .given([signed_in("old", auth)])
            .active(&["{new.access_token}", "{new.refresh_token}", "{old.access_token}"])
            .inactive(&["{old.refresh_token}"]),
        case(name("a_repeated_refresh_gives_the_same_tokens"), "RFC 9700 section 4.14.2", old(), again(3600))
            .given(rotated())
            .changing_nothing()
            .active(&["{next.access_token}", "{next.refresh_token}"]),
        case(
            name("a_repeated_refresh_tells_what_is_left"),
            "RFC 6749 section 5.1, RFC 9700 section 4.14.2",
            old(),
            again(3541),
        )
        .given(rotated())
        .given([later(59)])
        .changing_nothing(),
        case(
            name("a_recent_token_behind_a_used_successor_gets_the_current_one"),
            "RFC 9700 section 4.14.2",
            old(),
            those_of("third", 3591),
        )
        .given(rotated())
        .given([refreshed("third", auth, "{next.refresh_token}"), later(9)])
        .changing_nothing()
        .active(&["{third.access_token}", "{third.refresh_token}"]),
        case(
            name("a_token_behind_a_used_successor_is_reuse_ten_seconds_later"),
            "RFC 9700 section 4.14.2",
            old(),
            invalid_grant(),
        )
        .given(rotated())
        .given([refreshed("third", auth, "{next.refresh_token}"), later(10)])
        .writing()
        .inactive(&["{old.access_token}", "{third.access_token}", "{third.refresh_token}"]),
        case(name("a_token_of_long_ago_is_reuse"), "RFC 9700 section 4.14.2", old(), invalid_grant())
            .given(rotated())
            .given([later(300), refreshed("third", auth, "{next.refresh_token}"), later(300)])
            .writing()
            .inactive(&["{third.access_token}", "{third.refresh_token}"]),
        case(name("an_expired_refresh_token_is_an_invalid_grant"), "RFC 6749 section 5.2", old(), invalid_grant())
            .given([signed_in("old", auth), later(7 * 24 * 3600)]),
        case(name("a_refresh_token_lives_to_its_last_second"), "RFC 6749 section 5.2", old(), tokens())
            .given([signed_in("old", auth), later(7 * 24 * 3600 - 1)]),
        case(name("a_refresh_of_a_revoked_grant_is_an_invalid_grant"), "RFC 7009 section 2.1", old(), invalid_grant())
            .given([signed_in("old", auth), revoked(auth, "{old.refresh_token}")]),
        case(
            name("a_repetition_in_grace_does_not_see_through_a_revocation"),
            "jazzband/django-oauth-toolkit#1816",
            old(),
            invalid_grant(),
        )
        .given(rotated())
        .given([revoked(auth, "{next.refresh_token}")]),
        case(name("a_refresh_goes_on_when_an_access_token_was_revoked"), "RFC 7009 section 2.1", old(), tokens())
            .given([signed_in("old", auth), revoked(auth, "{old.access_token}")])
            .inactive(&["{old.access_token}"]),
        case(name("another_session_survives_a_reuse"), "RFC 9700 section 4.14.2", old(), invalid_grant())
            .given([signed_in("second", auth)])
            .given(rotated())
            .given([refreshed("third", auth, "{next.refresh_token}"), later(10)])
            .writing()
            .active(&["{second.access_token}", "{second.refresh_token}"])
            .inactive(&["{third.refresh_token}"]),
    ]
}

/// A lost answer that is noticed late. A deadline applies only to public clients with bearer tokens.
fn late_retries() -> Vec<Case> {
    let rotated = |auth| [signed_in("old", auth), refreshed("next", auth, "{old.refresh_token}")];
    let late = |who: &str, auth: Auth, after: u64| {
        let name = format!("an_answer_lost_{after}_seconds_ago_by_a_{who}_client");
        let case = case(name, "RFC 9700 section 4.14.2", refresh(auth, "{old.refresh_token}"), again(3600 - after));
        case.given(rotated(auth)).given([later(after)]).changing_nothing().active(&["{next.refresh_token}"])
    };
    let mut cases = vec![late("public", SPA, 59)];
    for (who, auth) in [("header", APP), ("body", POSTER)] {
        cases.extend([60, 3599].map(|after| late(who, auth, after)));
    }
    let reuse = case(
        "an_answer_lost_60_seconds_ago_is_reuse_by_a_public_client",
        "RFC 9700 section 4.14.2",
        refresh(SPA, "{old.refresh_token}"),
        invalid_grant(),
    );
    cases.push(reuse.given(rotated(SPA)).given([later(60)]).writing().inactive(&[
        "{old.access_token}",
        "{next.access_token}",
        "{next.refresh_token}",
    ]));
    cases
}

/// Several processes with one credential: a token up to 8 rotations behind is answered with the current tokens.
fn walks() -> Vec<Case> {
    const NAMES: [&str; 10] = ["old", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"];
    let chain = |auth: Auth, steps: usize| {
        let rotations = NAMES[..=steps]
            .windows(2)
            .map(move |pair| refreshed(pair[1], auth, &format!("{{{}.refresh_token}}", pair[0])));
        std::iter::once(signed_in("old", auth)).chain(rotations).collect::<Vec<_>>()
    };
    let mut cases = Vec::new();
    for (who, auth) in [("header", APP), ("public", SPA)] {
        for (steps, head) in NAMES.into_iter().enumerate().take(9).skip(2) {
            let name = format!("a_token_{steps}_rotations_behind_gets_the_head_by_a_{who}_client");
            let walked =
                case(name, "RFC 9700 section 4.14.2", refresh(auth, "{old.refresh_token}"), those_of(head, 3600));
            cases.push(walked.given(chain(auth, steps)).changing_nothing());
        }
        let name = format!("a_token_9_rotations_behind_is_reuse_by_a_{who}_client");
        let overflow = case(name, "RFC 9700 section 4.14.2", refresh(auth, "{old.refresh_token}"), invalid_grant());
        cases.push(overflow.given(chain(auth, 9)).writing().inactive(&["{g9.access_token}", "{g9.refresh_token}"]));
    }
    cases
}

/// Without grace each refresh token is answered once.
fn without_grace() -> Vec<Case> {
    vec![
        case(
            "without_grace_a_repetition_is_reuse_at_once",
            "RFC 9700 section 4.14.2, keycloak/keycloak#51885",
            refresh(STRICT, "{old.refresh_token}"),
            invalid_grant(),
        )
        .given([signed_in("old", STRICT), refreshed("next", STRICT, "{old.refresh_token}")])
        .writing()
        .inactive(&["{next.access_token}", "{next.refresh_token}", "{old.access_token}"]),
    ]
}

/// Another client learns nothing and ends nothing, however old the token is.
fn by_others() -> Vec<Case> {
    let ages = [("a_fresh_token", 0), ("a_token_in_grace", 1), ("a_spent_token", 3600)];
    let intruders = [("a_confidential", OTHER), ("a_public", SPA)];
    let mut cases = Vec::new();
    for (what, age) in ages {
        for (who, auth) in intruders {
            let name = format!("{what}_of_another_is_refused_to_{who}_client_and_lives");
            let owned = case(name, "RFC 6749 section 10.4", refresh(auth, "{old.refresh_token}"), invalid_grant());
            let owned = owned.given([signed_in("old", APP)]);
            cases.push(if age == 0 {
                owned.active(&["{old.refresh_token}"])
            } else {
                owned
                    .given([refreshed("next", APP, "{old.refresh_token}"), later(age)])
                    .active(&["{next.refresh_token}"])
            });
        }
    }
    cases
}
