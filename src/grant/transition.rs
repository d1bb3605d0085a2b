//! Every change of a grant after its creation. Each leaves the grant consistent. None reads a clock: the time is an
//! argument, and so is the policy.
//!
//! Consistent means: `recent` holds the generations directly before the head without a gap, a revoked grant has no
//! access tokens, a bound grant keeps its key, and no phase follows `Revoked`.
//!
//! | transition | from | cause |
//! |---|---|---|
//! | `approved` | a device that waits | its user approved: a second grant is created |
//! | `decide`, `note_poll` | awaiting approval | the user answered; the device polled |
//! | `arrive`, `use_up` | awaiting authorization | the browser came; the user approved: a second grant is created |
//! | `redeem` | awaiting redemption | the code was presented |
//! | `start` | a grant without head | first tokens of a flow that may refresh |
//! | `rotate`, `use_head` | active | the head was presented |
//! | `count_replay` | active | a former head was answered |
//! | `adopt` | active | a token ahead of the record was presented |
//! | `bind` | unbound | a key was proven at issue or at a rotation |
//! | `add_access_token`, `revoke_access_token` | active | an issue; a revocation by the client |
//! | `revoke` | every phase but revoked | a client, the host, or reuse |
//! | `prune` | active | each refresh that issues a token |
//!
//! A transition changes the grant in memory. Whether the change is stored is the decision of the engine: a refusal
//! after a transition discards the grant.

use std::time::Duration;

use super::{
    Approval, Confirmation, Grant, Head, LiveAccessToken, PendingCode, Phase, Progress, RedeemedCode, Retired,
    RevocationReason, Verdict, earlier,
};
use crate::policy::Policy;
use crate::token::Salt;
use crate::vocabulary::{Digest, GrantId, KeyId, Timestamp};

/// The number of former heads that a record remembers: about 30 bytes each. A client with parallel processes is rarely
/// more than a few rotations behind, and a token that is further behind is spent.
pub(super) const MAX_RECENT: usize = 8;

/// The time for which the record of a revoked grant is kept for the audit trail when the grant would never have
/// expired.
const REVOKED_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// A new head, and the parts that are kept to repeat the rotation.
pub(crate) struct Rotation {
    /// Digest of the secret of the new head.
    pub(crate) digest: Digest,
    /// The expiry of the new head.
    pub(crate) expires_at: Option<Timestamp>,
    /// The random input of the derivation.
    pub(crate) salt: Salt,
    /// The key of the derivation.
    pub(crate) key_id: u8,
}

/// Creation, approval and redemption.
impl Grant {
    /// Replaces the id of a new grant. The record of a device has one that follows from its user code.
    pub(crate) const fn with_id(mut self, id: GrantId) -> Self {
        self.id = id;
        self
    }

    /// Creates the grant that the user of this device approved: of the same client, redeemed by the device code.
    pub(crate) fn approved(&self, id: GrantId, approval: Approval, code: PendingCode, now: Timestamp) -> Self {
        let phase = Phase::AwaitingRedemption(Box::new(code));
        Self { id, approval, created_at: now, phase, ..self.clone() }
    }

    /// Ends a new grant at `expires_at` if that is earlier than its own expiry. For token exchange: the new token must
    /// not outlive the token that it was exchanged for.
    pub(crate) fn shorten(&mut self, expires_at: Option<Timestamp>) {
        self.expires_at = earlier(self.expires_at, expires_at);
    }

    /// Records the decision of the user of a device. The engine has checked that there was none: a second decision must
    /// not replace the first.
    pub(crate) fn decide(&mut self, verdict: Verdict) {
        if let Phase::AwaitingApproval(device) = &mut self.phase {
            device.verdict = verdict;
        }
    }

    /// Records a poll of a device that waits, and the interval that it must keep from now on (RFC 8628 section 3.5).
    pub(crate) fn note_poll(&mut self, now: Timestamp, interval: Duration) {
        if let Phase::AwaitingApproval(device) = &mut self.phase {
            device.polled_at = Some(now);
            device.interval = interval;
        }
    }

    /// Records that the browser of the user has brought the `request_uri` of a pushed request, which expires at
    /// `expires_at` from now on. A second arrival changes nothing.
    pub(crate) fn arrive(&mut self, expires_at: Timestamp) {
        if let Phase::AwaitingAuthorization(request) = &mut self.phase
            && let Progress::Pushed(parameters) = &mut request.progress
        {
            request.progress = Progress::Arrived(std::mem::take(parameters));
            request.expires_at = expires_at;
        }
    }

    /// Uses up a pushed request. The record stays until its end without the parameters, so that the request is not
    /// used a second time.
    pub(crate) fn use_up(&mut self) {
        if let Phase::AwaitingAuthorization(request) = &mut self.phase {
            request.progress = Progress::Used;
        }
    }

    /// Activates the grant: its code was presented. `redeemed` is kept to recognize a second use of the code. The
    /// conditions of the redemption are dropped with the phase.
    pub(crate) fn redeem(&mut self, redeemed: Option<RedeemedCode>) {
        debug_assert!(matches!(self.phase, Phase::AwaitingRedemption(_)), "a code is redeemed once");
        self.phase = Phase::Active { redeemed };
    }

    /// Binds the refresh tokens of `generation` and later ones to the key of `confirmation`. A grant that is bound
    /// already keeps its key.
    pub(crate) fn bind(&mut self, generation: u32, confirmation: Option<Confirmation>) {
        if self.approval.confirmation.is_none() && confirmation.is_some() {
            self.approval.confirmation = confirmation;
            self.bound_from = generation;
        }
    }
}

/// Refresh tokens.
impl Grant {
    /// Gives the grant its first refresh token, of generation 0. `root` stays the same for all later generations.
    pub(crate) fn start(&mut self, root: Digest, token: Digest, now: Timestamp, expires_at: Option<Timestamp>) {
        self.head = Some(Head { root, generation: 0, digest: token, issued_at: now, used_at: None, expires_at });
    }

    /// Replaces the head by its successor and remembers the rotation. The record holds no secret of either: a replay
    /// derives the successor from the former token, which its client presents.
    ///
    /// The generation saturates. The engine refuses a grant that has reached the maximum before it calls this.
    pub(crate) fn rotate(&mut self, rotation: &Rotation, now: Timestamp) {
        let Some(head) = &mut self.head else { return };
        self.recent.push(Retired {
            mark: head.digest.mark(),
            salt: rotation.salt,
            key_id: rotation.key_id,
            retired_at: now,
            replays: 0,
        });
        *head = Head {
            root: head.root,
            generation: head.generation.saturating_add(1),
            digest: rotation.digest,
            issued_at: now,
            used_at: None,
            expires_at: rotation.expires_at,
        };
    }

    /// Makes a refresh token that is ahead of the record the head. The store lost the writes in between, and with them
    /// everything that the record could know of the token's predecessors.
    ///
    /// `recent` is cleared because its entries would no longer adjoin the head, and
    /// [`rotations_from`](Self::rotations_from) counts positions. A predecessor that comes back is therefore spent.
    pub(crate) fn adopt(&mut self, generation: u32, digest: Digest, now: Timestamp, expires_at: Option<Timestamp>) {
        self.recent.clear();
        if let Some(head) = &mut self.head {
            *head = Head { root: head.root, generation, digest, issued_at: now, used_at: None, expires_at };
        }
    }

    /// Counts one more replay of the former head of `generation`. Saturates, so that no number of replays resets the
    /// limit of the policy.
    pub(crate) fn count_replay(&mut self, generation: u32) {
        let remembered = self.rotations_from(generation).map_or(0, |rotations| rotations.len());
        if let Some(retired) = self.recent.iter_mut().rev().take(remembered).last() {
            retired.replays = retired.replays.saturating_add(1);
        }
    }

    /// Records a use of the head that did not rotate it. From then on its predecessor needs no retry.
    pub(crate) fn use_head(&mut self, now: Timestamp, policy: &Policy) {
        let extended = self.expiry_of(now, policy.refresh_token_lifetime, policy);
        if let Some(head) = &mut self.head {
            head.used_at = Some(now);
            if policy.extend_on_use {
                head.expires_at = extended;
            }
        }
    }
}

/// Access tokens.
impl Grant {
    /// Adds an access token, which is a use of the grant. The oldest tokens are dropped when there are more than
    /// `limit`, which bounds the record: a client that refreshes in a loop revokes its own oldest tokens.
    pub(crate) fn add_access_token(&mut self, token: LiveAccessToken, limit: u16) {
        let excess = (self.access_tokens.len() + 1).saturating_sub(usize::from(limit.max(1)));
        self.access_tokens.drain(..excess);
        self.last_used_at = token.issued_at;
        self.access_tokens.push(token);
    }

    /// Revokes one access token; false when the record holds no such token. The last token of a grant without refresh
    /// token ends the grant, so that its record stays and a late write cannot create it again.
    pub(crate) fn revoke_access_token(&mut self, serial: u32, digest: Digest, now: Timestamp) -> bool {
        let is_it = |token: &LiveAccessToken| token.serial == serial && token.digest == digest;
        let Some(index) = self.access_tokens.iter().position(is_it) else { return false };
        if self.head.is_none() && self.access_tokens.len() == 1 {
            self.revoke(now, RevocationReason::ClientRequest);
        } else {
            self.access_tokens.remove(index);
        }
        true
    }

    /// Drops all access tokens, for a policy under which a refresh revokes the earlier ones (`previous_access_token`).
    pub(crate) fn drop_access_tokens(&mut self) {
        self.access_tokens.clear();
    }

    /// Drops the access tokens whose signing key is no longer held. Opaque ones stay. A key is withdrawn when it
    /// leaked: no resource server accepts its tokens any more, and a replay cannot repeat them.
    pub(crate) fn drop_access_tokens_unless(&mut self, is_held: impl Fn(&KeyId) -> bool) {
        self.access_tokens.retain(|token| token.signing_key.as_ref().is_none_or(&is_held));
    }
}

/// The end of the grant, and every write.
impl Grant {
    /// Ends the grant with all its tokens. A second revocation changes nothing: the first reason and time stay.
    ///
    /// The record stays. Deleting it would let a delayed write with
    /// [`Expect::Absent`](crate::store::Expect::Absent) create the grant again.
    pub(crate) fn revoke(&mut self, at: Timestamp, reason: RevocationReason) {
        if matches!(self.phase, Phase::Revoked { .. }) {
            return;
        }
        let until = self.deletable_from().unwrap_or(at + REVOKED_RETENTION);
        self.phase = Phase::Revoked { at, reason, until };
        self.recent.clear();
        self.access_tokens.clear();
    }

    /// Drops everything that can no longer affect an answer. Done whenever a refresh issues a token, so that a record
    /// is as small after 100 000 rotations as after one.
    pub(crate) fn prune(&mut self, now: Timestamp, policy: &Policy) {
        self.access_tokens.retain(|token| now < token.expires_at);
        // The direct predecessor stays: its retry may come late. Others are answered within the catch-up window only.
        let is_out_of_reach =
            |retired: &Retired| now.since(retired.retired_at).is_some_and(|age| age >= policy.walk_window());
        let excess = self.recent.len().saturating_sub(MAX_RECENT);
        let late = self.recent.iter().skip(excess).take_while(|retired| is_out_of_reach(retired)).count();
        self.recent.drain(..(excess + late).min(self.recent.len().saturating_sub(1)));
        if let Phase::Active { redeemed } = &mut self.phase {
            redeemed.take_if(|code| code.expires_at <= now);
        }
    }

    /// Marks the record for one write, so that its writer can recognize it. The last step before encoding.
    pub(crate) const fn mark_write(&mut self, write_id: [u8; 4]) {
        self.write_id = write_id;
    }
}
