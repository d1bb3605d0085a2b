//! The service around the engine: load, decide, compare and swap, answer.
//!
//! **No token leaves before its compare-and-swap is stored.**
//!
//! Each public method is one call. It opens the presented token, which costs no I/O, and passes a decision of the
//! engine to the loop of `commit`. The engine does not await: this module calls the store, the authenticator, the proof
//! verifier, the subject gate and the JWT issuer.
//!
//! | file | content |
//! |---|---|
//! | `builder` | the parts of a service, and their defaults |
//! | `call` | the events and errors of one call |
//! | `commit`, `create` | the loop for a stored grant, and the storage of a new one |
//! | `attempt`, `authenticate` | the limit of attempts, and the check of the client |
//! | `possession`, `terms` | the check of the proof, and the policy of the client |
//! | `signing`, `claims` | JWTs, and the claims of the host in them |
//! | `authorization` | the authorization request, before the user is asked |
//! | `push` | pushed authorization requests |
//! | `exchange`, `introspect`, `revoke`, `device`, `listing` | the calls besides issue, redemption and refresh |
//! | `inspect` | explanations for operators |
//! | `purge` | the deletion of expired records |
//! | `user_info`, `logout` | OpenID Connect |
//! | `registration` | the events of clients that register themselves |
//! | `error` | the error of all calls |

mod attempt;
mod authenticate;
mod authorization;
mod builder;
mod call;
mod claims;
mod commit;
mod create;
mod device;
mod error;
mod exchange;
mod inspect;
mod introspect;
mod listing;
mod logout;
mod possession;
mod purge;
mod push;
mod registration;
mod revoke;
mod signing;
mod terms;
mod user_info;

pub use builder::TokenServiceBuilder;
pub use error::TokenError;
pub use listing::GrantPage;

use std::sync::Arc;

use crate::client::Client;
use crate::engine::{
    self, AuthorizationCodeResponse, AuthorizeRequest, IssueRequest, RedeemRequest, RefreshRequest, TokenResponse,
};
use crate::outcome::{EventKind, EventSink, MalformedRequest, Operation, Refusal, StoreCall, Timed, Timer, Timings};
use crate::policy::{Policy, Ports};
use crate::ports::Unavailable;
use crate::ports::authenticator::{AuthenticatedClient, ClientAuthenticator, Supported};
use crate::ports::host::{ClaimsSource, RateLimit, SubjectGate};
use crate::ports::jwt::JwtIssuer;
use crate::ports::proof::ProofVerifier;
use crate::ports::store::TokenStore;
use crate::token::{KeyRing, TokenFormat, TokenKind};
use crate::vocabulary::{Clock, Entropy, GrantType, Issuer, Peer, Realm, Resource, Scope, Timestamp};
use call::Call;

/// The token lifecycle over a store and a client authenticator. Cheap to clone; clones are one service.
///
/// Each method is a loop of four steps: load the grant, decide, compare and swap, answer. A lost race repeats the loop.
/// A write whose outcome is unknown is settled by one read, never by a second issue.
///
/// **A dropped future is harmless**, whether the client hung up, a time-out ended the call, or `select!` took another
/// branch. The decision is stored as a whole or not at all, and nothing is left waiting. To the client it is a lost
/// response: it sends the request again. The retry of a [`refresh`](Self::refresh) that was stored gets the successor
/// within the grace period. A code that was [redeemed](Self::redeem) without a response costs a new sign-in.
///
/// ```
/// use regrant::{
///     Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, MemoryStore,
///     RefreshRequest, Subject, SystemEntropy, TokenService,
/// };
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), KeyRing::generate(&SystemEntropy))
///     .build()?;
/// let client = Client::new(ClientId::new("app")?)
///     .with_grant_types([GrantType::Password, GrantType::RefreshToken])
///     .with_scope("read write".parse()?);
/// let client = AuthenticatedClient::assertion(client.into());
///
/// let approval = Approval::of(Subject::new("demo")?).with_scope("read write".parse()?);
/// let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
///
/// let refresh_token = first.refresh_token.ok_or("no refresh token")?;
/// let lost = service.refresh(&client, &RefreshRequest::new(refresh_token.clone())).await?;
/// let again = service.refresh(&client, &RefreshRequest::new(refresh_token)).await?;
/// assert_eq!(lost.access_token.expose(), again.access_token.expose());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TokenService<S>(Arc<Inner<S>>, Option<Peer>);

/// The parts of a service, shared by all of its clones. None of them changes after [`TokenServiceBuilder::build`].
#[derive(Clone)]
struct Inner<S> {
    store: S,
    authenticator: Arc<dyn ClientAuthenticator>,
    tokens: Arc<TokenFormat>,
    realm: Realm,
    policy: Policy,
    default_audience: Option<Resource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    gate: Option<Arc<dyn SubjectGate>>,
    rate_limit: Option<Arc<dyn RateLimit>>,
    events: Vec<Arc<dyn EventSink>>,
    timings: Option<Arc<dyn Timings>>,
    claims_source: Option<Arc<dyn ClaimsSource>>,
    jwt_issuer: Option<Arc<dyn JwtIssuer>>,
    proof_verifier: Option<Arc<dyn ProofVerifier>>,
}

impl<S> Inner<S> {
    /// Returns the abilities of the ports, which limit the policies.
    fn ports(&self) -> Ports {
        Ports {
            has_jwt_issuer: self.jwt_issuer.is_some(),
            has_proof_verifier: self.proof_verifier.is_some(),
            max_token_lifetime: self.jwt_issuer.as_deref().and_then(JwtIssuer::max_token_lifetime),
        }
    }
}

impl<S> Clone for TokenService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), self.1.clone())
    }
}

impl<S> std::fmt::Debug for TokenService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenService")
            .field("realm", &self.0.realm)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

impl<S: TokenStore> TokenService<S> {
    /// Starts to build a service from its required parts.
    ///
    /// The store may be an `Arc` of a store. All nodes of a deployment need the same key ring: with another one a node
    /// refuses the tokens of the others.
    pub fn builder(
        store: S,
        authenticator: impl ClientAuthenticator + 'static,
        keys: KeyRing,
    ) -> TokenServiceBuilder<S> {
        TokenServiceBuilder::new(store, Arc::new(authenticator), keys)
    }

    /// Returns a service with another key ring, which shares everything else with this one. For a host that rotates its
    /// keys without a restart: the host serves with the new service from then on. Calls in progress finish with the
    /// ring with which they began. The order of steps of [`KeyRing`] holds here too. Values that the host has derived
    /// from the former ring ([`KeyRing::derive`]), such as DPoP nonces, stay as they are.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest, Key, RefreshRequest};
    ///
    /// # let (old, new) = (std::array::from_fn(|index| index as u8), std::array::from_fn(|index| 7 + index as u8));
    /// let service = service.with_key_ring(KeyRing::new(Key::new(old)?));
    /// let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let first = first.refresh_token.ok_or("no refresh token")?;
    ///
    /// let rotated = service.with_key_ring(KeyRing::new(Key::new(new)?).add_former(Key::new(old)?)?);
    /// let second = rotated.refresh(&client, &RefreshRequest::new(first)).await?;
    /// assert!(second.refresh_token.is_some());
    #[doc = include_str!("example/end.txt")]
    /// ```
    #[must_use]
    pub fn with_key_ring(&self, keys: KeyRing) -> Self
    where
        S: Clone,
    {
        let Inner { realm, tokens, .. } = &*self.0;
        let tokens = Arc::new(tokens.with_ring(keys, realm));
        Self(Arc::new(Inner { tokens, ..Inner::clone(&self.0) }), self.1.clone())
    }

    /// Issues an authorization code for a request that the resource owner has approved (RFC 6749 section 4.1.2).
    ///
    /// The client has not authenticated at this point: your authorization endpoint looked it up by its id. Send an
    /// error to the redirect URI only if that URI is registered (RFC 6749 section 4.1.2.1); [`Client::redirect_uri`]
    /// tests it.
    ///
    /// A request that was pushed is used up: of several approvals one gets a code. If the service fails in between, the
    /// grant of the code that nobody got expires unused.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the client may not use the flow, the redirect URI, the scope, a resource or the
    /// authorization details, when the policy requires a pushed request, and when the pushed request has expired or was
    /// used; otherwise as [`issue`](Self::issue).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{AuthorizeRequest, CodeChallenge, CodeVerifier, RedeemRequest, Refusal, TokenError};
    ///
    /// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    /// let request = AuthorizeRequest::new(approval)
    ///     .with_redirect_uri(callback.clone())
    ///     .with_code_challenge(CodeChallenge::of(&verifier)?);
    /// let code = service.authorize(&client, request).await?.code; // goes to the client through the browser
    ///
    /// let redemption =
    ///     RedeemRequest::new(code).with_redirect_uri(callback.as_str()).with_code_verifier(verifier.expose());
    /// assert!(service.redeem(&client, &redemption).await.is_ok());
    /// let again = service.redeem(&client, &redemption).await;
    /// assert!(matches!(again, Err(TokenError::Refused(Refusal::CodeReused))));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn authorize(
        &self,
        client: &Client,
        mut request: AuthorizeRequest,
    ) -> Result<AuthorizationCodeResponse, TokenError> {
        let call = Call::new(self, Operation::Authorize).by(&client.id);
        let _timer = self.timer(call.operation);
        let terms = call.terms(client, &GrantType::AuthorizationCode)?;
        let pushed = match &request.pushed_request {
            Some(request_uri) => Some(call.open_request_uri(request_uri.expose())?),
            None => None,
        };
        if let Some(pushed) = &pushed {
            request.confirmation = call.pushed_key(client, pushed).await?.or(request.confirmation);
        }
        let (mut grant, response) =
            engine::authorize(request, &self.context(client, &terms)).map_err(|refusal| call.refuse(refusal))?;
        let Some(pushed) = pushed else {
            return call.insert(&mut grant, EventKind::CodeIssued).await.map(|()| response);
        };
        // The grant first: a request that is used up has a code. If the second write fails, or another approval was
        // faster, the code does not leave and its grant expires unused.
        call.store_new(&mut grant).await?;
        call.transact(pushed.grant_id, |record| engine::use_up(record, &pushed, client, self.now())).await?;
        call.emit_for(EventKind::CodeIssued, &grant);
        Ok(response)
    }

    /// Returns the refusal that [`authorize`](Self::authorize) would give, and writes nothing. So the authorization
    /// endpoint can send an error to the client before it asks the user. The approval needs no resource owner yet. A
    /// pushed request is not looked up: [`pushed_request`](Self::pushed_request) has done that.
    ///
    /// # Errors
    /// As for [`authorize`](Self::authorize), except failures of the store.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{AuthorizeRequest, Refusal, TokenError};
    ///
    /// let request = AuthorizeRequest::new(approval.clone());
    /// assert!(service.check_authorization(&client, request).is_ok());
    ///
    /// let request = AuthorizeRequest::new(approval.with_scope("admin".parse()?));
    /// let refused = service.check_authorization(&client, request);
    /// assert!(matches!(refused, Err(TokenError::Refused(Refusal::ScopeExceeded))));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub fn check_authorization(&self, client: &Client, request: AuthorizeRequest) -> Result<(), TokenError> {
        let call = Call::new(self, Operation::Authorize).by(&client.id);
        let terms = call.terms(client, &GrantType::AuthorizationCode)?;
        let checked = engine::authorize(request, &self.context(client, &terms));
        checked.map(drop).map_err(|refusal| call.refuse(refusal))
    }

    /// Issues the first tokens of a grant that the host approved in a flow of its own, or of the client itself.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the client may not use the flow, the scope or a resource; otherwise the failure of
    /// a port. No token was issued then.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::IssueRequest;
    ///
    /// // The client for itself: an access token, no resource owner, no refresh token.
    /// let tokens = service.issue(&client, IssueRequest::client_credentials("read".parse()?)).await?;
    /// assert_eq!(tokens.expires_in, Duration::from_secs(3600));
    /// assert!(tokens.refresh_token.is_none());
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn issue(
        &self,
        client: &AuthenticatedClient,
        request: IssueRequest,
    ) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Issue, client, &request.grant_type)?;
        let _timer = self.timer(call.operation);
        let (grant_type, possession) = (request.grant_type.clone(), request.presented_keys.clone());
        let bound = request.approval.confirmation;
        call.create_grant(client, &grant_type, &possession, bound.as_ref(), |ctx| engine::issue(request, ctx)).await
    }

    /// Redeems an authorization code for tokens (RFC 6749 section 4.1.3). See [`authorize`](Self::authorize) for an
    /// example.
    ///
    /// A second use of a code by a presenter who passes every check revokes the grant: one of the two is a thief (RFC
    /// 6749 section 4.1.2). A second use that fails a check changes nothing, so a leaked code alone cannot end a
    /// session.
    ///
    /// # Errors
    /// [`TokenError::Refused`] is final for this request. After any other error try again with the same code.
    ///
    /// One fault costs the user a second sign-in: the store applied the redemption, but neither acknowledged it nor
    /// could be read back. The retry is then a second use of the code, which RFC 6749 section 4.1.2 forbids to answer.
    pub async fn redeem(
        &self,
        client: &AuthenticatedClient,
        request: &RedeemRequest,
    ) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Redeem, client, &GrantType::AuthorizationCode)?;
        let _timer = self.timer(call.operation);
        let Some(code) = self.0.tokens.open(TokenKind::AuthorizationCode, request.code.expose()) else {
            return Err(call.refuse(Refusal::TokenUnrecognized));
        };
        call.present(client, code.grant_id, &code, &request.presented_keys, None, |grant, code, ctx| {
            engine::redeem(grant, code, request, ctx)
        })
        .await
    }

    /// Answers a refresh (RFC 6749 section 6): rotates the refresh token, returns the current one for a recent one, or
    /// issues an access token only, according to the policy.
    ///
    /// # Errors
    /// [`TokenError::Refused`] is final for this refresh token and means `invalid_grant` to the client, or is a fault
    /// of the request. After any other error try again with the same token: if the rotation was stored after all, the
    /// retry gets its result.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest, RefreshRequest, Refusal, Scope, TokenError};
    ///
    /// let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let first = first.refresh_token.ok_or("no refresh token")?;
    ///
    /// let narrow = RefreshRequest::new(first.clone()).with_scope(Scope::new("read")?);
    /// let second = service.refresh(&client, &narrow).await?;
    /// assert_eq!(second.scope.as_str(), "read");
    ///
    /// // The response was lost, and the client notices it an hour later. It sends the same refresh token again.
    /// clock.advance(Duration::from_secs(3600));
    /// let second = second.refresh_token.ok_or("no refresh token")?;
    /// let retried = service.refresh(&client, &RefreshRequest::new(first.clone())).await?;
    /// assert_eq!(retried.refresh_token.ok_or("no refresh token")?.expose(), second.expose());
    ///
    /// // Once the second token was used, the first one is spent. Using it again is reuse, which revokes the grant.
    /// let third = service.refresh(&client, &RefreshRequest::new(second)).await?;
    /// clock.advance(Duration::from_secs(3600));
    /// let reuse = service.refresh(&client, &RefreshRequest::new(first)).await;
    /// assert!(matches!(reuse, Err(TokenError::Refused(Refusal::RefreshTokenReused))));
    /// let third = third.refresh_token.ok_or("no refresh token")?;
    /// let revoked = service.refresh(&client, &RefreshRequest::new(third)).await;
    /// assert!(matches!(revoked, Err(TokenError::Refused(Refusal::GrantRevoked))));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn refresh(
        &self,
        client: &AuthenticatedClient,
        request: &RefreshRequest,
    ) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Refresh, client, &GrantType::RefreshToken)?;
        let _timer = self.timer(call.operation);
        let Some(token) = self.0.tokens.open(TokenKind::RefreshToken, request.refresh_token.expose()) else {
            return Err(call.refuse(Refusal::TokenUnrecognized));
        };
        call.present(client, token.grant_id, &token, &request.presented_keys, None, |grant, token, ctx| {
            engine::refresh(grant, token, request, ctx)
        })
        .await
    }

    /// Returns the features that the clients use now, for the metadata.
    ///
    /// # Errors
    /// [`TokenError::Authenticator`].
    pub(crate) async fn supported(&self) -> Result<Supported, TokenError> {
        let failed =
            |error: Unavailable| Call::new(self, Operation::Publish).fail(TokenError::Authenticator(error.into()));
        self.0.authenticator.supported().await.map_err(failed)
    }
}

impl<S> TokenService<S> {
    /// Returns the time by the clock of the service, for hosts that set expiries by the same clock.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// assert_eq!(service.now().to_string(), "2026-11-23T12:00:00Z");
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(service.now().to_string(), "2026-11-23T12:00:01Z");
    #[doc = include_str!("example/end.txt")]
    /// ```
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns the scope to decide about for a request of `client`: the `requested` scope without the tokens that the
    /// policy ignores ([`on_unknown_scope`](Policy::on_unknown_scope)), or the default scope of the client. Ask the
    /// resource owner for it, before [`authorize`](Self::authorize). The client must have authenticated, or be about to
    /// be redirected to a registered URI: other callers must not learn about scopes.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the client may not use the flow, when the request has no scope and the client has
    /// no default, or when no token of the scope is left; [`TokenError::Policy`] as for [`issue`](Self::issue). The
    /// registered scope is compared when the grant is created.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, Scope};
    ///
    /// let asked = service.requested_scope(&client, &GrantType::AuthorizationCode, Some("read".parse()?))?;
    /// assert_eq!(asked, Scope::from_static("read"));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub fn requested_scope(
        &self,
        client: &Client,
        grant_type: &GrantType,
        requested: Option<Scope>,
    ) -> Result<Scope, TokenError> {
        let operation =
            if *grant_type == GrantType::AuthorizationCode { Operation::Authorize } else { Operation::Issue };
        Call::entitled(self, operation, client, grant_type)?.requested_scope(client, grant_type, requested)
    }

    /// Reports that a flow of the host was refused before [`issue`](Self::issue), and returns the error. The approver
    /// has no sink of its own, so without this call a wrong password would leave no event.
    pub(crate) fn refuse_approval(&self, client: &Client, refusal: Refusal) -> TokenError {
        Call::new(self, Operation::Issue).by(&client.id).refuse(refusal)
    }

    /// Reports that a flow of the host could not be decided, and returns the error: 503, never `invalid_grant`.
    pub(crate) fn fail_approval(&self, client: &Client, cause: Unavailable) -> TokenError {
        Call::new(self, Operation::Issue).by(&client.id).fail(TokenError::Approver(cause))
    }

    /// Reports a request with a malformed form. No client is named: the request has not been authenticated.
    pub(crate) fn report_malformed(&self, operation: Operation, malformed: MalformedRequest) {
        Call::new(self, operation).emit(EventKind::Malformed(malformed));
    }

    /// Returns the nonce for the client's next DPoP proof; `None` when the verifier demands none, or there is no
    /// verifier.
    pub(crate) fn proof_nonce(&self) -> Option<String> {
        self.0.proof_verifier.as_ref().and_then(|verifier| verifier.nonce(self.now()))
    }

    /// Returns the algorithms of DPoP proofs, for the metadata; empty without a verifier.
    pub(crate) fn proof_algorithms(&self) -> Vec<&'static str> {
        self.0.proof_verifier.as_deref().map(ProofVerifier::algorithms).unwrap_or_default()
    }

    /// Returns the `iss` of the JWTs of the service; `None` when it makes none.
    pub(crate) fn jwt_issuer(&self) -> Option<&Issuer> {
        self.0.jwt_issuer.as_deref().map(JwtIssuer::issuer)
    }

    /// Returns the algorithms of the JWTs of the service; `None` when it makes none.
    pub(crate) fn jwt_algorithms(&self) -> Option<Vec<&'static str>> {
        self.0.jwt_issuer.as_deref().map(JwtIssuer::algorithms)
    }

    /// Returns the names of the claims of the host, for the metadata; empty without a source.
    pub(crate) fn claims_supported(&self) -> Vec<String> {
        self.0.claims_source.as_deref().map(ClaimsSource::claims_supported).unwrap_or_default()
    }

    /// Returns the policy of the provider.
    pub(crate) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Measures a call until the timer is dropped, also when the future of the call is dropped.
    fn timer(&self, operation: Operation) -> Timer<'_> {
        Timer::start(self.0.timings.as_deref(), Timed::Operation(operation))
    }

    fn store_timer(&self, call: StoreCall) -> Timer<'_> {
        Timer::start(self.0.timings.as_deref(), Timed::Store(call))
    }
}
