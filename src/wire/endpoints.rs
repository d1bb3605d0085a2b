//! The endpoints: the way of a request from its path to its response.
//!
//! The functions are in the order in which a request passes them: `handle`, `respond_to`, `dispatch`, and then one
//! function for each endpoint. The token endpoint has a file of its own, `token_request`.
//!
//! Every endpoint reads the form and the credentials completely before it authenticates the client. A malformed request
//! therefore costs no call of a port, and its answer does not depend on whether the client exists.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::credentials::credentials;
use super::end_session::EndSessions;
use super::failure::Failure;
use super::handler::BODY_LIMIT;
use super::registration::{ClientRegistration, registration_error};
use super::{
    CertificateHeader, Cors, Endpoint, Handler, MalformedRequest, Paths, Request, Response, body, form, introspection,
    metadata, paths, requested,
};
use crate::engine::DeviceAuthorizationRequest;
use crate::ports::authenticator::{AuthenticatedClient, ClientCredentials, VerifyRequestObject};
use crate::ports::host::GrantApprover;
use crate::ports::store::TokenStore;
use crate::service::{TokenError, TokenService};
use crate::vocabulary::{ClientCertificate, GrantType, Issuer, Parameters, Peer};

/// The time for which caches may keep the signing keys, in seconds. A key must be published for longer than that
/// before it signs.
const KEYS_MAX_AGE: u32 = 300;

/// The protocol endpoints of one service.
///
/// ```
/// use regrant::wire::{Endpoint, Endpoints, Request};
/// use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
/// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?;
///
/// let response = endpoints.handle(Endpoint::Token, &Request::new("GET", "/oauth2/token", &[], b"")).await;
/// assert_eq!(response.status, 405);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Endpoints<S> {
    pub(super) service: TokenService<S>,
    pub(super) issuer: Issuer,
    pub(super) paths: Paths,
    pub(super) approvers: BTreeMap<GrantType, Arc<dyn GrantApprover>>,
    pub(super) exchanges_tokens: bool,
    pub(super) end_sessions: Option<EndSessions<S>>,
    pub(super) request_objects: Option<Arc<dyn VerifyRequestObject>>,
    pub(super) registration: Option<ClientRegistration>,
    pub(super) host_metadata: serde_json::Map<String, serde_json::Value>,
    body_limit: usize,
    certificate_header: Option<CertificateHeader>,
    cors: Option<Cors>,
}

impl<S> Endpoints<S> {
    /// The endpoints of `service` at the default [`Paths`] [under](Paths::under) `issuer`, with bodies of at most 64
    /// KiB.
    ///
    /// `issuer` is the URL by which clients know the server. DPoP proofs must name this URL, also behind a proxy.
    ///
    /// # Errors
    /// [`IssuerMismatch`] when the service has a [`JwtIssuer`](crate::jwt::JwtIssuer) with another issuer: clients
    /// refuse tokens of an issuer that the metadata do not name (RFC 9068 section 4, OpenID Connect Core section
    /// 3.1.3.7).
    pub fn new(service: TokenService<S>, issuer: Issuer) -> Result<Self, IssuerMismatch> {
        match service.jwt_issuer() {
            Some(of_tokens) if *of_tokens != issuer => {
                return Err(IssuerMismatch { endpoints: issuer, tokens: of_tokens.clone() });
            }
            _ => {}
        }
        Ok(Self {
            service,
            paths: Paths::default().under(&issuer),
            issuer,
            approvers: BTreeMap::new(),
            exchanges_tokens: false,
            end_sessions: None,
            request_objects: None,
            registration: None,
            host_metadata: serde_json::Map::new(),
            body_limit: BODY_LIMIT,
            certificate_header: None,
            cors: None,
        })
    }

    /// Sets the paths of the endpoints. For an issuer with a path: [`Paths::under`].
    ///
    /// ```
    /// # use regrant::wire::Endpoints;
    /// # use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
    /// # let keys = KeyRing::generate(&SystemEntropy);
    /// # let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
    /// use regrant::wire::Paths;
    ///
    /// let mut paths = Paths::default();
    /// paths.token = "/token".to_owned();
    /// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?.with_paths(paths);
    /// assert_eq!(endpoints.paths().token, "/token");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_paths(mut self, paths: Paths) -> Self {
        self.paths = paths;
        self
    }

    /// Sets the maximum length of a body, in bytes. A longer body gets 413. The default of 64 KiB suffices for every
    /// request of the protocol; assertions with long chains of certificates may need more.
    #[must_use]
    pub const fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Lets `approver` decide the flow `grant_type` at the token endpoint, which serves the flow from then on.
    ///
    /// The library never asks an approver for flows that it decides itself: `authorization_code`, `refresh_token`,
    /// `client_credentials`, the device flow with [`Paths::device_verification`], and token exchange with
    /// [`with_token_exchange`](Self::with_token_exchange). Nor does it for `implicit`, which has no token endpoint.
    #[must_use]
    pub fn with_approver(mut self, grant_type: GrantType, approver: impl GrantApprover + 'static) -> Self {
        self.approvers.insert(grant_type, Arc::new(approver));
        self
    }

    /// Serves token exchange (RFC 8693) of the service's own access tokens. Clients must be registered for the grant
    /// type. Without this setting the flow is answered `unsupported_grant_type`, or by the approver of the host.
    #[must_use]
    pub const fn with_token_exchange(mut self) -> Self {
        self.exchanges_tokens = true;
        self
    }

    /// Sets the header in which a proxy passes on the client certificate. Default none: the certificate of the
    /// connection counts.
    ///
    /// With a header the certificate of the connection is ignored, since it is the certificate of the proxy. The proxy
    /// must remove the header from client requests: see [`CertificateHeader`].
    #[must_use]
    pub fn with_certificate_header(mut self, header: impl Into<Option<CertificateHeader>>) -> Self {
        self.certificate_header = header.into();
        self
    }

    /// Lets web pages call the endpoints from a browser. Default none.
    ///
    /// ```
    /// # use regrant::wire::Endpoints;
    /// # use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
    /// # let keys = KeyRing::generate(&SystemEntropy);
    /// # let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
    /// use regrant::wire::Cors;
    ///
    /// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?
    ///     .with_cors(Cors::origins(["https://app.example"])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_cors(mut self, cors: impl Into<Option<Cors>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// Adds a member to the metadata (RFC 8414 section 2), such as `service_documentation`, or `mtls_endpoint_aliases`
    /// of a host that has them.
    ///
    /// Members of the library cannot be replaced: a document that contradicts the endpoints makes clients fail. These
    /// members are only defaults, since they describe the host's own authorization endpoint as [`ask`](Self::ask)
    /// serves it: `response_modes_supported`, `authorization_response_iss_parameter_supported`,
    /// `prompt_values_supported`, `request_parameter_supported`, `request_uri_parameter_supported` and
    /// `claims_parameter_supported`. So is `scopes_supported`, which lists the scopes of the [registered
    /// clients](crate::authenticator::Supported::scope): a host need not tell of all of them.
    ///
    /// ```
    /// # use regrant::wire::Endpoints;
    /// # use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
    /// # let keys = KeyRing::generate(&SystemEntropy);
    /// # let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
    /// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?
    ///     .with_metadata("scopes_supported", vec!["read", "write"])
    ///     .with_metadata("service_documentation", "https://as.example/docs");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.host_metadata.insert(name.into(), value.into());
        self
    }

    /// Returns the paths of the endpoints.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Returns the maximum length of a body, in bytes. An adapter stops reading there and passes on
    /// [`MalformedRequest::TooLarge`].
    #[must_use]
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// Returns the service behind the endpoints, for calls that have no endpoint, such as [`TokenService::grants`] and
    /// [`TokenService::revoke_subject`].
    #[must_use]
    pub const fn service(&self) -> &TokenService<S> {
        &self.service
    }
}

impl<S: TokenStore> Endpoints<S> {
    /// Responds to a request to `endpoint`. Adds the CORS headers, if pages may call the endpoints. `HEAD` gets the
    /// response of `GET` [without the content](Response::for_method).
    ///
    /// Use this method when the router of the host has chosen the endpoint, otherwise [`Handler::respond`], which looks
    /// up the path. Never fails: an error is a response too. A dropped future is harmless, as for every call of the
    /// service.
    pub async fn handle(&self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let response = match self.cors.as_ref().and_then(|cors| cors.preflight(endpoint, request)) {
            Some(response) => response,
            None => self.respond_to(endpoint, request).await,
        };
        let response = match &self.cors {
            Some(cors) => cors.allow(endpoint, request, response),
            None => response,
        };
        response.for_method(request.method)
    }

    /// Turns a failure into an error response, and adds the DPoP nonce. The only place that does either, so no endpoint
    /// can return an error without its headers.
    async fn respond_to(&self, endpoint: Endpoint, request: &Request<'_>) -> Response {
        let result = self.dispatch(endpoint, request).await;
        let response = result.unwrap_or_else(|failure| self.error_response(failure, endpoint, request));
        let reads_proofs =
            matches!(endpoint, Endpoint::Token | Endpoint::PushedAuthorizationRequest | Endpoint::UserInfo);
        if reads_proofs { self.with_nonce(request, response) } else { response }
    }

    /// Calls the method of the endpoint. The match is exhaustive: a new endpoint does not compile without a method.
    async fn dispatch(&self, endpoint: Endpoint, request: &Request<'_>) -> Result<Response, Failure> {
        match endpoint {
            Endpoint::Token => self.token_request(request).await,
            Endpoint::Revocation => self.revocation(request).await,
            Endpoint::Introspection => self.introspection(request).await,
            Endpoint::DeviceAuthorization => self.device_authorization(request).await,
            // Boxed: the future of every request has the size of the largest one.
            Endpoint::PushedAuthorizationRequest => Box::pin(self.pushed_authorization_request(request)).await,
            Endpoint::UserInfo => Box::pin(self.user_info(request)).await,
            Endpoint::EndSession => Box::pin(self.end_session(request)).await,
            Endpoint::Registration => Box::pin(self.register(request)).await,
            Endpoint::Jwks | Endpoint::Metadata | Endpoint::OpenIdConfiguration => {
                self.document(endpoint, request).await
            }
        }
    }

    /// Reports a malformed request to the host. All other failures were reported by the service.
    fn error_response(&self, failure: Failure, endpoint: Endpoint, request: &Request<'_>) -> Response {
        if let Failure::Malformed(malformed) = failure {
            self.service.report_malformed(endpoint.operation(), malformed);
        }
        match endpoint {
            Endpoint::UserInfo => self.resource_error(&failure, request),
            Endpoint::Registration => registration_error(failure, request),
            _ => failure.response(endpoint, request),
        }
    }

    /// Adds the nonce for the next proof to every response to a proof, errors included (RFC 9449 section 8.2).
    /// Otherwise each change of the nonce would cost the client a round trip.
    fn with_nonce(&self, request: &Request<'_>, response: Response) -> Response {
        match self.service.proof_nonce().filter(|_| request.has_header("dpop")) {
            Some(nonce) => response.with_header("dpop-nonce", nonce),
            None => response,
        }
    }

    /// Revokes a token (RFC 7009). An unknown token gets 200 as well, so that a client cannot test tokens. The
    /// `token_type_hint` is not read: a token shows its kind itself (section 2.1 allows that).
    async fn revocation(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let Form { parameters, claim, .. } = self.read(Endpoint::Revocation, request)?;
        let token = parameters.required("token")?;
        let client = self.authenticate(&claim).await?;
        self.service.revoke(&client, token).await?;
        Ok(body::revoked())
    }

    /// Introspects a token (RFC 7662), and answers with a JWT (RFC 9701) if the caller accepts one and the service can
    /// sign one.
    ///
    /// The facts are read once. So JSON and JWT cannot differ, and a signer that fails is 503 and not a response with
    /// less protection.
    async fn introspection(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let Form { parameters, claim, .. } = self.read(Endpoint::Introspection, request)?;
        let token = parameters.required("token")?;
        let caller = self.authenticate(&claim).await?;
        let active = self.service.find_token(&caller, token).await?;
        let json = introspection::body(active.as_ref(), self.issuer.as_str());
        if introspection::wants_jwt(request)
            && let Some(jwt) = self.service.sign_introspection(&caller, &introspection::members(&json)).await?
        {
            return Ok(body::introspection_jwt(jwt));
        }
        Ok(Response::with_json(200, json).not_stored())
    }

    /// Starts a device authorization (RFC 8628 section 3.1). Served only if the host has a page where users enter the
    /// code.
    async fn device_authorization(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let verification = self.paths.device_verification.as_deref().ok_or(MalformedRequest::UnknownEndpoint)?;
        let Form { parameters, claim, .. } = self.read(Endpoint::DeviceAuthorization, request)?;
        let resources = requested::resources(&parameters)?;
        let mut device = DeviceAuthorizationRequest::new().with_scope(requested::scope(&parameters)?);
        device.authorization_details = requested::authorization_details(&parameters)?;
        let client = self.authenticate(&claim).await?;
        device.resources = requested::with_audience(resources, &parameters, &client)?;
        let device = self.service.authorize_device(&client, &device).await?;
        Ok(body::device(&device, &paths::url(&self.issuer, verification)))
    }

    /// Responds with a document, if the server has it. Otherwise 404, as for a path that is no endpoint.
    async fn document(&self, endpoint: Endpoint, request: &Request<'_>) -> Result<Response, Failure> {
        if !matches!(request.method, "GET" | "HEAD") {
            return Err(MalformedRequest::Method(endpoint.methods()).into());
        }
        let document = match endpoint {
            Endpoint::Jwks => self.service.jwks().map(|keys| Response::public_json(&keys, KEYS_MAX_AGE)),
            Endpoint::OpenIdConfiguration => metadata::openid_configuration(self).await?,
            _ => Some(metadata::authorization_server(self).await?),
        };
        Ok(document.ok_or(MalformedRequest::UnknownEndpoint)?)
    }

    /// Reads the form, the certificate and the credentials. A request without them is rejected before its other
    /// parameters are read.
    ///
    /// # Errors
    /// [`MalformedRequest`]. No port was called.
    pub(super) fn read<'a>(&self, endpoint: Endpoint, request: &Request<'a>) -> Result<Form<'a>, MalformedRequest> {
        let parameters = form(request, self.body_limit)?;
        let certificate = self.certificate(request)?;
        let credentials = credentials(request, &parameters, certificate.as_ref())?;
        Ok(Form { parameters, claim: Claim { credentials, endpoint, peer: request.peer }, certificate })
    }

    /// Authenticates the client of a request. The only way to do so for an endpoint: the rate limit is asked before the
    /// credentials are compared.
    ///
    /// # Errors
    /// As for [`TokenService::authenticate`].
    pub(super) async fn authenticate(&self, claim: &Claim<'_>) -> Result<AuthenticatedClient, TokenError> {
        let Claim { credentials, endpoint, peer } = claim;
        self.service.authenticate_at(endpoint.attempt_kind(), credentials, *peer).await
    }

    /// Returns the client certificate. Behind a proxy all connections have the certificate of the proxy: with that one
    /// all clients would be the same.
    pub(super) fn certificate(&self, request: &Request<'_>) -> Result<Option<ClientCertificate>, MalformedRequest> {
        match &self.certificate_header {
            Some(header) => header.read(request),
            None => Ok(request.client_certificate.cloned()),
        }
    }
}

/// All endpoints, each at its path.
#[async_trait]
impl<S: TokenStore> Handler for Endpoints<S> {
    async fn respond(&self, request: &Request<'_>) -> Response {
        match self.paths.endpoint(request.path) {
            Some(endpoint) => self.handle(endpoint, request).await,
            None => MalformedRequest::UnknownEndpoint.response().for_method(request.method),
        }
    }

    fn body_limit(&self) -> usize {
        self.body_limit
    }
}

/// The form of a request with its client credentials and certificate.
pub(super) struct Form<'a> {
    pub(super) parameters: Parameters<'a>,
    pub(super) claim: Claim<'a>,
    pub(super) certificate: Option<ClientCertificate>,
}

/// The client that a request claims to come from, and the sender of the request.
pub(super) struct Claim<'a> {
    credentials: ClientCredentials,
    endpoint: Endpoint,
    pub(super) peer: Option<&'a Peer>,
}

/// The endpoints have another issuer than the JWTs of their service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the endpoints have the issuer {endpoints}, but the JWTs of the service have {tokens}")]
pub struct IssuerMismatch {
    endpoints: Issuer,
    tokens: Issuer,
}

impl<S> fmt::Debug for Endpoints<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("issuer", &self.issuer).field("paths", &self.paths).finish_non_exhaustive()
    }
}
