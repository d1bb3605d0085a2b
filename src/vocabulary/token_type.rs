use super::Confirmation;

/// The type of an access token: the way to present it (RFC 6749 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// A bearer token (RFC 6750), or a token over the connection of its client certificate (RFC 8705). RFC 8705 defines
    /// no type of its own: only `cnf` shows that the token is bound.
    Bearer,
    /// A token with a proof of the key that it is bound to (RFC 9449 section 7.1). A resource server must refuse the
    /// token in a `Bearer` header, or a thief needs no key.
    Dpop,
}

impl TokenType {
    /// Returns the type of a token with this binding.
    pub(crate) const fn of(confirmation: Option<&Confirmation>) -> Self {
        match confirmation {
            Some(Confirmation::DpopKey(_)) => Self::Dpop,
            _ => Self::Bearer,
        }
    }

    /// Returns the value of `token_type` on the wire, and the scheme of the `Authorization` header. Clients compare the
    /// value without regard to case (RFC 6749 section 5.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}
