//! Rules for the metadata of clients that nobody has looked at: those of dynamic registration (RFC 7591) and of client
//! id metadata documents.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::json;
use super::{AuthenticationMethods, Client, ClientAuthenticationMethod, IntrospectionAccess};
use crate::vocabulary::{ClientId, GrantType, RedirectUri, Registration, Scope};

/// The most that a client can get that registers itself: a registration is narrowed to it, or refused.
///
/// | member | rule |
/// |---|---|
/// | `redirect_uris` | `https`, a loopback address, or a private-use scheme (RFC 8252 section 7); at most 16 |
/// | `post_logout_redirect_uris` | the same |
/// | `grant_types` | those of them that the rules have; none left is a refusal |
/// | `scope` | those of it that the rules have; none left is a refusal |
/// | `token_endpoint_auth_method` | one of the accepted ones, see [`with_methods`](Self::with_methods) |
/// | `jwks`, `jwks_uri` | one of them, with public keys alone |
/// | `response_types` | `code` |
/// | `client_name` | 1 to 128 characters, none of which controls the direction or the layout of text |
/// | others | ignored (RFC 7591 section 2) |
///
/// ```
/// use regrant::client::RegistrationRules;
/// use regrant::{Client, ClientId, GrantType, Scope};
///
/// let most = Client::new(ClientId::from_static("most"))
///     .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
///     .with_scope(Scope::from_static("read write"))
///     .with_default_scope(Scope::from_static("read"));
/// let rules = RegistrationRules::within(most);
///
/// let asked = serde_json::json!({
///     "redirect_uris": ["http://127.0.0.1/callback"],
///     "token_endpoint_auth_method": "none",
///     "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
///     "scope": "write admin",
/// });
/// let client = rules.judge(ClientId::from_static("new"), asked.as_object().ok_or("no object")?)?;
/// assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
/// assert_eq!(client.scope, Scope::from_static("write"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    most: Client,
    methods: Vec<ClientAuthenticationMethod>,
    uri_schemes: Vec<String>,
}

impl RegistrationRules {
    /// The maximum number of URIs in a list.
    const MAX_URIS: usize = 16;
    /// The maximum number of characters of a name.
    const MAX_NAME: usize = 128;

    /// Rules that admit what `most` has: its grant types, scope, resources, audience, `localhost` rule and policy. A
    /// registration that names no scope gets the default scope of `most`, or all of its scope. Its id, its registration
    /// and its credentials do not count.
    #[must_use]
    pub fn within(most: Client) -> Self {
        Self { most, methods: ClientAuthenticationMethod::PLAIN.into(), uri_schemes: Vec::new() }
    }

    /// Sets the accepted authentication methods. The first one is that of a registration that names none; if that is
    /// `client_secret_basic`, the client may use `client_secret_post` too. Default `client_secret_basic`,
    /// `client_secret_post` and `none`.
    ///
    /// Add `private_key_jwt` where the authenticator has a [verifier](crate::authenticator::VerifyCredentials).
    /// `client_secret_jwt` and the methods with a certificate are never accepted.
    #[must_use]
    pub fn with_methods(mut self, methods: impl IntoIterator<Item = ClientAuthenticationMethod>) -> Self {
        use ClientAuthenticationMethod::{ClientSecretJwt, SelfSignedTlsClientAuth, TlsClientAuth};
        let is_open = |method: &_| !matches!(method, ClientSecretJwt | SelfSignedTlsClientAuth | TlsClientAuth);
        self.methods = methods.into_iter().filter(is_open).collect();
        self
    }

    /// Also accepts redirection URIs of these private-use schemes. Default none: without this, a scheme must have a
    /// period, since an app can own a reversed domain name and no plain word (RFC 8252 section 7.1). Some native apps
    /// use plain words, such as `cursor` or `vscode`. Never add `javascript` or `data`.
    #[must_use]
    pub fn with_uri_schemes<T: Into<String>>(mut self, schemes: impl IntoIterator<Item = T>) -> Self {
        self.uri_schemes = schemes.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the scope that clients may get.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.most.scope
    }

    /// Leaves out the methods for which both sides know a secret: a published document can hold none.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.methods.retain(|method| {
            matches!(method, ClientAuthenticationMethod::None | ClientAuthenticationMethod::PrivateKeyJwt)
        });
        self
    }

    /// Returns the client `id` with the metadata in `document`, as far as the rules admit them.
    ///
    /// # Errors
    /// [`MetadataFault`] with the first member that is not accepted.
    pub fn judge(&self, id: ClientId, document: &Map<String, Value>) -> Result<Client, MetadataFault> {
        let Self { most, .. } = self;
        let (methods, scope) = (self.authentication_methods(document)?, self.scope_of(document)?);
        // What is left of it. Otherwise a request without a scope would ask for more than the client has. An empty one
        // stays: each request must name its scope.
        let default_scope = match &most.default_scope {
            Some(default) if !default.is_empty() => Some(default.intersection(&scope)).filter(|left| !left.is_empty()),
            default => default.clone(),
        };
        let client = Client {
            authentication_methods: methods,
            assertion_algorithm: assertion_algorithm(document)?,
            keys: keys(document)?,
            name: name(document)?,
            redirect_uris: self.uris(document, "redirect_uris")?,
            post_logout_redirect_uris: self.uris(document, "post_logout_redirect_uris")?,
            scope,
            default_scope,
            introspection: IntrospectionAccess::Own,
            ..most.clone()
        };
        let client = Client { id, registration: Registration::default(), tls_subject: None, ..client };
        let client = client.with_grant_types(self.grant_types(document, methods)?);
        if methods.are_asymmetric() && client.keys.is_none() {
            return Err(MetadataFault::Member("jwks"));
        }
        if client.may_use(&GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
            return Err(MetadataFault::RedirectUris);
        }
        // RFC 7591 section 2.1: the response type of the code flow, which is the only one.
        let response_types: Option<Vec<String>> = member(document, "response_types")?;
        match response_types {
            Some(types) if types.iter().any(|response_type| response_type != "code") => {
                Err(MetadataFault::Member("response_types"))
            }
            _ => Ok(client),
        }
    }

    fn authentication_methods(&self, document: &Map<String, Value>) -> Result<AuthenticationMethods, MetadataFault> {
        const NAME: &str = "token_endpoint_auth_method";
        match (member(document, NAME)?, self.methods.first()) {
            (None, Some(ClientAuthenticationMethod::ClientSecretBasic)) => Ok(AuthenticationMethods::Secret),
            (None, Some(first)) => Ok((*first).into()),
            (Some(method), _) if self.methods.contains(&method) => Ok(method.into()),
            _ => Err(MetadataFault::Member(NAME)),
        }
    }

    /// Returns the grant types that are both asked for and open. Words that this library does not know are ignored (RFC
    /// 7591 section 2).
    fn grant_types(
        &self,
        document: &Map<String, Value>,
        methods: AuthenticationMethods,
    ) -> Result<Vec<GrantType>, MetadataFault> {
        let asked: Option<Vec<String>> = member(document, "grant_types")?;
        let asked: Vec<GrantType> = match asked {
            Some(names) => names.iter().filter_map(|name| name.parse().ok()).collect(),
            None => vec![GrantType::AuthorizationCode],
        };
        let is_public = methods.contains(ClientAuthenticationMethod::None);
        let is_open = |grant_type: &&GrantType| {
            asked.contains(grant_type) && !(is_public && **grant_type == GrantType::ClientCredentials)
        };
        let open: Vec<GrantType> = self.most.grant_types.iter().filter(is_open).cloned().collect();
        if open.is_empty() { Err(MetadataFault::Member("grant_types")) } else { Ok(open) }
    }

    fn scope_of(&self, document: &Map<String, Value>) -> Result<Scope, MetadataFault> {
        let asked: Option<Scope> = member(document, "scope")?;
        match asked.filter(|asked| !asked.is_empty()) {
            Some(asked) => {
                let open = asked.intersection(&self.most.scope);
                if open.is_empty() { Err(MetadataFault::Member("scope")) } else { Ok(open) }
            }
            None => Ok(self.most.scope_of(None).unwrap_or_default()),
        }
    }

    fn uris(&self, document: &Map<String, Value>, name: &'static str) -> Result<Vec<RedirectUri>, MetadataFault> {
        let uris: Option<Vec<RedirectUri>> = member(document, name).map_err(|_| MetadataFault::RedirectUris)?;
        let uris = uris.unwrap_or_default();
        let is_accepted = uris.len() <= Self::MAX_URIS && uris.iter().all(|uri| self.admits(uri));
        if is_accepted { Ok(uris) } else { Err(MetadataFault::RedirectUris) }
    }

    /// Returns true for a URI to which a browser may carry a code (RFC 8252 section 7, RFC 9700 section 2.1). The
    /// scheme is compared in lower case: another spelling is not accepted.
    fn admits(&self, uri: &RedirectUri) -> bool {
        let Some((scheme, rest)) = uri.as_str().split_once(':') else { return false };
        match scheme {
            "https" => rest.strip_prefix("//").is_some_and(|rest| {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                // The text before an @ looks like a host to the user who is asked.
                !authority.is_empty() && !authority.starts_with(':') && !authority.contains('@')
            }),
            "http" => uri.is_loopback(),
            // A scheme with a period, so that `javascript` and `data` are none.
            scheme => scheme.contains('.') || self.uri_schemes.iter().any(|own| own == scheme),
        }
    }
}

/// The part of the metadata that is not accepted. The texts contain nothing of the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataFault {
    /// A redirection URI is missing or not accepted: `invalid_redirect_uri` (RFC 7591 section 3.2.2).
    #[error("redirection URIs must be https, loopback or of a private-use scheme, and at most 16")]
    RedirectUris,
    /// Another member is not accepted: `invalid_client_metadata`. Contains its name.
    #[error("the member {0} is not accepted")]
    Member(&'static str),
}

/// Returns a member, or `None` if it is absent or null.
fn member<T: DeserializeOwned>(document: &Map<String, Value>, name: &'static str) -> Result<Option<T>, MetadataFault> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone()).map(Some).map_err(|_| MetadataFault::Member(name)),
    }
}

fn keys(document: &Map<String, Value>) -> Result<Option<super::ClientKeys>, MetadataFault> {
    let (jwks, jwks_uri) = (member(document, "jwks")?, member(document, "jwks_uri")?);
    json::keys(jwks, jwks_uri).map_err(|_| MetadataFault::Member("jwks"))
}

/// Returns the name of an algorithm (RFC 7518 section 3.1): all of them are short words.
fn assertion_algorithm(document: &Map<String, Value>) -> Result<Option<String>, MetadataFault> {
    const NAME: &str = "token_endpoint_auth_signing_alg";
    let algorithm: Option<String> = member(document, NAME)?;
    let is_word = |name: &String| name.len() <= 16 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match algorithm {
        Some(name) if !is_word(&name) => Err(MetadataFault::Member(NAME)),
        algorithm => Ok(algorithm),
    }
}

/// Returns the name for users. A name that turns the direction of text could make an address beside it unreadable.
fn name(document: &Map<String, Value>) -> Result<Option<String>, MetadataFault> {
    const NAME: &str = "client_name";
    let name: Option<String> = member(document, NAME)?;
    let is_plain = |char: char| {
        !char.is_control()
            && !matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    match name.as_deref().map(str::trim) {
        None => Ok(None),
        Some(text) if text.is_empty() || text.chars().count() > RegistrationRules::MAX_NAME => {
            Err(MetadataFault::Member(NAME))
        }
        Some(text) if text.chars().all(is_plain) => Ok(Some(text.to_owned())),
        Some(_) => Err(MetadataFault::Member(NAME)),
    }
}
