//! Decides a refresh: rotate, replay, heal, or treat as reuse. ARCHITECTURE.md, order of checks: generation, reach,
//! answer.
//!
//! # The standing of a presented token
//!
//! The refresh tokens of a grant form a chain of generations, and the record names the current one, the head. A
//! presented token has one of four standings in that chain:
//!
//! * **Head**: the current token. Its holder goes on.
//! * **Former**: retired by one of the last rotations, in a window that is still open. The response with its successor
//!   was lost, or another process with the same credential was faster.
//! * **Ahead**: of a later generation than the head. No client can make such a token, so the store has lost writes.
//! * **Reused**: spent or forked. Two parties hold tokens of the grant, and one of them may be a thief.
//!
//! A token can also be refused without a conclusion: the head has expired, or the clock of this node is behind the
//! record.
//!
//! | the presented token is | decision |
//! |---|---|
//! | the head | a new head, or an access token only |
//! | the direct predecessor of a head that was never used, within the grace period | the head again |
//! | a former head, within the catch-up window | the head again |
//! | any other former head | reuse: the grant is revoked |
//! | of the generation of the head but another token | a fork, hence reuse |
//! | ahead of the head | healed: the store had lost writes |
//!
//! An example with the defaults, for a client that does not authenticate: 60 s of grace, 10 s to catch up.
//!
//! | at | presents generation | head before | decision |
//! |--:|--:|--:|---|
//! | 0 s | 4 | 4 | rotation: the head is 5 |
//! | 30 s | 4 | 5 | one step behind an unused head: 5 again, byte for byte |
//! | 40 s | 5 | 5 | rotation: the head is 6 |
//! | 45 s | 5 | 6 | one step behind an unused head: 6 again |
//! | 46 s | 4 | 6 | two steps behind, and retired 46 s ago: reuse |
//!
//! # Why a former token is answered
//!
//! Every answer to a former token is the current head, so there is never more than one valid refresh token, and every
//! holder of the grant gets the same bytes.
//!
//! A former token is answered and not just refused for the sake of detection. A client drops a token that is refused. A
//! thief who rotated twice just before the client came would then never meet it again. Answered, both go on with one
//! head, and the slower of the two presents a spent token after the next rotation.

use std::time::Duration;

use smallvec::smallvec;

use super::access::{
    Access, Named, Origin, SealedRefreshToken, admits_refresh_tokens, known_scope, mint, repeat, respond,
};
use super::issue::bind;
use super::{Admitted, Context, Decision, Events, RefreshRequest, UnsignedResponse};
use crate::grant::{Grant, Head, RevocationReason, Rotation};
use crate::outcome::{EventKind, Refusal, ReplayCause};
use crate::policy::{Lifetime, Limit, OnReuse, OnRollback, PreviousAccessToken};
use crate::token::{Binding, Derivation, Detail, Key, Lineage, Salt, TokenKind, TokenSecret};
use crate::vocabulary::{GrantType, Timestamp, draw};

/// The lead that the clock of the node that rotated may have over the clock of this one.
///
/// ARCHITECTURE.md promises that no session ends when clocks differ by up to 5 s. A larger lead is answered 503,
/// because the age of the token is then unknown.
const MAX_LEAD: Duration = Duration::from_secs(5);

/// Answers a refresh (RFC 6749 section 6).
///
/// The seal and the root were checked before, so this grant issued the token.
///
/// A reused token is refused with `commits` set: the revocation is stored, and the caller gets `invalid_grant`. Every
/// other refusal changes nothing.
pub(crate) fn refresh(
    grant: &mut Grant,
    presented: Admitted<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Decision<UnsignedResponse> {
    let (Some(head), Detail::RefreshToken { generation, lineage }) = (grant.head(), &presented.detail) else {
        return Decision::refuse(Refusal::TokenUnrecognized);
    };
    let token = Presented { generation: *generation, secret: &presented.secret, lineage };
    let decision = match standing(grant, head, &token, ctx) {
        Standing::Head => renew(grant, &token, request, ctx),
        Standing::Ahead { recorded } => heal(grant, recorded, &token, request, ctx),
        Standing::Former { steps } => catch_up(grant, steps, &token, request, ctx),
        Standing::Refused(refusal) => Err(refusal),
        Standing::Reused(cause) => Ok(react(grant, cause, ctx)),
    };
    decision.unwrap_or_else(Decision::refuse)
}

/// A refresh token, opened.
///
/// The `lineage` has the root of the grant, which every successor must repeat, and the key that the token names.
struct Presented<'a> {
    generation: u32,
    secret: &'a TokenSecret,
    lineage: &'a Lineage,
}

/// The place of a refresh token in the life of its grant.
enum Standing {
    /// The current token.
    Head,
    /// Ahead of the record: the store lost acknowledged writes.
    ///
    /// `recorded` is the generation of the head, for the event. The difference is the number of rotations that were
    /// lost.
    Ahead { recorded: u32 },
    /// Retired `steps` rotations ago, and to be answered with the head.
    ///
    /// `steps` is at least 1, and at most the number of rotations that the record remembers.
    Former { steps: u32 },
    /// Not usable, and no sign of theft.
    Refused(Refusal),
    /// Spent or forked: two parties hold tokens of this grant.
    Reused(Refusal),
}

/// Determines the standing by generation and never by time. The clocks of nodes differ, and generations do not.
///
/// The expiry of the head does not matter for a token ahead of the record: the recorded head is out of date then.
///
/// The check of the binding comes first. A record that was rolled back and then bound to another key holds tokens of
/// two parties, whatever the generation of the presented one.
fn standing(grant: &Grant, head: &Head, presented: &Presented<'_>, ctx: &Context<'_>) -> Standing {
    if grant.is_bound(presented.generation) && grant.binding_of(presented.generation) != presented.lineage.binding {
        // The token descends from writes that the store lost. Another party bound the recorded tokens: two hold a copy.
        return Standing::Reused(Refusal::RefreshTokenForked);
    }
    if presented.generation > head.generation {
        return match ctx.policy.on_rollback {
            OnRollback::Heal => Standing::Ahead { recorded: head.generation },
            OnRollback::Refuse => Standing::Refused(Refusal::RefreshTokenAhead),
        };
    }
    let standing = if presented.generation < head.generation {
        former(grant, head, presented, ctx)
    } else if presented.secret.digest() == head.digest {
        Standing::Head
    } else {
        Standing::Reused(Refusal::RefreshTokenForked)
    };
    match standing {
        // Reuse counts even after the head has expired: access tokens of the thief may still be valid.
        Standing::Head | Standing::Former { .. } if head.expiry(ctx.policy).is_some_and(|expiry| expiry <= ctx.now) => {
            Standing::Refused(Refusal::RefreshTokenExpired)
        }
        standing => standing,
    }
}

/// Determines the standing of a former head: answered while its window is open, spent afterwards. Parallel tabs,
/// retries and several processes with one credential look exactly like this.
///
/// The entry of the rotation must still be in the record. Entries of rotations that no window can answer are pruned,
/// and the record remembers at most 8. So a missing entry means that no window is open: reuse, however old the token
/// is.
fn former(grant: &Grant, head: &Head, presented: &Presented<'_>, ctx: &Context<'_>) -> Standing {
    let steps = head.generation - presented.generation;
    let Some(retired) = grant.rotations_from(presented.generation).and_then(|mut rotations| rotations.next()) else {
        return Standing::Reused(Refusal::RefreshTokenReused);
    };
    // The token is older than the binding, and the head is bound to a key that the request does not prove: two parties
    // hold a copy.
    if grant.is_bound(head.generation) && !proves_key(grant, ctx) {
        return Standing::Reused(Refusal::RefreshTokenReused);
    }
    match clock(retired.retired_at, window(grant, head, steps, ctx), ctx.now) {
        Clock::Over => Standing::Reused(Refusal::RefreshTokenReused),
        _ if presented.secret.digest().mark() != retired.mark => Standing::Reused(Refusal::RefreshTokenForked),
        Clock::Behind => Standing::Refused(Refusal::ClockBehind),
        Clock::Running if ctx.policy.max_replays.is_reached_by(retired.replays) => {
            // Reuse, not a mere refusal. A client drops a refused token, so a thief who rotated twice would never be
            // detected.
            Standing::Reused(Refusal::ReplayLimitReached)
        }
        Clock::Running => Standing::Former { steps },
    }
}

/// Returns the window of a token that was retired `steps` rotations before the head.
///
/// The window is longer one step behind a head that was never used. Then no other party has shown the successor, and a
/// lost response is the likely cause. A client that authenticates, or proves the key, gets the longest one: a thief of
/// the token alone cannot use it.
pub(super) fn window(grant: &Grant, head: &Head, steps: u32, ctx: &Context<'_>) -> Lifetime {
    if head.is_retried_by(steps) {
        ctx.policy.retry_window(ctx.client.is_confidential() || proves_key(grant, ctx))
    } else {
        ctx.policy.walk_window().into()
    }
}

/// Returns true when the grant has a key, and the request proves it.
fn proves_key(grant: &Grant, ctx: &Context<'_>) -> bool {
    let key = grant.approval().confirmation;
    key.is_some() && key == ctx.key
}

/// The state of a window that opened with a rotation.
///
/// A window of [`Lifetime::Never`] stays open without end.
enum Clock {
    Running,
    Over,
    /// The rotation is in the future: the clock of another node is ahead, or this one stepped back.
    Behind,
}

/// Compares a window with the time. The window opens at the rotation and never again: a replay does not extend it, so a
/// thief cannot keep a spent token alive by presenting it again and again.
///
/// The end is exclusive, so a window of 0 is never open. A rotation slightly in the future counts as now, since the
/// clocks of two nodes always differ.
fn clock(retired_at: Timestamp, window: Lifetime, now: Timestamp) -> Clock {
    let Lifetime::Of(window) = window else { return Clock::Running };
    match now.since(retired_at) {
        Some(age) if age < window => Clock::Running,
        Some(_) => Clock::Over,
        None if window.is_zero() => Clock::Over,
        None if retired_at <= now + window.min(MAX_LEAD) => Clock::Running,
        None => Clock::Behind,
    }
}

/// Returns the reach of the new access token. ARCHITECTURE.md, order of checks: reach.
///
/// Checked after the generation. A spent token that asks for too much is still spent, and must not be taken for a
/// mistake of the client.
///
/// # Errors
/// [`Refusal::GrantTypeNotAllowed`], [`Refusal::OfflineAccessNotGranted`], and as for [`Access::requested`].
fn reach(grant: &Grant, request: &RefreshRequest, ctx: &Context<'_>) -> Result<Access, Refusal> {
    if !ctx.client.may_use(&GrantType::RefreshToken) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    if !admits_refresh_tokens(grant, ctx.client, ctx.policy) {
        return Err(Refusal::OfflineAccessNotGranted);
    }
    // Tokens that were ignored when the grant was created are ignored again: mod_auth_openidc and oidc-agent repeat the
    // scope of their first request with each refresh.
    let known;
    let scope = match &request.scope {
        Some(scope) if !scope.is_subset_of(&ctx.client.scope) => {
            known = known_scope(scope.clone(), ctx.client, ctx.policy)?;
            Some(&known)
        }
        scope => scope.as_ref(),
    };
    let authorization_details = request.authorization_details.as_ref();
    Access::requested(grant, &Named { scope, resources: &request.resources, authorization_details }, ctx)
}

/// Answers the head: rotates it, or issues an access token only, according to the policy.
///
/// The successor is derived from the head with a fresh salt that the record keeps. The database alone cannot compute
/// it, since it does not hold the head; the head alone cannot, without the key ring.
///
/// Without rotation the response has no refresh token: the presented one stays valid. Its use is recorded, because an
/// unused token expires (see [`extend_on_use`](crate::Policy::extend_on_use)).
///
/// # Errors
/// The refusals of [`reach`] and [`mint`], and [`Refusal::GrantExhausted`] after the last of 2^32 generations. Nothing
/// is stored then.
fn renew(
    grant: &mut Grant,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Decision<UnsignedResponse>, Refusal> {
    let access = reach(grant, request, ctx)?;
    if ctx.policy.previous_access_token == PreviousAccessToken::Revoke {
        grant.drop_access_tokens();
    }
    let key = ctx.tokens.ring().primary();
    if !ctx.policy.issue_refresh_tokens_on_refresh {
        grant.use_head(ctx.now, ctx.policy);
        grant.prune(ctx.now, ctx.policy);
        let minted = mint(grant, &access, key, &Origin::Drawn, ctx)?;
        return Ok(Decision::commit(respond(access, minted, None, ctx), EventKind::Refreshed));
    }
    let salt: Salt = draw(ctx.entropy);
    let derivation = Derivation { parent: presented.secret, salt: &salt };
    let generation = presented.generation.checked_add(1).ok_or(Refusal::GrantExhausted)?;
    let secret = key.derive(&derivation, TokenKind::RefreshToken, generation);
    let expires_at = grant.expiry_of(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    bind(grant, generation, ctx);
    grant.rotate(&Rotation { digest: secret.digest(), expires_at, salt, key_id: key.id() }, ctx.now);
    grant.prune(ctx.now, ctx.policy);
    let minted = mint(grant, &access, key, &Origin::Derived(derivation, presented.generation), ctx)?;
    let root = &presented.lineage.root;
    let successor = SealedRefreshToken::seal(grant, key, generation, &secret, root, expires_at, ctx);
    let response = respond(access, minted, Some(successor), ctx);
    Ok(Decision::commit(response, EventKind::Rotated { generation }))
}

/// Answers a token ahead of the record, which proves that the store went back in time, for example in an asynchronous
/// failover (ARCHITECTURE.md, rollback).
///
/// As far as the service can know its holder was the last rightful owner, so the token becomes the head again. An older
/// token of a thief shows up as reuse as soon as both are used.
///
/// A thief gains nothing from this: he cannot make a token of a later generation, because each one is derived with the
/// key ring from the one before. The event `Healed` comes first, so that an audit log shows the loss before the
/// rotation.
///
/// # Errors
/// As for [`renew`].
fn heal(
    grant: &mut Grant,
    recorded: u32,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Decision<UnsignedResponse>, Refusal> {
    let expires_at = grant.expiry_of(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    grant.adopt(presented.generation, presented.secret.digest(), ctx.now, expires_at);
    if presented.lineage.binding != Binding::BEARER {
        // The lost writes had bound the token, perhaps when its client did not authenticate yet. The request proved the
        // key, or the check of proof would have failed.
        grant.bind(presented.generation, ctx.key);
    }
    let mut decision = renew(grant, presented, request, ctx)?;
    decision.events.insert(0, EventKind::Healed { recorded, presented: presented.generation });
    Ok(decision)
}

/// Answers a former refresh token with the current one, byte for byte as it was first issued. A response was lost, lost
/// a race, or went to another process with the same credential. The access token of the last rotation is repeated too
/// if it is alive and has the requested reach.
///
/// Binds nothing: the request may come from a thief, with a key of his own.
///
/// Often nothing has to be stored. The decision commits only when the policy counts replays, or when a new access token
/// was minted. So a client that repeats one request many times causes reads and no writes.
///
/// # Errors
/// As for [`reach`] and [`mint`], and the refusals of [`walk`].
fn catch_up(
    grant: &mut Grant,
    steps: u32,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Decision<UnsignedResponse>, Refusal> {
    let access = reach(grant, request, ctx)?;
    let Walked { key, parent, salt, head, generation, expires_at } = walk(grant, presented, ctx)?;
    let derivation = Derivation { parent: &parent, salt: &salt };
    let current = SealedRefreshToken::seal(grant, key, generation, &head, &presented.lineage.root, expires_at, ctx);

    let counts = ctx.policy.max_replays != Limit::Unlimited;
    if counts {
        grant.count_replay(presented.generation);
    }
    let repeated = repeat(grant, &access, key, &derivation, generation - 1, ctx);
    let commits = counts || repeated.is_none();
    let minted = if let Some(minted) = repeated {
        minted
    } else {
        if ctx.policy.previous_access_token == PreviousAccessToken::Revoke {
            grant.drop_access_tokens();
        }
        grant.prune(ctx.now, ctx.policy);
        mint(grant, &access, key, &Origin::Derived(derivation, generation - 1), ctx)?
    };
    let cause = if ctx.has_raced || steps > 1 { ReplayCause::Concurrent } else { ReplayCause::LostResponse };
    let response = respond(access, minted, Some(current), ctx);
    Ok(Decision { outcome: Ok(response), commits, events: smallvec![EventKind::Replayed { cause, steps }] })
}

/// The head, derived again, and the rotation that made it. `parent` and `salt` derive the access token of that rotation
/// as well. `expires_at` is that of the head, under the policy of today: a replay does not extend it.
struct Walked<'a> {
    key: &'a Key,
    parent: TokenSecret,
    salt: Salt,
    head: TokenSecret,
    generation: u32,
    expires_at: Option<Timestamp>,
}

/// Derives successor after successor, up to the head: at most 8 derivations, one for each rotation that the record
/// remembers.
///
/// A result other than the recorded head means that two nodes have different keys under one key id, or that the record
/// is damaged. Then no second successor may leave, and no client is to blame.
///
/// # Errors
/// [`Refusal::SuccessorMismatch`], which the client gets as 503, [`Refusal::TokenUnrecognized`] when the key of a
/// rotation was dropped from the ring, and [`Refusal::RefreshTokenReused`] when the rotations are forgotten.
fn walk<'a>(grant: &Grant, presented: &Presented<'_>, ctx: &Context<'a>) -> Result<Walked<'a>, Refusal> {
    let (head, rotations) = grant.head().zip(grant.rotations_from(presented.generation)).ok_or(FORGOTTEN)?;
    let (mut parent, mut last) = (presented.secret.clone(), None);
    for (retired, before) in rotations.zip(presented.generation..) {
        // The key of the rotation, not the primary one of today: rotating the ring must not change the answer.
        let key = ctx.tokens.ring().key(retired.key_id).ok_or(Refusal::TokenUnrecognized)?;
        let derivation = Derivation { parent: &parent, salt: &retired.salt };
        let secret = key.derive(&derivation, TokenKind::RefreshToken, before + 1);
        last = Some((key, std::mem::replace(&mut parent, secret), retired.salt));
    }
    let (key, before, salt) = last.ok_or(FORGOTTEN)?;
    if parent.digest() != head.digest {
        return Err(Refusal::SuccessorMismatch);
    }
    let (generation, expires_at) = (head.generation, grant.refresh_token_expiry(ctx.policy));
    Ok(Walked { key, parent: before, salt, head: parent, generation, expires_at })
}

/// The refusal of a token whose rotations the record has forgotten.
const FORGOTTEN: Refusal = Refusal::RefreshTokenReused;

/// Reacts to reuse (RFC 9700 section 4.14.2). Of two holders of one chain one is a thief, and the service cannot know
/// which. The revocation is committed although the caller gets an error.
///
/// Under [`OnReuse::Refuse`] the grant stays as it is, and the event is the only trace. The holder of the head then
/// goes on, and that may be the thief. AM behaves in this way.
///
/// The event of the reuse comes first. It is the warning; the revocation is its consequence.
fn react(grant: &mut Grant, cause: Refusal, ctx: &Context<'_>) -> Decision<UnsignedResponse> {
    let revoked = ctx.policy.on_reuse == OnReuse::Revoke;
    let mut events = Events::from_iter([EventKind::ReuseDetected { cause, revoked }]);
    if revoked {
        grant.revoke(ctx.now, RevocationReason::RefreshTokenReuse);
        events.push(EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse));
    }
    Decision { outcome: Err(cause), commits: revoked, events }
}
