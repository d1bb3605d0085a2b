//! The requests to the service, as an endpoint or an application makes them. A constructor takes the required part, and
//! a setter each of the others.
//!
//! A setter of an optional part takes the value or an `Option` of it, so that an endpoint passes on a parameter that
//! may be absent.

use crate::grant::Approval;
use crate::vocabulary::{
    AccessToken, AuthorizationCode, AuthorizationDetails, CodeChallenge, CodeVerifier, Confirmation, DeviceCode,
    GrantType, PresentedKeys, RedirectUri, RefreshToken, RequestUri, Resources, Scope,
};

/// An authorization request that the resource owner approved (RFC 6749 section 4.1.1). The answer is a code.
///
/// ```
/// use regrant::{Approval, AuthorizeRequest, CodeChallenge, CodeVerifier, RedirectUri, Subject};
///
/// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// let request = AuthorizeRequest::new(Approval::of(Subject::new("demo")?).with_scope("read".parse()?))
///     .with_redirect_uri(RedirectUri::new("https://app.example/callback")?)
///     .with_code_challenge(CodeChallenge::of(&verifier)?);
/// assert!(request.code_challenge.is_some());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizeRequest {
    /// The approval.
    ///
    /// Its resource owner must have been authenticated: the service does not ask again.
    pub approval: Approval,
    /// The `redirect_uri` parameter, if the request had one. The redemption must then repeat it.
    ///
    /// The client must have registered it ([`Client::redirect_uri`](crate::Client::redirect_uri)).
    pub redirect_uri: Option<RedirectUri>,
    /// The PKCE challenge (RFC 7636), if the request had one. The redemption must then answer it.
    ///
    /// By default the policy requires one of public clients: see [`require_pkce`](crate::Policy::require_pkce).
    pub code_challenge: Option<CodeChallenge>,
    /// The `dpop_jkt` parameter (RFC 9449 section 10), if the request had one. The redemption must then prove that key.
    pub confirmation: Option<Confirmation>,
    /// The `request_uri` of the request, if it was pushed (RFC 9126). The code uses it up, and is bound to the key of
    /// the pushed request, if that has one.
    pub pushed_request: Option<RequestUri>,
}

impl AuthorizeRequest {
    /// Returns a request without redirect URI, challenge and key, that was not pushed.
    #[must_use]
    pub const fn new(approval: Approval) -> Self {
        Self { approval, redirect_uri: None, code_challenge: None, confirmation: None, pushed_request: None }
    }

    /// Sets the `redirect_uri` parameter of the request.
    #[must_use]
    pub fn with_redirect_uri(mut self, redirect_uri: impl Into<Option<RedirectUri>>) -> Self {
        self.redirect_uri = redirect_uri.into();
        self
    }

    /// Sets the PKCE challenge of the request.
    #[must_use]
    pub fn with_code_challenge(mut self, code_challenge: impl Into<Option<CodeChallenge>>) -> Self {
        self.code_challenge = code_challenge.into();
        self
    }

    /// Sets the `request_uri` of a request that was pushed. See
    /// [`TokenService::push_authorization_request`](crate::TokenService::push_authorization_request) for an example.
    #[must_use]
    pub fn with_pushed_request(mut self, request_uri: impl Into<Option<RequestUri>>) -> Self {
        self.pushed_request = request_uri.into();
        self
    }

    /// Sets the key that the redemption must prove. It protects the code: a thief of the code has another key.
    ///
    /// ```
    /// use regrant::grant::Confirmation;
    /// use regrant::{Approval, AuthorizeRequest};
    ///
    /// // SHA-256 thumbprint of the DPoP key: the parameter `dpop_jkt`, decoded from base64url.
    /// let dpop_jkt = [7; 32];
    /// let request = AuthorizeRequest::new(Approval::default()).with_confirmation(Confirmation::DpopKey(dpop_jkt));
    /// assert_eq!(request.confirmation, Some(Confirmation::DpopKey(dpop_jkt)));
    /// ```
    #[must_use]
    pub fn with_confirmation(mut self, confirmation: impl Into<Option<Confirmation>>) -> Self {
        self.confirmation = confirmation.into();
        self
    }
}

/// A request for tokens at once: the host approved the grant in a flow of its own (password, assertion, an extension),
/// or the client acts for itself (client credentials).
///
/// ```
/// use regrant::{Approval, GrantType, IssueRequest, Subject};
///
/// let approval = Approval::of(Subject::new("demo")?).with_scope("read".parse()?);
/// let signed_in = IssueRequest::new(GrantType::Password, approval);
/// let machine = IssueRequest::client_credentials("metrics".parse()?);
/// assert_eq!(machine.approval.subject, None);
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssueRequest {
    /// The flow. The client must be registered for it. It decides whether the grant may have a refresh token
    /// ([`GrantType::may_refresh`]).
    pub grant_type: GrantType,
    /// The approval.
    pub approval: Approval,
    /// The key proofs of the request.
    pub presented_keys: PresentedKeys,
}

impl IssueRequest {
    /// Returns a request for the tokens of a grant that was approved in the flow `grant_type`.
    #[must_use]
    pub const fn new(grant_type: GrantType, approval: Approval) -> Self {
        Self { grant_type, approval, presented_keys: PresentedKeys::none() }
    }

    /// Returns a request of the client for itself (RFC 6749 section 4.4): without a resource owner, and without a
    /// refresh token, since the client can ask again at any time.
    #[must_use]
    pub fn client_credentials(scope: Scope) -> Self {
        Self::new(GrantType::ClientCredentials, Approval::default().with_scope(scope))
    }

    /// Sets the key proofs of the request.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}

/// A request for the tokens of an authorization code (RFC 6749 section 4.1.3).
///
/// ```
/// use regrant::RedeemRequest;
///
/// let request = RedeemRequest::new("ac_of_the_client")
///     .with_redirect_uri("https://app.example/callback")
///     .with_code_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert!(request.resources.is_empty());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedeemRequest {
    /// The code.
    pub code: AuthorizationCode,
    /// The `redirect_uri` parameter. It is compared character for character with that of the authorization request.
    ///
    /// Kept as text: a URI that differs in case, port or a trailing slash is another URI (RFC 6749 section 4.1.3).
    pub redirect_uri: Option<String>,
    /// The PKCE verifier (RFC 7636 section 4.5).
    pub code_verifier: Option<CodeVerifier>,
    /// The audience of the access token (RFC 8707 section 2.2); empty is everything that was approved.
    pub resources: Resources,
    /// The authorization details of the access token (RFC 9396 section 6); absent is everything that was approved. Each
    /// object must equal an approved one.
    pub authorization_details: Option<AuthorizationDetails>,
    /// The key proofs of the request.
    pub presented_keys: PresentedKeys,
}

impl RedeemRequest {
    /// Returns a request with `code` alone.
    #[must_use]
    pub fn new(code: impl Into<AuthorizationCode>) -> Self {
        Self {
            code: code.into(),
            redirect_uri: None,
            code_verifier: None,
            resources: Resources::empty(),
            authorization_details: None,
            presented_keys: PresentedKeys::none(),
        }
    }

    /// Sets the `redirect_uri` parameter.
    #[must_use]
    pub fn with_redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// Sets the PKCE verifier.
    ///
    /// Pass on a verifier even if the authorization request had no challenge. The service then refuses the request: the
    /// challenge was stripped (RFC 9700 section 4.8.2).
    #[must_use]
    pub fn with_code_verifier(mut self, code_verifier: impl Into<CodeVerifier>) -> Self {
        self.code_verifier = Some(code_verifier.into());
        self
    }

    /// Narrows the audience of the access token.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Narrows the authorization details of the access token.
    #[must_use]
    pub fn with_authorization_details(mut self, details: impl Into<Option<AuthorizationDetails>>) -> Self {
        self.authorization_details = details.into();
        self
    }

    /// Sets the key proofs of the request.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}

/// A refresh (RFC 6749 section 6).
///
/// ```
/// use regrant::{RefreshRequest, Scope};
///
/// let whole = RefreshRequest::new("rt_of_the_client");
/// let narrow = RefreshRequest::new("rt_of_the_client").with_scope(Scope::new("read")?);
/// assert_eq!((whole.scope, narrow.scope), (None, Some("read".parse()?)));
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshRequest {
    /// The refresh token, as the client sent it. A text that is no token of the service is refused without a call of
    /// the store.
    pub refresh_token: RefreshToken,
    /// The scope of the access token; absent is everything that was approved. The refresh token keeps the whole scope.
    pub scope: Option<Scope>,
    /// The audience of the access token (RFC 8707 section 2.2); empty is everything that was approved.
    pub resources: Resources,
    /// The authorization details of the access token (RFC 9396 section 6); absent is everything that was approved. Each
    /// object must equal an approved one.
    pub authorization_details: Option<AuthorizationDetails>,
    /// The key proofs of the request.
    pub presented_keys: PresentedKeys,
}

impl RefreshRequest {
    /// Returns a refresh for the full scope and audience of the grant.
    #[must_use]
    pub fn new(refresh_token: impl Into<RefreshToken>) -> Self {
        Self {
            refresh_token: refresh_token.into(),
            scope: None,
            resources: Resources::empty(),
            authorization_details: None,
            presented_keys: PresentedKeys::none(),
        }
    }

    /// Narrows the scope of the access token.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Option<Scope>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Narrows the audience of the access token. A token for one resource server is useless at another one, even if
    /// that server leaks it (RFC 8707 section 3).
    ///
    /// ```
    /// use regrant::{RefreshRequest, Resource};
    ///
    /// let orders = Resource::from_static("https://api.example/orders");
    /// let request = RefreshRequest::new("rt_of_the_client").with_resources(vec![orders.clone()].into());
    /// assert_eq!(request.resources.iter().collect::<Vec<_>>(), [&orders]);
    /// ```
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Narrows the authorization details of the access token. The grant keeps all of them.
    #[must_use]
    pub fn with_authorization_details(mut self, details: impl Into<Option<AuthorizationDetails>>) -> Self {
        self.authorization_details = details.into();
        self
    }

    /// Sets the key proofs of the request: a DPoP proof, a client certificate, or a key that the host verified itself.
    ///
    /// ```
    /// use regrant::RefreshRequest;
    /// use regrant::proof::{DpopProof, PresentedKeys};
    ///
    /// let proof = DpopProof {
    ///     jwt: "the value of the DPoP header".to_owned(),
    ///     method: "POST".to_owned(),
    ///     url: "https://as.example/oauth2/token".to_owned(),
    /// };
    /// let keys = PresentedKeys::none().with_dpop(proof);
    /// let request = RefreshRequest::new("rt_of_the_client").with_presented_keys(keys);
    /// assert!(request.presented_keys.dpop.is_some());
    /// ```
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}

/// The request of a device to be authorized (RFC 8628 section 3.1). The device gets a code to poll with and a code to
/// show its user; see [`TokenService::authorize_device`](crate::TokenService::authorize_device) for the whole flow.
///
/// ```
/// use regrant::Scope;
/// use regrant::device::DeviceAuthorizationRequest;
///
/// let request = DeviceAuthorizationRequest::new().with_scope(Scope::from_static("play"));
/// assert!(DeviceAuthorizationRequest::new().scope.is_none()); // asks for the registered scope of the client
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeviceAuthorizationRequest {
    /// The scope to ask the user for; absent is the registered scope of the client.
    pub scope: Option<Scope>,
    /// The resources to ask the user for (RFC 8707).
    pub resources: Resources,
    /// The authorization details to ask the user for (RFC 9396 section 3).
    pub authorization_details: Option<AuthorizationDetails>,
}

impl DeviceAuthorizationRequest {
    /// Returns a request for the registered scope of the client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scope to ask the user for.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Option<Scope>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets the resources to ask the user for.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the authorization details to ask the user for.
    #[must_use]
    pub fn with_authorization_details(mut self, details: impl Into<Option<AuthorizationDetails>>) -> Self {
        self.authorization_details = details.into();
        self
    }
}

/// A poll of a device (RFC 8628 section 3.4). The device repeats it, with at least
/// [`interval`](crate::device::DeviceAuthorizationResponse::interval) between two polls, until it gets tokens or a
/// final error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollRequest {
    /// The device code.
    pub device_code: DeviceCode,
    /// The key proofs of the request.
    pub presented_keys: PresentedKeys,
}

impl PollRequest {
    /// Returns a poll with `device_code`.
    #[must_use]
    pub fn new(device_code: impl Into<DeviceCode>) -> Self {
        Self { device_code: device_code.into(), presented_keys: PresentedKeys::none() }
    }

    /// Sets the key proofs of the request.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}

/// A token exchange (RFC 8693 section 2.1): an access token for an access token.
///
/// ```
/// use regrant::{ExchangeRequest, Resource, Scope};
///
/// // A service passes a request on to shipping, with less scope, and for the audience of shipping alone.
/// let request = ExchangeRequest::new("at_of_the_user")
///     .with_scope(Scope::new("ship")?)
///     .with_resources(vec![Resource::new("https://shipping.example")?].into());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangeRequest {
    /// The token of the party on whose behalf the client asks. The client must be allowed to introspect it: its own, or
    /// one whose audience it is.
    pub subject_token: AccessToken,
    /// The token of the party that acts, if that is not the client.
    pub actor_token: Option<AccessToken>,
    /// The scope of the new token; absent is all of the old scope that the client is registered for.
    pub scope: Option<Scope>,
    /// The audience of the new token, from the parameters `resource` and `audience`. Empty is all of the old audience
    /// that the client is registered for.
    pub resources: Resources,
    /// The authorization details of the new token; absent is all of the old ones whose type the client is registered
    /// for.
    pub authorization_details: Option<AuthorizationDetails>,
    /// The key proofs of the request.
    pub presented_keys: PresentedKeys,
}

impl ExchangeRequest {
    /// Returns a request with `subject_token` alone.
    #[must_use]
    pub fn new(subject_token: impl Into<AccessToken>) -> Self {
        Self {
            subject_token: subject_token.into(),
            actor_token: None,
            scope: None,
            resources: Resources::empty(),
            authorization_details: None,
            presented_keys: PresentedKeys::none(),
        }
    }

    /// Sets the token of the party that acts. The new token then names that party (`act`, RFC 8693 section 4.1):
    /// delegation. Without an actor token it does not: impersonation.
    ///
    /// ```
    /// use regrant::ExchangeRequest;
    ///
    /// let delegation = ExchangeRequest::new("at_of_the_user").with_actor_token("at_of_the_agent");
    /// assert!(delegation.actor_token.is_some());
    /// ```
    #[must_use]
    pub fn with_actor_token(mut self, actor_token: impl Into<AccessToken>) -> Self {
        self.actor_token = Some(actor_token.into());
        self
    }

    /// Narrows the scope of the new token.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Option<Scope>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets the audience of the new token.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Narrows the authorization details of the new token.
    #[must_use]
    pub fn with_authorization_details(mut self, details: impl Into<Option<AuthorizationDetails>>) -> Self {
        self.authorization_details = details.into();
        self
    }

    /// Sets the key proofs of the request.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}
