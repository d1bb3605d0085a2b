use crate::token::TokenKind;
use crate::vocabulary::InvalidValue;

/// The prefixes of tokens, by which people and secret scanners recognise them. Default `ac_`, `rt_`, `at_`, and `dc_`
/// for device codes.
///
/// A prefix of your own, such as `acme_rt_`, lets a scanner find tokens that somebody committed to a repository. The
/// prefix also gives the kind of a token at the revocation endpoint, so a wrong `token_type_hint` does no harm
/// (RFC 7009 section 2.1).
///
/// A change of a prefix makes all earlier tokens of that kind unknown: users have to sign in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPrefixes(
    // In the order of `TokenKind::ALL`.
    [Box<str>; TokenKind::ALL.len()],
);

impl TokenPrefixes {
    /// Prefixes of your own: each 1 to 32 ASCII letters, digits, `-` or `_`, and none the beginning of another.
    ///
    /// # Errors
    /// [`InvalidValue`] when a prefix is empty, too long or has another character; or when it equals another prefix or
    /// is the beginning of one. The kind of a token would then be ambiguous.
    ///
    /// ```
    /// use regrant::token::TokenPrefixes;
    ///
    /// assert!(TokenPrefixes::new("acme_code_", "acme_rt_", "acme_at_", "acme_dc_").is_ok());
    /// assert!(TokenPrefixes::new("acme_", "acme_rt_", "acme_at_", "acme_dc_").is_err());
    /// ```
    pub fn new(
        authorization_code: &str,
        refresh_token: &str,
        access_token: &str,
        device_code: &str,
    ) -> Result<Self, InvalidValue> {
        let all = [authorization_code, refresh_token, access_token, device_code];
        let is_token_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !all.iter().all(|prefix| (1..=32).contains(&prefix.len()) && prefix.bytes().all(is_token_char)) {
            return Err(InvalidValue::new("token prefix", "must be 1 to 32 letters, digits, '-' or '_'"));
        }
        let is_ambiguous = |(index, prefix): (usize, &&str)| {
            all.iter().enumerate().any(|(other, text)| other != index && text.starts_with(prefix))
        };
        if all.iter().enumerate().any(is_ambiguous) {
            return Err(InvalidValue::new("token prefix", "none may be the beginning of another"));
        }
        Ok(Self::of_tokens(all))
    }

    /// Adds the prefixes that are fixed: a `jti` has none, since it is never presented alone, and that of a
    /// `request_uri` is the one of RFC 9126 section 2.2.
    fn of_tokens([authorization_code, refresh_token, access_token, device_code]: [&str; 4]) -> Self {
        let request_uri = "urn:ietf:params:oauth:request_uri:";
        Self([authorization_code, refresh_token, access_token, device_code, "", request_uri].map(Into::into))
    }

    /// Returns the prefix of a kind.
    pub(crate) fn of(&self, kind: TokenKind) -> &str {
        // The tags count from 1.
        &self.0[usize::from(kind.tag() - 1)]
    }
}

impl Default for TokenPrefixes {
    fn default() -> Self {
        Self::of_tokens(["ac_", "rt_", "at_", "dc_"])
    }
}
