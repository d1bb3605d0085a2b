use super::Confirmation;

/// How an access token is presented (RFC 6749 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// By whoever holds it (RFC 6750), or over the bound certificate (RFC 8705).
    Bearer,
    /// With a proof of the key it is bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    pub(crate) const fn of(confirmation: Option<&Confirmation>) -> Self {
        match confirmation {
            Some(Confirmation::DpopKey(_)) => Self::Dpop,
            _ => Self::Bearer,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}
