use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::address::Resolver;
use super::{HttpError, HttpSetupError, url};

const USER_AGENT: &str = concat!("regrant-jose/", env!("CARGO_PKG_VERSION"));

/// An HTTP client for a few known servers: HTTP/1.1 over TLS, or without TLS to this machine. Clones share their
/// connections, so one client is enough for a process.
///
/// * An exchange ends within the [timeout](Self::with_timeout), and its answer is bounded in size.
/// * Redirects are not followed.
/// * Proxies of the environment (`HTTPS_PROXY`) are not used.
///
/// ```no_run
/// use std::time::Duration;
/// use regrant_jose::http::HttpClient;
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let http = HttpClient::trusting(&std::fs::read("/etc/ssl/company.pem")?)?.with_timeout(Duration::from_secs(2));
/// // For the `jwks_uri` of clients that register themselves.
/// let for_strangers = HttpClient::new()?.with_public_addresses_only();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    public_only: bool,
}

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// A complete answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl HttpClient {
    /// The default time limit of an exchange: five seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Creates a client that trusts the root certificates of the system.
    ///
    /// # Errors
    /// When the system has no root certificates.
    pub fn new() -> Result<Self, HttpSetupError> {
        let mut roots = RootCertStore::empty();
        // Unreadable certificates of the system are skipped.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() { Err(HttpSetupError::NoRoots) } else { Self::with_roots(roots) }
    }

    /// Creates a client that trusts these root certificates in PEM, and no others.
    ///
    /// # Errors
    /// When there is no certificate, or one cannot be parsed.
    pub fn trusting(pem: &[u8]) -> Result<Self, HttpSetupError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| HttpSetupError::InvalidRoots)?;
            roots.add(certificate).map_err(|_| HttpSetupError::InvalidRoots)?;
        }
        if roots.is_empty() { Err(HttpSetupError::InvalidRoots) } else { Self::with_roots(roots) }
    }

    /// Sets the time limit of an exchange, from the connection to the last byte. Default: five seconds. The requests of
    /// your clients wait for it.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects to addresses of the public internet only, and over TLS only. Needed where others choose the URL, such
    /// as the `jwks_uri` of a client that registered itself: it could name a service of your own network (RFC 7591
    /// section 5, server-side request forgery). Set it before the client is passed on.
    #[must_use]
    pub fn with_public_addresses_only(self) -> Self {
        Self { client: connect(&self.tls, true), public_only: true, ..self }
    }

    /// Brings its own cryptography provider: the process may have another default, or none.
    fn with_roots(roots: RootCertStore) -> Result<Self, HttpSetupError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpSetupError::Tls(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = Arc::new(config);
        Ok(Self { client: connect(&tls, false), tls, timeout: Self::TIMEOUT, public_only: false })
    }

    pub(super) fn parse(&self, url: &str) -> Result<Uri, HttpSetupError> {
        url::parse(url, self.public_only)
    }

    /// Sends a request, and reads at most `limit` bytes of its answer.
    pub(super) async fn send(&self, request: Builder, body: Bytes, limit: usize) -> Result<Answer, HttpError> {
        let request = request.header(header::USER_AGENT, USER_AGENT).body(Full::new(body));
        let exchange = self.exchange(request.map_err(|error| HttpError::Request(error.into()))?, limit);
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or(Err(HttpError::Timeout(self.timeout)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<Answer, HttpError> {
        let response = self.client.request(request).await.map_err(|error| HttpError::Unreachable(error.into()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| broken(error, limit))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes().into() })
    }
}

fn broken(error: Box<dyn Error + Send + Sync>, limit: usize) -> HttpError {
    if error.is::<LengthLimitError>() { HttpError::TooLarge(limit) } else { HttpError::Unreachable(error) }
}

fn connect(tls: &Arc<ClientConfig>, public_only: bool) -> Client<Connector, Full<Bytes>> {
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new(public_only));
    // The connector around it speaks TLS where the scheme says so.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new().with_tls_config(ClientConfig::clone(tls));
    let connector = if public_only { connector.https_only() } else { connector.https_or_http() };
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector.enable_http1().wrap_connector(tcp))
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("timeout", &self.timeout)
            .field("public_only", &self.public_only)
            .finish_non_exhaustive()
    }
}
