//! Explains a grant and one of its tokens to an operator. Nothing here writes, and no secret or digest leaves.
//!
//! The answer of a refresh is not computed a second time. [`predict`] runs the decision itself, on a copy of the grant
//! that is thrown away, and reads the outcome from its events. So the explanation cannot differ from the next refresh.

use super::admit::{Admitted, check_owner, check_proven};
use super::refresh::{refresh, window};
use super::{Context, Decision, RefreshRequest};
use crate::grant::{Grant, GrantSummary, LiveAccessToken, Phase, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::policy::Lifetime;
use crate::token::{Binding, Detail, Opened, TokenKind};
use crate::vocabulary::{Confirmation, GrantId, GrantType, Scope, Timestamp};

/// An explanation of a token for an operator. Returned by [`TokenService::inspect`](crate::TokenService::inspect).
///
/// It holds no secret and no digest of one. It holds personal data: the subject, and the bytes of the host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The kind of the token. A JWT access token is an access token.
    pub kind: TokenKind,
    /// The grant that the token names.
    pub grant_id: GrantId,
    /// The generation of a refresh token: the number of rotations before its issue.
    pub generation: Option<u32>,
    /// The serial of an access token: its entry among the [access tokens](GrantInspection::access_tokens) of the grant.
    pub serial: Option<u32>,
    /// True when the token would be accepted at this moment: an access token by a resource server, a refresh token as
    /// the current one. A former refresh token is not active, although its retry may be answered.
    pub is_active: bool,
    /// The answer to a refresh with this token, now, by the client of the grant with the right key.
    ///
    /// Computed by the decision of [`TokenService::refresh`](crate::TokenService::refresh) on a copy of the grant. The
    /// signature of a JWT and the write are not tried. A token of another kind is
    /// [`TokenUnrecognized`](Refusal::TokenUnrecognized) there, as it is in a refresh.
    pub refresh: Result<RefreshAnswer, RefreshRefusal>,
    /// The grant; `None` when its record is gone.
    pub grant: Option<GrantInspection>,
}

/// An answer that a refresh would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshAnswer {
    /// The token is the head: a new head, of this generation.
    Rotated {
        /// The generation of the new refresh token.
        generation: u32,
    },
    /// The token is the head: an access token, and no new refresh token
    /// ([`issue_refresh_tokens_on_refresh`](crate::Policy::issue_refresh_tokens_on_refresh)).
    AccessTokenOnly,
    /// The token is a former one in its window: the head again, byte for byte.
    Replayed {
        /// The number of rotations since the token was the head.
        steps: u32,
    },
    /// The token is ahead of the record: the store lost writes, and the token becomes the head.
    Healed {
        /// The generation in the record.
        recorded: u32,
        /// The generation of the token.
        presented: u32,
    },
}

impl RefreshAnswer {
    /// Returns a short name: the variant in `snake_case`. Names are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotated { .. } => "rotated",
            Self::AccessTokenOnly => "access_token_only",
            Self::Replayed { .. } => "replayed",
            Self::Healed { .. } => "healed",
        }
    }
}

/// A refusal that a refresh would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshRefusal {
    /// The reason.
    pub refusal: Refusal,
    /// True when the refresh would revoke the grant: reuse of a spent token, under
    /// [`OnReuse::Revoke`](crate::policy::OnReuse::Revoke).
    pub revokes: bool,
}

impl RefreshRefusal {
    /// Returns a refusal that changes nothing.
    pub(crate) const fn of(refusal: Refusal) -> Self {
        Self { refusal, revokes: false }
    }
}

/// An explanation of a grant. Returned by [`TokenService::inspect_grant`](crate::TokenService::inspect_grant).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantInspection {
    /// The client, the approval and the times, as a list has them. Here also of a grant that has ended.
    pub summary: GrantSummary,
    /// The phase of the grant.
    pub phase: GrantPhase,
    /// The current refresh token, if the grant has one.
    pub head: Option<HeadInspection>,
    /// The former generations that the record remembers, oldest first. Every older one is spent.
    pub former: Vec<FormerInspection>,
    /// The access tokens that are alive, oldest first.
    pub access_tokens: Vec<AccessTokenInspection>,
    /// The size of the record in the store, in bytes.
    pub record_bytes: usize,
    /// True when the directory has a client of this id. Without one every request of the client is refused.
    pub has_client: bool,
}

/// The phase of a grant. See `docs/diagrams/life-of-a-grant.svg` for the transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantPhase {
    /// A device waits for its user to decide.
    AwaitingApproval,
    /// An authorization request was pushed, and the user has not decided.
    AwaitingAuthorization,
    /// A code was issued and has not been redeemed.
    AwaitingRedemption,
    /// Tokens were issued.
    Active,
    /// The grant was revoked, which is final.
    Revoked {
        /// The time of the revocation.
        at: Timestamp,
        /// The reason.
        reason: RevocationReason,
    },
}

impl GrantPhase {
    /// Returns a short name: the variant in `snake_case`. Names are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::AwaitingAuthorization => "awaiting_authorization",
            Self::AwaitingRedemption => "awaiting_redemption",
            Self::Active => "active",
            Self::Revoked { .. } => "revoked",
        }
    }

    const fn of(phase: &Phase) -> Self {
        match phase {
            Phase::AwaitingApproval(_) => Self::AwaitingApproval,
            Phase::AwaitingAuthorization(_) => Self::AwaitingAuthorization,
            Phase::AwaitingRedemption(_) => Self::AwaitingRedemption,
            Phase::Active { .. } => Self::Active,
            Phase::Revoked { at, reason, .. } => Self::Revoked { at: *at, reason: *reason },
        }
    }
}

/// The current refresh token of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadInspection {
    /// The number of rotations before its issue.
    pub generation: u32,
    /// The time of the rotation that made it the head.
    pub issued_at: Timestamp,
    /// The last refresh that did not rotate it, if there was one.
    pub used_at: Option<Timestamp>,
    /// The end of the token if it is not used; `None` is never. A policy that was tightened since its issue counts.
    pub expires_at: Option<Timestamp>,
    /// True when the token is bound to a key (RFC 9449, RFC 8705).
    pub is_bound: bool,
}

/// A former refresh token that the record remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormerInspection {
    /// The number of rotations before its issue.
    pub generation: u32,
    /// The time of the rotation that retired it.
    pub retired_at: Timestamp,
    /// The number of replays, if the policy counts them ([`max_replays`](crate::Policy::max_replays)).
    pub replays: u32,
    /// The window that is measured for it now.
    pub window: ReplayWindow,
    /// The end of that window; `None` is never. From then on the token is spent. The window opened at the retirement
    /// and does not slide. A window of 0, and that of a client that is gone, ends where it began.
    pub answered_until: Option<Timestamp>,
}

/// The window in which a former refresh token is answered with the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayWindow {
    /// The direct predecessor of a head that was never used ([`grace_period`](crate::Policy::grace_period)).
    GracePeriod,
    /// Any other one ([`catch_up_window`](crate::Policy::catch_up_window)).
    CatchUp,
}

impl ReplayWindow {
    /// Returns a short name: the setting of the policy. Names are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GracePeriod => "grace_period",
            Self::CatchUp => "catch_up_window",
        }
    }
}

/// An access token that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessTokenInspection {
    /// The random number of its entry.
    pub serial: u32,
    /// The scope. It may be narrower than the approved one.
    pub scope: Scope,
    /// The time of issue.
    pub issued_at: Timestamp,
    /// The end.
    pub expires_at: Timestamp,
    /// True when the token is bound to a key.
    pub is_bound: bool,
    /// True when the token is a JWT (RFC 9068). A resource server may accept a revoked one until it expires.
    pub is_jwt: bool,
}

/// Returns the answer to a refresh of `presented` by the client of `ctx`, who has the right key. ARCHITECTURE.md, order
/// of checks: right, owner, life, generation, reach.
///
/// The check of proof is assumed to pass, whatever the key in `ctx` is.
///
/// # Errors
/// The refusal of the first check that fails.
pub(crate) fn predict(
    grant: &Grant,
    presented: &Opened,
    is_served: bool,
    ctx: &Context<'_>,
) -> Result<RefreshAnswer, RefreshRefusal> {
    let ctx = &Context { key: right_key(grant, presented), ..*ctx };
    let admitted = pass(grant, presented, is_served, ctx).map_err(RefreshRefusal::of)?;
    let mut copy = grant.clone();
    // The decision gets the token opened, and does not read its text.
    let Decision { outcome, events, .. } = refresh(&mut copy, admitted, &RefreshRequest::new(""), ctx);
    let revokes = matches!(copy.phase(), Phase::Revoked { .. });
    match outcome {
        Ok(_) => Ok(answer(&events)),
        Err(refusal) => Err(RefreshRefusal { refusal, revokes }),
    }
}

/// Returns the key that the client of the token shows: that of the grant, unless the token names another one. A lost
/// write bound such a token, and the record does not know the whole key.
fn right_key(grant: &Grant, presented: &Opened) -> Option<Confirmation> {
    let key = grant.approval().confirmation;
    match &presented.detail {
        Detail::RefreshToken { lineage, .. } if lineage.binding != Binding::BEARER => {
            key.filter(|key| Binding::of(Some(key)) == lineage.binding)
        }
        _ => key,
    }
}

/// Checks what a refresh checks before its decision.
fn pass<'a>(grant: &Grant, presented: &'a Opened, is_served: bool, ctx: &Context<'_>) -> Result<Admitted<'a>, Refusal> {
    if !ctx.client.may_use(&GrantType::RefreshToken) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    let owned = check_owner(ctx.client, grant, presented)?;
    let admitted = check_proven(grant, owned, ctx)?;
    if is_served { Ok(admitted) } else { Err(Refusal::SubjectNotServed) }
}

/// Reads the answer from the events of its decision.
fn answer(events: &[EventKind]) -> RefreshAnswer {
    match *events {
        [EventKind::Healed { recorded, presented }, ..] => RefreshAnswer::Healed { recorded, presented },
        [EventKind::Rotated { generation }, ..] => RefreshAnswer::Rotated { generation },
        [EventKind::Replayed { steps, .. }, ..] => RefreshAnswer::Replayed { steps },
        _ => RefreshAnswer::AccessTokenOnly,
    }
}

/// Explains the record of a grant. Without a context its client is gone, and no window is open.
pub(crate) fn describe(
    grant: Box<Grant>,
    record_bytes: usize,
    ctx: Option<&Context<'_>>,
    now: Timestamp,
) -> GrantInspection {
    GrantInspection {
        phase: GrantPhase::of(grant.phase()),
        head: head(&grant, ctx),
        former: former(&grant, ctx),
        access_tokens: access_tokens(&grant, now),
        record_bytes,
        has_client: ctx.is_some(),
        summary: grant.summary(),
    }
}

fn head(grant: &Grant, ctx: Option<&Context<'_>>) -> Option<HeadInspection> {
    let head = grant.head()?;
    Some(HeadInspection {
        generation: head.generation,
        issued_at: head.issued_at,
        used_at: head.used_at,
        expires_at: ctx.map_or(head.expires_at, |ctx| grant.refresh_token_expiry(ctx.policy)),
        is_bound: grant.is_bound(head.generation),
    })
}

fn former(grant: &Grant, ctx: Option<&Context<'_>>) -> Vec<FormerInspection> {
    let Some(head) = grant.head() else { return Vec::new() };
    let entries = grant.rotations().map(|(retired, generation)| {
        let steps = head.generation - generation;
        let is_retry = head.is_retried_by(steps);
        let open = ctx.map(|ctx| window(grant, head, steps, ctx));
        FormerInspection {
            generation,
            retired_at: retired.retired_at,
            replays: retired.replays,
            window: if is_retry { ReplayWindow::GracePeriod } else { ReplayWindow::CatchUp },
            answered_until: match open {
                Some(Lifetime::Never) => None,
                Some(Lifetime::Of(window)) => Some(retired.retired_at + window),
                None => Some(retired.retired_at),
            },
        }
    });
    entries.collect()
}

fn access_tokens(grant: &Grant, now: Timestamp) -> Vec<AccessTokenInspection> {
    if !matches!(grant.phase(), Phase::Active { .. }) {
        return Vec::new();
    }
    let inspected = |token: &LiveAccessToken| AccessTokenInspection {
        serial: token.serial,
        scope: token.scope.as_ref().unwrap_or(&grant.approval().scope).clone(),
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        is_bound: token.confirmation.is_some(),
        is_jwt: token.signing_key.is_some(),
    };
    grant.access_tokens().filter(|token| now < token.expires_at).map(inspected).collect()
}
