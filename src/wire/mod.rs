//! The protocol endpoints, without an HTTP library.
//!
//! An adapter passes a [`Request`] to a [`Handler`], which [`Endpoints`] is, and sends the [`Response`]. This module
//! applies all rules of the protocol: duplicate parameters, challenges of a 401, cache headers, CORS. Adapters exist
//! for everything that serves a tower service (`regrant-tower`), for axum (`regrant-axum`) and for actix-web
//! (`regrant-actix-web`). They move bytes and decide nothing, so two servers with different adapters give the same
//! answers.
//!
//! The path of a token request, from the outside to the inside:
//!
//! | step | adds |
//! |---|---|
//! | [`Endpoints::handle`] | CORS headers; no content for `HEAD` |
//! | error mapping | the error response, its event, the DPoP nonce |
//! | dispatch | the endpoint |
//! | token request | form, client credentials, certificate, DPoP proof, scope, resources |
//! | grant type | the parameters of the flow, client authentication, the call of the service |
//!
//! # What is decided where
//!
//! | part of the request or response | rule | reason |
//! |---|---|---|
//! | method, content type, length | 405, 400 and 413, before the body is parsed | a URL ends up in logs |
//! | form ([`form()`]) | RFC 6749 section 3.2: no repeated parameter | two readers of one form must see one value |
//! | client credentials | RFC 6749 section 2.3: exactly one method | the weaker of two methods must not count |
//! | certificate ([`CertificateHeader`]) | RFC 9440, or the connection | a client must not choose its certificate |
//! | DPoP proof | RFC 9449 section 4.3: at most one | the URL comes from the issuer, not from `Host` |
//! | error responses | RFC 6749 section 5.2: fixed texts | nothing that a client sent is repeated |
//! | guesses ([`RateLimit`](crate::host::RateLimit)) | RFC 6585 section 4: 429 | weak secrets can be guessed |
//! | 503 | RFC 9110 section 10.2.3: `Retry-After` | an outage must not look like `invalid_grant` |
//! | token responses | RFC 6749 section 5.1: `no-store` | a cache must not keep tokens |
//! | userinfo | RFC 6750: one access token, challenges | the request has no client credentials |
//! | authorization request ([`Ask`]) | RFC 6749 section 4.1.2.1: client, URI, the rest | no open redirector |
//! | logout ([`EndSession`]) | RP-Initiated Logout 1.0: only registered URIs | the parameters come through a browser |
//! | registration ([`ClientRegistration`]) | RFC 7591: JSON, within the rules of the host | the sender is a stranger |
//! | pages in browsers ([`Cors`]) | the Fetch standard | only the named origins read responses |
//! | paths ([`Paths`]) | RFC 8414 section 3.1 | clients find endpoints through the metadata |
//!
//! Everything behind this, such as the lifetime of a token or the right of a client, is decided by the
//! [service](crate::TokenService). A host that needs other endpoints calls the service directly.
//!
//! # Example
//!
//! ```
//! use regrant::wire::{Endpoints, Handler, Request};
//! use regrant::{ClientRegistry, Issuer, KeyRing, MemoryStore, SystemEntropy, TokenService};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let keys = KeyRing::generate(&SystemEntropy);
//! let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).build()?;
//! let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?;
//!
//! let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
//! let response = endpoints.respond(&Request::new("POST", "/oauth2/token", &headers, b"client_id=app")).await;
//! assert_eq!(response.status, 400); // the parameter grant_type is missing
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorization;
mod basic;
mod body;
mod certificate;
mod cors;
mod credentials;
mod end_session;
mod endpoints;
mod failure;
mod form;
mod handler;
mod introspection;
mod json;
mod location;
mod metadata;
mod paths;
mod registration;
mod request;
mod requested;
mod response;
mod token_request;
mod user_info;

pub use crate::outcome::malformed::MalformedRequest;
pub use crate::vocabulary::json_object;
pub use authorization::{Ask, AuthorizationError, AuthorizationFault, AuthorizationRequest, Prompt, ResponseMode};
pub use certificate::CertificateHeader;
pub use cors::{Cors, CorsError};
pub use end_session::{EndSession, EndSessionRequest, EndSessionResponse, EndedSession};
pub use endpoints::{Endpoints, IssuerMismatch};
pub use form::{form, query};
pub use handler::Handler;
pub use paths::{Endpoint, Paths};
pub use registration::ClientRegistration;
pub use request::Request;
pub use requested::requested_resources;
pub use response::Response;
