//! The operations that are measured. Time and randomness are arguments, so each run does the same work.

use std::time::Duration;

use fixtures::{APP, SPA, START, Seeded, basic, client, ready};
use regrant::clock::ManualClock;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AccessToken, Approval, AuthenticatedClient, ClientRegistry, ClientSecret, GrantType, IssueRequest, Issuer, Key,
    KeyRing, MemoryStore, RefreshRequest, RefreshToken, SecretHash, Subject, TokenResponse, TokenService,
};

/// The calls of one operation in one run, each about a grant of its own.
pub(crate) const CALLS: usize = 400;

/// The grants of the store before those that are measured. Its tables then have room for [`CALLS`] more, so that none
/// grows while an operation is measured.
const GRANTS: usize = 460;

/// A client refreshes before its access token expires.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(30 * 60);

/// The names of the operations.
pub(crate) const OPERATIONS: [&str; 8] = [
    "issue",
    "refresh",
    "replay",
    "introspect",
    "forged token refused",
    "garbage refused",
    "wire refresh",
    "wire introspect",
];

/// Performs `operation` [`CALLS`] times.
pub(crate) fn run(operation: &str) {
    let server = Server::new();
    let refresh = |request: RefreshRequest| ready(server.service.refresh(&server.app, &request));
    let grants = |client| server.grants(client).into_iter();
    let refresh_is_accepted = |request| refresh(request).is_ok();
    let refresh_is_refused = |request| refresh(request).is_err();
    match operation {
        "issue" => {
            perform((0..CALLS).map(request), |request| ready(server.service.issue(&server.app, request)).is_ok());
        }
        "refresh" => {
            perform(grants(&server.app).map(|grant| RefreshRequest::new(grant.head)), refresh_is_accepted);
        }
        "replay" => {
            perform(grants(&server.app).map(|grant| RefreshRequest::new(grant.spent)), refresh_is_accepted);
        }
        "introspect" => perform(grants(&server.app).map(|grant| grant.access_token), |token| {
            matches!(ready(server.service.introspect(&server.app, token.expose())), Ok(Some(_)))
        }),
        "forged token refused" => {
            perform(grants(&server.app).map(|grant| forged(&grant.head)), refresh_is_refused);
        }
        "garbage refused" => {
            perform((0..CALLS).map(|_| RefreshRequest::new("rt_no-token-at-all")), refresh_is_refused);
        }
        "wire refresh" => {
            let form = |grant: Refreshed| {
                format!("grant_type=refresh_token&client_id=spa&refresh_token={}", grant.head.expose())
            };
            perform(grants(&server.spa).map(form), |form| server.send(Endpoint::Token, &[], &form) == 200);
        }
        "wire introspect" => {
            let form = |grant: Refreshed| format!("token={}", grant.access_token.expose());
            let basic = basic(APP.id(), APP.secret().expect("a secret"));
            let credentials = [("authorization", basic.as_bytes())];
            perform(grants(&server.app).map(form), |form| {
                server.send(Endpoint::Introspection, &credentials, &form) == 200
            });
        }
        other => panic!("no such operation: {other}"),
    }
}

/// Prepares all inputs, then calls the operation with each.
fn perform<I>(inputs: impl Iterator<Item = I>, call: impl Fn(I) -> bool) {
    let mut inputs = inputs.collect::<Vec<_>>().into_iter();
    measured(&mut || assert!(call(inputs.next().expect("an input for each call"))));
}

/// Makes the calls that count. Callgrind knows this function by its name.
#[inline(never)]
fn measured(call: &mut dyn FnMut()) {
    for _ in 0..CALLS {
        call();
    }
}

struct Server {
    service: TokenService<MemoryStore>,
    endpoints: Endpoints<MemoryStore>,
    clock: ManualClock,
    app: AuthenticatedClient,
    spa: AuthenticatedClient,
}

/// The tokens of a grant after two refreshes. Its record has the length that it keeps.
struct Refreshed {
    spent: RefreshToken,
    head: RefreshToken,
    access_token: AccessToken,
}

impl Server {
    fn new() -> Self {
        let secret = SecretHash::sha256(&ClientSecret::new(APP.secret().expect("a secret")));
        let clients = ClientRegistry::new()
            .register(client(APP), [secret])
            .and_then(|clients| clients.register(client(SPA), []))
            .expect("clients");
        let keys = KeyRing::new(Key::from_parts(1, *b"a test key of thirty-two bytes..").expect("a key"));
        let clock = ManualClock::starting_at(START);
        let service = TokenService::builder(MemoryStore::new(), clients, keys)
            .clock(clock.clone())
            .entropy(Seeded::new(1))
            .build()
            .expect("the policy is valid");
        let endpoints = Endpoints::new(service.clone(), Issuer::from_static(fixtures::ISSUER)).expect("one issuer");
        let [app, spa] = [APP, SPA].map(|auth| AuthenticatedClient::assertion(client(auth).into()));
        let server = Self { service, endpoints, clock, app, spa };
        for number in 0..GRANTS {
            server.issue(&server.app, number);
        }
        server
    }

    fn grants(&self, client: &AuthenticatedClient) -> Vec<Refreshed> {
        let refresh = |token| ready(self.service.refresh(client, &RefreshRequest::new(token))).expect("refreshed");
        let first: Vec<_> = (0..CALLS).filter_map(|number| self.issue(client, number).refresh_token).collect();
        let second: Vec<_> = first.into_iter().filter_map(|token| refresh(token).refresh_token).collect();
        self.clock.advance(BETWEEN_REFRESHES);
        let third = second.into_iter().map(|spent| {
            let last = refresh(spent.clone());
            Refreshed { spent, head: last.refresh_token.expect("a refresh token"), access_token: last.access_token }
        });
        let grants = third.collect();
        self.clock.advance(BETWEEN_REFRESHES);
        grants
    }

    fn issue(&self, client: &AuthenticatedClient, number: usize) -> TokenResponse {
        ready(self.service.issue(client, request(number))).expect("issued")
    }

    /// Sends a request and returns the status of the response.
    fn send(&self, endpoint: Endpoint, credentials: &[(&str, &[u8])], form: &str) -> u16 {
        let content_type: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
        let headers = [&[content_type], credentials].concat();
        let path = self.endpoints.paths().iter().find(|(of, _)| *of == endpoint).map_or("", |(_, path)| path);
        ready(self.endpoints.handle(endpoint, &Request::new("POST", path, &headers, form.as_bytes()))).status
    }
}

fn request(number: usize) -> IssueRequest {
    let subject = Subject::new(format!("user-{number}@example.com")).expect("a subject");
    IssueRequest::new(GrantType::Password, Approval::of(subject).with_scope(client(APP).scope))
}

/// The request with another character in the middle of the token.
fn forged(token: &RefreshToken) -> RefreshRequest {
    let token = token.expose();
    let (front, rest) = token.split_at(token.len() / 2);
    let other = if rest.starts_with('A') { 'B' } else { 'A' };
    RefreshRequest::new(format!("{front}{other}{}", &rest[1..]))
}
