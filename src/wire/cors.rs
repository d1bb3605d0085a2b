//! Calls from web pages (CORS, the Fetch standard).
//!
//! A browser sends a request of a page to another origin, but lets the page read the response only if the server names
//! the origin of the page. Before a request with a DPoP proof or an Authorization header it asks with a preflight. CORS
//! protects users of a browser; it is no protection of the server, since other programs ignore it.
//!
//! A page that is not allowed gets a response without that permission, and the browser hides the response.

use super::{Endpoint, Request, Response};

/// The time for which a browser may cache a preflight response, in seconds. All browsers accept two hours.
const MAX_AGE: &str = "7200";

/// The web pages that may call the endpoints from a browser (CORS, the Fetch standard): the token, revocation, device
/// authorization and key endpoints and the metadata. Introspection is for servers, which need no permission.
///
/// The endpoints use no cookies. A page can do no more with them than a program outside of the browser.
///
/// ```
/// use regrant::wire::Cors;
///
/// let spa = Cors::origins(["https://app.example"]);
/// let public_api = Cors::any_origin();
/// ```
#[derive(Clone, Debug)]
pub struct Cors(Option<Vec<String>>);

impl Cors {
    /// Allows pages of every origin. Safe because no endpoint reads cookies: a page has the tokens and secrets that it
    /// brings along, and no others.
    #[must_use]
    pub const fn any_origin() -> Self {
        Self(None)
    }

    /// Allows pages of these origins. An origin is scheme, host and non-default port, for example
    /// `https://app.example`.
    ///
    /// Origins are compared as texts, as browsers send them: in lower case, without a path and without a trailing
    /// slash. There are no wildcards: a pattern that admits more than it should is the usual mistake of CORS settings.
    #[must_use]
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self(Some(origins.into_iter().map(Into::into).collect()))
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
                .with_header("access-control-allow-headers", "authorization, content-type, dpop")
                .with_header("access-control-max-age", MAX_AGE),
        )
    }

    /// Lets the page read the response, and the headers it needs to continue.
    pub(super) fn allow(&self, endpoint: Endpoint, request: &Request<'_>, response: Response) -> Response {
        // A cache must not serve the response for one origin to another origin.
        let response = if self.0.is_some() { response.with_header("vary", "origin") } else { response };
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
        let Some(known) = &self.0 else { return Some("*".to_owned()) };
        let mut origins = request.header("origin");
        let origin = std::str::from_utf8(origins.next()?).ok().filter(|_| origins.next().is_none())?;
        known.iter().find(|known| *known == origin).cloned()
    }
}
