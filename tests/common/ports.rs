use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use regrant::{Approval, ApproveError, ApproveRequest, AuthenticatedClient, GrantApprover, Subject, SubjectGate};

use super::{PASSWORD, USER, subject};

/// Serves everybody until told otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<GateState>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GateState {
    #[default]
    Open,
    Closed,
    Broken,
}

impl Gate {
    pub(crate) fn set(&self, state: GateState) {
        *self.0.lock().expect("no panic") = state;
    }
}

#[async_trait]
impl SubjectGate for Gate {
    async fn may_be_served(&self, _: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
        match *self.0.lock().expect("no panic") {
            GateState::Open => Ok(true),
            GateState::Closed => Ok(false),
            GateState::Broken => Err("directory unreachable".into()),
        }
    }
}

/// The password flow, with one user.
pub(crate) struct Passwords;

#[async_trait]
impl GrantApprover for Passwords {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        let username = request.parameters.required("username")?;
        match request.parameters.required("password")? {
            PASSWORD if username == USER => Ok(request.approve_for(subject(username))),
            "unreachable" => Err(ApproveError::Unavailable("directory unreachable".into())),
            _ => Err(ApproveError::Denied),
        }
    }
}
