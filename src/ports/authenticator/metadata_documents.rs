use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{Rate, RegisteredClient, Supported};
use crate::client::{Client, RegistrationRules};
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, Clock, Timestamp, absolute_uri, forward_to_arc, json_object};

/// The maximum length of a document, in bytes (draft-ietf-oauth-client-id-metadata-document, security considerations).
const MAX_DOCUMENT: usize = 5 * 1024;

/// The maximum number of documents that are kept.
const MAX_KEPT: usize = 1000;

/// Fetches the metadata document of a client. The library has no I/O, so the host does.
///
/// # Contract
/// A stranger chooses the URL. The server that fetches it can reach systems that the stranger cannot (SSRF).
///
/// * **`https` alone, with a verified certificate.** The URL has that scheme already, no user name, and no address
///   instead of a host name.
/// * **No address of an own network.** The host name is resolved once, and no address is connected to that is loopback,
///   private, link-local or otherwise not global, IPv4 in IPv6 included. Connect to the address that was checked, since
///   a second look-up may have another answer.
/// * **No redirection is followed.** Its target would be an address that was not checked.
/// * **At most 5 KiB are read, and the call ends within some seconds.** The sign-in of a user waits for it.
/// * **No cookies and no credentials are sent.**
///
/// The document itself is judged by [`MetadataDocuments`].
///
/// ```
/// use async_trait::async_trait;
/// use regrant::authenticator::FetchClientMetadata;
/// use regrant::host::Unavailable;
///
/// # struct Response { status: u16, content_type: String, body: Vec<u8> }
/// # struct Guarded;
/// # impl Guarded {
/// #     async fn get(&self, _: &str) -> std::io::Result<Response> { Err(std::io::ErrorKind::Other.into()) }
/// # }
/// /// An HTTP client with the rules above.
/// struct Fetcher(Guarded);
///
/// #[async_trait]
/// impl FetchClientMetadata for Fetcher {
///     async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable> {
///         let response = self.0.get(url).await?;
///         let is_document = response.status == 200 && response.content_type.starts_with("application/json");
///         Ok(is_document.then_some(response.body))
///     }
/// }
/// ```
#[async_trait]
pub trait FetchClientMetadata: Send + Sync {
    /// Returns the document at `url`, or `None` if there is none: any answer but 200 with JSON, or one that is too
    /// long.
    ///
    /// # Errors
    /// [`Unavailable`] when the server does not answer now, or answers with a 5xx. The answer here is 503.
    async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable>;
}

forward_to_arc! {
    FetchClientMetadata {
        async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    }
}

/// Clients whose id is the URL of their metadata (draft-ietf-oauth-client-id-metadata-document), for a
/// [`DirectoryAuthenticator`](super::DirectoryAuthenticator). MCP clients are such clients.
///
/// A client is public, or authenticates with `private_key_jwt`: a published document holds no secret. Documents are
/// kept for [`with_max_age`](Self::with_max_age), at most 1000 of them. A document that is not accepted makes the
/// client unknown, and is fetched again.
///
/// The name and the logo are the client's own words. Show the host of the client id to the user beside them.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::authenticator::{DirectoryAuthenticator, FetchClientMetadata, MemoryClients, MetadataDocuments};
/// use regrant::client::RegistrationRules;
/// use regrant::clock::SystemClock;
/// use regrant::{Client, ClientId, GrantType, Scope};
///
/// # fn example(fetcher: impl FetchClientMetadata + 'static) {
/// let most = Client::new(ClientId::from_static("most"))
///     .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
///     .with_scope(Scope::from_static("tools"));
/// let documents = MetadataDocuments::new(fetcher, RegistrationRules::within(most), Arc::new(SystemClock));
/// let authenticator = DirectoryAuthenticator::new(MemoryClients::new()).with_metadata_documents(documents);
/// # }
/// ```
pub struct MetadataDocuments {
    fetcher: Box<dyn FetchClientMetadata>,
    rules: RegistrationRules,
    clock: Arc<dyn Clock>,
    max_age: Duration,
    rate: Rate,
    kept: Mutex<HashMap<ClientId, Kept>>,
}

struct Kept {
    fetched_at: Timestamp,
    registered: RegisteredClient,
}

impl MetadataDocuments {
    /// Accepts documents within `rules`. Methods with a secret are left out of them.
    #[must_use]
    pub fn new(fetcher: impl FetchClientMetadata + 'static, rules: RegistrationRules, clock: Arc<dyn Clock>) -> Self {
        Self {
            fetcher: Box::new(fetcher),
            rules: rules.without_secrets(),
            clock,
            max_age: Duration::from_secs(600),
            rate: Rate::per_minute(60),
            kept: Mutex::default(),
        }
    }

    /// Sets the time for which a document is used. Default 10 minutes. A redirection URI that the client withdraws is
    /// accepted for as long.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the maximum number of fetches in a minute, for all senders and on this node. Default 60. Anyone can cause
    /// them. Requests beyond it get 429 with `Retry-After`, and the event is `RateLimited`.
    #[must_use]
    pub fn with_most_fetches_per_minute(mut self, most: u32) -> Self {
        self.rate = Rate::per_minute(most);
        self
    }

    pub(super) fn supported(&self) -> Supported {
        Supported::default().with_metadata_documents(true).with_scope(self.rules.scope().clone())
    }

    /// Returns the client of the document at this URL. Returns `None` for an id that is no such URL, and for a document
    /// that is not accepted.
    pub(super) async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        if !is_document_url(client_id.as_str()) {
            return Ok(None);
        }
        let now = self.clock.now();
        let is_young = |kept: &Kept| now.since(kept.fetched_at).is_some_and(|age| age < self.max_age);
        if let Some(kept) = self.kept().get(client_id).filter(|kept| is_young(kept)) {
            return Ok(Some(kept.registered.clone()));
        }
        self.rate.take(now)?;
        let Some(document) = self.fetcher.fetch(client_id.as_str()).await? else { return Ok(None) };
        let registered = self.judge(client_id, &document);
        let mut kept = self.kept();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, kept| is_young(kept));
        }
        match &registered {
            // While all are young, a new one is not kept: strangers cannot displace the documents of others.
            Some(registered) if kept.len() < MAX_KEPT => {
                kept.insert(client_id.clone(), Kept { fetched_at: now, registered: registered.clone() });
            }
            _ => drop(kept.remove(client_id)),
        }
        Ok(registered)
    }

    /// Returns the client of a document, if the document names its own URL, has no secret, and keeps the rules.
    fn judge(&self, client_id: &ClientId, document: &[u8]) -> Option<RegisteredClient> {
        if document.len() > MAX_DOCUMENT {
            return None;
        }
        let document = json_object(document)?;
        let names_itself = document.get("client_id").and_then(Value::as_str) == Some(client_id.as_str());
        let has_secret = ["client_secret", "client_secret_expires_at"].iter().any(|name| document.contains_key(*name));
        if !names_itself || has_secret {
            return None;
        }
        let client: Client = self.rules.judge(client_id.clone(), &document).ok()?;
        RegisteredClient::new(client, []).ok()
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ClientId, Kept>> {
        // No code under this lock can panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MetadataDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataDocuments").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Returns true for a client identifier URL of the draft: `https`, with a path, without dot segments, a fragment and a
/// user name. A host without a period, and an address, is none: both are of an own network.
fn is_document_url(client_id: &str) -> bool {
    let Some(rest) = client_id.strip_prefix("https://") else { return false };
    let Some(at) = rest.find(['/', '?']) else { return false };
    let (authority, rest) = rest.split_at(at);
    let path = rest.split('?').next().unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    // The last label of an address is a number, in each of its spellings (0x7f included).
    let last = host.rsplit('.').next().unwrap_or_default();
    absolute_uri("client_id", client_id).is_ok()
        && path.starts_with('/')
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
        && port.parse::<u16>().is_ok()
        && host.bytes().all(is_name)
        && host.contains('.')
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
}
