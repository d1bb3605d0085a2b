use crate::vocabulary::Parameters;
use crate::wire::{MalformedRequest, Request, form, location, query};

/// The methods of an authorization endpoint (RFC 6749 section 3.1).
const METHODS: &str = "GET, HEAD, POST";

/// A request to the authorization endpoint of the host, as a browser sent it. Pass it to
/// [`Endpoints::ask`](crate::wire::Endpoints::ask), which judges it.
///
/// | method | the parameters are | [`form`](Self::form) |
/// |---|---|---|
/// | GET, HEAD | in the query | none |
/// | POST, and the URL has a query | in the query | the body: the form of a page of the host |
/// | POST otherwise | in the body | the same body |
///
/// So a page of the host can post a form to its own URL: the request stays in the query, and the body is the host's.
///
/// ```
/// use regrant::wire::{AuthorizationRequest, Request};
///
/// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")]; let http =
/// Request::new("POST", "/authorize", &headers, b"decision=allow").with_query("client_id=app&ui_locales=fr"); let
/// request = AuthorizationRequest::read(&http, 64 * 1024); assert_eq!(request.parameter("ui_locales"), Some("fr"));
/// assert_eq!(request.form().and_then(|form| form.get("decision")), Some("allow"));
/// ```
#[derive(Clone, Debug)]
pub struct AuthorizationRequest<'a>(Result<Sent<'a>, MalformedRequest>);

#[derive(Clone, Debug)]
struct Sent<'a> {
    query: Option<Parameters<'a>>,
    form: Option<Parameters<'a>>,
}

impl<'a> AuthorizationRequest<'a> {
    /// Reads the parameters with the strictness of a [`form`](form()), and a body of at most `body_limit` bytes. A
    /// malformed request has no parameters, and [`Endpoints::ask`](crate::wire::Endpoints::ask) reports it.
    #[must_use]
    pub fn read(request: &Request<'a>, body_limit: usize) -> Self {
        Self(Sent::read(request, body_limit))
    }

    /// Returns a parameter of the request as it was sent, unless it is absent or empty. The parameters of a signed or
    /// pushed request are those of the [`Ask`](super::Ask).
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().ok()?.get(name)
    }

    /// Returns the form of a POST, with the host's own fields: the decision of the user, and the secret that another
    /// site does not know. Returns `None` for a GET, which must not decide anything.
    #[must_use]
    pub fn form(&self) -> Option<&Parameters<'a>> {
        self.0.as_ref().ok()?.form.as_ref()
    }

    /// Returns the request as a query, without the parameters of these `names`: for a link, or the action of a form,
    /// that leads back to the request. The text is safe in a `Location` header and in an attribute in quotes.
    ///
    /// ```
    /// use regrant::wire::{AuthorizationRequest, Request};
    ///
    /// let http = Request::new("GET", "/authorize", &[], b"").with_query("client_id=app&prompt=login&state=a%20b");
    /// let request = AuthorizationRequest::read(&http, 0);
    /// assert_eq!(request.query_without(&["prompt"]), "client_id=app&state=a%20b");
    /// ```
    #[must_use]
    pub fn query_without(&self, names: &[&str]) -> String {
        let parameters = self.parameters().into_iter().flat_map(Parameters::iter);
        location::encoded(parameters.filter(|(name, _)| !names.contains(name)))
    }

    /// Copies the texts that are still in the URL or in the body, for a host that keeps the request longer.
    #[must_use]
    pub fn into_owned(self) -> AuthorizationRequest<'static> {
        AuthorizationRequest(self.0.map(|sent| Sent {
            query: sent.query.map(Parameters::into_owned),
            form: sent.form.map(Parameters::into_owned),
        }))
    }

    /// Returns the parameters of the request, be they in the query or in the form.
    pub(super) fn parameters(&self) -> Result<&Parameters<'a>, MalformedRequest> {
        let sent = self.0.as_ref().map_err(|malformed| *malformed)?;
        sent.query.as_ref().or(sent.form.as_ref()).ok_or(MalformedRequest::Method(METHODS))
    }
}

impl<'a> Sent<'a> {
    fn read(request: &Request<'a>, body_limit: usize) -> Result<Self, MalformedRequest> {
        match request.method {
            "GET" | "HEAD" => Ok(Self { query: Some(query(request)?), form: None }),
            "POST" => {
                let has_query = request.query.is_some_and(|query| !query.is_empty());
                let query = has_query.then(|| query(request)).transpose()?;
                Ok(Self { query, form: Some(form(request, body_limit)?) })
            }
            _ => Err(MalformedRequest::Method(METHODS)),
        }
    }
}
