use form_urlencoded::byte_serialize;
use regrant::event::ErrorCode;
use regrant::wire::Response;
use regrant::{RedirectUri, Refusal, TokenError};

/// The redirection to the client through the browser (RFC 6749 section 4.1.2).
pub(crate) struct Redirect<'a> {
    pub(crate) redirect_uri: &'a RedirectUri,
    pub(crate) issuer: &'a str,
    pub(crate) state: Option<&'a str>,
}

impl Redirect<'_> {
    /// Success. AM adds the client id, too.
    pub(crate) fn with_code(&self, code: &str, client_id: &str) -> Response {
        self.with(&[("code", code), ("client_id", client_id)])
    }

    pub(crate) fn with_error(&self, fault: Fault) -> Response {
        self.with(&[("error", fault.error), ("error_description", fault.description)])
    }

    fn with(&self, parameters: &[(&str, &str)]) -> Response {
        // RFC 9207: the client learns which server answers, so it cannot be tricked into sending the code to another.
        let common = [Some(("iss", self.issuer)), self.state.map(|state| ("state", state))];
        let parameters = parameters.iter().copied().chain(common.into_iter().flatten());
        let headers = vec![
            ("location", appended(self.redirect_uri.as_str(), parameters).into()),
            ("cache-control", "no-store".into()),
            ("referrer-policy", "no-referrer".into()),
        ];
        Response { status: 302, headers, body: Vec::new() }
    }
}

/// An error for the client, with a fixed text (RFC 6749 section 4.1.2.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    error: &'static str,
    description: &'static str,
}

impl Fault {
    pub(crate) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Self::new(code.as_str(), code.description())
    }
}

/// The log has the reason: each refusal of the service is an event.
impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(Refusal::CodeChallengeRequired) => {
                Self::invalid_request("The parameter code_challenge is missing: the client must use PKCE.")
            }
            TokenError::Refused(Refusal::ScopeMissing) => {
                Self::new("invalid_scope", "The parameter scope is missing, and the client has no default.")
            }
            error => error.code().into(),
        }
    }
}

/// `uri` with parameters added to its query. The existing query is kept unchanged. There is no fragment.
fn appended<'a>(uri: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut location = uri.to_owned();
    for (name, value) in parameters {
        match location.split_once('?') {
            None => location.push('?'),
            Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
            Some(_) => location.push('&'),
        }
        location.push_str(name);
        location.push('=');
        location.extend(byte_serialize(value.as_bytes()));
    }
    location
}

#[cfg(test)]
mod tests {
    use super::appended;

    #[test]
    fn parameters_are_encoded_and_join_the_query_that_is_there() {
        let parameters = || [("code", "ac_1"), ("state", "a&b=c d/\u{e9}")].into_iter();
        let tail = "code=ac_1&state=a%26b%3Dc+d%2F%C3%A9";
        for (uri, joint) in [
            ("https://app.example/cb", "?"),
            ("https://app.example/cb?", ""),
            ("https://app.example/cb?a=%20b", "&"),
            ("https://app.example/cb?a=b&", ""),
            ("app:cb", "?"),
        ] {
            assert_eq!(appended(uri, parameters()), format!("{uri}{joint}{tail}"));
        }
    }
}
