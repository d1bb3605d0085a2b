use super::owned_by;
use crate::client::{Client, IntrospectionAccess};
use crate::grant::{Approval, Grant, Phase, earlier};
use crate::policy::Policy;
use crate::token::{Opened, TokenKind};
use crate::vocabulary::{ClientId, Confirmation, GrantId, GrantType, Resources, Scope, Timestamp, TokenType};

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
    /// The key it is bound to.
    pub confirmation: Option<Confirmation>,
    /// What was approved: subject, authentication, the host's own bytes.
    pub approval: Approval,
    /// Its grant. For the host.
    pub grant_id: GrantId,
}

/// What `caller` may learn of a token; `None` when it is not active, or not for this caller to know: the two are one answer.
///
/// A refresh token inside its grace is spent, hence inactive, although a retry with it would still be answered. `policy` is
/// that of the client that holds the token, as far as known: one that was tightened ends its tokens earlier than they say.
#[must_use]
pub(crate) fn introspect(
    grant: Grant,
    kind: TokenKind,
    presented: &Opened,
    caller: &Client,
    policy: Option<&Policy>,
    now: Timestamp,
) -> Option<ActiveToken> {
    if !matches!(grant.phase, Phase::Active { .. }) {
        return None;
    }
    let grant_end = policy.map_or(grant.expires_at, |policy| grant.absolute_end(policy));
    let active = match kind {
        TokenKind::AccessToken => access_token(grant, presented, caller),
        TokenKind::RefreshToken => refresh_token(grant, presented, caller, policy),
        TokenKind::AuthorizationCode | TokenKind::DeviceCode | TokenKind::JwtId => None,
    }?;
    let expires_at = earlier(active.expires_at, grant_end);
    expires_at.is_none_or(|end| now < end).then_some(ActiveToken { expires_at, ..active })
}

fn access_token(grant: Grant, presented: &Opened, caller: &Client) -> Option<ActiveToken> {
    let is_own = owned_by(caller, &grant).is_ok();
    let digest = presented.secret.digest();
    let token = grant.access.into_iter().find(|token| token.serial == presented.number && token.digest == digest)?;
    let resources = token.resources.unwrap_or_else(|| grant.approval.resources.clone());
    let may_know = match &caller.introspection {
        IntrospectionAccess::Any => true,
        IntrospectionAccess::Own => is_own,
        IntrospectionAccess::Audiences(audiences) => is_own || resources.intersects(audiences),
    };
    if !may_know {
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
        token_type: Some(TokenType::of(token.confirmation.as_ref())),
        confirmation: token.confirmation,
        approval: grant.approval,
        grant_id: grant.id,
    })
}

fn refresh_token(grant: Grant, presented: &Opened, caller: &Client, policy: Option<&Policy>) -> Option<ActiveToken> {
    // No resource server has business with a refresh token, so an audience does not open this door.
    let may_know = owned_by(caller, &grant).is_ok() || caller.introspection == IntrospectionAccess::Any;
    let head = grant.head.filter(|head| head.generation == presented.number)?;
    if !may_know || head.digest != presented.secret.digest() {
        return None;
    }
    Some(ActiveToken {
        kind: TokenKind::RefreshToken,
        client_id: grant.client_id,
        grant_type: grant.grant_type,
        scope: grant.approval.scope.clone(),
        resources: grant.approval.resources.clone(),
        issued_at: head.issued_at,
        expires_at: policy.map_or(head.expires_at, |policy| head.end(policy)),
        token_type: None,
        confirmation: grant.approval.confirmation,
        approval: grant.approval,
        grant_id: grant.id,
    })
}
