//! Events and refusals in words, with the check of ARCHITECTURE.md that decided.

use regrant::Refusal;
use regrant::event::{Event, EventKind};
use serde_json::{Value, json};

/// The tree of the project.
const TREE: &str = "https://github.com/regrant/regrant/blob/main";

/// The headings to read, in the tree of the project. A check of the repository compares them with that page.
const ORDER: &str = "ARCHITECTURE.md#order-of-checks";
const WALK: &str = "ARCHITECTURE.md#walking-forward";
const ROLLBACK: &str = "ARCHITECTURE.md#rollback";
const LOOP: &str = "ARCHITECTURE.md#the-loop";
const RECORD: &str = "ARCHITECTURE.md#the-grant-record";

/// A check of ARCHITECTURE.md, and the heading that explains it.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    heading: &'static str,
}

impl Check {
    const fn of(name: &'static str, heading: &'static str) -> Self {
        Self { name, heading }
    }

    fn to_json(self) -> Value {
        json!({
            "name": self.name,
            "href": format!("{TREE}/{}", self.heading),
        })
    }
}

/// Returns an event for the page.
pub(super) fn event(event: &Event<'_>) -> Value {
    json!({
        "at": event.at.as_millis(),
        "operation": event.operation.as_str(),
        "kind": event.kind.as_str(),
        "cause": event.kind.cause(),
        "text": words(event.kind),
        "check": check_of_event(event.kind).to_json(),
    })
}

/// Returns the check that a refusal belongs to, for the page.
pub(super) fn check(refusal: Refusal) -> Value {
    check_of(refusal).to_json()
}

fn check_of_event(kind: EventKind) -> Check {
    match kind {
        EventKind::Refused(cause) | EventKind::ReuseDetected { cause, .. } => check_of(cause),
        EventKind::Replayed { .. } => Check::of("generation", WALK),
        EventKind::Healed { .. } => Check::of("generation", ROLLBACK),
        EventKind::GrantRevoked(_) => Check::of("the record: Revoked is final", RECORD),
        EventKind::Malformed(_) => Check::of("form", ORDER),
        EventKind::RateLimited => Check::of("limit", ORDER),
        EventKind::Contended | EventKind::WriteConfirmed | EventKind::Unavailable | EventKind::Rejected => {
            Check::of("the loop", LOOP)
        }
        _ => Check::of("answer", ORDER),
    }
}

fn check_of(refusal: Refusal) -> Check {
    match refusal {
        Refusal::ClientAuthenticationFailed(_) | Refusal::AuthenticationTooWeak => Check::of("client", ORDER),
        Refusal::GrantTypeNotAllowed => Check::of("right", ORDER),
        Refusal::TokenUnrecognized => Check::of("seal", ORDER),
        Refusal::GrantUnknown | Refusal::OtherClient | Refusal::OtherRegistration | Refusal::RootMismatch => {
            Check::of("owner", ORDER)
        }
        Refusal::ProofOfPossessionFailed
        | Refusal::ProofMissing
        | Refusal::CertificateMissing
        | Refusal::ProofInvalid(_)
        | Refusal::ProofNonceRequired => Check::of("proof", ORDER),
        Refusal::GrantRevoked | Refusal::GrantExpired | Refusal::SubjectNotServed => Check::of("life", ORDER),
        Refusal::RefreshTokenReused
        | Refusal::ReplayLimitReached
        | Refusal::ClockBehind
        | Refusal::SuccessorMismatch => Check::of("generation", WALK),
        Refusal::RefreshTokenForked | Refusal::RefreshTokenAhead => Check::of("generation", ROLLBACK),
        Refusal::RefreshTokenExpired => Check::of("generation", ORDER),
        Refusal::ScopeExceeded
        | Refusal::ScopeWithdrawn
        | Refusal::ResourceExceeded
        | Refusal::ResourceWithdrawn
        | Refusal::AuthorizationDetailsExceeded
        | Refusal::AuthorizationDetailsWithdrawn
        | Refusal::OfflineAccessNotGranted => Check::of("reach", ORDER),
        _ => Check::of("the order of checks", ORDER),
    }
}

/// Returns the meaning of an event, for somebody who sees the library for the first time.
fn words(kind: EventKind) -> String {
    match kind {
        EventKind::CodeIssued => "You allowed it: the client has a code, and no token yet.".to_owned(),
        EventKind::Redeemed => "The code was redeemed for the first tokens. It works once.".to_owned(),
        EventKind::Rotated { generation } => {
            format!("The head was shown, and rotated: the new head is generation {generation}.")
        }
        EventKind::Refreshed => "An access token was issued. The refresh token stays.".to_owned(),
        EventKind::Replayed { steps, .. } => format!(
            "A former token was shown in its window, {steps} rotation(s) behind: the answer is the head again, byte \
             for byte."
        ),
        EventKind::ReuseDetected { revoked, .. } => format!(
            "A spent token was shown: two parties hold tokens of this grant, and one may be a thief. {}",
            if revoked { "The grant ends." } else { "The policy lets the grant live." }
        ),
        EventKind::Healed { recorded, presented } => format!(
            "The record was at generation {recorded} and the token is of generation {presented}: the store lost \
             writes, and the token is adopted."
        ),
        EventKind::AccessTokenRevoked => "One access token was revoked.".to_owned(),
        EventKind::GrantRevoked(reason) => format!("The grant and all its tokens are revoked: {}.", reason.as_str()),
        EventKind::Refused(refusal) => format!("Refused: {refusal}."),
        EventKind::Contended => "Other writers won every race: the client tries again.".to_owned(),
        EventKind::Unavailable => "The store does not answer: 503, never invalid_grant. No session ends.".to_owned(),
        EventKind::WriteConfirmed => "A write without acknowledgement was found stored.".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}
