use serde::{Deserialize, Serialize};

use super::json::Form;
use super::{AuthenticationMethods, ClientAuthenticationMethod, ClientKeys, TlsSubject};
use crate::policy::ClientPolicy;
use crate::vocabulary::{ClientId, GrantType, RedirectUri, Registration, Resource, Resources, Scope};

/// The metadata of a client (RFC 7591 section 2), without its secrets.
///
/// ```
/// use regrant::{Client, ClientId, GrantType, Scope};
///
/// let app = Client::new(ClientId::from_static("app"))
///     .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
///     .with_scope(Scope::from_static("read write"));
/// assert!(app.may_use(&GrantType::RefreshToken));
/// assert!(!app.may_use(&GrantType::ClientCredentials));
/// assert!(app.is_confidential());
/// ```
///
/// The serde form has the names of RFC 7591 section 2 where they exist, and leaves out defaults. An unknown member is
/// an error, so a mistyped restriction is never ignored.
///
/// ```
/// use regrant::Client;
///
/// let app: Client = serde_json::from_str(
///     r#"{ "client_id": "spa", "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"],
///          "grant_types": ["authorization_code", "refresh_token"], "scope": "read",
///          "policy": { "grace_period": "30s" } }"#,
/// )?;
/// assert!(!app.is_confidential());
/// assert!(serde_json::from_str::<Client>(r#"{ "client_id": "spa", "scopes": "read" }"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "members of a registration, independent of each other")]
pub struct Client {
    /// The client identifier.
    pub id: ClientId,
    /// The number of the registration of the identifier. Default 0. With another number the client
    /// loses all its grants.
    pub registration: Registration,
    /// The name to show to users (`client_name`). Default absent. A client that registered itself chose its name: show
    /// the host of the redirection URI beside it.
    pub name: Option<String>,
    /// The accepted authentication methods. Default `client_secret_basic` and `client_secret_post`.
    pub authentication_methods: AuthenticationMethods,
    /// The only algorithm of its assertions (`token_endpoint_auth_signing_alg`), for example `ES256`. Default absent:
    /// every algorithm that the [verifier](crate::authenticator::VerifyCredentials) accepts.
    pub assertion_algorithm: Option<String>,
    /// The public keys of the client (`jwks`, `jwks_uri`). Default absent.
    pub keys: Option<ClientKeys>,
    /// The subject of its certificates, for `tls_client_auth`. Default absent.
    pub tls_subject: Option<TlsSubject>,
    /// The registered redirection URIs. Default none. Compared character for character; see [`RedirectUri::admits`].
    pub redirect_uris: Vec<RedirectUri>,
    /// Lets the port of a registered `http://localhost` URI differ, as that of `http://127.0.0.1` may. For native apps
    /// that know no other way, such as MCP clients. Default false: RFC 8252 section 8.3 advises against the name, which
    /// the user's machine may resolve to another address. Then only the registered port is admitted.
    pub any_localhost_port: bool,
    /// The registered grant types. Default `authorization_code` only, as in AM. A client that refreshes needs
    /// `refresh_token` too.
    pub grant_types: Vec<GrantType>,
    /// The registered scope: the maximum that the client can get. Default empty.
    ///
    /// Scope that is withdrawn here is gone from the next refresh on. Issued access tokens keep it until they expire,
    /// unless [`revoke_client`](crate::TokenService::revoke_client) revokes them.
    pub scope: Scope,
    /// The scope of a request that names none (RFC 6749 section 3.3). If absent, all of [`scope`](Self::scope). If
    /// empty, such a request is refused. Default absent. AM: `defaultScopes`.
    pub default_scope: Option<Scope>,
    /// The resources for which the client may request tokens (RFC 8707). Default none. Withdrawal works as for scopes.
    pub resources: Resources,
    /// The types of authorization details that the client may request (RFC 9396 section 10). Default none. Withdrawal
    /// works as for scopes.
    pub authorization_details_types: Vec<String>,
    /// The audience of access tokens for requests that name no resource (RFC 9068 section 3). The client may also name
    /// it in a request. Default absent: see [`default_audience_or`](Self::default_audience_or).
    pub default_audience: Option<Resource>,
    /// Accepts the parameter `audience` as a synonym of `resource` at the token and device authorization endpoints, for
    /// client libraries that know no other name. Default false: the parameter is ignored, as every unknown one (RFC
    /// 6749 section 3.2). Token exchange has the parameter for every client (RFC 8693 section 2.1).
    pub accepts_audience: bool,
    /// The tokens that the client may introspect. Default its own.
    pub introspection: IntrospectionAccess,
    /// The URIs to which a logout may redirect (`post_logout_redirect_uris`, OpenID Connect RP-Initiated Logout 1.0
    /// section 3.1). Default none. Compared character for character, the port of a loopback address included.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// True if the userinfo response for this client is a JWT (OpenID Connect Core section 5.3.2). It has the algorithm
    /// of the client's `id_token`s. Default false: JSON. In registrations: `userinfo_signed_response_alg`.
    pub userinfo_signed_response: bool,
    /// Refuses authorization requests that are not signed by the client (`require_signed_request_object`, RFC 9101
    /// section 10.5). Default false. The host sets the verifier with
    /// [`Endpoints::with_request_objects`](crate::wire::Endpoints::with_request_objects).
    pub require_signed_request_object: bool,
    /// The overrides of the provider's policy. Default none.
    pub policy: ClientPolicy,
}

impl Client {
    /// A confidential client with the default of each field. It authenticates with a secret, in the header or in the
    /// body.
    #[must_use]
    pub fn new(id: ClientId) -> Self {
        Self {
            id,
            registration: Registration::default(),
            name: None,
            authentication_methods: AuthenticationMethods::Secret,
            assertion_algorithm: None,
            keys: None,
            tls_subject: None,
            redirect_uris: Vec::new(),
            any_localhost_port: false,
            grant_types: vec![GrantType::AuthorizationCode],
            scope: Scope::empty(),
            default_scope: None,
            resources: Resources::empty(),
            authorization_details_types: Vec::new(),
            default_audience: None,
            accepts_audience: false,
            introspection: IntrospectionAccess::Own,
            post_logout_redirect_uris: Vec::new(),
            userinfo_signed_response: false,
            require_signed_request_object: false,
            policy: ClientPolicy::default(),
        }
    }

    /// A public client (RFC 6749 section 2.1) with the default of each field. It has no secret, so anyone can use its
    /// id.
    ///
    /// ```
    /// use regrant::{Client, ClientId, ClientRegistry};
    ///
    /// let spa = Client::public(ClientId::from_static("spa"));
    /// assert!(!spa.is_confidential());
    /// let clients = ClientRegistry::new().register(spa, [])?;
    /// # Ok::<(), regrant::authenticator::RegistryError>(())
    /// ```
    #[must_use]
    pub fn public(id: ClientId) -> Self {
        Self::new(id).with_authentication_methods(ClientAuthenticationMethod::None)
    }

    /// Sets the number of the registration.
    #[must_use]
    pub const fn with_registration(mut self, registration: Registration) -> Self {
        self.registration = registration;
        self
    }

    /// Sets the name to show to users.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Option<String>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the accepted authentication methods: one method, or both that use a secret.
    #[must_use]
    pub fn with_authentication_methods(mut self, methods: impl Into<AuthenticationMethods>) -> Self {
        self.authentication_methods = methods.into();
        self
    }

    /// Sets the only algorithm of its assertions.
    #[must_use]
    pub fn with_assertion_algorithm(mut self, algorithm: impl Into<Option<String>>) -> Self {
        self.assertion_algorithm = algorithm.into();
        self
    }

    /// Sets the public keys of the client.
    #[must_use]
    pub fn with_keys(mut self, keys: impl Into<Option<ClientKeys>>) -> Self {
        self.keys = keys.into();
        self
    }

    /// Sets the subject of its certificates.
    #[must_use]
    pub fn with_tls_subject(mut self, subject: impl Into<Option<TlsSubject>>) -> Self {
        self.tls_subject = subject.into();
        self
    }

    /// Sets the registered redirection URIs.
    #[must_use]
    pub fn with_redirect_uris(mut self, redirect_uris: impl IntoIterator<Item = RedirectUri>) -> Self {
        self.redirect_uris = redirect_uris.into_iter().collect();
        self
    }

    /// Lets the port of a registered `http://localhost` URI differ, or not.
    ///
    /// ```
    /// use regrant::{Client, ClientId, RedirectUri};
    ///
    /// let app = Client::public(ClientId::from_static("app"))
    ///     .with_redirect_uris([RedirectUri::from_static("http://localhost/callback")]);
    /// let requested = RedirectUri::from_static("http://localhost:57470/callback");
    /// assert_eq!(app.redirect_uri(Some(&requested)), None);
    /// assert_eq!(app.with_any_localhost_port(true).redirect_uri(Some(&requested)), Some(&requested));
    /// ```
    #[must_use]
    pub const fn with_any_localhost_port(mut self, any_localhost_port: bool) -> Self {
        self.any_localhost_port = any_localhost_port;
        self
    }

    /// Sets the registered grant types.
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
        self
    }

    /// Sets the registered scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the scope of a request that names none.
    #[must_use]
    pub fn with_default_scope(mut self, scope: impl Into<Option<Scope>>) -> Self {
        self.default_scope = scope.into();
        self
    }

    /// Sets the resources for which the client may request tokens.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the types of authorization details that the client may request.
    #[must_use]
    pub fn with_authorization_details_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.authorization_details_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the audience of access tokens for requests that name no resource.
    #[must_use]
    pub fn with_default_audience(mut self, resource: impl Into<Option<Resource>>) -> Self {
        self.default_audience = resource.into();
        self
    }

    /// Accepts the parameter `audience` as a synonym of `resource`, or not.
    #[must_use]
    pub const fn with_accepts_audience(mut self, accepts_audience: bool) -> Self {
        self.accepts_audience = accepts_audience;
        self
    }

    /// Sets the tokens that the client may introspect.
    #[must_use]
    pub fn with_introspection(mut self, introspection: IntrospectionAccess) -> Self {
        self.introspection = introspection;
        self
    }

    /// Sets the URIs to which a logout may redirect.
    #[must_use]
    pub fn with_post_logout_redirect_uris(mut self, uris: impl IntoIterator<Item = RedirectUri>) -> Self {
        self.post_logout_redirect_uris = uris.into_iter().collect();
        self
    }

    /// Sets the form of the userinfo response: a JWT, or JSON.
    #[must_use]
    pub const fn with_userinfo_signed_response(mut self, is_signed: bool) -> Self {
        self.userinfo_signed_response = is_signed;
        self
    }

    /// Refuses authorization requests that are not signed, or not.
    #[must_use]
    pub const fn with_require_signed_request_object(mut self, is_required: bool) -> Self {
        self.require_signed_request_object = is_required;
        self
    }

    /// Sets the overrides of the provider's policy.
    #[must_use]
    pub fn with_policy(mut self, policy: ClientPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns true if the client authenticates (RFC 6749 section 2.1), and false for a public client.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        !self.authentication_methods.contains(ClientAuthenticationMethod::None)
    }

    /// Returns the `requested` scope, or the default if the request names none. Returns `None` if there is no default
    /// either: `invalid_scope` (RFC 6749 section 3.3).
    ///
    /// ```
    /// use regrant::{Client, ClientId, Scope};
    ///
    /// let app = Client::new(ClientId::from_static("app")).with_scope(Scope::from_static("read write"));
    /// assert_eq!(app.scope_of(None), Some(Scope::from_static("read write")));
    /// assert_eq!(app.with_default_scope(Scope::empty()).scope_of(None), None);
    /// ```
    #[must_use]
    pub fn scope_of(&self, requested: Option<Scope>) -> Option<Scope> {
        requested.or_else(|| match &self.default_scope {
            None => Some(self.scope.clone()),
            Some(default) => Some(default).filter(|default| !default.is_empty()).cloned(),
        })
    }

    /// Returns the audience of access tokens for requests that name no resource: the first of these that the client
    /// has.
    ///
    /// 1. its [`default_audience`](Self::default_audience),
    /// 2. its only registered resource,
    /// 3. the default of the service
    ///    ([`TokenServiceBuilder::default_audience`](crate::TokenServiceBuilder::default_audience)), if the client
    ///    registered no resources. A client with registered resources gets no token for another one by a default.
    ///
    /// With `None`, opaque tokens are limited to no resource, and the `aud` of a JWT is the issuer.
    ///
    /// ```
    /// use regrant::{Client, ClientId, Resource, Resources};
    ///
    /// let (orders, stock) =
    ///     (Resource::from_static("https://api.example/orders"), Resource::from_static("https://api.example/stock"));
    /// let app = Client::new(ClientId::from_static("app"));
    /// assert_eq!(app.default_audience_or(Some(&stock)), Some(&stock));
    /// let app = app.with_resources(Resources::from_iter([orders.clone()]));
    /// assert_eq!(app.default_audience_or(Some(&stock)), Some(&orders));
    /// let app = app.with_resources(Resources::from_iter([orders.clone(), stock.clone()]));
    /// assert_eq!(app.default_audience_or(None), None);
    /// assert_eq!(app.with_default_audience(stock.clone()).default_audience_or(None), Some(&stock));
    /// ```
    #[must_use]
    pub fn default_audience_or<'a>(&'a self, of_service: Option<&'a Resource>) -> Option<&'a Resource> {
        let mut registered = self.resources.iter();
        self.default_audience.as_ref().or_else(|| match (registered.next(), registered.next()) {
            (None, _) => of_service,
            (Some(only), None) => Some(only),
            _ => of_service.filter(|default| self.resources.iter().any(|own| own == *default)),
        })
    }

    /// Returns true if the client may use `grant_type`. The client must be registered for the flow, and must be
    /// confidential for client credentials (OAuth 2.1 section 4.2): with the id of a public client anyone could get a
    /// token. The refusal is `unauthorized_client`.
    #[must_use]
    pub fn may_use(&self, grant_type: &GrantType) -> bool {
        self.grant_types.contains(grant_type) && (self.is_confidential() || *grant_type != GrantType::ClientCredentials)
    }

    /// Returns the redirection URI for an authorization response: the `requested` one if it is registered, or the only
    /// registered one if the request names none (RFC 6749 section 3.1.2.3).
    ///
    /// Returns `None` otherwise. Show an error to the user then, and do not redirect: the target may belong to an
    /// attacker (RFC 6749 section 4.1.2.1).
    ///
    /// ```
    /// use regrant::{Client, ClientId, RedirectUri};
    ///
    /// let callback = RedirectUri::from_static("https://app.example/callback");
    /// let app = Client::new(ClientId::from_static("app")).with_redirect_uris([callback.clone()]);
    /// assert_eq!(app.redirect_uri(None), Some(&callback));
    /// assert_eq!(app.redirect_uri(Some(&RedirectUri::from_static("https://evil.example/callback"))), None);
    /// ```
    #[must_use]
    pub fn redirect_uri<'a>(&'a self, requested: Option<&'a RedirectUri>) -> Option<&'a RedirectUri> {
        match (requested, self.redirect_uris.as_slice()) {
            (Some(requested), registered) => {
                let is_admitted = |uri: &RedirectUri| {
                    uri.admits(requested) || (self.any_localhost_port && uri.admits_on_localhost(requested))
                };
                registered.iter().any(is_admitted).then_some(requested)
            }
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// The tokens that a client may introspect. A protected resource must learn only about tokens meant for it (RFC 7662
/// section 4).
///
/// ```
/// use regrant::{Client, ClientId, Resource, Resources};
/// use regrant::client::IntrospectionAccess;
///
/// let orders = Resources::from(vec![Resource::from_static("https://api.example/orders")]);
/// let resource_server = Client::new(ClientId::from_static("orders-api"))
///     .with_grant_types([]) // it introspects tokens and gets none itself
///     .with_introspection(IntrospectionAccess::Audiences(orders));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionAccess {
    /// Tokens issued to the client itself. Any other token is answered as inactive, as an unknown token would be.
    Own,
    /// The client's own tokens, and access tokens with one of these resources in their audience. For a resource server.
    Audiences(Resources),
    /// Every token of the realm (AM: scope `am-introspect-all-tokens`).
    Any,
}
