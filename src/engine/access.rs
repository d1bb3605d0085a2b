//! Access tokens: how far one reaches, and how it is minted.

use std::time::Duration;

use super::response::UnsignedJwt;
use super::{Context, TokenResponse, TokenType};
use crate::clock::Timestamp;
use crate::grant::{Confirmation, Grant, LiveAccessToken};
use crate::grant_type::GrantType;
use crate::refusal::Refusal;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AccessToken, RefreshToken};
use crate::token::{Claims, Derivation, Key, TokenKind, TokenSecret};

/// How far an access token reaches.
pub(super) struct Access {
    scope: Scope,
    resources: Resources,
}

impl Access {
    /// Row 8 of the order of checks: what the request asks for, within the grant and within what the client may have today.
    /// A scope withdrawn from the client's registration is gone from its grants too (Keycloak GHSA-895x).
    pub(super) fn requested(
        grant: &Grant,
        scope: Option<&Scope>,
        resources: &Resources,
        ctx: &Context<'_>,
    ) -> Result<Self, Refusal> {
        let granted = &grant.approval;
        let scope = scope.unwrap_or(&granted.scope);
        let resources = if resources.is_empty() { &granted.resources } else { resources };
        if !scope.is_subset_of(&granted.scope) || !scope.is_subset_of(&ctx.client.scope) {
            return Err(Refusal::ScopeExceeded);
        }
        if !resources.is_subset_of(&granted.resources) || !resources.is_subset_of(&ctx.client.resources) {
            return Err(Refusal::ResourceExceeded);
        }
        Ok(Self { scope: scope.clone(), resources: resources.clone() })
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
        let claims = Claims { grant_id: &grant.id, number: live.serial, secret };
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
    let serial = grant.next_serial;
    grant.next_serial = serial.checked_add(1).ok_or(Refusal::GrantExhausted)?;
    let (secret, parent) = match origin {
        Origin::Drawn => (TokenSecret::random(ctx.entropy), None),
        Origin::Derived(from, generation) => (key.derive(from, TokenKind::AccessToken, serial), Some(*generation)),
    };
    let expires_at = access_token_end(grant, ctx);
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

/// The access token that an earlier rotation derived from the same parent for the same reach, if it still lives long
/// enough to be worth a client's while: `expires_in` counts whole seconds and 0 breaks clients. At the very end of the grant
/// a new one would live no longer.
pub(super) fn repeat(
    grant: &Grant,
    access: &Access,
    key: &Key,
    derivation: &Derivation<'_>,
    generation: u32,
    ctx: &Context<'_>,
) -> Option<Minted> {
    let new_end = access_token_end(grant, ctx);
    let worth_repeating = |token: &&LiveAccessToken| {
        token.parent == Some(generation)
            && access.is_of(token, grant)
            && token.confirmation == confirmation(grant, ctx)
            && (ctx.now + Duration::from_secs(1) <= token.expires_at || new_end <= token.expires_at)
    };
    grant.access.iter().filter(worth_repeating).find_map(|token| {
        let secret = key.derive(derivation, TokenKind::AccessToken, token.serial);
        (secret.digest() == token.digest).then(|| Minted::of(token, grant, key, &secret, ctx))
    })
}

/// When an access token minted now expires: never after the grant.
fn access_token_end(grant: &Grant, ctx: &Context<'_>) -> Timestamp {
    let own_end = ctx.now + ctx.policy.access_token_lifetime;
    grant.absolute_end(ctx.policy).map_or(own_end, |grant_end| own_end.min(grant_end))
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
        expires_at: Option<Timestamp>,
        ctx: &Context<'_>,
    ) -> Self {
        let claims = Claims { grant_id: &grant.id, number: generation, secret };
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
