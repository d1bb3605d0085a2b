//! Identifiers that are plain text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::vocabulary::absolute_uri;

/// A value that violates the grammar of its specification. The text of the error never contains the value: an error may
/// be logged, and the value may be a secret or an attempt to forge lines of the log.
///
/// ```
/// use regrant::ClientId;
///
/// let error = ClientId::new("line\nbreak").err().map(|error| error.to_string());
/// assert_eq!(error.as_deref(), Some("invalid client_id: only %x20-7E is allowed"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what}: {why}")]
pub struct InvalidValue {
    what: &'static str,
    why: &'static str,
}

impl InvalidValue {
    pub(crate) const fn new(what: &'static str, why: &'static str) -> Self {
        Self { what, why }
    }
}

/// Returns the value of a literal.
///
/// A wrong literal is a mistake in the code, and every run of that code finds it. So it panics, as
/// `http::HeaderName::from_static` does, and spares each literal an error that cannot happen.
#[expect(clippy::panic, reason = "see above")]
pub(crate) fn literal<T>(value: Result<T, InvalidValue>, text: &str) -> T {
    value.unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Implements a text newtype: checked constructors, views and the serde form. Clones share the text, because a client
/// id is copied into every grant, event and response.
///
/// Deserialization checks the text too. Otherwise a configuration file or a record could hold a value that no
/// constructor accepts.
macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks the text. No character is changed, trimmed or decoded.
            ///
            /// # Errors
            /// [`InvalidValue`](crate::InvalidValue) when the text violates the grammar above, or is too long.
            pub fn new(text: impl AsRef<str>) -> Result<Self, $crate::vocabulary::InvalidValue> {
                let text = text.as_ref();
                let check: fn(&str) -> Result<(), $crate::vocabulary::InvalidValue> = $check;
                check(text).map(|()| Self(text.into()))
            }

            /// Checks a literal in the code, as `http::HeaderName::from_static` does.
            ///
            /// # Panics
            /// Panics if the text is not valid. Use [`new`](Self::new) for text from outside.
            #[must_use]
            pub fn from_static(text: &'static str) -> Self {
                $crate::vocabulary::literal(Self::new(text), text)
            }

            /// Returns the text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::vocabulary::InvalidValue;

            fn from_str(text: &str) -> Result<Self, $crate::vocabulary::InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::vocabulary::InvalidValue;

            fn try_from(text: String) -> Result<Self, $crate::vocabulary::InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::vocabulary::InvalidValue;

            fn try_from(text: &str) -> Result<Self, $crate::vocabulary::InvalidValue> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }
    };
}
pub(crate) use text_type;

text_type! {
    /// A client identifier: 1 to 255 visible ASCII characters or spaces (`VSCHAR`, RFC 6749 appendix A.1).
    ///
    /// ```
    /// use regrant::ClientId;
    ///
    /// assert_eq!(ClientId::from_static("myClient").as_str(), "myClient");
    /// assert!(ClientId::new("caf\u{e9}").is_err());
    /// assert!(ClientId::new("").is_err());
    /// ```
    ///
    /// A client id is public. It appears in URLs, logs and events, and proves nothing without authentication.
    ClientId, |text| match text.len() {
        1..=255 if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) => Ok(()),
        1..=255 => Err(InvalidValue::new("client_id", "only %x20-7E is allowed")),
        _ => Err(InvalidValue::new("client_id", "must be 1 to 255 characters long")),
    }
}

text_type! {
    /// The identifier of a resource owner, chosen by the host: 1 to 255 bytes of UTF-8 without control characters.
    ///
    /// Choose subjects that cannot be mistaken for client ids (RFC 9700 section 4.15). In this library the two cannot
    /// be confused: a grant without a resource owner (client credentials) has no subject.
    ///
    /// ```
    /// use regrant::Subject;
    ///
    /// assert!(Subject::new("f2a1c0de-7d3b-4a1e-9c55-0a4b8f3f7e21").is_ok());
    /// assert!(Subject::new("demo\n").is_err());
    /// ```
    ///
    /// A subject must never pass to another person. An e-mail address is a bad choice where addresses are given to
    /// another user: that user would get the grants of the former one.
    Subject, |text| match text.len() {
        1..=255 if !text.chars().any(char::is_control) => Ok(()),
        1..=255 => Err(InvalidValue::new("subject", "control characters are not allowed")),
        _ => Err(InvalidValue::new("subject", "must be 1 to 255 bytes long")),
    }
}

text_type! {
    /// A tenant (AM: realm): 0 to 128 bytes of UTF-8 without control characters. The default realm is empty.
    ///
    /// A token of one realm is invalid in every other realm, even with the same keys and the same store. The realm is
    /// part of the seal, so a service that gets a wrong realm treats all its former tokens as unknown.
    ///
    /// ```
    /// use regrant::token::Realm;
    /// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
    ///
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let customers = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys)
    ///     .realm(Realm::from_static("customers"))
    ///     .build()?;
    /// # Ok::<(), regrant::policy::PolicyError>(())
    /// ```
    Realm, |text| match text.len() {
        0..=128 if !text.chars().any(char::is_control) => Ok(()),
        0..=128 => Err(InvalidValue::new("realm", "control characters are not allowed")),
        _ => Err(InvalidValue::new("realm", "must be at most 128 bytes long")),
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("".into())
    }
}

text_type! {
    /// A redirection URI: absolute, without a fragment (RFC 6749 section 3.1.2), and at most 2048 characters long.
    ///
    /// The URI is never normalized. Two URIs that a browser treats alike are different here, since a lenient comparison
    /// sends codes to the wrong page (RFC 9700 section 4.1).
    ///
    /// ```
    /// use regrant::RedirectUri;
    ///
    /// assert!(RedirectUri::new("https://app.example/callback").is_ok());
    /// assert!(RedirectUri::new("com.example.app:/callback").is_ok()); // a native app (RFC 8252 section 7.1)
    /// assert!(RedirectUri::new("/callback").is_err());
    /// assert!(RedirectUri::new("https://app.example/callback#top").is_err());
    /// ```
    RedirectUri, |text| absolute_uri("redirect_uri", text)
}

impl RedirectUri {
    /// Returns true if a client that registered `self` may be redirected to `requested`. The two must be the same,
    /// character for character. Only the port of a loopback `http` address may differ, since a native app chooses it
    /// (RFC 8252 section 7.3). The path does not vary: `http://127.0.0.1` does not admit `http://127.0.0.1:49152/`,
    /// since RFC 9700 section 4.1.3 makes no exception but the port. A client that sends both registers both.
    ///
    /// `localhost` is no loopback address here: the name may resolve to another one (RFC 8252 section 8.3). A client
    /// opts in with [`any_localhost_port`](crate::Client::any_localhost_port).
    ///
    /// ```
    /// use regrant::RedirectUri;
    ///
    /// let native = RedirectUri::from_static("http://127.0.0.1/callback");
    /// assert!(native.admits(&RedirectUri::from_static("http://127.0.0.1:49152/callback")));
    /// assert!(!native.admits(&RedirectUri::from_static("http://127.0.0.1:49152/other")));
    /// assert!(!native.admits(&RedirectUri::from_static("http://127.0.0.1:80@evil.example/callback")));
    /// ```
    #[must_use]
    pub fn admits(&self, requested: &Self) -> bool {
        self == requested || self.differs_in_port(requested, &["http://127.0.0.1", "http://[::1]"])
    }

    /// Returns true if both are `http://localhost` URIs that differ in the port alone.
    pub(crate) fn admits_on_localhost(&self, requested: &Self) -> bool {
        self.differs_in_port(requested, &["http://localhost"])
    }

    /// Returns true for an `http` URI of this machine: `127.0.0.1`, `[::1]` or `localhost`, with any port.
    pub(crate) fn is_loopback(&self) -> bool {
        without_port(self.as_str(), &["http://127.0.0.1", "http://[::1]", "http://localhost"]).is_some()
    }

    fn differs_in_port(&self, other: &Self, origins: &[&'static str]) -> bool {
        let parts = without_port(self.as_str(), origins);
        parts.is_some() && parts == without_port(other.as_str(), origins)
    }
}

/// Splits a redirection URI of one of the `origins` into the origin and the part after the port. Returns `None` for
/// every URI that is not certainly of that origin; such a URI is compared as a whole.
fn without_port<'a>(uri: &'a str, origins: &[&'static str]) -> Option<(&'static str, &'a str)> {
    origins.iter().find_map(|origin| {
        let rest = uri.strip_prefix(*origin)?;
        let rest = match rest.strip_prefix(':') {
            Some(port) => port.trim_start_matches(|digit: char| digit.is_ascii_digit()),
            None => rest,
        };
        // Any other text here is part of the authority: `http://127.0.0.1:1@evil.example/` is not loopback.
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((*origin, rest))
    })
}

/// The number of a registration of a client id, for example a row id or a creation time.
///
/// A new client that gets the id of a deleted one needs another number. Otherwise the new client inherits the grants
/// of the old one. A grant whose number differs from that of the client is refused as a grant of another client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registration(pub u64);

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
