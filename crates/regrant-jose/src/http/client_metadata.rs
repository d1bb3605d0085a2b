use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, header};
use regrant::authenticator::FetchClientMetadata;
use regrant::host::Unavailable;

use super::client::Answer;
use super::{HttpClient, HttpError};

/// The longest document, in bytes (draft-ietf-oauth-client-id-metadata-document, security considerations).
const MAX_LENGTH: usize = 5 * 1024;

/// Fetches the metadata documents of clients whose id is a URL, for
/// [`MetadataDocuments`](regrant::authenticator::MetadataDocuments). It connects to addresses of the public internet
/// only, because strangers choose the URLs.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use regrant::authenticator::MetadataDocuments;
/// use regrant::client::RegistrationRules;
/// use regrant::clock::SystemClock;
/// use regrant_jose::http::{ClientMetadata, HttpClient};
///
/// # fn example(rules: RegistrationRules) -> Result<(), Box<dyn std::error::Error>> {
/// let fetcher = ClientMetadata::new(&HttpClient::new()?);
/// let documents = MetadataDocuments::new(fetcher, rules, Arc::new(SystemClock));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientMetadata {
    http: HttpClient,
}

impl ClientMetadata {
    /// Fetches with the timeout and the root certificates of `http`.
    #[must_use]
    pub fn new(http: &HttpClient) -> Self {
        Self { http: http.clone().with_public_addresses_only() }
    }

    /// Also fetches from private networks and from this machine, for development and for closed networks.
    #[must_use]
    pub fn from_any_address(http: &HttpClient) -> Self {
        Self { http: http.clone() }
    }
}

#[async_trait]
impl FetchClientMetadata for ClientMetadata {
    async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let Ok(url) = self.http.parse(url) else { return Ok(None) };
        let request = Request::get(url).header(header::ACCEPT, "application/json");
        match self.http.send(request, Bytes::new(), MAX_LENGTH).await {
            Ok(Answer { status, .. }) if status >= 500 => Err(HttpError::Status(status).into()),
            Ok(answer) if answer.status == 200 && is_json(&answer) => Ok(Some(answer.body)),
            Ok(_) | Err(HttpError::TooLarge(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns true for `application/json`, and for another type in JSON.
fn is_json(answer: &Answer) -> bool {
    let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}
