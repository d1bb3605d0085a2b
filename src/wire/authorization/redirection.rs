//! The way of an answer to the client, through the browser of the user.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::outcome::ErrorCode;
use crate::vocabulary::{Issuer, RedirectUri};
use crate::wire::{Response, location};

/// The place of the parameters in an authorization response (OAuth 2.0 Multiple Response Type Encoding Practices
/// section 2.1, OAuth 2.0 Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// The query of the redirect URI. The default.
    #[default]
    Query,
    /// The fragment of the redirect URI, which the browser keeps to itself.
    Fragment,
    /// A form that the browser posts to the redirect URI.
    FormPost,
}

impl ResponseMode {
    /// The names of all modes, for the metadata (`response_modes_supported`).
    pub(in crate::wire) const NAMES: [&'static str; 3] = ["query", "fragment", "form_post"];

    /// Reads the parameter `response_mode`. Returns `None` for an unknown mode, and for `form_post` to a URI that is no
    /// web page: a form can be posted to nothing else.
    pub(super) fn of(name: Option<&str>, redirect_uri: &RedirectUri) -> Option<Self> {
        let is_web_page = ["https://", "http://"].iter().any(|scheme| redirect_uri.as_str().starts_with(scheme));
        match name {
            None | Some("query") => Some(Self::Query),
            Some("fragment") => Some(Self::Fragment),
            Some("form_post") if is_web_page => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// The redirect URI of a request, after it was found among the registered ones, and the rest that every answer has.
#[derive(Clone)]
pub(super) struct Redirection {
    pub(super) redirect_uri: RedirectUri,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
    pub(super) issuer: Issuer,
}

impl Redirection {
    /// Sends an error (RFC 6749 section 4.1.2.1).
    pub(super) fn error(&self, code: ErrorCode, description: &str) -> Response {
        self.send(&[("error", code.as_str()), ("error_description", description)])
    }

    /// Sends `parameters`, with the `state` of the request and the issuer: the client learns which server answers, so
    /// an attacker's server cannot make it send the code there (RFC 9207 section 2).
    ///
    /// The browser is redirected with 303, which makes a GET of every request (RFC 9700 section 4.12).
    pub(super) fn send(&self, parameters: &[(&str, &str)]) -> Response {
        let common = [Some(("iss", self.issuer.as_str())), self.state.as_deref().map(|state| ("state", state))];
        let parameters: Vec<_> = parameters.iter().copied().chain(common.into_iter().flatten()).collect();
        let uri = self.redirect_uri.as_str();
        let to = |mark| Response::empty(303).with_header("location", location::with_parameters(uri, mark, &parameters));
        let response = match self.mode {
            ResponseMode::Query => to('?'),
            ResponseMode::Fragment => to('#'),
            ResponseMode::FormPost => page(uri, &parameters),
        };
        // The URL of this page has the request in it, so the next page must not learn it.
        response.not_stored().with_header("referrer-policy", "no-referrer")
    }
}

/// Submits the form. Without scripts the user presses the button.
const SCRIPT: &str = "document.forms[0].submit()";

/// Nothing but [`SCRIPT`] runs, whatever a text contains, and nothing is loaded. There is no `form-action`: browsers
/// apply it to the redirections that follow the form too, and those are the client's.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    format!("default-src 'none'; script-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'")
});

/// Returns the page that posts `parameters` to `uri` (OAuth 2.0 Form Post Response Mode section 2). The text has its
/// full capacity from the start: a reallocation would leave the code behind.
fn page(uri: &str, parameters: &[(&str, &str)]) -> Response {
    // The longest escape has six bytes.
    let longest: usize = parameters.iter().map(|(name, value)| name.len() + value.len() * 6 + 48).sum();
    let mut html = String::with_capacity(512 + uri.len() * 6 + longest);
    html.push_str(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Continue</title></head>\n",
    );
    // Writing into a string never fails.
    let _ = writeln!(html, "<body>\n<form method=\"post\" action=\"{}\">", Escaped(uri));
    for (name, value) in parameters {
        let _ = writeln!(html, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", Escaped(value));
    }
    let _ = writeln!(html, "<noscript><button>Continue</button></noscript>\n</form>\n<script>{SCRIPT}</script>");
    html.push_str("</body>\n</html>\n");
    let response = Response { body: html.into_bytes(), ..Response::empty(200) };
    response
        .with_header("content-type", "text/html; charset=utf-8")
        .with_header("content-security-policy", POLICY.as_str())
        .with_header("x-content-type-options", "nosniff")
        .with_header("x-frame-options", "DENY")
}

/// A text in an attribute in double quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            letter => f.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn the_longest_page_has_not_grown() {
        let body = page("app:cb", &[("state", &"\"".repeat(3000))]).body;
        assert!(body.capacity() - body.len() < 512, "{} of {}", body.len(), body.capacity());
    }
}
