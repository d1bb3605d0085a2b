//! Proof Key for Code Exchange (RFC 7636): a stolen authorization code is useless without the verifier of its client.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::vocabulary::{CodeVerifier, Digest, InvalidValue};

/// A PKCE challenge: SHA-256 of the `code_verifier` that the client must present at redemption (RFC 7636 section 4.2).
///
/// A code that was issued with a challenge needs its verifier. A code that was issued without one is refused together
/// with a verifier: an attacker could have removed the challenge from the request (RFC 9700 section 4.8.2).
///
/// ```
/// use regrant::{CodeChallenge, CodeVerifier};
///
/// // The example of RFC 7636 appendix B.
/// let challenge = CodeChallenge::s256("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")?;
/// assert!(challenge.is_met_by(&CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
/// assert!(!challenge.is_met_by(&CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK")));
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeChallenge(pub(crate) Digest);

impl CodeChallenge {
    /// Reads the two parameters of an authorization request. A request without a method means `plain` (RFC 7636 section
    /// 4.3), so it is rejected and not read as `S256`.
    ///
    /// ```
    /// use regrant::CodeChallenge;
    ///
    /// let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    /// assert!(CodeChallenge::from_request(challenge, Some("S256")).is_ok());
    /// assert!(CodeChallenge::from_request(challenge, None).is_err());
    /// assert!(CodeChallenge::from_request(challenge, Some("s256")).is_err());
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue`] when the method is not `S256` or the challenge is not base64url of 32 bytes.
    pub fn from_request(code_challenge: &str, code_challenge_method: Option<&str>) -> Result<Self, InvalidValue> {
        match code_challenge_method {
            Some("S256") => Self::s256(code_challenge),
            _ => Err(InvalidValue::new("code_challenge_method", "only S256 is supported")),
        }
    }

    /// A challenge of the method `S256`.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text is not base64url (no padding) of 32 bytes.
    pub fn s256(code_challenge: &str) -> Result<Self, InvalidValue> {
        let digest = URL_SAFE_NO_PAD.decode(code_challenge).ok().and_then(|bytes| bytes.try_into().ok());
        digest
            .map(|bytes| Self(Digest::from_bytes(bytes)))
            .ok_or(InvalidValue::new("code_challenge", "must be base64url of 32 bytes"))
    }

    /// A challenge of the method `plain`: the verifier itself. Anyone who sees the authorization request can use it
    /// (RFC 7636 section 7.2). Only for clients that cannot compute SHA-256.
    ///
    /// The verifier is hashed on arrival, so a stolen record does not redeem a code either. The record is the same as
    /// for `S256`, so the redemption is verified in one way.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text is not 43 to 128 unreserved characters.
    pub fn dangerous_plain(code_challenge: &str) -> Result<Self, InvalidValue> {
        Self::of(&CodeVerifier::new(code_challenge))
    }

    /// The challenge for `verifier`, as a client computes it. A host needs this constructor in tests only.
    ///
    /// # Errors
    /// [`InvalidValue`] when the verifier is not 43 to 128 unreserved characters (RFC 7636 section 4.1).
    pub fn of(verifier: &CodeVerifier) -> Result<Self, InvalidValue> {
        let text = verifier.expose().as_bytes();
        let is_unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if !(43..=128).contains(&text.len()) || !text.iter().all(is_unreserved) {
            return Err(InvalidValue::new("code_verifier", "must be 43 to 128 unreserved characters"));
        }
        Ok(Self(Digest::of(&[text])))
    }

    /// Returns true if the challenge was made from `verifier`. Always false for a malformed verifier. The digests are
    /// compared in constant time.
    #[must_use]
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        Self::of(verifier).is_ok_and(|shown| shown == *self)
    }
}
