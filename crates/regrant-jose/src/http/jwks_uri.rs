use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{HeaderMap, Request, Uri, header};

use super::client::Answer;
use super::{HttpClient, HttpError, HttpSetupError};
use crate::RegisteredKeys;
use crate::jwk::JwkSet;
use crate::key::{KeySource, PublishedKeys, ResolveKeys};

/// The published keys of an issuer or of a client, at its `jwks_uri` (RFC 8414 section 2, RFC 7591 section 2).
///
/// It converts into a [`KeySource`], which caches: the keys are fetched again when they are ten minutes old, or as old
/// as `max-age` of the answer permits; when a token names an unknown key, at most every 30 seconds; and in an outage
/// they may [serve longer](KeySource::with_outage_grace).
///
/// ```no_run
/// use std::time::Duration;
///
/// use regrant_jose::http::{HttpClient, JwksUri};
/// use regrant_jose::{JwtVerifier, KeySource};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let http = HttpClient::new()?;
/// let keys = KeySource::from(JwksUri::new("https://as.example/oauth2/jwks", &http)?)
///     .with_outage_grace(Duration::from_secs(3600));
/// let tokens = JwtVerifier::new("https://as.example", "https://api.example", keys);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwksUri {
    url: Uri,
    http: HttpClient,
}

impl JwksUri {
    /// Fetches keys at `url` with `http`.
    ///
    /// # Errors
    /// When `url` is not `https`, or `http` to this machine, or has a user name, a password or a fragment.
    pub fn new(url: &str, http: &HttpClient) -> Result<Self, HttpSetupError> {
        Ok(Self { url: http.parse(url)?, http: http.clone() })
    }

    async fn fetch(&self) -> Result<PublishedKeys, HttpError> {
        let request =
            Request::get(self.url.clone()).header(header::ACCEPT, "application/jwk-set+json, application/json");
        let Answer { status, headers, body } = self.http.send(request, Bytes::new(), JwkSet::MAX_LENGTH).await?;
        match status {
            200 => {}
            300..400 => return Err(HttpError::Redirect(status)),
            _ => return Err(HttpError::Status(status)),
        }
        let keys = JwkSet::from_json(&body).map_err(HttpError::Keys)?;
        Ok(PublishedKeys::from(keys).with_max_age(max_age(&headers)))
    }
}

#[async_trait]
impl ResolveKeys for JwksUri {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        Ok(self.fetch().await?)
    }
}

impl From<JwksUri> for KeySource {
    fn from(uri: JwksUri) -> Self {
        Self::resolved_by(Arc::new(uri))
    }
}

impl RegisteredKeys {
    /// Fetches the keys at each registered `jwks_uri` with `http`. Where clients register themselves, it must be a
    /// client [with public addresses only](HttpClient::with_public_addresses_only).
    #[must_use]
    pub fn with_http(self, http: HttpClient) -> Self {
        self.with_resolver(move |url| match JwksUri::new(url, &http) {
            Ok(uri) => Arc::new(uri),
            Err(why) => Arc::new(Unusable(why.to_string())),
        })
    }
}

/// A registered URL that must not be asked.
struct Unusable(String);

#[async_trait]
impl ResolveKeys for Unusable {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        Err(self.0.clone().into())
    }
}

/// The time for which the answer may be kept (RFC 9111 section 5.2.2), if it says so.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives =
        directives.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    let ages = directives.filter_map(|directive| match directive.split_once('=') {
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok(),
        None if directive == "no-store" || directive == "no-cache" => Some(0),
        _ => None,
    });
    ages.min().map(Duration::from_secs)
}
