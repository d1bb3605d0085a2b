//! The device authorization grant (RFC 8628). Two records: what the device asked for, found by its user code, and the grant
//! that the user gave it, which is redeemed like a code and reached by `revoke_subject` from the moment of approval.

use std::time::Duration;

use super::access::Access;
use super::issue::{first_tokens, found};
use super::{Context, Decision, DeviceAuthorizationRequest, DeviceAuthorizationResponse, TokenResponse, owned_by};
use crate::grant::{Approval, Grant, PendingCode, PendingDevice, Phase, Verdict};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Claims, Opened, TokenKind, TokenSecret};
use crate::vocabulary::{DeviceCode, Entropy, GrantId, GrantType, Resources, Timestamp, UserCode, draw};

/// RFC 8628 section 3.5: this much longer with each poll that comes too early, for good.
const SLOWER: Duration = Duration::from_secs(5);

/// A device that waits as long as it was told may arrive a little earlier than it meant to.
const JITTER: Duration = Duration::from_millis(500);

/// Begins a device authorization. Its record is found by the user code alone, so there is no other place where the two
/// would have to agree: when the record is taken, another device has the same code, and a new one must be drawn.
///
/// # Errors
/// What the client may not ask for: the flow, scope, a resource.
pub(crate) fn authorize_device(
    request: &DeviceAuthorizationRequest,
    ctx: &Context<'_>,
) -> Result<(Grant, DeviceAuthorizationResponse), Refusal> {
    let user_code = UserCode::random(ctx.entropy);
    let secret = TokenSecret::random(ctx.entropy);
    let scope = ctx.client.scope_of(request.scope.clone()).ok_or(Refusal::ScopeMissing)?;
    let approval = Approval::default().with_scope(scope).with_resources(request.resources.clone());
    let phase = Phase::AwaitingApproval(PendingDevice {
        digest: secret.digest(),
        expires_at: ctx.now + ctx.policy.device_code_lifetime,
        interval: ctx.policy.device_poll_interval,
        polled_at: None,
        verdict: Verdict::Undecided,
    });
    let key = ctx.tokens.ring().primary();
    let mut grant = found(GrantType::DeviceCode, approval, phase, ctx)?;
    grant.id = key.grant_of(&user_code);
    Access::whole(&grant, ctx)?;
    let claims = Claims { grant_id: &grant.id, number: 0, secret: &secret, lineage: None };
    let response = DeviceAuthorizationResponse {
        device_code: DeviceCode::new(ctx.tokens.seal(TokenKind::DeviceCode, key, &claims)),
        user_code,
        expires_in: ctx.policy.device_code_lifetime,
        interval: ctx.policy.device_poll_interval,
        grant_id: grant.id,
    };
    Ok((grant, response))
}

/// The grant that the user gives to the device, and the one that tells the device so. The first is to be stored before the
/// second: a device that hears of it must find it.
///
/// # Errors
/// When nobody waits for the user code any more, or the approval exceeds what the device asked for.
pub(crate) fn approve_device(
    device: &Grant,
    approval: Approval,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let pending = undecided(device, now)?;
    if !approval.scope.is_subset_of(&device.approval.scope) {
        return Err(Refusal::ScopeExceeded);
    }
    if !approval.resources.is_subset_of(&device.approval.resources) {
        return Err(Refusal::ResourceExceeded);
    }
    let phase = Phase::AwaitingRedemption(PendingCode {
        digest: pending.digest,
        redirect_uri: None,
        challenge: None,
        confirmation: None,
        expires_at: pending.expires_at,
    });
    Ok(Grant { id: GrantId::from_bytes(draw(entropy)), approval, created_at: now, phase, ..device.clone() })
}

/// Writes down what the user decided; the first decision stands.
pub(crate) fn decide_device(device: &mut Grant, approved: Option<GrantId>, now: Timestamp) -> Decision<()> {
    if let Err(refusal) = undecided(device, now) {
        return Decision::refuse(refusal);
    }
    if let Phase::AwaitingApproval(pending) = &mut device.phase {
        pending.verdict = approved.map_or(Verdict::Denied, Verdict::Approved);
    }
    // An approval was told with the grant that came of it.
    let events = if approved.is_some() { Vec::new() } else { vec![EventKind::DeviceDecided { approved: false }] };
    Decision { outcome: Ok(()), commits: true, events }
}

/// Whether somebody waits for the user's decision.
pub(crate) fn undecided(device: &Grant, now: Timestamp) -> Result<&PendingDevice, Refusal> {
    match &device.phase {
        Phase::AwaitingApproval(pending) if pending.verdict == Verdict::Undecided && now < pending.expires_at => {
            Ok(pending)
        }
        _ => Err(Refusal::UserCodeUnknown),
    }
}

/// What a device is told that asks: the grant to redeem, or why not yet. A poll that comes while nothing is decided is
/// noted, since the next one is measured from it.
pub(crate) fn poll(device: &mut Grant, presented: &Opened, ctx: &Context<'_>) -> Decision<GrantId> {
    if let Err(refusal) = owned_by(ctx.client, device) {
        return Decision::refuse(refusal);
    }
    let pending = match &mut device.phase {
        Phase::AwaitingApproval(pending) if pending.digest == presented.secret.digest() => pending,
        Phase::Revoked { .. } => return Decision::refuse(Refusal::GrantRevoked),
        _ => return Decision::refuse(Refusal::TokenUnrecognized),
    };
    if pending.expires_at <= ctx.now {
        return Decision::refuse(Refusal::DeviceCodeExpired);
    }
    match pending.verdict {
        Verdict::Approved(grant_id) => Decision { outcome: Ok(grant_id), commits: false, events: Vec::new() },
        Verdict::Denied => Decision::refuse(Refusal::DeniedByOwner),
        Verdict::Undecided => {
            let waited = pending.polled_at.and_then(|polled_at| ctx.now.since(polled_at));
            pending.polled_at = Some(ctx.now);
            if waited.is_some_and(|waited| waited + JITTER < pending.interval) {
                pending.interval += SLOWER;
                Decision::commit_refusal(Refusal::PolledTooFast)
            } else {
                Decision::commit_refusal(Refusal::AuthorizationPending)
            }
        }
    }
}

/// Issues first tokens to the device: once. The grant was [admitted](super::admit()) before.
pub(crate) fn redeem_device(grant: &mut Grant, presented: &Opened, ctx: &Context<'_>) -> Decision<TokenResponse> {
    match &grant.phase {
        Phase::AwaitingRedemption(code) if code.digest != presented.secret.digest() => {
            return Decision::refuse(Refusal::TokenUnrecognized);
        }
        Phase::AwaitingRedemption(code) if code.expires_at <= ctx.now => {
            return Decision::refuse(Refusal::DeviceCodeExpired);
        }
        Phase::AwaitingRedemption(_) if ctx.client.may_use(&grant.grant_type) => {}
        Phase::AwaitingRedemption(_) => return Decision::refuse(Refusal::GrantTypeNotAllowed),
        _ => return Decision::refuse(Refusal::CodeSpent),
    }
    let tokens = Access::requested(grant, None, &Resources::none(), ctx).and_then(|access| {
        grant.phase = Phase::Active { redeemed: None };
        first_tokens(grant, access, ctx)
    });
    match tokens {
        Ok(tokens) => Decision::commit(tokens, EventKind::Redeemed),
        Err(refusal) => Decision::refuse(refusal),
    }
}
