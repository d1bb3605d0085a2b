//! Settings of a registered [`Client`]: authentication methods, introspection, registration number.
//!
//! The metadata holds no secret, so a [`Client`] may be logged. The credentials belong to the
//! [authenticator](crate::authenticator): the ready registry, or one of the host that reads a database.
//!
//! The service reads the metadata in every request. A scope, resource or grant type that is withdrawn takes effect at
//! the next refresh.

pub(crate) mod metadata;
mod methods;

pub use crate::vocabulary::Registration;
pub(crate) use metadata::Client;
pub use metadata::IntrospectionAccess;
pub use methods::{AuthenticationMethods, ClientAuthenticationMethod};
