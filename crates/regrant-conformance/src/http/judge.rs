use regrant::TokenServiceBuilder;

use super::answer::{Answer, Body};
use super::case::{Case, Effect};
use super::harness::{Direct, HttpHarness};
use super::message::{HttpRequest, HttpResponse};
use super::server::Server;
use super::store::WatchedStore;
use super::variables::Variables;

/// Judges an adapter by one case.
///
/// # Panics
/// When the answer or the state after it is not that of the case, or not that of [`Direct`].
pub async fn judge(harness: &dyn HttpHarness, case: &Case) {
    let mut server = Server::after(&case.given, case.setting).await;
    let requests = requests(case, &server);
    let adapter = harness.serve(server.endpoints.clone()).await;
    let before = server.store.seen();
    let mut answers = adapter.exchange(&requests).await;

    if case.is_answered_by_the_adapter() {
        assert_eq!(answers.len(), requests.len(), "the connection was closed without an answer");
        assert_is(&case.answer, &answers[answers.len() - 1], &mut server.variables);
        let expected: Vec<_> = exchange(&Direct, case).await.iter().map(HttpResponse::normalized).collect();
        let answers: Vec<_> = answers.drain(..).map(|answer| answer.normalized()).collect();
        assert!(answers == expected, "not byte for byte what the endpoints say: {answers:?}, {expected:?}");
    } else {
        let is_refused = answers.iter().all(|answer| answer.status >= 400);
        assert!(is_refused, "what is not HTTP was answered: {answers:?}");
    }

    let after = server.store.seen();
    match case.effect() {
        Effect::Written => assert!(after.records != before.records, "nothing was written"),
        Effect::Unchanged => {
            assert!(after.writes == before.writes && after.records == before.records, "something was written");
        }
        Effect::NotAsked => assert!(after == before, "the store was asked"),
    }
    server.recovers();
    for token in &case.active {
        assert!(server.is_active(token).await, "{token} is not active");
    }
    for token in &case.inactive {
        assert!(!server.is_active(token).await, "{token} is active");
    }
}

/// Returns the answers of an adapter to the requests of one case, for comparison with another adapter.
pub async fn exchange(harness: &dyn HttpHarness, case: &Case) -> Vec<HttpResponse> {
    let server = Server::after(&case.given, case.setting).await;
    let requests = requests(case, &server);
    harness.serve(server.endpoints.clone()).await.exchange(&requests).await
}

/// The record of a case that was [played](play).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record to read")]
pub struct Played {
    /// The requests of the steps before the case and of the case, with their answers.
    pub exchanged: Vec<(HttpRequest, HttpResponse)>,
    /// Requests of the case that the server did not answer.
    pub unanswered: Vec<HttpRequest>,
    /// The authorization codes that were issued.
    pub codes: Vec<String>,
}

/// Plays one case on another store and with a changed service, without judging the answers. For checks of everything
/// besides the answers: logs, events, records.
///
/// The key ring is [`RING_KEY`](super::RING_KEY) under the id 1.
pub async fn play(
    harness: &dyn HttpHarness,
    case: &Case,
    store: WatchedStore,
    change: impl FnOnce(TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore>,
) -> Played {
    let server = Server::over(store, change, &case.given, case.setting).await;
    let mut requests = requests(case, &server);
    let answers = harness.serve(server.endpoints.clone()).await.exchange(&requests).await;
    let unanswered = requests.split_off(answers.len());
    let codes = server.variables.named(".code");
    let exchanged = server.exchanged.into_iter().chain(requests.into_iter().zip(answers)).collect();
    Played { exchanged, unanswered, codes }
}

fn requests(case: &Case, server: &Server) -> Vec<HttpRequest> {
    case.earlier.iter().chain([&case.request]).map(|request| server.variables.fill(request)).collect()
}

fn assert_is(expected: &Answer, actual: &HttpResponse, variables: &mut Variables) {
    let shown = format!("{} {:?} {}", actual.status, actual.headers, String::from_utf8_lossy(&actual.body));
    assert_eq!(actual.status, expected.status, "{shown}");
    let mut headers: Vec<_> = actual.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut expected_headers = expected.headers.clone();
    headers.sort_unstable();
    expected_headers.sort_unstable();
    assert_eq!(headers, expected_headers, "{shown}");
    match &expected.body {
        Body::Exactly(body) => assert_eq!(String::from_utf8_lossy(&actual.body), *body),
        Body::Empty => assert!(actual.body.is_empty(), "{shown}"),
        Body::Json(json) => {
            let body = serde_json::from_slice(&actual.body).unwrap_or_else(|error| panic!("{error}: {shown}"));
            assert!(variables.agree("", json, &body), "{shown}, not {json}");
        }
        Body::ServersOwn => {}
    }
}
