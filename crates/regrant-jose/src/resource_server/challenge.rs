use super::credentials::Scheme;

/// A challenge of a `WWW-Authenticate` header (RFC 9110 section 11.6.1): a scheme with its parameters.
pub(super) struct Challenge(String);

impl Challenge {
    /// Creates a challenge with `realm`: each scheme needs at least one parameter (RFC 6750 section 3).
    pub(super) fn new(scheme: Scheme, realm: &str) -> Self {
        Self(format!("{} realm={}", scheme.as_str(), quoted(realm)))
    }

    pub(super) fn with_parameter(mut self, name: &str, value: &str) -> Self {
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

/// A quoted string (RFC 9110 section 5.6.4). Characters that cannot be escaped are omitted: a line end would start
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
