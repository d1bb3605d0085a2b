use super::{Decision, presented_by};
use crate::client::Client;
use crate::grant::{Grant, Phase, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Opened, TokenKind};
use crate::vocabulary::Timestamp;

/// Revokes what the client presents (RFC 7009): with a refresh token of any generation, spent ones too, the grant and all
/// its tokens; with an access token that one alone. What is already dead, or a code, changes nothing.
///
/// The answer is whether anything was alive.
pub(crate) fn revoke(
    grant: &mut Grant,
    kind: TokenKind,
    presented: &Opened,
    client: &Client,
    now: Timestamp,
) -> Decision<bool> {
    if let Err(refusal) = presented_by(client, grant, presented) {
        return Decision::refuse(refusal);
    }
    match kind {
        TokenKind::RefreshToken => revoke_grant(grant, RevocationReason::ClientRequest, now),
        TokenKind::AccessToken => revoke_access_token(grant, presented, now),
        TokenKind::AuthorizationCode | TokenKind::DeviceCode | TokenKind::JwtId => {
            Decision::refuse(Refusal::TokenUnrecognized)
        }
    }
}

/// Revokes a grant with all its tokens, also when by this node's clock nothing of it is alive: another's may run behind. A
/// revoked one stays as it is: the first reason and time stand.
///
/// The answer is whether anything was alive.
pub(crate) fn revoke_grant(grant: &mut Grant, reason: RevocationReason, now: Timestamp) -> Decision<bool> {
    if matches!(grant.phase, Phase::Revoked { .. }) {
        return Decision::refuse(Refusal::GrantRevoked);
    }
    let was_alive = grant.ends_at().is_none_or(|end| now < end);
    grant.revoke(now, reason);
    Decision::commit(was_alive, EventKind::GrantRevoked(reason))
}

fn revoke_access_token(grant: &mut Grant, presented: &Opened, now: Timestamp) -> Decision<bool> {
    let digest = presented.secret.digest();
    let found = grant.access.iter().position(|token| token.serial == presented.number && token.digest == digest);
    let Some((index, expires_at)) = found.and_then(|index| Some((index, grant.access.get(index)?.expires_at))) else {
        return Decision::refuse(Refusal::TokenUnrecognized);
    };
    if grant.head.is_none() && grant.access.len() == 1 {
        // Nothing else is left, but the record has to stay.
        grant.revoke(now, RevocationReason::ClientRequest);
    } else {
        grant.access.remove(index);
    }
    Decision::commit(now < expires_at, EventKind::AccessTokenRevoked)
}
