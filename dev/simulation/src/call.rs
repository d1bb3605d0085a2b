//! One request of an actor, as the bytes that a node gets, and the reply.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fixtures::{CHALLENGE, REDIRECT, VERIFIER, basic, form};
use regrant::device::UserCode;
use regrant::wire::{AuthorizationRequest, Endpoint, Request, Response};
use regrant::{Approval, AuthorizeRequest, TokenError};
use serde_json::{Value, json};

use crate::node::{CLIENTS, Node, user};
use crate::world::World;

/// The party that sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Owner(usize),
    Thief(usize),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(number) => write!(f, "owner {number}"),
            Self::Thief(number) => write!(f, "thief {number}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The host's authorization endpoint: the user has approved.
    Authorize,
    /// The client pushes its authorization request.
    Push,
    /// The browser brings the reference of a pushed request to the host's authorization endpoint.
    Visit,
    /// The same, and the user approves.
    Approve,
    Redeem,
    Password,
    ClientCredentials,
    AuthorizeDevice,
    /// The host's page for user codes.
    ApproveDevice,
    /// The host ends all grants of a user.
    RevokeSubject,
    Poll,
    Refresh,
    Exchange,
    Introspect,
    Revoke,
}

/// The credentials of a request: a client by its number, and its secret or another text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credentials {
    pub(crate) client: usize,
    pub(crate) has_secret: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) by: Party,
    pub(crate) node: usize,
    pub(crate) what: What,
    pub(crate) credentials: Credentials,
    /// The presented token, code, user code or `request_uri`.
    pub(crate) token: String,
    /// The key of the DPoP proof, and the number of the proof.
    pub(crate) proof: Option<(char, u64)>,
    pub(crate) has_verifier: bool,
    pub(crate) is_narrow: bool,
    /// The response never reaches its client.
    pub(crate) is_lost: bool,
    /// The owner of the approval, for the calls of the host.
    pub(crate) owner: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The time at which the node began to work, and the time at which it had the answer.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Reply {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.body.get("active") == Some(&Value::Bool(true))
    }
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Reply> + Send>>;

impl Call {
    pub(crate) fn is_right_client(&self, client: usize) -> bool {
        self.credentials.client == client && (self.credentials.has_secret || !CLIENTS[client].is_confidential)
    }

    pub(crate) const fn key(&self) -> Option<char> {
        match self.proof {
            Some((key, _)) => Some(key),
            None => None,
        }
    }

    /// Sends the request, which is `way` milliseconds on the network.
    pub(crate) fn start(self, node: Arc<Node>, world: World, way: i64) -> Answering {
        Box::pin(async move {
            world.sleep(way).await;
            let from = world.now();
            let (status, body) = match self.what {
                What::Authorize => self.authorize(&node).await,
                What::Visit | What::Approve => self.visit(&node, &world).await,
                What::ApproveDevice => self.approve_device(&node).await,
                What::RevokeSubject => {
                    let revoked = node.endpoints.service().revoke_subject(&user(self.owner)).await;
                    outcome(revoked.map(|_| json!({})))
                }
                _ => self.request(&node).await,
            };
            Reply { status, body, from, to: world.now() }
        })
    }

    async fn authorize(&self, node: &Node) -> (u16, Value) {
        let Some(client) = node.client(self.credentials.client) else { return (400, Value::Null) };
        let approval = Approval::of(user(self.owner)).with_scope(fixtures::scope(fixtures::SCOPE));
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(Some(redirect_uri()))
            .with_code_challenge(self.has_verifier.then(|| fixtures::challenge(VERIFIER)));
        let code = node.endpoints.service().authorize(client, request).await;
        outcome(code.map(|code| json!({ "code": code.code.expose() })))
    }

    /// Nothing beside the client and the reference counts.
    async fn visit(&self, node: &Node, world: &World) -> (u16, Value) {
        let client = CLIENTS[self.credentials.client].id;
        let query = form(&[("client_id", client), ("request_uri", &self.token), ("state", "beside")]);
        let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
        let answered = match node.endpoints.ask(&AuthorizationRequest::read(&request, 0)).await {
            Ok(_) if self.what == What::Visit => return (200, json!({})),
            Ok(ask) => {
                world.begin_another_call();
                ask.approve(Approval::of(user(self.owner))).await
            }
            Err(error) => Err(error),
        };
        match answered {
            Ok(response) => (200, json!({ "code": code(&response) })),
            Err(error) => (error.code().status(), json!({ "error": error.code().as_str() })),
        }
    }

    async fn approve_device(&self, node: &Node) -> (u16, Value) {
        let Ok(user_code) = UserCode::parse(&self.token) else { return (400, Value::Null) };
        let service = node.endpoints.service();
        let device = match service.device(&user_code).await {
            Ok(Some(device)) => device,
            Ok(None) => return (400, Value::Null),
            Err(error) => return outcome(Err(error)),
        };
        let approval = Approval::of(user(self.owner)).with_scope(device.approval.scope);
        outcome(service.approve_device(&user_code, approval).await.map(|_| json!({})))
    }

    async fn request(&self, node: &Node) -> (u16, Value) {
        let client = &CLIENTS[self.credentials.client];
        let secret = if self.credentials.has_secret { client.secret } else { "a-wrong-secret-of-some-length" };
        let (endpoint, mut parameters) = self.parameters();
        let authorization = client.is_confidential.then(|| basic(client.id, secret));
        if !client.is_confidential {
            parameters.push(("client_id", client.id));
        }
        let proof = self.proof.map(|(key, number)| format!("{key}.{number}"));
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
        headers.extend(authorization.as_ref().map(|value| ("authorization", value.as_bytes())));
        headers.extend(proof.as_ref().map(|value| ("dpop", value.as_bytes())));
        let body = form(&parameters);
        let request = Request::new("POST", "/", &headers, body.as_bytes());
        let response = node.endpoints.handle(endpoint, &request).await;
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    fn parameters(&self) -> (Endpoint, Vec<(&str, &str)>) {
        let token = self.token.as_str();
        let (endpoint, mut parameters) = match self.what {
            What::Refresh => (Endpoint::Token, vec![("grant_type", "refresh_token"), ("refresh_token", token)]),
            What::Redeem => (
                Endpoint::Token,
                vec![("grant_type", "authorization_code"), ("code", token), ("redirect_uri", REDIRECT)],
            ),
            What::Push => (
                Endpoint::PushedAuthorizationRequest,
                vec![
                    ("response_type", "code"),
                    ("redirect_uri", REDIRECT),
                    ("code_challenge", CHALLENGE),
                    ("code_challenge_method", "S256"),
                ],
            ),
            What::Password => (
                Endpoint::Token,
                vec![("grant_type", "password"), ("username", fixtures::USER), ("password", fixtures::PASSWORD)],
            ),
            What::ClientCredentials => (Endpoint::Token, vec![("grant_type", "client_credentials")]),
            What::AuthorizeDevice => (Endpoint::DeviceAuthorization, vec![("scope", "read write")]),
            What::Poll => (
                Endpoint::Token,
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", token)],
            ),
            What::Exchange => (
                Endpoint::Token,
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                    ("subject_token", token),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ],
            ),
            What::Introspect => (Endpoint::Introspection, vec![("token", token)]),
            What::Revoke => (Endpoint::Revocation, vec![("token", token)]),
            What::Authorize | What::Visit | What::Approve | What::ApproveDevice | What::RevokeSubject => {
                (Endpoint::Metadata, Vec::new())
            }
        };
        if self.what == What::Redeem && self.has_verifier {
            parameters.push(("code_verifier", VERIFIER));
        }
        if self.is_narrow {
            parameters.push(("scope", "read"));
        }
        (endpoint, parameters)
    }
}

/// The code in the answer that the browser carries to the client.
fn code(response: &Response) -> Option<&str> {
    let (_, location) = response.headers.iter().find(|(name, _)| *name == "location")?;
    location.split(['?', '&']).find_map(|part| part.strip_prefix("code="))
}

fn redirect_uri() -> regrant::RedirectUri {
    REDIRECT.parse().expect("the URI of the fixtures is valid")
}

fn outcome(result: Result<Value, TokenError>) -> (u16, Value) {
    match result {
        Ok(body) => (200, body),
        Err(error) => (error.code().status(), json!({ "error": error.code().as_str() })),
    }
}
