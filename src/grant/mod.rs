//! The grant: one record for each authorization, read and written as a whole.
//!
//! | to | use |
//! |---|---|
//! | describe the consent of a resource owner | [`Approval`] |
//! | read or build a delegation chain (`act`) | [`Actor`] |
//! | show a "my sessions" page | [`GrantSummary`] |
//! | learn why a grant ended | [`RevocationReason`] |
//! | check stored records, for example after a restore | [`Grant::decode`] |
//!
//! # One record
//!
//! A grant is one client, one resource owner and one consent. Redemption of a code, rotation, replay, the reaction to
//! reuse and revocation are each one conditional write of this record. Every store can do that atomically: a mutex, one
//! row in SQL, one slot of a cluster. A design with one row for each token needs a transaction instead, and a failure
//! in between leaves a token without its family.
//!
//! | part | content | changes |
//! |---|---|---|
//! | identity | grant id, client id, registration, flow, time of creation | never |
//! | approval | subject, scope, resources, details, authentication, data of the host | the key only, once |
//! | expiry | the absolute end of the grant | never |
//! | phase | awaiting approval, authorization or redemption; active; revoked | forwards only |
//! | head | digests, generation and times of the current refresh token | with each rotation |
//! | recent | marks and salts of the last 8 rotations at most | with each rotation |
//! | access tokens | digests of those that are alive | with each issue, expiry and revocation |
//! | write id | 4 random bytes | with each write |
//!
//! The record does not grow with the number of rotations: entries that no policy can use any more are dropped.
//!
//! # Life
//!
//! A grant passes through these phases:
//!
//! ```text
//!   authorization code        flow without code      device, until its user decides
//!           |                        |                            |
//!           v                        v                            v
//!   AwaitingRedemption --redeem--> Active                 AwaitingApproval --approve--> another grant,
//!                                                                                       AwaitingRedemption
//!   pushed authorization request
//!           |
//!           v
//!   AwaitingAuthorization --approve--> another grant, AwaitingRedemption
//!
//!   every phase --revoke--> Revoked, which is final
//! ```
//!
//! A grant ends in one of two ways. It is revoked, for one of the reasons of [`RevocationReason`]. Or it expires: its
//! last token expires without a refresh, or the `grant_lifetime` of the [`Policy`] has passed since its
//! creation. [`TokenService::purge_expired`](crate::TokenService::purge_expired) then deletes the record.
//!
//! # Refresh tokens
//!
//! Refresh tokens form a chain of generations. The record holds the digest of the head, and a salt for each of the last
//! former heads. From the salt, the key ring and the former token itself the service can derive the successor again.
//! A client that lost a response therefore gets the same token again, although the record holds no token.
//!
//! ```text
//!   generation   5            6    7    8    9
//!                forgotten    recent         head
//! ```
//!
//! A forgotten generation needs no entry: a genuine token of a generation before the recent ones is spent, and counts
//! as reuse.
//!
//! Code outside this module reads a grant through its methods. Every change is a named transition in `transition.rs`.

pub(crate) mod approval;
mod codec;
mod expiry;
mod summary;
mod transition;

pub use crate::vocabulary::{Confirmation, ExtensionUri};
pub use approval::Actor;
pub(crate) use approval::Approval;
pub use codec::CorruptRecord;
pub(crate) use codec::Known;
pub(crate) use expiry::{Remaining, earlier};
pub use summary::{GrantSummary, RevocationReason};
pub(crate) use transition::Rotation;

use std::time::Duration;

use smallvec::SmallVec;

use crate::client::Client;
use crate::policy::Policy;
use crate::token::{Binding, Salt};
use crate::vocabulary::{
    AuthorizationDetails, ClientId, CodeChallenge, Digest, GrantId, GrantType, KeyId, RedirectUri, Registration,
    Resources, Scope, Timestamp,
};

/// All state of one authorization. A store keeps its [`encode`](Self::encode)d bytes and does not look into them.
///
/// A grant holds no secret. It has digests of tokens, from which no token can be computed, and salts, which are useless
/// without the key ring and a former token. A copy of the database therefore gives its thief no access.
///
/// An application rarely needs this type: [`TokenService::grants`](crate::TokenService::grants) lists grants. It can be
/// used to check that a stored record is readable, for example after a restore or before a downgrade:
///
/// ```
/// use regrant::GrantId;
/// use regrant::grant::Grant;
///
/// let id: GrantId = "AAAAAAAAAAAAAAAAAAAAAA".parse()?;
/// let error = Grant::decode(id, b"no record").unwrap_err();
/// assert_eq!(error.to_string(), "the grant record is unreadable: its version is not known to this release");
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The key of the record. Every token of the grant carries it, sealed.
    id: GrantId,
    /// The client that the resource owner approved. Tokens that another client presents are refused.
    client_id: ClientId,
    /// The registration of the client. It keeps a new client under an old id from the grants of its predecessor.
    registration: Registration,
    /// The flow that created the grant. Its policy governs every refresh, not the policy of `refresh_token`.
    grant_type: GrantType,
    /// The consent. Scope and resources are the upper bound of every token of the grant.
    approval: Approval,
    /// The first generation of refresh tokens that [`Approval::confirmation`] binds: 0 when the key was set at issue.
    bound_from: u32,
    /// The origin of the absolute expiry, and of all times in the encoded record.
    created_at: Timestamp,
    /// The time at which the last access token was added. A grant without any token can be deleted from this time on.
    last_used_at: Timestamp,
    /// The expiry set at creation; `None` is never. Refreshing does not move it.
    expires_at: Option<Timestamp>,
    /// The stage, with the fields that exist in that stage only.
    phase: Phase,
    /// The current refresh token; absent when the grant has none.
    head: Option<Head>,
    /// The last rotations, oldest first, at most [`MAX_RECENT`](transition::MAX_RECENT): one entry for each generation
    /// before that of the head, without a gap.
    ///
    /// As many as most grants have are in the grant itself: a grant is read with each request, and is one allocation.
    recent: SmallVec<[Retired; 2]>,
    /// Live access tokens, oldest first. Only these are active in introspection, so dropping an entry revokes its
    /// token. A client that refreshes every half hour has two.
    access_tokens: SmallVec<[LiveAccessToken; 2]>,
    /// Drawn for each write, so that no two writes of a record are equal: a writer that reads the record back can
    /// recognize its own. Without it, two writers that decide the same would both take the one record for theirs.
    write_id: [u8; 4],
}

impl Grant {
    /// Creates a grant of `client` whose expiry follows from `policy`. It has no tokens yet.
    pub(crate) fn new(
        id: GrantId,
        client: &Client,
        grant_type: GrantType,
        approval: Approval,
        phase: Phase,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        Self {
            expires_at: expiry::after(now, policy.grant_lifetime),
            phase,
            ..Self::bare(id, client.id.clone(), client.registration, grant_type, approval, now)
        }
    }

    /// Returns an active grant without tokens and without end.
    fn bare(
        id: GrantId,
        client_id: ClientId,
        registration: Registration,
        grant_type: GrantType,
        approval: Approval,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            client_id,
            registration,
            grant_type,
            approval,
            bound_from: 0,
            created_at,
            last_used_at: created_at,
            expires_at: None,
            phase: Phase::Active { redeemed: None },
            head: None,
            recent: SmallVec::new(),
            access_tokens: SmallVec::new(),
            write_id: [0; 4],
        }
    }

    /// Returns the key of the record, random but for a device, whose id follows from its user code.
    pub(crate) const fn id(&self) -> GrantId {
        self.id
    }

    /// Returns the client that holds the grant.
    pub(crate) const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Returns the registration of that client. A client that was deleted and registered again under its old id has
    /// another one, and no right to the old grants.
    pub(crate) const fn registration(&self) -> Registration {
        self.registration
    }

    /// Returns the flow that created the grant.
    pub(crate) const fn grant_type(&self) -> &GrantType {
        &self.grant_type
    }

    /// Returns the approval. Only its confirmation ever changes, once: see [`bind`](Self::bind).
    pub(crate) const fn approval(&self) -> &Approval {
        &self.approval
    }

    /// Returns the stage of the grant.
    pub(crate) const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Returns the current refresh token, if the grant has one.
    pub(crate) const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Returns the live access tokens, oldest first. Some may have expired since the last write, so callers compare the
    /// expiry as well.
    pub(crate) fn access_tokens(&self) -> impl ExactSizeIterator<Item = &LiveAccessToken> {
        self.access_tokens.iter()
    }

    /// Returns the rotations from the former head of `generation` up to the head; `None` when the record has forgotten
    /// some of them, or when `generation` is ahead of the head.
    ///
    /// `recent` has no gap, so the position of an entry determines its generation. No time is compared: clocks of two
    /// nodes differ, but generations do not.
    pub(crate) fn rotations_from(&self, generation: u32) -> Option<impl ExactSizeIterator<Item = &Retired>> {
        let steps = usize::try_from(self.head.as_ref()?.generation.checked_sub(generation)?).ok()?;
        let first = self.recent.len().checked_sub(steps)?;
        self.recent.get(first..).map(<[Retired]>::iter)
    }

    /// Returns the rotations that the record remembers, oldest first, each with the generation that it retired.
    pub(crate) fn rotations(&self) -> impl Iterator<Item = (&Retired, u32)> {
        let head = self.head.as_ref().map_or(0, |head| head.generation);
        let remembered = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        self.recent.iter().zip(head.saturating_sub(remembered)..)
    }

    /// Returns true when the refresh token of `generation` is bound to the key of the grant. Tokens from before the
    /// binding stay unbound: their holder never proved a key.
    pub(crate) const fn is_bound(&self, generation: u32) -> bool {
        self.approval.confirmation.is_some() && self.bound_from <= generation
    }

    /// Returns the binding that a refresh token of `generation` carries. The token repeats the binding of the record,
    /// so that a failover that loses the write of the binding does not turn a bound token into a bearer token.
    pub(crate) fn binding_of(&self, generation: u32) -> Binding {
        Binding::of(self.approval.confirmation.as_ref().filter(|_| self.is_bound(generation)))
    }

    /// Returns true when a part of the grant can be used at `now`. A grant that still waits for its user or its client
    /// is not live: listings show sessions, and nothing was issued yet.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Active { .. }) && self.deletable_from().is_none_or(|at| now < at)
    }
}

/// The stage of a grant. `Revoked` is final: no later write leaves it.
///
/// Each stage carries its own fields, so that no state exists in which, for example, a redeemed code still has a
/// redirect URI to compare with. Those of the first three are boxed: most grants are past these stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A device waits for its user to decide.
    AwaitingApproval(Box<PendingDevice>),
    /// A client pushed an authorization request, and the user has not decided.
    AwaitingAuthorization(Box<PendingRequest>),
    /// A code was issued and has not been presented.
    AwaitingRedemption(Box<PendingCode>),
    /// Tokens were issued. `redeemed` remembers a code that could still be presented a second time.
    Active { redeemed: Option<RedeemedCode> },
    /// No token of the grant is valid. The record stays until `until`, when the grant would have ended: a write that
    /// was sent before the revocation and arrives late finds the record and cannot create the grant again.
    Revoked { at: Timestamp, reason: RevocationReason, until: Timestamp },
}

/// An authorization code before its use, and the conditions of its redemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingCode {
    /// Digest of the secret of the code. The sealed code also names the grant, but only the secret proves its issue.
    pub(crate) digest: Digest,
    /// The redirect URI that the redemption must repeat (RFC 6749 section 4.1.3).
    pub(crate) redirect_uri: Option<RedirectUri>,
    /// The challenge that the redemption must answer (RFC 7636 section 4.6). If absent, a verifier in the redemption is
    /// refused: an attacker may have removed the challenge from the request (RFC 9700 section 4.8.2).
    pub(crate) challenge: Option<CodeChallenge>,
    /// The key that the redeemer must prove (`dpop_jkt`, RFC 9449 section 10).
    pub(crate) confirmation: Option<Confirmation>,
    /// The expiry of the code. RFC 6749 section 4.1.2 recommends 10 minutes at most.
    pub(crate) expires_at: Timestamp,
}

/// A device authorization (RFC 8628), from the request of the device to the poll that returns the decision of its user.
///
/// The id of this record follows from the user code, so that the verification page finds it without an index. The user
/// code is short and can be guessed. So an approval creates a second grant with a random id, and that grant gets the
/// tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingDevice {
    /// Digest of the secret of the device code.
    pub(crate) digest: Digest,
    /// The expiry of device code and user code.
    pub(crate) expires_at: Timestamp,
    /// The time that the device must wait between two polls. Each poll that comes too early lengthens it.
    pub(crate) interval: Duration,
    /// The last poll, from which the interval is measured.
    pub(crate) polled_at: Option<Timestamp>,
    /// The decision, kept here until the device asks for it.
    pub(crate) verdict: Verdict,
}

/// The decision of the user of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The user has not answered. The device gets `authorization_pending`.
    Undecided,
    /// The grant that waits for the device.
    Approved(GrantId),
    /// The user refused. The device gets `access_denied`.
    Denied,
}

/// An authorization request that its client pushed (RFC 9126). It gets no tokens: an approval creates a second grant,
/// with a code, and this record remembers until its end that it was used.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PendingRequest {
    /// Digest of the secret of the `request_uri`.
    pub(crate) digest: Digest,
    /// The key that the client proved, or named by `dpop_jkt` (RFC 9449 section 10.1). The code is bound to it.
    pub(crate) confirmation: Option<Confirmation>,
    /// The expiry of the `request_uri`. The arrival of the browser moves it, once.
    pub(crate) expires_at: Timestamp,
    /// The way that the request has come, and its parameters.
    pub(crate) progress: Progress,
}

/// The way that a pushed authorization request has come. The parameters are form-encoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The client has the `request_uri`.
    Pushed(Vec<u8>),
    /// The browser of the user brought it. The user may reload the page.
    Arrived(Vec<u8>),
    /// A code was issued for it.
    Used,
}

impl std::fmt::Debug for PendingRequest {
    /// Shows no parameter: a `login_hint` and an `id_token_hint` are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingRequest").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// An authorization code after its use: one digest over code, redirect URI, challenge and key. It suffices to recognize
/// a second presenter who holds all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedeemedCode {
    /// The digest over all of them.
    pub(crate) digest: Digest,
    /// The expiry of the code. From then on a second use is refused without revocation, and this entry is dropped.
    pub(crate) expires_at: Timestamp,
}

/// The current refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Digest of the [`Root`](crate::token::Root) that every refresh token of the grant carries. A thief of the key
    /// ring can seal tokens, but cannot name the root, so no grant accepts them.
    pub(crate) root: Digest,
    /// The number of rotations since the issue of the first token.
    pub(crate) generation: u32,
    /// Digest of the secret of the token. A token of this generation with another digest is a fork.
    pub(crate) digest: Digest,
    /// The time of the rotation that made the token the head.
    pub(crate) issued_at: Timestamp,
    /// The last refresh that did not rotate the token, if there was one. It proves that the client received the token,
    /// so the predecessor has the short window of a catch-up from then on.
    pub(crate) used_at: Option<Timestamp>,
    /// The expiry set at issue. See also [`expiry`](Self::expiry), which applies a policy that was tightened since.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Head {
    /// Returns true when a token `steps` rotations behind looks like the retry of a lost response: the direct
    /// predecessor, and the head was never used.
    pub(crate) const fn is_retried_by(&self, steps: u32) -> bool {
        steps == 1 && self.used_at.is_none()
    }
}

/// A former head. Its successor can be derived from this entry and the token itself, which only its holder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retired {
    /// The first bytes of the digest of the token: they distinguish a fork from a damaged record.
    pub(crate) mark: [u8; 8],
    /// The random input of the rotation, kept so that the rotation can be repeated.
    pub(crate) salt: Salt,
    /// The key of the rotation. Changing the primary key must not change the successor.
    pub(crate) key_id: u8,
    /// The time of the rotation. The windows for a replay are measured from it and never extended.
    pub(crate) retired_at: Timestamp,
    /// The number of replays so far. Counted only when the policy limits them, since counting costs a write.
    pub(crate) replays: u32,
}

/// An access token that has neither expired nor been revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveAccessToken {
    /// Random. A counter would restart when the store loses writes. A second access token derived from the same
    /// rotation with the same number would then equal one that is already in use, perhaps with less scope.
    pub(crate) serial: u32,
    /// Digest of the secret of the token.
    pub(crate) digest: Digest,
    /// The scope of a narrowed token; `None` is the whole scope of the grant, which keeps most records short.
    pub(crate) scope: Option<Scope>,
    /// The resources of a narrowed token; `None` is all resources of the grant.
    pub(crate) resources: Option<Resources>,
    /// The authorization details of a narrowed token; `None` is all those of the grant.
    pub(crate) authorization_details: Option<AuthorizationDetails>,
    /// The time of issue. A replay within grace repeats it, so that a JWT is equal byte for byte.
    pub(crate) issued_at: Timestamp,
    /// The expiry, never later than that of the grant.
    pub(crate) expires_at: Timestamp,
    /// The generation of the refresh token that the access token was derived from; `None` when it was drawn at random.
    pub(crate) parent: Option<u32>,
    /// The key that the access token is bound to.
    pub(crate) confirmation: Option<Confirmation>,
    /// The key that signs the access token, if it is a JWT. A replay signs with this key again, even after the issuer
    /// has changed to another one.
    pub(crate) signing_key: Option<KeyId>,
}
