use crate::grant::Approval;
use crate::vocabulary::{
    AccessToken, AuthorizationCode, CodeChallenge, CodeVerifier, Confirmation, DeviceCode, GrantType, Possession,
    RedirectUri, RefreshToken, Resources, Scope,
};

/// An authorization request that the resource owner approved (RFC 6749 section 4.1.1): mint a code for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizeRequest {
    /// What was approved.
    pub approval: Approval,
    /// The `redirect_uri` parameter, if the request had one: the redeemer must then repeat it.
    pub redirect_uri: Option<RedirectUri>,
    /// The PKCE challenge (RFC 7636), if the request had one: the redeemer must then answer it.
    pub code_challenge: Option<CodeChallenge>,
    /// The `dpop_jkt` parameter (RFC 9449 section 10), if the request had one: the redeemer must then show that key.
    pub confirmation: Option<Confirmation>,
}

impl AuthorizeRequest {
    /// A request without redirect URI and challenge.
    #[must_use]
    pub const fn new(approval: Approval) -> Self {
        Self { approval, redirect_uri: None, code_challenge: None, confirmation: None }
    }

    /// Sets the `redirect_uri` parameter of the request.
    #[must_use]
    pub fn with_redirect_uri(mut self, redirect_uri: Option<RedirectUri>) -> Self {
        self.redirect_uri = redirect_uri;
        self
    }

    /// Sets the PKCE challenge of the request.
    #[must_use]
    pub const fn with_code_challenge(mut self, code_challenge: Option<CodeChallenge>) -> Self {
        self.code_challenge = code_challenge;
        self
    }

    /// Sets the key that the redeemer must show.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }
}

/// A grant that the host approved in a flow of its own (password, device, assertion, an extension), or that the client
/// holds by being itself (client credentials): issue tokens for it at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssueRequest {
    /// The flow.
    pub grant_type: GrantType,
    /// What was approved.
    pub approval: Approval,
    /// The keys that the request shows.
    pub possession: Possession,
}

impl IssueRequest {
    /// A grant approved by `grant_type`.
    #[must_use]
    pub const fn new(grant_type: GrantType, approval: Approval) -> Self {
        Self { grant_type, approval, possession: Possession::none() }
    }

    /// The client acting for itself (RFC 6749 section 4.4).
    #[must_use]
    pub fn client_credentials(scope: Scope) -> Self {
        Self::new(GrantType::ClientCredentials, Approval::default().with_scope(scope))
    }

    /// Sets the keys that the request shows.
    #[must_use]
    pub fn with_possession(mut self, possession: impl Into<Possession>) -> Self {
        self.possession = possession.into();
        self
    }
}

/// The exchange of an authorization code for tokens (RFC 6749 section 4.1.3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedeemRequest {
    /// The code.
    pub code: AuthorizationCode,
    /// The `redirect_uri` parameter, compared character for character with the one of the authorization request.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier.
    pub code_verifier: Option<CodeVerifier>,
    /// Narrows the audience of the access token (RFC 8707 section 2.2); empty is all that was approved.
    pub resources: Resources,
    /// The keys that the request shows.
    pub possession: Possession,
}

impl RedeemRequest {
    /// The exchange of `code`, with nothing else.
    #[must_use]
    pub fn new(code: impl Into<AuthorizationCode>) -> Self {
        Self {
            code: code.into(),
            redirect_uri: None,
            code_verifier: None,
            resources: Resources::none(),
            possession: Possession::none(),
        }
    }

    /// Sets the `redirect_uri` parameter.
    #[must_use]
    pub fn with_redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// Sets the PKCE verifier.
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

    /// Sets the keys that the request shows.
    #[must_use]
    pub fn with_possession(mut self, possession: impl Into<Possession>) -> Self {
        self.possession = possession.into();
        self
    }
}

/// A refresh (RFC 6749 section 6).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: RefreshToken,
    /// Narrows the scope of the access token; absent is all that was approved. The refresh token keeps the whole.
    pub scope: Option<Scope>,
    /// Narrows the audience of the access token (RFC 8707 section 2.2); empty is all that was approved.
    pub resources: Resources,
    /// The keys that the request shows.
    pub possession: Possession,
}

impl RefreshRequest {
    /// A refresh to the full extent of the grant.
    #[must_use]
    pub fn new(refresh_token: impl Into<RefreshToken>) -> Self {
        Self {
            refresh_token: refresh_token.into(),
            scope: None,
            resources: Resources::none(),
            possession: Possession::none(),
        }
    }

    /// Narrows the scope of the access token.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Narrows the audience of the access token.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the keys that the request shows.
    #[must_use]
    pub fn with_possession(mut self, possession: impl Into<Possession>) -> Self {
        self.possession = possession.into();
        self
    }
}

/// A device asks to be authorized (RFC 8628 section 3.1).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeviceAuthorizationRequest {
    /// What it asks for; absent is the client's registered scope.
    pub scope: Option<Scope>,
    /// The resources it asks for (RFC 8707).
    pub resources: Resources,
}

impl DeviceAuthorizationRequest {
    /// A request for the client's registered scope.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scope it asks for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets the resources it asks for.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }
}

/// A poll of a device (RFC 8628 section 3.4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollRequest {
    /// The device code.
    pub device_code: DeviceCode,
    /// The keys that the request shows.
    pub possession: Possession,
}

impl PollRequest {
    /// A poll with `device_code`.
    #[must_use]
    pub fn new(device_code: impl Into<DeviceCode>) -> Self {
        Self { device_code: device_code.into(), possession: Possession::none() }
    }

    /// Sets the keys that the request shows.
    #[must_use]
    pub fn with_possession(mut self, possession: impl Into<Possession>) -> Self {
        self.possession = possession.into();
        self
    }
}

/// A token exchange (RFC 8693 section 2.1), of an access token for an access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangeRequest {
    /// The token of the party on whose behalf the client asks.
    pub subject_token: AccessToken,
    /// The token of the party that acts, if it is another one than the client.
    pub actor_token: Option<AccessToken>,
    /// What the new token shall be good for; absent is all of the old one that the client may have.
    pub scope: Option<Scope>,
    /// Where it shall be good: the parameters `resource` and `audience`. Empty is where the old one was, as far as the client
    /// may ask tokens for there.
    pub resources: Resources,
    /// The keys that the request shows.
    pub possession: Possession,
}

impl ExchangeRequest {
    /// The exchange of `subject_token`, with nothing else.
    #[must_use]
    pub fn new(subject_token: impl Into<AccessToken>) -> Self {
        Self {
            subject_token: subject_token.into(),
            actor_token: None,
            scope: None,
            resources: Resources::none(),
            possession: Possession::none(),
        }
    }

    /// Sets the token of the party that acts.
    #[must_use]
    pub fn with_actor_token(mut self, actor_token: impl Into<AccessToken>) -> Self {
        self.actor_token = Some(actor_token.into());
        self
    }

    /// Sets what the new token shall be good for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets where it shall be good.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the keys that the request shows.
    #[must_use]
    pub fn with_possession(mut self, possession: impl Into<Possession>) -> Self {
        self.possession = possession.into();
        self
    }
}
