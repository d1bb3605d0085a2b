use super::Context;
use crate::client::Client;
use crate::grant::{Grant, Phase};
use crate::refusal::Refusal;

/// Rows 4 to 6 of the order of checks, for a code as for a refresh token: the grant is this client's, the request holds
/// the bound key, the grant is alive. Ownership comes first: whatever a stranger presents changes nothing and tells
/// nothing (keystone #1262: a foreign client spent a family).
///
/// # Errors
/// The first check that fails.
pub fn admit(grant: &Grant, ctx: &Context<'_>) -> Result<(), Refusal> {
    owned_by(ctx.client, grant)?;
    if grant.approval.confirmation.is_some() && grant.approval.confirmation != ctx.confirmation {
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

/// Row 4: the grant was issued to this registration of this client.
pub(crate) fn owned_by(client: &Client, grant: &Grant) -> Result<(), Refusal> {
    if grant.client_id != client.id {
        Err(Refusal::OtherClient)
    } else if grant.registration != client.registration {
        Err(Refusal::OtherRegistration)
    } else {
        Ok(())
    }
}
