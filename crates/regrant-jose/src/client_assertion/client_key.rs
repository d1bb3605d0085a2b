use std::fmt;
use std::time::Duration;

use regrant::authenticator::ClientAssertion;
use regrant::clock::Timestamp;
use regrant::host::Unavailable;
use regrant::{ClientId, Entropy};
use serde_json::{Map, Value, json};

use crate::base64url;
use crate::jwk::Jwk;
use crate::jws;
use crate::key::{KeyError, Signer};
use crate::request_object::UnsignedRequestObject;

/// The key of a client, which signs its assertions (`private_key_jwt`, RFC 7523 section 2.2) and its request objects
/// (RFC 9101). For clients in Rust, resource servers that introspect, and tests of servers.
///
/// ```
/// use regrant::clock::{Clock, SystemClock};
/// use regrant::{ClientId, SystemEntropy};
/// use regrant_jose::client_assertion::ClientKey;
/// use regrant_jose::{Algorithm, PrivateKey};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let private_key = PrivateKey::generate(Algorithm::Es256, &SystemEntropy)?.with_kid("2026-11");
/// let key = ClientKey::new(ClientId::new("payments")?, private_key)?;
/// // The parameter `client_assertion`. `client_assertion_type` is
/// // `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
/// let assertion = key.assertion("https://as.example").sign(SystemClock.now(), &SystemEntropy).await?;
/// # Ok(())
/// # }
/// ```
pub struct ClientKey {
    client_id: ClientId,
    signer: Box<dyn Signer>,
}

/// A client assertion that is not signed yet.
#[derive(Clone, Copy)]
#[must_use = "it authenticates nobody until it is signed"]
pub struct UnsignedAssertion<'a> {
    key: &'a ClientKey,
    audience: &'a str,
    lifetime: Duration,
}

impl ClientKey {
    /// Creates the key of `client_id`, which signs with `signer`. The server must know the public key: its `kid` is
    /// named in each token.
    ///
    /// # Errors
    /// [`Mismatch`](KeyError::Mismatch) when the key is symmetric: `private_key_jwt` needs a key pair.
    pub fn new(client_id: ClientId, signer: impl Signer + 'static) -> Result<Self, KeyError> {
        if signer.public_key().algorithm().is_symmetric() {
            return Err(KeyError::Mismatch);
        }
        Ok(Self { client_id, signer: Box::new(signer) })
    }

    /// The client.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The public key, which the client registers or publishes (`jwks`, RFC 7591 section 2).
    #[must_use]
    pub fn public_key(&self) -> Jwk {
        self.signer.public_key()
    }

    /// Starts an assertion for the server with the issuer `audience`. FAPI 2.0 accepts nothing but the issuer; some
    /// older servers want the URL of the endpoint.
    pub const fn assertion<'a>(&'a self, audience: &'a str) -> UnsignedAssertion<'a> {
        UnsignedAssertion { key: self, audience, lifetime: Duration::from_secs(60) }
    }

    /// Starts a request object (RFC 9101) for the server with the issuer `audience`.
    pub fn request_object<'a>(&'a self, audience: &'a str) -> UnsignedRequestObject<'a> {
        UnsignedRequestObject::new(self, audience)
    }

    /// Signs claims as a JWT of type `typ`. Adds `iss`, `aud`, `jti`, `iat` and `exp`.
    pub(crate) async fn sign(
        &self,
        typ: &str,
        audience: &str,
        mut claims: Map<String, Value>,
        issued_at: Timestamp,
        lifetime: Duration,
        entropy: &dyn Entropy,
    ) -> Result<String, Unavailable> {
        let public = self.signer.public_key();
        let mut header = json!({ "alg": public.algorithm().as_str(), "typ": typ });
        if let Some(kid) = public.kid() {
            header["kid"] = kid.into();
        }
        claims.extend([
            ("iss".to_owned(), self.client_id.as_str().into()),
            ("aud".to_owned(), audience.into()),
            ("jti".to_owned(), jws::new_jti(entropy)),
            ("iat".to_owned(), issued_at.as_secs().into()),
            ("exp".to_owned(), (issued_at + lifetime).as_secs().into()),
        ]);
        jws::sign(&*self.signer, &base64url::encode(header.to_string()), claims).await
    }
}

impl UnsignedAssertion<'_> {
    /// Sets the time for which the assertion is valid. Default: 60 seconds. It is sent at once and accepted once, so
    /// the time has to cover the difference of the clocks only.
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Signs the assertion. Each request needs a new one, a repeated request too: servers accept an assertion once.
    ///
    /// # Errors
    /// When the signer fails for now.
    pub async fn sign(self, now: Timestamp, entropy: &dyn Entropy) -> Result<ClientAssertion, Unavailable> {
        let Self { key, audience, lifetime } = self;
        let claims = Map::from_iter([("sub".to_owned(), key.client_id.as_str().into())]);
        // RFC 7523bis names the type `client-authentication+jwt`, which older servers refuse. Every server takes `JWT`.
        key.sign("JWT", audience, claims, now, lifetime, entropy).await.map(ClientAssertion::new)
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for UnsignedAssertion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedAssertion")
            .field("key", self.key)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
