//! Revocation by the client (RFC 7009) and by the host.
//!
//! A client gets the same answer to every token: the caller must not learn from it that a token exists, or to which
//! client it belongs (RFC 7009 section 2.2). So the outcomes here differ for events and for the host alone.

use super::{Decision, check_owner};
use crate::client::Client;
use crate::grant::{Grant, Phase, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::token::{Detail, Opened};
use crate::vocabulary::{Subject, Timestamp};

/// Revokes the token that the client presents (RFC 7009). A refresh token of any generation, spent ones too, revokes
/// the grant with all its tokens. An access token is revoked alone. A code, or a token that is no longer valid, changes
/// nothing.
///
/// Neither the key nor the life of the token is checked. A client that lost its key must still be able to log out, and
/// a thief who revokes a stolen token helps its owner.
///
/// The client never sees the outcome.
pub(crate) fn revoke(grant: &mut Grant, presented: &Opened, client: &Client, now: Timestamp) -> Decision<bool> {
    if let Err(refusal) = check_owner(client, grant, presented) {
        return Decision::refuse(refusal);
    }
    match presented.detail {
        Detail::RefreshToken { .. } => revoke_grant(grant, RevocationReason::ClientRequest, now),
        Detail::AccessToken { serial } if grant.revoke_access_token(serial, presented.secret.digest(), now) => {
            Decision::commit(true, EventKind::AccessTokenRevoked)
        }
        Detail::AccessToken { .. } | Detail::Code => Decision::refuse(Refusal::TokenUnrecognized),
    }
}

/// Revokes a grant of `subject`. A grant of another resource owner, or of none, stays as it is.
pub(crate) fn revoke_grant_of(grant: &mut Grant, subject: &Subject, now: Timestamp) -> Decision<bool> {
    if grant.approval().subject.as_ref() != Some(subject) {
        return Decision::refuse(Refusal::OtherSubject);
    }
    revoke_grant(grant, RevocationReason::HostRequest, now)
}

/// Revokes a grant with all its tokens, also when nothing of it is alive by this node's clock: the clock of another
/// node may be behind. A revoked grant stays as it is: the first reason and time stand.
///
/// The outcome is true when something was alive.
pub(crate) fn revoke_grant(grant: &mut Grant, reason: RevocationReason, now: Timestamp) -> Decision<bool> {
    if matches!(grant.phase(), Phase::Revoked { .. }) {
        return Decision::refuse(Refusal::GrantRevoked);
    }
    let was_alive = grant.deletable_from().is_none_or(|at| now < at);
    grant.revoke(now, reason);
    Decision::commit(was_alive, EventKind::GrantRevoked(reason))
}
