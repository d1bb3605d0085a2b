//! The code that a user reads from a device and types on a web page.

use std::fmt;

use zeroize::Zeroizing;

use crate::vocabulary::{Entropy, InvalidValue, draw};

/// Consonants only, and none that look like another: the code spells no words (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 8 of 20 letters are 25.6 billion codes. RFC 8628 section 6.1 has both as its example.
const LENGTH: usize = 8;

/// A user code (RFC 8628 section 3.2): 8 of 20 consonants (34.5 bits), shown in two groups.
///
/// A user code is short enough to be guessed. The page where users enter it must limit the attempts (section 5.1). A
/// right guess lets an attacker approve the victim's device with the attacker's own account.
///
/// `Debug` is redacted, although the code is on a screen: a log with live codes would spare the guessing.
///
/// ```
/// use regrant::device::UserCode;
///
/// let code = UserCode::parse("wdjb mjht")?;
/// assert_eq!(code.expose(), "WDJB-MJHT");
/// assert_eq!(format!("{code:?}"), "UserCode([redacted])");
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(Zeroizing<[u8; LENGTH]>);

impl UserCode {
    /// Parses the typed text, in any case. Characters other than letters and digits are ignored (RFC 8628 section 6.1):
    /// users add spaces, and phones replace the hyphen with a dash.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text has another number of letters than 8, or a letter that no code has: a vowel, `Y`,
    /// or a letter outside ASCII. A digit is an error too.
    ///
    /// ```
    /// use regrant::device::UserCode;
    ///
    /// assert_eq!(UserCode::parse("WDJB\u{2013}MJHT."), UserCode::parse("wdjbmjht"));
    /// assert!(UserCode::parse("WDJB-MJH0").is_err()); // a digit
    /// assert!(UserCode::parse("WDJB-MJH").is_err());
    /// ```
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

    /// Returns the code as devices show it, for example `WDJB-MJHT`.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut text = String::with_capacity(LENGTH + 1);
        let (first, second) = self.0.split_at(LENGTH / 2);
        text.extend(first.iter().chain(b"-").chain(second).map(|letter| char::from(*letter)));
        text
    }

    /// Draws a code. Each of the codes is equally likely.
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        let mut code = Zeroizing::new([0; LENGTH]);
        let mut length = 0;
        while length < LENGTH {
            let [byte] = draw(entropy);
            // 240 is a multiple of 20. Bytes from 240 on would make the first 16 letters more frequent.
            if byte < 240 {
                code[length] = ALPHABET[usize::from(byte) % ALPHABET.len()];
                length += 1;
            }
        }
        Self(code)
    }

    /// Returns the letters without the hyphen: the input from which the id of the waiting grant is derived.
    pub(crate) fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode([redacted])")
    }
}
