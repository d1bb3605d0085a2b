use super::access::{Access, lives_a_second};
use super::issue::{first_tokens, found};
use super::{ActiveToken, Context, ExchangeRequest, TokenResponse};
use crate::grant::{Actor, Approval, Grant, Phase, earlier};
use crate::outcome::Refusal;
use crate::vocabulary::{GrantType, Subject};

/// Exchanges an access token for another one (RFC 8693): for the same resource owner, of no more scope, of no longer life, for
/// an audience of the client's own. Never a refresh token.
///
/// With an actor the new token says who acts (`act`, delegation); without one it does not (impersonation), but what the token
/// said before stays said.
///
/// # Errors
/// What the client may not ask for: the flow, scope, a resource; a token without a resource owner; an actor that the token
/// does not admit.
pub(crate) fn exchange(
    request: &ExchangeRequest,
    subject: ActiveToken,
    actor: Option<&ActiveToken>,
    ctx: &Context<'_>,
) -> Result<(Grant, TokenResponse), Refusal> {
    if [Some(&subject), actor].into_iter().flatten().any(|token| !is_shown(token, ctx)) {
        return Err(Refusal::SubjectTokenInvalid);
    }
    let ActiveToken { scope: held, resources: audience, expires_at, approval, .. } = subject;
    // The new token lives no longer, and a client is told whole seconds.
    if expires_at.is_some_and(|end| !lives_a_second(end, ctx)) {
        return Err(Refusal::SubjectTokenInvalid);
    }
    // A client that acts for itself has nobody to be acted for: it authenticates at the next service itself.
    if approval.subject.is_none() {
        return Err(Refusal::SubjectTokenInvalid);
    }
    let scope = match &request.scope {
        Some(scope) if !scope.is_subset_of(&held) => return Err(Refusal::ScopeExceeded),
        Some(scope) => scope.clone(),
        None => held.intersection(&ctx.client.scope),
    };
    let resources = if request.resources.is_empty() {
        audience.intersection(&ctx.client.resources)
    } else {
        request.resources.clone()
    };
    // A token that was meant for somebody must not become one that is meant for nobody in particular.
    if resources.is_empty() && !audience.is_empty() {
        return Err(Refusal::ResourceExceeded);
    }
    let approval = Approval {
        actor: acting(&approval, actor, ctx)?,
        scope,
        resources,
        confirmation: None,
        nonce: None,
        ..approval
    };
    let mut grant = found(GrantType::TokenExchange, approval, Phase::Active { redeemed: None }, ctx)?;
    grant.expires_at = earlier(grant.expires_at, expires_at);
    let access = Access::whole(&grant, ctx)?;
    let response = first_tokens(&mut grant, access, ctx)?;
    Ok((grant, response))
}

/// A public client shows the key that a token is bound to: a thief of the token could name the client as well, and would get
/// one that is bound to nothing. Others are known by their authentication, and a resource server never has the key.
fn is_shown(token: &ActiveToken, ctx: &Context<'_>) -> bool {
    ctx.client.is_confidential() || token.confirmation.is_none() || token.confirmation == ctx.confirmation
}

/// Who acts from now on. `may_act` limits it to one (RFC 8693 section 4.4): the actor, or the client itself where there is none.
fn acting(held: &Approval, actor: Option<&ActiveToken>, ctx: &Context<'_>) -> Result<Option<Actor>, Refusal> {
    let is_admitted = |acting: &str| held.may_act.as_ref().is_none_or(|admitted| admitted.as_str() == acting);
    let Some(token) = actor else {
        return if is_admitted(ctx.client.id.as_str()) {
            Ok(held.actor.clone())
        } else {
            Err(Refusal::ActorNotAllowed)
        };
    };
    let itself = || Subject::new(token.client_id.as_str()).map_err(|_| Refusal::ActorNotAllowed);
    let subject = token.approval.subject.clone().map_or_else(itself, Ok)?;
    let chain = held.actor.iter().flat_map(Actor::chain).count();
    if !is_admitted(subject.as_str()) || chain >= Actor::MAX_CHAIN {
        return Err(Refusal::ActorNotAllowed);
    }
    Ok(Some(Actor::new(subject, held.actor.clone())))
}
