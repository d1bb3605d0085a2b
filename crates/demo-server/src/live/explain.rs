//! Events in words, with the check of ARCHITECTURE.md that decided.

use regrant::event::{Event, EventKind};
use serde_json::{Value, json};

use crate::check::Check;
use crate::counted;

/// Returns an event for the page.
pub(super) fn event(event: &Event<'_>) -> Value {
    json!({
        "at": event.at.to_string(),
        "operation": event.operation.as_str(),
        "kind": event.kind.as_str(),
        "cause": event.kind.cause(),
        "text": words(event.kind),
        "check": Check::of_event(event.kind).to_json(),
    })
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
        EventKind::Replayed { steps, .. } => {
            let steps = counted(steps, "rotation");
            format!(
                "A former token was shown in its window, {steps} behind: the answer is the head again, byte for byte."
            )
        }
        EventKind::ReuseDetected { revoked, .. } => format!(
            "A spent token was shown: two parties hold tokens of this grant, and one may be a thief. {}",
            if revoked { "The grant ends." } else { "The policy lets the grant live." }
        ),
        EventKind::Healed { recorded, presented } => format!(
            "The record was at generation {recorded} and the token is of generation {presented}: the store lost \
             writes, and the token is adopted."
        ),
        EventKind::AccessTokenRevoked => "One access token was revoked.".to_owned(),
        EventKind::GrantRevoked(_) => "The grant and all its tokens are revoked.".to_owned(),
        EventKind::Refused(refusal) => format!("Refused: {refusal}."),
        EventKind::Contended => "Other writers won every race: the client tries again.".to_owned(),
        EventKind::Unavailable => "The store does not answer: 503, never invalid_grant. No session ends.".to_owned(),
        EventKind::WriteConfirmed => "A write without acknowledgement was found stored.".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}
