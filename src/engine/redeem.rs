//! The redemption of authorization codes (RFC 6749 section 4.1.3) and their second use.
//!
//! A code passes the checks up to life (ARCHITECTURE.md, order of checks). Then these follow, in this order:
//!
//! | check | refusal | the attack |
//! |---|---|---|
//! | secret of the code | `TokenUnrecognized` | a code that was sealed with a leaked key of the ring |
//! | `dpop_jkt` | `ProofOfPossessionFailed` | a stolen code, redeemed with the thief's own key (RFC 9449 section 10) |
//! | expiry | `CodeExpired` | a code found later, in a log or a browser's history |
//! | redirect URI | `RedirectUriMismatch` | a code that was sent to a manipulated URI (RFC 6749 section 10.6) |
//! | PKCE | `CodeVerifierMismatch` | a code that another app intercepted (RFC 7636 section 1) |
//! | PKCE | `CodeVerifierMalformed` | none: a client that encodes its verifier wrongly (RFC 7636 section 4.1) |
//! | PKCE | `CodeVerifierUnexpected` | a challenge that was stripped on the way (RFC 9700 section 4.8.2) |
//!
//! A code may have leaked through a redirect, a log or a browser's history. So a stolen code alone must not suffice to
//! end the session of its owner: only a second presenter who passes every check of the first one revokes the grant.

use smallvec::smallvec;

use super::access::{Access, Named};
use super::issue::first_tokens;
use super::{Admitted, Context, Decision, RedeemRequest, UnsignedResponse};
use crate::grant::{Grant, PendingCode, Phase, RedeemedCode, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Opened, TokenSecret};
use crate::vocabulary::{CodeChallenge, Confirmation, Digest, RedirectUri};

/// Redeems an authorization code for the first tokens of its grant, once.
///
/// A second use by a presenter who holds everything that the first one held revokes the grant (RFC 6749 section 4.1.2):
/// one of the two is a thief. A second use that fails any check proves nothing and changes nothing.
///
/// The race of two requests with one code needs no case of its own. Both may decide here; the store lets one of them
/// win, and the other one decides again about an active grant: a second use.
pub(crate) fn redeem(
    grant: &mut Grant,
    presented: Admitted<'_>,
    request: &RedeemRequest,
    ctx: &Context<'_>,
) -> Decision<UnsignedResponse> {
    match grant.phase() {
        Phase::AwaitingRedemption(code) => match check(grant, code, &presented, request, ctx) {
            Ok(redeemed) => first_redemption(grant, redeemed, request, ctx),
            Err(refusal) => Decision::refuse(refusal),
        },
        Phase::Active { redeemed: Some(code) } if is_second_use(code, &presented, request, ctx) => {
            revoke_for_reuse(grant, ctx)
        }
        Phase::Active { .. } | Phase::Revoked { .. } | Phase::AwaitingApproval(_) | Phase::AwaitingAuthorization(_) => {
            Decision::refuse(Refusal::CodeSpent)
        }
    }
}

/// Runs the checks of the module. Returns the digest of everything that a second presenter must hold.
///
/// # Errors
/// The first check that fails. The code stays valid, so an attacker who guesses cannot use it up for the client.
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
    // RFC 9449 section 10: a code that was requested with `dpop_jkt` can be redeemed with that key only.
    if code.confirmation.is_some() && code.confirmation != ctx.key {
        return Err(Refusal::ProofOfPossessionFailed);
    }
    if code.expires_at <= ctx.now {
        return Err(Refusal::CodeExpired);
    }
    // RFC 6749 section 4.1.3: present exactly when it was present in the authorization request, and identical.
    if request.redirect_uri.as_deref() != code.redirect_uri.as_ref().map(RedirectUri::as_str) {
        return Err(Refusal::RedirectUriMismatch);
    }
    match (&code.challenge, &request.code_verifier) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
        // Spring CVE-2024-22258, kanidm #1097: a verifier without a challenge means that the challenge was stripped.
        (None, Some(_)) => return Err(Refusal::CodeVerifierUnexpected),
        // The digest of such a verifier may be that of the challenge, so a mismatch would mislead the operator.
        (Some(_), Some(verifier)) if CodeChallenge::of(verifier).is_err() => {
            return Err(Refusal::CodeVerifierMalformed);
        }
        // authentik CVE-2023-48228: a missing verifier does not match a challenge.
        (Some(_), _) => return Err(Refusal::CodeVerifierMismatch),
    }
    let redirect_uri = request.redirect_uri.as_deref();
    // The key that the code was bound to. A key that only the redeemer proves is not required of a second presenter.
    let key = code.confirmation.as_ref().or(grant.approval().confirmation.as_ref());
    let digest = digest_of(&presented.secret, redirect_uri, code.challenge.as_ref(), key);
    Ok(RedeemedCode { digest, expires_at: code.expires_at })
}

/// Activates the grant and issues its first tokens.
///
/// The reach is checked again. It was checked when the code was issued, and the registration may have changed since. A
/// refusal here discards the redemption, and the code stays valid.
fn first_redemption(
    grant: &mut Grant,
    redeemed: RedeemedCode,
    request: &RedeemRequest,
    ctx: &Context<'_>,
) -> Decision<UnsignedResponse> {
    let authorization_details = request.authorization_details.as_ref();
    let named = Named { scope: None, resources: &request.resources, authorization_details };
    let access = match Access::requested(grant, &named, ctx) {
        Ok(access) => access,
        Err(refusal) => return Decision::refuse(refusal),
    };
    grant.redeem(Some(redeemed));
    match first_tokens(grant, access, ctx) {
        Ok(tokens) => Decision::commit(tokens, EventKind::Redeemed),
        Err(refusal) => Decision::refuse(refusal),
    }
}

/// Returns true when the presenter holds everything that the first one held: the code, the redirect URI, the verifier
/// and the bound key.
///
/// False once the code would have expired: a code in an old log must not end a session of today.
fn is_second_use(code: &RedeemedCode, presented: &Opened, request: &RedeemRequest, ctx: &Context<'_>) -> bool {
    let Ok(challenge) = request.code_verifier.as_ref().map(CodeChallenge::of).transpose() else { return false };
    // The record does not show whether the code was bound. An unbound one matches without a key, a bound one only with
    // it.
    let matches_with = |key: Option<&Confirmation>| {
        let redirect_uri = request.redirect_uri.as_deref();
        digest_of(&presented.secret, redirect_uri, challenge.as_ref(), key) == code.digest
    };
    ctx.now < code.expires_at && (matches_with(None) || matches_with(ctx.key.as_ref()))
}

/// Revokes the grant with all tokens that the first redemption issued (RFC 6749 section 4.1.2). Committed, although the
/// caller gets an error: one of the exceptions in ARCHITECTURE.md, order of checks.
fn revoke_for_reuse(grant: &mut Grant, ctx: &Context<'_>) -> Decision<UnsignedResponse> {
    grant.revoke(ctx.now, RevocationReason::CodeReuse);
    Decision {
        outcome: Err(Refusal::CodeReused),
        commits: true,
        events: smallvec![EventKind::GrantRevoked(RevocationReason::CodeReuse)],
    }
}

/// Returns one digest over everything that a redeemer must hold. The parts of fixed length come first, with their
/// presence, so that no two different sets have the same digest.
///
/// One digest instead of its parts: a stolen record then reveals neither the redirect URI nor the challenge of a code
/// that was redeemed, and the record stays short.
fn digest_of(
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
    let present = [kind + u8::from(challenge.is_some()), u8::from(redirect_uri.is_some())];
    let challenge = challenge.map_or(&[0; 32], |challenge| challenge.0.as_bytes());
    Digest::of(&[secret.as_bytes(), &present, challenge, thumbprint, redirect_uri.unwrap_or_default().as_bytes()])
}
