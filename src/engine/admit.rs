//! The checks before a decision about a grant. ARCHITECTURE.md, order of checks: owner, proof, life.
//!
//! The types carry the order. [`check_owner`] turns an opened token into an [`Owned`] one, [`admit`] turns that into an
//! [`Admitted`] one, and the decisions about codes and refresh tokens take nothing else. Between the two the service
//! verifies the proof of possession, which uses it up: a request with the token of another client must not cost
//! anything.
//!
//! No check here writes. Until the decision a request proves too little about its sender:
//!
//! * Before **owner** any client could name a grant id. A foreign client that guessed or found a token must not end the
//!   session of its owner (keystone #1262).
//! * Before **proof** a bound token may come from a thief who lacks the key. If such a token counted as reuse, every
//!   thief could revoke the grant of the victim.
//! * Before **life** the grant may have ended, and then there is nothing left to protect.

use std::ops::Deref;

use super::Context;
use crate::client::Client;
use crate::grant::{Grant, Phase};
use crate::outcome::Refusal;
use crate::token::{Binding, Detail, Opened};

/// A token that belongs to the grant and was presented by the client of the grant. Made by [`check_owner`] alone.
///
/// It says nothing yet about the sender: a token that leaked is still owned by its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owned<'a>(&'a Opened);

/// An owned token of a request that passed the checks of proof and life. Made by [`admit`], and for an explanation that
/// decides about a copy of the grant.
///
/// A decision that takes this type cannot be called with a check missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted<'a>(&'a Opened);

impl Deref for Owned<'_> {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        self.0
    }
}

impl Deref for Admitted<'_> {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        self.0
    }
}

/// Checks that `client` holds the grant, and that the grant issued the token. A key of the ring can seal a token of any
/// grant id. Only refresh tokens that the grant issued carry its root.
///
/// Codes and access tokens carry no root. Their decisions compare the digest of the secret with the record, which
/// proves the same.
///
/// # Errors
/// The first check that fails: [`Refusal::OtherClient`], [`Refusal::OtherRegistration`] or [`Refusal::RootMismatch`].
/// All of them are `invalid_grant` on the wire, as an unknown token is, so that a client cannot probe for the tokens of
/// others.
pub(crate) fn check_owner<'a>(client: &Client, grant: &Grant, presented: &'a Opened) -> Result<Owned<'a>, Refusal> {
    owned_by(client, grant)?;
    let has_root = match &presented.detail {
        Detail::RefreshToken { lineage, .. } => {
            let digest = lineage.root.digest();
            grant.head().is_some_and(|head| head.root == digest)
        }
        Detail::AccessToken { .. } | Detail::Code => true,
    };
    if has_root { Ok(Owned(presented)) } else { Err(Refusal::RootMismatch) }
}

/// Checks that the grant was issued to this registration of this client.
///
/// A client id may be deleted and given to another party later. The number of the registration keeps the new client
/// from the grants of the old one.
///
/// # Errors
/// [`Refusal::OtherClient`] or [`Refusal::OtherRegistration`].
pub(crate) fn owned_by(client: &Client, grant: &Grant) -> Result<(), Refusal> {
    if *grant.client_id() != client.id {
        Err(Refusal::OtherClient)
    } else if grant.registration() != client.registration {
        Err(Refusal::OtherRegistration)
    } else {
        Ok(())
    }
}

/// Checks that the request proves the key of the token, and that the grant is alive.
///
/// The absolute end is computed with the policy of today: a grant lifetime that was shortened applies to existing
/// grants. The end is exclusive, so a grant whose end is `now` has ended.
///
/// # Errors
/// The first check that fails: [`Refusal::ProofOfPossessionFailed`], [`Refusal::GrantRevoked`] or
/// [`Refusal::GrantExpired`].
pub(crate) fn admit<'a>(grant: &Grant, presented: Owned<'a>, ctx: &Context<'_>) -> Result<Admitted<'a>, Refusal> {
    if !proves_key(grant, &presented, ctx) {
        return Err(Refusal::ProofOfPossessionFailed);
    }
    check_proven(grant, presented, ctx)
}

/// Checks that the grant is alive, for a request whose proof was checked, or that an explanation assumes to prove the
/// right key.
///
/// # Errors
/// [`Refusal::GrantRevoked`] or [`Refusal::GrantExpired`].
pub(super) fn check_proven<'a>(
    grant: &Grant,
    presented: Owned<'a>,
    ctx: &Context<'_>,
) -> Result<Admitted<'a>, Refusal> {
    if matches!(grant.phase(), Phase::Revoked { .. }) {
        return Err(Refusal::GrantRevoked);
    }
    if grant.absolute_expiry(ctx.policy).is_some_and(|expiry| expiry <= ctx.now) {
        return Err(Refusal::GrantExpired);
    }
    Ok(Admitted(presented.0))
}

/// Returns true when the token is bound to no key, or the request proves that key.
fn proves_key(grant: &Grant, presented: &Opened, ctx: &Context<'_>) -> bool {
    let bound = grant.approval().confirmation;
    let proves_grant_key = bound == ctx.key;
    match &presented.detail {
        // The token names its own key, for a record that a failover rolled back to before the binding. The record knows
        // that key in full. A token whose binding differs from its record descends from writes that the store lost. Its
        // key is not checked then: the key of a thief must not hide the fork.
        Detail::RefreshToken { generation, lineage } => {
            let binding = lineage.binding;
            let is_bearer = binding == Binding::BEARER;
            let proves_own_key = is_bearer || binding == Binding::of(ctx.key.as_ref());
            proves_own_key && (is_bearer || proves_grant_key || grant.binding_of(*generation) != binding)
        }
        // A code is bound to the key that the host or the authorization request named. After its redemption a code is
        // treated as a second use whatever key is proven: the key of a thief must not protect him.
        Detail::Code | Detail::AccessToken { .. } if matches!(grant.phase(), Phase::AwaitingRedemption(_)) => {
            proves_grant_key || bound.is_none()
        }
        Detail::Code | Detail::AccessToken { .. } => true,
    }
}
