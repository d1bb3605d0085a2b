//! Limits for attempts to guess a credential (RFC 6749 section 10.10, RFC 8628 section 5.1).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fixtures::{APP, Auth, Config, Form, OTHER, PASSWORD, Reply, SPA, Server, USER, form, ready, seconds};
use proptest::prelude::{any, prop_assert, proptest};
use regrant::clock::Timestamp;
use regrant::device::UserCode;
use regrant::event::{EventKind, Operation, Port};
use regrant::host::{Admission, Attempt, AttemptKind, AttemptLimit, AttemptOutcome, Peer, RateLimit, Unavailable};
use regrant::wire::{Endpoint, Endpoints, Paths, Request};
use regrant::{ClientCredentials, ClientId, GrantType, KeyRing, MemoryStore, SystemEntropy, TokenError, TokenService};

use crate::client_authentication::Unreachable;

/// The endpoints where clients authenticate, with parameters that suffice.
const ENDPOINTS: [(Endpoint, AttemptKind, Form<'static>); 4] = [
    (Endpoint::Token, AttemptKind::Token, &[("grant_type", "client_credentials"), ("scope", "read")]),
    (Endpoint::Revocation, AttemptKind::Revocation, &[("token", "garbage")]),
    (Endpoint::Introspection, AttemptKind::Introspection, &[("token", "garbage")]),
    (Endpoint::DeviceAuthorization, AttemptKind::DeviceAuthorization, &[("scope", "read")]),
];

fn peer(number: u8) -> Peer {
    Peer::address([192, 0, 2, number].into())
}

fn with_page(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
}

fn server(limit: impl RateLimit + 'static) -> Server {
    let device = |client: regrant::Client| {
        let flows = client.grant_types.iter().cloned().chain([GrantType::DeviceCode]).collect::<Vec<_>>();
        client.with_grant_types(flows)
    };
    let config = Config { rate_limit: Some(Arc::new(limit)), endpoints: with_page, ..Config::default() };
    config.with_client(APP, device).with_client(SPA, device).start()
}

/// Sends a form as `auth` from `peer`.
async fn post(server: &Server, peer: &Peer, endpoint: Endpoint, auth: Auth<'_>, parameters: Form<'_>) -> Reply {
    let mut parameters = parameters.to_vec();
    if let Auth::Public(id) = auth {
        parameters.push(("client_id", id));
    }
    let basic = match auth {
        Auth::Basic(id, secret) => Some(fixtures::basic(id, secret)),
        _ => None,
    };
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
    headers.extend(basic.as_ref().map(|value| ("authorization", value.as_bytes())));
    let body = form(&parameters);
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes()).with_peer(peer);
    Reply::checked(endpoint, &request, server.endpoints.handle(endpoint, &request).await)
}

const WRONG: Auth<'static> = Auth::Basic("app", "wrong");

#[tokio::test]
async fn one_wrong_secret_too_many_is_answered_429_at_each_endpoint_whatever_the_next_secret_is() {
    for (endpoint, _, parameters) in ENDPOINTS {
        let server = server(AttemptLimit::new(3, seconds(60)));
        for _ in 0..3 {
            assert_eq!(post(&server, &peer(1), endpoint, WRONG, parameters).await.outcome(), (401, "invalid_client"));
        }
        let (calls, snapshot) = (server.store().calls(), server.store().snapshot());
        server.config.events.take();
        for auth in [APP, WRONG, OTHER, SPA, Auth::Basic("nobody", "wrong")] {
            let reply = post(&server, &peer(1), endpoint, auth, parameters).await;
            assert_eq!(reply.outcome(), (429, "temporarily_unavailable"), "{auth:?}");
            assert_eq!(reply.header("retry-after"), Some("60"));
            assert_eq!(reply.header("www-authenticate"), None, "a browser must not ask for a password");
            let [event] = server.config.events.take().try_into().unwrap();
            assert_eq!((event.operation, event.kind), (Operation::Authenticate, EventKind::RateLimited));
            assert_eq!((event.client_id, event.peer), (None, Some(peer(1))), "a claim is not logged");
        }
        assert_eq!((server.store().calls(), server.store().snapshot()), (calls, snapshot));
    }
}

#[tokio::test]
async fn attempts_are_counted_by_their_sender_at_all_endpoints_together() {
    let server = server(AttemptLimit::new(3, seconds(60)));
    for (endpoint, _, parameters) in &ENDPOINTS[1..] {
        assert_eq!(post(&server, &peer(1), *endpoint, WRONG, parameters).await.status(), 401);
    }
    let (token, _, parameters) = ENDPOINTS[0];
    assert_eq!(post(&server, &peer(1), token, APP, parameters).await.status(), 429);
    // A stranger cannot lock the client out.
    assert_eq!(post(&server, &peer(2), token, APP, parameters).await.status(), 200);
}

#[tokio::test]
async fn without_a_sender_attempts_are_counted_by_the_claimed_client() {
    let server = server(AttemptLimit::new(1, seconds(60)));
    let token = [("token", "garbage")];
    assert_eq!(server.post(Endpoint::Revocation, WRONG, &token).await.status(), 401);
    assert_eq!(server.post(Endpoint::Revocation, APP, &token).await.status(), 429);
    assert_eq!(server.post(Endpoint::Revocation, OTHER, &token).await.status(), 200);
}

#[tokio::test]
async fn right_attempts_cost_nothing_and_wrong_ones_are_refilled_one_by_one() {
    let server = server(AttemptLimit::new(2, seconds(60)));
    let (token, _, parameters) = ENDPOINTS[0];
    for _ in 0..50 {
        assert_eq!(post(&server, &peer(1), token, APP, parameters).await.status(), 200);
    }
    for _ in 0..2 {
        assert_eq!(post(&server, &peer(1), token, WRONG, parameters).await.status(), 401);
    }
    let refused = |millis, wait: &'static str| {
        let server = &server;
        async move {
            server.advance(Duration::from_millis(millis));
            let reply = post(server, &peer(1), token, APP, parameters).await;
            assert_eq!((reply.status(), reply.header("retry-after")), (429, Some(wait)));
        }
    };
    refused(0, "60").await;
    refused(1, "60").await; // rounded up: the client would come back too early otherwise
    refused(59_998, "1").await;
    server.advance(Duration::from_millis(1));
    assert_eq!(post(&server, &peer(1), token, WRONG, parameters).await.status(), 401);
    refused(0, "60").await;
    server.advance(seconds(120));
    for _ in 0..2 {
        assert_eq!(post(&server, &peer(1), token, WRONG, parameters).await.status(), 401);
    }
    refused(0, "60").await;
}

/// Tells what it was asked and told. Answers as it is set.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    attempts: Vec<(AttemptKind, Option<String>, Option<Peer>)>,
    outcomes: Vec<AttemptOutcome>,
    is_down: bool,
}

impl Recording {
    fn take(&self) -> Told {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn outcomes(&self) -> Vec<AttemptOutcome> {
        self.take().outcomes
    }
}

#[async_trait]
impl RateLimit for Recording {
    async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable> {
        let mut told = self.0.lock().unwrap();
        if told.is_down {
            return Err(Unavailable::new("the counters are out of reach"));
        }
        told.attempts.push((attempt.kind, attempt.client_id.map(ToString::to_string), attempt.peer.cloned()));
        Ok(Admission::Admitted)
    }

    async fn settle(&self, _: &Attempt<'_>, outcome: AttemptOutcome) {
        self.0.lock().unwrap().outcomes.push(outcome);
    }
}

#[tokio::test]
async fn a_limit_learns_the_endpoint_the_claimed_client_and_the_sender_and_then_the_outcome() {
    let limit = Recording::default();
    let server = server(limit.clone());
    for (endpoint, kind, parameters) in ENDPOINTS {
        for (auth, outcome) in [
            (APP, AttemptOutcome::Right),
            (WRONG, AttemptOutcome::Wrong),
            (Auth::Basic("nobody", "wrong"), AttemptOutcome::Wrong),
            (SPA, AttemptOutcome::Right),
        ] {
            post(&server, &peer(7), endpoint, auth, parameters).await;
            let told = limit.take();
            assert_eq!(told.attempts, [(kind, Some(auth.id().to_owned()), Some(peer(7)))]);
            assert_eq!(told.outcomes, [outcome], "{endpoint:?} {auth:?}");
        }
    }
    let credentials = ClientCredentials::Public(ClientId::from_static("spa"));
    server.service().for_peer(peer(8)).authenticate(&credentials).await.unwrap();
    assert_eq!(limit.take().attempts, [(AttemptKind::Client, Some("spa".to_owned()), Some(peer(8)))]);
    server.service().authenticate(&credentials).await.unwrap();
    assert_eq!(limit.take().attempts, [(AttemptKind::Client, Some("spa".to_owned()), None)]);
}

#[tokio::test]
async fn a_malformed_request_and_a_request_with_a_token_as_its_credential_are_no_attempts() {
    let limit = Recording::default();
    let server = server(limit.clone());
    for (endpoint, _, parameters) in ENDPOINTS {
        post(&server, &peer(1), endpoint, Auth::Missing, parameters).await;
        post(&server, &peer(1), endpoint, WRONG, &[("scope", "a"), ("scope", "b")]).await;
    }
    post(&server, &peer(1), Endpoint::Token, WRONG, &[("grant_type", "authorization_code")]).await; // without a code
    server.user_info_of("garbage").await;
    server.document(Endpoint::Metadata).await;
    assert_eq!(limit.take().attempts, []);
}

#[tokio::test]
async fn an_outage_of_the_limit_is_503_with_an_event_and_nothing_is_checked() {
    let limit = Recording::default();
    limit.0.lock().unwrap().is_down = true;
    let server = server(limit.clone());
    let calls = server.store().calls();
    for (endpoint, _, parameters) in ENDPOINTS {
        let reply = post(&server, &peer(1), endpoint, APP, parameters).await;
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"));
        let [event] = server.config.events.take().try_into().unwrap();
        let failure = event.failure.unwrap();
        assert_eq!((event.kind, failure.port), (EventKind::Unavailable, Port::RateLimit));
        assert_eq!(failure.chain, ["the counters are out of reach"]);
    }
    let code = UserCode::parse("WDJB-MJHT").unwrap();
    assert!(matches!(server.service().device(&code).await, Err(TokenError::RateLimit(_))));
    assert_eq!(server.store().calls(), calls);
    assert_eq!(limit.outcomes(), []);
}

#[tokio::test]
async fn denied_approvals_are_wrong_attempts_besides_the_client() {
    let limit = Recording::default();
    let server = server(limit.clone());
    for (password, outcome, status) in [
        (PASSWORD, AttemptOutcome::Right, 200),
        ("a guess", AttemptOutcome::Wrong, 400),
        ("unreachable", AttemptOutcome::Unknown, 503),
        ("", AttemptOutcome::Unknown, 400),
    ] {
        let parameters = [("grant_type", "password"), ("username", USER), ("password", password)];
        assert_eq!(post(&server, &peer(1), Endpoint::Token, APP, &parameters).await.status(), status);
        let told = limit.take();
        let kinds: Vec<_> = told.attempts.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(kinds, [AttemptKind::Token, AttemptKind::Approval]);
        assert!(told.attempts.iter().all(|(_, client_id, peer)| client_id.as_deref() == Some("app") && peer.is_some()));
        assert_eq!(told.outcomes, [AttemptOutcome::Right, outcome], "{password}");
    }
}

#[tokio::test]
async fn passwords_cannot_be_guessed_beyond_the_limit() {
    let server = server(AttemptLimit::new(3, seconds(60)));
    let with = |password| [("grant_type", "password"), ("username", USER), ("password", password)];
    for _ in 0..3 {
        assert_eq!(
            post(&server, &peer(1), Endpoint::Token, APP, &with("a guess")).await.outcome(),
            (400, "invalid_grant")
        );
    }
    let writes = server.store().writes();
    assert_eq!(post(&server, &peer(1), Endpoint::Token, APP, &with(PASSWORD)).await.status(), 429);
    assert_eq!(server.store().writes(), writes);
    assert_eq!(post(&server, &peer(2), Endpoint::Token, APP, &with(PASSWORD)).await.status(), 200);
}

#[tokio::test]
async fn a_user_code_that_no_device_waits_for_is_a_wrong_attempt() {
    let limit = Recording::default();
    let server = server(limit.clone());
    let device = server.device(SPA).await;
    limit.take();
    let service = server.service().for_peer(peer(9));
    let guess = UserCode::parse("WDJB-MJHT").unwrap();
    let expect = |outcome| {
        let told = limit.take();
        assert_eq!(told.attempts, [(AttemptKind::UserCode, None, Some(peer(9)))]);
        assert_eq!(told.outcomes, [outcome]);
    };
    assert!(service.device(&guess).await.unwrap().is_none());
    expect(AttemptOutcome::Wrong);
    assert!(service.approve_device(&guess, Server::device_approval()).await.is_err());
    expect(AttemptOutcome::Wrong);
    assert!(service.deny_device(&guess).await.is_err());
    expect(AttemptOutcome::Wrong);
    server.store().set_down(true);
    assert!(service.device(&device.user_code).await.is_err());
    expect(AttemptOutcome::Unknown);
    server.store().calm();
    assert!(service.device(&device.user_code).await.unwrap().is_some());
    expect(AttemptOutcome::Right);
    service.approve_device(&device.user_code, Server::device_approval()).await.unwrap();
    expect(AttemptOutcome::Right);
    // The device no longer waits, so its code tells a guesser nothing new.
    assert!(service.device(&device.user_code).await.unwrap().is_none());
    expect(AttemptOutcome::Wrong);
}

#[tokio::test]
async fn user_codes_cannot_be_guessed_beyond_the_limit() {
    let server = server(AttemptLimit::new(3, seconds(60)));
    let device = server.device(SPA).await;
    let service = server.service().for_peer(peer(1));
    for guess in ["WDJB-MJHT", "WDJB-MJHV", "WDJB-MJHW"] {
        assert!(service.device(&UserCode::parse(guess).unwrap()).await.unwrap().is_none());
    }
    let (calls, snapshot) = (server.store().calls(), server.store().snapshot());
    server.config.events.take();
    let limited = |error| matches!(error, TokenError::RateLimited { retry_after } if retry_after == seconds(60));
    assert!(limited(service.device(&device.user_code).await.unwrap_err()));
    assert!(limited(service.approve_device(&device.user_code, Server::device_approval()).await.unwrap_err()));
    assert!(limited(service.deny_device(&device.user_code).await.unwrap_err()));
    assert_eq!((server.store().calls(), server.store().snapshot()), (calls, snapshot));
    let event = (Operation::DecideDevice, EventKind::RateLimited);
    assert_eq!(server.config.events.operations(), [event; 3]);
    assert!(server.service().for_peer(peer(2)).device(&device.user_code).await.unwrap().is_some());
}

#[tokio::test]
async fn an_outage_of_another_port_costs_no_attempt() {
    let server = server(AttemptLimit::new(1, seconds(60)));
    let parameters = [("grant_type", "password"), ("username", USER), ("password", "unreachable")];
    for _ in 0..3 {
        assert_eq!(post(&server, &peer(1), Endpoint::Token, APP, &parameters).await.status(), 503);
    }
    assert_eq!(post(&server, &peer(1), Endpoint::Revocation, APP, &[("token", "garbage")]).await.status(), 200);
}

#[tokio::test]
async fn an_outage_of_the_directory_of_clients_is_no_wrong_attempt() {
    let limit = Recording::default();
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), Unreachable, keys).rate_limit(limit.clone()).build();
    let credentials = ClientCredentials::Basic(ClientId::from_static("app"), "secret".into());
    assert!(matches!(service.unwrap().authenticate(&credentials).await, Err(TokenError::Authenticator(_))));
    assert_eq!(limit.outcomes(), [AttemptOutcome::Unknown]);
}

#[test]
fn a_limit_of_extreme_values_is_a_limit_or_none_and_nothing_between() {
    let attempt = |at| Attempt::new(AttemptKind::SignIn, Timestamp::from_millis(at));
    let admitted = |limit: &AttemptLimit, at| ready(limit.admit(&attempt(at))).unwrap() == Admission::Admitted;
    let none = AttemptLimit::new(1, Duration::ZERO);
    assert!((0..1000).all(|_| admitted(&none, 0)));
    for (burst, refill) in [(0, seconds(1)), (1, Duration::MAX), (2, Duration::MAX), (u32::MAX, Duration::MAX)] {
        let limit = AttemptLimit::new(burst, refill);
        let times = burst.clamp(1, 1000);
        assert!((0..times).all(|_| admitted(&limit, 1_800_000_000_000)), "{burst} {refill:?}");
        if burst < 1000 {
            assert!(!admitted(&limit, 1_800_000_000_000), "{burst} {refill:?}");
        }
    }
    // A clock before and after all others.
    let limit = AttemptLimit::new(1, seconds(1));
    assert!(admitted(&limit, i64::MIN) && !admitted(&limit, i64::MIN));
    assert!(admitted(&limit, i64::MAX));
}

proptest! {
    /// Whatever the order of attempts, outcomes and time, a sender makes at most so many wrong attempts, and attempts
    /// in progress count.
    #[test]
    fn no_order_of_attempts_admits_more_wrong_ones_than_the_limit(
        burst in 1_u32..6,
        steps in proptest::collection::vec((0_u64..3000, any::<bool>(), 0_u8..3), 1..200),
    ) {
        const REFILL: u64 = 1000;
        let limit = AttemptLimit::new(burst, Duration::from_millis(REFILL));
        let (mut now, mut unproven, mut open) = (0_u64, 0_u64, Vec::new());
        for (wait, settles, outcome) in steps {
            now += wait / 2;
            let at = Timestamp::from_millis(i64::try_from(now).unwrap());
            if settles && let Some(attempt) = open.pop() {
                let outcomes = [AttemptOutcome::Right, AttemptOutcome::Wrong, AttemptOutcome::Unknown];
                let outcome = outcomes[usize::from(outcome)];
                ready(limit.settle(&attempt, outcome));
                unproven -= u64::from(outcome != AttemptOutcome::Wrong);
            } else {
                let attempt = Attempt::new(AttemptKind::SignIn, at);
                if ready(limit.admit(&attempt)).unwrap() == Admission::Admitted {
                    unproven += 1;
                    open.push(attempt);
                }
            }
            prop_assert!(unproven <= u64::from(burst) + now / REFILL, "{unproven} after {now} ms");
        }
    }

    /// A sender that is refused can come back after the wait that it was told, and not before.
    #[test]
    fn the_wait_that_is_told_is_enough_and_not_too_long(
        burst in 1_u32..6,
        refill in 1_u64..10_000,
        steps in proptest::collection::vec(0_u64..5000, 1..50),
    ) {
        let limit = AttemptLimit::new(burst, Duration::from_millis(refill));
        let mut now = 0_u64;
        let admit = |at: u64| {
            let at = Timestamp::from_millis(i64::try_from(at).unwrap());
            ready(limit.admit(&Attempt::new(AttemptKind::SignIn, at))).unwrap()
        };
        for wait in steps {
            now += wait;
            if let Admission::Refused { retry_after } = admit(now) {
                let end = now + u64::try_from(retry_after.as_millis()).unwrap();
                prop_assert!(retry_after <= Duration::from_millis(refill));
                prop_assert!(end == now + 1 || admit(end - 1) != Admission::Admitted);
                prop_assert!(admit(end) == Admission::Admitted);
                now = end;
            }
        }
    }
}
