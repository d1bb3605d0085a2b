use regrant::AccessToken;
use regrant::wire::Request;

/// How a token is presented (RFC 6750 section 2.1, RFC 9449 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Dpop,
}

/// The token of a request.
pub(super) struct Presented {
    pub(super) scheme: Scheme,
    pub(super) token: AccessToken,
}

/// More than one Authorization header, or one that is not `scheme b64token`.
pub(super) struct Malformed;

impl Presented {
    /// The token in the Authorization header; `None` when there is none, or one of another scheme. Nowhere else is looked for
    /// one: tokens in URLs end up in logs, and those in bodies belong to who wrote the form (OAuth 2.1 section 5.1).
    pub(super) fn read(request: &Request<'_>) -> Result<Option<Self>, Malformed> {
        let mut headers = request.header("authorization");
        let Some(header) = headers.next() else { return Ok(None) };
        if headers.next().is_some() {
            return Err(Malformed);
        }
        let (name, rest) = header.split_at(header.iter().position(|byte| *byte == b' ').unwrap_or(header.len()));
        let Some(scheme) = Scheme::named(name) else { return Ok(None) };
        let token = std::str::from_utf8(rest).map_err(|_| Malformed)?.trim_start_matches(' ');
        if !is_b64token(token) {
            return Err(Malformed);
        }
        Ok(Some(Self { scheme, token: token.into() }))
    }
}

impl Scheme {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// Schemes are compared without regard to case (RFC 9110 section 11.1).
    fn named(name: &[u8]) -> Option<Self> {
        [Self::Bearer, Self::Dpop].into_iter().find(|scheme| scheme.as_str().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// RFC 6750 section 2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
