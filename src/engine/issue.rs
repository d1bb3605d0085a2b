use std::collections::VecDeque;

use super::access::{Access, Origin, Successor, mint, respond};
use super::{AuthorizationCodeResponse, AuthorizeRequest, Context, IssueRequest, TokenResponse};
use crate::grant::{Approval, Grant, Head, PendingCode, Phase, end_of};
use crate::outcome::Refusal;
use crate::policy::RequirePkce;
use crate::token::{Claims, Root, TokenKind, TokenSecret};
use crate::vocabulary::{AuthorizationCode, GrantId, GrantType, draw};

/// Mints an authorization code for what the resource owner approved. The grant waits for its redemption.
///
/// # Errors
/// What the client may not ask for: the flow, the redirect URI, scope, a resource, a request without PKCE.
pub(crate) fn authorize(
    request: AuthorizeRequest,
    ctx: &Context<'_>,
) -> Result<(Grant, AuthorizationCodeResponse), Refusal> {
    if ctx.client.redirect_uri(request.redirect_uri.as_ref()).is_none() {
        return Err(Refusal::RedirectUriNotRegistered);
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
    let phase = Phase::AwaitingRedemption(PendingCode {
        digest: secret.digest(),
        redirect_uri: request.redirect_uri,
        challenge: request.code_challenge,
        confirmation: request.confirmation,
        expires_at,
    });
    let grant = found(GrantType::AuthorizationCode, request.approval, phase, ctx)?;
    // Refuse now what redemption would refuse: the user is still there to be told.
    Access::whole(&grant, ctx)?;
    let claims = Claims { grant_id: &grant.id, number: 0, secret: &secret, lineage: None };
    let code = ctx.tokens.seal(TokenKind::AuthorizationCode, ctx.tokens.ring().primary(), &claims);
    let response = AuthorizationCodeResponse { code: AuthorizationCode::new(code), expires_at, grant_id: grant.id };
    Ok((grant, response))
}

/// Issues first tokens for a grant that needs no code: a flow that the host approved itself, or client credentials.
///
/// # Errors
/// What the client may not ask for: the flow, scope, a resource.
pub(crate) fn issue(request: IssueRequest, ctx: &Context<'_>) -> Result<(Grant, TokenResponse), Refusal> {
    let mut grant = found(request.grant_type, request.approval, Phase::Active { redeemed: None }, ctx)?;
    let access = Access::whole(&grant, ctx)?;
    let response = first_tokens(&mut grant, access, ctx)?;
    Ok((grant, response))
}

/// The first tokens of a grant: drawn at random, since nothing ever repeats them.
pub(super) fn first_tokens(grant: &mut Grant, access: Access, ctx: &Context<'_>) -> Result<TokenResponse, Refusal> {
    let key = ctx.tokens.ring().primary();
    let minted = mint(grant, &access, key, &Origin::Drawn, ctx)?;
    let refreshes = ctx.policy.issue_refresh_tokens
        && grant.grant_type.may_refresh()
        && ctx.client.may_use(&GrantType::RefreshToken);
    let successor = refreshes.then(|| {
        bind(grant, 0, ctx);
        let (secret, root) = (TokenSecret::random(ctx.entropy), Root::random(ctx.entropy));
        let expires_at = grant.capped(ctx.now, ctx.policy.refresh_token_lifetime, ctx.policy);
        let (digest, issued_at) = (secret.digest(), ctx.now);
        grant.head = Some(Head { root: root.digest(), generation: 0, digest, issued_at, used_at: None, expires_at });
        Successor::seal(grant, key, 0, &secret, &root, expires_at, ctx)
    });
    Ok(respond(grant, access, minted, successor, ctx))
}

/// Binds the refresh tokens of a public client, those of `generation` and later ones, to the key that the request shows
/// (RFC 9449 section 5): nothing else ties them to the client. Those of a confidential client are tied by its
/// authentication, and its key may change.
pub(super) fn bind(grant: &mut Grant, generation: u32, ctx: &Context<'_>) {
    if !ctx.client.is_confidential() && grant.approval.confirmation.is_none() && ctx.confirmation.is_some() {
        grant.approval.confirmation = ctx.confirmation;
        grant.bound_from = generation;
    }
}

pub(super) fn found(
    grant_type: GrantType,
    approval: Approval,
    phase: Phase,
    ctx: &Context<'_>,
) -> Result<Grant, Refusal> {
    if !ctx.client.may_use(&grant_type) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    Ok(Grant {
        id: GrantId::from_bytes(draw(ctx.entropy)),
        client_id: ctx.client.id.clone(),
        registration: ctx.client.registration,
        grant_type,
        approval,
        bound_from: 0,
        created_at: ctx.now,
        last_used_at: ctx.now,
        expires_at: end_of(ctx.now, ctx.policy.grant_lifetime),
        phase,
        head: None,
        recent: VecDeque::new(),
        access: VecDeque::new(),
        write_id: [0; 4],
    })
}
