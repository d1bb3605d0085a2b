use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::credentials::credentials;
use super::{MalformedRequest, Request, Response, body, form, metadata};
use crate::approver::{ApproveError, ApproveRequest, GrantApprover};
use crate::authenticator::{AuthenticatedClient, ClientCredentials};
use crate::engine::{IssueRequest, RedeemRequest, RefreshRequest, TokenResponse};
use crate::error_code::ErrorCode;
use crate::grant::Approval;
use crate::grant_type::GrantType;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::resource::{Resource, Resources};
use crate::scope::Scope;
use crate::service::{TokenError, TokenService};
use crate::store::TokenStore;

/// The endpoints that [`Endpoints`] serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
    /// The revocation endpoint (RFC 7009).
    Revocation,
    /// The introspection endpoint (RFC 7662).
    Introspection,
    /// Authorization server metadata (RFC 8414).
    Metadata,
}

/// Where the endpoints are, each an absolute path behind the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "hosts fill it in")]
pub struct Paths {
    /// The token endpoint.
    pub token: String,
    /// The revocation endpoint.
    pub revocation: String,
    /// The introspection endpoint.
    pub introspection: String,
    /// The metadata document. For an issuer with a path, RFC 8414 section 3.1 puts it between host and path.
    pub metadata: String,
    /// The host's own authorization endpoint, if it has one: only named in the metadata.
    pub authorization: Option<String>,
}

impl Default for Paths {
    /// `/oauth2/token`, `/oauth2/revoke`, `/oauth2/introspect`, `/.well-known/oauth-authorization-server`.
    fn default() -> Self {
        Self {
            token: "/oauth2/token".to_owned(),
            revocation: "/oauth2/revoke".to_owned(),
            introspection: "/oauth2/introspect".to_owned(),
            metadata: "/.well-known/oauth-authorization-server".to_owned(),
            authorization: None,
        }
    }
}

impl Paths {
    /// The paths of ForgeRock / Ping AM 7.5.
    #[must_use]
    pub fn am_7_5() -> Self {
        Self {
            token: "/oauth2/access_token".to_owned(),
            revocation: "/oauth2/token/revoke".to_owned(),
            authorization: Some("/oauth2/authorize".to_owned()),
            ..Self::default()
        }
    }

    /// The endpoint at `path`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Option<Endpoint> {
        self.iter().find(|(_, own)| *own == path).map(|(endpoint, _)| endpoint)
    }

    /// The endpoints with their paths.
    pub fn iter(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        [
            (Endpoint::Token, self.token.as_str()),
            (Endpoint::Revocation, &self.revocation),
            (Endpoint::Introspection, &self.introspection),
            (Endpoint::Metadata, &self.metadata),
        ]
        .into_iter()
    }
}

/// The protocol endpoints of one service.
///
/// ```
/// use regrant::wire::{Endpoint, Endpoints, Request};
/// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
/// let endpoints = Endpoints::new(service, "https://as.example");
///
/// let response = endpoints.handle(Endpoint::Token, &Request { method: "GET", headers: &[], body: b"" }).await;
/// assert_eq!(response.status, 405);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Endpoints<S> {
    service: TokenService<S>,
    issuer: String,
    paths: Paths,
    body_limit: usize,
    approvers: BTreeMap<GrantType, Arc<dyn GrantApprover>>,
    host_metadata: serde_json::Map<String, serde_json::Value>,
    /// The document, made once: nothing in it changes while the service runs.
    metadata: Response,
}

impl<S> Endpoints<S> {
    /// The endpoints of `service` at the default [`Paths`], with bodies of at most 64 KiB.
    ///
    /// `issuer` is the URL by which clients know the server, without a query, a fragment, or a slash at its end.
    pub fn new(service: TokenService<S>, issuer: impl Into<String>) -> Self {
        Self {
            service,
            issuer: issuer.into(),
            paths: Paths::default(),
            body_limit: 64 * 1024,
            approvers: BTreeMap::new(),
            host_metadata: serde_json::Map::new(),
            metadata: Response { status: 200, headers: Vec::new(), body: Vec::new() },
        }
        .published()
    }

    /// Sets where the endpoints are.
    #[must_use]
    pub fn with_paths(mut self, paths: Paths) -> Self {
        self.paths = paths;
        self.published()
    }

    /// Sets how many bytes a body may have.
    #[must_use]
    pub const fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Lets `approver` decide the flow `grant_type` at the token endpoint. Without one the flow is not served. The flows
    /// that the library decides itself (`authorization_code`, `refresh_token`, `client_credentials`) stay its own, and
    /// `implicit` has no token endpoint: for those an approver is never asked.
    #[must_use]
    pub fn with_approver(mut self, grant_type: GrantType, approver: impl GrantApprover + 'static) -> Self {
        if metadata::OWN.contains(&grant_type) || grant_type == GrantType::Implicit {
            return self;
        }
        self.approvers.insert(grant_type, Arc::new(approver));
        self.published()
    }

    /// Adds a member to the metadata: what the host serves besides, `scopes_supported` or `jwks_uri` for instance
    /// (RFC 8414 section 2). The members that the library writes itself stay its own.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.host_metadata.insert(name.into(), value.into());
        self.published()
    }

    fn published(mut self) -> Self {
        self.metadata = metadata::document(&self.issuer, &self.paths, self.approvers.keys(), &self.host_metadata);
        self
    }

    /// Where the endpoints are.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// How many bytes a body may have. An adapter need not read further: it answers with [`MalformedRequest::TooLarge`].
    #[must_use]
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// The service behind the endpoints.
    #[must_use]
    pub const fn service(&self) -> &TokenService<S> {
        &self.service
    }
}

impl<S: TokenStore> Endpoints<S> {
    /// Answers a request to `endpoint`.
    pub async fn handle(&self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let answer = match endpoint {
            Endpoint::Token => self.token(request).await,
            Endpoint::Revocation => self.revocation(request).await,
            Endpoint::Introspection => self.introspection(request).await,
            Endpoint::Metadata => self.document(request),
        };
        answer.unwrap_or_else(|failure| failure.response(endpoint, request))
    }

    async fn token(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let (parameters, credentials) = self.read(request)?;
        self.tokens(&parameters, &credentials).await.map(|tokens| body::tokens(&tokens))
    }

    async fn revocation(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let (parameters, credentials) = self.read(request)?;
        let token = parameters.required("token")?;
        let client = self.service.authenticate(&credentials).await?;
        self.service.revoke(&client, token).await?;
        Ok(body::revoked())
    }

    async fn introspection(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let (parameters, credentials) = self.read(request)?;
        let token = parameters.required("token")?;
        let caller = self.service.authenticate(&credentials).await?;
        let active = self.service.introspect(&caller, token).await?;
        Ok(body::introspection(active.as_ref(), &self.issuer))
    }

    fn document(&self, request: &Request<'_>) -> Result<Response, Failure> {
        match request.method {
            "GET" | "HEAD" => Ok(self.metadata.clone()),
            _ => Err(MalformedRequest::Method("GET, HEAD").into()),
        }
    }

    /// Row 1 of the order of checks.
    fn read(&self, request: &Request<'_>) -> Result<(Parameters, ClientCredentials), MalformedRequest> {
        let parameters = form(request, self.body_limit)?;
        let credentials = credentials(request, &parameters)?;
        Ok((parameters, credentials))
    }

    async fn tokens(&self, parameters: &Parameters, credentials: &ClientCredentials) -> Result<TokenResponse, Failure> {
        let grant_type = parameters.required("grant_type")?;
        let grant_type: GrantType = grant_type.parse().map_err(|_| MalformedRequest::GrantType)?;
        let scope = parameters.get("scope").map(Scope::new).transpose().map_err(|_| MalformedRequest::Scope)?;
        let resources: Result<Resources, _> = parameters.all("resource").map(Resource::new).collect();
        let resources = resources.map_err(|_| MalformedRequest::Resource)?;
        match grant_type {
            GrantType::AuthorizationCode => {
                let mut redemption = RedeemRequest::new(parameters.required("code")?).with_resources(resources);
                redemption.redirect_uri = parameters.get("redirect_uri").map(str::to_owned);
                redemption.code_verifier = parameters.get("code_verifier").map(Into::into);
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.redeem(&client, &redemption).await?)
            }
            GrantType::RefreshToken => {
                let mut refresh = RefreshRequest::new(parameters.required("refresh_token")?).with_resources(resources);
                refresh.scope = scope;
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.refresh(&client, &refresh).await?)
            }
            GrantType::ClientCredentials => {
                let client = self.service.authenticate(credentials).await?;
                let mut issue = IssueRequest::client_credentials(scope.unwrap_or_else(|| client.scope.clone()));
                issue.approval.resources = resources;
                Ok(self.service.issue(&client, issue).await?)
            }
            grant_type => {
                let approver = self.approvers.get(&grant_type).ok_or(MalformedRequest::GrantType)?;
                let client = self.service.authenticate(credentials).await?;
                let scope = scope.unwrap_or_else(|| client.scope.clone());
                let request = ApproveRequest { grant_type, scope, resources, parameters };
                let approval = self.approved(&**approver, &client, &request).await?;
                Ok(self.service.issue(&client, IssueRequest::new(request.grant_type, approval)).await?)
            }
        }
    }

    /// Asks the host, but only for clients that may use the flow: others are not to try passwords here.
    async fn approved(
        &self,
        approver: &dyn GrantApprover,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, Failure> {
        if !client.may_use(&request.grant_type) {
            return Err(self.service.refuse_approval(client, Refusal::GrantTypeNotAllowed).into());
        }
        match approver.approve(client, request).await {
            Ok(approval) => Ok(approval),
            Err(ApproveError::Denied) => Err(self.service.refuse_approval(client, Refusal::ApprovalDenied).into()),
            Err(ApproveError::Missing(missing)) => Err(missing.into()),
            Err(ApproveError::Unavailable(_)) => Err(Failure::Code(ErrorCode::TemporarilyUnavailable)),
        }
    }
}

/// What keeps an endpoint from answering.
enum Failure {
    Malformed(MalformedRequest),
    Code(ErrorCode),
}

impl Failure {
    fn response(self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        match self {
            // RFC 7662 section 2.3: a caller without credentials is told to authenticate, and how.
            Self::Malformed(MalformedRequest::NoClient) if endpoint == Endpoint::Introspection => {
                body::error(ErrorCode::InvalidClient).challenging()
            }
            Self::Malformed(malformed) => body::malformed(malformed),
            Self::Code(ErrorCode::InvalidClient) if request.header("authorization").next().is_some() => {
                body::error(ErrorCode::InvalidClient).challenging()
            }
            Self::Code(code) => body::error(code),
        }
    }
}

impl<E: Into<MalformedRequest>> From<E> for Failure {
    fn from(malformed: E) -> Self {
        Self::Malformed(malformed.into())
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Code(error.code())
    }
}

impl<S> fmt::Debug for Endpoints<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("issuer", &self.issuer).field("paths", &self.paths).finish_non_exhaustive()
    }
}
