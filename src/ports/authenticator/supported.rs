use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientAuthenticationMethod};
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
///
/// The serde form is for directories that keep the features beside each client
/// ([`StoredClient::features`](super::StoredClient::features)). It has no algorithms: those are the verifier's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Supported {
    /// The accepted authentication methods (`token_endpoint_auth_methods_supported`). Default `client_secret_basic`,
    /// `client_secret_post` and `none`.
    pub methods: Vec<ClientAuthenticationMethod>,
    /// The accepted algorithms of client assertions (`token_endpoint_auth_signing_alg_values_supported`). Default none.
    #[serde(skip)]
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
    /// True if the URL of a metadata document is accepted as a client id
    /// (`client_id_metadata_document_supported`, draft-ietf-oauth-client-id-metadata-document). Default false.
    #[serde(skip)]
    pub metadata_documents: bool,
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

    /// Announces client ids that are URLs of metadata documents, or not.
    #[must_use]
    pub const fn with_metadata_documents(mut self, metadata_documents: bool) -> Self {
        self.metadata_documents = metadata_documents;
        self
    }

    /// Returns the features of one client.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let methods = ClientAuthenticationMethod::ALL.into_iter();
        Self::none()
            .with_methods(methods.filter(|method| client.authentication_methods.contains(*method)))
            .with_scope(client.scope.clone())
            .with_authorization_details_types(client.authorization_details_types.clone())
            .with_binding_to_certificates(client.policy.binds_to_certificate())
    }

    /// Reads the text of [`StoredClient::features`](super::StoredClient::features).
    ///
    /// # Errors
    /// When the text is another one.
    pub fn from_json(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns the features that one of `all` has.
    ///
    /// ```
    /// use regrant::authenticator::Supported;
    /// use regrant::client::ClientAuthenticationMethod::{ClientSecretPost, None};
    /// use regrant::{Client, ClientId, Scope};
    ///
    /// let spa = Client::public(ClientId::from_static("spa")).with_scope(Scope::from_static("read"));
    /// let app = Client::new(ClientId::from_static("app")).with_authentication_methods(ClientSecretPost);
    /// let both = Supported::join([spa, app].iter().map(Supported::of));
    /// assert_eq!(both.methods, [ClientSecretPost, None]);
    /// assert_eq!(both.scope, Scope::from_static("read"));
    /// ```
    #[must_use]
    pub fn join(all: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::none();
        // The tokens are joined once: a union after each of thousands of clients would cost the square.
        let (mut scopes, mut details) = (Vec::new(), BTreeSet::new());
        for own in all {
            joined.methods.extend(own.methods);
            joined.add_algorithms(own.assertion_algorithms);
            joined.binds_to_certificates |= own.binds_to_certificates;
            details.extend(own.authorization_details_types);
            joined.metadata_documents |= own.metadata_documents;
            if scopes.last() != Some(&own.scope) {
                scopes.push(own.scope);
            }
        }
        joined.methods =
            ClientAuthenticationMethod::ALL.into_iter().filter(|own| joined.methods.contains(own)).collect();
        joined.authorization_details_types = details.into_iter().collect();
        joined.scope = Scope::of(scopes.iter().flat_map(Scope::iter).collect());
        joined
    }

    /// Returns the features that one of the two has.
    pub(super) fn and(self, other: Self) -> Self {
        Self::join([self, other])
    }

    /// Adds accepted algorithms of client assertions, each once and in ascending order.
    pub(super) fn add_algorithms(&mut self, algorithms: impl IntoIterator<Item = &'static str>) {
        self.assertion_algorithms.extend(algorithms);
        self.assertion_algorithms.sort_unstable();
        self.assertion_algorithms.dedup();
    }

    fn none() -> Self {
        Self {
            methods: Vec::new(),
            assertion_algorithms: Vec::new(),
            scope: Scope::empty(),
            authorization_details_types: Vec::new(),
            binds_to_certificates: false,
            metadata_documents: false,
        }
    }
}

impl Default for Supported {
    fn default() -> Self {
        Self { methods: ClientAuthenticationMethod::PLAIN.into(), ..Self::none() }
    }
}
