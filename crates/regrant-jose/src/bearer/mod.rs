//! The JWT bearer grant (RFC 7523 section 2.1): the assertion of an issuer whom the host trusts, in exchange for tokens.

mod flow;
mod issuer;

pub use flow::JwtBearerFlow;
pub use issuer::{ResolveSubject, TrustedIssuer};
