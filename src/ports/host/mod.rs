//! Decisions that only the host can make: which flows of its own it approves, and which subjects it still serves.

mod approver;
mod gate;

pub use crate::ports::unavailable::Unavailable;
pub use crate::vocabulary::{MissingParameter, Parameters};
pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use gate::{EverySubject, SubjectGate};
