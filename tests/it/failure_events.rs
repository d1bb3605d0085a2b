//! Every 5xx is explained to the host: the failed port, the duration, the grant and all causes. The client learns
//! nothing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{
    APP, Config, GateState, PASSWORD, REDIRECT, Reply, SCOPE, Server, StubIssuer, StubVerifier, USER, VERIFIER,
    challenge, scope, seconds, subject,
};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator};
use regrant::device::UserCode;
use regrant::event::{EventKind, Operation, OwnedEvent, Port};
use regrant::host::Unavailable;
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::store::{GrantRecord, StoreError};
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientCredentials, ClientRegistry, GrantType, Issuer, Key, KeyRing, Policy,
    Refusal, TokenError, TokenService,
};

/// The ways in which a port behind the service can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Outage,
    Rejection,
    Damage,
    Directory,
    Overrides,
    FlowOverrides,
    Gate,
    Proof,
    Signer,
    Approver,
}

use Fault::{Approver, Damage, Directory, FlowOverrides, Gate, Outage, Overrides, Proof, Rejection, Signer};

const FAULTS: [Fault; 10] =
    [Outage, Rejection, Damage, Directory, Overrides, FlowOverrides, Gate, Proof, Signer, Approver];

impl Fault {
    /// Kind, port and innermost cause of its event.
    const fn told(self) -> (EventKind, Port, &'static str) {
        match self {
            Outage => (EventKind::Unavailable, Port::Store, "connection refused"),
            Rejection => (EventKind::Rejected, Port::Store, "permission denied for table grants"),
            Damage => (EventKind::RecordCorrupt, Port::Store, "the grant record is unreadable"),
            Directory => (EventKind::Unavailable, Port::Authenticator, "no route to the directory"),
            Overrides | FlowOverrides => (EventKind::PolicyInvalid, Port::Authenticator, "access_token_lifetime"),
            Gate => (EventKind::Unavailable, Port::SubjectGate, "directory unreachable"),
            Proof => (EventKind::Unavailable, Port::ProofVerifier, "the store of used proofs is down"),
            Signer => (EventKind::Unavailable, Port::JwtIssuer, "the key service is out of reach"),
            Approver => (EventKind::Unavailable, Port::GrantApprover, "directory unreachable"),
        }
    }

    const fn is_transient(self) -> bool {
        !matches!(self, Rejection | Damage | Overrides | FlowOverrides)
    }
}

/// A directory that is read with each request: it may be down, and its rows are not checked beforehand.
struct Rows {
    clients: ClientRegistry,
    fault: Arc<Mutex<Option<Fault>>>,
}

#[async_trait]
impl ClientAuthenticator for Rows {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        let client = self.clients.authenticate(credentials).await?;
        let zero = ClientPolicy::default().with_access_token_lifetime(seconds(0));
        let with = |policy| Ok(AuthenticatedClient::assertion(Arc::new(Client::clone(&client).with_policy(policy))));
        match *self.fault.lock().unwrap() {
            Some(Directory) => Err(AuthenticateError::unavailable("no route to the directory")),
            Some(Overrides) => with(zero),
            Some(FlowOverrides) => {
                let mut policy = ClientPolicy::default();
                policy.grant_types = client.grant_types.iter().map(|flow| (flow.clone(), zero.clone())).collect();
                with(policy)
            }
            _ => Ok(client),
        }
    }
}

/// A request, the operation of its failures, and its faults, each with true when the grant is known then.
struct Asked {
    endpoint: Endpoint,
    operation: Operation,
    form: Vec<(&'static str, String)>,
    meets: &'static [(Fault, bool)],
}

const ISSUE: &[(Fault, bool)] =
    &[(Outage, true), (Rejection, true), (FlowOverrides, false), (Proof, false), (Signer, false)];
const PASSWORD_FLOW: &[(Fault, bool)] =
    &[(Outage, true), (Rejection, true), (FlowOverrides, false), (Proof, false), (Signer, false), (Approver, false)];
const EXCHANGED: &[(Fault, bool)] = &[
    (Outage, true),
    (Rejection, true),
    (Damage, true),
    (FlowOverrides, true),
    (Gate, true),
    (Proof, true),
    (Signer, true),
];
const TOKEN_EXCHANGE: &[(Fault, bool)] = &[
    (Outage, true),
    (Rejection, true),
    (Damage, true),
    (FlowOverrides, true),
    (Gate, true),
    (Proof, false),
    (Signer, false),
];
const INTROSPECTION: &[(Fault, bool)] =
    &[(Outage, true), (Rejection, true), (Damage, true), (FlowOverrides, true), (Gate, true), (Signer, false)];
const POLL: &[(Fault, bool)] = &[
    (Outage, true),
    (Rejection, true),
    (Damage, true),
    (FlowOverrides, false),
    (Gate, true),
    (Proof, true),
    (Signer, true),
];
const REVOCATION: &[(Fault, bool)] = &[(Outage, true), (Rejection, true), (Damage, true)];
const DEVICE: &[(Fault, bool)] = &[(Outage, true), (Rejection, true), (FlowOverrides, false)];
const PUSH: &[(Fault, bool)] = &[(Outage, true), (Rejection, true), (FlowOverrides, false), (Proof, false)];

/// The number of requests of [`Bench::asked`].
const REQUESTS: usize = 10;

struct Bench {
    server: Server,
    fault: Arc<Mutex<Option<Fault>>>,
    issuer: StubIssuer,
    verifier: StubVerifier,
}

impl Bench {
    fn new() -> Self {
        let flows = [
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
            GrantType::Password,
            GrantType::DeviceCode,
            GrantType::TokenExchange,
        ];
        let config = Config::default().with_client(APP, |client| client.with_grant_types(flows.clone()));
        let (fault, issuer, verifier) = (Arc::default(), StubIssuer::default(), StubVerifier::default());
        let rows = Rows { clients: config.registry(), fault: Arc::clone(&fault) };
        let service = TokenService::builder(
            config.store.clone(),
            rows,
            KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
        )
        .policy(Policy::default().with_access_token_format(AccessTokenFormat::Jwt))
        .clock(config.clock.clone())
        .gate(config.gate.clone())
        .events(config.events.clone())
        .jwt_issuer(issuer.clone())
        .proof_verifier(verifier.clone())
        .build()
        .unwrap();
        let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
            .unwrap()
            .with_approver(GrantType::Password, fixtures::Passwords)
            .with_paths(Paths {
                authorization: Some("/authorize".to_owned()),
                device_verification: Some("/device".to_owned()),
                ..Paths::default()
            })
            .with_token_exchange();
        Self { server: Server { endpoints, config }, fault, issuer, verifier }
    }

    /// One request of every kind, each of which succeeds when nothing is wrong.
    async fn asked(&self) -> [Asked; REQUESTS] {
        let service = self.server.service();
        let tokens = self.server.sign_in(APP).await;
        let code = self.server.code_for(APP, |request| request.with_code_challenge(Some(challenge(VERIFIER)))).await;
        let device = self.server.post(Endpoint::DeviceAuthorization, APP, &[]).await;
        let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
        let user_code = UserCode::parse(device.text("user_code")).unwrap();
        service.approve_device(&user_code, approval).await.unwrap();
        let access_token = "urn:ietf:params:oauth:token-type:access_token";
        let asked = |endpoint, operation, form: &[(&'static str, &str)], meets| {
            let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            Asked { endpoint, operation, form, meets }
        };
        let token = |operation, flow, form: &[(&'static str, &str)], meets| {
            asked(Endpoint::Token, operation, &[&[("grant_type", flow)], form].concat(), meets)
        };
        let redeem = [("code", &*code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
        let sign_in = [("username", USER), ("password", PASSWORD)];
        let exchange = [("subject_token", &*tokens.access), ("subject_token_type", access_token)];
        let flow = "urn:ietf:params:oauth:grant-type:";
        [
            token(Operation::Redeem, "authorization_code", &redeem, EXCHANGED),
            token(Operation::Refresh, "refresh_token", &[("refresh_token", &tokens.refresh)], EXCHANGED),
            token(Operation::Issue, "client_credentials", &[], ISSUE),
            token(Operation::Issue, "password", &sign_in, PASSWORD_FLOW),
            token(Operation::Poll, &format!("{flow}device_code"), &[("device_code", device.text("device_code"))], POLL),
            token(Operation::Exchange, &format!("{flow}token-exchange"), &exchange, TOKEN_EXCHANGE),
            asked(Endpoint::Introspection, Operation::Introspect, &[("token", &tokens.access)], INTROSPECTION),
            asked(Endpoint::Revocation, Operation::Revoke, &[("token", &tokens.refresh)], REVOCATION),
            asked(Endpoint::DeviceAuthorization, Operation::AuthorizeDevice, &[], DEVICE),
            asked(
                Endpoint::PushedAuthorizationRequest,
                Operation::PushAuthorizationRequest,
                &[("response_type", "code"), ("redirect_uri", REDIRECT)],
                PUSH,
            ),
        ]
    }

    fn suffer(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
        match fault {
            Outage => self.server.store().set_down(true),
            Rejection => self.server.store().reject(),
            Damage => self.server.store().overwrite_all(|_, record| GrantRecord { payload: [7; 9].into(), ..record }),
            Gate => self.server.config.gate.set(GateState::Broken),
            Proof => self.verifier.set_down(true),
            Signer => self.issuer.set_down(true),
            Directory | Overrides | FlowOverrides | Approver => {}
        }
    }

    async fn ask(&self, asked: &Asked) -> Reply {
        let is_approver_down = *self.fault.lock().unwrap() == Some(Approver);
        let value = |name, value| if is_approver_down && name == "password" { "unreachable" } else { value };
        let form: Vec<(&str, &str)> =
            asked.form.iter().map(|(name, own)| (*name, value(*name, own.as_str()))).collect();
        let proof = StubVerifier::proof("A");
        let mut headers: Vec<(&str, &[u8])> = vec![("accept", b"application/token-introspection+jwt")];
        if matches!(asked.endpoint, Endpoint::Token | Endpoint::PushedAuthorizationRequest) {
            headers.push(("DPoP", proof.as_bytes()));
        }
        self.server.post_with(asked.endpoint, APP, &form, &headers, None).await
    }
}

#[tokio::test]
async fn every_5xx_names_port_cause_and_grant_to_the_host_and_nothing_to_the_client() {
    for fault in FAULTS {
        for number in 0..REQUESTS {
            let bench = Bench::new();
            let asked = &bench.asked().await[number];
            bench.suffer(fault);
            bench.server.config.events.take();
            let reply = bench.ask(asked).await;
            let events = bench.server.config.events.take();
            let what = format!("{fault:?}, {:?} {:?}: {reply:?} {events:#?}", asked.operation, asked.form.first());

            // Those two fail before the request is looked at.
            let met = match fault {
                Directory | Overrides => Some((Operation::Authenticate, false)),
                _ => asked.meets.iter().find(|(own, _)| *own == fault).map(|(_, known)| (asked.operation, *known)),
            };
            let failures: Vec<&OwnedEvent> = events.iter().filter(|event| event.failure.is_some()).collect();
            let Some((operation, is_grant_known)) = met else {
                assert!(matches!(reply.status(), 200 | 201) && failures.is_empty(), "{what}");
                continue;
            };
            let (kind, port, cause) = fault.told();
            let [event] = failures[..] else { panic!("one event: {what}") };
            let failure = event.failure.as_ref().unwrap();
            assert_eq!((event.kind, event.operation, failure.port), (kind, operation, port), "{what}");
            assert!(failure.chain.last().unwrap().contains(cause), "{what}");
            assert_eq!(event.grant_id.is_some(), is_grant_known, "{what}");
            assert_eq!(failure.is_transient, fault.is_transient(), "{what}");
            let expected = if fault.is_transient() { (503, "temporarily_unavailable") } else { (500, "server_error") };
            assert_eq!(reply.outcome(), expected, "{what}");
            assert_eq!(reply.header("retry-after").is_some(), fault.is_transient(), "{what}");
            assert!(!reply.text("error_description").contains("consumed"), "{what}");
            assert!(!String::from_utf8_lossy(&reply.response.body).contains(cause), "{what}");
        }
    }
}

// The marks of used proofs and assertions lie in a store too, and a host's gate may ask one.
#[test]
fn what_a_store_rejects_is_no_outage_whichever_port_it_was_behind() {
    let rejected = || StoreError::rejected("no such table: marks");
    for error in [
        TokenError::Store(rejected()),
        TokenError::Gate(rejected().into()),
        TokenError::Proof(rejected().into()),
        TokenError::Sign(Unavailable::new(rejected())),
        TokenError::Approver(rejected().into()),
        TokenError::Authenticator(AuthenticateError::unavailable(rejected())),
    ] {
        assert_eq!((error.is_transient(), error.code().status()), (false, 500), "{error:?}");
    }
    for error in [
        TokenError::Store(StoreError::unavailable("down")),
        TokenError::Gate(StoreError::unavailable("down").into()),
        TokenError::Gate(Unavailable::new("down")),
        TokenError::Contended,
    ] {
        assert_eq!((error.is_transient(), error.code().status()), (true, 503), "{error:?}");
    }
}

#[test]
fn a_refusal_is_transient_only_when_a_retry_may_succeed() {
    assert!(TokenError::Refused(Refusal::ClockBehind).is_transient());
    assert!(!TokenError::Refused(Refusal::CodeExpired).is_transient());
}

#[tokio::test]
async fn calls_of_the_host_itself_say_why_they_fail() {
    let bench = Bench::new();
    let service = bench.server.service();
    let tokens = bench.server.sign_in(APP).await;
    let user_code = bench.server.post(Endpoint::DeviceAuthorization, APP, &[]).await;
    let user_code = UserCode::parse(user_code.text("user_code")).unwrap();
    let owner = regrant::store::GrantOwner::Subject(subject(USER));
    let grant_id = service.grants(&owner, None, 1).await.unwrap().grants[0].id;
    bench.suffer(Rejection);
    bench.server.config.events.take();
    let approval = Approval::of(subject(USER));
    let request = regrant::AuthorizeRequest::new(approval.clone()).with_redirect_uri(Some(REDIRECT.parse().unwrap()));
    let app = AuthenticatedClient::assertion(fixtures::client(APP).into());
    assert!(service.authorize(&app, request).await.is_err());
    assert!(service.device(&user_code).await.is_err());
    assert!(service.approve_device(&user_code, approval).await.is_err());
    assert!(service.deny_device(&user_code).await.is_err());
    assert!(service.revoke_grant(grant_id).await.is_err());
    assert!(service.grants(&owner, None, 1).await.is_err());
    assert!(service.revoke_subject(&subject(USER)).await.is_err());
    assert!(service.revoke_client(&app.id).await.is_err());
    let told: Vec<_> = bench.server.config.events.take();
    let operations: Vec<Operation> = told.iter().map(|event| event.operation).collect();
    let decide = Operation::DecideDevice;
    let revoke = Operation::RevokeGrant;
    assert_eq!(operations, [Operation::Authorize, decide, decide, decide, revoke, Operation::Grants, revoke, revoke]);
    for event in told {
        let failure = event.failure.unwrap();
        assert_eq!((event.kind, failure.port, failure.is_transient), (EventKind::Rejected, Port::Store, false));
        let chain = ["the store rejected the operation", "permission denied for table grants"];
        assert_eq!(failure.chain, chain, "{:?}", event.operation);
    }
    drop(tokens);
}
