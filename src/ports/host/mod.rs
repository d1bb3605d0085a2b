//! Decisions that only the host can make: which flows of its own it approves, and which subjects it still serves.
//!
//! | question | port | default |
//! |---|---|---|
//! | Do these credentials of a user, or this assertion, deserve tokens? | [`GrantApprover`] | the flow is not offered |
//! | May tokens of this user still be used? | [`SubjectGate`] | yes |
//!
//! Consent at an authorization endpoint is no port: the host asks the user, and then calls
//! [`TokenService::authorize`](crate::TokenService::authorize).

mod approver;
mod gate;

pub use crate::ports::unavailable::Unavailable;
pub use crate::vocabulary::{MissingParameter, Parameters};
pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use gate::SubjectGate;
