use tracing::{debug, error, info, warn};

use crate::event::{Event, EventKind, EventSink};
use crate::grant::RevocationReason;

/// Writes each event to `tracing`, target `regrant`: what goes well at debug, refusals and what heals itself at info,
/// theft at warn, what an operator must look at at error.
///
/// Fields: `operation`, `kind`, `client_id`, `grant_id`, `subject`, `realm`. No token and no secret is ever among them.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    fn record(&self, event: &Event<'_>) {
        macro_rules! write {
            ($level:ident) => {
                $level!(
                    target: "regrant",
                    operation = event.operation.as_str(),
                    kind = ?event.kind,
                    client_id = event.client_id.map(|client_id| client_id.as_str()),
                    grant_id = event.grant_id.map(tracing::field::display),
                    subject = event.subject.map(|subject| subject.as_str()),
                    realm = event.realm.as_str(),
                    "{}",
                    event.kind.as_str()
                )
            };
        }
        match event.kind {
            EventKind::RecordCorrupt | EventKind::Unavailable => write!(error),
            EventKind::ReuseDetected { .. } | EventKind::GrantRevoked(RevocationReason::CodeReuse) => write!(warn),
            EventKind::Healed { .. }
            | EventKind::Contended
            | EventKind::WriteConfirmed
            | EventKind::Refused(_)
            | EventKind::GrantRevoked(_) => write!(info),
            _ => write!(debug),
        }
    }
}
