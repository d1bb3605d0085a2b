use super::access::Access;
use super::issue::first_tokens;
use super::{Context, Decision, RedeemRequest, TokenResponse};
use crate::grant::{Grant, PendingCode, Phase, RedeemedCode, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Opened, TokenSecret};
use crate::vocabulary::{CodeChallenge, Confirmation, Digest, RedirectUri};

/// Exchanges a code for first tokens: once. The grant was [admitted](super::admit()) before.
///
/// A second use by someone who holds all that the first one held revokes the grant (RFC 6749 section 4.1.2): one of the two
/// is a thief. A second use that fails any check proves nothing and changes nothing.
pub(crate) fn redeem(
    grant: &mut Grant,
    presented: &Opened,
    request: &RedeemRequest,
    ctx: &Context<'_>,
) -> Decision<TokenResponse> {
    match &grant.phase {
        Phase::AwaitingRedemption(code) => match check(grant, code, presented, request, ctx) {
            Ok(redeemed) => exchange(grant, redeemed, request, ctx),
            Err(refusal) => Decision::refuse(refusal),
        },
        Phase::Active { redeemed: Some(code) } if is_second_use(code, presented, request, ctx) => punish(grant, ctx),
        Phase::Active { .. } | Phase::Revoked { .. } | Phase::AwaitingApproval(_) => {
            Decision::refuse(Refusal::CodeSpent)
        }
    }
}

fn check(
    grant: &Grant,
    code: &PendingCode,
    presented: &Opened,
    request: &RedeemRequest,
    ctx: &Context<'_>,
) -> Result<RedeemedCode, Refusal> {
    if presented.secret.digest() != code.digest {
        return Err(Refusal::TokenUnrecognized);
    }
    // RFC 9449 section 10: a code that was asked for with `dpop_jkt` is good only together with that key.
    if code.confirmation.is_some() && code.confirmation != ctx.confirmation {
        return Err(Refusal::ProofOfPossessionFailed);
    }
    if code.expires_at <= ctx.now {
        return Err(Refusal::CodeExpired);
    }
    // RFC 6749 section 4.1.3: present exactly when it was present, and identical.
    if request.redirect_uri.as_deref() != code.redirect_uri.as_ref().map(RedirectUri::as_str) {
        return Err(Refusal::RedirectUriMismatch);
    }
    match (&code.challenge, &request.code_verifier) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
        // Spring CVE-2024-22258, kanidm #1097: a verifier nobody asked for is a stripped challenge.
        (None, Some(_)) => return Err(Refusal::CodeVerifierUnexpected),
        // authentik CVE-2023-48228: a verifier left out is not a verifier that matched.
        (Some(_), _) => return Err(Refusal::CodeVerifierMismatch),
    }
    let redirect_uri = request.redirect_uri.as_deref();
    // The key that the code was bound to. One that only its redeemer shows is none that a second presenter must have.
    let key = code.confirmation.as_ref().or(grant.approval.confirmation.as_ref());
    let possession = possession(&presented.secret, redirect_uri, code.challenge.as_ref(), key);
    Ok(RedeemedCode { possession, expires_at: code.expires_at })
}

fn exchange(
    grant: &mut Grant,
    redeemed: RedeemedCode,
    request: &RedeemRequest,
    ctx: &Context<'_>,
) -> Decision<TokenResponse> {
    if !ctx.client.may_use(&grant.grant_type) {
        return Decision::refuse(Refusal::GrantTypeNotAllowed);
    }
    let access = match Access::requested(grant, None, &request.resources, ctx) {
        Ok(access) => access,
        Err(refusal) => return Decision::refuse(refusal),
    };
    grant.redeem(redeemed);
    match first_tokens(grant, access, ctx) {
        Ok(tokens) => Decision::commit(tokens, EventKind::Redeemed),
        Err(refusal) => Decision::refuse(refusal),
    }
}

fn is_second_use(code: &RedeemedCode, presented: &Opened, request: &RedeemRequest, ctx: &Context<'_>) -> bool {
    let Ok(challenge) = request.code_verifier.as_ref().map(CodeChallenge::of).transpose() else { return false };
    // The record does not tell whether there was a key at the code: an unbound one is matched without, a bound one only with.
    let is_shown = |key: Option<&Confirmation>| {
        let redirect_uri = request.redirect_uri.as_deref();
        possession(&presented.secret, redirect_uri, challenge.as_ref(), key) == code.possession
    };
    ctx.now < code.expires_at && (is_shown(None) || is_shown(ctx.confirmation.as_ref()))
}

fn punish(grant: &mut Grant, ctx: &Context<'_>) -> Decision<TokenResponse> {
    grant.revoke(ctx.now, RevocationReason::CodeReuse);
    Decision {
        outcome: Err(Refusal::CodeReused),
        commits: true,
        events: vec![EventKind::GrantRevoked(RevocationReason::CodeReuse)],
    }
}

/// One digest over all that a redeemer must hold. Fixed-length parts first, presence told, so that no two sets collide.
fn possession(
    secret: &TokenSecret,
    redirect_uri: Option<&str>,
    challenge: Option<&CodeChallenge>,
    confirmation: Option<&Confirmation>,
) -> Digest {
    let (kind, thumbprint): (u8, &[u8]) = match confirmation {
        None => (0, &[]),
        Some(Confirmation::DpopKey(thumbprint)) => (2, thumbprint),
        Some(Confirmation::Certificate(thumbprint)) => (4, thumbprint),
    };
    let present = [kind | u8::from(challenge.is_some()), u8::from(redirect_uri.is_some())];
    let challenge = challenge.map_or(&[0; 32], |challenge| challenge.0.as_bytes());
    Digest::of(&[secret.as_bytes(), &present, challenge, thumbprint, redirect_uri.unwrap_or_default().as_bytes()])
}
