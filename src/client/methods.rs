use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::vocabulary::InvalidValue;

/// The authentication methods of one client. A request uses one of them, never two (RFC 6749 section 2.3).
///
/// A set cannot combine a secret with a stronger method: a thief of the secret would not need the stronger one.
///
/// ```
/// use regrant::{Client, ClientId};
/// use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod};
///
/// let app = Client::new(ClientId::from_static("app"));
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretBasic));
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
///
/// let app = app.with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
/// assert!(!app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "another kind of set changes the security of the client")]
pub enum AuthenticationMethods {
    /// `client_secret_basic` and `client_secret_post`. Client libraries differ in their choice, and some change it
    /// from one request to the next.
    Secret,
    /// A single method.
    Only(ClientAuthenticationMethod),
}

impl AuthenticationMethods {
    /// Returns true if `method` is accepted.
    #[must_use]
    pub fn contains(self, method: ClientAuthenticationMethod) -> bool {
        use ClientAuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        match self {
            Self::Secret => matches!(method, ClientSecretBasic | ClientSecretPost),
            Self::Only(only) => only == method,
        }
    }

    /// Returns true if the client always proves possession of a private key, which the server does not have (RFC 9700
    /// section 2.5).
    #[must_use]
    pub const fn are_asymmetric(self) -> bool {
        matches!(self, Self::Only(method) if method.is_asymmetric())
    }

    /// Returns true if verification needs a library for JWTs or certificates.
    pub(crate) fn need_verifier(self) -> bool {
        matches!(self, Self::Only(method) if !ClientAuthenticationMethod::PLAIN.contains(&method))
    }
}

impl From<ClientAuthenticationMethod> for AuthenticationMethods {
    fn from(method: ClientAuthenticationMethod) -> Self {
        Self::Only(method)
    }
}

/// A method of client authentication (RFC 7591 section 2, `token_endpoint_auth_method`). The serde form is its name.
///
/// ```
/// use regrant::client::ClientAuthenticationMethod;
///
/// assert_eq!("private_key_jwt".parse(), Ok(ClientAuthenticationMethod::PrivateKeyJwt));
/// assert!(ClientAuthenticationMethod::PrivateKeyJwt.is_asymmetric());
/// assert!(!ClientAuthenticationMethod::ClientSecretJwt.is_asymmetric()); // the server has the secret too
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAuthenticationMethod {
    /// `client_secret_basic`: HTTP Basic, both parts form-urlencoded first (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// `client_secret_jwt`: a JWT with a MAC, keyed by the client's secret (OpenID Connect Core section 9). The server
    /// must store the secret itself, since a hash cannot verify the MAC.
    ClientSecretJwt,
    /// `private_key_jwt`: a JWT signed with the client's private key (RFC 7523 section 2.2, OpenID Connect Core
    /// section 9).
    PrivateKeyJwt,
    /// `tls_client_auth`: a certificate of a known authority, by its subject (RFC 8705 section 2.1).
    TlsClientAuth,
    /// `self_signed_tls_client_auth`: a registered certificate (RFC 8705 section 2.2). No authority is involved.
    SelfSignedTlsClientAuth,
    /// `none`: a public client, which sends only its `client_id`.
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

    /// The methods that need no library for JWTs or certificates.
    pub(crate) const PLAIN: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// Returns true if the client proves possession of a private key, which the server does not have (RFC 9700
    /// section 2.5).
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Returns the name in client metadata.
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

    /// Parses the name of a method.
    ///
    /// # Errors
    /// [`InvalidValue`] with the list of known names.
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
