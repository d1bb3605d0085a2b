use super::{AuthenticationMethods, ClientAuthenticationMethod};
use crate::policy::ClientPolicy;
use crate::vocabulary::{ClientId, GrantType, RedirectUri, Registration, Resources, Scope};

/// The metadata of a client (RFC 7591 section 2), without its secrets.
///
/// ```
/// use regrant::{Client, ClientId, GrantType};
///
/// let app = Client::new(ClientId::new("app")?)
///     .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
///     .with_scope("read write".parse()?);
/// assert!(app.may_use(&GrantType::RefreshToken));
/// assert!(app.is_confidential());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Which registration of the identifier this is. Default 0.
    pub registration: Registration,
    /// The methods by which it may authenticate; no other is accepted. Default the two that show a secret.
    pub authentication_methods: AuthenticationMethods,
    /// Where an authorization response may be sent. Default none.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may ask the token endpoint for. Default `authorization_code` alone, as in AM: list `refresh_token` too.
    pub grant_types: Vec<GrantType>,
    /// The scope it may be granted. Default empty. A scope that is withdrawn here is gone from the next refresh on;
    /// access tokens already out keep it until they expire, unless
    /// [`revoke_client`](crate::TokenService::revoke_client) ends them.
    pub scope: Scope,
    /// What it gets when a request names no scope (RFC 6749 section 3.3): all of [`scope`](Self::scope) when absent; when empty
    /// the request is refused. Default absent. AM: `defaultScopes`.
    pub default_scope: Option<Scope>,
    /// The resources it may ask tokens for (RFC 8707). Default none. Withdrawn ones end as withdrawn scopes do.
    pub resources: Resources,
    /// Whose tokens it may introspect. Default its own.
    pub introspection: IntrospectionAccess,
    /// Where it differs from the provider's policy. Default nowhere.
    pub policy: ClientPolicy,
}

impl Client {
    /// A confidential client with the defaults named at each field: it has a secret, and shows it in the header or in
    /// the body.
    #[must_use]
    pub fn new(id: ClientId) -> Self {
        Self {
            id,
            registration: Registration::default(),
            authentication_methods: AuthenticationMethods::Secret,
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode],
            scope: Scope::empty(),
            default_scope: None,
            resources: Resources::none(),
            introspection: IntrospectionAccess::Own,
            policy: ClientPolicy::default(),
        }
    }

    /// A public client (RFC 6749 section 2.1) with the defaults named at each field. It has no secret: anybody can say
    /// its id.
    ///
    /// ```
    /// use regrant::{Client, ClientId, ClientRegistry};
    ///
    /// let spa = Client::public(ClientId::new("spa")?);
    /// assert!(!spa.is_confidential());
    /// let clients = ClientRegistry::new().with(spa, [])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn public(id: ClientId) -> Self {
        Self::new(id).with_authentication_methods(ClientAuthenticationMethod::None)
    }

    /// Sets which registration of the identifier this is.
    #[must_use]
    pub const fn with_registration(mut self, registration: Registration) -> Self {
        self.registration = registration;
        self
    }

    /// Sets the methods by which it may authenticate: one alone, or both that show a secret.
    #[must_use]
    pub fn with_authentication_methods(mut self, methods: impl Into<AuthenticationMethods>) -> Self {
        self.authentication_methods = methods.into();
        self
    }

    /// Sets where an authorization response may be sent.
    #[must_use]
    pub fn with_redirect_uris(mut self, redirect_uris: impl IntoIterator<Item = RedirectUri>) -> Self {
        self.redirect_uris = redirect_uris.into_iter().collect();
        self
    }

    /// Sets what it may ask the token endpoint for.
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
        self
    }

    /// Sets the scope it may be granted.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets what it gets when a request names no scope.
    #[must_use]
    pub fn with_default_scope(mut self, scope: Option<Scope>) -> Self {
        self.default_scope = scope;
        self
    }

    /// Sets the resources it may ask tokens for.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets whose tokens it may introspect.
    #[must_use]
    pub fn with_introspection(mut self, introspection: IntrospectionAccess) -> Self {
        self.introspection = introspection;
        self
    }

    /// Sets where it differs from the provider's policy.
    #[must_use]
    pub fn with_policy(mut self, policy: ClientPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether it authenticates (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        !self.authentication_methods.contains(ClientAuthenticationMethod::None)
    }

    /// The scope of a request that asks for `requested`; `None` when it has to name one and does not: `invalid_scope`
    /// (RFC 6749 section 3.3).
    ///
    /// ```
    /// use regrant::{Client, ClientId, Scope};
    ///
    /// let app = Client::new(ClientId::new("app")?).with_scope("read write".parse()?);
    /// assert_eq!(app.scope_of(None), Some("read write".parse()?));
    /// assert_eq!(app.with_default_scope(Some(Scope::empty())).scope_of(None), None);
    /// # Ok::<(), regrant::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn scope_of(&self, requested: Option<Scope>) -> Option<Scope> {
        requested.or_else(|| match &self.default_scope {
            None => Some(self.scope.clone()),
            Some(default) => Some(default).filter(|default| !default.is_empty()).cloned(),
        })
    }

    /// Tells whether the client may use `grant_type`: it is registered for the flow, and has credentials if the flow is
    /// client credentials (OAuth 2.1 section 4.2).
    #[must_use]
    pub fn may_use(&self, grant_type: &GrantType) -> bool {
        self.grant_types.contains(grant_type) && (self.is_confidential() || *grant_type != GrantType::ClientCredentials)
    }

    /// Where to send the response of an authorization request: what it asks for if that is registered, or the only
    /// registered URI when it asks for none (RFC 6749 section 3.1.2.3). `None`: tell the user, redirect nowhere.
    ///
    /// ```
    /// use regrant::{Client, ClientId, RedirectUri};
    ///
    /// let callback = RedirectUri::new("https://app.example/callback")?;
    /// let app = Client::new(ClientId::new("app")?).with_redirect_uris([callback.clone()]);
    /// assert_eq!(app.redirect_uri(None), Some(&callback));
    /// assert_eq!(app.redirect_uri(Some(&RedirectUri::new("https://evil.example/callback")?)), None);
    /// # Ok::<(), regrant::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn redirect_uri<'a>(&'a self, requested: Option<&'a RedirectUri>) -> Option<&'a RedirectUri> {
        match (requested, self.redirect_uris.as_slice()) {
            (Some(requested), registered) => registered.iter().any(|uri| uri.admits(requested)).then_some(requested),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// Whose tokens a client may introspect (RFC 7662 section 4: a protected resource learns only of tokens meant for it).
///
/// ```
/// use regrant::{Client, ClientId, Resource, Resources};
/// use regrant::client::IntrospectionAccess;
///
/// let orders = Resources::from(vec![Resource::new("https://api.example/orders")?]);
/// let resource_server = Client::new(ClientId::new("orders-api")?)
///     .with_grant_types([]) // it asks about tokens and gets none
///     .with_introspection(IntrospectionAccess::Audiences(orders));
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionAccess {
    /// Tokens issued to itself.
    Own,
    /// Its own, and access tokens whose audience includes one of these resources: a resource server.
    Audiences(Resources),
    /// Every token of the realm (AM: scope `am-introspect-all-tokens`).
    Any,
}
