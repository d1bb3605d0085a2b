//! The flows that create grants, and `refresh_token`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{InvalidValue, absolute_uri};

/// A `grant_type` (RFC 6749 section 1.3). AM 7.5 knows all of the named ones.
///
/// The text is compared exactly: `Password` is not `password`. The serde form is the text.
///
/// ```
/// use regrant::GrantType;
///
/// let device: GrantType = "urn:ietf:params:oauth:grant-type:device_code".parse()?;
/// assert_eq!(device, GrantType::DeviceCode);
/// assert!("urn:example:params:vending-machine".parse::<GrantType>().is_ok());
/// assert!("vending_machine".parse::<GrantType>().is_err());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum GrantType {
    /// `authorization_code` (RFC 6749 section 4.1).
    AuthorizationCode,
    /// `implicit` (RFC 6749 section 4.2). It does not use the token endpoint and never has a refresh token.
    Implicit,
    /// `password` (RFC 6749 section 4.3). OAuth 2.1 removes the flow: the client sees the password of the user.
    Password,
    /// `client_credentials` (RFC 6749 section 4.4). It has no resource owner and never a refresh token.
    ClientCredentials,
    /// `refresh_token` (RFC 6749 section 6). It creates no grant, but a client must be registered for it.
    RefreshToken,
    /// Device authorization (RFC 8628): `urn:ietf:params:oauth:grant-type:device_code`.
    DeviceCode,
    /// JWT bearer assertion (RFC 7523): `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    JwtBearer,
    /// SAML 2.0 bearer assertion (RFC 7522): `urn:ietf:params:oauth:grant-type:saml2-bearer`.
    Saml2Bearer,
    /// Token exchange (RFC 8693): `urn:ietf:params:oauth:grant-type:token-exchange`.
    TokenExchange,
    /// Client-initiated backchannel authentication (OpenID CIBA Core 1.0): `urn:openid:params:grant-type:ciba`.
    Ciba,
    /// UMA 2.0 ticket: `urn:ietf:params:oauth:grant-type:uma-ticket`.
    UmaTicket,
    /// An extension grant, named by an absolute URI (RFC 6749 section 4.5).
    Extension(ExtensionUri),
}

/// The URI of an extension grant. Only parsing a [`GrantType`] creates one, so the URI is never that of a named grant
/// type. Otherwise one flow would have two values, and a client registered for one of them would be refused with the
/// other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionUri(Box<str>);

/// Defines the names on the wire, and for each of them the error for a text that is close to it.
macro_rules! named {
    ($($name:literal => $variant:ident,)+) => {
        /// One table serves both directions, so no name can be parsed that is not printed.
        static NAMED: [(&str, GrantType, InvalidValue); 11] = [$((
            $name,
            GrantType::$variant,
            InvalidValue::new("grant_type", concat!("did you mean ", $name, "?")),
        ),)+];
    };
}
named! {
    "authorization_code" => AuthorizationCode,
    "implicit" => Implicit,
    "password" => Password,
    "client_credentials" => ClientCredentials,
    "refresh_token" => RefreshToken,
    "urn:ietf:params:oauth:grant-type:device_code" => DeviceCode,
    "urn:ietf:params:oauth:grant-type:jwt-bearer" => JwtBearer,
    "urn:ietf:params:oauth:grant-type:saml2-bearer" => Saml2Bearer,
    "urn:ietf:params:oauth:grant-type:token-exchange" => TokenExchange,
    "urn:openid:params:grant-type:ciba" => Ciba,
    "urn:ietf:params:oauth:grant-type:uma-ticket" => UmaTicket,
}

impl GrantType {
    /// Returns the name on the wire, which is also the name in client metadata (`grant_types`, RFC 7591 section 2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Extension(uri) => &uri.0,
            named => NAMED.iter().find(|(_, known, _)| known == named).map_or("", |(name, ..)| name),
        }
    }

    /// Returns true if a grant of this flow may have a refresh token. Implicit and client credentials grants never
    /// have one (RFC 6749 sections 4.2.2 and 4.4.3), nor has token exchange (AM; RFC 8693 section 2.2.1).
    #[must_use]
    pub const fn may_refresh(&self) -> bool {
        !matches!(self, Self::Implicit | Self::ClientCredentials | Self::TokenExchange)
    }
}

impl FromStr for GrantType {
    type Err = InvalidValue;

    /// Parses a name on the wire. An absolute URI that is not one of the named grant types is an extension.
    ///
    /// # Errors
    /// [`InvalidValue`] for a plain word that names no grant type, and for a URI that is malformed, has a fragment or
    /// is longer than 2048 characters. For a word that resembles a name the error contains that name:
    ///
    /// ```
    /// use regrant::GrantType;
    ///
    /// let error = "authcode".parse::<GrantType>().err().map(|error| error.to_string());
    /// assert_eq!(error.as_deref(), Some("invalid grant_type: did you mean authorization_code?"));
    /// ```
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some((_, known, _)) = NAMED.iter().find(|(name, ..)| *name == text) {
            return Ok(known.clone());
        }
        match absolute_uri("grant_type", text) {
            Ok(()) => Ok(Self::Extension(ExtensionUri(text.into()))),
            Err(error) if text.contains(':') => Err(error),
            Err(_) => Err(meant(text)),
        }
    }
}

/// Returns the error for a plain word that names no grant type.
fn meant(word: &str) -> InvalidValue {
    let unknown = InvalidValue::new(
        "grant_type",
        "must be authorization_code, refresh_token, client_credentials, password, implicit or an absolute URI",
    );
    let fits = |(name, ..): &&(&str, GrantType, InvalidValue)| is_short_for(word, name);
    NAMED.iter().find(fits).map_or(unknown, |(.., error)| *error)
}

/// Returns true if the letters of `word` occur in `name` in this order, as those of `authcode` do in
/// `authorization_code`. Case and separators do not count, and of a URN only the last segment does.
fn is_short_for(word: &str, name: &str) -> bool {
    let letters = |text: &'_ str| {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    // Shorter words, and longer ones than any name, resemble nothing.
    let word = if (4..=64).contains(&word.len()) { letters(word) } else { return false };
    let mut rest = letters(name.rsplit(':').next().unwrap_or(name)).into_iter();
    word.len() >= 4 && word.iter().all(|wanted| rest.any(|letter| letter == *wanted))
}

impl TryFrom<String> for GrantType {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<GrantType> for String {
    fn from(grant_type: GrantType) -> Self {
        grant_type.as_str().to_owned()
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
