//! Introspection (RFC 7662): the facts of an active token, for callers that may know them.
//!
//! | [`IntrospectionAccess`] | access tokens | refresh tokens |
//! |---|---|---|
//! | `Own` | of its own grants | of its own grants |
//! | `Audiences` | of its own grants, and those with one of the audiences | of its own grants |
//! | `Any` | all | all |
//!
//! A caller that may not know a token gets the answer of an inactive one. Otherwise a caller could test which of many
//! texts are tokens (RFC 7662 section 4).
//!
//! The holder of an access token who presents it at the userinfo endpoint asks about that token too, without being a
//! caller.

use std::time::Duration;

use super::access::admits_refresh_tokens;
use crate::client::{Client, IntrospectionAccess};
use crate::grant::{Approval, Grant, Head, LiveAccessToken, Phase, Remaining, earlier};
use crate::policy::Policy;
use crate::ports::host::HostClaims;
use crate::token::{Reference, TokenKind};
use crate::vocabulary::{
    AuthorizationDetails, ClientId, Confirmation, GrantId, GrantType, Resources, Scope, Subject, Timestamp, TokenType,
};

/// An active token (RFC 7662 section 2.2): one that would be accepted at this moment. Returned by
/// [`TokenService::introspect`](crate::TokenService::introspect). The wire layer writes the facts for the caller as
/// JSON; `grant_id` and [`Approval::data`] stay with the host.
///
/// A host that is its own resource server reads the fields directly:
///
/// ```
#[doc = include_str!("../service/example/begin.txt")]
/// use regrant::{ActiveToken, GrantType, IssueRequest};
///
/// fn may_write(token: &ActiveToken) -> bool {
///     // `scope` is that of the token. `approval.scope` is that of the grant, and may be wider.
///     token.scope.contains("write") && token.approval.subject.is_some()
/// }
///
/// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
/// let token = service.introspect(&client, tokens.access_token.expose()).await?.ok_or("not active")?;
/// assert!(may_write(&token));
/// assert_eq!(token.grant_id, tokens.grant_id); // for `revoke_grant`
#[doc = include_str!("../service/example/end.txt")]
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActiveToken {
    /// The kind: an access token or a refresh token.
    pub kind: TokenKind,
    /// The client that the token was issued to.
    pub client_id: ClientId,
    /// The flow that created the grant of the token.
    pub grant_type: GrantType,
    /// The scope of the token. That of an access token may be narrower than the approved one.
    pub scope: Scope,
    /// The audience of the token (RFC 8707). A resource server rejects a token whose audience it is not. Empty: the
    /// token is limited to no resource.
    pub resources: Resources,
    /// The time of issue: for a refresh token that of its rotation, not that of the grant.
    pub issued_at: Timestamp,
    /// The expiry; `None` is never. The earlier one of the token and its grant counts. A cache that keeps the answer
    /// until then misses a revocation.
    pub expires_at: Option<Timestamp>,
    /// The way in which the token is presented; absent for a refresh token.
    pub token_type: Option<TokenType>,
    /// The key that the token is bound to (`cnf`, RFC 7800). A resource server must demand proof of that key, otherwise
    /// a stolen token works there (RFC 9449 section 7.1, RFC 8705 section 3).
    pub confirmation: Option<Confirmation>,
    /// The approval behind the token: subject, authentication, the bytes of the host.
    pub approval: Approval,
    /// The id of the grant. For the host.
    pub grant_id: GrantId,
    /// The claims of the [`ClaimsSource`](crate::host::ClaimsSource) for access tokens. Empty without a source, and for
    /// a refresh token.
    pub host_claims: HostClaims,
    remaining: Option<Box<Remaining>>,
    /// The authorization details of a narrowed token; `None` is those of the approval.
    narrowed: Option<AuthorizationDetails>,
}

impl ActiveToken {
    /// Returns the authorization details of the token (RFC 9396 section 9.2). An access token may have fewer than the
    /// [approval](Approval::authorization_details).
    #[must_use]
    pub fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.narrowed.as_ref().or(self.approval.authorization_details.as_ref())
    }

    /// Returns the time until a refresh token expires if it is not used. Introspection is no use. `None` for an access
    /// token, when the token never expires, for callers other than its client, and unless the policy tells it
    /// ([`refresh_token_expiration`](crate::Policy::refresh_token_expiration)).
    #[must_use]
    pub fn refresh_token_timeout(&self) -> Option<Duration> {
        self.remaining.as_ref()?.refresh_token_timeout
    }

    /// Returns the time until the grant of a refresh token ends. `None` when the grant never ends, and in the other
    /// cases of [`refresh_token_timeout`](Self::refresh_token_timeout).
    #[must_use]
    pub fn authorization_expires_in(&self) -> Option<Duration> {
        self.remaining.as_ref()?.authorization_expires_in
    }
}

/// An active token that the caller may know of, in its grant. Made by [`introspect`] alone.
///
/// Its facts stay in the grant until the token is returned: an [`ActiveToken`] is large, and passes through futures.
pub(crate) struct FoundToken {
    kind: TokenKind,
    /// The scope of a narrowed token; `None` is that of the grant.
    scope: Option<Scope>,
    /// The resources of a narrowed token; `None` is those of the grant.
    resources: Option<Resources>,
    /// The authorization details of a narrowed token; `None` is those of the grant.
    narrowed: Option<AuthorizationDetails>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) remaining: Option<Box<Remaining>>,
    pub(crate) token_type: Option<TokenType>,
    confirmation: Option<Confirmation>,
    /// The claims of the host, which the service adds.
    pub(crate) host_claims: HostClaims,
    grant: Box<Grant>,
}

impl FoundToken {
    /// Returns the resource owner, about whom the service asks the gate.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.grant.approval().subject.as_ref()
    }

    /// Returns true for an access token.
    pub(crate) fn is_access_token(&self) -> bool {
        self.kind == TokenKind::AccessToken
    }

    /// Returns the scope of the token.
    pub(crate) fn scope(&self) -> &Scope {
        self.scope.as_ref().unwrap_or(&self.grant.approval().scope)
    }

    /// Returns the audience of the token.
    pub(crate) fn resources(&self) -> &Resources {
        self.resources.as_ref().unwrap_or(&self.grant.approval().resources)
    }

    /// Returns the authorization details of the token.
    pub(crate) fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.narrowed.as_ref().or(self.grant.approval().authorization_details.as_ref())
    }

    /// Returns the key that the token is bound to.
    pub(crate) const fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    pub(crate) const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns the token with all its facts.
    pub(crate) fn into_active(self) -> ActiveToken {
        let Self {
            kind,
            scope,
            resources,
            narrowed,
            issued_at,
            expires_at,
            remaining,
            token_type,
            confirmation,
            host_claims,
            grant,
        } = self;
        let grant_id = grant.id();
        let (client_id, grant_type, approval) = grant.into_approval();
        ActiveToken {
            kind,
            client_id,
            grant_type,
            scope: scope.unwrap_or_else(|| approval.scope.clone()),
            resources: resources.unwrap_or_else(|| approval.resources.clone()),
            issued_at,
            expires_at,
            token_type,
            confirmation,
            approval,
            grant_id,
            host_claims,
            remaining,
            narrowed,
        }
    }
}

/// Finds the token that `caller` asks about. Returns the grant when the token is not active or `caller` may not know of
/// it. The two cases have one answer, so that a caller cannot probe for tokens of others.
///
/// Without a `caller` the sender presents an access token itself. The text of the token is the right to know of it.
///
/// A refresh token inside its grace period is spent, hence inactive, although a retry with it would still be answered.
///
/// `own_policy` is the policy of the caller for this grant when the caller holds the grant. Without a caller it is the
/// policy of the client that holds the grant. A policy that was tightened ends the tokens of its client earlier than
/// they state. The policy of another client is not applied.
pub(crate) fn introspect(
    grant: Box<Grant>,
    token: &Reference,
    caller: Option<&Client>,
    own_policy: Option<&Policy>,
    now: Timestamp,
) -> Result<FoundToken, Box<Grant>> {
    if !matches!(grant.phase(), Phase::Active { .. }) {
        return Err(grant);
    }
    // A token was issued to end with its grant at the latest. Only a policy that was tightened since ends it earlier.
    let grant_expiry = own_policy.and_then(|policy| grant.absolute_expiry(policy));
    let mut found = match token.kind {
        TokenKind::AccessToken | TokenKind::JwtId => access_token(grant, token, caller, own_policy.is_some()),
        TokenKind::RefreshToken => refresh_token(grant, token, caller, own_policy, now),
        TokenKind::AuthorizationCode | TokenKind::DeviceCode | TokenKind::RequestUri => Err(grant),
    }?;
    found.expires_at = earlier(found.expires_at, grant_expiry);
    if found.expires_at.is_none_or(|expiry| now < expiry) { Ok(found) } else { Err(found.grant) }
}

/// Finds the access token in the record. The digest is compared too: a key of the ring can seal any serial.
fn access_token(
    grant: Box<Grant>,
    presented: &Reference,
    caller: Option<&Client>,
    is_own: bool,
) -> Result<FoundToken, Box<Grant>> {
    let is_it = |token: &&LiveAccessToken| token.serial == presented.number && token.digest == presented.digest;
    let Some(token) = grant.access_tokens().find(is_it) else {
        return Err(grant);
    };
    let may_know = match caller.map(|caller| &caller.introspection) {
        None | Some(IntrospectionAccess::Any) => true,
        Some(IntrospectionAccess::Own) => is_own,
        Some(IntrospectionAccess::Audiences(audiences)) => {
            is_own || token.resources.as_ref().unwrap_or(&grant.approval().resources).intersects(audiences)
        }
    };
    if !may_know {
        return Err(grant);
    }
    Ok(FoundToken {
        kind: TokenKind::AccessToken,
        scope: token.scope.clone(),
        resources: token.resources.clone(),
        narrowed: token.authorization_details.clone(),
        issued_at: token.issued_at,
        expires_at: Some(token.expires_at),
        remaining: None,
        token_type: Some(TokenType::of(token.confirmation.as_ref())),
        confirmation: token.confirmation,
        host_claims: HostClaims::default(),
        grant,
    })
}

/// Compares the refresh token with the head. Former and forked tokens are inactive.
fn refresh_token(
    grant: Box<Grant>,
    presented: &Reference,
    caller: Option<&Client>,
    own_policy: Option<&Policy>,
    now: Timestamp,
) -> Result<FoundToken, Box<Grant>> {
    // A resource server never receives refresh tokens, so an audience gives no right to ask about one.
    let may_know =
        caller.is_some_and(|caller| own_policy.is_some() || caller.introspection == IntrospectionAccess::Any);
    // A refresh of a grant that may have no refresh tokens any more would be refused.
    let is_refused =
        caller.zip(own_policy).is_some_and(|(client, policy)| !admits_refresh_tokens(&grant, client, policy));
    let is_head = |head: &&Head| head.generation == presented.number && head.digest == presented.digest;
    let Some(head) = grant.head().filter(is_head).filter(|_| may_know && !is_refused) else {
        return Err(grant);
    };
    Ok(FoundToken {
        kind: TokenKind::RefreshToken,
        scope: None,
        resources: None,
        narrowed: None,
        issued_at: head.issued_at,
        expires_at: own_policy.map_or(head.expires_at, |policy| head.expiry(policy)),
        remaining: own_policy.and_then(|policy| grant.remaining(|| now, policy)),
        token_type: None,
        confirmation: grant.approval().confirmation,
        host_claims: HostClaims::default(),
        grant,
    })
}
