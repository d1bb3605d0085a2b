//! The creation of grants: by an authorization code, or with first tokens at once.
//!
//! Each flow ends in [`create_grant`] and [`first_tokens`], so the rights of the client and the choice of a refresh
//! token are decided in one place.
//!
//! A grant is created with everything that later requests must match: registration of the client, approval, key and
//! absolute end. Nothing of it can be added afterwards, except the key of a public client, once.

use super::access::{
    Access, Origin, SealedRefreshToken, admits_refresh_tokens, known_scope, mint, respond, with_default,
};
use super::{AuthorizationCodeResponse, AuthorizeRequest, Context, IssueRequest, UnsignedResponse};
use crate::grant::{Approval, Grant, PendingCode, Phase};
use crate::outcome::Refusal;
use crate::policy::RequirePkce;
use crate::token::{Claims, Root, TokenKind, TokenSecret};
use crate::vocabulary::{AuthorizationCode, GrantId, GrantType, draw};

/// Issues an authorization code for an approved request. The grant waits for the redemption of the code.
///
/// The redirect URI is checked first. An error may be sent to a registered URI only: otherwise the server is an open
/// redirector (RFC 9700 section 4.11).
///
/// # Errors
/// * [`Refusal::RedirectUriNotRegistered`], also when the request has none and the client registered several.
/// * [`Refusal::PushedRequestRequired`] when the policy demands pushed requests and this one was not.
/// * [`Refusal::RedirectUriMissing`] when the policy demands pushed requests, and this one has no redirect URI.
/// * [`Refusal::CodeChallengeRequired`] when the policy demands PKCE and the request has no challenge.
/// * The refusal of the flow, the scope or a resource.
pub(crate) fn authorize(
    request: AuthorizeRequest,
    ctx: &Context<'_>,
) -> Result<(Grant, AuthorizationCodeResponse), Refusal> {
    let is_registered = ctx.client.redirect_uri(request.redirect_uri.as_ref()).is_some();
    if is_registered && ctx.policy.require_pushed_authorization_requests && request.pushed_request.is_none() {
        return Err(Refusal::PushedRequestRequired);
    }
    issue_code(request, ctx)
}

/// Issues an authorization code for a request, pushed or not.
///
/// # Errors
/// As for [`authorize`].
pub(super) fn issue_code(
    request: AuthorizeRequest,
    ctx: &Context<'_>,
) -> Result<(Grant, AuthorizationCodeResponse), Refusal> {
    if ctx.client.redirect_uri(request.redirect_uri.as_ref()).is_none() {
        return Err(Refusal::RedirectUriNotRegistered);
    }
    // FAPI 2.0 Security Profile section 5.3.2.2: the client says where the user is sent, though it registered one URI.
    if ctx.policy.require_pushed_authorization_requests && request.redirect_uri.is_none() {
        return Err(Refusal::RedirectUriMissing);
    }
    let needs_pkce = match ctx.policy.require_pkce {
        RequirePkce::Nobody => false,
        RequirePkce::PublicClients => !ctx.client.is_confidential(),
        RequirePkce::Everybody => true,
    };
    if needs_pkce && request.code_challenge.is_none() {
        return Err(Refusal::CodeChallengeRequired);
    }
    let secret = TokenSecret::random(ctx.entropy);
    let expires_at = ctx.now + ctx.policy.authorization_code_lifetime;
    let phase = Phase::AwaitingRedemption(Box::new(PendingCode {
        digest: secret.digest(),
        redirect_uri: request.redirect_uri,
        challenge: request.code_challenge,
        confirmation: request.confirmation,
        expires_at,
    }));
    let grant = create_grant(GrantType::AuthorizationCode, request.approval, phase, ctx)?;
    // Refuse now what the redemption would refuse: here the user is still present.
    Access::whole(&grant, ctx)?;
    let claims = Claims { grant_id: &grant.id(), number: 0, secret: &secret, lineage: None };
    let code = ctx.tokens.seal(TokenKind::AuthorizationCode, ctx.tokens.ring().primary(), &claims);
    let response = AuthorizationCodeResponse { code: AuthorizationCode::new(code), expires_at, grant_id: grant.id() };
    Ok((grant, response))
}

/// Issues the first tokens of a grant that needs no code: a flow that the host approved itself, or client credentials.
///
/// # Errors
/// A [`Refusal`] when the client may not use the flow, the scope or a resource.
pub(crate) fn issue(request: IssueRequest, ctx: &Context<'_>) -> Result<(Grant, UnsignedResponse), Refusal> {
    let mut grant = create_grant(request.grant_type, request.approval, Phase::Active { redeemed: None }, ctx)?;
    let access = Access::whole(&grant, ctx)?;
    let response = first_tokens(&mut grant, access, ctx)?;
    Ok((grant, response))
}

/// Creates a grant of the client with a random id.
///
/// # Errors
/// [`Refusal::GrantTypeNotAllowed`] when the client may not use the flow, and as for [`known_scope`].
pub(super) fn create_grant(
    grant_type: GrantType,
    mut approval: Approval,
    phase: Phase,
    ctx: &Context<'_>,
) -> Result<Grant, Refusal> {
    if !ctx.client.may_use(&grant_type) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    approval.scope = known_scope(approval.scope, ctx.client, ctx.policy)?;
    if !approval.resources.is_empty() {
        let registered = with_default(ctx);
        // The registered spelling, which the tokens have too. Resources that are not registered are refused later.
        if approval.resources.is_subset_of(&registered) {
            approval.resources = approval.resources.intersection(&registered);
        }
    }
    let id = GrantId::from_bytes(draw(ctx.entropy));
    Ok(Grant::new(id, ctx.client, grant_type, approval, phase, ctx.policy, ctx.now))
}

/// Issues the first tokens of a grant. They are drawn at random, since no request can repeat them: RFC 6749 section
/// 4.1.2 forbids a second answer to a code.
///
/// A refresh token is issued when the policy, the flow, the granted scope and the registration of the client all allow
/// one. Its root is drawn here and never again. The record keeps a digest of it, and every successor carries it.
///
/// # Errors
/// As for [`mint`].
pub(super) fn first_tokens(grant: &mut Grant, access: Access, ctx: &Context<'_>) -> Result<UnsignedResponse, Refusal> {
    let key = ctx.tokens.ring().primary();
    let minted = mint(grant, &access, key, &Origin::Drawn, ctx)?;
    let gets_refresh_token = ctx.policy.issue_refresh_tokens
        && grant.grant_type().may_refresh()
        && admits_refresh_tokens(grant, ctx.client, ctx.policy)
        && ctx.client.may_use(&GrantType::RefreshToken);
    let refresh_token = gets_refresh_token.then(|| {
        bind(grant, 0, ctx);
        let (secret, root) = (TokenSecret::random(ctx.entropy), Root::random(ctx.entropy));
        let expires_at = grant.expiry_of(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
        grant.start(root.digest(), secret.digest(), ctx.now, expires_at);
        SealedRefreshToken::seal(grant, key, 0, &secret, &root, expires_at, ctx)
    });
    Ok(respond(access, minted, refresh_token, ctx))
}

/// Binds the refresh tokens of a public client, from `generation` on, to the key that the request proves (RFC 9449
/// section 5): no other fact ties them to the client. Those of a confidential client are tied by its authentication,
/// and its key may change.
///
/// The first key stays. A grant that is bound ignores later keys, so a thief cannot take it over with a key of his own.
pub(super) fn bind(grant: &mut Grant, generation: u32, ctx: &Context<'_>) {
    if !ctx.client.is_confidential() {
        grant.bind(generation, ctx.key);
    }
}
