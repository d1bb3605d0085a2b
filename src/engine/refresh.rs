//! The worth of a presented refresh token, and what follows from it.

use std::time::Duration;

use super::access::{Access, Origin, Successor, mint, repeat, respond};
use super::issue::bind;
use super::{Context, Decision, RefreshRequest, TokenResponse};
use crate::grant::{Grant, Head, RevocationReason, Rotation};
use crate::outcome::{EventKind, Refusal, ReplayCause};
use crate::policy::{Lifetime, Limit, OnReuse, OnRollback, PreviousAccessToken};
use crate::token::{Binding, Derivation, Key, Lineage, Opened, Salt, TokenKind, TokenSecret};
use crate::vocabulary::{GrantType, Timestamp, draw};

/// How far the clock of the node that rotated may be ahead of this one's.
const MAX_LEAD: Duration = Duration::from_secs(5);

/// Answers a refresh. The grant was [admitted](super::admit()) before.
pub(crate) fn refresh(
    grant: &mut Grant,
    presented: &Opened,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Decision<TokenResponse> {
    let (Some(head), Some(lineage)) = (&grant.head, &presented.lineage) else {
        return Decision::refuse(Refusal::TokenUnrecognized);
    };
    let token = Presented { number: presented.number, secret: &presented.secret, lineage };
    let answer = match standing(grant, head, &token, ctx) {
        Standing::Head => renew(grant, &token, request, ctx),
        Standing::Ahead { recorded } => heal(grant, recorded, &token, request, ctx),
        Standing::Former { steps } => catch_up(grant, steps, &token, request, ctx),
        Standing::Refused(refusal) => Err(refusal),
        Standing::Reused(cause) => return react(grant, cause, ctx),
    };
    match answer {
        Ok(Answer { tokens, commits, events }) => Decision { outcome: Ok(tokens), commits, events },
        Err(refusal) => Decision::refuse(refusal),
    }
}

/// A refresh token, opened.
struct Presented<'a> {
    number: u32,
    secret: &'a TokenSecret,
    lineage: &'a Lineage,
}

/// The place of a refresh token in the life of its grant.
enum Standing {
    /// The current one.
    Head,
    /// Ahead of the record: the store lost acknowledged writes.
    Ahead { recorded: u32 },
    /// Retired so many rotations ago, and to be answered with the head.
    Former { steps: u32 },
    /// Of no use, and no reason to suspect anybody.
    Refused(Refusal),
    /// Spent or forked: somebody else has been here.
    Reused(Refusal),
}

struct Answer {
    tokens: TokenResponse,
    commits: bool,
    events: Vec<EventKind>,
}

/// Judges by generation and never by time. The head's own end does not matter for a token ahead of the record: what the
/// record knows of the head is then out of date.
fn standing(grant: &Grant, head: &Head, presented: &Presented<'_>, ctx: &Context<'_>) -> Standing {
    if grant.is_bound(presented.number) && grant.binding_of(presented.number) != presented.lineage.binding {
        // Of a line that the store lost. Somebody bound the one it knows: two hold the chain.
        return Standing::Reused(Refusal::RefreshTokenForked);
    }
    if presented.number > head.generation {
        return match ctx.policy.on_rollback {
            OnRollback::Heal => Standing::Ahead { recorded: head.generation },
            OnRollback::Refuse => Standing::Refused(Refusal::RefreshTokenAhead),
        };
    }
    let standing = if presented.number < head.generation {
        former(grant, head, presented, ctx)
    } else if presented.secret.digest() == head.digest {
        Standing::Head
    } else {
        Standing::Reused(Refusal::RefreshTokenForked)
    };
    match standing {
        // A spent token is one also when the head is over: access tokens of the thief may live on.
        Standing::Head | Standing::Former { .. } if head.end(ctx.policy).is_some_and(|end| end <= ctx.now) => {
            Standing::Refused(Refusal::RefreshTokenExpired)
        }
        standing => standing,
    }
}

/// A former head is answered while its window is open, and spent afterwards. Parallel tabs, retries and several
/// processes with one credential look just like this.
fn former(grant: &Grant, head: &Head, presented: &Presented<'_>, ctx: &Context<'_>) -> Standing {
    let steps = head.generation - presented.number;
    let Some(retired) = grant.rotations_from(presented.number).and_then(|mut rotations| rotations.next()) else {
        return Standing::Reused(Refusal::RefreshTokenReused);
    };
    let shows_key = grant.approval.confirmation.is_some() && grant.approval.confirmation == ctx.confirmation;
    // A token from before the binding, and a head that is bound to somebody else's key: two hold the chain.
    if grant.is_bound(head.generation) && !shows_key {
        return Standing::Reused(Refusal::RefreshTokenReused);
    }
    let window = if steps == 1 && head.used_at.is_none() {
        ctx.policy.retry_window(ctx.client.is_confidential() || shows_key)
    } else {
        ctx.policy.walk_window().into()
    };
    match clock(retired.retired_at, window, ctx.now) {
        Clock::Over => Standing::Reused(Refusal::RefreshTokenReused),
        _ if presented.secret.digest().mark() != retired.mark => Standing::Reused(Refusal::RefreshTokenForked),
        Clock::Behind => Standing::Refused(Refusal::ClockBehind),
        Clock::Running if ctx.policy.max_replays.is_reached_by(retired.replays) => {
            // Refused alone, a thief who rotated twice would never be found out: clients drop a refused token.
            Standing::Reused(Refusal::ReplayLimitReached)
        }
        Clock::Running => Standing::Former { steps },
    }
}

/// The state of a window that opened with a rotation.
enum Clock {
    Running,
    Over,
    /// The rotation lies in the future: another node's clock is ahead, or this one stepped back.
    Behind,
}

/// The window opened at the rotation and never opens anew; its end is exclusive, so one of 0 has no instant at all. A
/// rotation a little in the future counts as now: the clocks of two nodes always differ.
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

/// The client may refresh, and may have what it asks for.
fn reach(grant: &Grant, request: &RefreshRequest, ctx: &Context<'_>) -> Result<Access, Refusal> {
    if !ctx.client.may_use(&GrantType::RefreshToken) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    Access::requested(grant, request.scope.as_ref(), &request.resources, ctx)
}

/// The head was presented: rotate it, or mint an access token beside it.
fn renew(
    grant: &mut Grant,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let access = reach(grant, request, ctx)?;
    if ctx.policy.previous_access_token == PreviousAccessToken::Revoke {
        grant.access.clear();
    }
    let key = ctx.tokens.ring().primary();
    if !ctx.policy.issue_refresh_tokens_on_refresh {
        grant.use_head(ctx.now, ctx.policy);
        grant.prune(ctx.now, ctx.policy);
        let minted = mint(grant, &access, key, &Origin::Drawn, ctx)?;
        let tokens = respond(grant, access, minted, None, ctx);
        return Ok(Answer { tokens, commits: true, events: vec![EventKind::Refreshed] });
    }
    let salt: Salt = draw(ctx.entropy);
    let derivation = Derivation { parent: presented.secret, salt: &salt };
    let generation = presented.number.checked_add(1).ok_or(Refusal::GrantExhausted)?;
    let secret = key.derive(&derivation, TokenKind::RefreshToken, generation);
    let expires_at = grant.capped(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    bind(grant, generation, ctx);
    grant.rotate(&Rotation { digest: secret.digest(), expires_at, salt, key_id: key.id() }, ctx.now);
    grant.prune(ctx.now, ctx.policy);
    let minted = mint(grant, &access, key, &Origin::Derived(derivation, presented.number), ctx)?;
    let successor = Successor::seal(grant, key, generation, &secret, &presented.lineage.root, expires_at, ctx);
    let tokens = respond(grant, access, minted, Some(successor), ctx);
    Ok(Answer { tokens, commits: true, events: vec![EventKind::Rotated { generation }] })
}

/// The token proves that the store went back in time. Its holder was the last rightful owner as far as anybody can
/// know, so the token becomes the head again; a thief's older one will be seen as reuse as soon as both are used.
fn heal(
    grant: &mut Grant,
    recorded: u32,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let expires_at = grant.capped(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    grant.adopt(presented.number, presented.secret.digest(), ctx.now, expires_at);
    if presented.lineage.binding != Binding::BEARER && grant.approval.confirmation.is_none() {
        // The lost writes had bound it, perhaps when its client did not authenticate yet. Its key was shown, or the request
        // had not been admitted.
        (grant.approval.confirmation, grant.bound_from) = (ctx.confirmation, presented.number);
    }
    let mut answer = renew(grant, presented, request, ctx)?;
    answer.events.insert(0, EventKind::Healed { recorded, presented: presented.number });
    Ok(answer)
}

/// The current refresh token for a former one, byte for byte as it was first handed out: an answer was lost, came
/// second in a race, or went to another process with the same credential. The access token of the last rotation is
/// repeated too while it lives and reaches as far as asked. Binds nothing: the request may be a thief's, and its key
/// too.
fn catch_up(
    grant: &mut Grant,
    steps: u32,
    presented: &Presented<'_>,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let access = reach(grant, request, ctx)?;
    let Walked { key, parent, salt, head, generation, expires_at } = walk(grant, presented, ctx)?;
    let derivation = Derivation { parent: &parent, salt: &salt };
    let successor = Successor::seal(grant, key, generation, &head, &presented.lineage.root, expires_at, ctx);

    let counts = ctx.policy.max_replays != Limit::Unlimited;
    if counts {
        grant.count_replay(presented.number);
    }
    let repeated = repeat(grant, &access, key, &derivation, generation - 1, ctx);
    let commits = counts || repeated.is_none();
    let minted = if let Some(minted) = repeated {
        minted
    } else {
        if ctx.policy.previous_access_token == PreviousAccessToken::Revoke {
            grant.access.clear();
        }
        grant.prune(ctx.now, ctx.policy);
        mint(grant, &access, key, &Origin::Derived(derivation, generation - 1), ctx)?
    };
    let cause = if ctx.has_raced || steps > 1 { ReplayCause::Concurrent } else { ReplayCause::LostResponse };
    let tokens = respond(grant, access, minted, Some(successor), ctx);
    Ok(Answer { tokens, commits, events: vec![EventKind::Replayed { cause, steps }] })
}

/// The head, derived anew, and the rotation that made it.
struct Walked<'a> {
    key: &'a Key,
    parent: TokenSecret,
    salt: Salt,
    head: TokenSecret,
    generation: u32,
    expires_at: Option<Timestamp>,
}

/// Derives successor after successor, up to the head. A head that is not the recorded one comes of another ring under
/// one key id, or of a damaged record: no second successor may leave, and nobody is to blame.
fn walk<'a>(grant: &Grant, presented: &Presented<'_>, ctx: &Context<'a>) -> Result<Walked<'a>, Refusal> {
    let (head, rotations) = grant.head.as_ref().zip(grant.rotations_from(presented.number)).ok_or(SPENT)?;
    let (mut parent, mut last) = (presented.secret.clone(), None);
    for (retired, before) in rotations.zip(presented.number..) {
        // The key of the rotation, not today's primary one: rotating the ring must not change the answer.
        let key = ctx.tokens.ring().key(retired.key_id).ok_or(Refusal::TokenUnrecognized)?;
        let derivation = Derivation { parent: &parent, salt: &retired.salt };
        let secret = key.derive(&derivation, TokenKind::RefreshToken, before + 1);
        last = Some((key, std::mem::replace(&mut parent, secret), retired.salt));
    }
    let (key, before, salt) = last.ok_or(SPENT)?;
    if parent.digest() != head.digest {
        return Err(Refusal::SuccessorMismatch);
    }
    let Head { generation, expires_at, .. } = *head;
    Ok(Walked { key, parent: before, salt, head: parent, generation, expires_at })
}

/// A token of which the record remembers nothing.
const SPENT: Refusal = Refusal::RefreshTokenReused;

/// RFC 9700 section 4.14.2: of two holders of one chain one is a thief, and nobody can tell which. The revocation is
/// committed although the caller gets an error.
fn react(grant: &mut Grant, cause: Refusal, ctx: &Context<'_>) -> Decision<TokenResponse> {
    let revoked = ctx.policy.on_reuse == OnReuse::Revoke;
    let mut events = vec![EventKind::ReuseDetected { cause, revoked }];
    if revoked {
        grant.revoke(ctx.now, RevocationReason::RefreshTokenReuse);
        events.push(EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse));
    }
    Decision { outcome: Err(cause), commits: revoked, events }
}
