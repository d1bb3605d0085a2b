use tracing::{Level, debug, error, info, warn};

use crate::grant::RevocationReason;
use crate::outcome::{Event, EventKind, EventSink, Refusal};

/// Writes each event to `tracing`, with the target `regrant`. Requires the feature `tracing`.
///
/// | level | events |
/// |---|---|
/// | debug | success |
/// | info | refusals, and conflicts that resolved themselves |
/// | warn | signs of theft or of lost writes |
/// | error | failures that need an operator |
///
/// Fields: `operation`, `kind`, `cause`; `generation` and `steps` of a rotation, a heal and a replay; `port`,
/// `transient` and `error` (with its sources) of a failure; `client_id`, `grant_id`, `subject`, `peer`, `realm`.
/// Unknown fields are omitted. No field contains a token or a secret.
///
/// ```
/// use regrant::event::TracingSink;
/// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
///
/// let keys = KeyRing::generate(&SystemEntropy);
/// let service =
///     TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).events(TracingSink).build()?;
/// # Ok::<(), regrant::policy::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    fn record(&self, event: &Event<'_>) {
        let (generation, steps) = match event.kind {
            EventKind::Rotated { generation } | EventKind::Healed { presented: generation, .. } => {
                (Some(generation), None)
            }
            EventKind::Replayed { steps, .. } => (None, Some(steps)),
            _ => (None, None),
        };
        macro_rules! write {
            ($level:ident) => {
                $level!(
                    target: "regrant",
                    operation = event.operation.as_str(),
                    kind = event.kind.as_str(),
                    cause = event.kind.cause(),
                    generation,
                    steps,
                    port = event.failure.map(|failure| failure.port.as_str()),
                    transient = event.failure.map(|failure| failure.is_transient),
                    error = event.failure.map(tracing::field::display),
                    client_id = event.client_id.map(|client_id| client_id.as_str()),
                    grant_id = event.grant_id.map(tracing::field::display),
                    subject = event.subject.map(|subject| subject.as_str()),
                    peer = event.peer.map(|peer| peer.as_str()),
                    realm = event.realm.as_str(),
                    "{}",
                    event.kind.as_str()
                )
            };
        }
        match level(event.kind) {
            Level::ERROR => write!(error),
            Level::WARN => write!(warn),
            Level::INFO => write!(info),
            _ => write!(debug),
        }
    }
}

/// Returns the level: errors are failures, warnings are suspected theft and lost writes, debug is success.
const fn level(kind: EventKind) -> Level {
    match kind {
        // Two nodes have different keys under one key id, or a record is damaged.
        EventKind::Refused(Refusal::SuccessorMismatch)
        | EventKind::Unavailable
        | EventKind::Rejected
        | EventKind::RecordCorrupt
        | EventKind::PolicyInvalid => Level::ERROR,
        // A bound token without its key may be stolen. A token without the root of its grant needs a leaked key
        // of the ring. A token ahead of its record means a lost write.
        EventKind::Refused(Refusal::ProofOfPossessionFailed | Refusal::RootMismatch | Refusal::RefreshTokenAhead)
        | EventKind::ReuseDetected { .. }
        | EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse | RevocationReason::CodeReuse)
        | EventKind::Healed { .. } => Level::WARN,
        EventKind::Contended
        | EventKind::RateLimited
        | EventKind::WriteConfirmed
        | EventKind::ClientRegistered
        | EventKind::Malformed(_)
        | EventKind::Refused(_)
        | EventKind::GrantRevoked(_)
        | EventKind::Replayed { steps: 2.., .. } => Level::INFO,
        EventKind::RequestPushed
        | EventKind::CodeIssued
        | EventKind::Issued
        | EventKind::DeviceCodeIssued
        | EventKind::DeviceDecided { .. }
        | EventKind::Redeemed
        | EventKind::Rotated { .. }
        | EventKind::Refreshed
        | EventKind::Replayed { .. }
        | EventKind::AccessTokenRevoked => Level::DEBUG,
    }
}
