//! The libraries, behind one interface.

mod oauth_as;
mod oxide_auth;
mod regrant;

use std::time::Duration;

/// The scope of each grant.
const SCOPE: &str = "read write";

/// The public client of each grant.
const CLIENT: &str = "app";

/// The tokens of an answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) refresh: String,
    pub(crate) access: String,
    pub(crate) scope: String,
}

/// A server of one library.
pub(crate) trait Library {
    /// Returns the first refresh token of a new grant.
    fn sign_in(&mut self) -> String;

    /// Refreshes; `None` is a refusal.
    fn refresh(&mut self, token: &str, scope: Option<&str>) -> Option<Tokens>;

    /// Lets time pass.
    fn pass(&mut self, time: Duration);
}

/// Starts a server with nothing in its store.
type Create = fn() -> Box<dyn Library>;

pub(crate) const LIBRARIES: [(&str, Create); 4] = [
    ("regrant", || Box::new(regrant::Regrant::new())),
    ("oxide-auth 0.6", || Box::new(oxide_auth::OxideAuth::new())),
    ("oauth-as 1.0", || Box::new(oauth_as::OauthAs::new(Duration::ZERO))),
    ("oauth-as 1.0, `refresh_retry_window` 60 s", || Box::new(oauth_as::OauthAs::new(Duration::from_secs(60)))),
];
