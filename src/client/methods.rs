use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::vocabulary::InvalidValue;

/// The set of methods by which one client may authenticate. Each request uses one of them, never two (RFC 6749 section
/// 2.3).
///
/// There is no set with a secret and something stronger: a thief of the secret would then need nothing stronger.
///
/// ```
/// use regrant::{Client, ClientId};
/// use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod};
///
/// let app = Client::new(ClientId::new("app")?);
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretBasic));
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
///
/// let app = app.with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
/// assert!(!app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "another kind of set is another promise of the client's security")]
pub enum AuthenticationMethods {
    /// `client_secret_basic` and `client_secret_post`. Client libraries differ in which of them they use, some from one
    /// request to the next.
    Secret,
    /// One method alone.
    Only(ClientAuthenticationMethod),
}

impl AuthenticationMethods {
    /// Tells whether `method` is one of them.
    #[must_use]
    pub fn contains(self, method: ClientAuthenticationMethod) -> bool {
        use ClientAuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        match self {
            Self::Secret => matches!(method, ClientSecretBasic | ClientSecretPost),
            Self::Only(only) => only == method,
        }
    }

    /// Tells whether the client always shows possession of a private key, which nobody else ever holds (RFC 9700
    /// section 2.5).
    #[must_use]
    pub const fn are_asymmetric(self) -> bool {
        matches!(self, Self::Only(method) if method.is_asymmetric())
    }

    /// Tells whether it takes a library for JWTs or certificates to verify them.
    pub(crate) fn need_verifier(self) -> bool {
        matches!(self, Self::Only(method) if !ClientAuthenticationMethod::PLAIN.contains(&method))
    }
}

impl From<ClientAuthenticationMethod> for AuthenticationMethods {
    fn from(method: ClientAuthenticationMethod) -> Self {
        Self::Only(method)
    }
}

/// How a client authenticates at the endpoints (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAuthenticationMethod {
    /// `client_secret_basic`: HTTP Basic, both parts form-urlencoded first (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// `client_secret_jwt`: a JWT with a MAC under the client's secret (OpenID Connect Core section 9).
    ClientSecretJwt,
    /// `private_key_jwt`: a JWT signed with the client's private key (RFC 7523 section 2.2, OpenID Connect Core section 9).
    PrivateKeyJwt,
    /// `tls_client_auth`: a certificate of a known authority, by its subject (RFC 8705 section 2.1).
    TlsClientAuth,
    /// `self_signed_tls_client_auth`: a registered certificate (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// `none`: a public client, known by its `client_id` alone.
    None,
}

impl ClientAuthenticationMethod {
    pub(crate) const ALL: [Self; 7] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// Those that need no library for JWTs or certificates.
    pub(crate) const PLAIN: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// Whether the client shows possession of a private key, which nobody else ever holds (RFC 9700 section 2.5).
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// The name in client metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }
}

impl FromStr for ClientAuthenticationMethod {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let unknown = InvalidValue::new(
            "token_endpoint_auth_method",
            "known are client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, \
             self_signed_tls_client_auth, none",
        );
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(unknown)
    }
}

impl TryFrom<String> for ClientAuthenticationMethod {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ClientAuthenticationMethod> for String {
    fn from(method: ClientAuthenticationMethod) -> Self {
        method.as_str().to_owned()
    }
}

impl fmt::Display for ClientAuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
