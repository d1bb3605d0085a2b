//! The heart: what a presented refresh token is worth, and what follows. Rows 6 to 9 of the order of checks.

use super::access::{Access, Origin, Successor, mint, repeat, respond};
use super::issue::bind;
use super::{Context, Decision, RefreshRequest, TokenResponse};
use crate::clock::Timestamp;
use crate::entropy::draw;
use crate::event::{EventKind, ReplayCause};
use crate::grant::{Grace, Grant, Replayable, RevocationReason, Rotation};
use crate::grant_type::GrantType;
use crate::policy::{GraceEnds, Limit, OnReuse, OnRollback, PreviousAccessToken};
use crate::refusal::Refusal;
use crate::token::{Derivation, Opened, Salt, TokenKind};

/// Answers a refresh. The grant was [admitted](super::admit()) before.
pub fn refresh(
    grant: &mut Grant,
    presented: &Opened,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Decision<TokenResponse> {
    let answer = match standing(grant, presented, ctx) {
        Standing::Head => renew(grant, presented, request, ctx),
        Standing::Ahead { recorded } => heal(grant, recorded, presented, request, ctx),
        Standing::InGrace(replayable) => replay(grant, &replayable, presented, request, ctx),
        Standing::Refused(refusal) => Err(refusal),
        Standing::Reused(cause) => return react(grant, cause, ctx),
    };
    match answer {
        Ok(Answer { tokens, commits, events }) => Decision { outcome: Ok(tokens), commits, events },
        Err(refusal) => Decision::refuse(refusal),
    }
}

/// What a genuine refresh token is in the life of its grant.
enum Standing {
    /// The current one.
    Head,
    /// Ahead of the record: the store lost acknowledged writes.
    Ahead { recorded: Option<u32> },
    /// Retired, and to be answered with its successor once more.
    InGrace(Replayable),
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

/// Row 7, by generation and never by time. The head's own end (row 6) comes first, except for a token ahead of the record:
/// what the record knows of the head is then out of date.
fn standing(grant: &Grant, presented: &Opened, ctx: &Context<'_>) -> Standing {
    let recorded = grant.head.as_ref().map(|head| head.generation);
    let Some(head) = grant.head.as_ref().filter(|head| presented.number <= head.generation) else {
        return match ctx.policy.on_rollback {
            OnRollback::Heal => Standing::Ahead { recorded },
            OnRollback::Refuse => Standing::Refused(Refusal::RefreshTokenAhead),
        };
    };
    if has_ended(head.end(ctx.policy), ctx) {
        return Standing::Refused(Refusal::RefreshTokenExpired);
    }
    if presented.number < head.generation {
        former(grant, head.generation, presented, ctx)
    } else if presented.secret.digest() == head.digest {
        Standing::Head
    } else {
        Standing::Reused(Refusal::RefreshTokenForked)
    }
}

/// A former head. While its grace clock runs it is never taken for theft: parallel tabs and retries look just like this.
fn former(grant: &Grant, head: u32, presented: &Opened, ctx: &Context<'_>) -> Standing {
    let Some(retired) = grant.retired(presented.number) else {
        return Standing::Reused(Refusal::RefreshTokenReused);
    };
    let grace = retired.grace(ctx.now, ctx.policy);
    if grace == Grace::Over {
        return Standing::Reused(Refusal::RefreshTokenReused);
    }
    // An entry that speaks for merged generations too can be replayed for its own alone.
    let is_own = presented.number == retired.generation;
    let successor_may_be_used = ctx.policy.grace_ends == GraceEnds::Deadline || presented.number + 1 == head;
    match &retired.replay {
        Some(replay) if is_own && successor_may_be_used => {
            if presented.secret.digest() != replay.digest {
                Standing::Reused(Refusal::RefreshTokenForked)
            } else if grace == Grace::NotYet {
                Standing::Refused(Refusal::ClockBehind)
            } else if has_ended(replay.expires_at, ctx) {
                Standing::Refused(Refusal::RefreshTokenExpired)
            } else if ctx.policy.max_replays.is_reached_by(replay.replays) {
                Standing::Refused(Refusal::ReplayLimitReached)
            } else {
                Standing::InGrace(replay.clone())
            }
        }
        _ => Standing::Refused(Refusal::SuccessorUsed),
    }
}

/// Row 8: the client may refresh, and may have what it asks for.
fn reach(grant: &Grant, request: &RefreshRequest, ctx: &Context<'_>) -> Result<Access, Refusal> {
    if !ctx.client.may_use(&GrantType::RefreshToken) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    Access::requested(grant, request.scope.as_ref(), &request.resources, ctx)
}

/// The head was presented: rotate it, or mint an access token beside it.
fn renew(
    grant: &mut Grant,
    presented: &Opened,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let access = reach(grant, request, ctx)?;
    bind(grant, ctx);
    if ctx.policy.previous_access_token == PreviousAccessToken::Revoke {
        grant.access.clear();
    }
    if ctx.policy.grace_ends == GraceEnds::DeadlineOrSuccessorUse {
        grant.end_replays();
    }
    let key = ctx.tokens.ring().primary();
    if !ctx.policy.issue_refresh_tokens_on_refresh {
        grant.prune(ctx.now, ctx.policy);
        let minted = mint(grant, &access, key, &Origin::Drawn, ctx)?;
        let tokens = respond(grant, access, minted, None, ctx);
        return Ok(Answer { tokens, commits: true, events: vec![EventKind::Refreshed] });
    }
    let salt: Salt = draw(ctx.entropy);
    let derivation = Derivation { parent: &presented.secret, salt: &salt };
    let generation = presented.number.checked_add(1).ok_or(Refusal::GrantExhausted)?;
    let secret = key.derive(&derivation, TokenKind::RefreshToken, generation);
    let expires_at = grant.capped(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    grant.rotate(&Rotation { generation, digest: secret.digest(), expires_at, salt, key_id: key.id() }, ctx.now);
    grant.prune(ctx.now, ctx.policy);
    let minted = mint(grant, &access, key, &Origin::Derived(derivation, presented.number), ctx)?;
    let successor = Successor::seal(grant, key, generation, &secret, expires_at, ctx);
    let tokens = respond(grant, access, minted, Some(successor), ctx);
    Ok(Answer { tokens, commits: true, events: vec![EventKind::Rotated { generation }] })
}

/// The token proves that the store went back in time. Whoever holds it was its last rightful owner as far as anybody can
/// know, so it becomes the head again; a thief's older one will be seen as reuse as soon as both are used.
fn heal(
    grant: &mut Grant,
    recorded: Option<u32>,
    presented: &Opened,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let expires_at = grant.capped(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
    grant.adopt(presented.number, presented.secret.digest(), ctx.now, expires_at);
    let mut answer = renew(grant, presented, request, ctx)?;
    answer.events.insert(0, EventKind::Healed { recorded, presented: presented.number });
    Ok(answer)
}

/// The answer to the first use was lost, or came second in a race: the same successor again, byte for byte, derived anew
/// from the token presented. The access token is repeated too while it lives and reaches as far as asked.
fn replay(
    grant: &mut Grant,
    replayable: &Replayable,
    presented: &Opened,
    request: &RefreshRequest,
    ctx: &Context<'_>,
) -> Result<Answer, Refusal> {
    let access = reach(grant, request, ctx)?;
    // The key of the rotation, not today's primary one: rotating the ring must not change the answer.
    let key = ctx.tokens.ring().key(replayable.key_id).ok_or(Refusal::TokenUnrecognized)?;
    let derivation = Derivation { parent: &presented.secret, salt: &replayable.salt };
    let generation = presented.number + 1;
    let secret = key.derive(&derivation, TokenKind::RefreshToken, generation);
    let successor = Successor::seal(grant, key, generation, &secret, grant.refresh_token_end(generation), ctx);

    let repeated = repeat(grant, &access, key, &derivation, presented.number, ctx);
    let counts = ctx.policy.max_replays != Limit::Unlimited;
    let is_bound_now = bind(grant, ctx);
    let commits = counts || is_bound_now || repeated.is_none();
    if counts {
        grant.count_replay(presented.number);
    }
    let minted = if let Some(minted) = repeated {
        minted
    } else {
        grant.prune(ctx.now, ctx.policy);
        mint(grant, &access, key, &Origin::Derived(derivation, presented.number), ctx)?
    };
    let cause = if ctx.has_raced { ReplayCause::Concurrent } else { ReplayCause::LostResponse };
    let tokens = respond(grant, access, minted, Some(successor), ctx);
    Ok(Answer { tokens, commits, events: vec![EventKind::Replayed { cause }] })
}

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

fn has_ended(end: Option<Timestamp>, ctx: &Context<'_>) -> bool {
    end.is_some_and(|end| end <= ctx.now)
}
