use crate::client::{Client, IntrospectionAccess};
use crate::clock::Timestamp;
use crate::engine::TokenType;
use crate::grant::{Approval, Grant, GrantId, Phase};
use crate::grant_type::GrantType;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::token::{Opened, TokenKind};
use crate::vocabulary::ClientId;

/// A token that would be accepted at this moment (RFC 7662 section 2.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActiveToken {
    /// An access token or a refresh token.
    pub kind: TokenKind,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The flow that created its grant.
    pub grant_type: GrantType,
    /// Its scope: of an access token, perhaps narrower than what was approved.
    pub scope: Scope,
    /// Its audience.
    pub resources: Resources,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// How it is presented; absent for a refresh token.
    pub token_type: Option<TokenType>,
    /// What was approved: subject, authentication, confirmation, the host's own bytes.
    pub approval: Approval,
    /// Its grant. For the host.
    pub grant_id: GrantId,
}

/// What `caller` may learn of a token; `None` when it is not active, or not for this caller to know: the two are one answer.
///
/// A refresh token inside its grace is spent, hence inactive, although a retry with it would still be answered.
#[must_use]
pub fn introspect(
    grant: Grant,
    kind: TokenKind,
    presented: &Opened,
    caller: &Client,
    now: Timestamp,
) -> Option<ActiveToken> {
    if !matches!(grant.phase, Phase::Active { .. }) || grant.expires_at.is_some_and(|end| end <= now) {
        return None;
    }
    let is_own = grant.client_id == caller.id && grant.registration == caller.registration;
    match kind {
        TokenKind::AccessToken => access_token(grant, presented, caller, is_own, now),
        TokenKind::RefreshToken => refresh_token(grant, presented, caller, is_own, now),
        TokenKind::AuthorizationCode => None,
    }
}

fn access_token(
    grant: Grant,
    presented: &Opened,
    caller: &Client,
    is_own: bool,
    now: Timestamp,
) -> Option<ActiveToken> {
    let token = grant.access.into_iter().find(|token| token.serial == presented.number)?;
    let resources = token.resources.unwrap_or_else(|| grant.approval.resources.clone());
    let may_know = match &caller.introspection {
        IntrospectionAccess::Any => true,
        IntrospectionAccess::Own => is_own,
        IntrospectionAccess::Audiences(audiences) => is_own || resources.intersects(audiences),
    };
    if !may_know || token.digest != presented.secret.digest() || token.expires_at <= now {
        return None;
    }
    Some(ActiveToken {
        kind: TokenKind::AccessToken,
        client_id: grant.client_id,
        grant_type: grant.grant_type,
        scope: token.scope.unwrap_or_else(|| grant.approval.scope.clone()),
        resources,
        issued_at: token.issued_at,
        expires_at: Some(token.expires_at),
        token_type: Some(TokenType::of(grant.approval.confirmation.as_ref())),
        approval: grant.approval,
        grant_id: grant.id,
    })
}

fn refresh_token(
    grant: Grant,
    presented: &Opened,
    caller: &Client,
    is_own: bool,
    now: Timestamp,
) -> Option<ActiveToken> {
    // No resource server has business with a refresh token, so an audience does not open this door.
    let may_know = is_own || caller.introspection == IntrospectionAccess::Any;
    let head = grant.head.filter(|head| head.generation == presented.number)?;
    if !may_know || head.digest != presented.secret.digest() || head.expires_at.is_some_and(|end| end <= now) {
        return None;
    }
    Some(ActiveToken {
        kind: TokenKind::RefreshToken,
        client_id: grant.client_id,
        grant_type: grant.grant_type,
        scope: grant.approval.scope.clone(),
        resources: grant.approval.resources.clone(),
        issued_at: head.issued_at,
        expires_at: head.expires_at,
        token_type: None,
        approval: grant.approval,
        grant_id: grant.id,
    })
}
