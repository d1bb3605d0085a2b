use std::error::Error;
use std::time::Duration;

use crate::key::KeyError;

/// The reason why a client or a URL cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSetupError {
    /// The URL is not one of a server over TLS.
    #[error("the URL {why}")]
    #[non_exhaustive]
    InvalidUrl {
        /// The rule that the URL breaks.
        why: &'static str,
    },
    /// The system has no root certificates.
    #[error("no root certificates found: install `ca-certificates`, or pass a file to `HttpClient::trusting`")]
    NoRoots,
    /// The text has no certificate, or one that cannot be parsed.
    #[error("the root certificates are not certificates in PEM")]
    InvalidRoots,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

/// The reason why there is no usable answer. The causes of an event or a log line have it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// There was no connection, or it broke.
    #[error("the server cannot be reached: check the URL, the network and the certificate of the server")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// There was no complete answer in time.
    #[error("no complete answer within {0:?}: see the load of the server, or raise `HttpClient::with_timeout`")]
    Timeout(Duration),
    /// The answer is longer than any legitimate one.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The server redirects. Redirects are not followed: the registered address decides whom to trust.
    #[error("the server redirects with status {0}: configure the URL that it redirects to")]
    Redirect(u16),
    /// The status is not 200.
    #[error("the server answered with status {0}, and 200 was expected")]
    Status(u16),
    /// The answer is not a key set.
    #[error("the answer is not a key set: check that the URL is the `jwks_uri`")]
    Keys(#[source] KeyError),
    /// The request cannot be built: the key of the client does not sign now, or HTTP cannot carry the client id.
    #[error("the credentials of this resource server cannot be added to the request")]
    Request(#[source] Box<dyn Error + Send + Sync>),
}
