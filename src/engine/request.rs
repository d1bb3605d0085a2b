use crate::grant::{Approval, Confirmation};
use crate::grant_type::GrantType;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AuthorizationCode, CodeVerifier, RefreshToken};
use crate::vocabulary::RedirectUri;

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
}

impl AuthorizeRequest {
    /// A request without redirect URI and challenge.
    #[must_use]
    pub const fn new(approval: Approval) -> Self {
        Self { approval, redirect_uri: None, code_challenge: None }
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
}

impl IssueRequest {
    /// A grant approved by `grant_type`.
    #[must_use]
    pub const fn new(grant_type: GrantType, approval: Approval) -> Self {
        Self { grant_type, approval }
    }

    /// The client acting for itself (RFC 6749 section 4.4).
    #[must_use]
    pub fn client_credentials(scope: Scope) -> Self {
        Self::new(GrantType::ClientCredentials, Approval::default().with_scope(scope))
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
    /// The key that the request proves to hold, as verified by the host.
    pub confirmation: Option<Confirmation>,
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
            confirmation: None,
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

    /// Sets the key that the request proves to hold.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
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
    /// The key that the request proves to hold, as verified by the host.
    pub confirmation: Option<Confirmation>,
}

impl RefreshRequest {
    /// A refresh to the full extent of the grant.
    #[must_use]
    pub fn new(refresh_token: impl Into<RefreshToken>) -> Self {
        Self { refresh_token: refresh_token.into(), scope: None, resources: Resources::none(), confirmation: None }
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

    /// Sets the key that the request proves to hold.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }
}
