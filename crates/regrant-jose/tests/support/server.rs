//! A server asked as HTTP asks it, without HTTP.

use std::sync::Arc;

use regrant::clock::ManualClock;
use regrant::proof::ClientCertificate;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
use regrant_jose::DpopVerifier;
use serde_json::Value;

use super::ISSUER;

/// Names and values, not yet encoded.
pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Server(pub(crate) Endpoints<MemoryStore>);

/// What comes with a request besides its form.
#[derive(Clone, Copy, Default)]
pub(crate) struct With<'a> {
    pub(crate) dpop: Option<&'a str>,
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

impl Server {
    pub(crate) fn start(clients: ClientRegistry, clock: &ManualClock, dpop: Option<Arc<DpopVerifier>>) -> Self {
        let keys = KeyRing::generate(&SystemEntropy);
        let mut builder = TokenService::builder(MemoryStore::new(), clients, keys).clock(clock.clone());
        if let Some(verifier) = dpop {
            builder = builder.proof_verifier(verifier);
        }
        Self(Endpoints::new(builder.build().expect("a policy"), ISSUER))
    }

    pub(crate) async fn post(&self, endpoint: Endpoint, form: Form<'_>, with: With<'_>) -> Reply {
        let path = match endpoint {
            Endpoint::Token => "/oauth2/token",
            _ => "/oauth2/introspect",
        };
        let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let body = body.join("&");
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
        headers.extend(with.dpop.map(|proof| ("dpop", proof.as_bytes())));
        let request = Request::new("POST", path, &headers, body.as_bytes()).with_client_certificate(with.certificate);
        let response = self.0.handle(endpoint, &request).await;
        let body = serde_json::from_slice(&response.body).expect("JSON");
        Reply { status: response.status, headers: response.headers, body }
    }

    pub(crate) async fn token(&self, form: Form<'_>, with: With<'_>) -> Reply {
        self.post(Endpoint::Token, form, with).await
    }
}

impl Reply {
    /// Status and error word; the word is empty when there is no error.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.body[name].as_str().expect("a text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }
}

fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |text, byte| {
        if byte.is_ascii_alphanumeric() {
            text + char::from(byte).encode_utf8(&mut [0])
        } else {
            text + &format!("%{byte:02X}")
        }
    })
}
