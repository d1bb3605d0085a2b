use super::Decision;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::grant::{Grant, Phase, RevocationReason};
use crate::refusal::Refusal;
use crate::token::{Opened, TokenKind};

/// Revokes what the client presents (RFC 7009): with a refresh token of any generation, spent ones too, the grant and all
/// its tokens; with an access token that one alone. What is already dead, or a code, changes nothing.
pub fn revoke(mut grant: Grant, kind: TokenKind, presented: &Opened, client: &Client, now: Timestamp) -> Decision<()> {
    if grant.client_id != client.id {
        return Decision::refuse(grant, Refusal::OtherClient);
    }
    if grant.registration != client.registration {
        return Decision::refuse(grant, Refusal::OtherRegistration);
    }
    match kind {
        TokenKind::RefreshToken => revoke_grant(grant, RevocationReason::ClientRequest, now),
        TokenKind::AccessToken => {
            let digest = presented.secret.digest();
            let before = grant.access.len();
            grant.access.retain(|token| token.serial != presented.number || token.digest != digest);
            if grant.access.len() == before {
                Decision::refuse(grant, Refusal::TokenUnrecognized)
            } else {
                Decision::commit(grant, (), EventKind::AccessTokenRevoked)
            }
        }
        TokenKind::AuthorizationCode => Decision::refuse(grant, Refusal::TokenUnrecognized),
    }
}

/// Revokes a grant with all its tokens. A revoked one stays as it is: the first reason and time stand.
pub fn revoke_grant(mut grant: Grant, reason: RevocationReason, now: Timestamp) -> Decision<()> {
    if matches!(grant.phase, Phase::Revoked { .. }) {
        return Decision::refuse(grant, Refusal::GrantRevoked);
    }
    grant.revoke(now, reason);
    Decision::commit(grant, (), EventKind::GrantRevoked(reason))
}
