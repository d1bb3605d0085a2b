//! Access tokens: how far one reaches, and how it is minted.

use std::time::Duration;

use super::response::UnsignedJwt;
use super::{Context, TokenResponse};
use crate::grant::{Grant, LiveAccessToken};
use crate::outcome::Refusal;
use crate::token::{Claims, Derivation, Key, Lineage, Root, TokenKind, TokenSecret};
use crate::vocabulary::{
    AccessToken, Confirmation, GrantType, RefreshToken, Resources, Scope, Timestamp, TokenType, draw,
};

/// The unit in which clients are told how long an access token lives.
const SECOND: Duration = Duration::from_secs(1);

/// How far an access token reaches.
pub(super) struct Access {
    scope: Scope,
    resources: Resources,
}

impl Access {
    /// All that a new grant is to hold, as far as the client is registered for it.
    pub(super) fn whole(grant: &Grant, ctx: &Context<'_>) -> Result<Self, Refusal> {
        Self::requested(grant, Some(&grant.approval.scope), &grant.approval.resources, ctx)
    }

    /// The scope and resources that the request names, which the grant and the registration of the client must hold. A
    /// request that names none gets what is both granted and still registered: a scope withdrawn from a client is gone
    /// from its grants too (Keycloak GHSA-895x), and the client must not have to guess which one.
    pub(super) fn requested(
        grant: &Grant,
        scope: Option<&Scope>,
        resources: &Resources,
        ctx: &Context<'_>,
    ) -> Result<Self, Refusal> {
        let (granted, registered) = (&grant.approval, ctx.client);
        let scope = match scope {
            Some(scope) if scope.is_subset_of(&granted.scope) && scope.is_subset_of(&registered.scope) => scope.clone(),
            Some(_) => return Err(Refusal::ScopeExceeded),
            None if granted.scope.is_subset_of(&registered.scope) => granted.scope.clone(),
            None => match granted.scope.intersection(&registered.scope) {
                left if left.is_empty() => return Err(Refusal::ScopeWithdrawn),
                left => left,
            },
        };
        let is_reached =
            |named: &Resources| named.is_subset_of(&granted.resources) && named.is_subset_of(&registered.resources);
        let resources = match resources {
            none if none.is_empty() && granted.resources.is_subset_of(&registered.resources) => {
                granted.resources.clone()
            }
            none if none.is_empty() => granted.resources.intersection(&registered.resources),
            named if is_reached(named) => named.clone(),
            _ => return Err(Refusal::ResourceExceeded),
        };
        if resources.is_empty() && !granted.resources.is_empty() {
            return Err(Refusal::ResourceWithdrawn);
        }
        Ok(Self { scope, resources })
    }

    /// Whether `token` reaches exactly this far.
    pub(super) fn is_of(&self, token: &LiveAccessToken, grant: &Grant) -> bool {
        self.scope == *token.scope.as_ref().unwrap_or(&grant.approval.scope)
            && self.resources == *token.resources.as_ref().unwrap_or(&grant.approval.resources)
    }
}

/// Where the secret of an access token comes from.
pub(super) enum Origin<'a> {
    /// Fresh randomness: the token can never be repeated.
    Drawn,
    /// The refresh token of this generation: whoever presents it within grace gets the same access token again.
    Derived(Derivation<'a>, u32),
}

/// An access token in clear, on its way out.
pub(super) struct Minted {
    token: AccessToken,
    expires_at: Timestamp,
    confirmation: Option<Confirmation>,
    unsigned: Option<UnsignedJwt>,
}

impl Minted {
    /// What is entered into the grant as `live`, in the form that it was issued in.
    fn of(live: &LiveAccessToken, grant: &Grant, key: &Key, secret: &TokenSecret, ctx: &Context<'_>) -> Self {
        let kind = if live.signing_key.is_some() { TokenKind::JwtId } else { TokenKind::AccessToken };
        let claims = Claims { grant_id: &grant.id, number: live.serial, secret, lineage: None };
        Self {
            token: AccessToken::new(ctx.tokens.seal(kind, key, &claims)),
            expires_at: live.expires_at,
            confirmation: live.confirmation,
            unsigned: live.signing_key.clone().map(|key| UnsignedJwt {
                key,
                issued_at: live.issued_at,
                expires_at: live.expires_at,
                confirmation: live.confirmation,
            }),
        }
    }
}

/// Mints an access token and enters it into the grant.
pub(super) fn mint(
    grant: &mut Grant,
    access: &Access,
    key: &Key,
    origin: &Origin<'_>,
    ctx: &Context<'_>,
) -> Result<Minted, Refusal> {
    let serial = u32::from_be_bytes(draw(ctx.entropy));
    let (secret, parent) = match origin {
        Origin::Drawn => (TokenSecret::random(ctx.entropy), None),
        Origin::Derived(from, generation) => (key.derive(from, TokenKind::AccessToken, serial), Some(*generation)),
    };
    let expires_at = access_token_end(grant, ctx)?;
    let granted = &grant.approval;
    let scope = (access.scope != granted.scope).then(|| access.scope.clone());
    let resources = (access.resources != granted.resources).then(|| access.resources.clone());
    let live = LiveAccessToken {
        serial,
        digest: secret.digest(),
        scope,
        resources,
        issued_at: ctx.now,
        expires_at,
        parent,
        confirmation: confirmation(grant, ctx),
        signing_key: ctx.signing_key.cloned(),
    };
    let minted = Minted::of(&live, grant, key, &secret, ctx);
    grant.add_access_token(live, ctx.policy.max_live_access_tokens);
    grant.last_used_at = ctx.now;
    Ok(minted)
}

/// What an access token minted now is bound to: the key that the request shows, or the one that the host bound the grant to.
fn confirmation(grant: &Grant, ctx: &Context<'_>) -> Option<Confirmation> {
    ctx.confirmation.or(grant.approval.confirmation)
}

/// The access token that an earlier request derived from the same rotation for the same reach, unless its last second
/// has begun, or the grant ends before it under a policy that was tightened since.
pub(super) fn repeat(
    grant: &Grant,
    access: &Access,
    key: &Key,
    derivation: &Derivation<'_>,
    generation: u32,
    ctx: &Context<'_>,
) -> Option<Minted> {
    let is_repeatable = |token: &&LiveAccessToken| {
        token.parent == Some(generation)
            && access.is_of(token, grant)
            && token.confirmation == confirmation(grant, ctx)
            && lives_a_second(token.expires_at, ctx)
            && grant.absolute_end(ctx.policy).is_none_or(|end| token.expires_at <= end)
    };
    grant.access.iter().filter(is_repeatable).find_map(|token| {
        let secret = key.derive(derivation, TokenKind::AccessToken, token.serial);
        (secret.digest() == token.digest).then(|| Minted::of(token, grant, key, &secret, ctx))
    })
}

/// The end of an access token minted now: never after the grant, and at least a second away, since clients are told
/// whole seconds and take 0 for an error. A JWT states its end in whole seconds, so its record does too.
fn access_token_end(grant: &Grant, ctx: &Context<'_>) -> Result<Timestamp, Refusal> {
    let is_jwt = ctx.signing_key.is_some();
    let own_end = ctx.now + ctx.policy.access_token_lifetime;
    let own_end = if is_jwt { own_end.rounded_up() } else { own_end };
    let grant_end = grant.absolute_end(ctx.policy).map(|end| if is_jwt { end.rounded_down() } else { end });
    let end = grant_end.map_or(own_end, |grant_end| own_end.min(grant_end));
    if lives_a_second(end, ctx) { Ok(end) } else { Err(Refusal::GrantExpired) }
}

pub(super) fn lives_a_second(end: Timestamp, ctx: &Context<'_>) -> bool {
    end.since(ctx.now).is_some_and(|left| left >= SECOND)
}

/// A refresh token in clear, on its way out.
pub(super) struct Successor {
    pub(super) token: RefreshToken,
    pub(super) expires_at: Option<Timestamp>,
}

impl Successor {
    pub(super) fn seal(
        grant: &Grant,
        key: &Key,
        generation: u32,
        secret: &TokenSecret,
        root: &Root,
        expires_at: Option<Timestamp>,
        ctx: &Context<'_>,
    ) -> Self {
        let lineage = Lineage { root: root.clone(), binding: grant.binding_of(generation) };
        let claims = Claims { grant_id: &grant.id, number: generation, secret, lineage: Some(&lineage) };
        Self { token: RefreshToken::new(ctx.tokens.seal(TokenKind::RefreshToken, key, &claims)), expires_at }
    }
}

/// The answer of RFC 6749 section 5.1.
pub(super) fn respond(
    grant: &Grant,
    access: Access,
    minted: Minted,
    successor: Option<Successor>,
    ctx: &Context<'_>,
) -> TokenResponse {
    let (refresh_token, refresh_token_expires_at) =
        successor.map_or((None, None), |successor| (Some(successor.token), successor.expires_at));
    TokenResponse {
        access_token: minted.token,
        token_type: TokenType::of(minted.confirmation.as_ref()),
        expires_in: minted.expires_at.since(ctx.now).unwrap_or_default(),
        refresh_token,
        refresh_token_expires_at,
        scope: access.scope,
        resources: access.resources,
        id_token: None,
        grant_id: grant.id,
        is_exchanged: grant.grant_type == GrantType::TokenExchange,
        unsigned: minted.unsigned,
    }
}
