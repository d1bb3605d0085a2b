use regrant::TokenServiceBuilder;
use regrant::wire::Endpoint;

use super::case::{Case, Effect};
use super::comparison::Comparison;
use super::harness::{Direct, HttpHarness};
use super::message::{HttpRequest, HttpResponse};
use super::report::report;
use super::server::Server;
use super::store::{Seen, WatchedStore};

/// The verdict on an adapter in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "an adapter passes or fails")]
pub enum Verdict {
    /// The answers and the state after them are those of the case.
    Passed,
    /// The request [cannot be sent](super::Exchange::cannot_send), for this reason.
    NotSent(&'static str),
    /// They are not. The text shows the requests, the state before them, and the whole expectation beside what was
    /// received.
    Failed(String),
}

/// Judges an adapter by one case.
pub async fn judge(harness: &dyn HttpHarness, case: &Case) -> Verdict {
    let mut server = Server::after(&case.given, case.setting).await;
    let requests = requests(case, &server);
    let adapter = harness.serve(server.endpoints.clone(), case.connection.clone()).await;
    if let Some(reason) = requests.iter().find_map(|request| adapter.cannot_send(request)) {
        return Verdict::NotSent(reason);
    }
    let before = server.store.seen();
    let answers = adapter.exchange(&requests).await;
    let mut comparison = Comparison::default();
    let is_answered = answers.len() == requests.len();
    if !case.is_answered_by_the_adapter() {
        comparison.refusal(case.answer.status, &answers);
    } else if is_answered {
        comparison.answer(&case.answer, &answers[answers.len() - 1], &mut server.variables);
        if comparison.is_equal() {
            same_as_direct(&mut comparison, case, &answers).await;
        }
    } else if case.request.breaks_off() && answers.len() == case.earlier.len() {
        // RFC 9112 section 8, RFC 9113 section 8.1.1: nobody has to answer the client that stopped.
        let is_alive = adapter.exchange(&[probe(&server)]).await.len() == 1;
        comparison.row(is_alive, "then another request is answered", "then another request is not answered");
    } else {
        let received = format!("{} of {} requests were answered", answers.len(), requests.len());
        comparison.row(false, "each request is answered", &received);
    }
    effect(&mut comparison, case.effect(), &before, &server.store.seen());
    server.recovers();
    if comparison.is_equal() {
        for (token, is_expected) in
            case.active.iter().map(|token| (token, true)).chain(case.inactive.iter().map(|token| (token, false)))
        {
            let word = |is_active| if is_active { "active" } else { "inactive" };
            let is_active = server.is_active(token).await;
            let [expected, received] = [is_expected, is_active].map(|is| format!("{token} is {}", word(is)));
            comparison.row(is_active == is_expected, &expected, &received);
        }
    }
    if comparison.is_equal() { Verdict::Passed } else { Verdict::Failed(report(case, &server, &requests, &comparison)) }
}

/// Compares with the answers of the endpoints without an adapter, byte for byte.
async fn same_as_direct(comparison: &mut Comparison, case: &Case, answers: &[HttpResponse]) {
    let direct = exchange(&Direct, case).await;
    for (number, (direct, received)) in direct.iter().zip(answers).enumerate() {
        let (direct, received) = (direct.normalized(), received.normalized());
        if direct != received {
            let text = |answer: &HttpResponse| format!("answer {}, byte for byte: {answer}", number + 1);
            comparison.row(false, &text(&direct), &text(&received));
        }
    }
    // RFC 9110 section 8.6: of the length that the answer to GET would have.
    if case.request.method == "HEAD"
        && let Some(length) = answers.last().and_then(|answer| answer.content_length)
    {
        let get = Case { request: case.request.clone().method("GET"), ..case.clone() };
        let get = exchange(&Direct, &get).await.pop();
        let get = get.filter(|get| answers.last().is_some_and(|answer| answer.status == get.status));
        if let Some(get) = get {
            let of_get = u64::try_from(get.body.len()).unwrap();
            let text = |length| format!("content-length: {length}");
            comparison.row(length == of_get, &text(of_get), &text(length));
        }
    }
}

/// Returns a request that every server answers, and that touches no grant.
fn probe(server: &Server) -> HttpRequest {
    HttpRequest::new("GET", Endpoint::Metadata).to(&server.endpoints.paths().metadata)
}

fn effect(comparison: &mut Comparison, expected: Effect, before: &Seen, after: &Seen) {
    let is_changed = after.writes != before.writes || after.records != before.records;
    let received = match (is_changed, after == before) {
        (true, _) => Effect::Written,
        (false, true) => Effect::NotAsked,
        (false, false) => Effect::Unchanged,
    };
    let is_expected = match expected {
        Effect::Written => after.records != before.records,
        Effect::Unchanged => !is_changed,
        Effect::NotAsked => after == before,
    };
    // A store that is not called changes no record.
    let received = if is_expected { expected } else { received };
    comparison.row(is_expected, expected.as_str(), received.as_str());
}

/// Returns the answers of an adapter to the requests of one case, for comparison with another adapter.
pub async fn exchange(harness: &dyn HttpHarness, case: &Case) -> Vec<HttpResponse> {
    let server = Server::after(&case.given, case.setting).await;
    let requests = requests(case, &server);
    harness.serve(server.endpoints.clone(), case.connection.clone()).await.exchange(&requests).await
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
    let adapter = harness.serve(server.endpoints.clone(), case.connection.clone()).await;
    let answers = adapter.exchange(&requests).await;
    let unanswered = requests.split_off(answers.len());
    let codes = server.variables.named(".code");
    let exchanged = server.exchanged.into_iter().chain(requests.into_iter().zip(answers)).collect();
    Played { exchanged, unanswered, codes }
}

fn requests(case: &Case, server: &Server) -> Vec<HttpRequest> {
    case.earlier.iter().chain([&case.request]).map(|request| server.variables.fill(request)).collect()
}
