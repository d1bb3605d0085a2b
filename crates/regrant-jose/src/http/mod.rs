//! HTTP for the keys and metadata of others and for introspection, with hyper and rustls. Feature `http`; needs a Tokio
//! runtime with its I/O and time drivers.
//!
//! [`JwksUri`] fetches keys, [`IntrospectionEndpoint`] asks about tokens, [`ClientMetadata`] fetches metadata documents
//! of clients. All send with an [`HttpClient`], whose clones share their connections. Hosts with a client of their own
//! implement [`ResolveKeys`](crate::key::ResolveKeys) and [`Introspect`](crate::resource_server::Introspect) instead.
//!
//! ```no_run
//! use regrant::{ClientId, ClientSecret};
//! use regrant_jose::http::{ClientAuthentication, HttpClient, IntrospectionEndpoint, JwksUri};
//! use regrant_jose::JwtVerifier;
//! use regrant_jose::resource_server::IntrospectionVerifier;
//!
//! # fn example(secret: ClientSecret) -> Result<(), Box<dyn std::error::Error>> {
//! let http = HttpClient::new()?;
//! let keys = JwksUri::new("https://as.example/oauth2/jwks", &http)?;
//! let jwts = JwtVerifier::new("https://as.example", "https://api.example", keys);
//!
//! let authentication = ClientAuthentication::basic(ClientId::new("api")?, secret);
//! let endpoint = IntrospectionEndpoint::new("https://as.example/oauth2/introspect", &http, authentication)?;
//! let opaque_tokens = IntrospectionVerifier::new(endpoint);
//! # Ok(())
//! # }
//! ```

mod address;
mod client;
mod client_metadata;
mod error;
mod introspection_endpoint;
mod jwks_uri;
mod url;

pub use client::HttpClient;
pub use client_metadata::ClientMetadata;
pub use error::{HttpError, HttpSetupError};
pub use introspection_endpoint::{ClientAuthentication, IntrospectionEndpoint};
pub use jwks_uri::JwksUri;
