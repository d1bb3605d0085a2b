//! Keys and introspection over HTTP, against a real server on this machine.

mod client_metadata;
mod introspection_endpoint;
mod jwks_uri;
mod registered_keys;
mod server;

use std::error::Error;

use regrant_jose::http::HttpClient;

use server::certificate;

/// A client that trusts no certificate of a server in these tests.
fn client() -> HttpClient {
    HttpClient::trusting(certificate("unrelated.example").cert.pem().as_bytes()).unwrap()
}

/// The error and all its causes, as a host logs them.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
