//! Tokens of which the authorization server is asked.

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
use regrant_jose::{
    Introspect, IntrospectionError, IntrospectionResponse, IntrospectionVerifier, InvalidToken, JwsError,
    VerifyAccessToken as _, VerifyError,
};
use serde_json::{Value, json};

use crate::scene::{Nosy, RESOURCE, Scene, Verdict, Way};
use crate::support::{ISSUER, NOW, at, encoded, with};

const INACTIVE: Verdict = Verdict::Invalid(InvalidToken::Inactive);

/// A verifier with its way to a service that issues opaque tokens.
async fn scene() -> (Scene, Way, IntrospectionVerifier) {
    let scene = Scene::new(AccessTokenFormat::Opaque).await;
    let way = scene.way();
    let verifier = IntrospectionVerifier::new(way.clone()).with_audience(RESOURCE);
    (scene, way, verifier)
}

/// What comes of the token at the scene's time.
async fn verdict(scene: &Scene, verifier: &IntrospectionVerifier, token: &AccessToken) -> Verdict {
    verifier.verify(token, scene.clock.now()).await.into()
}

#[tokio::test]
async fn tokens_of_both_formats_are_good_and_say_what_was_granted() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let scene = Scene::new(format).await;
        let verifier = IntrospectionVerifier::new(scene.way()).with_audience(RESOURCE);
        let bound = Confirmation::DpopKey([7; 32]);
        let token = verifier.verify(&scene.tokens(Some(bound)).await.access_token, at(NOW)).await.unwrap();

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
async fn no_other_kind_of_token_passes_even_where_the_server_tells_all() {
    let scene = Scene::new(AccessTokenFormat::Opaque).await;
    let verifier = IntrospectionVerifier::new(Nosy(scene.way()));
    let tokens = scene.tokens(None).await;
    assert_eq!(verdict(&scene, &verifier, &tokens.access_token).await, Verdict::Good);

    let refresh_token = AccessToken::new(tokens.refresh_token.expect("a refresh token").expose());
    let no_access_token = Verdict::Invalid(InvalidToken::NotAccessToken);
    assert_eq!(verdict(&scene, &verifier, &refresh_token).await, no_access_token, "it is active, and no access token");
    let id_token = AccessToken::new(tokens.id_token.expect("an id_token").expose());
    let text = tokens.access_token.expose();
    let cut = AccessToken::new(&text[..text.len() - 1]);
    for other in [&id_token, &cut, &AccessToken::new("garbage"), &AccessToken::new("a+b/c~=&active=true")] {
        assert_eq!(verdict(&scene, &verifier, other).await, INACTIVE);
    }
}

#[tokio::test]
async fn a_revoked_token_is_good_for_max_staleness_and_not_a_millisecond_longer() {
    for (max_staleness, last_good) in [(10_000, Some(9_999)), (2_500, Some(2_499)), (0, None)] {
        let (scene, _, verifier) = scene().await;
        let verifier = verifier.with_max_staleness(Duration::from_millis(max_staleness));
        let token = scene.token().await;
        assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
        scene.revoke(&token).await;
        if let Some(last_good) = last_good {
            assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
            scene.advance(last_good);
            assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
            scene.advance(1);
        }
        assert_eq!(verdict(&scene, &verifier, &token).await, INACTIVE);
        assert_eq!(verifier.remembered(), 0);
    }
}

#[tokio::test]
async fn staleness_counts_from_the_question_and_not_from_the_answer() {
    let (scene, way, verifier) = scene().await;
    let token = scene.token().await;
    way.block();
    let (answer, ()) = join(verdict(&scene, &verifier, &token), async {
        // The server has said yes, and its answer is nine seconds on the way.
        scene.revoke(&token).await;
        scene.advance(9_000);
        way.let_pass(1);
    })
    .await;
    assert_eq!(answer, Verdict::Good);
    way.let_pass(1);
    scene.advance(999);
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
    scene.advance(1);
    assert_eq!(verdict(&scene, &verifier, &token).await, INACTIVE);
    assert_eq!(way.calls(), 2);
}

#[tokio::test]
async fn an_answer_never_outlives_the_token() {
    let (scene, way, verifier) = scene().await;
    let forever = Duration::from_secs(86_400);
    let verifier = verifier.with_max_staleness(forever).with_outage_staleness(forever);
    let token = scene.token().await;
    scene.advance(3_599_999);
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
    scene.advance(1);
    way.set_down(true);
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Invalid(InvalidToken::Expired));
}

#[tokio::test]
async fn a_busy_token_costs_one_question_per_max_staleness() {
    let (scene, way, verifier) = scene().await;
    let (token, other) = (scene.token().await, scene.token().await);
    for second in 0..30 {
        for token in [&token, &other] {
            assert_eq!(verdict(&scene, &verifier, token).await, Verdict::Good);
        }
        assert_eq!(way.calls(), 2 * (second / 10 + 1));
        scene.advance(1_000);
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_one_question() {
    for (max_staleness, questions) in [(10, 1), (0, 100)] {
        let (scene, way, verifier) = scene().await;
        let verifier = verifier.with_max_staleness(Duration::from_secs(max_staleness));
        let (good, bad) = (scene.token().await, AccessToken::new("garbage"));
        for (token, expected) in [(&good, Verdict::Good), (&bad, INACTIVE)] {
            let before = way.calls();
            way.block();
            let requests = join_all((0..100).map(|_| verdict(&scene, &verifier, token)));
            let (verdicts, ()) = join(requests, async { way.let_pass(100) }).await;
            assert!(verdicts.iter().all(|verdict| *verdict == expected));
            assert_eq!(way.calls() - before, questions, "{max_staleness} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_on_all_threads_are_one_question() {
    let (scene, way, verifier) = scene().await;
    let (token, verifier) = (scene.token().await, Arc::new(verifier));
    way.block();
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
    way.let_pass(1);
    for request in requests {
        assert!(request.await.unwrap());
    }
    assert_eq!(way.calls(), 1);
}

#[tokio::test]
async fn who_hangs_up_takes_nobody_s_answer_along() {
    let (scene, way, verifier) = scene().await;
    let token = scene.token().await;
    way.block();
    let mut first = Box::pin(verdict(&scene, &verifier, &token));
    let mut second = Box::pin(verdict(&scene, &verifier, &token));
    assert_eq!((&mut first).now_or_never(), None);
    assert_eq!((&mut second).now_or_never(), None);
    drop(first);
    let (answer, ()) = join(second, async { way.let_pass(1) }).await;
    assert_eq!((answer, way.calls()), (Verdict::Good, 1));

    // A question that nobody waits for is forgotten: the next one is asked anew.
    scene.advance(10_000);
    assert_eq!(verdict(&scene, &verifier, &token).now_or_never(), None);
    let (answer, ()) = join(verdict(&scene, &verifier, &token), async { way.let_pass(2) }).await;
    assert_eq!((answer, way.calls()), (Verdict::Good, 3));
}

#[tokio::test]
async fn an_answer_that_was_long_on_its_way_does_not_undo_a_later_one() {
    let (scene, way, verifier) = scene().await;
    let verifier = verifier.with_outage_staleness(Duration::from_secs(3600));
    let token = scene.token().await;
    way.block();
    let mut early = Box::pin(verdict(&scene, &verifier, &token));
    assert_eq!((&mut early).now_or_never(), None);
    scene.revoke(&token).await;
    scene.advance(10_000);
    let mut late = Box::pin(verdict(&scene, &verifier, &token));
    assert_eq!((&mut late).now_or_never(), None);

    way.let_pass(2);
    assert_eq!((late.await, early.await), (INACTIVE, Verdict::Good));
    assert_eq!(verifier.remembered(), 0);
    way.set_down(true);
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Unavailable);
}

#[tokio::test]
async fn in_an_outage_nothing_is_known_unless_the_host_says_for_how_long_it_is() {
    for (outage_staleness, last_good) in [(0, 9_999), (60_000, 59_999)] {
        let (scene, way, verifier) = scene().await;
        let verifier = verifier.with_outage_staleness(Duration::from_millis(outage_staleness));
        let (known, unknown) = (scene.token().await, scene.token().await);
        assert_eq!(verdict(&scene, &verifier, &known).await, Verdict::Good);
        way.set_down(true);
        assert_eq!(verdict(&scene, &verifier, &unknown).await, Verdict::Unavailable);
        scene.advance(last_good);
        assert_eq!(verdict(&scene, &verifier, &known).await, Verdict::Good);
        scene.advance(1);
        assert_eq!(verdict(&scene, &verifier, &known).await, Verdict::Unavailable);

        way.set_down(false);
        for token in [&known, &unknown] {
            assert_eq!(verdict(&scene, &verifier, token).await, Verdict::Good, "a failure is not remembered");
        }
    }
}

#[tokio::test]
async fn what_was_found_revoked_does_not_come_back_in_an_outage() {
    let (scene, way, verifier) = scene().await;
    let verifier = verifier.with_outage_staleness(Duration::from_secs(3600));
    let token = scene.token().await;
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Good);
    scene.revoke(&token).await;
    scene.advance(10_000);
    assert_eq!(verdict(&scene, &verifier, &token).await, INACTIVE);
    way.set_down(true);
    assert_eq!(verdict(&scene, &verifier, &token).await, Verdict::Unavailable);
}

/// A server that answers each token as told, and counts.
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
async fn what_is_not_to_the_letter_an_answer_is_never_a_yes() {
    let yes = answer().to_string();
    assert!(said(200, &yes).await.is_ok());
    for status in [100, 201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503] {
        let Err(VerifyError::Unavailable(error)) = said(status, &yes).await else { panic!("{status}") };
        let error = error.downcast::<IntrospectionError>().expect("an introspection error");
        assert!(matches!(*error, IntrospectionError::Status(told) if told == status));
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
async fn what_the_server_says_of_an_active_token_must_be_right_too() {
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
async fn a_host_may_leave_audience_and_type_to_the_server() {
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
async fn the_token_arrives_as_it_is_and_too_long_a_one_not_at_all() {
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
async fn the_memory_is_bounded_and_garbage_pushes_nothing_out() {
    let says = Says::always(200, answer().to_string());
    let verifier = IntrospectionVerifier::new(says.clone()).with_capacity(100);
    let verify = async |name: String| Verdict::from(verifier.verify(&AccessToken::new(name), at(NOW)).await);
    for number in 0..100 {
        assert_eq!(verify(format!("good-{number}")).await, Verdict::Good);
    }

    says.set(200, r#"{"active":false}"#);
    for number in 0..100_000 {
        assert_eq!(verify(format!("garbage-{number}")).await, INACTIVE);
        assert!(verifier.remembered() <= 100);
    }
    let before = says.calls.load(Ordering::SeqCst);
    for number in 0..100 {
        assert_eq!(verify(format!("good-{number}")).await, Verdict::Good);
    }
    assert_eq!(says.calls.load(Ordering::SeqCst), before, "every good token is still known");

    // Good tokens push each other out, those first that were not used for longest.
    says.set(200, answer().to_string());
    for number in 0..1_000 {
        assert_eq!(verify("good-0".to_owned()).await, Verdict::Good);
        assert_eq!(verify(format!("more-{number}")).await, Verdict::Good);
        assert!(verifier.remembered() <= 100);
    }
    says.set(200, r#"{"active":false}"#);
    assert_eq!(verify("good-0".to_owned()).await, Verdict::Good);
    assert_eq!(verify("good-1".to_owned()).await, INACTIVE);
}

#[tokio::test]
async fn what_is_remembered_of_a_token_is_for_that_token_alone() {
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
