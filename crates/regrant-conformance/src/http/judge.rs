use super::adapter::{Direct, HttpHarness};
use super::answer::{Answer, Body};
use super::case::{Case, Effect};
use super::message::{HttpRequest, HttpResponse};
use super::table::cases;
use super::variables::Variables;
use super::world::World;

/// Holds the adapter against one case.
///
/// # Panics
/// When the answer or what it left behind is not that of the case, or not that of [`Direct`].
pub async fn judge(harness: &dyn HttpHarness, case: &Case) {
    let mut world = World::after(&case.given, case.setting).await;
    let requests = requests(case, &world);
    let server = harness.serve(world.endpoints.clone()).await;
    let before = world.store.seen();
    let mut answers = server.exchange(&requests).await;

    if case.is_answered_by_the_adapter() {
        assert_eq!(answers.len(), requests.len(), "the connection was closed without an answer");
        assert_is(&case.answer, &answers[answers.len() - 1], &mut world.variables);
        let expected: Vec<_> = exchange(&Direct, case).await.iter().map(HttpResponse::normalized).collect();
        let answers: Vec<_> = answers.drain(..).map(|answer| answer.normalized()).collect();
        assert!(answers == expected, "not byte for byte what the endpoints say: {answers:?}, {expected:?}");
    } else {
        let is_refused = answers.iter().all(|answer| answer.status >= 400);
        assert!(is_refused, "what is not HTTP was answered: {answers:?}");
    }

    let after = world.store.seen();
    match case.effect() {
        Effect::Written => assert!(after.records != before.records, "nothing was written"),
        Effect::Unchanged => {
            assert!(after.writes == before.writes && after.records == before.records, "something was written");
        }
        Effect::NotAsked => assert!(after == before, "the store was asked"),
    }
    world.recovers();
    for token in &case.active {
        assert!(world.is_active(token).await, "{token} is not active");
    }
    for token in &case.inactive {
        assert!(!world.is_active(token).await, "{token} is active");
    }
}

/// The answers of the adapter to the requests of one case, to be compared with another adapter's.
pub async fn exchange(harness: &dyn HttpHarness, case: &Case) -> Vec<HttpResponse> {
    let world = World::after(&case.given, case.setting).await;
    let requests = requests(case, &world);
    harness.serve(world.endpoints.clone()).await.exchange(&requests).await
}

/// For the macro's use.
#[doc(hidden)]
pub async fn judge_by_name(harness: &dyn HttpHarness, group: &str, name: &str) {
    let mut named = cases().iter().filter(|own| own.name == group).flat_map(|group| &group.cases);
    let case = named.find(|case| case.name() == name).unwrap_or_else(|| panic!("there is no case {group}::{name}"));
    println!("{}", case.source());
    judge(harness, case).await;
}

fn requests(case: &Case, world: &World) -> Vec<HttpRequest> {
    case.earlier.iter().chain([&case.request]).map(|request| world.variables.fill(request)).collect()
}

fn assert_is(expected: &Answer, told: &HttpResponse, variables: &mut Variables) {
    let shown = format!("{} {:?} {}", told.status, told.headers, String::from_utf8_lossy(&told.body));
    assert_eq!(told.status, expected.status, "{shown}");
    let mut headers: Vec<_> = told.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut expected_headers = expected.headers.clone();
    headers.sort_unstable();
    expected_headers.sort_unstable();
    assert_eq!(headers, expected_headers, "{shown}");
    match &expected.body {
        Body::Exactly(body) => assert_eq!(String::from_utf8_lossy(&told.body), *body),
        Body::Empty => assert!(told.body.is_empty(), "{shown}"),
        Body::Json(json) => {
            let body = serde_json::from_slice(&told.body).unwrap_or_else(|error| panic!("{error}: {shown}"));
            assert!(variables.agree("", json, &body), "{shown}, not {json}");
        }
        Body::Foreign => {}
    }
}
