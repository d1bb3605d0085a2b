use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::credentials::credentials;
use super::metadata::Documents;
use super::{
    CertificateHeader, Cors, Endpoint, Handler, MalformedRequest, Paths, Request, Response, body, form, introspection,
    metadata, requested,
};
use crate::engine::{
    DeviceAuthorizationRequest, IssueRequest, PollRequest, RedeemRequest, RefreshRequest, TokenResponse,
};
use crate::grant::Approval;
use crate::outcome::{ErrorCode, Refusal};
use crate::ports::authenticator::{AuthenticatedClient, ClientCredentials};
use crate::ports::host::{ApproveError, ApproveRequest, GrantApprover};
use crate::ports::store::TokenStore;
use crate::service::{TokenError, TokenService};
use crate::vocabulary::{ClientCertificate, GrantType, Parameters, Possession, Scope};

/// How long signing keys may be cached, in seconds: a key must be published longer than that before it is used.
const KEYS_MAX_AGE: u32 = 300;

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
/// let response = endpoints.handle(Endpoint::Token, &Request::new("GET", "/oauth2/token", &[], b"")).await;
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
    exchanges_tokens: bool,
    certificate_header: Option<CertificateHeader>,
    cors: Option<Cors>,
    host_metadata: serde_json::Map<String, serde_json::Value>,
    /// The documents, made once: nothing in them changes while the service runs.
    metadata: Documents,
}

impl<S> Endpoints<S> {
    /// The endpoints of `service` at the default [`Paths`], with bodies of at most 64 KiB.
    ///
    /// `issuer` is the URL by which clients know the server, without a query, a fragment, or a slash at its end: the one that the
    /// service's [`JwtIssuer`](crate::jwt::JwtIssuer) writes into its tokens, if there is one.
    pub fn new(service: TokenService<S>, issuer: impl Into<String>) -> Self {
        Self {
            service,
            issuer: issuer.into(),
            paths: Paths::default(),
            body_limit: 64 * 1024,
            approvers: BTreeMap::new(),
            exchanges_tokens: false,
            certificate_header: None,
            cors: None,
            host_metadata: serde_json::Map::new(),
            metadata: Documents::default(),
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
    /// that the library decides itself (`authorization_code`, `refresh_token`, `client_credentials`, with
    /// [`Paths::device_verification`] the device flow, with [`with_token_exchange`](Self::with_token_exchange) token exchange)
    /// stay its own, and `implicit` has no token endpoint: for those an approver is never asked.
    #[must_use]
    pub fn with_approver(mut self, grant_type: GrantType, approver: impl GrantApprover + 'static) -> Self {
        self.approvers.insert(grant_type, Arc::new(approver));
        self.published()
    }

    /// Serves token exchange (RFC 8693) of the service's own access tokens. Clients must list the grant type.
    #[must_use]
    pub fn with_token_exchange(mut self) -> Self {
        self.exchanges_tokens = true;
        self.published()
    }

    /// Sets the header in which a proxy hands on the client certificate. It alone counts then: a certificate of the connection
    /// is the proxy's. Default none: the certificate of the connection counts.
    #[must_use]
    pub fn with_certificate_header(mut self, header: CertificateHeader) -> Self {
        self.certificate_header = Some(header);
        self
    }

    /// Lets web pages call the endpoints from a browser. Default none.
    #[must_use]
    pub fn with_cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Adds a member to the metadata: what the host serves besides, `scopes_supported` or `jwks_uri` for instance
    /// (RFC 8414 section 2). The members that the library writes itself stay its own.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.host_metadata.insert(name.into(), value.into());
        self.published()
    }

    fn published(mut self) -> Self {
        let grant_types = self.grant_types();
        self.metadata = Documents::of(&self.service, &self.issuer, &self.paths, &grant_types, &self.host_metadata);
        self
    }

    /// The flows that the token endpoint serves.
    fn grant_types(&self) -> Vec<GrantType> {
        use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, Implicit, RefreshToken, TokenExchange};
        let mut served = vec![AuthorizationCode, RefreshToken, ClientCredentials];
        served.extend(self.paths.device_verification.as_ref().map(|_| DeviceCode));
        served.extend(self.exchanges_tokens.then_some(TokenExchange));
        let approved =
            self.approvers.keys().filter(|grant_type| **grant_type != Implicit && !served.contains(grant_type));
        let approved: Vec<GrantType> = approved.cloned().collect();
        served.extend(approved);
        served
    }

    /// Where the endpoints are.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// How many bytes a body may have. An adapter need not read further: it hands over [`MalformedRequest::TooLarge`].
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
        let Some(cors) = &self.cors else { return self.answer(endpoint, request).await };
        let response = match cors.preflight(endpoint, request) {
            Some(response) => response,
            None => self.answer(endpoint, request).await,
        };
        cors.allow(endpoint, request, response)
    }

    async fn answer(&self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let answer = match endpoint {
            Endpoint::Token => self.token(request).await,
            Endpoint::Revocation => self.revocation(request).await,
            Endpoint::Introspection => self.introspection(request).await,
            Endpoint::DeviceAuthorization => self.device_authorization(request).await,
            Endpoint::Jwks => self.jwks(request),
            Endpoint::Metadata => Self::document(request, Some(&self.metadata.authorization_server)),
            Endpoint::OpenIdConfiguration => Self::document(request, self.metadata.openid.as_ref()),
        };
        answer.unwrap_or_else(|failure| self.failed(failure, endpoint, request))
    }

    /// The answer to a request that fails. All else that fails was told to the host where it failed.
    fn failed(&self, failure: Failure, endpoint: Endpoint, request: &Request<'_>) -> Response {
        if let Failure::Malformed(malformed) = failure {
            self.service.report_malformed(endpoint.operation(), malformed);
        }
        failure.response(endpoint, request)
    }

    async fn token(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let has_proof = request.header("dpop").next().is_some();
        let answer = self.tokens(request).await;
        let response = answer.unwrap_or_else(|failure| self.failed(failure, Endpoint::Token, request));
        // RFC 9449 section 8.2: the nonce for the next proof goes with every answer, so that it is never a round trip behind.
        match self.service.proof_nonce().filter(|_| has_proof) {
            Some(nonce) => Ok(response.with("dpop-nonce", &nonce)),
            None => Ok(response),
        }
    }

    async fn revocation(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let Form { parameters, credentials, .. } = self.read(request)?;
        let token = parameters.required("token")?;
        let client = self.service.authenticate(&credentials).await?;
        self.service.revoke(&client, token).await?;
        Ok(body::revoked())
    }

    async fn introspection(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let Form { parameters, credentials, .. } = self.read(request)?;
        let token = parameters.required("token")?;
        let caller = self.service.authenticate(&credentials).await?;
        let active = self.service.introspect(&caller, token).await?;
        let answer = introspection::answer(active.as_ref(), &self.issuer);
        if introspection::wants_jwt(request)
            && let Some(jwt) = self.service.sign_introspection(&caller, &answer.to_map()).await?
        {
            return Ok(body::introspection_jwt(jwt));
        }
        Ok(body::uncached(200, &answer))
    }

    async fn device_authorization(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let verification = self.paths.device_verification.as_deref().ok_or(MalformedRequest::NotServed)?;
        let Form { parameters, credentials, .. } = self.read(request)?;
        let mut device = DeviceAuthorizationRequest::new().with_resources(requested::resources(&parameters)?);
        device.scope = requested::scope(&parameters)?;
        let client = self.service.authenticate(&credentials).await?;
        let device = self.service.authorize_device(&client, &device).await?;
        Ok(body::device(&device, &metadata::url(&self.issuer, verification)))
    }

    fn jwks(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let jwks = self.service.jwks().map(|jwks| body::cached(&jwks, KEYS_MAX_AGE));
        Self::document(request, jwks.as_ref())
    }

    fn document(request: &Request<'_>, document: Option<&Response>) -> Result<Response, Failure> {
        match request.method {
            "GET" | "HEAD" => Ok(document.ok_or(MalformedRequest::NotServed)?.clone()),
            _ => Err(MalformedRequest::Method(Endpoint::Metadata.methods()).into()),
        }
    }

    /// The form, certificate and credentials of the request. Nothing else is looked at before they can be read.
    fn read(&self, request: &Request<'_>) -> Result<Form, MalformedRequest> {
        let parameters = form(request, self.body_limit)?;
        // Behind a proxy the certificate of the connection is the proxy's own: to count it would make all clients one.
        let certificate = match &self.certificate_header {
            Some(header) => header.read(request)?,
            None => request.client_certificate.cloned(),
        };
        let credentials = credentials(request, &parameters, certificate.as_ref())?;
        Ok(Form { parameters, credentials, certificate })
    }

    async fn tokens(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let Form { parameters, credentials, certificate } = self.read(request)?;
        let url = metadata::url(&self.issuer, request.path);
        let possession = Possession::none().with_dpop(requested::proof(request, url)?).with_certificate(certificate);
        let grant_type: GrantType =
            parameters.required("grant_type")?.parse().map_err(|_| MalformedRequest::GrantType)?;
        let tokens = self.grant(grant_type, &parameters, &credentials, possession).await?;
        Ok(body::tokens(&tokens))
    }

    async fn grant(
        &self,
        grant_type: GrantType,
        parameters: &Parameters,
        credentials: &ClientCredentials,
        possession: Possession,
    ) -> Result<TokenResponse, Failure> {
        let scope = requested::scope(parameters)?;
        let resources = requested::resources(parameters)?;
        match grant_type {
            GrantType::AuthorizationCode => {
                let mut redemption = RedeemRequest::new(parameters.required("code")?)
                    .with_resources(resources)
                    .with_possession(possession);
                redemption.redirect_uri = parameters.get("redirect_uri").map(str::to_owned);
                redemption.code_verifier = parameters.get("code_verifier").map(Into::into);
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.redeem(&client, &redemption).await?)
            }
            GrantType::RefreshToken => {
                let mut refresh = RefreshRequest::new(parameters.required("refresh_token")?)
                    .with_resources(resources)
                    .with_possession(possession);
                refresh.scope = scope;
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.refresh(&client, &refresh).await?)
            }
            GrantType::ClientCredentials => {
                let client = self.service.authenticate(credentials).await?;
                let mut issue = IssueRequest::client_credentials(self.scope_of(&client, &grant_type, scope)?);
                issue.approval.resources = resources;
                Ok(self.service.issue(&client, issue.with_possession(possession)).await?)
            }
            GrantType::DeviceCode if self.paths.device_verification.is_some() => {
                let poll = PollRequest::new(parameters.required("device_code")?).with_possession(possession);
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.poll(&client, &poll).await?)
            }
            GrantType::TokenExchange if self.exchanges_tokens => {
                let exchange = requested::exchange(parameters, scope, &resources)?.with_possession(possession);
                let client = self.service.authenticate(credentials).await?;
                Ok(self.service.exchange(&client, &exchange).await?)
            }
            grant_type => {
                let is_served = grant_type != GrantType::Implicit;
                let approver = self.approvers.get(&grant_type).filter(|_| is_served);
                let approver = approver.ok_or(MalformedRequest::GrantType)?;
                let client = self.service.authenticate(credentials).await?;
                let scope = self.scope_of(&client, &grant_type, scope)?;
                let request = ApproveRequest { grant_type, scope, resources, parameters };
                let possession = self.service.proven(&client, &request.grant_type, possession).await?;
                let approval = self.approved(&**approver, &client, &request).await?;
                let issue = IssueRequest::new(request.grant_type, approval).with_possession(possession);
                Ok(self.service.issue(&client, issue).await?)
            }
        }
    }

    /// The scope of a client that may use the flow. Others learn nothing of scopes, and are not to try passwords.
    fn scope_of(
        &self,
        client: &AuthenticatedClient,
        grant_type: &GrantType,
        requested: Option<Scope>,
    ) -> Result<Scope, Failure> {
        self.service.entitle(client, grant_type)?;
        let scope = client.scope_of(requested);
        scope.ok_or_else(|| self.service.refuse_approval(client, Refusal::ScopeMissing).into())
    }

    /// Asks the host.
    async fn approved(
        &self,
        approver: &dyn GrantApprover,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, Failure> {
        match approver.approve(client, request).await {
            Ok(approval) => Ok(approval),
            Err(ApproveError::Denied) => Err(self.service.refuse_approval(client, Refusal::ApprovalDenied).into()),
            Err(ApproveError::Missing(missing)) => Err(missing.into()),
            Err(ApproveError::Unavailable(cause)) => Err(self.service.fail_approval(client, cause).into()),
        }
    }
}

/// All endpoints, each at its path.
#[async_trait]
impl<S: TokenStore> Handler for Endpoints<S> {
    async fn respond(&self, request: &Request<'_>) -> Response {
        match self.paths.endpoint(request.path) {
            Some(endpoint) => self.handle(endpoint, request).await,
            None => MalformedRequest::NotServed.response(),
        }
    }

    fn body_limit(&self) -> usize {
        self.body_limit
    }
}

/// The form of a request, and what came with it.
struct Form {
    parameters: Parameters,
    credentials: ClientCredentials,
    certificate: Option<ClientCertificate>,
}

/// What keeps an endpoint from answering.
enum Failure {
    Malformed(MalformedRequest),
    Code(ErrorCode),
}

impl Failure {
    fn response(self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let is_introspection = endpoint == Endpoint::Introspection;
        let (code, response) = match self {
            // RFC 7662 section 2.3: a caller without credentials is told to authenticate, and how.
            Self::Malformed(MalformedRequest::NoClient) if is_introspection => {
                (ErrorCode::InvalidClient, body::error(ErrorCode::InvalidClient))
            }
            Self::Malformed(malformed) => (malformed.code(), body::malformed(malformed)),
            Self::Code(code) => (code, body::error(code)),
        };
        // RFC 6749 section 5.2: credentials in the Authorization header are answered with their scheme. In the body
        // they are not: a challenge makes browsers ask their user for a password.
        let is_challenged = is_introspection || request.header("authorization").next().is_some();
        if code == ErrorCode::InvalidClient && is_challenged { response.challenging() } else { response }
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
