//! Decisions that only the host can make, and facts that only the host knows.
//!
//! | question | port | default |
//! |---|---|---|
//! | Do these credentials of a user, or this assertion, deserve tokens? | [`GrantApprover`] | the flow is not offered |
//! | May tokens of this user still be used? | [`SubjectGate`] | yes |
//! | Which claims does this user have? | [`ClaimsSource`] | those of the protocol |
//!
//! Consent at an authorization endpoint is no port: the host asks the user, and then calls
//! [`TokenService::authorize`](crate::TokenService::authorize). The end of a session in the browser is a port of the
//! [endpoints](crate::wire::EndSession).

mod approver;
mod claims;
mod gate;

pub use crate::ports::unavailable::Unavailable;
pub use crate::vocabulary::{MissingParameter, Parameters};
pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use claims::{ClaimsError, ClaimsRequest, ClaimsSource, ClaimsTarget, HostClaims};
pub use gate::SubjectGate;
