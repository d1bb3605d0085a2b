//! The resource server, beside a service that issues, rotates, revokes and introspects: RFC 6750, RFC 7662, RFC 8705
//! section 3, RFC 9068 section 4, RFC 9449 section 7.

mod introspection;
mod issuer;
mod jwt;
mod metadata;
mod requests;
mod step_up;
