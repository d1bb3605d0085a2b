//! The service: the only room that awaits. Load, decide, compare and swap, answer.
//!
//! **No token leaves before its compare-and-swap is stored.**

mod builder;
mod commit;
mod device;
mod error;
mod exchange;
mod listing;
mod possession;
mod signing;

pub use builder::TokenServiceBuilder;
pub use error::TokenError;
pub use listing::GrantPage;

use std::error::Error;
use std::sync::Arc;

use crate::client::Client;
use crate::engine::{
    self, ActiveToken, AuthorizationCodeResponse, AuthorizeRequest, Context, IssueRequest, RedeemRequest,
    RefreshRequest, TokenResponse,
};
use crate::grant::RevocationReason;
use crate::outcome::{EventKind, EventSink, MalformedRequest, Operation, Refusal, StoreCall, Timed, Timer, Timings};
use crate::policy::{AccessTokenFormat, Policy};
use crate::ports::authenticator::{AuthenticatedClient, ClientAuthenticator, ClientCredentials};
use crate::ports::host::SubjectGate;
use crate::ports::jwt::JwtIssuer;
use crate::ports::proof::ProofVerifier;
use crate::ports::store::TokenStore;
use crate::token::{KeyRing, TokenFormat, TokenKind};
use crate::vocabulary::{Clock, Entropy, GrantId, GrantType, KeyId, Realm, Timestamp};
use commit::Call;

/// The token lifecycle over a store and a client authenticator. Cheap to clone; clones are one service.
///
/// Each method is a loop of four steps: load the grant, decide, compare and swap, answer. A lost race begins it anew; a
/// write whose outcome is unknown is settled by reading back once, never by issuing again.
///
/// **A dropped future is harmless**: of a client that hung up, of a time-out around a call, of `select!`. What was
/// decided is stored as a whole or not at all, and nothing is left waiting. To the client it is a lost response: it
/// sends the request again. Of a [`refresh`](Self::refresh) that was stored it gets the successor within grace; a code
/// that was [redeemed](Self::redeem) unseen costs a new sign-in.
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
pub struct TokenService<S>(Arc<Inner<S>>);

struct Inner<S> {
    store: S,
    authenticator: Arc<dyn ClientAuthenticator>,
    tokens: TokenFormat,
    realm: Realm,
    policy: Policy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    gate: Arc<dyn SubjectGate>,
    events: Vec<Arc<dyn EventSink>>,
    timings: Option<Arc<dyn Timings>>,
    jwt_issuer: Option<Arc<dyn JwtIssuer>>,
    proof_verifier: Option<Arc<dyn ProofVerifier>>,
}

/// What a client gets for one flow: the policy in force, and the key that signs its access tokens if they are JWTs.
struct Terms {
    policy: Policy,
    signing_key: Option<KeyId>,
}

impl<S> Clone for TokenService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
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
    /// Begins a service with what it cannot do without.
    pub fn builder(
        store: S,
        authenticator: impl ClientAuthenticator + 'static,
        keys: KeyRing,
    ) -> TokenServiceBuilder<S> {
        TokenServiceBuilder::new(store, Arc::new(authenticator), keys)
    }

    /// The client that `credentials` belong to.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when they are not accepted, [`TokenError::Authenticator`] when that cannot be told.
    pub async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, TokenError> {
        let call = Call::new(self, Operation::Authenticate);
        let _timer = self.timer(call.operation);
        match self.0.authenticator.authenticate(credentials).await {
            Ok(client) => match self.is_strong_enough(&client) {
                Ok(true) => Ok(client),
                Ok(false) => Err(call.by(&client.id).refuse(Refusal::AuthenticationTooWeak)),
                Err(error) => Err(call.by(&client.id).failed(error)),
            },
            Err(error) => match error.refusal() {
                Some(reason) => {
                    let call = error.known_client().map_or(call, |client_id| call.by(client_id));
                    Err(call.refuse(Refusal::ClientAuthenticationFailed(reason)))
                }
                None => Err(call.failed(TokenError::Authenticator(error))),
            },
        }
    }

    /// Mints an authorization code for a request that the resource owner has approved (RFC 6749 section 4.1.2).
    ///
    /// The client has not authenticated at this point: your authorization endpoint looked it up by its id.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for what the client may not ask for; otherwise as [`issue`](Self::issue).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{AuthorizeRequest, CodeChallenge, CodeVerifier, RedeemRequest, Refusal, TokenError};
    ///
    /// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    /// let request = AuthorizeRequest::new(approval)
    ///     .with_redirect_uri(Some(callback.clone()))
    ///     .with_code_challenge(Some(CodeChallenge::of(&verifier)?));
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
        request: AuthorizeRequest,
    ) -> Result<AuthorizationCodeResponse, TokenError> {
        let call = Call::new(self, Operation::Authorize).by(&client.id);
        let _timer = self.timer(call.operation);
        let terms = call.terms(client, &GrantType::AuthorizationCode)?;
        let (mut grant, response) =
            engine::authorize(request, &self.context(client, &terms)).map_err(|refusal| call.refuse(refusal))?;
        call.insert(&mut grant, EventKind::CodeIssued).await.map(|()| response)
    }

    /// Issues first tokens for a grant that the host approved in a flow of its own, or for the client itself.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for what the client may not ask for; [`TokenError::Store`] when the grant could not be
    /// stored, in which case no token is out.
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
        let (grant_type, possession) = (request.grant_type.clone(), request.possession.clone());
        let bound = request.approval.confirmation;
        call.found(client, &grant_type, &possession, bound.as_ref(), |ctx| engine::issue(request, ctx)).await
    }

    /// Exchanges an authorization code for tokens (RFC 6749 section 4.1.3).
    ///
    /// # Errors
    /// [`TokenError::Refused`] for a code that cannot be redeemed so. After anything else try again with the same code.
    ///
    /// One fault costs the user a second sign-in: the store applied the redemption but neither acknowledged it nor could be
    /// read back. The retry is then a second use of the code, which RFC 6749 section 4.1.2 forbids to answer.
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
        call.exchange(client, code.grant_id, &code, &request.possession, |grant, ctx| {
            engine::redeem(grant, &code, request, ctx)
        })
        .await
    }

    /// Answers a refresh (RFC 6749 section 6): rotates, repeats the current refresh token for a recent one, or mints an
    /// access token, as the policy has it.
    ///
    /// # Errors
    /// [`TokenError::Refused`] is final for this refresh token and means `invalid_grant` to the client, or is a fault
    /// of the request. After anything else try again with the same token: if the rotation was stored after all, it is
    /// answered once more.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest, RefreshRequest, Refusal, TokenError};
    ///
    /// let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let first = first.refresh_token.ok_or("no refresh token")?;
    ///
    /// let narrow = RefreshRequest::new(first.clone()).with_scope("read".parse()?);
    /// let second = service.refresh(&client, &narrow).await?;
    /// assert_eq!(second.scope.as_str(), "read");
    ///
    /// // The answer got lost, and the client notices it an hour later: the same refresh token again.
    /// clock.advance(Duration::from_secs(3600));
    /// let second = second.refresh_token.ok_or("no refresh token")?;
    /// let retried = service.refresh(&client, &RefreshRequest::new(first.clone())).await?;
    /// assert_eq!(retried.refresh_token.ok_or("no refresh token")?.expose(), second.expose());
    ///
    /// // Once the second token was used the first one is spent: reuse, which takes the grant with it.
    /// let third = service.refresh(&client, &RefreshRequest::new(second)).await?;
    /// clock.advance(Duration::from_secs(3600));
    /// let reuse = service.refresh(&client, &RefreshRequest::new(first)).await;
    /// assert!(matches!(reuse, Err(TokenError::Refused(Refusal::RefreshTokenReused))));
    /// let third = third.refresh_token.ok_or("no refresh token")?;
    /// let dead = service.refresh(&client, &RefreshRequest::new(third)).await;
    /// assert!(matches!(dead, Err(TokenError::Refused(Refusal::GrantRevoked))));
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn refresh(
        &self,
        client: &AuthenticatedClient,
        request: &RefreshRequest,
    ) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Refresh, client, &GrantType::RefreshToken)?;
        let _timer = self.timer(call.operation);
        let Some(presented) = self.0.tokens.open(TokenKind::RefreshToken, request.refresh_token.expose()) else {
            return Err(call.refuse(Refusal::TokenUnrecognized));
        };
        call.exchange(client, presented.grant_id, &presented, &request.possession, |grant, ctx| {
            engine::refresh(grant, &presented, request, ctx)
        })
        .await
    }

    /// What `caller` may learn of `token`, an access or refresh token; `None` when it is not active or not for this caller
    /// to know (RFC 7662).
    ///
    /// To the client that holds the token a policy tightened since its issue counts at once. To others a refresh token
    /// stays active until the end it was issued with: whose overrides apply is not theirs to ask.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for a public client, which may not ask; otherwise when the store, or the gate, cannot tell.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::clock::Clock as _;
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let active = service.introspect(&client, tokens.access_token.expose()).await?.ok_or("not active")?;
    /// assert_eq!(active.approval.subject, Some(demo));
    /// assert_eq!(active.expires_at, Some(clock.now() + Duration::from_secs(3600)));
    ///
    /// clock.advance(Duration::from_secs(3600));
    /// assert!(service.introspect(&client, tokens.access_token.expose()).await?.is_none());
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn introspect(
        &self,
        caller: &AuthenticatedClient,
        token: &str,
    ) -> Result<Option<ActiveToken>, TokenError> {
        let call = Call::new(self, Operation::Introspect).by(&caller.id);
        let _timer = self.timer(call.operation);
        if !caller.is_confidential() {
            return Err(call.refuse(Refusal::PublicCaller));
        }
        call.active(caller, token).await
    }

    /// Revokes what the client presents (RFC 7009): a refresh token of any generation with its whole grant, an access token
    /// alone. A token that is unknown, dead or another client's changes nothing and is no error: the answers are the same,
    /// so that nobody learns whose token it is.
    ///
    /// # Errors
    /// When the store could not be asked or written: the token may still live.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let refresh_token = tokens.refresh_token.ok_or("no refresh token")?;
    /// service.revoke(&client, refresh_token.expose()).await?;
    /// assert!(service.introspect(&client, tokens.access_token.expose()).await?.is_none());
    /// service.revoke(&client, "no token at all").await?; // no error: nothing is left to revoke
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke(&self, client: &AuthenticatedClient, token: &str) -> Result<(), TokenError> {
        let call = Call::new(self, Operation::Revoke).by(&client.id);
        let _timer = self.timer(call.operation);
        let Some((kind, opened)) = self.open_any(token) else { return Ok(()) };
        let revoked = call
            .transact(opened.grant_id, |grant| engine::revoke(grant, kind, &opened, client, self.0.clock.now()))
            .await;
        match revoked {
            Ok(_) | Err(TokenError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Revokes a grant with all its tokens: one session of a "my sessions" page. Says whether anything of it was alive.
    ///
    /// # Errors
    /// When the store could not be asked or written: the grant may still live.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// assert!(service.revoke_grant(tokens.grant_id).await?);
    /// assert!(!service.revoke_grant(tokens.grant_id).await?);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_grant(&self, grant_id: GrantId) -> Result<bool, TokenError> {
        let call = Call::new(self, Operation::RevokeGrant);
        let _timer = self.timer(call.operation);
        let revoked = call
            .transact(grant_id, |grant| engine::revoke_grant(grant, RevocationReason::HostRequest, self.0.clock.now()))
            .await;
        match revoked {
            Err(TokenError::Refused(_)) => Ok(false),
            other => other,
        }
    }
}

impl<S> TokenService<S> {
    fn timer(&self, operation: Operation) -> Timer<'_> {
        Timer::start(self.0.timings.as_deref(), Timed::Operation(operation))
    }

    fn store_timer(&self, call: StoreCall) -> Timer<'_> {
        Timer::start(self.0.timings.as_deref(), Timed::Store(call))
    }

    /// The clock of the service, for hosts that set expiries of their own by it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Refuses a client that may not use the flow, before anything else is looked at.
    pub(crate) fn entitle(&self, client: &Client, grant_type: &GrantType) -> Result<(), TokenError> {
        Call::entitled(self, Operation::Issue, client, grant_type).map(|_| ())
    }

    /// Reports that a flow of the host's own was refused before it came to [`issue`](Self::issue).
    pub(crate) fn refuse_approval(&self, client: &Client, refusal: Refusal) -> TokenError {
        Call::new(self, Operation::Issue).by(&client.id).refuse(refusal)
    }

    /// Reports that a flow of the host's own could not be decided.
    pub(crate) fn fail_approval(&self, client: &Client, cause: Box<dyn Error + Send + Sync>) -> TokenError {
        Call::new(self, Operation::Issue).by(&client.id).failed(TokenError::Approver(cause))
    }

    /// Reports a request whose form is wrong.
    pub(crate) fn report_malformed(&self, operation: Operation, malformed: MalformedRequest) {
        Call::new(self, operation).record(EventKind::Malformed(malformed));
    }

    /// The nonce for the client's next DPoP proof; `None` when none is asked for, or nobody verifies proofs.
    pub(crate) fn proof_nonce(&self) -> Option<String> {
        self.0.proof_verifier.as_ref().and_then(|verifier| verifier.nonce(self.now()))
    }

    pub(crate) fn proof_algorithms(&self) -> Vec<&'static str> {
        self.0.proof_verifier.as_deref().map(ProofVerifier::algorithms).unwrap_or_default()
    }

    /// The algorithms of the service's JWTs; `None` when it makes none.
    pub(crate) fn jwt_algorithms(&self) -> Option<Vec<&'static str>> {
        self.0.jwt_issuer.as_deref().map(JwtIssuer::algorithms)
    }

    pub(crate) fn authenticator(&self) -> &dyn ClientAuthenticator {
        &*self.0.authenticator
    }

    /// The provider's policy.
    pub(crate) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    fn is_strong_enough(&self, client: &Client) -> Result<bool, TokenError> {
        let policy = self.0.policy.for_client_alone(&client.policy).map_err(TokenError::Policy)?;
        Ok(!policy.require_asymmetric_authentication || client.authentication_methods.are_asymmetric())
    }

    fn policy_for(&self, client: &Client, grant_type: &GrantType) -> Result<Policy, TokenError> {
        let policy = self.0.policy.for_client(&client.policy, grant_type).map_err(TokenError::Policy)?;
        policy
            .is_served(self.0.jwt_issuer.is_some(), self.0.proof_verifier.is_some())
            .map_err(TokenError::Policy)
            .map(|()| policy)
    }

    fn terms(&self, client: &Client, grant_type: &GrantType) -> Result<Terms, TokenError> {
        let policy = self.policy_for(client, grant_type)?;
        let is_jwt = policy.access_token_format == AccessTokenFormat::Jwt;
        let issuer = self.0.jwt_issuer.as_deref().filter(|_| is_jwt);
        Ok(Terms { policy, signing_key: issuer.map(|issuer| issuer.signing_key(client, self.now())) })
    }

    fn context<'a>(&'a self, client: &'a Client, terms: &'a Terms) -> Context<'a> {
        Context {
            client,
            policy: &terms.policy,
            tokens: &self.0.tokens,
            entropy: &*self.0.entropy,
            now: self.0.clock.now(),
            confirmation: None,
            signing_key: terms.signing_key.as_ref(),
            has_raced: false,
        }
    }
}
