//! Decisions that only the host can make, and facts that only the host knows.
//!
//! | question | port | default |
//! |---|---|---|
//! | Do these credentials of a user, or this assertion, deserve tokens? | [`GrantApprover`] | the flow is not offered |
//! | May tokens of this user still be used? | [`SubjectGate`] | yes |
//! | Which claims does this user have? | [`ClaimsSource`] | those of the protocol |
//! | May this sender try another credential? | [`RateLimit`] | yes, without a limit |
//!
//! Consent at an authorization endpoint is no port: the host asks the user, and then calls
//! [`TokenService::authorize`](crate::TokenService::authorize). The end of a session in the browser is a port of the
//! [endpoints](crate::wire::EndSession).

mod approver;
mod attempt_limit;
mod claims;
mod gate;
mod rate_limit;

pub use crate::ports::unavailable::Unavailable;
pub use crate::vocabulary::{MissingParameter, Parameters, Peer};
pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use attempt_limit::AttemptLimit;
pub use claims::{ClaimsError, ClaimsRequest, ClaimsSource, ClaimsTarget, HostClaims};
pub use gate::SubjectGate;
pub use rate_limit::{Admission, Attempt, AttemptKind, AttemptOutcome, RateLimit};
