//! The two clients of every server, and their first tokens.
//!
//! `app` is public and refreshes. `api` has a secret and introspects its own access tokens. Each has as many grants as
//! the command line says, one for each user.

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::json;

/// The public client.
pub(crate) const APP: &str = "app";

/// The client with a secret.
pub(crate) const API: &str = "api";

/// The secret of [`API`]: 128 random bits.
pub(crate) const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";

/// The scope of every grant.
pub(crate) const SCOPE: &str = "read write";

/// The lifetime of the access tokens that are introspected, in seconds: longer than a run, by the [clock](crate::clock)
/// of the servers.
pub(crate) const LIFETIME: u64 = 10 * 365 * 24 * 3600;

/// The name of a user.
pub(crate) fn user(number: usize) -> String {
    format!("user-{number}@example.com")
}

/// The first tokens.
#[derive(Default)]
pub(crate) struct Seed {
    /// A refresh token of each grant of [`APP`].
    pub(crate) refresh: Vec<String>,
    /// An access token of each grant of [`API`].
    pub(crate) introspect: Vec<String>,
}

impl Seed {
    /// Prints the tokens and the address.
    pub(crate) fn announce(&self, address: SocketAddr) {
        let mut output = std::io::stdout().lock();
        for (work, tokens) in [("refresh", &self.refresh), ("introspect", &self.introspect)] {
            for token in tokens {
                writeln!(output, "{}", json!({ "work": work, "token": token })).expect("the output is read");
            }
        }
        writeln!(output, "listening on http://{address}").expect("the output is read");
    }
}
