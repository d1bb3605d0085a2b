//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2): everything at the
//! authorization endpoint but the pages.
//!
//! The endpoint is the host's: the host signs the user in and asks for consent.
//! [`Endpoints::ask`](crate::wire::Endpoints::ask) judges the request and returns an [`Ask`], whose methods are the
//! answers.
//!
//! | file | content |
//! |---|---|
//! | `request` | the parameters in the query or in the form |
//! | `judgement` | the checks, in their order |
//! | `request_object` | requests that the client has signed (RFC 9101) |
//! | `pushed` | the pushed authorization request endpoint (RFC 9126) |
//! | `ask` | a request that the user can be asked about, and its answers |
//! | `redirection` | the way of an answer through the browser |
//! | `error` | errors for the client, and errors for the user |
//!
//! The order protects the user. The client comes first, then the redirect URI, then everything else. Only an error
//! after the first two is sent to the redirect URI, since until then the URI may be that of an attacker (RFC 6749
//! section 4.1.2.1, RFC 9700 section 4.11.2). An unknown client and a URI that is not registered have one answer, so a
//! stranger cannot find out which clients there are.

mod ask;
mod error;
mod judgement;
mod pushed;
mod redirection;
mod request;
mod request_object;

pub use ask::{Ask, Prompt};
pub use error::{AuthorizationError, AuthorizationFault};
pub use redirection::ResponseMode;
pub use request::AuthorizationRequest;
