//! The checks of ARCHITECTURE.md by name, for the live page and for the terminal.

use regrant::Refusal;
use regrant::event::EventKind;
use serde_json::{Value, json};

/// The tree of the project.
const TREE: &str = "https://github.com/regrant/regrant/blob/main";

/// The headings to read, in the tree of the project. A check of the repository compares them with that page.
const ORDER: &str = "ARCHITECTURE.md#order-of-checks";
const WALK: &str = "ARCHITECTURE.md#walking-forward";
const ROLLBACK: &str = "ARCHITECTURE.md#rollback";
const LOOP: &str = "ARCHITECTURE.md#the-loop";
const RECORD: &str = "ARCHITECTURE.md#the-grant-record";

/// A check, and the heading that explains it.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) heading: &'static str,
}

impl Check {
    const fn new(name: &'static str, heading: &'static str) -> Self {
        Self { name, heading }
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "name": self.name,
            "href": format!("{TREE}/{}", self.heading),
        })
    }

    /// Returns the check that a refusal belongs to.
    pub(crate) fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ClientAuthenticationFailed(_) | Refusal::AuthenticationTooWeak => Self::new("client", ORDER),
            Refusal::GrantTypeNotAllowed => Self::new("right", ORDER),
            Refusal::TokenUnrecognized => Self::new("seal", ORDER),
            Refusal::GrantUnknown | Refusal::OtherClient | Refusal::OtherRegistration | Refusal::RootMismatch => {
                Self::new("owner", ORDER)
            }
            Refusal::ProofOfPossessionFailed
            | Refusal::ProofMissing
            | Refusal::CertificateMissing
            | Refusal::ProofInvalid(_)
            | Refusal::ProofNonceRequired => Self::new("proof", ORDER),
            Refusal::GrantRevoked | Refusal::GrantExpired | Refusal::SubjectNotServed => Self::new("life", ORDER),
            Refusal::RefreshTokenReused
            | Refusal::ReplayLimitReached
            | Refusal::ClockBehind
            | Refusal::SuccessorMismatch => Self::new("generation", WALK),
            Refusal::RefreshTokenForked | Refusal::RefreshTokenAhead => Self::new("generation", ROLLBACK),
            Refusal::RefreshTokenExpired => Self::new("generation", ORDER),
            Refusal::ScopeExceeded
            | Refusal::ScopeWithdrawn
            | Refusal::ResourceExceeded
            | Refusal::ResourceWithdrawn
            | Refusal::AuthorizationDetailsExceeded
            | Refusal::AuthorizationDetailsWithdrawn
            | Refusal::OfflineAccessNotGranted => Self::new("reach", ORDER),
            _ => Self::new("the order of checks", ORDER),
        }
    }

    /// Returns the check that decided about an event.
    pub(crate) fn of_event(kind: EventKind) -> Self {
        match kind {
            EventKind::Refused(cause) | EventKind::ReuseDetected { cause, .. } => Self::of(cause),
            EventKind::Replayed { .. } => Self::new("generation", WALK),
            EventKind::Healed { .. } => Self::new("generation", ROLLBACK),
            EventKind::GrantRevoked(_) => Self::new("the record: Revoked is final", RECORD),
            EventKind::Malformed(_) => Self::new("form", ORDER),
            EventKind::RateLimited => Self::new("limit", ORDER),
            EventKind::Contended | EventKind::WriteConfirmed | EventKind::Unavailable | EventKind::Rejected => {
                Self::new("the loop", LOOP)
            }
            _ => Self::new("answer", ORDER),
        }
    }
}
