//! A registered client: what it may do, whoever authenticates it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::grant_type::GrantType;
use crate::policy::ClientPolicy;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::vocabulary::{ClientId, InvalidValue, RedirectUri, Registration};

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

/// The set of methods by which one client may authenticate. Each request uses one of them, never two (RFC 6749 section
/// 2.3).
///
/// There is no set with a secret and something stronger: a thief of the secret would then need nothing stronger.
///
/// ```
/// use regrant::{AuthenticationMethods, Client, ClientAuthenticationMethod, ClientId};
///
/// let app = Client::new(ClientId::new("app")?);
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretBasic));
/// assert!(app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
///
/// let app = app.with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
/// assert!(!app.authentication_methods.contains(ClientAuthenticationMethod::ClientSecretPost));
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "another kind of set is another promise of the client's security")]
pub enum AuthenticationMethods {
    /// `client_secret_basic` and `client_secret_post`. Client libraries differ in which of them they use, some from one
    /// request to the next.
    Secret,
    /// One method alone.
    Only(ClientAuthenticationMethod),
}

impl AuthenticationMethods {
    /// Tells whether `method` is one of them.
    #[must_use]
    pub fn contains(self, method: ClientAuthenticationMethod) -> bool {
        use ClientAuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        match self {
            Self::Secret => matches!(method, ClientSecretBasic | ClientSecretPost),
            Self::Only(only) => only == method,
        }
    }

    /// Tells whether the client always shows possession of a private key, which nobody else ever holds (RFC 9700
    /// section 2.5).
    #[must_use]
    pub const fn are_asymmetric(self) -> bool {
        matches!(self, Self::Only(method) if method.is_asymmetric())
    }

    /// Tells whether it takes a library for JWTs or certificates to verify them.
    pub(crate) fn need_verifier(self) -> bool {
        matches!(self, Self::Only(method) if !ClientAuthenticationMethod::PLAIN.contains(&method))
    }
}

impl From<ClientAuthenticationMethod> for AuthenticationMethods {
    fn from(method: ClientAuthenticationMethod) -> Self {
        Self::Only(method)
    }
}

/// How a client authenticates at the endpoints (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAuthenticationMethod {
    /// `client_secret_basic`: HTTP Basic, both parts form-urlencoded first (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// `client_secret_jwt`: a JWT with a MAC under the client's secret (OpenID Connect Core section 9).
    ClientSecretJwt,
    /// `private_key_jwt`: a JWT signed with the client's private key (RFC 7523 section 2.2, OpenID Connect Core section 9).
    PrivateKeyJwt,
    /// `tls_client_auth`: a certificate of a known authority, by its subject (RFC 8705 section 2.1).
    TlsClientAuth,
    /// `self_signed_tls_client_auth`: a registered certificate (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// `none`: a public client, known by its `client_id` alone.
    None,
}

impl ClientAuthenticationMethod {
    pub(crate) const ALL: [Self; 7] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// Those that need no library for JWTs or certificates.
    pub(crate) const PLAIN: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// Whether the client shows possession of a private key, which nobody else ever holds (RFC 9700 section 2.5).
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// The name in client metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }
}

impl FromStr for ClientAuthenticationMethod {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let unknown = InvalidValue::new(
            "token_endpoint_auth_method",
            "known are client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, \
             self_signed_tls_client_auth, none",
        );
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(unknown)
    }
}

impl TryFrom<String> for ClientAuthenticationMethod {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ClientAuthenticationMethod> for String {
    fn from(method: ClientAuthenticationMethod) -> Self {
        method.as_str().to_owned()
    }
}

impl fmt::Display for ClientAuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose tokens a client may introspect (RFC 7662 section 4: a protected resource learns only of tokens meant for it).
///
/// ```
/// use regrant::{Client, ClientId, IntrospectionAccess, Resource, Resources};
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
