//! Public key material of a client: how it proves who it is, without a secret of the server.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use crate::vocabulary::{InvalidValue, absolute_uri};

/// Members of a JWK that only a private or a symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The maximum length of a key set in a registration, as JSON, in bytes.
const MAX_JWKS: usize = 16 * 1024;

/// The public keys of a client: a JWK set by value (`jwks`), or its address (`jwks_uri`). RFC 7591 section 2 allows one
/// of them. Keys verify client assertions (RFC 7523) and self-signed certificates (RFC 8705 section 2.2).
///
/// ```
/// use regrant::client::ClientKeys;
///
/// let published = ClientKeys::published("https://app.example/jwks.json")?;
/// assert_eq!(published.jwks_uri(), Some("https://app.example/jwks.json"));
/// let private = serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "..", "d": ".." }] });
/// assert!(ClientKeys::registered(private).is_err());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClientKeys(Source);

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Registered(Arc<Value>),
    Published(Arc<str>),
}

impl ClientKeys {
    /// Keys by value, as a JWK set (RFC 7517 section 5) of at most 16 KiB. The keys themselves are not read here.
    ///
    /// # Errors
    /// [`InvalidValue`] for a value without an array `keys`, for one that is too long, and for private or symmetric
    /// keys: a private key in a database of clients is lost.
    pub fn registered(jwks: Value) -> Result<Self, InvalidValue> {
        let invalid = |why| Err(InvalidValue::new("jwks", why));
        let Some(keys) = jwks.get("keys").and_then(Value::as_array) else {
            return invalid("must be an object with an array of keys");
        };
        if keys.iter().any(|key| PRIVATE.iter().any(|member| key.get(member).is_some())) {
            return invalid("must have public keys alone");
        }
        if jwks.to_string().len() > MAX_JWKS {
            return invalid("must be at most 16 KiB long");
        }
        Ok(Self(Source::Registered(Arc::new(jwks))))
    }

    /// Keys that the client publishes at this `https` URL. Whoever fetches them protects the own network: see
    /// [`FetchClientMetadata`](crate::authenticator::FetchClientMetadata) for the rules.
    ///
    /// # Errors
    /// [`InvalidValue`] for any other URL: an attacker on the path could replace the keys.
    pub fn published(jwks_uri: impl AsRef<str>) -> Result<Self, InvalidValue> {
        let jwks_uri = jwks_uri.as_ref();
        absolute_uri("jwks_uri", jwks_uri)?;
        if !jwks_uri.starts_with("https://") {
            return Err(InvalidValue::new("jwks_uri", "must be an https URL"));
        }
        Ok(Self(Source::Published(jwks_uri.into())))
    }

    /// Returns the JWK set, if the keys are registered by value.
    #[must_use]
    pub fn jwks(&self) -> Option<&Value> {
        match &self.0 {
            Source::Registered(jwks) => Some(jwks),
            Source::Published(_) => None,
        }
    }

    /// Returns the address of the keys, if the client publishes them.
    #[must_use]
    pub fn jwks_uri(&self) -> Option<&str> {
        match &self.0 {
            Source::Registered(_) => None,
            Source::Published(jwks_uri) => Some(jwks_uri),
        }
    }
}

/// The certificate subject of a `tls_client_auth` client: exactly one of five kinds (RFC 8705 section 2.1.2). The texts
/// are compared by the [verifier](crate::authenticator::VerifyCredentials), which also parses them.
///
/// ```
/// use regrant::client::{ClientAuthenticationMethod, TlsSubject};
/// use regrant::{Client, ClientId};
///
/// let payments = Client::new(ClientId::from_static("payments"))
///     .with_authentication_methods(ClientAuthenticationMethod::TlsClientAuth)
///     .with_tls_subject(TlsSubject::Dn("CN=payments,O=Example,C=DE".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsSubject {
    /// `tls_client_auth_subject_dn`, in the form of RFC 4514.
    Dn(String),
    /// `tls_client_auth_san_dns`.
    SanDns(String),
    /// `tls_client_auth_san_uri`.
    SanUri(String),
    /// `tls_client_auth_san_ip`.
    SanIp(IpAddr),
    /// `tls_client_auth_san_email`.
    SanEmail(String),
}
