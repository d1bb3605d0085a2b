//! What happened, for the host's audit log and counters. Nothing in it is secret.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::grant::RevocationReason;
use crate::grant_id::GrantId;
use crate::refusal::Refusal;
use crate::vocabulary::{ClientId, Realm, Subject};

/// One outcome, or a fact on the way to it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind,
    /// During which call.
    pub operation: Operation,
    /// When, by the service's clock.
    pub at: Timestamp,
    /// In which realm.
    pub realm: &'a Realm,
    /// By which client, as far as known.
    pub client_id: Option<&'a ClientId>,
    /// To which grant, as far as known. The family id of an audit trail.
    pub grant_id: Option<GrantId>,
    /// For which resource owner, as far as known.
    pub subject: Option<&'a Subject>,
}

/// The calls of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of TokenService that has its name")]
pub enum Operation {
    Authenticate,
    Authorize,
    Issue,
    AuthorizeDevice,
    DecideDevice,
    Redeem,
    Poll,
    Refresh,
    Exchange,
    Introspect,
    Revoke,
    RevokeGrant,
    Grants,
    PurgeExpired,
}

impl Operation {
    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Authorize => "authorize",
            Self::Issue => "issue",
            Self::AuthorizeDevice => "authorize_device",
            Self::DecideDevice => "decide_device",
            Self::Redeem => "redeem",
            Self::Poll => "poll",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::RevokeGrant => "revoke_grant",
            Self::Grants => "grants",
            Self::PurgeExpired => "purge_expired",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// An authorization code was minted.
    CodeIssued,
    /// First tokens were issued for an approved grant.
    Issued,
    /// A device asked to be authorized.
    DeviceCodeIssued,
    /// The user of a device decided.
    DeviceDecided {
        /// Whether for the device.
        approved: bool,
    },
    /// A code, or a device code, was exchanged for tokens.
    Redeemed,
    /// A refresh token was rotated.
    Rotated {
        /// The generation of the new one.
        generation: u32,
    },
    /// A refresh without rotation.
    Refreshed,
    /// A retired refresh token was answered with the current one.
    Replayed {
        /// Why the client presented it again.
        cause: ReplayCause,
        /// By how many rotations it was behind.
        steps: u32,
    },
    /// A spent or forked refresh token was presented by its rightful client.
    ReuseDetected {
        /// [`Refusal::RefreshTokenReused`] or [`Refusal::RefreshTokenForked`].
        cause: Refusal,
        /// Whether the policy revoked the grant for it.
        revoked: bool,
    },
    /// The store had lost acknowledged writes; the record was brought forward to the token.
    Healed {
        /// The generation that the record knew.
        recorded: u32,
        /// The generation of the token.
        presented: u32,
    },
    /// One access token was revoked.
    AccessTokenRevoked,
    /// The grant was revoked with all its tokens.
    GrantRevoked(RevocationReason),
    /// The request was refused.
    Refused(Refusal),
    /// Conflicting writes outlasted the attempts; the caller was told to try again.
    Contended,
    /// The store, the authenticator or the gate failed; the caller was told to try again.
    Unavailable,
    /// A record cannot be read.
    RecordCorrupt,
    /// A write whose outcome was unknown turned out, on reading back, to have been applied.
    WriteConfirmed,
}

/// Why a retired refresh token came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayCause {
    /// The answer to the first request did not arrive.
    LostResponse,
    /// Another request with the same token won a race against this one, or another process with the same credential has
    /// refreshed since.
    Concurrent,
}

impl EventKind {
    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeIssued => "code_issued",
            Self::DeviceCodeIssued => "device_code_issued",
            Self::DeviceDecided { .. } => "device_decided",
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
            Self::Rotated { .. } => "rotated",
            Self::Refreshed => "refreshed",
            Self::Replayed { .. } => "replayed",
            Self::ReuseDetected { .. } => "reuse_detected",
            Self::Healed { .. } => "healed",
            Self::AccessTokenRevoked => "access_token_revoked",
            Self::GrantRevoked(_) => "grant_revoked",
            Self::Refused(_) => "refused",
            Self::Contended => "contended",
            Self::Unavailable => "unavailable",
            Self::RecordCorrupt => "record_corrupt",
            Self::WriteConfirmed => "write_confirmed",
        }
    }
}

/// Where events go.
///
/// # Contract
/// `record` is called in the middle of a request, after the write it speaks of: it must be quick, must not block and must
/// not panic. Queue what takes longer.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use regrant::{Event, EventKind, EventSink};
///
/// /// The two counters to watch: retries that were answered, and reuses that were punished.
/// #[derive(Default)]
/// struct Watch {
///     replays: AtomicU64,
///     reuses: AtomicU64,
/// }
///
/// impl EventSink for Watch {
///     fn record(&self, event: &Event<'_>) {
///         match event.kind {
///             EventKind::Replayed { .. } => self.replays.fetch_add(1, Ordering::Relaxed),
///             EventKind::ReuseDetected { .. } => self.reuses.fetch_add(1, Ordering::Relaxed),
///             _ => 0,
///         };
///     }
/// }
/// ```
pub trait EventSink: Send + Sync {
    /// Takes note of `event`.
    fn record(&self, event: &Event<'_>);
}

impl<T: EventSink + ?Sized> EventSink for Arc<T> {
    fn record(&self, event: &Event<'_>) {
        (**self).record(event);
    }
}

/// Takes note of nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn record(&self, _event: &Event<'_>) {}
}
