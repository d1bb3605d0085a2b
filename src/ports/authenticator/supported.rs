use crate::client::ClientAuthenticationMethod;
use crate::vocabulary::Scope;

/// The features that the clients of a directory use, for the metadata (RFC 8414 section 2). Returned by
/// [`ClientAuthenticator::supported`](super::ClientAuthenticator::supported).
///
/// ```
/// use regrant::Scope;
/// use regrant::authenticator::Supported;
/// use regrant::client::ClientAuthenticationMethod;
///
/// let supported = Supported::default()
///     .with_methods([ClientAuthenticationMethod::PrivateKeyJwt])
///     .with_assertion_algorithms(["ES256"])
///     .with_scope(Scope::from_static("openid read write"));
/// assert_eq!(supported.methods, [ClientAuthenticationMethod::PrivateKeyJwt]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Supported {
    /// The accepted authentication methods (`token_endpoint_auth_methods_supported`). Default `client_secret_basic`,
    /// `client_secret_post` and `none`.
    pub methods: Vec<ClientAuthenticationMethod>,
    /// The accepted algorithms of client assertions (`token_endpoint_auth_signing_alg_values_supported`). Default none.
    pub assertion_algorithms: Vec<&'static str>,
    /// The scopes that some client may request (`scopes_supported`). Default empty: the documents then have no such
    /// member. Leave out the scopes that strangers must not learn of.
    pub scope: Scope,
    /// The types of authorization details that some client may request (`authorization_details_types_supported`, RFC
    /// 9396 section 10). Default none: the documents then have no such member.
    pub authorization_details_types: Vec<String>,
    /// True if the tokens of some client are bound to its certificate by an override of
    /// [`sender_constraint`](crate::Policy::sender_constraint) (`tls_client_certificate_bound_access_tokens`). Default
    /// false: then the policy of the provider decides alone.
    pub binds_to_certificates: bool,
}

impl Supported {
    /// Sets the accepted authentication methods.
    #[must_use]
    pub fn with_methods(mut self, methods: impl IntoIterator<Item = ClientAuthenticationMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Sets the accepted algorithms of client assertions.
    #[must_use]
    pub fn with_assertion_algorithms(mut self, algorithms: impl IntoIterator<Item = &'static str>) -> Self {
        self.assertion_algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets the scopes that some client may request.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the types of authorization details that some client may request.
    #[must_use]
    pub fn with_authorization_details_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.authorization_details_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Announces tokens that are bound to certificates, or not.
    #[must_use]
    pub const fn with_binding_to_certificates(mut self, binds_to_certificates: bool) -> Self {
        self.binds_to_certificates = binds_to_certificates;
        self
    }
}

impl Default for Supported {
    fn default() -> Self {
        Self {
            methods: ClientAuthenticationMethod::PLAIN.into(),
            assertion_algorithms: Vec::new(),
            scope: Scope::empty(),
            authorization_details_types: Vec::new(),
            binds_to_certificates: false,
        }
    }
}
