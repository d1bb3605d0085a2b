//! The identifier of an authorization server.

use crate::vocabulary::{InvalidValue, absolute_uri, text_type};

const FORM: &str = "must be https://host[:port][/path], without a query, a fragment or a slash at the end";

text_type! {
    /// The issuer: the URL by which clients know the server (RFC 8414 section 2). It is the `issuer` of the metadata,
    /// the `iss` of tokens, and the beginning of the URLs of all endpoints.
    ///
    /// The form is `https://host[:port][/path]`. There is no query, no fragment and no slash at the end: clients
    /// compare the issuer character for character (RFC 8414 section 3.3, RFC 9207 section 2.4), so it has one spelling.
    /// `http` is accepted for development; RFC 8414 demands `https`. Empty segments, dot segments and
    /// percent-encodings are refused, because HTTP clients and proxies rewrite them.
    ///
    /// A server has one issuer. Make one value at the start, and pass it to everything that needs it:
    ///
    /// ```
    /// use regrant::Issuer;
    ///
    /// assert!(Issuer::new("https://as.example/tenant").is_ok());
    /// let error = Issuer::new("https://as.example/").err().map(|error| error.to_string());
    /// let form = "must be https://host[:port][/path], without a query, a fragment or a slash at the end";
    /// assert_eq!(error, Some(format!("invalid issuer: {form}")));
    /// ```
    Issuer, |text| {
        absolute_uri("issuer", text).map_err(|_| InvalidValue::new("issuer", FORM))?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let is_host = !authority.starts_with(':')
            && authority.ends_with(|last: char| last != ':')
            && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte));
        let is_plain = path.is_empty() || path[1..].split('/').all(|segment| !["", ".", ".."].contains(&segment));
        if is_host && is_plain && !path.contains(['?', '%']) {
            Ok(())
        } else {
            Err(InvalidValue::new("issuer", FORM))
        }
    }
}

impl Issuer {
    /// Returns scheme, host and port.
    ///
    /// ```
    /// let issuer = regrant::Issuer::from_static("https://as.example:8443/tenant");
    /// assert_eq!(issuer.origin(), "https://as.example:8443");
    /// assert_eq!(issuer.path(), "/tenant");
    /// ```
    #[must_use]
    pub fn origin(&self) -> &str {
        self.split().0
    }

    /// Returns the path: empty, or `/` and segments.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        let text = self.as_str();
        let host = text.find("://").map_or(0, |at| at + 3);
        text.split_at(text[host..].find('/').map_or(text.len(), |at| host + at))
    }
}
