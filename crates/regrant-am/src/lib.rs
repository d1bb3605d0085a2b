//! Imports the OAuth 2 settings of ForgeRock / Ping AM. Its provider service and clients, exported as JSON, become a
//! [`Policy`], [`Client`]s, and a list of the differences.
//!
//! Three forms of export are accepted, also mixed:
//! * answers of the REST API: `GET .../realm-config/services/oauth-oidc`, `GET
//!   .../realm-config/agents/OAuth2Client/{id}`, and a list of these (`?_queryFilter=true`);
//! * amster: `{ "metadata": {...}, "data": {...} }`;
//! * Frodo: `{ "service": { "oauth-oidc": {...} } }`, `{ "application": { "id": {...} } }`.
//!
//! No attribute is dropped silently: each is imported, or there is a [`Finding`] about it. An attribute that the export
//! lacks has the default of AM 7.5 ([`Policy::am_7_5`]). Grants and tokens are not migrated; `docs/from-am.md`
//! describes the migration.
//!
//! ```
//! use regrant_am::{Credential, Export};
//! use regrant::{ClientRegistry, ClientSecret, SecretHash};
//!
//! let provider = r#"{ "coreOAuth2Config": { "accessTokenLifetime": 600, "refreshTokenLifetime": -1 } }"#;
//! let client = r#"{
//!     "_id": "app",
//!     "coreOAuth2ClientConfig": {
//!         "clientType": { "inherited": false, "value": "Confidential" },
//!         "scopes": { "inherited": false, "value": ["openid", "read|Read your data"] }
//!     }
//! }"#;
//! let import = Export::default().document("provider.json", provider)?.document("app.json", client)?.import()?;
//!
//! for finding in import.all_findings().filter(|finding| !finding.is_harmless()) {
//!     eprintln!("{finding}");
//! }
//! let mut clients = ClientRegistry::new();
//! for registration in import.clients {
//!     let secrets = match registration.credential {
//!         Credential::None => vec![],
//!         Credential::Secret(secret) => vec![SecretHash::sha256(&secret)],
//!         // AM does not give secrets away: they come from where the client has them.
//!         Credential::SecretNeeded => vec![SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"))],
//!         other => return Err(format!("a verifier is needed: {other:?}").into()),
//!     };
//!     clients = clients.register(registration.client, secrets)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Client`]: regrant::Client
//! [`Policy`]: regrant::Policy
//! [`Policy::am_7_5`]: regrant::Policy::am_7_5
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attributes;
mod catalogue;
mod client;
mod credential;
mod error;
mod export;
mod finding;
mod lifetime;
mod lists;
mod provider;
mod strict;

pub use client::ClientRegistration;
pub use credential::{Credential, PublicKeys};
pub use error::{ImportError, Problem};
pub use export::{Export, Import};
pub use finding::{Finding, Meaning};
pub use provider::Provider;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/from-am.md")]
struct FromAm;
