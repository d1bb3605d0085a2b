use super::Context;
use crate::client::Client;
use crate::grant::{Grant, Phase};
use crate::outcome::Refusal;
use crate::token::{Binding, Lineage, Opened};

/// Checks possession and life, after ownership: the request shows the key, the grant is alive.
///
/// # Errors
/// The first check that fails.
pub(crate) fn admit(grant: &Grant, presented: &Opened, ctx: &Context<'_>) -> Result<(), Refusal> {
    if !is_possessed(grant, presented, ctx) {
        return Err(Refusal::ProofOfPossessionFailed);
    }
    if matches!(grant.phase, Phase::Revoked { .. }) {
        return Err(Refusal::GrantRevoked);
    }
    if grant.absolute_end(ctx.policy).is_some_and(|end| end <= ctx.now) {
        return Err(Refusal::GrantExpired);
    }
    Ok(())
}

/// The grant was issued to this registration of this client, and issued this token: a key of the ring can seal any
/// grant id, but not the root, which only refresh tokens of the grant carry.
pub(crate) fn presented_by(client: &Client, grant: &Grant, presented: &Opened) -> Result<(), Refusal> {
    owned_by(client, grant)?;
    let fits = presented.lineage.as_ref().is_none_or(|lineage| {
        let digest = lineage.root.digest();
        grant.head.as_ref().is_some_and(|head| head.root == digest)
    });
    if fits { Ok(()) } else { Err(Refusal::RootMismatch) }
}

/// The grant was issued to this registration of this client.
pub(crate) fn owned_by(client: &Client, grant: &Grant) -> Result<(), Refusal> {
    if grant.client_id != client.id {
        Err(Refusal::OtherClient)
    } else if grant.registration != client.registration {
        Err(Refusal::OtherRegistration)
    } else {
        Ok(())
    }
}

/// The request shows the key to which the token is bound, if it is bound to one.
fn is_possessed(grant: &Grant, presented: &Opened, ctx: &Context<'_>) -> bool {
    let shows_the_grants = grant.approval.confirmation == ctx.confirmation;
    match &presented.lineage {
        // The token says what it is bound to, for a record that was rolled back to before the binding; the record knows the
        // whole of that key. A token of another binding than its record has is of a line that the store lost: not its key is
        // in question then, and a thief's key must not shield him from being found out.
        Some(Lineage { binding, .. }) => {
            let is_bearer = *binding == Binding::BEARER;
            let shows_its_own = is_bearer || *binding == Binding::of(ctx.confirmation.as_ref());
            shows_its_own && (is_bearer || shows_the_grants || grant.binding_of(presented.number) != *binding)
        }
        // The key that the host or the code's request named. After its redemption a code is judged as a second use,
        // whatever key the redeemer showed: a thief's key must not shield him.
        None if matches!(grant.phase, Phase::AwaitingRedemption(_)) => {
            shows_the_grants || grant.approval.confirmation.is_none()
        }
        None => true,
    }
}
