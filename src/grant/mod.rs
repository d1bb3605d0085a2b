//! The grant: one record per authorization, read and written whole.
//!
//! Code redemption, rotation, replay, the reaction to reuse and cascading revocation are each one conditional write of
//! this record. That is the shape which every engine gives atomically: a mutex, one SQL row, one slot of a cluster.

pub(crate) mod approval;
mod codec;
mod summary;
mod transition;

pub use crate::vocabulary::{Confirmation, ExtensionUri};
pub use approval::Actor;
pub(crate) use approval::Approval;
pub use codec::CorruptRecord;
pub use summary::{GrantSummary, RevocationReason};
pub(crate) use transition::{Rotation, earlier, end_of};

use std::collections::VecDeque;
use std::time::Duration;

use crate::token::Salt;
use crate::vocabulary::{
    ClientId, CodeChallenge, Digest, GrantId, GrantType, KeyId, RedirectUri, Registration, Resources, Scope, Timestamp,
};

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
