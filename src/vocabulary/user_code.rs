//! The code that a person reads from a device and enters somewhere else.

use std::fmt;

use zeroize::Zeroizing;

use crate::vocabulary::{Entropy, InvalidValue, draw};

/// Consonants that look like nothing else and spell no words (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A user code (RFC 8628 section 3.2): 8 of 20 consonants, 34.5 bits, shown in two groups.
///
/// It can be guessed if nobody counts: whoever serves the page where it is entered must slow down guessing (section 5.1).
///
/// ```
/// use regrant::device::UserCode;
///
/// let code = UserCode::parse("wdjb mjht")?;
/// assert_eq!(code.expose(), "WDJB-MJHT");
/// assert!(UserCode::parse("WDJB-MJH0").is_err());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(Zeroizing<[u8; LENGTH]>);

impl UserCode {
    /// Reads what a person typed: in any case, with or without anything between the letters that is neither letter nor digit
    /// (RFC 8628 section 6.1). Phones make a dash of a hyphen.
    ///
    /// # Errors
    /// When it is not a user code.
    pub fn parse(typed: &str) -> Result<Self, InvalidValue> {
        let mut code = Zeroizing::new([0; LENGTH]);
        let mut length = 0;
        for letter in typed.chars().filter(|letter| letter.is_alphanumeric()) {
            let letter = u8::try_from(letter.to_ascii_uppercase()).unwrap_or_default();
            match code.get_mut(length) {
                Some(place) if ALPHABET.contains(&letter) => *place = letter,
                _ => return Err(InvalidValue::new("user_code", "it is no user code")),
            }
            length += 1;
        }
        if length == LENGTH { Ok(Self(code)) } else { Err(InvalidValue::new("user_code", "must have 8 letters")) }
    }

    /// The code as it is shown, `WDJB-MJHT`.
    #[must_use]
    pub fn expose(&self) -> String {
        let letters: String = self.0.iter().map(|letter| char::from(*letter)).collect();
        format!("{}-{}", &letters[..LENGTH / 2], &letters[LENGTH / 2..])
    }

    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        let mut code = Zeroizing::new([0; LENGTH]);
        let mut length = 0;
        while length < LENGTH {
            let [byte] = draw(entropy);
            // 240 is the last multiple of 20: above it the first letters would come more often.
            if byte < 240 {
                code[length] = ALPHABET[usize::from(byte) % ALPHABET.len()];
                length += 1;
            }
        }
        Self(code)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode([redacted])")
    }
}
