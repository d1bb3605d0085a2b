//! For a client that may not use a flow nothing is verified, marked as used, asked of the host or loaded, at any
//! endpoint and by any method of the service.

use async_trait::async_trait;
use fixtures::{
    APP, Auth, Config, Form, Outcome, PASSWORD, SPA, Server, StubVerifier, USER, VERIFIER, WatchedStore, scope, subject,
};
use regrant::device::{DeviceAuthorizationRequest, PollRequest, UserCode};
use regrant::event::{EventKind, Operation};
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::policy::SenderConstraint;
use regrant::proof::{DpopProof, PresentedKeys};
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{
    Approval, AuthenticatedClient, Client, ExchangeRequest, GrantType, IssueRequest, Policy, RedeemRequest,
    RefreshRequest, Refusal, Scope, TokenError,
};

const UNAUTHORIZED: Outcome = (400, "unauthorized_client");
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXTENSION: &str = "urn:example:grant-type:ticket";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const FLOWS: [&str; 8] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "password",
    DEVICE_CODE,
    EXCHANGE,
    JWT_BEARER,
    EXTENSION,
];

/// Uses up whatever it is asked about.
struct MustNotBeAsked;

#[async_trait]
impl GrantApprover for MustNotBeAsked {
    async fn approve(&self, _: &AuthenticatedClient, _: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        panic!("the approver was asked")
    }
}

fn all_flows(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    endpoints
        .with_token_exchange()
        .with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
        .with_approver(GrantType::JwtBearer, MustNotBeAsked)
        .with_approver(EXTENSION.parse().unwrap(), MustNotBeAsked)
}

/// All flows but `missing`; the public client lists client credentials, too.
fn flows_without(missing: &[&str]) -> Vec<GrantType> {
    FLOWS.into_iter().filter(|flow| !missing.contains(flow)).map(|flow| flow.parse().unwrap()).collect()
}

fn with_flows(config: Config, missing: &[&str]) -> Config {
    let change = |client: Client| client.with_grant_types(flows_without(missing));
    config.with_client(APP, change).with_client(SPA, change)
}

/// The tokens that a client got while it might use every flow.
struct Held {
    server: Server,
    verifier: StubVerifier,
    code: String,
    access: String,
    refresh: String,
    device_code: String,
}

impl Held {
    async fn by(auth: Auth<'_>) -> Self {
        let verifier = StubVerifier::default();
        let config = Config { endpoints: all_flows, proof_verifier: Some(verifier.clone()), ..Config::default() };
        let server = with_flows(config, &[]).start();
        let tokens = server.sign_in(auth).await;
        let code = server.code(auth).await;
        let device = server.post(Endpoint::DeviceAuthorization, auth, &[]).await;
        let typed = UserCode::parse(device.text("user_code")).unwrap();
        let approval = Approval::of(subject(USER)).with_scope(scope("read"));
        server.service().approve_device(&typed, approval).await.unwrap();
        let device_code = device.text("device_code").to_owned();
        Self { server, verifier, code, access: tokens.access, refresh: tokens.refresh, device_code }
    }

    /// A request of `flow`, with what was held or with garbage.
    fn parameters<'a>(&'a self, flow: &'a str, is_genuine: bool) -> Vec<(&'a str, &'a str)> {
        let held = |genuine: &'a String| if is_genuine { genuine.as_str() } else { "garbage" };
        let mut parameters = vec![("grant_type", flow)];
        parameters.extend(match flow {
            "authorization_code" => {
                vec![("code", held(&self.code)), ("redirect_uri", fixtures::REDIRECT), ("code_verifier", VERIFIER)]
            }
            "refresh_token" => vec![("refresh_token", held(&self.refresh))],
            "password" => vec![("username", USER), ("password", PASSWORD)],
            DEVICE_CODE => vec![("device_code", held(&self.device_code))],
            EXCHANGE => vec![("subject_token", held(&self.access)), ("subject_token_type", ACCESS_TOKEN)],
            // More scope than the client has: that, too, is for those alone who may use the flow.
            _ => vec![("assertion", "a.b.c"), ("scope", "admin")],
        });
        parameters
    }

    /// Restarts the server with a client without `missing`, and drops the events so far.
    fn without(&self, missing: &[&str]) -> Server {
        let server = self.server.restarted(|config| with_flows(config, missing));
        server.config.events.operations();
        self.verifier.seen();
        server
    }

    /// Asserts that the refusal is the only trace.
    fn assert_untouched(&self, server: &Server, calls: usize, operation: Operation, what: &str) {
        assert_eq!(self.verifier.seen(), [], "{what}: a proof was looked at");
        assert_eq!(server.store().calls(), calls, "{what}: the store was asked");
        let told = server.config.events.operations();
        assert_eq!(told, [(operation, EventKind::Refused(Refusal::GrantTypeNotAllowed))], "{what}");
    }
}

#[tokio::test]
async fn a_client_without_the_flow_costs_nothing_at_any_endpoint() {
    for auth in [SPA, APP] {
        let held = Held::by(auth).await;
        for flow in FLOWS {
            let server = held.without(&[flow]);
            let operation = match flow {
                "authorization_code" => Operation::Redeem,
                "refresh_token" => Operation::Refresh,
                DEVICE_CODE => Operation::Poll,
                EXCHANGE => Operation::Exchange,
                _ => Operation::Issue,
            };
            for is_genuine in [false, true] {
                let calls = server.store().calls();
                let reply =
                    server.token_with(auth, &StubVerifier::proof("A"), &held.parameters(flow, is_genuine)).await;
                assert_eq!(reply.outcome(), UNAUTHORIZED, "{auth:?} {flow}");
                held.assert_untouched(&server, calls, operation, flow);
            }
        }
        let server = held.without(&[DEVICE_CODE]);
        let calls = server.store().calls();
        for parameters in [&[][..], &[("scope", "admin")]] {
            let reply = server.post(Endpoint::DeviceAuthorization, auth, parameters).await;
            assert_eq!(reply.outcome(), UNAUTHORIZED);
            held.assert_untouched(&server, calls, Operation::AuthorizeDevice, "device authorization");
        }
    }
}

// RFC 9449 section 8: an approver may use up an assertion, and a request that lacks its proof is repeated.
#[tokio::test]
async fn a_request_without_the_proof_that_the_policy_demands_costs_no_assertion() {
    let policy = Policy::default().with_sender_constraint(SenderConstraint::Dpop);
    let config = Config { endpoints: all_flows, proof_verifier: Some(StubVerifier::default()), ..Config::default() };
    let server = with_flows(config.policy(policy), &[]).start();
    let parameters = [("grant_type", JWT_BEARER), ("assertion", "a.b.c")];
    assert_eq!(server.token(APP, &parameters).await.outcome(), (400, "invalid_dpop_proof"));
}

// `invalid_scope` would say that the client has no default scope.
#[tokio::test]
async fn a_client_without_the_flow_learns_nothing_of_its_scope() {
    for flow in ["password", "client_credentials", JWT_BEARER, EXTENSION] {
        let change =
            |client: Client| client.with_grant_types(flows_without(&[flow])).with_default_scope(Scope::empty());
        let server = Config { endpoints: all_flows, ..Config::default() }.with_client(APP, change).start();
        let parameters = [("grant_type", flow), ("username", USER), ("password", PASSWORD), ("assertion", "a.b.c")];
        assert_eq!(server.token(APP, &parameters).await.outcome(), UNAUTHORIZED, "{flow}");
    }
}

// OAuth 2.1 section 4.2: a client that cannot prove who it is has no credentials to be granted anything for.
#[tokio::test]
async fn client_credentials_of_a_public_client_cost_nothing_though_it_lists_them() {
    let held = Held::by(SPA).await;
    let server = held.without(&[]);
    for more in [&[][..], &[("scope", "admin")]] {
        let parameters = [&[("grant_type", "client_credentials")], more].concat();
        let calls = server.store().calls();
        let reply = server.token_with(SPA, &StubVerifier::proof("A"), &parameters).await;
        assert_eq!(reply.outcome(), UNAUTHORIZED);
        held.assert_untouched(&server, calls, Operation::Issue, "client_credentials");
    }
}

#[tokio::test]
async fn a_client_without_the_flow_costs_nothing_by_any_method_of_the_service() {
    let held = Held::by(SPA).await;
    let possession = || {
        let proof = DpopProof { jwt: StubVerifier::proof("A"), method: "POST".to_owned(), url: String::new() };
        PresentedKeys::none().with_dpop(Some(proof))
    };
    let server = held.without(&FLOWS);
    let service = server.service();
    let spa = server.config.clients.iter().find(|(client, _)| client.id.as_str() == SPA.id()).unwrap().0.clone();
    let spa = &AuthenticatedClient::assertion(spa.into());
    let calls = server.store().calls();
    let check = |outcome: Result<(), TokenError>, operation| {
        assert!(
            matches!(outcome, Err(TokenError::Refused(Refusal::GrantTypeNotAllowed))),
            "{operation:?}: {outcome:?}"
        );
        held.assert_untouched(&server, calls, operation, operation.as_str());
    };
    for flow in ["password", "client_credentials", JWT_BEARER, EXTENSION] {
        let issue = IssueRequest::new(flow.parse().unwrap(), Approval::of(subject(USER)).with_scope(scope("admin")));
        check(service.issue(spa, issue.with_presented_keys(possession())).await.map(drop), Operation::Issue);
    }
    let redeem = RedeemRequest::new(held.code.as_str()).with_presented_keys(possession());
    check(service.redeem(spa, &redeem).await.map(drop), Operation::Redeem);
    let refresh = RefreshRequest::new(held.refresh.as_str()).with_presented_keys(possession());
    check(service.refresh(spa, &refresh).await.map(drop), Operation::Refresh);
    let poll = PollRequest::new(held.device_code.as_str()).with_presented_keys(possession());
    check(service.poll(spa, &poll).await.map(drop), Operation::Poll);
    let exchange = ExchangeRequest::new(held.access.as_str()).with_presented_keys(possession());
    check(service.exchange(spa, &exchange).await.map(drop), Operation::Exchange);
    let device = DeviceAuthorizationRequest::new().with_scope(scope("admin"));
    check(service.authorize_device(spa, &device).await.map(drop), Operation::AuthorizeDevice);
}

// A withdrawn flow begins no grant any more; those that it began live on.
#[tokio::test]
async fn a_grant_of_a_flow_withdrawn_since_is_refreshed() {
    let held = Held::by(SPA).await;
    let server = held.without(&["password"]);
    assert_eq!(server.refresh(SPA, &held.refresh).await.status(), 200);
}

// Otherwise a public client could learn that a found token is its own, and active.
#[tokio::test]
async fn token_exchange_tells_a_public_client_without_the_flow_nothing_of_a_token() {
    let held = Held::by(SPA).await;
    let server = held.without(&[EXCHANGE]);
    let foreign = held.server.sign_in(APP).await.access;
    let spent = server.sign_in(SPA).await;
    server.revoke(SPA, &spent.refresh).await;
    let tokens = ["garbage", &held.access, &held.refresh, &foreign, &spent.access];
    let mut answers = Vec::new();
    for subject_token in tokens {
        let parameters: Form<'_> =
            &[("grant_type", EXCHANGE), ("subject_token", subject_token), ("subject_token_type", ACCESS_TOKEN)];
        let reply = server.token(SPA, parameters).await;
        assert_eq!(reply.outcome(), UNAUTHORIZED, "{subject_token}");
        answers.push(reply.json);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}
