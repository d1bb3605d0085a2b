use std::fmt;

use regrant::clock::Timestamp;
use regrant::host::Unavailable;
use regrant::{AccessToken, Entropy};
use serde_json::{Map, json};

use super::access_token_hash;
use crate::base64url;
use crate::jws;
use crate::key::KeyError;
use crate::key::Signer;

/// The key of a DPoP client, which signs proofs (RFC 9449 section 4.2). For clients in Rust, and for tests of servers.
///
/// ```
/// use regrant::SystemEntropy;
/// use regrant::clock::{Clock, SystemClock};
/// use regrant_jose::dpop::DpopKey;
/// use regrant_jose::{Algorithm, PrivateKey};
///
/// # async fn example(nonce: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
/// let key = DpopKey::new(PrivateKey::generate(Algorithm::Es256, &SystemEntropy)?)?;
/// let header = key
///     .proof("POST", "https://as.example/oauth2/token")
///     .with_nonce(nonce)
///     .sign(SystemClock.now(), &SystemEntropy)
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct DpopKey {
    signer: Box<dyn Signer>,
    /// The header in base64url, the same for each proof.
    header: String,
    jkt: [u8; 32],
}

/// A proof that is not signed yet.
#[derive(Clone, Copy)]
#[must_use = "it proves nothing until it is signed"]
pub struct UnsignedProof<'a> {
    key: &'a DpopKey,
    method: &'a str,
    url: &'a str,
    nonce: Option<&'a str>,
    access_token: Option<&'a AccessToken>,
}

impl DpopKey {
    /// Creates a key that signs with `signer`.
    ///
    /// # Errors
    /// When the key is symmetric: a shared secret proves nothing to other parties.
    pub fn new(signer: impl Signer + 'static) -> Result<Self, KeyError> {
        let public = signer.public_key();
        if public.algorithm().is_symmetric() {
            return Err(KeyError::Mismatch);
        }
        let header = json!({ "typ": "dpop+jwt", "alg": public.algorithm().as_str(), "jwk": public.to_value() });
        let (header, jkt) = (base64url::encode(header.to_string()), public.thumbprint());
        Ok(Self { signer: Box::new(signer), header, jkt })
    }

    /// The thumbprint to which tokens are bound (`jkt`, section 6.1).
    #[must_use]
    pub const fn thumbprint(&self) -> [u8; 32] {
        self.jkt
    }

    /// The thumbprint in the form of the authorization request (`dpop_jkt`, section 10).
    #[must_use]
    pub fn dpop_jkt(&self) -> String {
        base64url::encode(self.jkt)
    }

    /// Starts a proof for a request of `method` to `url`, a URL without query and fragment.
    pub const fn proof<'a>(&'a self, method: &'a str, url: &'a str) -> UnsignedProof<'a> {
        UnsignedProof { key: self, method, url, nonce: None, access_token: None }
    }
}

impl<'a> UnsignedProof<'a> {
    /// Sets the nonce: the last one that the server sent in `DPoP-Nonce` (section 8).
    pub fn with_nonce(mut self, nonce: impl Into<Option<&'a str>>) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Sets the access token that the request to a resource server carries (section 7).
    pub fn with_access_token(mut self, access_token: impl Into<Option<&'a AccessToken>>) -> Self {
        self.access_token = access_token.into();
        self
    }

    /// Signs the proof and returns the value of the `DPoP` header. Each request needs a new proof, a repeated request
    /// too.
    ///
    /// # Errors
    /// When the signer fails for now.
    pub async fn sign(self, now: Timestamp, entropy: &dyn Entropy) -> Result<String, Unavailable> {
        let mut claims = Map::from_iter([
            ("jti".to_owned(), jws::new_jti(entropy)),
            ("htm".to_owned(), self.method.into()),
            ("htu".to_owned(), self.url.into()),
            ("iat".to_owned(), now.as_secs().into()),
        ]);
        claims.extend(self.nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
        claims.extend(self.access_token.map(|token| ("ath".to_owned(), access_token_hash(token).into())));
        jws::sign(&*self.key.signer, &self.key.header, claims).await
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey").field("jkt", &self.dpop_jkt()).finish_non_exhaustive()
    }
}

impl fmt::Debug for UnsignedProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsignedProof(..)")
    }
}
