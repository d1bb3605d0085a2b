//! Calls from web pages (CORS, the Fetch standard).
//!
//! A browser sends a request of a page to another origin, but lets the page read the response only if the server names
//! the origin of the page. Before a request with a DPoP proof or an Authorization header it asks with a preflight. CORS
//! protects users of a browser; it is no protection of the server, since other programs ignore it.
//!
//! A page that is not allowed gets a response without that permission, and the browser hides the response.

use std::borrow::Cow;

use super::{Endpoint, Request, Response};

/// The time for which a browser may cache a preflight response, in seconds. All browsers accept two hours.
const MAX_AGE: &str = "7200";

/// The request headers of the protocol that need a permission.
const HEADERS: &str = "authorization, content-type, dpop";

/// The web pages that may call the endpoints from a browser (CORS, the Fetch standard): the token, revocation, device
/// authorization and key endpoints and the metadata. Introspection is for servers, which need no permission.
///
/// The endpoints use no cookies. A page can do no more with them than a program outside of the browser.
///
/// ```
/// use regrant::wire::Cors;
///
/// let spa = Cors::origins(["https://app.example"])?;
/// let public_api = Cors::any_origin();
/// # Ok::<(), regrant::wire::CorsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    /// The known origins; `None` is every origin.
    origins: Option<Vec<String>>,
    /// The value of `Access-Control-Allow-Headers`.
    headers: Cow<'static, str>,
}

impl Cors {
    /// Allows pages of every origin. Safe because no endpoint reads cookies: a page has the tokens and secrets that it
    /// brings along, and no others.
    #[must_use]
    pub const fn any_origin() -> Self {
        Self { origins: None, headers: Cow::Borrowed(HEADERS) }
    }

    /// Allows pages of these origins. An origin is scheme, host and non-default port, for example
    /// `https://app.example`.
    ///
    /// Origins are compared as texts, as browsers send them: in lower case, without a default port, without a path and
    /// without a trailing slash. There are no wildcards: a pattern that admits more than it should is the usual mistake
    /// of CORS settings.
    ///
    /// # Errors
    /// [`CorsError`] for an origin that no browser sends, which would never match. The error says the right spelling.
    ///
    /// ```
    /// use regrant::wire::Cors;
    ///
    /// let error = Cors::origins(["https://App.example:443/"]).err().map(|error| error.to_string());
    /// assert_eq!(error.as_deref(), Some("browsers send this origin as https://app.example"));
    /// ```
    pub fn origins<O: AsRef<str>>(origins: impl IntoIterator<Item = O>) -> Result<Self, CorsError> {
        let origins: Result<_, _> = origins.into_iter().map(|origin| checked(origin.as_ref())).collect();
        Ok(Self { origins: Some(origins?), ..Self::any_origin() })
    }

    /// Lets pages send further request headers, by their names. Default `Authorization`, `Content-Type` and `DPoP`. The
    /// metadata and the keys may be asked with any header.
    ///
    /// # Errors
    /// [`CorsError::HeaderName`] for a text that is no name of a header (RFC 9110 section 5.1).
    ///
    /// ```
    /// use regrant::wire::Cors;
    ///
    /// let cors = Cors::any_origin().with_headers(["X-Request-Id"])?;
    /// # Ok::<(), regrant::wire::CorsError>(())
    /// ```
    pub fn with_headers<H: AsRef<str>>(mut self, names: impl IntoIterator<Item = H>) -> Result<Self, CorsError> {
        for name in names {
            let name = name.as_ref();
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            // `*` would admit every header.
            if name.is_empty() || name == "*" || !name.bytes().all(is_token) {
                return Err(CorsError::HeaderName);
            }
            self.headers = format!("{}, {}", self.headers, name.to_ascii_lowercase()).into();
        }
        Ok(self)
    }

    /// Returns the response to a preflight. Returns `None` for other requests, and for pages that may not call the
    /// endpoint. Those get the 405 of any `OPTIONS` request, and the browser does not send the actual request.
    pub(super) fn preflight(&self, endpoint: Endpoint, request: &Request<'_>) -> Option<Response> {
        let mut methods = request.header("access-control-request-method");
        if request.method != "OPTIONS" || methods.next().is_none() {
            return None;
        }
        self.allow_origin(endpoint, request)?;
        let response = Response::empty(204);
        Some(
            response
                .with_header("access-control-allow-methods", endpoint.methods())
                .with_header("access-control-allow-headers", self.allowed_headers(endpoint))
                .with_header("access-control-max-age", MAX_AGE),
        )
    }

    /// Returns the value of `Access-Control-Allow-Headers`. A document is the same whatever headers the request has,
    /// and MCP clients ask for it with `MCP-Protocol-Version`. The wildcard does not include `Authorization` (Fetch
    /// standard).
    fn allowed_headers(&self, endpoint: Endpoint) -> Cow<'static, str> {
        match endpoint {
            Endpoint::Jwks | Endpoint::Metadata | Endpoint::OpenIdConfiguration => "*, authorization".into(),
            _ => self.headers.clone(),
        }
    }

    /// Lets the page read the response, and the headers it needs to continue.
    pub(super) fn allow(&self, endpoint: Endpoint, request: &Request<'_>, response: Response) -> Response {
        // A cache must not serve the response for one origin to another origin.
        let response = if self.origins.is_some() { response.with_header("vary", "origin") } else { response };
        match self.allow_origin(endpoint, request) {
            Some(origin) => response
                .with_header("access-control-allow-origin", origin)
                .with_header("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate"),
            None => response,
        }
    }

    /// Returns the value of `Access-Control-Allow-Origin`; `None` when the page may not read the response. One origin
    /// is named, never a list: the header admits one only. A request with two `Origin` headers comes from no browser.
    fn allow_origin(&self, endpoint: Endpoint, request: &Request<'_>) -> Option<String> {
        // Introspection is for servers. A browser is sent to the end session endpoint as a whole, with its cookies.
        if matches!(endpoint, Endpoint::Introspection | Endpoint::EndSession) {
            return None;
        }
        // Sent even without `Origin`: a cache may reuse the response for a page.
        let Some(known) = &self.origins else { return Some("*".to_owned()) };
        let mut origins = request.header("origin");
        let origin = std::str::from_utf8(origins.next()?).ok().filter(|_| origins.next().is_none())?;
        known.iter().find(|known| *known == origin).cloned()
    }
}

/// Returns the origin if it is spelled as browsers send it: the ASCII serialization of an origin (WHATWG HTML).
fn checked(origin: &str) -> Result<String, CorsError> {
    if origin == "null" {
        return Err(CorsError::Null);
    }
    let (scheme, rest) = origin.split_once("://").ok_or(CorsError::Malformed)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if scheme.is_empty() || authority.is_empty() || !scheme.bytes().all(is_scheme) || !authority.bytes().all(is_host) {
        return Err(CorsError::Malformed);
    }
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => ":",
    };
    let host = authority.strip_suffix(default_port).unwrap_or(&authority).trim_end_matches(':');
    let sent = format!("{scheme}://{host}");
    if sent == origin { Ok(sent) } else { Err(CorsError::Spelling { sent }) }
}

/// A setting of [`Cors`] that would have no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// An origin in another spelling than that of browsers.
    #[error("browsers send this origin as {sent}")]
    Spelling {
        /// The right spelling.
        sent: String,
    },
    /// A text that is no origin.
    #[error("an origin must be scheme://host[:port], without wildcards and with the host in ASCII")]
    Malformed,
    /// `null`, the origin of all sandboxed pages and local files alike.
    #[error("null must not be allowed: pages of every site can have this origin")]
    Null,
    /// A text that is no name of a header.
    #[error("a name of a header must be a token, and not *")]
    HeaderName,
}
