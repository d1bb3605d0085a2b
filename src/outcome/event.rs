//! Events for the host's audit log and counters. They contain no secrets.
//!
//! An event borrows its fields, so emitting one allocates nothing. A sink that keeps it makes an [`OwnedEvent`].

use std::error::Error;
use std::fmt;
use std::iter::successors;

use crate::grant::RevocationReason;
use crate::outcome::{MalformedRequest, Refusal};
use crate::vocabulary::{ClientId, GrantId, Peer, Realm, Subject, Timestamp, forward_to_arc};

/// The outcome of a call, or a fact found during the call.
///
/// One call may emit several: a detected reuse is `reuse_detected`, `grant_revoked` and `refused`. Events of a write
/// come after the write is stored, so an audit log never names a rotation that did not happen.
///
/// ```
/// use regrant::event::{Event, EventKind};
///
/// /// Decides whether an event belongs in the audit log of its user.
/// fn concerns_user(event: &Event<'_>) -> bool {
///     event.subject.is_some() && matches!(event.kind, EventKind::Redeemed | EventKind::GrantRevoked(_))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The kind of the event.
    pub kind: EventKind,
    /// The call of the service.
    pub operation: Operation,
    /// The time, by the clock of the service.
    pub at: Timestamp,
    /// The realm of the service.
    pub realm: &'a Realm,
    /// The client, if known. Always a registered one: an id that only a request claims might be a mistyped secret.
    pub client_id: Option<&'a ClientId>,
    /// The grant, if known. It connects the events of one session in an audit log.
    pub grant_id: Option<GrantId>,
    /// The resource owner, if known. Personal data in most deployments: keep audit logs accordingly.
    pub subject: Option<&'a Subject>,
    /// The sender of the request, if the host named it: [`Request::with_peer`](crate::wire::Request::with_peer) for
    /// the check of a credential, [`TokenService::for_peer`](crate::TokenService::for_peer) for every call. Personal
    /// data, as an address is.
    pub peer: Option<&'a Peer>,
    /// The failure behind a 5xx response, if a port failed.
    pub failure: Option<Failure<'a>>,
}

/// The failure of a port, for the host only. The client gets 500 or 503 and no details.
///
/// `Display` writes the error and its sources in one line, as in
/// `the store is unavailable: connection refused (os error 111)`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The port that failed.
    pub port: Port,
    /// True if the same request may succeed later without intervention. The response is then 503, otherwise 500.
    pub is_transient: bool,
    /// The error of the port. The port chose its text and its sources, so a port must not put a secret into them.
    pub error: &'a (dyn Error + 'static),
}

impl<'a> Failure<'a> {
    /// Returns the error and its sources, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
        chain(self.error)
    }
}

impl fmt::Display for Failure<'_> {
    /// Writes the error and its sources in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        self.chain().skip(1).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// Returns `error` and its sources, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
    successors(Some(error), |error| (*error).source())
}

/// The ports that can fail: the traits behind which the host does its I/O. The name in an event shows which system to
/// look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Port {
    /// [`TokenStore`](crate::store::TokenStore), [`GrantIndex`](crate::store::GrantIndex) or
    /// [`PurgeExpired`](crate::store::PurgeExpired).
    Store,
    /// [`ClientAuthenticator`](crate::authenticator::ClientAuthenticator). It failed, or it returned a client with a
    /// contradictory policy.
    Authenticator,
    /// [`SubjectGate`](crate::host::SubjectGate).
    SubjectGate,
    /// [`ProofVerifier`](crate::proof::ProofVerifier).
    ProofVerifier,
    /// [`JwtIssuer`](crate::jwt::JwtIssuer).
    JwtIssuer,
    /// [`GrantApprover`](crate::host::GrantApprover).
    GrantApprover,
    /// [`ClaimsSource`](crate::host::ClaimsSource). It failed, or it set a claim of the protocol.
    ClaimsSource,
    /// [`EndSession`](crate::wire::EndSession).
    EndSession,
    /// [`VerifyRequestObject`](crate::authenticator::VerifyRequestObject).
    RequestObjectVerifier,
    /// [`RateLimit`](crate::host::RateLimit).
    RateLimit,
}

impl Port {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Authenticator => "authenticator",
            Self::SubjectGate => "subject_gate",
            Self::ProofVerifier => "proof_verifier",
            Self::JwtIssuer => "jwt_issuer",
            Self::GrantApprover => "grant_approver",
            Self::ClaimsSource => "claims_source",
            Self::EndSession => "end_session",
            Self::RequestObjectVerifier => "request_object_verifier",
            Self::RateLimit => "rate_limit",
        }
    }
}

/// A call of the service: the method of [`TokenService`](crate::TokenService) with the same name. The last four are
/// requests that do not get as far as a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of TokenService with the same name")]
pub enum Operation {
    Authenticate,
    PushAuthorizationRequest,
    /// Also the reading of a pushed request.
    Authorize,
    Issue,
    AuthorizeDevice,
    DecideDevice,
    Redeem,
    Poll,
    Refresh,
    Exchange,
    Introspect,
    /// Also the explanation of a grant by its id. It reports failures, and no refusal.
    Inspect,
    UserInfo,
    Revoke,
    RevokeGrant,
    Grants,
    PurgeExpired,
    DeleteClient,
    /// A malformed request to the token endpoint. Its flow may be unknown.
    Token,
    /// A malformed request for the keys or the metadata.
    Publish,
    /// A request for a logout. The grants of the session are revoked by `RevokeGrant`.
    EndSession,
    /// A client that registers itself (RFC 7591).
    RegisterClient,
}

impl Operation {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::PushAuthorizationRequest => "push_authorization_request",
            Self::Authorize => "authorize",
            Self::Issue => "issue",
            Self::AuthorizeDevice => "authorize_device",
            Self::DecideDevice => "decide_device",
            Self::Redeem => "redeem",
            Self::Poll => "poll",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Introspect => "introspect",
            Self::Inspect => "inspect",
            Self::UserInfo => "user_info",
            Self::Revoke => "revoke",
            Self::RevokeGrant => "revoke_grant",
            Self::Grants => "grants",
            Self::PurgeExpired => "purge_expired",
            Self::DeleteClient => "delete_client",
            Self::Token => "token",
            Self::Publish => "publish",
            Self::EndSession => "end_session",
            Self::RegisterClient => "register_client",
        }
    }
}

/// The kind of an event.
///
/// | kind | meaning for an operator | do |
/// |---|---|---|
/// | `Issued`, `Redeemed`, `Rotated` and other successes | normal | nothing |
/// | `Replayed` | clients lose responses or refresh in parallel | watch its share of `Rotated` |
/// | `WriteConfirmed` | the store answers late or repeats writes | look at its latency |
/// | `Refused`, `Malformed` | normal, until one client or one cause has very many | look at the cause |
/// | `RateLimited` | somebody guesses, a client has a wrong secret, or strangers make clients | look at the peer |
/// | `ReuseDetected`, `GrantRevoked` by reuse | theft, or a faulty client | inform the user |
/// | `Healed` | the store lost acknowledged writes | look at its failover and durability |
/// | `Contended` | very many writers of one grant, or clocks more than 5 s apart | find the client, compare clocks |
/// | `Unavailable` | an outage that may end by itself | alert when it lasts |
/// | `Rejected`, `RecordCorrupt`, `PolicyInvalid` | nothing improves by itself | alert at once |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// An authorization request was pushed. No code exists yet.
    RequestPushed,
    /// An authorization code was issued. No token exists yet.
    CodeIssued,
    /// First tokens were issued for an approved grant.
    Issued,
    /// A device authorization was started.
    DeviceCodeIssued,
    /// The user of a device approved or denied.
    DeviceDecided {
        /// True if the user approved.
        approved: bool,
    },
    /// An authorization code or a device code was redeemed for tokens.
    Redeemed,
    /// A refresh token was rotated.
    Rotated {
        /// The generation of the new refresh token.
        generation: u32,
    },
    /// A refresh issued an access token without rotation.
    Refreshed,
    /// A retired refresh token was presented within grace. The response repeated the current one.
    Replayed {
        /// The reason for the replay.
        cause: ReplayCause,
        /// The number of rotations between the two.
        steps: u32,
    },
    /// A spent or forked refresh token was presented by its own client.
    ReuseDetected {
        /// [`Refusal::RefreshTokenReused`], [`Refusal::RefreshTokenForked`] or [`Refusal::ReplayLimitReached`].
        cause: Refusal,
        /// True if the policy revoked the grant.
        revoked: bool,
    },
    /// The store had lost acknowledged writes. The record was brought forward to the generation of the token.
    Healed {
        /// The generation in the record.
        recorded: u32,
        /// The generation of the presented token.
        presented: u32,
    },
    /// One access token was revoked.
    AccessTokenRevoked,
    /// The grant and all its tokens were revoked.
    GrantRevoked(RevocationReason),
    /// A client registered itself.
    ClientRegistered,
    /// The request was refused.
    Refused(Refusal),
    /// The [`RateLimit`](crate::host::RateLimit) of the host admitted no further attempt, and the credential was not
    /// checked. Or a limit of the registrations, or of the fetches of metadata documents, in a minute was reached. The
    /// client gets 429. The event names a client only after its authentication: a claim might be a mistyped secret.
    RateLimited,
    /// Every attempt met a conflicting write. The client gets 503 and tries again.
    Contended,
    /// A port failed and may recover. The client gets 503 and tries again.
    Unavailable,
    /// A port failed and will fail again until an operator repairs it. The client gets 500.
    Rejected,
    /// A record cannot be read: damaged, stored under a wrong key, or of a newer release. The client gets 500.
    RecordCorrupt,
    /// The policy of a client that was looked up at run time contradicts itself or the provider's policy. The client
    /// gets 500.
    PolicyInvalid,
    /// The request is malformed.
    Malformed(MalformedRequest),
    /// A write of unknown outcome, or one that conflicted with itself, was found to be stored. The call continues as if
    /// the store had acknowledged the write.
    WriteConfirmed,
}

/// The reason why a retired refresh token was presented again, as far as the service can know: a thief within the
/// window looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayCause {
    /// The response to the first request got lost.
    LostResponse,
    /// Another request with the same token won a race, or another process of the client has refreshed since.
    Concurrent,
}

impl ReplayCause {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LostResponse => "lost_response",
            Self::Concurrent => "concurrent",
        }
    }
}

impl EventKind {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestPushed => "request_pushed",
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
            Self::ClientRegistered => "client_registered",
            Self::Refused(_) => "refused",
            Self::RateLimited => "rate_limited",
            Self::Contended => "contended",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::RecordCorrupt => "record_corrupt",
            Self::PolicyInvalid => "policy_invalid",
            Self::Malformed(_) => "malformed",
            Self::WriteConfirmed => "write_confirmed",
        }
    }

    /// Returns the short name of the cause, for the kinds that have one.
    ///
    /// ```
    /// use regrant::Refusal;
    /// use regrant::event::EventKind;
    ///
    /// let kind = EventKind::Refused(Refusal::CodeExpired);
    /// assert_eq!((kind.as_str(), kind.cause()), ("refused", Some("code_expired")));
    /// assert_eq!(EventKind::Issued.cause(), None);
    /// ```
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

/// Receives events.
///
/// # Contract
/// `record` runs inside a request, after the write that it reports:
///
/// * **It is quick and does not block.** Its time adds to each request. Use a queue for slow work, and drop events when
///   the queue is full.
/// * **It does not panic.** The write is stored at this point, so the client would lose the response. A refresh can be
///   repeated, a redemption cannot.
/// * **It keeps what it needs.** The service does not repeat an event, so events are lost when the process ends.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use regrant::event::{Event, EventKind, EventSink};
///
/// /// The two counters to watch: answered retries, and detected reuse.
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
    /// Records `event`.
    fn record(&self, event: &Event<'_>);
}

forward_to_arc! {
    EventSink {
        fn record(&self, event: &Event<'_>);
    }
}

/// An [`Event`] that owns its data, for queues and other threads.
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
    pub peer: Option<Peer>,
    pub failure: Option<OwnedFailure>,
}

/// A [`Failure`] that owns its data. The errors themselves cannot be cloned, so their texts are kept.
///
/// ```
/// use regrant::event::OwnedFailure;
///
/// /// One line for an alert: `store: the store is unavailable: connection refused`.
/// fn line(failure: &OwnedFailure) -> String {
///     format!("{}: {}", failure.port.as_str(), failure.chain.join(": "))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedFailure {
    /// The port that failed.
    pub port: Port,
    /// True if the same request may succeed later.
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
            peer: event.peer.cloned(),
            failure: event.failure.map(|failure| OwnedFailure {
                port: failure.port,
                is_transient: failure.is_transient,
                chain: failure.chain().map(ToString::to_string).collect(),
            }),
        }
    }
}
