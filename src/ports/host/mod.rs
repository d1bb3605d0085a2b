//! Decisions that only the host can make.

mod approver;
mod gate;

pub use crate::vocabulary::{MissingParameter, Parameters};
pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use gate::{EverySubject, SubjectGate};
