//! The grant: one record per authorization, read and written whole.
//!
//! Code redemption, rotation, replay, the reaction to reuse and cascading revocation are each one conditional write of
//! this record. That is the shape which every engine gives atomically: a mutex, one SQL row, one slot of a cluster.

mod claims;
mod codec;
mod transition;

pub use codec::CorruptRecord;
pub(crate) use transition::{Rotation, earlier, end_of};

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::grant_id::GrantId;
use crate::grant_type::GrantType;
use crate::key_id::KeyId;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::token::Salt;
use crate::vocabulary::{ClientId, RedirectUri, Registration, Subject};

/// Everything the library knows of one authorization. Stores move its [`encode`](Self::encode)d bytes; only the engine
/// reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) id: GrantId,
    pub(crate) client_id: ClientId,
    pub(crate) registration: Registration,
    pub(crate) grant_type: GrantType,
    pub(crate) approval: Approval,
    /// The first generation of refresh tokens that [`Approval::confirmation`] binds: 0 when it was set at issue.
    pub(crate) bound_from: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// The absolute end, when the policy had one at creation.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) phase: Phase,
    /// The current refresh token; absent when the grant has none.
    pub(crate) head: Option<Head>,
    /// The last rotations, oldest first, at most [`MAX_RECENT`](transition::MAX_RECENT): one entry for each generation
    /// before the head's, without a gap.
    pub(crate) recent: VecDeque<Retired>,
    /// Live access tokens, oldest first.
    pub(crate) access: VecDeque<LiveAccessToken>,
    /// Drawn anew for each write, so that no two writes of a record are equal: a writer that meets a record knows its
    /// own.
    pub(crate) write_id: [u8; 4],
}

/// What was approved, by whom, and how they were authenticated: the same for the whole life of a grant.
///
/// ```
/// use regrant::{Approval, Scope, Subject};
///
/// let approval = Approval::of(Subject::new("demo")?).with_scope(Scope::new("read write")?);
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// The resource owner; absent when the client acts for itself.
    pub subject: Option<Subject>,
    /// What was consented to. It never shrinks and never grows.
    pub scope: Scope,
    /// The resources consented to (RFC 8707).
    pub resources: Resources,
    /// The key that whoever presents a code or refresh token must prove to possess. A host may set it, for any client.
    /// For a public client the first key that it shows when tokens are issued or rotated does (RFC 9449 section 5): it
    /// binds the refresh tokens issued from then on.
    pub confirmation: Option<Confirmation>,
    /// When the resource owner was authenticated (OpenID Connect `auth_time`).
    pub auth_time: Option<Timestamp>,
    /// How well (OpenID Connect `acr`).
    pub acr: Option<String>,
    /// By which methods (OpenID Connect `amr`).
    pub amr: Vec<String>,
    /// The `nonce` of the authentication request.
    pub nonce: Option<String>,
    /// The session at the authorization server in which it was approved (`sid` of an `id_token`).
    pub session_id: Option<String>,
    /// Who acts for the resource owner (`act`, RFC 8693 section 4.1); token exchange records it.
    pub actor: Option<Actor>,
    /// Who may become the actor by token exchange (`may_act`, RFC 8693 section 4.4); absent says nothing.
    pub may_act: Option<Subject>,
    /// Bytes of the host's own, carried along unread. Keep them few: they are read and written with every request.
    pub data: Vec<u8>,
}

impl Approval {
    /// The approval of a resource owner, of nothing yet.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Sets the scope consented to.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the resources consented to.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the key that holders must prove to possess.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }

    /// Sets when, how well and by which methods the resource owner was authenticated.
    #[must_use]
    pub fn with_authentication(mut self, auth_time: Timestamp, acr: Option<String>, amr: Vec<String>) -> Self {
        self.auth_time = Some(auth_time);
        self.acr = acr;
        self.amr = amr;
        self
    }

    /// Sets the nonce of the authentication request.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<String>) -> Self {
        self.nonce = nonce;
        self
    }

    /// Sets the session in which it was approved.
    #[must_use]
    pub fn with_session_id(mut self, session_id: Option<String>) -> Self {
        self.session_id = session_id;
        self
    }

    /// Sets who acts for the resource owner.
    #[must_use]
    pub fn with_actor(mut self, actor: Option<Actor>) -> Self {
        self.actor = actor;
        self
    }

    /// Sets who may become the actor.
    #[must_use]
    pub fn with_may_act(mut self, may_act: Option<Subject>) -> Self {
        self.may_act = may_act;
        self
    }

    /// Sets the host's own bytes.
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }
}

/// Who acts for a resource owner, and for whom in turn that one acts (`act`, RFC 8693 section 4.1): the current actor
/// outermost, the first one innermost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    /// The actor: a resource owner, or a client by its id.
    pub subject: Subject,
    /// Who acted before.
    pub former: Option<Box<Self>>,
}

impl Actor {
    /// How long a chain may be. Each exchange adds one, and the whole chain is written into every token.
    pub(crate) const MAX_CHAIN: usize = 8;

    /// `subject` acting after `former`.
    #[must_use]
    pub fn new(subject: Subject, former: Option<Self>) -> Self {
        Self { subject, former: former.map(Box::new) }
    }

    /// The actors from the current one to the first.
    pub fn chain(&self) -> impl Iterator<Item = &Subject> {
        std::iter::successors(Some(self), |actor| actor.former.as_deref()).map(|actor| &actor.subject)
    }
}

/// The key to which tokens are bound (`cnf`, RFC 7800).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Confirmation {
    /// SHA-256 thumbprint of a DPoP key (`jkt`, RFC 9449 section 6).
    DpopKey([u8; 32]),
    /// SHA-256 thumbprint of a client certificate (`x5t#S256`, RFC 8705 section 3.1).
    Certificate([u8; 32]),
}

/// Where a grant is in its life. `Revoked` is final: no later write leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A device waits for its user to decide.
    AwaitingApproval(PendingDevice),
    /// A code was minted and not yet shown.
    AwaitingRedemption(PendingCode),
    /// Tokens are out. `redeemed` remembers a code that could still be shown a second time.
    Active { redeemed: Option<RedeemedCode> },
    /// Nothing of it is valid any more. The record stays until the grant would have ended: a write of before that is
    /// delivered late meets it, and does not make the grant anew.
    Revoked { at: Timestamp, reason: RevocationReason, until: Timestamp },
}

/// An authorization code before its use, and what its redeemer must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingCode {
    pub(crate) digest: Digest,
    pub(crate) redirect_uri: Option<RedirectUri>,
    pub(crate) challenge: Option<CodeChallenge>,
    /// The key that the redeemer must show (`dpop_jkt`, RFC 9449 section 10).
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) expires_at: Timestamp,
}

/// A device authorization (RFC 8628): what the device asked for, until it is told what its user decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingDevice {
    pub(crate) digest: Digest,
    pub(crate) expires_at: Timestamp,
    /// How long the device must wait between two polls; it grows with each one that comes too early.
    pub(crate) interval: Duration,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) verdict: Verdict,
}

/// What the user of a device decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Undecided,
    /// The grant that waits for the device.
    Approved(GrantId),
    Denied,
}

/// An authorization code after its use: one digest over code, redirect URI, challenge and key, enough to tell whether a second
/// presenter holds them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedeemedCode {
    pub(crate) possession: Digest,
    pub(crate) expires_at: Timestamp,
}

/// The current refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Digest of the [`Root`](crate::token::Root) that every refresh token of the grant carries.
    pub(crate) root: Digest,
    pub(crate) generation: u32,
    pub(crate) digest: Digest,
    pub(crate) issued_at: Timestamp,
    /// The last refresh that did not rotate it, if there was one.
    pub(crate) used_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A former head: enough to derive its successor from the token itself, which only its holder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retired {
    /// The beginning of the token's digest: tells a fork from a damaged record.
    pub(crate) mark: [u8; 8],
    pub(crate) salt: Salt,
    /// The key of the rotation. Rotating the ring must not change the successor.
    pub(crate) key_id: u8,
    pub(crate) retired_at: Timestamp,
    pub(crate) replays: u32,
}

/// An access token that has neither expired nor been revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveAccessToken {
    /// Random. A count would begin anew when the store loses writes, and an access token derived once more from one rotation
    /// would be one that somebody holds already, perhaps with less scope.
    pub(crate) serial: u32,
    pub(crate) digest: Digest,
    /// `None` is the whole scope of the grant; so for `resources`.
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Option<Resources>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The generation of the refresh token that it was derived from, if it was.
    pub(crate) parent: Option<u32>,
    /// The key that it is bound to.
    pub(crate) confirmation: Option<Confirmation>,
    /// The key that signs it, if it is a JWT.
    pub(crate) signing_key: Option<KeyId>,
}

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// The client asked for it (RFC 7009).
    ClientRequest,
    /// The host asked for it: an administrator, a sign-out, a changed password.
    HostRequest,
    /// A spent refresh token was presented again (RFC 9700 section 4.14.2).
    RefreshTokenReuse,
    /// An authorization code was redeemed a second time (RFC 6749 section 4.1.2).
    CodeReuse,
}

impl RevocationReason {
    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequest => "client_request",
            Self::HostRequest => "host_request",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::CodeReuse => "code_reuse",
        }
    }
}

/// A grant as its resource owner or client may see it listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantSummary {
    /// Its handle, for [`TokenService::revoke_grant`](crate::TokenService::revoke_grant). Not a secret, but not for
    /// clients or resource servers either.
    pub id: GrantId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The flow that created it.
    pub grant_type: GrantType,
    /// What was approved.
    pub approval: Approval,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last refreshed or redeemed.
    pub last_used_at: Timestamp,
    /// When the last of it dies if nobody refreshes it; `None` is never.
    pub expires_at: Option<Timestamp>,
}
