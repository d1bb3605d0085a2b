//! The JWT bearer grant (RFC 7523 section 2.1): exchanges an assertion of a trusted issuer for tokens.

mod flow;
mod issuer;

pub use flow::JwtBearerFlow;
pub use issuer::{ResolveSubject, TrustedIssuer};
