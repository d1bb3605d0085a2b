//! The device authorization grant (RFC 8628). It has two records. One holds the request of the device and is found by
//! its user code. The other is the grant that the user approved: it is redeemed like a code, and `revoke_subject`
//! reaches it from the moment of approval.
//!
//! ```text
//!   device                  service                                      page of the host
//!     | authorize_device ----> record of the device, undecided
//!     | poll ----------------> authorization_pending
//!     |                        grant created, verdict recorded <---------- approve_device |
//!     | poll ----------------> grant redeemed, once
//! ```
//!
//! The id of the first record follows from the user code and a key of the ring. So the page finds it by the code alone,
//! and a stolen database does not contain the codes. The second record has a random id, as every other grant.
//!
//! A user code has 34.5 bits and can be guessed. Guessing it gives no tokens: they go to the device, which needs the
//! device code with its 256 random bits. An attacker can still start a device himself and send his user code to a
//! victim (RFC 8628 section 5.4), so the page must show the client and the scope.

use std::time::Duration;

use super::access::{Access, Named};
use super::issue::{create_grant, first_tokens};
use super::{
    Admitted, Context, Decision, DeviceAuthorizationRequest, DeviceAuthorizationResponse, Events, UnsignedResponse,
    owned_by,
};
use crate::grant::{Approval, Grant, PendingCode, PendingDevice, Phase, Verdict};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Claims, Opened, TokenKind, TokenSecret};
use crate::vocabulary::{
    AuthorizationDetails, DeviceCode, Entropy, GrantId, GrantType, Resources, Timestamp, UserCode, draw,
};

/// The time that each poll which comes too early adds to the interval, for good (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// The tolerance for a poll that keeps the interval and arrives a little early, because the network was faster.
const JITTER: Duration = Duration::from_millis(500);

/// Starts a device authorization. Its id follows from the user code. When a record of that id exists, another device
/// has the same code, and a new one must be drawn.
///
/// Scope and resources are checked now. Otherwise a user could approve a request that the redemption refuses.
///
/// # Errors
/// A [`Refusal`] when the client may not use the flow, or not ask for the scope or a resource.
pub(crate) fn authorize_device(
    request: &DeviceAuthorizationRequest,
    ctx: &Context<'_>,
) -> Result<(Grant, DeviceAuthorizationResponse), Refusal> {
    let user_code = UserCode::random(ctx.entropy);
    let secret = TokenSecret::random(ctx.entropy);
    let scope = ctx.client.scope_of(request.scope.clone()).ok_or(Refusal::ScopeMissing)?;
    let approval = Approval::default()
        .with_scope(scope)
        .with_resources(request.resources.clone())
        .with_authorization_details(request.authorization_details.clone());
    let phase = Phase::AwaitingApproval(Box::new(PendingDevice {
        digest: secret.digest(),
        expires_at: ctx.now + ctx.policy.device_code_lifetime,
        interval: ctx.policy.device_poll_interval,
        polled_at: None,
        verdict: Verdict::Undecided,
    }));
    let key = ctx.tokens.ring().primary();
    let grant = create_grant(GrantType::DeviceCode, approval, phase, ctx)?.with_id(key.user_code_grant_id(&user_code));
    Access::whole(&grant, ctx)?;
    let claims = Claims { grant_id: &grant.id(), number: 0, secret: &secret, lineage: None };
    let response = DeviceAuthorizationResponse {
        device_code: DeviceCode::new(ctx.tokens.seal(TokenKind::DeviceCode, key, &claims)),
        user_code,
        expires_in: ctx.policy.device_code_lifetime,
        interval: ctx.policy.device_poll_interval,
        grant_id: grant.id(),
    };
    Ok((grant, response))
}

/// Creates the grant that the user gives to the device. Store it before the decision in the record of the device: a
/// device that learns of the grant must find it.
///
/// The grant holds the digest of the device code, so only that device can redeem it. It expires with the code. If the
/// second write fails, it therefore expires unused.
///
/// # Errors
/// [`Refusal::UserCodeUnknown`] when no device waits for the decision any more, [`Refusal::ScopeExceeded`],
/// [`Refusal::ResourceExceeded`] or [`Refusal::AuthorizationDetailsExceeded`] when the approval exceeds the request of
/// the device. The user may approve less than the device asked for, never more.
pub(crate) fn approve_device(
    device: &Grant,
    approval: Approval,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let pending = undecided(device, now)?;
    if !approval.scope.is_subset_of(&device.approval().scope) {
        return Err(Refusal::ScopeExceeded);
    }
    if !approval.resources.is_subset_of(&device.approval().resources) {
        return Err(Refusal::ResourceExceeded);
    }
    let asked = device.approval().authorization_details.as_ref();
    let is_asked = |details: &AuthorizationDetails| asked.is_some_and(|asked| details.is_subset_of(asked));
    if !approval.authorization_details.as_ref().is_none_or(is_asked) {
        return Err(Refusal::AuthorizationDetailsExceeded);
    }
    let approval = Approval { resources: approval.resources.intersection(&device.approval().resources), ..approval };
    let code = PendingCode {
        digest: pending.digest,
        redirect_uri: None,
        challenge: None,
        confirmation: None,
        expires_at: pending.expires_at,
    };
    Ok(device.approved(GrantId::from_bytes(draw(entropy)), approval, code, now))
}

/// Records the decision of the user. The first decision stands: a second click, or a second tab, gets
/// [`Refusal::UserCodeUnknown`].
///
/// `approved` is the grant of [`approve_device`], or `None` for a denial.
pub(crate) fn decide_device(device: &mut Grant, approved: Option<GrantId>, now: Timestamp) -> Decision<()> {
    if let Err(refusal) = undecided(device, now) {
        return Decision::refuse(refusal);
    }
    device.decide(approved.map_or(Verdict::Denied, Verdict::Approved));
    // An approval was reported with the grant that it created.
    let events = approved.is_none().then_some(EventKind::DeviceDecided { approved: false }).into_iter().collect();
    Decision { outcome: Ok(()), commits: true, events }
}

/// Returns the device that waits for the decision of its user.
///
/// # Errors
/// [`Refusal::UserCodeUnknown`] when no device waits any more.
///
/// One refusal for a code that is unknown, expired or decided: a guess reveals nothing.
pub(crate) fn undecided(device: &Grant, now: Timestamp) -> Result<&PendingDevice, Refusal> {
    match device.phase() {
        Phase::AwaitingApproval(pending) if pending.verdict == Verdict::Undecided && now < pending.expires_at => {
            Ok(pending)
        }
        _ => Err(Refusal::UserCodeUnknown),
    }
}

/// Answers the poll of a device with the grant to redeem, or the reason to wait. A poll before the decision is
/// recorded, since the interval of the next one is measured from it.
///
/// | state | refusal | code (RFC 8628 section 3.5) |
/// |---|---|---|
/// | undecided, interval kept | `AuthorizationPending` | `authorization_pending` |
/// | undecided, too early | `PolledTooFast`, and the interval grows by 5 s | `slow_down` |
/// | denied | `DeniedByOwner` | `access_denied` |
/// | expired | `DeviceCodeExpired` | `expired_token` |
/// | not a device code of this client | `OtherClient` and others | `invalid_grant` |
///
/// A poll after an approval writes nothing: the redemption of the grant does.
pub(crate) fn poll(device: &mut Grant, presented: &Opened, ctx: &Context<'_>) -> Decision<GrantId> {
    if let Err(refusal) = owned_by(ctx.client, device) {
        return Decision::refuse(refusal);
    }
    let pending = match device.phase() {
        Phase::AwaitingApproval(pending) if pending.digest == presented.secret.digest() => pending,
        Phase::Revoked { .. } => return Decision::refuse(Refusal::GrantRevoked),
        _ => return Decision::refuse(Refusal::TokenUnrecognized),
    };
    if pending.expires_at <= ctx.now {
        return Decision::refuse(Refusal::DeviceCodeExpired);
    }
    match pending.verdict {
        Verdict::Approved(grant_id) => Decision { outcome: Ok(grant_id), commits: false, events: Events::new() },
        Verdict::Denied => Decision::refuse(Refusal::DeniedByOwner),
        Verdict::Undecided => {
            let waited = pending.polled_at.and_then(|polled_at| ctx.now.since(polled_at));
            let (refusal, interval) = if waited.is_some_and(|waited| waited + JITTER < pending.interval) {
                (Refusal::PolledTooFast, pending.interval + SLOWER)
            } else {
                (Refusal::AuthorizationPending, pending.interval)
            };
            device.note_poll(ctx.now, interval);
            Decision { outcome: Err(refusal), commits: true, events: Events::new() }
        }
    }
}

/// Issues the first tokens to the device, once.
///
/// A second redemption is refused and revokes nothing, unlike that of an authorization code. A device code never passes
/// through a browser, and a device that lost the response polls again. It gets `invalid_grant` and starts a new
/// authorization.
pub(crate) fn redeem_device(
    grant: &mut Grant,
    presented: Admitted<'_>,
    ctx: &Context<'_>,
) -> Decision<UnsignedResponse> {
    match grant.phase() {
        Phase::AwaitingRedemption(code) if code.digest != presented.secret.digest() => {
            return Decision::refuse(Refusal::TokenUnrecognized);
        }
        Phase::AwaitingRedemption(code) if code.expires_at <= ctx.now => {
            return Decision::refuse(Refusal::DeviceCodeExpired);
        }
        Phase::AwaitingRedemption(_) => {}
        _ => return Decision::refuse(Refusal::CodeSpent),
    }
    let whole = Named { scope: None, resources: &Resources::empty(), authorization_details: None };
    let tokens = Access::requested(grant, &whole, ctx).and_then(|access| {
        grant.redeem(None);
        first_tokens(grant, access, ctx)
    });
    match tokens {
        Ok(tokens) => Decision::commit(tokens, EventKind::Redeemed),
        Err(refusal) => Decision::refuse(refusal),
    }
}
