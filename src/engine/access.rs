//! Access tokens: their reach, their minting, and their repetition in a replay. ARCHITECTURE.md, order of checks:
//! reach, answer.
//!
//! An access token of a rotation is derived from the refresh token that was presented. A replay derives it again, so a
//! client that lost the response gets the same access token, not a second one. Only its digest is in the record.
//!
//! The reach of a token has two limits, and both are checked at every refresh, not once at consent:
//!
//! | limit | a request beyond it | a request without `scope` or `resource` |
//! |---|---|---|
//! | the approval | `invalid_scope`, `invalid_target` | gets all of the approval |
//! | the registration of the client today | `invalid_scope`, `invalid_target` | gets the part that is left |
//!
//! The same applies to authorization details (RFC 9396), with `invalid_authorization_details`.
//!
//! A refresh for less does not shrink the grant: the next one may ask for the whole reach again (RFC 6749 section 6).
//!
//! An approval without resources has the reach of the default audience (RFC 9068 section 3). The default is looked up
//! for each token and recorded with it, not with the approval. So it holds for grants that are older than the setting,
//! and a new address of an API does not end their sessions.

use std::borrow::Cow;
use std::time::Duration;

use super::{Context, ResponseFacts, UnsignedResponse};
use crate::client::Client;
use crate::grant::{Approval, Grant, LiveAccessToken};
use crate::outcome::Refusal;
use crate::policy::{OnUnknownScope, Policy};
use crate::token::{Claims, Derivation, Key, Lineage, Root, TokenKind, TokenSecret};
use crate::vocabulary::{
    AccessToken, AuthorizationDetails, Confirmation, KeyId, RefreshToken, Resource, Resources, Scope, Timestamp, draw,
};

/// The unit of `expires_in` (RFC 6749 section 5.1).
const SECOND: Duration = Duration::from_secs(1);

/// The reach of an access token: scope, audience and authorization details.
///
/// Made by [`whole`](Self::whole) and [`requested`](Self::requested) alone, so each value of this type was checked
/// against the approval and the registration.
pub(super) struct Access {
    scope: Scope,
    resources: Resources,
    authorization_details: Option<AuthorizationDetails>,
}

/// The reach that a request names. An absent part is everything that was granted.
pub(super) struct Named<'a> {
    pub(super) scope: Option<&'a Scope>,
    pub(super) resources: &'a Resources,
    pub(super) authorization_details: Option<&'a AuthorizationDetails>,
}

impl Access {
    /// Returns the whole reach of a new grant.
    ///
    /// # Errors
    /// A [`Refusal`] when the client is not registered for all of it.
    pub(super) fn whole(grant: &Grant, ctx: &Context<'_>) -> Result<Self, Refusal> {
        let Approval { scope, resources, authorization_details, .. } = grant.approval();
        let authorization_details = authorization_details.as_ref();
        Self::requested(grant, &Named { scope: Some(scope), resources, authorization_details }, ctx)
    }

    /// Returns the reach that the request names. Both the grant and the registration of the client must allow it.
    ///
    /// A request that names no scope gets everything that is granted and still registered. A scope that was withdrawn
    /// from a client is gone from its grants too (Keycloak GHSA-895x), and the client must not have to guess which one.
    ///
    /// # Errors
    /// A [`Refusal`] when the request names too much, or when all of the granted reach was withdrawn.
    pub(super) fn requested(grant: &Grant, named: &Named<'_>, ctx: &Context<'_>) -> Result<Self, Refusal> {
        let (granted, registered) = (grant.approval(), ctx.client);
        let scope = match named.scope {
            Some(scope) if scope.is_subset_of(&granted.scope) && scope.is_subset_of(&registered.scope) => scope.clone(),
            Some(_) => return Err(Refusal::ScopeExceeded),
            None if granted.scope.is_subset_of(&registered.scope) => granted.scope.clone(),
            None => match granted.scope.intersection(&registered.scope) {
                left if left.is_empty() => return Err(Refusal::ScopeWithdrawn),
                left => left,
            },
        };
        let resources = audience(&granted.resources, named.resources, ctx)?;
        let authorization_details = match &granted.authorization_details {
            Some(granted) => Some(details(granted, named.authorization_details, registered)?),
            None if named.authorization_details.is_some() => return Err(Refusal::AuthorizationDetailsExceeded),
            None => None,
        };
        Ok(Self { scope, resources, authorization_details })
    }

    /// Returns true when `token` has exactly this reach.
    ///
    /// A replay repeats only a token of equal reach. A client that asks for less the second time must not get more than
    /// it asked for.
    pub(super) fn is_of(&self, token: &LiveAccessToken, grant: &Grant) -> bool {
        let granted = grant.approval();
        self.scope == *token.scope.as_ref().unwrap_or(&granted.scope)
            && self.resources == *token.resources.as_ref().unwrap_or(&granted.resources)
            && self.authorization_details.as_ref()
                == token.authorization_details.as_ref().or(granted.authorization_details.as_ref())
    }
}

/// Returns the audience of a token of a grant for `granted`, in the registered spelling.
///
/// # Errors
/// A [`Refusal`] when the request names too much, or when all of the granted resources were withdrawn.
fn audience(granted: &Resources, named: &Resources, ctx: &Context<'_>) -> Result<Resources, Refusal> {
    if granted.is_empty() {
        let default = ctx.default_audience;
        let is_default = |resource: &Resource| default.is_some_and(|default| default.names_same_as(resource));
        return if named.iter().all(is_default) {
            Ok(default.cloned().into_iter().collect())
        } else {
            Err(Refusal::ResourceExceeded)
        };
    }
    let registered = with_default(ctx);
    if !named.is_empty() {
        let is_allowed = named.is_subset_of(granted) && named.is_subset_of(&registered);
        return if is_allowed { Ok(named.intersection(&registered)) } else { Err(Refusal::ResourceExceeded) };
    }
    match granted.intersection(&registered) {
        none if none.is_empty() => Err(Refusal::ResourceWithdrawn),
        left => Ok(left),
    }
}

/// Returns the authorization details of a token of a grant for `granted` (RFC 9396 section 6). Each object that the
/// request names must equal a granted one: the library does not know which members of a type mean less.
///
/// # Errors
/// A [`Refusal`] when the request names too much, or when all of the granted types were withdrawn.
#[cold]
fn details(
    granted: &AuthorizationDetails,
    named: Option<&AuthorizationDetails>,
    client: &Client,
) -> Result<AuthorizationDetails, Refusal> {
    let registered = granted.of_types(&client.authorization_details_types);
    match (registered, named) {
        (Some(registered), Some(named)) if named.is_subset_of(&registered) => {
            registered.intersection(named).ok_or(Refusal::AuthorizationDetailsExceeded)
        }
        (_, Some(_)) => Err(Refusal::AuthorizationDetailsExceeded),
        (Some(registered), None) => Ok(registered),
        (None, None) => Err(Refusal::AuthorizationDetailsWithdrawn),
    }
}

/// Returns the requested scope without the tokens that the policy ignores
/// ([`on_unknown_scope`](crate::Policy::on_unknown_scope)). Other tokens that the client is not registered for stay,
/// and are refused by the check of the reach.
///
/// # Errors
/// [`Refusal::ScopeExceeded`] when nothing is left.
pub(crate) fn known_scope(requested: Scope, client: &Client, policy: &Policy) -> Result<Scope, Refusal> {
    if requested.is_subset_of(&client.scope) {
        return Ok(requested);
    }
    let is_openid = requested.contains(Scope::OPENID) && client.scope.contains(Scope::OPENID);
    if !is_openid && policy.on_unknown_scope != OnUnknownScope::Ignore {
        return Ok(requested);
    }
    Some(requested.intersection(&client.scope)).filter(|known| !known.is_empty()).ok_or(Refusal::ScopeExceeded)
}

/// Returns the resources for which the client may have tokens: the registered ones and its default audience.
pub(super) fn with_default<'a>(ctx: &Context<'a>) -> Cow<'a, Resources> {
    let registered = &ctx.client.resources;
    match ctx.default_audience.filter(|default| registered.iter().all(|own| own != *default)) {
        None => Cow::Borrowed(registered),
        Some(default) => Cow::Owned(registered.iter().chain([default]).cloned().collect()),
    }
}

/// The source of the secret of an access token.
///
/// Only a rotation derives. It keeps a salt in the record, and the client holds the parent: the two inputs of the
/// derivation.
pub(super) enum Origin<'a> {
    /// Fresh randomness, for first tokens and a refresh without rotation: the token can never be repeated.
    Drawn,
    /// The refresh token of this generation. A replay of that refresh token gets the same access token again.
    Derived(Derivation<'a>, u32),
}

/// An access token that leaves with the response.
#[derive(Debug)]
pub(super) struct MintedAccessToken {
    form: AccessTokenForm,
    issued_at: Timestamp,
    expires_at: Timestamp,
    confirmation: Option<Confirmation>,
}

/// The form of an access token.
#[derive(Debug)]
pub(crate) enum AccessTokenForm {
    /// The token itself.
    Opaque(AccessToken),
    /// The `jti` of a JWT that has yet to be signed, and the key to sign it with.
    ///
    /// The key was chosen before the decision. It is in the record, so that tokens of a withdrawn key are found and a
    /// replay signs with the same key.
    Jwt { jti: String, key: KeyId },
}

impl MintedAccessToken {
    /// Seals the recorded access token `live` in the form in which it was issued.
    ///
    /// Deterministic: equal inputs give an equal text. A JWT gets a sealed `jti` of the same content, so introspection
    /// and revocation find its entry in the record as they find that of an opaque token.
    fn of(live: &LiveAccessToken, grant: &Grant, key: &Key, secret: &TokenSecret, ctx: &Context<'_>) -> Self {
        let claims = Claims { grant_id: &grant.id(), number: live.serial, secret, lineage: None };
        let form = match &live.signing_key {
            None => AccessTokenForm::Opaque(AccessToken::new(ctx.tokens.seal(TokenKind::AccessToken, key, &claims))),
            Some(signing_key) => {
                AccessTokenForm::Jwt { jti: ctx.tokens.seal(TokenKind::JwtId, key, &claims), key: signing_key.clone() }
            }
        };
        let LiveAccessToken { issued_at, expires_at, confirmation, .. } = *live;
        Self { form, issued_at, expires_at, confirmation }
    }
}

/// Mints an access token and records it in the grant.
///
/// When the grant has `max_live_access_tokens` already, the oldest one is dropped and is inactive from then on. The
/// record must not grow without bound (see ARCHITECTURE.md, the grant record).
///
/// The entry keeps scope, resources and details only where they differ from the approval: most tokens have the whole
/// reach.
///
/// # Errors
/// [`Refusal::GrantExpired`] when the grant has less than a second to live.
pub(super) fn mint(
    grant: &mut Grant,
    access: &Access,
    key: &Key,
    origin: &Origin<'_>,
    ctx: &Context<'_>,
) -> Result<MintedAccessToken, Refusal> {
    let serial = u32::from_be_bytes(draw(ctx.entropy));
    let (secret, parent) = match origin {
        Origin::Drawn => (TokenSecret::random(ctx.entropy), None),
        Origin::Derived(from, generation) => (key.derive(from, TokenKind::AccessToken, serial), Some(*generation)),
    };
    let granted = grant.approval();
    let live = LiveAccessToken {
        serial,
        digest: secret.digest(),
        scope: (access.scope != granted.scope).then(|| access.scope.clone()),
        resources: (access.resources != granted.resources).then(|| access.resources.clone()),
        authorization_details: access
            .authorization_details
            .clone()
            .filter(|details| granted.authorization_details.as_ref() != Some(details)),
        issued_at: ctx.now,
        expires_at: access_token_expiry(grant, serial, ctx)?,
        parent,
        confirmation: key_for_new_tokens(grant, ctx),
        signing_key: ctx.signing_key.cloned(),
    };
    let minted = MintedAccessToken::of(&live, grant, key, &secret, ctx);
    grant.add_access_token(live, ctx.policy.max_live_access_tokens);
    Ok(minted)
}

/// Returns the access token that an earlier request derived from the same rotation with the same reach.
///
/// Returns `None`, and the caller mints another token, when
///
/// * no live token of that rotation has that reach, or it was revoked,
/// * the request proves another key: a token bound to one key is useless to the holder of another,
/// * the token has less than a second to live, or
/// * the token outlives the grant, because the policy was tightened since.
///
/// The digest is compared at the end. An entry may stem from a rotation that a failover replaced, and then the
/// derivation gives another secret.
pub(super) fn repeat(
    grant: &Grant,
    access: &Access,
    key: &Key,
    derivation: &Derivation<'_>,
    generation: u32,
    ctx: &Context<'_>,
) -> Option<MintedAccessToken> {
    let is_repeatable = |token: &&LiveAccessToken| {
        token.parent == Some(generation)
            && access.is_of(token, grant)
            && token.confirmation == key_for_new_tokens(grant, ctx)
            && lives_a_second(token.expires_at, ctx)
            && grant.absolute_expiry(ctx.policy).is_none_or(|expiry| token.expires_at <= expiry)
    };
    grant.access_tokens().filter(is_repeatable).find_map(|token| {
        let secret = key.derive(derivation, TokenKind::AccessToken, token.serial);
        (secret.digest() == token.digest).then(|| MintedAccessToken::of(token, grant, key, &secret, ctx))
    })
}

/// Returns the key that a new access token is bound to: the one that the request proves, or the one that the host bound
/// the grant to.
///
/// The proven key comes first: a confidential client may change its key, and the tokens follow (RFC 9449 section 5).
fn key_for_new_tokens(grant: &Grant, ctx: &Context<'_>) -> Option<Confirmation> {
    ctx.key.or(grant.approval().confirmation)
}

/// Returns the expiry of a new access token: never after the grant, and at least a second away, since clients get whole
/// seconds and take 0 for an error.
///
/// A JWT states its expiry in whole seconds, so its record does too. Otherwise introspection and a resource server that
/// reads the JWT would disagree for up to a second. The expiry of the token is rounded up and that of the grant down: a
/// JWT must not outlive its grant.
///
/// # Errors
/// [`Refusal::GrantExpired`].
fn access_token_expiry(grant: &Grant, serial: u32, ctx: &Context<'_>) -> Result<Timestamp, Refusal> {
    let is_jwt = ctx.signing_key.is_some();
    let own = ctx.now + ctx.policy.lifetime_of_access_token(serial);
    let own = if is_jwt { own.rounded_up() } else { own };
    let of_grant = grant.absolute_expiry(ctx.policy).map(|expiry| if is_jwt { expiry.rounded_down() } else { expiry });
    let expiry = of_grant.map_or(own, |of_grant| own.min(of_grant));
    if lives_a_second(expiry, ctx) { Ok(expiry) } else { Err(Refusal::GrantExpired) }
}

/// Returns true when at least a whole second is left. A response with `expires_in` 0 makes clients refresh at once,
/// again and again.
pub(super) fn lives_a_second(expiry: Timestamp, ctx: &Context<'_>) -> bool {
    expiry.since(ctx.now).is_some_and(|left| left >= SECOND)
}

/// Returns true when the policy lets the grant have refresh tokens. The scope of the grant counts, and not that of a
/// request: a refresh for less leaves the grant as it is.
pub(super) fn admits_refresh_tokens(grant: &Grant, client: &Client, policy: &Policy) -> bool {
    policy.admits_refresh_tokens(&grant.approval().scope) && policy.admits_refresh_tokens(&client.scope)
}

/// A refresh token that leaves with the response. Its text exists only here: the record has the digest of its secret.
#[derive(Debug)]
pub(crate) struct SealedRefreshToken {
    pub(crate) token: RefreshToken,
    /// The expiry of an unused token; `None` is never.
    pub(crate) expires_at: Option<Timestamp>,
}

impl SealedRefreshToken {
    /// Seals the refresh token of `generation`. The binding of that generation is sealed in, for a record that a
    /// failover rolls back to a time before the binding.
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
        let claims = Claims { grant_id: &grant.id(), number: generation, secret, lineage: Some(&lineage) };
        Self { token: RefreshToken::new(ctx.tokens.seal(TokenKind::RefreshToken, key, &claims)), expires_at }
    }
}

/// Returns the response of RFC 6749 section 5.1, not signed yet.
///
/// `expires_in` is measured from now and not from the time of issue: a replay returns the lifetime that is left. On a
/// node whose clock is behind the issue it is the whole lifetime, and no more.
pub(super) fn respond(
    access: Access,
    access_token: MintedAccessToken,
    refresh_token: Option<SealedRefreshToken>,
    ctx: &Context<'_>,
) -> UnsignedResponse {
    let MintedAccessToken { form, issued_at, expires_at, confirmation } = access_token;
    let facts = ResponseFacts {
        issued_at,
        expires_at,
        confirmation,
        expires_in: expires_at.since(ctx.now.max(issued_at)).unwrap_or_default(),
        refresh_token,
        scope: access.scope,
        resources: access.resources,
        authorization_details: access.authorization_details,
    };
    UnsignedResponse { access_token: form, facts }
}
