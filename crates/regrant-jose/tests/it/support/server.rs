//! A server with the endpoints of HTTP, without HTTP.

use std::sync::Arc;

use fixtures::{Form, Reply, form};
use regrant::clock::ManualClock;
use regrant::proof::ClientCertificate;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
use regrant_jose::DpopVerifier;

use super::ISSUER;

pub(crate) struct Server(pub(crate) Endpoints<MemoryStore>);

/// The proof and the certificate of a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct With<'a> {
    pub(crate) dpop: Option<&'a str>,
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

impl Server {
    pub(crate) fn start(clients: ClientRegistry, clock: &ManualClock, dpop: Option<Arc<DpopVerifier>>) -> Self {
        let keys = KeyRing::generate(&SystemEntropy);
        let mut builder = TokenService::builder(MemoryStore::new(), clients, keys).clock(clock.clone());
        if let Some(verifier) = dpop {
            builder = builder.proof_verifier(verifier);
        }
        Self(Endpoints::new(builder.build().expect("a policy"), Issuer::from_static(ISSUER)).unwrap())
    }

    pub(crate) async fn post(&self, endpoint: Endpoint, parameters: Form<'_>, with: With<'_>) -> Reply {
        let path = match endpoint {
            Endpoint::Token => "/oauth2/token",
            _ => "/oauth2/introspect",
        };
        let body = form(parameters);
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
        headers.extend(with.dpop.map(|proof| ("dpop", proof.as_bytes())));
        let request = Request::new("POST", path, &headers, body.as_bytes()).with_client_certificate(with.certificate);
        Reply::checked(endpoint, &request, self.0.handle(endpoint, &request).await)
    }

    pub(crate) async fn token(&self, form: Form<'_>, with: With<'_>) -> Reply {
        self.post(Endpoint::Token, form, with).await
    }
}
