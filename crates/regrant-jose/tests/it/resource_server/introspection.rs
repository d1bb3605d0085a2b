//! Verification by introspection.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use regrant::AccessToken;
use regrant::clock::Clock as _;
use regrant::grant::Confirmation;
use regrant::policy::AccessTokenFormat;
use regrant_jose::jws::JwsError;
use regrant_jose::resource_server::{
    Introspect, IntrospectionError, IntrospectionResponse, IntrospectionVerifier, InvalidToken, VerifyAccessToken as _,
    VerifyError,
};
use serde_json::{Value, json};

use crate::resource_server::issuer::{IssuingServer, Network, RESOURCE, Unrestricted, Verdict};
use crate::support::{ISSUER, NOW, at, encoded, with};

const INACTIVE: Verdict = Verdict::Invalid(InvalidToken::Inactive);

/// A verifier, and the service with opaque tokens that it asks.
async fn issuer() -> (IssuingServer, Network, IntrospectionVerifier) {
    let issuer = IssuingServer::new(AccessTokenFormat::Opaque).await;
    let network = issuer.network();
    let verifier = IntrospectionVerifier::new(network.clone()).with_audience(RESOURCE);
    (issuer, network, verifier)
}

/// The verdict on the token at the time of the issuer.
async fn verdict(issuer: &IssuingServer, verifier: &IntrospectionVerifier, token: &AccessToken) -> Verdict {
    verifier.verify(token, issuer.clock.now()).await.into()
}

#[tokio::test]
async fn tokens_of_both_formats_are_valid_and_have_the_granted_scope() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let issuer = IssuingServer::new(format).await;
        let verifier = IntrospectionVerifier::new(issuer.network()).with_audience(RESOURCE);
        let bound = Confirmation::DpopKey([7; 32]);
        let token = verifier.verify(&issuer.tokens(Some(bound)).await.access_token, at(NOW)).await.unwrap();

        assert_eq!(token.subject().unwrap().as_str(), "demo");
        assert_eq!(token.client_id().unwrap().as_str(), "app");
        assert_eq!(token.scope().as_str(), "openid read write");
        assert_eq!(token.audience(), [RESOURCE]);
        assert_eq!(token.expires_at(), Some(at(NOW + 3600)));
        assert_eq!(token.issuer(), Some(ISSUER));
        assert_eq!(token.actor().unwrap().subject.as_str(), "clerk");
        assert_eq!(token.confirmation(), Some(&bound));
    }
}

#[tokio::test]
async fn other_kinds_of_token_are_refused_even_if_the_server_reports_them() {
    let issuer = IssuingServer::new(AccessTokenFormat::Opaque).await;
    let verifier = IntrospectionVerifier::new(Unrestricted(issuer.network()));
    let tokens = issuer.tokens(None).await;
    assert_eq!(verdict(&issuer, &verifier, &tokens.access_token).await, Verdict::Valid);

    let refresh_token = AccessToken::new(tokens.refresh_token.expect("a refresh token").expose());
    let no_access_token = Verdict::Invalid(InvalidToken::NotAccessToken);
    assert_eq!(verdict(&issuer, &verifier, &refresh_token).await, no_access_token, "it is active, and no access token");
    let id_token = AccessToken::new(tokens.id_token.expect("an id_token").expose());
    let text = tokens.access_token.expose();
    let cut = AccessToken::new(&text[..text.len() - 1]);
    for other in [&id_token, &cut, &AccessToken::new("garbage"), &AccessToken::new("a+b/c~=&active=true")] {
        assert_eq!(verdict(&issuer, &verifier, other).await, INACTIVE);
    }
}

#[tokio::test]
async fn a_revoked_token_is_accepted_for_max_staleness_and_not_a_millisecond_longer() {
    for (max_staleness, last_good) in [(10_000, Some(9_999)), (2_500, Some(2_499)), (0, None)] {
        let (issuer, _, verifier) = issuer().await;
        let verifier = verifier.with_max_staleness(Duration::from_millis(max_staleness));
        let token = issuer.token().await;
        assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
        issuer.revoke(&token).await;
        if let Some(last_good) = last_good {
            assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
            issuer.advance(last_good);
            assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
            issuer.advance(1);
        }
        assert_eq!(verdict(&issuer, &verifier, &token).await, INACTIVE);
        assert_eq!(verifier.remembered(), 0);
    }
}

#[tokio::test]
async fn staleness_counts_from_the_request_and_not_from_the_answer() {
    let (issuer, network, verifier) = issuer().await;
    let token = issuer.token().await;
    network.block();
    let (answer, ()) = join(verdict(&issuer, &verifier, &token), async {
        // The server has answered, but the answer takes nine seconds to arrive.
        issuer.revoke(&token).await;
        issuer.advance(9_000);
        network.release(1);
    })
    .await;
    assert_eq!(answer, Verdict::Valid);
    network.release(1);
    issuer.advance(999);
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
    issuer.advance(1);
    assert_eq!(verdict(&issuer, &verifier, &token).await, INACTIVE);
    assert_eq!(network.calls(), 2);
}

#[tokio::test]
async fn an_answer_never_outlives_the_token() {
    let (issuer, network, verifier) = issuer().await;
    let forever = Duration::from_secs(86_400);
    let verifier = verifier.with_max_staleness(forever).with_outage_staleness(forever);
    let token = issuer.token().await;
    issuer.advance(3_599_999);
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
    issuer.advance(1);
    network.set_down(true);
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Invalid(InvalidToken::Expired));
}

#[tokio::test]
async fn a_busy_token_costs_one_introspection_per_max_staleness() {
    let (issuer, network, verifier) = issuer().await;
    let (token, other) = (issuer.token().await, issuer.token().await);
    for second in 0..30 {
        for token in [&token, &other] {
            assert_eq!(verdict(&issuer, &verifier, token).await, Verdict::Valid);
        }
        assert_eq!(network.calls(), 2 * (second / 10 + 1));
        issuer.advance(1_000);
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_share_one_introspection() {
    for (max_staleness, questions) in [(10, 1), (0, 100)] {
        let (issuer, network, verifier) = issuer().await;
        let verifier = verifier.with_max_staleness(Duration::from_secs(max_staleness));
        let (good, bad) = (issuer.token().await, AccessToken::new("garbage"));
        for (token, expected) in [(&good, Verdict::Valid), (&bad, INACTIVE)] {
            let before = network.calls();
            network.block();
            let requests = join_all((0..100).map(|_| verdict(&issuer, &verifier, token)));
            let (verdicts, ()) = join(requests, async { network.release(100) }).await;
            assert!(verdicts.iter().all(|verdict| *verdict == expected));
            assert_eq!(network.calls() - before, questions, "{max_staleness} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_on_all_threads_share_one_introspection() {
    let (issuer, network, verifier) = issuer().await;
    let (token, verifier) = (issuer.token().await, Arc::new(verifier));
    network.block();
    let (arrived, all) = tokio::sync::mpsc::channel::<()>(100);
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let (verifier, token, arrived) = (Arc::clone(&verifier), token.clone(), arrived.clone());
            tokio::spawn(async move {
                let mut request = Box::pin(async move { verifier.verify(&token, at(NOW)).await.is_ok() });
                assert_eq!((&mut request).now_or_never(), None, "the answer is held back");
                drop(arrived);
                request.await
            })
        })
        .collect();
    drop(arrived);
    let mut all = all;
    assert_eq!(all.recv().await, None, "all have asked");
    network.release(1);
    for request in requests {
        assert!(request.await.unwrap());
    }
    assert_eq!(network.calls(), 1);
}

#[tokio::test]
async fn a_cancelled_request_does_not_cancel_the_others() {
    let (issuer, network, verifier) = issuer().await;
    let token = issuer.token().await;
    network.block();
    let mut first = Box::pin(verdict(&issuer, &verifier, &token));
    let mut second = Box::pin(verdict(&issuer, &verifier, &token));
    assert_eq!((&mut first).now_or_never(), None);
    assert_eq!((&mut second).now_or_never(), None);
    drop(first);
    let (answer, ()) = join(second, async { network.release(1) }).await;
    assert_eq!((answer, network.calls()), (Verdict::Valid, 1));

    // A request without waiters is dropped: the next one starts anew.
    issuer.advance(10_000);
    assert_eq!(verdict(&issuer, &verifier, &token).now_or_never(), None);
    let (answer, ()) = join(verdict(&issuer, &verifier, &token), async { network.release(2) }).await;
    assert_eq!((answer, network.calls()), (Verdict::Valid, 3));
}

#[tokio::test]
async fn a_delayed_answer_does_not_replace_a_later_one() {
    let (issuer, network, verifier) = issuer().await;
    let verifier = verifier.with_outage_staleness(Duration::from_secs(3600));
    let token = issuer.token().await;
    network.block();
    let mut early = Box::pin(verdict(&issuer, &verifier, &token));
    assert_eq!((&mut early).now_or_never(), None);
    issuer.revoke(&token).await;
    issuer.advance(10_000);
    let mut late = Box::pin(verdict(&issuer, &verifier, &token));
    assert_eq!((&mut late).now_or_never(), None);

    network.release(2);
    assert_eq!((late.await, early.await), (INACTIVE, Verdict::Valid));
    assert_eq!(verifier.remembered(), 0);
    network.set_down(true);
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Unavailable);
}

#[tokio::test]
async fn in_an_outage_answers_are_used_only_if_the_host_sets_a_time() {
    for (outage_staleness, last_good) in [(0, 9_999), (60_000, 59_999)] {
        let (issuer, network, verifier) = issuer().await;
        let verifier = verifier.with_outage_staleness(Duration::from_millis(outage_staleness));
        let (known, unknown) = (issuer.token().await, issuer.token().await);
        assert_eq!(verdict(&issuer, &verifier, &known).await, Verdict::Valid);
        network.set_down(true);
        assert_eq!(verdict(&issuer, &verifier, &unknown).await, Verdict::Unavailable);
        issuer.advance(last_good);
        assert_eq!(verdict(&issuer, &verifier, &known).await, Verdict::Valid);
        issuer.advance(1);
        assert_eq!(verdict(&issuer, &verifier, &known).await, Verdict::Unavailable);

        network.set_down(false);
        for token in [&known, &unknown] {
            assert_eq!(verdict(&issuer, &verifier, token).await, Verdict::Valid, "a failure is not remembered");
        }
    }
}

#[tokio::test]
async fn a_token_known_as_revoked_stays_refused_in_an_outage() {
    let (issuer, network, verifier) = issuer().await;
    let verifier = verifier.with_outage_staleness(Duration::from_secs(3600));
    let token = issuer.token().await;
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Valid);
    issuer.revoke(&token).await;
    issuer.advance(10_000);
    assert_eq!(verdict(&issuer, &verifier, &token).await, INACTIVE);
    network.set_down(true);
    assert_eq!(verdict(&issuer, &verifier, &token).await, Verdict::Unavailable);
}

/// A server that gives each token a prepared answer, and counts the requests.
#[derive(Clone, Default)]
struct Says {
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    default: Arc<Mutex<(u16, String)>>,
    calls: Arc<AtomicUsize>,
}

impl Says {
    fn always(status: u16, body: impl Into<String>) -> Self {
        let says = Self::default();
        says.set(status, body);
        says
    }

    fn set(&self, status: u16, body: impl Into<String>) {
        *self.default.lock().unwrap() = (status, body.into());
    }
}

#[async_trait]
impl Introspect for Says {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let known = self.answers.lock().unwrap().get(form).cloned();
        let (status, body) = known.unwrap_or_else(|| self.default.lock().unwrap().clone());
        Ok(IntrospectionResponse { status, body: body.into_bytes() })
    }
}

fn answer() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "scope": "read", "client_id": "app", "sub": "demo", "aud": RESOURCE,
        "exp": NOW + 3600, "roles": ["clerk"],
    })
}

async fn said(status: u16, body: impl Into<String>) -> Result<(), VerifyError> {
    let verifier = IntrospectionVerifier::new(Says::always(status, body)).with_audience(RESOURCE);
    verifier.verify(&AccessToken::new("token"), at(NOW)).await.map(drop)
}

#[tokio::test]
async fn a_malformed_answer_never_counts_as_active() {
    let yes = answer().to_string();
    assert!(said(200, &yes).await.is_ok());
    for status in [100, 201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503] {
        let Err(VerifyError::Unavailable(error)) = said(status, &yes).await else { panic!("{status}") };
        let error = error.downcast_ref::<IntrospectionError>().expect("an introspection error");
        assert!(matches!(*error, IntrospectionError::Status(other) if other == status));
    }
    let mut bodies = vec![
        String::new(),
        "true".into(),
        "[true]".into(),
        "{}".into(),
        "<html>".into(),
        yes[..yes.len() - 1].to_owned(),
        format!("{yes}{yes}"),
        yes.replace('{', r#"{"active":false,"#),
        yes.replace('{', &format!("{{\"padding\":\"{}\",", "x".repeat(16 * 1024))),
        yes.replace('{', &format!("{{\"deep\":{}1{},", "[".repeat(100), "]".repeat(100))),
    ];
    for active in [json!("true"), json!(1), json!(null), json!([true]), json!({})] {
        bodies.push(with(&answer(), "active", Some(active)).to_string());
    }
    bodies.push(with(&answer(), "active", None).to_string());
    for body in bodies {
        let Err(VerifyError::Unavailable(error)) = said(200, &body).await else { panic!("{body}") };
        assert!(matches!(error.downcast_ref(), Some(IntrospectionError::Malformed)), "{body}");
    }
}

#[tokio::test]
async fn the_claims_of_an_active_token_are_checked() {
    let malformed = |name| InvalidToken::Malformed(JwsError::Claim(name));
    let jkt = encoded([7; 32]);
    for (name, value, invalid) in [
        ("active", Some(json!(false)), InvalidToken::Inactive),
        ("token_type", None, InvalidToken::NotAccessToken),
        ("token_type", Some(json!("refresh_token")), InvalidToken::NotAccessToken),
        ("token_type", Some(json!("")), InvalidToken::NotAccessToken),
        ("token_type", Some(json!(7)), malformed("token_type")),
        ("token_type", Some(json!("DPoP")), malformed("cnf")),
        ("aud", None, InvalidToken::Audience),
        ("aud", Some(json!("https://other.example")), InvalidToken::Audience),
        ("aud", Some(json!([])), malformed("aud")),
        ("aud", Some(json!({ "0": RESOURCE })), malformed("aud")),
        ("exp", Some(json!(NOW)), InvalidToken::Expired),
        ("exp", Some(json!(0)), InvalidToken::Expired),
        ("exp", Some(json!("1800003600")), malformed("exp")),
        ("exp", Some(json!(null)), malformed("exp")),
        ("nbf", Some(json!(NOW + 11)), InvalidToken::NotYetValid),
        ("nbf", Some(json!([NOW])), malformed("nbf")),
        ("iat", Some(json!("1800000000")), malformed("iat")),
        ("scope", Some(json!(["read"])), malformed("scope")),
        ("sub", Some(json!({})), malformed("sub")),
        ("client_id", Some(json!(7)), malformed("client_id")),
        ("iss", Some(json!(7)), malformed("iss")),
        ("cnf", Some(json!("none")), malformed("cnf")),
        ("cnf", Some(json!({})), malformed("cnf")),
        ("cnf", Some(json!({ "jkt": jkt, "x5t#S256": jkt })), malformed("cnf")),
        ("act", Some(json!([])), malformed("act")),
    ] {
        let outcome = said(200, with(&answer(), name, value.clone()).to_string()).await;
        assert_eq!(Verdict::from(outcome), Verdict::Invalid(invalid), "{name}: {value:?}");
    }
    for (name, value) in [
        ("exp", None),
        ("sub", None),
        ("client_id", None),
        ("scope", None),
        ("token_type", Some(json!("bearer"))),
        ("aud", Some(json!(["https://other.example", RESOURCE]))),
        ("cnf", Some(json!({ "jkt": jkt }))),
    ] {
        assert!(said(200, with(&answer(), name, value.clone()).to_string()).await.is_ok(), "{name}: {value:?}");
    }
}

#[tokio::test]
async fn a_host_may_rely_on_the_server_for_audience_and_type() {
    let body = with(&with(&answer(), "aud", None), "token_type", None);
    let verifier = IntrospectionVerifier::new(Says::always(200, body.to_string())).without_token_type();
    let token = verifier.verify(&AccessToken::new("token"), at(NOW)).await.unwrap();
    assert_eq!(token.claims().value("roles"), Some(&json!(["clerk"])));
    assert_eq!(token.audience(), Vec::<&str>::new());

    let typed = with(&body, "token_type", Some(json!("refresh_token")));
    let verifier = IntrospectionVerifier::new(Says::always(200, typed.to_string())).without_token_type();
    let verdict = Verdict::from(verifier.verify(&AccessToken::new("token"), at(NOW)).await);
    assert_eq!(verdict, Verdict::Invalid(InvalidToken::NotAccessToken));
}

#[tokio::test]
async fn the_token_is_sent_unchanged_and_a_too_long_one_is_not_sent() {
    let says = Says::always(200, r#"{"active":false}"#);
    let form = "token=a-b._%7E%2B%2F%3D%3D&token_type_hint=access_token";
    says.answers.lock().unwrap().insert(form.to_owned(), (200, answer().to_string()));
    let verifier = IntrospectionVerifier::new(says.clone());
    assert!(verifier.verify(&AccessToken::new("a-b._~+/=="), at(NOW)).await.is_ok());

    let too_long = AccessToken::new("x".repeat(16 * 1024 + 1));
    let verdict = Verdict::from(verifier.verify(&too_long, at(NOW)).await);
    assert_eq!((verdict, says.calls.load(Ordering::SeqCst)), (Verdict::Invalid(InvalidToken::TooLong), 1));
}

#[tokio::test]
async fn the_cache_is_bounded_and_garbage_evicts_nothing() {
    let says = Says::always(200, answer().to_string());
    let verifier = IntrospectionVerifier::new(says.clone()).with_capacity(100);
    let verify = async |name: String| Verdict::from(verifier.verify(&AccessToken::new(name), at(NOW)).await);
    for number in 0..100 {
        assert_eq!(verify(format!("good-{number}")).await, Verdict::Valid);
    }

    says.set(200, r#"{"active":false}"#);
    for number in 0..100_000 {
        assert_eq!(verify(format!("garbage-{number}")).await, INACTIVE);
        assert!(verifier.remembered() <= 100);
    }
    let before = says.calls.load(Ordering::SeqCst);
    for number in 0..100 {
        assert_eq!(verify(format!("good-{number}")).await, Verdict::Valid);
    }
    assert_eq!(says.calls.load(Ordering::SeqCst), before, "every good token is still known");

    // Active tokens evict each other, the least recently used first.
    says.set(200, answer().to_string());
    for number in 0..1_000 {
        assert_eq!(verify("good-0".to_owned()).await, Verdict::Valid);
        assert_eq!(verify(format!("more-{number}")).await, Verdict::Valid);
        assert!(verifier.remembered() <= 100);
    }
    says.set(200, r#"{"active":false}"#);
    assert_eq!(verify("good-0".to_owned()).await, Verdict::Valid);
    assert_eq!(verify("good-1".to_owned()).await, INACTIVE);
}

#[tokio::test]
async fn a_cached_answer_is_used_for_its_token_only() {
    let says = Says::always(200, r#"{"active":false}"#);
    says.answers.lock().unwrap().insert("token=one&token_type_hint=access_token".into(), (200, answer().to_string()));
    let verifier = IntrospectionVerifier::new(says);
    assert!(verifier.verify(&AccessToken::new("one"), at(NOW)).await.is_ok());
    for other in ["one ", "One", "on", "one=", "two"] {
        assert_eq!(Verdict::from(verifier.verify(&AccessToken::new(other), at(NOW)).await), INACTIVE, "{other}");
    }
    let shown = format!("{verifier:?}");
    assert!(!shown.contains("one") && !shown.contains("demo"), "{shown}");
}
