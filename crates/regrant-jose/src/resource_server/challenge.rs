use super::credentials::Scheme;

/// One challenge of a `WWW-Authenticate` header (RFC 9110 section 11.6.1): a scheme and what a client should know to use it.
pub(super) struct Challenge(String);

impl Challenge {
    /// Each scheme has one parameter at least (RFC 6750 section 3).
    pub(super) fn new(scheme: Scheme, realm: &str) -> Self {
        Self(format!("{} realm={}", scheme.as_str(), quoted(realm)))
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push_str(", ");
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&quoted(value));
        self
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// A quoted string (RFC 9110 section 5.6.4). What cannot stand in one, even escaped, is left out: a line end would begin
/// another header.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars().filter(|letter| matches!(letter, ' '..='~')) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}
