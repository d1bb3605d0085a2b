//! Settings of a registered [`Client`]: authentication methods, keys, introspection, registration number; and rules for
//! clients that register themselves.
//!
//! The metadata holds no secret, so a [`Client`] may be logged. The credentials belong to the
//! [authenticator](crate::authenticator): a registry or a directory.
//!
//! The service reads the metadata in every request. A scope, resource or grant type that is withdrawn takes effect at
//! the next refresh.

mod json;
mod keys;
pub(crate) mod metadata;
mod methods;
mod rules;

pub use crate::vocabulary::Registration;
pub use keys::{ClientKeys, TlsSubject};
pub(crate) use metadata::Client;
pub use metadata::IntrospectionAccess;
pub use methods::{AuthenticationMethods, ClientAuthenticationMethod};
pub use rules::{MetadataFault, RegistrationRules};
