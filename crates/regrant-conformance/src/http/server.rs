use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::{ManualClock, Timestamp};
use regrant::device::UserCode;
use regrant::host::{ApproveError, ApproveRequest, GrantApprover, SubjectGate, Unavailable};
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint::{Introspection, Revocation, Token};
use regrant::wire::Endpoints;
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, CodeChallenge, GrantType, Issuer, Key, KeyRing, RedirectUri,
    Subject, TokenService, TokenServiceBuilder,
};
use serde_json::Value;

use super::clients::{AUDITOR, Auth, CHALLENGE, ISSUER, PASSWORD, REDIRECT, SCOPE, USER, client, post, registry};
use super::harness::{Connection, answer};
use super::message::{HttpRequest, HttpResponse};
use super::seeded::Seeded;
use super::store::WatchedStore;
use super::variables::{Form, Variables};

/// A step before the request of a case. All steps happen in process, without the adapter.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// A request is answered with 200 or 201. The members of the answer are stored under this name.
    Answered(&'static str, HttpRequest),
    /// The same over a connection with this client certificate.
    AnsweredTo(&'static str, HttpRequest, &'static [u8]),
    /// A request is answered in any way.
    Asked(HttpRequest),
    /// The resource owner approves an authorization request; the code is `{name.code}`.
    Approved(&'static str, Auth, CodeRequest),
    /// Time passes.
    Later(Duration),
    /// A stored value is changed. The result is stored under this name.
    Changed(&'static str, &'static str, fn(&str) -> String),
    /// The resource owner decides on the device of the answer of this name.
    DeviceApproved(&'static str),
    DeviceDenied(&'static str),
    /// The host closes the account of the resource owner.
    AccountClosed,
    /// The directory of accounts is out of reach.
    DirectoryDown,
    /// Every call of the store fails.
    StoreDown,
}

impl Given {
    /// Returns a step that has no request and no value.
    fn in_words(&self) -> Option<String> {
        Some(match self {
            Self::Later(span) => format!("{span:?} pass"),
            Self::DeviceApproved(name) => format!("the user approves the device of {{{name}.user_code}}"),
            Self::DeviceDenied(name) => format!("the user denies the device of {{{name}.user_code}}"),
            Self::AccountClosed => "the account of the user is closed".to_owned(),
            Self::DirectoryDown => "the directory of accounts is out of reach".to_owned(),
            Self::StoreDown => "every call of the store fails".to_owned(),
            Self::Answered(..) | Self::AnsweredTo(..) | Self::Asked(_) | Self::Approved(..) | Self::Changed(..) => {
                return None;
            }
        })
    }
}

/// The parameters of an authorization request.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeRequest {
    pub(super) redirect_uri: bool,
    pub(super) challenge: bool,
}

/// The key of the ring of all cases. Its id is 1.
pub const RING_KEY: &[u8; 32] = b"a test key of thirty-two bytes..";

/// A server and the values of its answers.
pub(super) struct Server {
    pub(super) endpoints: Arc<Endpoints<WatchedStore>>,
    pub(super) store: WatchedStore,
    pub(super) variables: Variables,
    /// The requests of the steps, and their answers.
    pub(super) exchanged: Vec<(HttpRequest, HttpResponse)>,
    /// The steps in words.
    pub(super) steps: Vec<String>,
    clock: ManualClock,
    accounts: Accounts,
}

impl Server {
    pub(super) async fn after(given: &[Given], setting: Setting) -> Self {
        Self::over(WatchedStore::default(), |service| service, given, setting).await
    }

    /// Starts the server on `store`, with the service of the setting and `change`, and takes the steps.
    pub(super) async fn over(
        store: WatchedStore,
        change: impl FnOnce(TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore>,
        given: &[Given],
        setting: Setting,
    ) -> Self {
        let accounts = Accounts::default();
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_800_000_000_000));
        let service =
            TokenService::builder(store.clone(), registry(), KeyRing::new(Key::from_parts(1, *RING_KEY).unwrap()))
                .clock(clock.clone())
                .entropy(Seeded::new())
                .gate(accounts.clone());
        let service = change((setting.service)(service)).build().unwrap();
        let endpoints = Endpoints::new(service, Issuer::new(setting.issuer).unwrap()).unwrap();
        let endpoints = endpoints.with_approver(GrantType::Password, Passwords);
        let endpoints = Arc::new((setting.endpoints)(endpoints));
        let (variables, exchanged, steps) = (Variables::default(), Vec::new(), Vec::new());
        let mut server = Self { endpoints, store, variables, exchanged, steps, clock, accounts };
        for given in given {
            server.happens(given).await;
        }
        server
    }

    async fn happens(&mut self, given: &Given) {
        self.steps.extend(given.in_words());
        match given {
            Given::Answered(name, request) => self.is_answered(name, request, &Connection::default()).await,
            Given::AnsweredTo(name, request, certificate) => {
                let certificate = Some(ClientCertificate::from_der(*certificate));
                self.is_answered(name, request, &Connection { certificate, ..Connection::default() }).await;
            }
            Given::Asked(request) => {
                self.ask(request, &Connection::default()).await;
            }
            Given::Approved(name, auth, request) => {
                let code = self.approve(*auth, *request).await;
                self.steps.push(format!("{{{name}.code}}: {code}, of an approval for {}", auth.id()));
                self.variables.set(format!("{name}.code"), code);
            }
            Given::Later(span) => self.clock.advance(*span),
            Given::Changed(name, from, change) => {
                let changed = change(self.variables.value(from));
                self.steps.push(format!("{{{name}}}: {changed}, made of {from}"));
                self.variables.set(*name, changed);
            }
            Given::DeviceApproved(name) => {
                let approval = Approval::of(Subject::new(USER).unwrap()).with_scope(SCOPE.parse().unwrap());
                self.endpoints.service().approve_device(&self.user_code(name), approval).await.unwrap();
            }
            Given::DeviceDenied(name) => {
                self.endpoints.service().deny_device(&self.user_code(name)).await.unwrap();
            }
            Given::AccountClosed => self.accounts.set(Account::Closed),
            Given::DirectoryDown => self.accounts.set(Account::Unknown),
            Given::StoreDown => self.store.break_down(),
        }
    }

    async fn is_answered(&mut self, name: &str, request: &HttpRequest, connection: &Connection) {
        let answer = self.ask(request, connection).await;
        let is_success = matches!(answer.status, 200 | 201);
        assert!(is_success, "{name} is refused: {answer}");
        self.variables.set_members(name, &answer.body);
    }

    async fn ask(&mut self, request: &HttpRequest, connection: &Connection) -> HttpResponse {
        let request = self.variables.fill(request);
        let answer = answer(&self.endpoints, &request, connection).await;
        self.steps.push(format!("{request}\n=> {answer}"));
        self.exchanged.push((request, answer.clone()));
        answer
    }

    async fn approve(&self, auth: Auth, request: CodeRequest) -> String {
        let approval = Approval::of(Subject::new(USER).unwrap()).with_scope(SCOPE.parse().unwrap());
        let challenge = CodeChallenge::s256(CHALLENGE).unwrap();
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(request.redirect_uri.then(|| RedirectUri::new(REDIRECT).unwrap()))
            .with_code_challenge(request.challenge.then_some(challenge));
        let response = self.endpoints.service().authorize(&client(auth), request).await.unwrap();
        response.code.expose().to_owned()
    }

    fn user_code(&self, name: &str) -> UserCode {
        UserCode::parse(self.variables.value(&format!("{{{name}.user_code}}"))).unwrap()
    }

    /// Ends outages and reopens accounts.
    pub(super) fn recovers(&self) {
        self.store.repair();
        self.accounts.set(Account::Open);
    }

    /// Returns true when a token is active, by introspection as [`AUDITOR`].
    pub(super) async fn is_active(&self, token: &str) -> bool {
        let request = self.variables.fill(&post(Introspection, AUDITOR, &[("token", token)]));
        let answer = answer(&self.endpoints, &request, &Connection::default()).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["active"].as_bool().unwrap()
    }
}

/// The configuration of a case's server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) issuer: &'static str,
    pub(super) service: fn(TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore>,
    pub(super) endpoints: fn(Endpoints<WatchedStore>) -> Endpoints<WatchedStore>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { issuer: ISSUER, service: |service| service, endpoints: |endpoints| endpoints }
    }
}

/// The user signs in and gets tokens for the whole scope.
pub(super) fn signed_in(name: &'static str, auth: Auth) -> Given {
    signed_in_for(name, auth, &[])
}

/// The user signs in with more parameters.
pub(super) fn signed_in_for(name: &'static str, auth: Auth, more: Form<'_>) -> Given {
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    Given::Answered(name, post(Token, auth, &[&password, more].concat()))
}

pub(super) fn refreshed(name: &'static str, auth: Auth, refresh_token: &str) -> Given {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    Given::Answered(name, post(Token, auth, &refresh))
}

pub(super) fn redeemed(name: &'static str, auth: Auth, code: &str) -> Given {
    let redeem = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    Given::Answered(name, post(Token, auth, &redeem))
}

pub(super) fn revoked(auth: Auth, token: &str) -> Given {
    Given::Answered("revocation", post(Revocation, auth, &[("token", token)]))
}

/// A code for a request with the redirect URI and without PKCE.
pub(super) const fn approved(name: &'static str, auth: Auth) -> Given {
    Given::Approved(name, auth, CodeRequest { redirect_uri: true, challenge: false })
}

/// A code for a request with the redirect URI and PKCE.
pub(super) const fn approved_with_pkce(name: &'static str, auth: Auth) -> Given {
    Given::Approved(name, auth, CodeRequest { redirect_uri: true, challenge: true })
}

pub(super) const fn later(seconds: u64) -> Given {
    Given::Later(Duration::from_secs(seconds))
}

/// The accounts of the host.
#[derive(Clone, Default)]
struct Accounts(Arc<Mutex<Account>>);

#[derive(Clone, Copy, Default)]
enum Account {
    #[default]
    Open,
    Closed,
    Unknown,
}

impl Accounts {
    fn set(&self, account: Account) {
        *self.0.lock().unwrap() = account;
    }
}

#[async_trait]
impl SubjectGate for Accounts {
    async fn may_be_served(&self, _: &Subject) -> Result<bool, Unavailable> {
        match *self.0.lock().unwrap() {
            Account::Open => Ok(true),
            Account::Closed => Ok(false),
            Account::Unknown => Err(Unavailable::new("directory unreachable")),
        }
    }
}

/// The session of every sign-in.
const SESSION: &str = "laptop";

/// The password flow, with one user.
struct Passwords;

#[async_trait]
impl GrantApprover for Passwords {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        let username = request.parameters.required("username")?;
        match request.parameters.required("password")? {
            PASSWORD if username == USER => {
                let approval = request.approve_for(Subject::new(USER).unwrap()).with_session_id(SESSION.to_owned());
                Ok(approval.with_authorization_details(request.authorization_details.clone()))
            }
            "unreachable" => Err(ApproveError::Unavailable(Unavailable::new("directory unreachable"))),
            _ => Err(ApproveError::Denied),
        }
    }
}
