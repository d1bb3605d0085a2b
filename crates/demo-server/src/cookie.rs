use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::wire::{Request, Response};
use regrant::{Entropy as _, Issuer, SystemEntropy};

/// The session cookie, with AM's name. A browser that is not signed in has a random value without a session, for the
/// token of the sign-in form.
const NAME: &str = "iPlanetDirectoryPro";

/// Returns the value of the cookie.
pub(crate) fn read<'a>(request: &Request<'a>) -> Option<&'a str> {
    let lines = request.header("cookie").filter_map(|line| std::str::from_utf8(line).ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == NAME).map(|(_, id)| id)
}

/// Returns a new value. It cannot be guessed.
pub(crate) fn draw() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns true for a value that this server may have drawn.
pub(crate) fn is_drawn(value: &str) -> bool {
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == 32)
}

/// Returns the header that removes the cookie.
pub(crate) fn removal(issuer: &Issuer) -> String {
    format!("{}; Max-Age=0", header("", issuer))
}

/// Sets the cookie. `Lax`: a link at the client's site opens the authorization page with the cookie, and a form of
/// another site is sent without it.
pub(crate) fn set(response: Response, value: &str, issuer: &Issuer) -> Response {
    response.with_header("set-cookie", header(value, issuer))
}

fn header(value: &str, issuer: &Issuer) -> String {
    let secure = if issuer.as_str().starts_with("https://") { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")
}
