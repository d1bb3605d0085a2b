//! The authorization server tests of the OpenID Foundation's plan for the FAPI 2.0 Security Profile (`private_key_jwt`,
//! DPoP), and those of FAPI 2.0 Message Signing about signed requests. `docs/coverage.md` names the modules.

mod assertions;
mod authorization;
mod pushed;
mod signed;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fixtures::{CHALLENGE, VERIFIER};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{Clock as _, ManualClock};
use regrant::policy::AccessTokenFormat;
use regrant::wire::{Ask, AuthorizationError, AuthorizationRequest, Endpoint, Endpoints, Paths, Request, Response};
use regrant::{
    AccessToken, Approval, Client, ClientRegistry, GrantType, Issuer, KeyRing, MemoryStore, Policy, RedirectUri,
    Subject, SystemEntropy, TokenService,
};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::dpop::DpopKey;
use regrant_jose::request_object::RequestObjects;
use regrant_jose::resource_server::{Denial, VerifiedToken};
use regrant_jose::{
    Algorithm, DpopVerifier, JwkSet, JwtTokens, JwtVerifier, KeySet, KeySource, PrivateKey, ResourceServer,
};
use serde_json::Value;

use crate::support::{self, ISSUER, client_id, key};

const RESOURCE: &str = "https://api.example";
const REDIRECT: &str = "https://app.example/cb";
const PAR: &str = "/oauth2/par";
const TOKEN: &str = "/oauth2/token";

/// The parameters of a request without a fault.
const ASKED: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("redirect_uri", REDIRECT),
    ("scope", "openid accounts"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("state", "af0ifjsldkj"),
];

/// A client with its two keys.
struct Party {
    id: &'static str,
    signer: Arc<PrivateKey>,
    key: ClientKey,
    dpop: DpopKey,
}

/// An authorization server under `Policy::fapi2()`, an API, and two clients, as the suite wants them.
struct Plan {
    clock: ManualClock,
    endpoints: Endpoints<MemoryStore>,
    api: ResourceServer,
    first: Party,
    second: Party,
}

type Answer = (u16, Value);

impl Plan {
    fn start() -> Self {
        Self::with(|client| client)
    }

    fn with(configure: impl Fn(Client) -> Client) -> Self {
        let clock = support::clock();
        let (first, second) = (Party::new("first"), Party::new("second"));
        let used = Arc::new(MemoryStore::new());
        let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), used.clone())
            .with_issuer_as_only_audience();
        let mut clients = ClientRegistry::new();
        for party in [&first, &second] {
            let verifier = assertions.private_key_jwt(party.keys()).with_algorithms([Algorithm::Es256]);
            clients = clients.register_with_verifier(configure(party.registered()), Arc::new(verifier)).unwrap();
        }
        let keys = KeySet::new(key(Algorithm::Es256), Duration::from_secs(3600)).unwrap();
        let published = keys.public_keys(clock.now());
        let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
            .policy(Policy::fapi2().with_access_token_format(AccessTokenFormat::Jwt))
            .clock(clock.clone())
            .proof_verifier(DpopVerifier::new(used))
            .jwt_issuer(JwtTokens::new(Issuer::from_static(ISSUER), keys))
            .build()
            .unwrap();
        let sources = [&first, &second].map(|party| (client_id(party.id), KeySource::from(party.keys())));
        let request_objects =
            RequestObjects::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), HashMap::from(sources))
                .with_algorithms([Algorithm::Es256])
                .with_nbf_required();
        let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER))
            .unwrap()
            .with_paths(Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() })
            .with_request_objects(request_objects);
        let verifier = JwtVerifier::new(ISSUER, RESOURCE, published);
        let api = ResourceServer::new(RESOURCE, verifier, Arc::new(clock.clone()))
            .with_dpop(DpopVerifier::new(Arc::new(MemoryStore::new())))
            .with_bound_tokens_only();
        Self { clock, endpoints, api, first, second }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn assertion(&self, party: &Party) -> String {
        let assertion = party.key.assertion(ISSUER).sign(self.clock.now(), &SystemEntropy).await.unwrap();
        assertion.expose().to_owned()
    }

    async fn proof(&self, key: &DpopKey, path: &str) -> String {
        let url = format!("{ISSUER}{path}");
        key.proof("POST", &url).sign(self.clock.now(), &SystemEntropy).await.unwrap()
    }

    /// Posts a form as it is.
    async fn post(&self, path: &str, form: &[(&str, &str)], proof: Option<&str>) -> Answer {
        let endpoint = if path == PAR { Endpoint::PushedAuthorizationRequest } else { Endpoint::Token };
        let body = fixtures::form(form);
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
        headers.extend(proof.map(|proof| ("dpop", proof.as_bytes())));
        let response = self.endpoints.handle(endpoint, &Request::new("POST", path, &headers, body.as_bytes())).await;
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    /// Posts a form with an assertion of the client.
    async fn post_as(&self, party: &Party, path: &str, form: &[(&str, &str)], proof: Option<&str>) -> Answer {
        let assertion = self.assertion(party).await;
        self.post(path, &[form, &credentials(&assertion)].concat(), proof).await
    }

    async fn push(&self, party: &Party, parameters: &[(&str, &str)]) -> Answer {
        self.post_as(party, PAR, &[parameters, &[("client_id", party.id)]].concat(), None).await
    }

    /// The `request_uri` of a request without a fault.
    async fn pushed(&self, party: &Party, parameters: &[(&str, &str)]) -> String {
        let (status, answer) = self.push(party, parameters).await;
        assert_eq!(status, 201, "{answer}");
        answer["request_uri"].as_str().unwrap().to_owned()
    }

    /// Opens the authorization endpoint in a browser.
    async fn visit(&self, query: &[(&str, &str)]) -> Result<Ask<MemoryStore>, AuthorizationError> {
        let query = fixtures::form(query);
        let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
        self.endpoints.ask(&AuthorizationRequest::read(&request, self.endpoints.body_limit())).await
    }

    async fn visit_pushed(&self, party: &Party, request_uri: &str) -> Result<Ask<MemoryStore>, AuthorizationError> {
        self.visit(&[("client_id", party.id), ("request_uri", request_uri)]).await
    }

    /// The parameters in the answer to a user who approves.
    async fn approved(&self, party: &Party, request_uri: &str) -> BTreeMap<String, String> {
        let ask = self.visit_pushed(party, request_uri).await.unwrap();
        let approval =
            Approval::of(Subject::new("demo").unwrap()).with_authentication(self.clock.now(), None, Vec::new());
        redirected(&ask.approve(approval).await.unwrap())
    }

    async fn code(&self, party: &Party, parameters: &[(&str, &str)]) -> String {
        let request_uri = self.pushed(party, parameters).await;
        self.approved(party, &request_uri).await["code"].clone()
    }

    async fn redeem(&self, party: &Party, code: &str) -> Answer {
        let proof = self.proof(&party.dpop, TOKEN).await;
        self.post_as(party, TOKEN, &redemption(code), Some(&proof)).await
    }

    /// Calls the API with the scheme and the key.
    async fn call(&self, scheme: &str, token: &str, key: &DpopKey) -> Result<VerifiedToken, Denial> {
        let (access_token, url) = (AccessToken::new(token), format!("{RESOURCE}/accounts"));
        let proof = key.proof("GET", &url).with_access_token(&access_token);
        let proof = proof.sign(self.clock.now(), &SystemEntropy).await.unwrap();
        let authorization = format!("{scheme} {token}");
        let headers = [("authorization", authorization.as_bytes()), ("dpop", proof.as_bytes())];
        self.api.authenticate(&Request::new("GET", "/accounts", &headers, b"")).await.map(|request| request.token)
    }
}

impl Party {
    fn new(id: &'static str) -> Self {
        let signer = Arc::new(key(Algorithm::Es256).with_kid(format!("{id}-1")));
        let key = ClientKey::new(client_id(id), Arc::clone(&signer)).unwrap();
        Self { id, signer, key, dpop: DpopKey::new(support::key(Algorithm::Es256)).unwrap() }
    }

    fn keys(&self) -> JwkSet {
        JwkSet::from_iter([self.key.public_key()])
    }

    fn registered(&self) -> Client {
        support::client(self.id, ClientAuthenticationMethod::PrivateKeyJwt)
            .with_redirect_uris([RedirectUri::new(REDIRECT).unwrap()])
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
            .with_scope("openid accounts payments".parse().unwrap())
            .with_resources([RESOURCE.parse().unwrap()].into_iter().collect())
    }
}

fn credentials(assertion: &str) -> [(&str, &str); 2] {
    [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]
}

/// [`ASKED`] with `name` set to `value`, or without it.
fn asked<'a>(name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    assert!(ASKED.iter().any(|(own, _)| *own == name), "{name}");
    let others = ASKED.into_iter().filter(|(own, _)| *own != name);
    others.chain(value.map(|value| (name, value))).collect()
}

/// The parameters of a redirection to the client, which always names the issuer (RFC 9207).
fn redirected(response: &Response) -> BTreeMap<String, String> {
    assert_eq!(response.status, 303, "{response:?}");
    let (_, location) = response.headers.iter().find(|(name, _)| *name == "location").expect("a location");
    let query = location.strip_prefix(REDIRECT).and_then(|rest| rest.strip_prefix('?')).expect("the registered URI");
    let parameters: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(parameters["iss"], ISSUER);
    parameters
}

/// The error that the user is shown, because there is nobody else to tell.
fn shown(outcome: Result<Ask<MemoryStore>, AuthorizationError>) -> &'static str {
    match outcome {
        Ok(_) => panic!("the request is accepted"),
        Err(AuthorizationError::Show(fault)) => fault.code().as_str(),
        Err(redirect @ AuthorizationError::Redirect { .. }) => panic!("{redirect}"),
    }
}

fn error(answer: &Answer) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}
