//! What happened, for the host's audit log and counters. Nothing in it is secret.

use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::sync::Arc;

use crate::grant::RevocationReason;
use crate::outcome::{MalformedRequest, Refusal};
use crate::vocabulary::{ClientId, GrantId, Realm, Subject, Timestamp};

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
    /// The failure behind a 5xx answer, if a port failed.
    pub failure: Option<Failure<'a>>,
}

/// The failure of a port. For the host alone: the client is told no more than 500 or 503.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The port that failed.
    pub port: Port,
    /// True when the same request may succeed later without anybody's doing: the answer was 503, otherwise 500.
    pub is_transient: bool,
    /// The error as the port gave it. Its text and its sources are the port's own.
    pub error: &'a (dyn Error + 'static),
}

impl<'a> Failure<'a> {
    /// The error and its sources, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
        chain(self.error)
    }
}

impl fmt::Display for Failure<'_> {
    /// The error and its sources in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        self.chain().skip(1).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// `error` and its sources, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
    successors(Some(error), |error| (*error).source())
}

/// The ports that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Port {
    /// [`TokenStore`](crate::store::TokenStore), [`GrantIndex`](crate::store::GrantIndex) or
    /// [`PurgeExpired`](crate::store::PurgeExpired).
    Store,
    /// [`ClientAuthenticator`](crate::authenticator::ClientAuthenticator): it failed, or a client that came from it has a policy that
    /// contradicts itself.
    Authenticator,
    /// [`SubjectGate`](crate::host::SubjectGate).
    SubjectGate,
    /// [`ProofVerifier`](crate::proof::ProofVerifier).
    ProofVerifier,
    /// [`JwtIssuer`](crate::jwt::JwtIssuer).
    JwtIssuer,
    /// [`GrantApprover`](crate::host::GrantApprover).
    GrantApprover,
}

impl Port {
    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Authenticator => "authenticator",
            Self::SubjectGate => "subject_gate",
            Self::ProofVerifier => "proof_verifier",
            Self::JwtIssuer => "jwt_issuer",
            Self::GrantApprover => "grant_approver",
        }
    }
}

/// The calls of the service: each is the method of [`TokenService`](crate::TokenService) that has its name, but for the
/// two at the end.
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
    /// A malformed request to the token endpoint: its flow may be unknown.
    Token,
    /// A malformed request for the keys or the metadata.
    Publish,
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
            Self::Token => "token",
            Self::Publish => "publish",
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
        /// [`Refusal::RefreshTokenReused`], [`Refusal::RefreshTokenForked`] or [`Refusal::ReplayLimitReached`].
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
    /// A port failed for now; the caller was told to try again.
    Unavailable,
    /// A port failed, and will fail again until somebody mends it.
    Rejected,
    /// A record cannot be read.
    RecordCorrupt,
    /// The policy of a client that was looked up at run time contradicts itself or the provider's. It is served
    /// nothing.
    PolicyInvalid,
    /// The form of the request is wrong.
    Malformed(MalformedRequest),
    /// A write whose outcome was unknown, or that was told as a conflict with itself, turned out to be stored.
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

impl ReplayCause {
    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LostResponse => "lost_response",
            Self::Concurrent => "concurrent",
        }
    }
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
            Self::Rejected => "rejected",
            Self::RecordCorrupt => "record_corrupt",
            Self::PolicyInvalid => "policy_invalid",
            Self::Malformed(_) => "malformed",
            Self::WriteConfirmed => "write_confirmed",
        }
    }

    /// The short name of the cause, for the kinds that have one.
    #[must_use]
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::Refused(cause) | Self::ReuseDetected { cause, .. } => Some(cause.as_str()),
            Self::Replayed { cause, .. } => Some(cause.as_str()),
            Self::GrantRevoked(reason) => Some(reason.as_str()),
            Self::Malformed(malformed) => Some(malformed.as_str()),
            _ => None,
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
/// use regrant::event::{Event, EventKind, EventSink};
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

/// An [`Event`] that owns what it tells, for queues and other threads.
///
/// ```
/// use std::sync::mpsc;
///
/// use regrant::event::{Event, EventSink, OwnedEvent};
///
/// struct Queue(mpsc::SyncSender<OwnedEvent>);
///
/// impl EventSink for Queue {
///     fn record(&self, event: &Event<'_>) {
///         let _ = self.0.try_send(event.into()); // a full queue must not hold the request
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields of Event")]
pub struct OwnedEvent {
    pub kind: EventKind,
    pub operation: Operation,
    pub at: Timestamp,
    pub realm: Realm,
    pub client_id: Option<ClientId>,
    pub grant_id: Option<GrantId>,
    pub subject: Option<Subject>,
    pub failure: Option<OwnedFailure>,
}

/// A [`Failure`] that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedFailure {
    /// The port that failed.
    pub port: Port,
    /// True when the same request may succeed later.
    pub is_transient: bool,
    /// The texts of the error and its sources, outermost first.
    pub chain: Vec<String>,
}

impl From<&Event<'_>> for OwnedEvent {
    fn from(event: &Event<'_>) -> Self {
        Self {
            kind: event.kind,
            operation: event.operation,
            at: event.at,
            realm: event.realm.clone(),
            client_id: event.client_id.cloned(),
            grant_id: event.grant_id,
            subject: event.subject.cloned(),
            failure: event.failure.map(|failure| OwnedFailure {
                port: failure.port,
                is_transient: failure.is_transient,
                chain: failure.chain().map(ToString::to_string).collect(),
            }),
        }
    }
}
