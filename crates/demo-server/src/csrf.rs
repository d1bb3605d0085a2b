use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use regrant::{Entropy as _, SystemEntropy};
use sha2::Sha256;

/// Makes and checks the tokens in the forms of the pages.
///
/// A token belongs to the cookie of one browser: another site can make that browser send a form with its cookie, but
/// does not know the token. The sign-in form has one too, otherwise another site could sign a browser in as the
/// attacker.
#[derive(Clone)]
pub(crate) struct Csrf(Hmac<Sha256>);

impl Csrf {
    /// Draws a key. The forms of an earlier process are refused, as its sessions are.
    pub(crate) fn new() -> Self {
        let mut key = Key::<Hmac<Sha256>>::default();
        SystemEntropy.fill(&mut key);
        Self(Hmac::new(&key))
    }

    /// Returns the token for a cookie. It does not reveal the cookie, which scripts cannot read.
    pub(crate) fn token(&self, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.0.clone().chain_update(cookie).finalize().into_bytes())
    }

    /// Checks a token, in constant time.
    pub(crate) fn accepts(&self, cookie: &str, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token);
        token.is_ok_and(|token| self.0.clone().chain_update(cookie).verify_slice(&token).is_ok())
    }
}
