//! Token exchange (RFC 8693).
//!
//! The tokens of the request were introspected before, with the rights of the client: it can exchange the tokens that
//! it may know of. The checks here compare the request with the facts of those tokens.
//!
//! | part | in the new token |
//! |---|---|
//! | resource owner, authentication | those of the subject token |
//! | scope | requested and held; absent: held and registered for the client |
//! | authorization details | requested and held; absent: held, of the types that are registered for the client |
//! | audience | requested and registered; absent: held and registered, or else the default of the client |
//! | expiry | not after that of the subject token |
//! | key | the one that this request proves, never that of the subject token |
//! | actor | that of the actor token, before the actors so far |
//! | refresh token | none |

use super::access::{Access, known_scope, lives_a_second, with_default};
use super::issue::{create_grant, first_tokens};
use super::{ActiveToken, Context, ExchangeRequest, UnsignedResponse};
use crate::grant::{Actor, Approval, Grant, Phase};
use crate::outcome::Refusal;
use crate::vocabulary::{GrantType, Subject};

/// Exchanges an access token for another one (RFC 8693). The new token has the same resource owner, no more scope, no
/// longer life, and an audience that the client is registered for. It is never a refresh token: with one, a client
/// could extend an access that was meant to end.
///
/// With an actor the new token names the actor (`act`, delegation). Without one it does not (impersonation). An `act`
/// of the old token is kept in both cases.
///
/// # Errors
/// [`Refusal::SubjectTokenInvalid`] when a token is bound to a key that a public client does not prove, has less than a
/// second to live, or has no resource owner. [`Refusal::ActorNotAllowed`] when the token does not admit the actor.
/// Otherwise the refusal of the flow, the scope or a resource.
pub(crate) fn exchange(
    request: &ExchangeRequest,
    subject: ActiveToken,
    actor: Option<&ActiveToken>,
    ctx: &Context<'_>,
) -> Result<(Grant, UnsignedResponse), Refusal> {
    if [Some(&subject), actor].into_iter().flatten().any(|token| !proves_key_of(token, ctx)) {
        return Err(Refusal::SubjectTokenInvalid);
    }
    let details = subject.authorization_details().cloned();
    let ActiveToken { scope: held, resources: audience, expires_at, approval, .. } = subject;
    // The new token lives no longer than the old one, and `expires_in` counts whole seconds.
    if expires_at.is_some_and(|expiry| !lives_a_second(expiry, ctx)) {
        return Err(Refusal::SubjectTokenInvalid);
    }
    // The token of a client that acts for itself represents no other party: the client can authenticate anywhere
    // itself.
    if approval.subject.is_none() {
        return Err(Refusal::SubjectTokenInvalid);
    }
    let requested = request.scope.clone().map(|scope| known_scope(scope, ctx.client, ctx.policy)).transpose()?;
    let scope = match requested {
        Some(scope) if !scope.is_subset_of(&held) => return Err(Refusal::ScopeExceeded),
        Some(scope) => scope,
        None => held.intersection(&ctx.client.scope),
    };
    let resources = if request.resources.is_empty() {
        match audience.intersection(&with_default(ctx)) {
            // The default of the client, not nothing: a resource that it could also have named.
            none if none.is_empty() => ctx.default_audience.cloned().into_iter().collect(),
            both => both,
        }
    } else {
        request.resources.clone()
    };
    // A token for one audience must not become a token without audience, which any resource server might accept.
    if resources.is_empty() && !audience.is_empty() {
        return Err(Refusal::ResourceExceeded);
    }
    let authorization_details = match (&request.authorization_details, details) {
        (None, held) => held.and_then(|held| held.of_types(&ctx.client.authorization_details_types)),
        (Some(named), Some(held)) if named.is_subset_of(&held) => Some(named.clone()),
        (Some(_), _) => return Err(Refusal::AuthorizationDetailsExceeded),
    };
    let actor = acting(&approval, actor, ctx)?;
    let approval = Approval { actor, scope, resources, authorization_details, confirmation: None, ..approval };
    let mut grant = create_grant(GrantType::TokenExchange, approval, Phase::Active { redeemed: None }, ctx)?;
    grant.shorten(expires_at);
    let access = Access::whole(&grant, ctx)?;
    let response = first_tokens(&mut grant, access, ctx)?;
    Ok((grant, response))
}

/// Returns true unless a public client holds a bound token without proving its key. A thief of the token could name the
/// client as well, and would get a token that is bound to no key. Confidential clients authenticate, and a resource
/// server never has the key of the tokens it receives.
fn proves_key_of(token: &ActiveToken, ctx: &Context<'_>) -> bool {
    ctx.client.is_confidential() || token.confirmation.is_none() || token.confirmation == ctx.key
}

/// Returns the actor of the new token. `may_act` limits it to one party (RFC 8693 section 4.4): the subject of the
/// actor token, or the client itself without one.
///
/// The chain of actors is bounded by [`Actor::MAX_CHAIN`]. Without a bound two services that exchange the tokens of
/// each other would let the record grow.
///
/// # Errors
/// [`Refusal::ActorNotAllowed`].
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
