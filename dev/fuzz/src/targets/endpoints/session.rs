//! The state of a sequence, its steps, and the properties of every answer.

use std::collections::VecDeque;
use std::time::Duration;

use fixtures::{
    Fault, REDIRECT, Reply, SCOPE, SPA, StubVerifier, USER, VERIFIER, challenge, client, form, ready, scope, subject,
};
use regrant::clock::{Clock as _, Timestamp};
use regrant::device::UserCode;
use regrant::event::EventKind;
use regrant::grant::RevocationReason;
use regrant::store::GrantOwner;
use regrant::wire::{AuthorizationError, AuthorizationRequest, Endpoint, Request, Response};
use regrant::{Approval, AuthorizationDetails, AuthorizeRequest, Client, ClientId, Refusal, TokenError};

use super::Server;
use super::request::{ASKED, DETAILS, Draft, text};
use crate::targets::CANARY;
use crate::{Input, product};

/// Clocks may differ by this much (ARCHITECTURE.md, walking forward).
const CLOCK_SKEW: Duration = Duration::from_secs(5);

pub(super) struct Session {
    server: Server,
    /// Tokens and codes of all answers.
    tokens: VecDeque<String>,
    user_codes: Vec<String>,
    /// Details that users have approved: those of the host, and those that came with a password.
    approved: Vec<AuthorizationDetails>,
    /// Id and secret of the client that registered itself last.
    pub(super) registered: Option<(String, Option<String>)>,
    pub(super) last_proof: Vec<u8>,
    serial: u32,
    /// The latest time that the clock showed.
    latest: Timestamp,
    /// The store may fail now.
    is_faulty: bool,
}

impl Session {
    pub(super) fn new(server: Server) -> Self {
        let latest = server.clock.now();
        let (tokens, user_codes) = (VecDeque::new(), Vec::new());
        let approved = vec![AuthorizationDetails::from_static(DETAILS)];
        let (registered, last_proof) = (None, Vec::new());
        Self { server, tokens, user_codes, approved, registered, last_proof, serial: 0, latest, is_faulty: false }
    }

    pub(super) const fn has_jose(&self) -> bool {
        self.server.has_jose
    }

    /// Returns the time in seconds.
    pub(super) fn now(&self) -> i64 {
        self.server.clock.now().as_secs()
    }

    pub(super) const fn serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// Returns the nonce that the metadata of an answer would have.
    pub(super) fn nonce(&self) -> Option<String> {
        let headers = [("dpop", &b"x"[..])];
        let request = Request::new("GET", "/oauth2/token", &headers, b"");
        let response = ready(self.server.endpoints.handle(Endpoint::Token, &request));
        response.headers.into_iter().find(|(name, _)| *name == "dpop-nonce").map(|(_, nonce)| nonce.into_owned())
    }

    /// Returns a token of the session, a changed one, or any text.
    pub(super) fn token(&self, input: &mut Input<'_>) -> String {
        let choice = input.byte();
        // The last tokens are the most interesting ones, so a small number means one of them.
        let index = usize::from(choice >> 2) % self.tokens.len().max(1);
        let Some(token) = self.tokens.iter().rev().nth(index) else { return text(input) };
        match choice % 4 {
            0..3 => token.clone(),
            _ if input.below(2) == 0 => text(input),
            _ => {
                let mut bytes = token.clone().into_bytes();
                let at = usize::from(input.byte()) % bytes.len();
                match input.below(4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, input.byte() & 0x7f),
                    2 => bytes.extend_from_slice(b"="),
                    _ => bytes[at] = input.byte() & 0x7f,
                }
                String::from_utf8(bytes).unwrap_or_default()
            }
        }
    }

    fn remember(&mut self, token: String) {
        self.tokens.push_back(token);
        if self.tokens.len() > 24 {
            self.tokens.pop_front();
        }
    }

    pub(super) fn step(&mut self, input: &mut Input<'_>) {
        match input.below(38) {
            0..9 => self.flow(0, input),
            9..12 => self.flow(1, input),
            12..14 => self.flow(2, input),
            choice @ 14..20 => self.flow(choice - 11, input),
            20 | 21 => {
                let draft = Draft::raw(self, input);
                self.send(&draft);
            }
            22 | 23 => self.authorize(input),
            24 => self.decide_device(input),
            25 => self.host(input),
            26 | 27 => self.advance(input),
            28 => self.set_back(input),
            29 => self.inject(input),
            30 => self.calm(),
            31 => self.roll_back(input),
            32 | 33 => self.flow(9, input),
            34..37 => self.ask(input),
            _ => {
                let draft = Draft::registration(input);
                self.send(&draft);
            }
        }
        self.server.events.take();
    }

    fn flow(&mut self, choice: usize, input: &mut Input<'_>) {
        let draft = Draft::flow(self, choice, input);
        self.send(&draft);
    }

    /// Sends a request and checks its answer.
    fn send(&mut self, draft: &Draft) {
        let headers: Vec<(&str, &[u8])> =
            draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let path = self.server.endpoints.paths().iter().find(|(endpoint, _)| *endpoint == draft.endpoint);
        let path = path.map_or("", |(_, path)| path).to_owned();
        let request = Request::new(&draft.method, &path, &headers, &draft.body)
            .with_client_certificate(draft.certificate.as_ref());
        self.server.events.take();
        let (calls, writes) = (self.server.store.calls(), self.server.store.writes());
        let length = draft.body.len() + headers.iter().map(|(_, value)| value.len()).sum::<usize>();
        let call = || ready(self.server.endpoints.handle(draft.endpoint, &request));
        // A store whose conflicts never end makes the service decide, and sign, 64 times.
        let response = if self.is_faulty { call() } else { product(length, call) };
        let reply = Reply::checked(draft.endpoint, &request, response);
        let events: Vec<EventKind> = self.server.events.kinds();
        self.check_failure(&reply, &events);
        self.check_echo(&reply);
        if reply.status() >= 400 && !self.is_faulty {
            assert!(may_write(&events) || self.server.store.writes() == writes, "{reply:?} wrote: {events:?}");
        }
        if self.is_garbage(draft) {
            assert_eq!(self.server.store.calls(), calls, "garbage cost I/O: {reply:?}");
        }
        if let Some(details) = reply.json.get("authorization_details") {
            let details = AuthorizationDetails::try_from(details.clone()).expect("details");
            if draft.endpoint == Endpoint::Token && draft.parameters.iter().any(|(name, _)| name == "password") {
                self.approved.push(details);
            } else {
                assert!(self.approved.iter().any(|approved| details.is_subset_of(approved)), "{reply:?}");
            }
        }
        if reply.status() == 201 && draft.endpoint == Endpoint::Registration {
            let text = |member: &str| reply.json[member].as_str().map(str::to_owned);
            self.registered = text("client_id").map(|id| (id, text("client_secret")));
        }
        for member in ["access_token", "refresh_token", "device_code", "request_uri"] {
            if let Some(token) = reply.json[member].as_str() {
                self.remember(token.to_owned());
            }
        }
        self.user_codes.extend(reply.json["user_code"].as_str().map(str::to_owned));
    }

    /// No bad input is the fault of the server.
    fn check_failure(&self, reply: &Reply, events: &[EventKind]) {
        if reply.status() < 500 {
            return;
        }
        let is_clock_back = self.latest > self.server.clock.now() + CLOCK_SKEW;
        assert!(self.is_faulty || (is_clock_back && reply.status() == 503), "{reply:?}: {events:?}");
        assert!(!events.is_empty(), "{reply:?} without a cause");
    }

    /// An answer repeats nothing that was sent. An error contains no token.
    fn check_echo(&self, reply: &Reply) {
        let body = String::from_utf8_lossy(&reply.response.body);
        let headers = reply.response.headers.iter().map(|(_, value)| &**value);
        assert!(!headers.chain([&*body]).any(|text| text.contains(CANARY)), "{reply:?}");
        if reply.status() >= 400 {
            assert!(!self.tokens.iter().any(|token| body.contains(token.as_str())), "{reply:?}");
        }
    }

    /// Returns true for a request about tokens that has none of this server.
    fn is_garbage(&self, draft: &Draft) -> bool {
        let of_token = ["refresh_token", "token", "code", "device_code", "subject_token"];
        draft.parameters.iter().any(|(name, _)| of_token.contains(&name.as_str()))
            && !draft.parameters.iter().any(|(_, value)| self.tokens.contains(value))
    }

    /// Issues a code, as the host does after the consent.
    fn authorize(&mut self, input: &mut Input<'_>) {
        let flags = input.byte();
        let client: Client = client(if flags & 1 == 0 { fixtures::APP } else { SPA });
        let client = client.with_authorization_details_types(["account", "payment"]);
        let mut approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
        if flags & 8 != 0 {
            approval = approval.with_authorization_details(AuthorizationDetails::from_static(DETAILS));
        }
        let confirmation = (flags & 4 != 0).then(|| StubVerifier::confirmation("a"));
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(Some(REDIRECT.parse().expect("a URI")))
            .with_code_challenge((flags & 3 != 0).then(|| challenge(VERIFIER)))
            .with_confirmation(confirmation);
        let response = product(0, || ready(self.server.endpoints.service().authorize(&client, request)));
        match response {
            Ok(response) => self.remember(response.code.expose().to_owned()),
            Err(error) => self.check_error(&error),
        }
    }

    /// The authorization endpoint: a request in the browser, plain or pushed, and the answer of the user.
    fn ask(&mut self, input: &mut Input<'_>) {
        let flags = input.byte();
        let request_uri = self.token(input);
        let own = self.registered.as_ref().map_or("spa", |(id, _)| id.as_str());
        let client_id = ["app", "spa", "other", own][usize::from(flags >> 2) % 4].to_owned();
        let hint = text(input);
        let mut parameters = vec![("client_id", client_id.as_str()), ("login_hint", hint.as_str())];
        match flags & 1 {
            0 => parameters.extend(ASKED),
            _ => parameters.push(("request_uri", request_uri.as_str())),
        }
        let query = form(&parameters);
        let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
        let (calls, writes) = (self.server.store.calls(), self.server.store.writes());
        let call = || ready(self.server.endpoints.ask(&AuthorizationRequest::read(&request, 0)));
        let asked = if self.is_faulty { call() } else { product(query.len(), call) };
        if flags & 1 == 0 || !self.tokens.contains(&request_uri) {
            assert_eq!(self.server.store.calls(), calls, "garbage cost I/O");
        }
        let answered = match asked {
            Ok(ask) if flags & 2 == 0 => {
                let may_have = ask.client().authorization_details_types.iter().any(|own| own == "payment");
                let details = may_have.then(|| AuthorizationDetails::from_static(DETAILS));
                ready(ask.approve(Approval::of(subject(USER)).with_authorization_details(details)))
            }
            Ok(ask) => Ok(ask.deny()),
            Err(error) => {
                assert!(self.is_faulty || self.server.store.writes() == writes, "a refused request wrote: {error}");
                Err(error)
            }
        };
        self.check_answer(&answered.unwrap_or_else(AuthorizationError::response));
    }

    /// The browser is sent to the client, or shown a page. Both repeat nothing but the state.
    fn check_answer(&mut self, response: &Response) {
        let events = self.server.events.kinds();
        let location = response.headers.iter().find(|(name, _)| *name == "location").map(|(_, value)| &**value);
        let is_clock_back = self.latest > self.server.clock.now() + CLOCK_SKEW;
        assert!(response.status < 500 || self.is_faulty || is_clock_back, "{response:?}: {events:?}");
        assert!(!events.is_empty(), "{response:?} without an event");
        let shown = location.map_or_else(|| String::from_utf8_lossy(&response.body), Into::into);
        assert!(!shown.contains(CANARY), "{response:?}");
        let Some(location) = location else { return };
        let is_registered = [REDIRECT, "com.example.app:/cb", "http://localhost:1/cb"]
            .iter()
            .any(|uri| location.strip_prefix(uri).is_some_and(|rest| rest.starts_with('?')));
        assert!(is_registered, "{location}");
        let code = location.split(['?', '&']).find_map(|part| part.strip_prefix("code="));
        if let Some(code) = code {
            self.remember(code.to_owned());
        }
    }

    fn decide_device(&mut self, input: &mut Input<'_>) {
        let typed = match input.below(4) {
            3 => text(input),
            _ => self.user_codes.last().cloned().unwrap_or_default(),
        };
        let Ok(code) = UserCode::parse(&typed) else { return };
        let approval = Approval::of(subject(USER)).with_scope(scope("read"));
        let service = self.server.endpoints.service();
        let decided = match input.below(4) {
            0 => product(0, || ready(service.deny_device(&code))),
            1 => product(0, || ready(service.device(&code))).map(|_| ()),
            _ => product(0, || ready(service.approve_device(&code, approval))).map(|_| ()),
        };
        if let Err(error) = decided {
            self.check_error(&error);
        }
    }

    /// Calls of the host.
    fn host(&mut self, input: &mut Input<'_>) {
        let service = self.server.endpoints.service();
        let (user, app) = (subject(USER), ClientId::from_static("app"));
        let called = product(4096, || match input.below(6) {
            0 => ready(service.revoke_subject(&user)).map(|_| ()),
            1 => ready(service.revoke_client(&app)).map(|_| ()),
            2 => ready(service.grants(&GrantOwner::Client(app), None, 3)).map(|_| ()),
            _ => ready(service.purge_expired(100)).map(|_| ()),
        });
        if let Err(error) = called {
            self.check_error(&error);
        }
    }

    /// The host gets a failure only if a port failed.
    fn check_error(&self, error: &TokenError) {
        let is_clock_back = self.latest > self.server.clock.now() + CLOCK_SKEW;
        assert!(error.port().is_none() || self.is_faulty, "{error}");
        assert!(!error.is_transient() || self.is_faulty || is_clock_back, "{error}");
    }

    fn advance(&mut self, input: &mut Input<'_>) {
        let seconds = input.pick(&[1, 4, 6, 11, 61, 301, 3601, 86_401, 8 * 86_400, 400 * 86_400]);
        self.server.clock.advance(Duration::from_secs(seconds));
        self.latest = self.latest.max(self.server.clock.now());
    }

    fn set_back(&mut self, input: &mut Input<'_>) {
        let millis = input.pick(&[1000, 4000, 5000, 5001, 60_000, 3_600_000]);
        let now = self.server.clock.now().as_millis();
        self.server.clock.set(Timestamp::from_millis(now - millis));
    }

    fn inject(&mut self, input: &mut Input<'_>) {
        let store = &self.server.store;
        self.is_faulty = true;
        match input.below(8) {
            0 => store.set_down(true),
            1 => store.reject(),
            2 => store.conflict_always(),
            // A client library that repeats its writes is no fault.
            3 => {
                store.calm();
                store.repeat_writes();
                self.is_faulty = false;
            }
            choice => {
                let fault = [Fault::Before, Fault::After, Fault::ThenDown, Fault::Late][choice - 4];
                store.fail(input.below(4), fault);
            }
        }
    }

    fn calm(&mut self) {
        self.server.store.calm();
        self.server.store.deliver();
        self.is_faulty = false;
    }

    /// A failover that loses the last writes of one grant.
    fn roll_back(&self, input: &mut Input<'_>) {
        let written = self.server.store.written();
        let index = usize::from(input.byte()) % written.len().max(1);
        if let Some((key, record)) = written.into_iter().rev().nth(index) {
            self.server.store.overwrite(key.id, record);
        }
    }
}

/// The refusals that write (ARCHITECTURE.md, order of checks): reuse of a refresh token, the second use of a code, and
/// the poll of a device.
fn may_write(events: &[EventKind]) -> bool {
    events.iter().any(|kind| {
        matches!(
            kind,
            EventKind::ReuseDetected { .. }
                | EventKind::GrantRevoked(RevocationReason::CodeReuse | RevocationReason::RefreshTokenReuse)
                | EventKind::Refused(Refusal::AuthorizationPending | Refusal::PolledTooFast)
        )
    })
}
