use regrant::AccessToken;
use regrant::wire::Request;

/// The scheme by which a token is presented (RFC 6750 section 2.1, RFC 9449 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Dpop,
}

/// The token of a request, and its scheme.
pub(super) struct PresentedToken {
    pub(super) scheme: Scheme,
    pub(super) token: AccessToken,
}

/// There is more than one Authorization header, or one that is not `scheme b64token`.
pub(super) struct Malformed;

impl PresentedToken {
    /// Reads the token in the Authorization header; `None` if there is none, or one of another scheme. Tokens in other
    /// places are ignored: a URL ends up in logs, and OAuth 2.1 section 5.1 forbids it.
    pub(super) fn read(request: &Request<'_>) -> Result<Option<Self>, Malformed> {
        let mut headers = request.header("authorization");
        let Some(header) = headers.next() else { return Ok(None) };
        if headers.next().is_some() {
            return Err(Malformed);
        }
        let (name, rest) = header.split_at(header.iter().position(|byte| *byte == b' ').unwrap_or(header.len()));
        let Some(scheme) = Scheme::from_name(name) else { return Ok(None) };
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

    /// Compares the scheme case-insensitively (RFC 9110 section 11.1).
    fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Bearer, Self::Dpop].into_iter().find(|scheme| scheme.as_str().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The syntax `b64token` of RFC 6750 section 2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
