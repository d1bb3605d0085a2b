//! Settings of a registered [`Client`]: authentication methods, introspection, registration number.

pub(crate) mod metadata;
mod methods;

pub use crate::vocabulary::Registration;
pub(crate) use metadata::Client;
pub use metadata::IntrospectionAccess;
pub use methods::{AuthenticationMethods, ClientAuthenticationMethod};
