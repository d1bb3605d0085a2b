use std::fmt;
use std::sync::Arc;

use regrant::Scope;
use regrant::clock::{Clock, Timestamp};
use regrant::grant::Confirmation;
use regrant::proof::{ClientCertificate, DpopProof, ProofFault, ProofVerifier as _};
use regrant::wire::{CertificateHeader, MalformedRequest, Request, Response};

use super::challenge::Challenge;
use super::credentials::{Malformed, PresentedToken, Scheme};
use super::{Denial, DenialReason, InvalidToken, Requirement, ResourceMetadata, VerifiedToken, VerifyAccessToken};
use crate::DpopVerifier;
use crate::jws::Jws;

/// Authenticates the requests to a resource server: the access token must be valid, and the sender must possess the key
/// that it is bound to (RFC 6750, RFC 9449 section 7, RFC 8705 section 3).
///
/// Call [`authenticate`](Self::authenticate), then [`authorize`](Self::authorize) for the scope that a route needs, or
/// [`require`](Self::require) if it also demands how or when the user signed in. All return the complete HTTP response
/// for a refused request. `regrant-tower` offers them as a tower layer.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant::wire::Request;
/// use regrant_jose::dpop::ReplayCache;
/// use regrant_jose::{DpopVerifier, JwkSet, JwtVerifier, ResourceServer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let keys = JwkSet::default();
/// let tokens = JwtVerifier::new("https://as.example", "https://api.example", keys);
/// let server = ResourceServer::new("https://api.example", tokens, Arc::new(SystemClock))
///     .with_dpop(DpopVerifier::new(Arc::new(ReplayCache::new(100_000, Arc::new(SystemClock)))));
///
/// let denial = server.authenticate(&Request::new("GET", "/orders", &[], b"")).await.unwrap_err();
/// assert_eq!(denial.response().status, 401);
/// let challenges: Vec<_> = denial.response().headers.iter().filter(|(name, _)| *name == "www-authenticate").collect();
/// assert_eq!(challenges[0].1, r#"Bearer realm="https://api.example""#);
/// assert!(challenges[1].1.starts_with(r#"DPoP realm="https://api.example", algs="EdDSA Ed25519 ES256"#));
/// # }
/// ```
pub struct ResourceServer {
    url: String,
    realm: String,
    verifier: Box<dyn VerifyAccessToken>,
    clock: Arc<dyn Clock>,
    dpop: Option<Arc<DpopVerifier>>,
    requires_binding: bool,
    certificate_header: Option<CertificateHeader>,
    metadata: Option<ResourceMetadata>,
    events: Box<dyn Fn(&DenialReason) + Send + Sync>,
}

/// A request with a valid token. If the token is bound to a key, the sender possesses the key.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthenticatedRequest {
    /// The token.
    pub token: VerifiedToken,
    /// The nonce for the next DPoP proof of the client, if the last proof had another one: send it in the header
    /// `DPoP-Nonce`, with `Cache-Control: no-store` (RFC 9449 section 8.2).
    pub dpop_nonce: Option<String>,
}

impl ResourceServer {
    /// Creates a server that clients reach at `url`: scheme and authority, and the path prefix if a proxy strips one. A
    /// DPoP proof must name this URL followed by the path of the request. Take it from configuration, never from a
    /// `Host` header, which the client chooses.
    #[must_use]
    pub fn new(url: impl Into<String>, verifier: impl VerifyAccessToken + 'static, clock: Arc<dyn Clock>) -> Self {
        let mut url = url.into();
        url.truncate(url.trim_end_matches('/').len());
        Self {
            realm: url.clone(),
            url,
            verifier: Box::new(verifier),
            clock,
            dpop: None,
            requires_binding: false,
            certificate_header: None,
            metadata: None,
            events: Box::new(|_| {}),
        }
    }

    /// Sets the `realm` of the challenges. Default: the URL. Characters other than printable ASCII are omitted.
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Accepts DPoP-bound tokens with proofs that `verifier` accepts. Default: they are refused, since no one would
    /// check the proofs.
    #[must_use]
    pub fn with_dpop(mut self, verifier: impl Into<Arc<DpopVerifier>>) -> Self {
        self.dpop = Some(verifier.into());
        self
    }

    /// Accepts only tokens bound to a DPoP key or a client certificate, as FAPI 2.0 requires. Default: anyone can use
    /// an unbound token.
    #[must_use]
    pub const fn with_bound_tokens_only(mut self) -> Self {
        self.requires_binding = true;
        self
    }

    /// Sets the header in which a proxy passes on the client certificate. Only this header counts then. Default: the
    /// certificate of the connection.
    #[must_use]
    pub fn with_certificate_header(mut self, header: CertificateHeader) -> Self {
        self.certificate_header = Some(header);
        self
    }

    /// Sets the metadata of the resource (RFC 9728). Each challenge then names the URL of the document (section 5.1),
    /// so that clients find the authorization server. Serve the document with [`metadata`](Self::metadata).
    #[must_use]
    pub fn with_metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Sets a callback for each refused request and its reason, for logs and counters. Clients only see the error code.
    /// Default: none. The callback runs inside the request: it must be quick, and must not block or panic.
    ///
    /// ```
    /// # use regrant_jose::ResourceServer;
    /// # fn example(server: ResourceServer) -> ResourceServer {
    /// use std::error::Error;
    ///
    /// server.with_events(|reason| {
    ///     let cause = reason.source().map(ToString::to_string);
    ///     println!("denied: {} {}", reason.as_str(), cause.unwrap_or_default());
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn with_events(mut self, events: impl Fn(&DenialReason) + Send + Sync + 'static) -> Self {
        self.events = Box::new(events);
        self
    }

    /// Verifies the token of a request, and that the sender possesses the key that it is bound to. The body is not
    /// read.
    ///
    /// A successful call uses up the DPoP proof, so call this once per request.
    ///
    /// # Errors
    /// When the request is refused.
    pub async fn authenticate(&self, request: &Request<'_>) -> Result<AuthenticatedRequest, Denial> {
        let now = self.clock.now();
        let presented = match PresentedToken::read(request) {
            Ok(Some(presented)) if self.schemes().any(|scheme| scheme == presented.scheme) => presented,
            Ok(_) => return Err(self.deny(DenialReason::NoToken, Scheme::Bearer, &Requirement::default(), now)),
            Err(Malformed) => {
                return Err(self.deny(DenialReason::MalformedRequest, Scheme::Bearer, &Requirement::default(), now));
            }
        };
        let authenticated = self.check_token(&presented, request, now).await;
        authenticated.map_err(|reason| self.deny(reason, presented.scheme, &Requirement::default(), now))
    }

    /// Responds to a request for the [metadata document](Self::with_metadata), which needs no token: 404 if there is
    /// none. Serve it at [`metadata_path`](Self::metadata_path), outside of the layer that demands tokens.
    #[must_use]
    pub fn metadata(&self, request: &Request<'_>) -> Response {
        let algorithms = self.dpop.as_deref().map(DpopVerifier::algorithms).unwrap_or_default();
        let response = self.metadata.as_ref().map(|metadata| metadata.respond(request, &algorithms));
        response.unwrap_or_else(|| MalformedRequest::UnknownEndpoint.response())
    }

    /// Returns the path of the metadata document; `None` if there is none.
    #[must_use]
    pub fn metadata_path(&self) -> Option<&str> {
        self.metadata.as_ref().map(ResourceMetadata::path)
    }

    /// Checks that the token of an authenticated request has all of `scope`.
    ///
    /// # Errors
    /// `insufficient_scope` with the required scope, when the token lacks some of it.
    pub fn authorize(&self, token: &VerifiedToken, scope: &Scope) -> Result<(), Denial> {
        self.require(token, &scope.clone().into())
    }

    /// Checks that the token of an authenticated request meets the demands of a route: scope, and how and when the user
    /// signed in (RFC 9470).
    ///
    /// # Errors
    /// `insufficient_user_authentication` with the required `acr_values` and `max_age`, or `insufficient_scope` with
    /// the required scope.
    pub fn require(&self, token: &VerifiedToken, requirement: &Requirement) -> Result<(), Denial> {
        let now = self.clock.now();
        let scheme = match token.confirmation() {
            Some(Confirmation::DpopKey(_)) => Scheme::Dpop,
            _ => Scheme::Bearer,
        };
        requirement.check(token, now).map_err(|reason| self.deny(reason, scheme, requirement, now))
    }

    async fn check_token(
        &self,
        presented: &PresentedToken,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<AuthenticatedRequest, DenialReason> {
        let token = self.verifier.verify(&presented.token, now).await?;
        let dpop_nonce = match (presented.scheme, token.confirmation()) {
            (Scheme::Dpop, Some(Confirmation::DpopKey(jkt))) => self.check_proof(presented, request, jkt, now).await?,
            // A bearer token with a DPoP proof by any key: a thief must not gain anything by adding a proof.
            (Scheme::Dpop, _) => return Err(InvalidToken::Unbound.into()),
            (Scheme::Bearer, None) if self.requires_binding => return Err(InvalidToken::Unbound.into()),
            (Scheme::Bearer, None) => None,
            (Scheme::Bearer, Some(bound @ Confirmation::Certificate(_))) => {
                let certificate = self.certificate(request).map(|certificate| certificate.confirmation());
                (certificate.as_ref() == Some(bound)).then_some(None).ok_or(InvalidToken::Certificate)?
            }
            // RFC 9449 section 7.1: otherwise a thief could leave out the proof.
            (Scheme::Bearer, Some(_)) => return Err(InvalidToken::WithoutProof.into()),
        };
        Ok(AuthenticatedRequest { token, dpop_nonce })
    }

    /// Verifies the DPoP proof of the request. Returns the nonce that the client needs next, if it has another one.
    async fn check_proof(
        &self,
        presented: &PresentedToken,
        request: &Request<'_>,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<String>, DenialReason> {
        let dpop = self.dpop.as_ref().ok_or(DenialReason::NoToken)?;
        let mut headers = request.header("dpop");
        // RFC 9449 section 4.3: exactly one header.
        let header = headers.next().filter(|_| headers.next().is_none()).ok_or(ProofFault::Missing)?;
        let jwt = std::str::from_utf8(header).map_err(|_| ProofFault::Malformed)?.to_owned();
        let proof = DpopProof { jwt, method: request.method.to_owned(), url: self.url_of(request.path) };
        dpop.verify_at_resource(&proof, &presented.token, jkt, now).await?;
        Ok(dpop.nonce(now).filter(|due| !carries(&proof.jwt, due)))
    }

    /// A malformed or duplicate header counts as no certificate.
    fn certificate(&self, request: &Request<'_>) -> Option<ClientCertificate> {
        match &self.certificate_header {
            Some(header) => header.read(request).ok().flatten(),
            None => request.client_certificate.cloned(),
        }
    }

    fn url_of(&self, path: &str) -> String {
        // A path such as `*` would become a part of the host.
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.url)
    }

    fn schemes(&self) -> impl Iterator<Item = Scheme> {
        [Scheme::Bearer].into_iter().chain(self.dpop.as_ref().map(|_| Scheme::Dpop))
    }

    /// Reports the reason to the host. The client gets the challenges of all schemes, with the error in the scheme that
    /// it used.
    fn deny(&self, reason: DenialReason, used: Scheme, requirement: &Requirement, now: Timestamp) -> Denial {
        (self.events)(&reason);
        let error = reason.error();
        let challenge = |scheme: Scheme| {
            let mut challenge = Challenge::new(scheme, &self.realm);
            if let Some(metadata) = &self.metadata {
                challenge = challenge.with_parameter("resource_metadata", &metadata.url());
            }
            if let Some((error, description)) = error.filter(|_| scheme == used) {
                challenge = challenge.with_parameter("error", error).with_parameter("error_description", description);
                challenge = requirement.describe(&reason, challenge);
            }
            match (scheme, &self.dpop) {
                (Scheme::Dpop, Some(dpop)) => {
                    challenge.with_parameter("algs", &dpop.algorithms().join(" ")).into_string()
                }
                _ => challenge.into_string(),
            }
        };
        let challenges: Vec<String> = self.schemes().map(challenge).collect();
        let nonce = self.dpop.as_ref().and_then(|dpop| dpop.nonce(now));
        Denial::new(reason, &challenges, nonce.as_deref())
    }
}

/// Returns true if the accepted proof has this nonce.
fn carries(proof: &str, nonce: &str) -> bool {
    Jws::parse(proof).is_ok_and(|proof| proof.claims_unverified().text("nonce") == Ok(nonce))
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("url", &self.url)
            .field("realm", &self.realm)
            .field("dpop", &self.dpop)
            .field("requires_binding", &self.requires_binding)
            .finish_non_exhaustive()
    }
}
