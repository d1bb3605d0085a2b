use std::fmt;
use std::sync::Arc;

use regrant::Scope;
use regrant::clock::{Clock, Timestamp};
use regrant::grant::Confirmation;
use regrant::proof::{ClientCertificate, DpopProof, ProofFault, ProofVerifier as _};
use regrant::wire::{CertificateHeader, Request};

use super::challenge::Challenge;
use super::credentials::{Malformed, Presented, Scheme};
use super::denial::ErrorWords;
use super::{Denial, DenialReason, InvalidToken, VerifiedToken, VerifyAccessToken};
use crate::dpop::DpopVerifier;
use crate::jws::Jws;

/// Judges the requests to a resource server: is there a good access token, and does whoever sends it possess the key it is
/// bound to (RFC 6750, RFC 9449 section 7, RFC 8705 section 3).
///
/// [`authenticate`](Self::authenticate) first, then [`authorize`](Self::authorize) for the scope that a route needs. Both
/// answer with the whole HTTP response when the request is not to be served. `regrant-axum` does the two as a tower layer.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant::wire::Request;
/// use regrant_jose::{DpopVerifier, JwkSet, JwtVerifier, ReplayCache, ResourceServer};
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
/// assert!(challenges[1].1.starts_with(r#"DPoP realm="https://api.example", algs="EdDSA ES256"#));
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
    events: Box<dyn Fn(&DenialReason) + Send + Sync>,
}

/// A request with a good token, whose sender it is bound to, if it is bound.
#[derive(Debug)]
#[non_exhaustive]
pub struct Authenticated {
    /// The token.
    pub token: VerifiedToken,
    /// The nonce for the client's next DPoP proof, when another one is due than it used: send it in the header `DPoP-Nonce`,
    /// with `Cache-Control: no-store` (RFC 9449 section 8.2).
    pub dpop_nonce: Option<String>,
}

impl ResourceServer {
    /// A server that clients know by `url`: scheme and authority, and the path that a proxy strips, if one does. A DPoP proof
    /// must name it with the path of the request behind. From configuration, never from a `Host` header, which is the
    /// client's to choose.
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
            events: Box::new(|_| {}),
        }
    }

    /// Sets the `realm` of the challenges, a name for what is protected. Default: the URL. Printable ASCII; what is not is
    /// left out.
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Accepts DPoP-bound tokens, with proofs that `verifier` accepts. Default: they are refused, since nobody looks at proofs.
    #[must_use]
    pub fn with_dpop(mut self, verifier: impl Into<Arc<DpopVerifier>>) -> Self {
        self.dpop = Some(verifier.into());
        self
    }

    /// Accepts nothing but tokens that are bound to a DPoP key or a client certificate, as FAPI 2.0 wants. Default: a token that
    /// is bound to nothing is good in anybody's hands.
    #[must_use]
    pub const fn with_bound_tokens_only(mut self) -> Self {
        self.requires_binding = true;
        self
    }

    /// Sets the header in which a proxy hands on the client certificate. It alone counts then. Default none: the certificate of
    /// the connection counts.
    #[must_use]
    pub fn with_certificate_header(mut self, header: CertificateHeader) -> Self {
        self.certificate_header = Some(header);
        self
    }

    /// Sets what is told of each request that is not served, and why: for logs and counters. Clients are told no more
    /// than the error word. Default nothing. It is called in the middle of a request: it must be quick, not block and
    /// not panic.
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

    /// Finds the token of a request good, and its sender in possession of the key that it is bound to. The body is not read.
    ///
    /// A proof is used up only by a request that is authenticated. So authenticate each request once.
    ///
    /// # Errors
    /// When the request is not to be served.
    pub async fn authenticate(&self, request: &Request<'_>) -> Result<Authenticated, Denial> {
        let now = self.clock.now();
        let presented = match Presented::read(request) {
            Ok(Some(presented)) if self.schemes().any(|scheme| scheme == presented.scheme) => presented,
            Ok(_) => return Err(self.denial(DenialReason::NoToken, Scheme::Bearer, None, now)),
            Err(Malformed) => return Err(self.denial(DenialReason::MalformedRequest, Scheme::Bearer, None, now)),
        };
        let authenticated = self.authenticated(&presented, request, now).await;
        authenticated.map_err(|reason| self.denial(reason, presented.scheme, None, now))
    }

    /// Finds that the token of an authenticated request has all of `scope`.
    ///
    /// # Errors
    /// When it has not: `insufficient_scope`, with `scope` as what is needed.
    pub fn authorize(&self, token: &VerifiedToken, scope: &Scope) -> Result<(), Denial> {
        if scope.is_subset_of(token.scope()) {
            return Ok(());
        }
        let scheme = match token.confirmation() {
            Some(Confirmation::DpopKey(_)) => Scheme::Dpop,
            _ => Scheme::Bearer,
        };
        Err(self.denial(DenialReason::InsufficientScope, scheme, Some(scope), self.clock.now()))
    }

    async fn authenticated(
        &self,
        presented: &Presented,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Authenticated, DenialReason> {
        let token = self.verifier.verify(&presented.token, now).await?;
        let dpop_nonce = match (presented.scheme, token.confirmation()) {
            (Scheme::Dpop, Some(Confirmation::DpopKey(jkt))) => self.proven(presented, request, jkt, now).await?,
            // A stolen bearer token must not gain respectability by a proof of whatever key.
            (Scheme::Dpop, _) => return Err(InvalidToken::Unbound.into()),
            (Scheme::Bearer, None) if self.requires_binding => return Err(InvalidToken::Unbound.into()),
            (Scheme::Bearer, None) => None,
            (Scheme::Bearer, Some(bound @ Confirmation::Certificate(_))) => {
                let certificate = self.certificate(request).map(|certificate| certificate.confirmation());
                (certificate.as_ref() == Some(bound)).then_some(None).ok_or(InvalidToken::Certificate)?
            }
            // RFC 9449 section 7.1: or binding would be up to the thief.
            (Scheme::Bearer, Some(_)) => return Err(InvalidToken::WithoutProof.into()),
        };
        Ok(Authenticated { token, dpop_nonce })
    }

    /// Has the proof of the request accepted, and says which nonce is due.
    async fn proven(
        &self,
        presented: &Presented,
        request: &Request<'_>,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<String>, DenialReason> {
        let dpop = self.dpop.as_ref().ok_or(DenialReason::NoToken)?;
        let mut headers = request.header("dpop");
        // RFC 9449 section 4.3: there is one.
        let header = headers.next().filter(|_| headers.next().is_none()).ok_or(ProofFault::Missing)?;
        let jwt = std::str::from_utf8(header).map_err(|_| ProofFault::Malformed)?.to_owned();
        let proof = DpopProof { jwt, method: request.method.to_owned(), url: self.url_of(request.path) };
        dpop.verify_at_resource(&proof, &presented.token, jkt, now).await?;
        Ok(dpop.nonce(now).filter(|due| !carries(&proof.jwt, due)))
    }

    /// A header that is no certificate, or is there twice, shows none.
    fn certificate(&self, request: &Request<'_>) -> Option<ClientCertificate> {
        match &self.certificate_header {
            Some(header) => header.read(request).ok().flatten(),
            None => request.client_certificate.cloned(),
        }
    }

    fn url_of(&self, path: &str) -> String {
        // `*`, say: without the slash it would become a part of the host.
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.url)
    }

    fn schemes(&self) -> impl Iterator<Item = Scheme> {
        [Scheme::Bearer].into_iter().chain(self.dpop.as_ref().map(|_| Scheme::Dpop))
    }

    /// Tells the host the reason, and the client all schemes, and the error with the one that it used.
    fn denial(&self, reason: DenialReason, used: Scheme, scope: Option<&Scope>, now: Timestamp) -> Denial {
        (self.events)(&reason);
        let words = reason.error();
        let challenge = |scheme: Scheme| {
            let mut challenge = Challenge::new(scheme, &self.realm);
            if let Some(ErrorWords { error, description }) = words.filter(|_| scheme == used) {
                challenge = challenge.with("error", error).with("error_description", description);
                challenge =
                    scope.into_iter().fold(challenge, |challenge, scope| challenge.with("scope", scope.as_str()));
            }
            match (scheme, &self.dpop) {
                (Scheme::Dpop, Some(dpop)) => challenge.with("algs", &dpop.algorithms().join(" ")).into_string(),
                _ => challenge.into_string(),
            }
        };
        let challenges: Vec<String> = self.schemes().map(challenge).collect();
        let nonce = self.dpop.as_ref().and_then(|dpop| dpop.nonce(now));
        Denial::new(reason, &challenges, nonce.as_deref())
    }
}

/// Whether a proof that was accepted has this nonce.
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
