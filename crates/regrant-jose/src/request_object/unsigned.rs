use std::fmt;
use std::time::Duration;

use regrant::Entropy;
use regrant::clock::Timestamp;
use regrant::host::Unavailable;
use serde_json::{Map, Value};

use super::REQUEST_OBJECT;
use crate::client_assertion::ClientKey;

/// An authorization request that is not signed yet (RFC 9101 section 4).
///
/// ```
/// use regrant::SystemEntropy;
/// use regrant::clock::{Clock, SystemClock};
/// use regrant_jose::client_assertion::ClientKey;
///
/// # async fn example(key: ClientKey) -> Result<(), regrant::host::Unavailable> {
/// // The parameter `request`. `client_id` is sent beside it.
/// let request = key
///     .request_object("https://as.example")
///     .with_parameter("response_type", "code")
///     .with_parameter("redirect_uri", "https://app.example/callback")
///     .with_parameter("scope", "payments")
///     .sign(SystemClock.now(), &SystemEntropy)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "no server accepts it until it is signed"]
pub struct UnsignedRequestObject<'a> {
    key: &'a ClientKey,
    audience: &'a str,
    lifetime: Duration,
    parameters: Map<String, Value>,
}

impl<'a> UnsignedRequestObject<'a> {
    pub(crate) fn new(key: &'a ClientKey, audience: &'a str) -> Self {
        Self { key, audience, lifetime: Duration::from_secs(60), parameters: Map::new() }
    }

    /// Adds a parameter of the authorization request. `client_id` and the claims of the JWT itself are always those of
    /// the key, the audience and the time.
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Sets the time for which the object is valid. Default: 60 seconds. A request that passes through a browser may
    /// need longer; FAPI 2.0 accepts 60 minutes at most.
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Signs the request. Returns the parameter `request`.
    ///
    /// # Errors
    /// When the signer fails for now.
    pub async fn sign(self, now: Timestamp, entropy: &dyn Entropy) -> Result<String, Unavailable> {
        let Self { key, audience, lifetime, parameters: mut claims } = self;
        claims.insert("client_id".to_owned(), key.client_id().as_str().into());
        claims.insert("nbf".to_owned(), now.as_secs().into());
        key.sign(REQUEST_OBJECT, audience, claims, now, lifetime, entropy).await
    }
}

impl fmt::Debug for UnsignedRequestObject<'_> {
    /// Prints no parameter: they may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedRequestObject").field("key", self.key).finish_non_exhaustive()
    }
}
