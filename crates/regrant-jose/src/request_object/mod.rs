//! Signed authorization requests: JAR (RFC 9101), with the rules of FAPI 2.0 Message Signing. [`RequestObjects`]
//! verifies them at the server; [`ClientKey`](crate::client_assertion::ClientKey) signs them for a client.

mod unsigned;
mod verifier;

pub use unsigned::UnsignedRequestObject;
pub use verifier::{FindClientKeys, RequestObjects};

/// The `typ` of a request object (RFC 9101 section 10.8).
const REQUEST_OBJECT: &str = "oauth-authz-req+jwt";
