//! The protocol endpoints, without an HTTP library.
//!
//! An adapter passes a [`Request`] to a [`Handler`], which [`Endpoints`] is, and sends the [`Response`]. This module
//! applies all rules of the protocol: duplicate parameters, challenges of a 401, cache headers, CORS. Adapters exist
//! for axum (`regrant-axum`) and actix-web (`regrant-actix-web`).
//!
//! The path of a token request, from the outside to the inside:
//!
//! | step | adds |
//! |---|---|
//! | [`Endpoints::handle`] | CORS headers |
//! | error mapping | the error response, its event, the DPoP nonce |
//! | dispatch | the endpoint |
//! | token request | form, client credentials, certificate, DPoP proof, scope, resources |
//! | grant type | the parameters of the flow, client authentication, the call of the service |
//!
//! ```
//! use regrant::wire::{Endpoints, Handler, Request};
//! use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let keys = KeyRing::generate(&SystemEntropy);
//! let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
//! let endpoints = Endpoints::new(service, "https://as.example");
//!
//! let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
//! let response = endpoints.respond(&Request::new("POST", "/oauth2/token", &headers, b"client_id=app")).await;
//! assert_eq!(response.status, 400); // the parameter grant_type is missing
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod basic;
mod body;
mod certificate;
mod cors;
mod credentials;
mod endpoints;
mod failure;
mod form;
mod handler;
mod introspection;
mod metadata;
mod paths;
mod request;
mod requested;
mod response;
mod token_request;

pub use crate::outcome::malformed::MalformedRequest;
pub use certificate::CertificateHeader;
pub use cors::Cors;
pub use endpoints::Endpoints;
pub use form::form;
pub use handler::Handler;
pub use paths::{Endpoint, Paths};
pub use request::Request;
pub use response::Response;
