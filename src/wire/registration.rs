//! Dynamic client registration (RFC 7591): a stranger describes a client, and gets an id and perhaps a secret.
//!
//! A registration gives no access by itself. Users decide about each client at the authorization endpoint. The dangers
//! are others: a redirection URI that runs a script, a name that looks like that of another app, a scope that no
//! stranger should ask for, and a table that grows without end. The [rules](crate::client::RegistrationRules) and the
//! limits here are against these.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

use super::failure::{self, Failure};
use super::user_info::authorization;
use super::{Endpoint, Endpoints, MalformedRequest, Request, Response};
use crate::client::{AuthenticationMethods, Client, ClientAuthenticationMethod, ClientKeys, RegistrationRules};
use crate::outcome::{ErrorCode, Operation};
use crate::ports::authenticator::{ClientStore, Rate, RegisteredClient, SecretHash};
use crate::ports::host::{AttemptKind, AttemptOutcome};
use crate::ports::store::TokenStore;
use crate::vocabulary::{
    ClientId, ClientSecret, GrantType, RedirectUri, Scope, SecretBytes, Timestamp, TokenType, draw, json_object,
};

/// The maximum length of a registration, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Dynamic client registration (RFC 7591), for [`Endpoints::with_registration`]. Clients are put into a directory, in
/// which the authenticator of the service finds them.
///
/// Without an [initial access token](Self::with_initial_access_token) anyone can register: the registration is open.
/// The name of such a client is its own word. Show the host of the redirection URI beside it when a user is asked.
///
/// ```
/// use regrant::authenticator::{DirectoryAuthenticator, MemoryClients};
/// use regrant::client::RegistrationRules;
/// use regrant::wire::{ClientRegistration, Endpoints, Handler, Request};
/// use regrant::{Client, ClientId, GrantType, Issuer, KeyRing, MemoryStore, Scope, SystemEntropy, TokenService};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let clients = MemoryClients::new();
/// let keys = KeyRing::generate(&SystemEntropy);
/// let authenticator = DirectoryAuthenticator::new(clients.clone());
/// let service = TokenService::builder(MemoryStore::new(), authenticator, keys).build()?;
/// let most = Client::new(ClientId::from_static("most"))
///     .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
///     .with_scope(Scope::from_static("tools"));
/// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?
///     .with_registration(ClientRegistration::new(clients, RegistrationRules::within(most)));
///
/// let body = br#"{ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none" }"#;
/// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
/// let response = endpoints.respond(&Request::new("POST", "/oauth2/register", &headers, body)).await;
/// assert_eq!(response.status, 201);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientRegistration {
    clients: Box<dyn ClientStore>,
    rules: RegistrationRules,
    initial_access_token: Option<SecretHash>,
    rate: Rate,
}

impl ClientRegistration {
    /// Puts clients within `rules` into `clients`.
    #[must_use]
    pub fn new(clients: impl ClientStore + 'static, rules: RegistrationRules) -> Self {
        Self { clients: Box::new(clients), rules, initial_access_token: None, rate: Rate::per_minute(60) }
    }

    /// Demands a bearer token with each registration (RFC 7591 section 1.2, initial access token). The token is made
    /// and given out by the host; here is its hash. Default none: anyone may register.
    #[must_use]
    pub fn with_initial_access_token(mut self, token: impl Into<Option<SecretHash>>) -> Self {
        self.initial_access_token = token.into();
        self
    }

    /// Returns the scope that clients may get, for the metadata.
    pub(super) const fn scope(&self) -> &Scope {
        self.rules.scope()
    }

    /// Sets the maximum number of new clients in a minute, for all senders and on this node. Default 60. Further ones
    /// get 429 with `Retry-After`, and the event is `RateLimited`.
    #[must_use]
    pub fn with_most_per_minute(mut self, most: u32) -> Self {
        self.rate = Rate::per_minute(most);
        self
    }
}

impl fmt::Debug for ClientRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRegistration").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl<S> Endpoints<S> {
    /// Serves dynamic client registration (RFC 7591) at [`Paths::registration`](super::Paths::registration), and
    /// announces it (`registration_endpoint`). Default: not served.
    #[must_use]
    pub fn with_registration(mut self, registration: impl Into<Option<ClientRegistration>>) -> Self {
        self.registration = registration.into();
        self
    }
}

impl<S: TokenStore> Endpoints<S> {
    /// Registers a client. The order of the checks: the method, the initial access token, the form, the rules, the
    /// limit. A refused registration stores nothing.
    pub(super) async fn register(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let registration = self.registration.as_ref().ok_or(MalformedRequest::UnknownEndpoint)?;
        if request.method != "POST" {
            return Err(MalformedRequest::Method(Endpoint::Registration.methods()).into());
        }
        if let Some(expected) = &registration.initial_access_token {
            self.check_initial_access_token(expected, request).await?;
        }
        let document = json_object(json_body(request)?).ok_or(MalformedRequest::Json)?;
        let id: [u8; 16] = draw(self.service.entropy());
        let id = ClientId::new(URL_SAFE_NO_PAD.encode(id)).map_err(|_| MalformedRequest::ClientId)?;
        let client = registration.rules.judge(id, &document)?;
        let now = self.service.now();
        let fail = |cause| self.service.fail_registration(cause, request.peer);
        registration.rate.take(now).map_err(|exceeded| fail(exceeded.into()))?;
        let secret = has_secret(&client).then(|| self.new_secret());
        // The rules admit only clients whose credentials fit.
        let registered = RegisteredClient::new(client, secret.iter().map(SecretHash::sha256))
            .map_err(|_| MalformedRequest::ClientMetadata("token_endpoint_auth_method"))?;
        registration.clients.put(&registered).await.map_err(fail)?;
        let client = registered.client();
        self.service.report_registration(&client.id);
        Ok(Response::json(201, &Registered::of(client, secret.as_ref(), now)))
    }

    async fn check_initial_access_token(&self, expected: &SecretHash, request: &Request<'_>) -> Result<(), Failure> {
        let presented = match authorization(request)? {
            Some((TokenType::Bearer, token)) => ClientSecret::new(token.expose()),
            _ => return Err(MalformedRequest::NoAccessToken.into()),
        };
        let permit =
            self.service.permit(Operation::RegisterClient, AttemptKind::Registration, None, request.peer).await?;
        let is_right = expected.verify(&presented).await;
        permit.settle(if is_right { AttemptOutcome::Right } else { AttemptOutcome::Wrong }).await;
        if is_right {
            return Ok(());
        }
        self.service.refuse_registration();
        Err(Failure::Code(ErrorCode::InvalidToken))
    }

    /// Draws a secret of 256 bits, in characters that every client library encodes in the same way.
    fn new_secret(&self) -> ClientSecret {
        let secret: Box<SecretBytes<32>> = Box::new(SecretBytes::random(self.service.entropy()));
        ClientSecret::new(URL_SAFE_NO_PAD.encode(**secret))
    }
}

/// Returns the response to a refused registration (RFC 7591 section 3.2.2). A refused initial access token has the
/// challenge of a protected resource (RFC 6750 section 3).
pub(super) fn registration_error(failure: Failure, request: &Request<'_>) -> Response {
    match failure {
        Failure::Malformed(MalformedRequest::NoAccessToken) => {
            let response = failure::described(401, ErrorCode::InvalidToken, "The initial access token is missing.");
            response.with_header("www-authenticate", "Bearer realm=\"oauth2\"")
        }
        Failure::Code(ErrorCode::InvalidToken) => failure::error(ErrorCode::InvalidToken)
            .with_header("www-authenticate", "Bearer realm=\"oauth2\", error=\"invalid_token\""),
        failure => failure.response(Endpoint::Registration, request),
    }
}

/// Returns the body of a request with JSON (RFC 7591 section 3.1).
fn json_body<'a>(request: &Request<'a>) -> Result<&'a [u8], MalformedRequest> {
    let mut content_types = request.header("content-type");
    let is_json = |content_type: &[u8]| {
        let media = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
        media.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    match (content_types.next(), content_types.next()) {
        (Some(content_type), None) if is_json(content_type) => {}
        _ => return Err(MalformedRequest::JsonContentType),
    }
    let body = request.body?;
    if body.len() > MAX_LENGTH { Err(MalformedRequest::TooLarge) } else { Ok(body) }
}

fn has_secret(client: &Client) -> bool {
    use ClientAuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
    [ClientSecretBasic, ClientSecretPost].iter().any(|method| client.authentication_methods.contains(*method))
}

/// The client information response (RFC 7591 section 3.2.1): all registered metadata, so that a client sees which of
/// its wishes were not granted. The secret is here and nowhere else.
#[derive(Serialize)]
struct Registered<'a> {
    client_id: &'a ClientId,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// 0: the secret does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
    redirect_uris: &'a [RedirectUri],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    post_logout_redirect_uris: &'a [RedirectUri],
    grant_types: &'a [GrantType],
    response_types: &'static [&'static str],
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

impl<'a> Registered<'a> {
    fn of(client: &'a Client, secret: Option<&'a ClientSecret>, now: Timestamp) -> Self {
        let has_codes = client.grant_types.contains(&GrantType::AuthorizationCode);
        Self {
            client_id: &client.id,
            client_id_issued_at: now.as_secs(),
            client_secret: secret.map(ClientSecret::expose),
            client_secret_expires_at: secret.map(|_| 0),
            client_name: client.name.as_deref(),
            token_endpoint_auth_method: match client.authentication_methods {
                AuthenticationMethods::Secret => ClientAuthenticationMethod::ClientSecretBasic.as_str(),
                AuthenticationMethods::Only(method) => method.as_str(),
            },
            token_endpoint_auth_signing_alg: client.assertion_algorithm.as_deref(),
            jwks: client.keys.as_ref().and_then(ClientKeys::jwks),
            jwks_uri: client.keys.as_ref().and_then(ClientKeys::jwks_uri),
            redirect_uris: &client.redirect_uris,
            post_logout_redirect_uris: &client.post_logout_redirect_uris,
            grant_types: &client.grant_types,
            response_types: if has_codes { &["code"] } else { &[] },
            scope: client.scope.as_str(),
        }
    }
}
