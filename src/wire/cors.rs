use super::{Endpoint, Request, Response};

/// How long a browser may remember the answer to a preflight, in seconds: the two hours that all of them grant.
const MAX_AGE: &str = "7200";

/// Which web pages may call the endpoints from a browser (CORS, the Fetch standard): the token, revocation, device
/// authorization and key endpoints and the metadata. Introspection is for servers, which need no permission.
///
/// Nothing here goes by cookies, so no page can do with these endpoints what a program outside the browser could not.
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
    /// Pages of every origin.
    #[must_use]
    pub const fn any_origin() -> Self {
        Self(None)
    }

    /// Pages of these origins (`https://app.example`: scheme, host, and port if it is not the scheme's own).
    #[must_use]
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self(Some(origins.into_iter().map(Into::into).collect()))
    }

    /// The answer to a preflight; `None` when the request is none, or not from a page that may call the endpoint.
    pub(super) fn preflight(&self, endpoint: Endpoint, request: &Request<'_>) -> Option<Response> {
        let mut methods = request.header("access-control-request-method");
        if request.method != "OPTIONS" || methods.next().is_none() {
            return None;
        }
        self.allow_origin(endpoint, request)?;
        let response = Response { status: 204, headers: Vec::new(), body: Vec::new() };
        Some(
            response
                .with("access-control-allow-methods", endpoint.methods())
                .with("access-control-allow-headers", "authorization, content-type, dpop")
                .with("access-control-max-age", MAX_AGE),
        )
    }

    /// Lets the page read the answer, and the headers it needs to go on.
    pub(super) fn allow(&self, endpoint: Endpoint, request: &Request<'_>, response: Response) -> Response {
        // A cache must not hand one page the answer that was meant for another.
        let response = if self.0.is_some() { response.with("vary", "origin") } else { response };
        match self.allow_origin(endpoint, request) {
            Some(origin) => response
                .with("access-control-allow-origin", &origin)
                .with("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate"),
            None => response,
        }
    }

    fn allow_origin(&self, endpoint: Endpoint, request: &Request<'_>) -> Option<String> {
        if endpoint == Endpoint::Introspection {
            return None;
        }
        // Said also to who names no origin: a cache may hand that answer to a page.
        let Some(known) = &self.0 else { return Some("*".to_owned()) };
        let mut origins = request.header("origin");
        let origin = std::str::from_utf8(origins.next()?).ok().filter(|_| origins.next().is_none())?;
        known.iter().find(|known| *known == origin).cloned()
    }
}
