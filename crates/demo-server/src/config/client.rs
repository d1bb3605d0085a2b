use std::sync::Arc;

use regrant::authenticator::VerifyCredentials;
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod, IntrospectionAccess, Registration};
use regrant::clock::Clock;
use regrant::policy::ClientPolicy;
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, GrantType, Policy, RedirectUri, Resource, Resources, Scope,
    SecretHash,
};
use regrant_jose::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};
use regrant_jose::client_assertion::{AssertionVerifier, ClientAssertions};
use regrant_jose::{Algorithm, KeySource};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::error::Fault;
use super::jose::{self, SigningKeys};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientEntry {
    client_id: Spanned<ClientId>,
    client_name: Option<String>,
    client_secret: Option<Spanned<String>>,
    client_secrets: Option<Spanned<Vec<String>>>,
    token_endpoint_auth_method: Option<Spanned<ClientAuthenticationMethod>>,
    jwks: Option<Spanned<Value>>,
    tls_client_auth_subject_dn: Option<Spanned<String>>,
    tls_client_auth_san_dns: Option<String>,
    id_token_signed_response_alg: Option<Spanned<String>>,
    userinfo_signed_response_alg: Option<Spanned<String>>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<RedirectUri>,
    #[serde(default)]
    registration: Registration,
    #[serde(default)]
    redirect_uris: Vec<RedirectUri>,
    #[serde(default)]
    any_localhost_port: bool,
    #[serde(default = "default_grant_types")]
    grant_types: Vec<GrantType>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    resources: Resources,
    #[serde(default)]
    authorization_details_types: Vec<String>,
    default_audience: Option<Resource>,
    #[serde(default)]
    accepts_audience: bool,
    #[serde(default)]
    introspection: Introspection,
    #[serde(default)]
    require_signed_request_object: bool,
    policy: Option<Spanned<ClientPolicy>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"own\", \"any\" or a list of resources")]
enum Introspection {
    Word(Word),
    Audiences(Resources),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Own,
    Any,
}

impl Default for Introspection {
    fn default() -> Self {
        Self::Word(Word::Own)
    }
}

fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
}

/// Registers clients.
pub(super) struct Registrar<'a> {
    pub(super) provider: &'a Policy,
    pub(super) assertions: ClientAssertions,
    pub(super) clock: Arc<dyn Clock>,
}

impl ClientEntry {
    /// The effective policies of the client, by flow.
    pub(super) fn policies(&self, provider: &Policy) -> Vec<Policy> {
        let own = self.policy.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
        self.grant_types.iter().filter_map(|grant_type| provider.for_client(&own, grant_type).ok()).collect()
    }

    /// The keys that sign its authorization requests (RFC 9101), if set.
    pub(super) fn keys(&self) -> Option<Result<(ClientId, KeySource), Fault>> {
        let keys = jose::jwks(self.jwks.as_ref()?, "clients.jwks");
        Some(keys.map(|keys| (self.client_id.get_ref().clone(), keys.into())))
    }

    /// The signing algorithm of its tokens, if set.
    pub(super) fn algorithm(&self, keys: &SigningKeys) -> Option<Result<(ClientId, Algorithm), Fault>> {
        let wanted = self.id_token_signed_response_alg.as_ref()?;
        let known = Algorithm::from_name(wanted.get_ref()).filter(|algorithm| keys.have(*algorithm));
        let unknown = || Fault::at(wanted, "clients.id_token_signed_response_alg", "the server has no such key");
        Some(known.map(|known| (self.client_id.get_ref().clone(), known)).ok_or_else(unknown))
    }

    /// Checks that a signed userinfo response has the algorithm of the client's `id_token`s: the library signs both
    /// with one key.
    pub(super) fn check_userinfo_algorithm(&self, keys: &SigningKeys) -> Result<(), Fault> {
        let Some(wanted) = &self.userinfo_signed_response_alg else { return Ok(()) };
        let own = self.id_token_signed_response_alg.as_ref().map(|own| own.get_ref().as_str());
        if own.or_else(|| keys.default_algorithm()) == Some(wanted.get_ref().as_str()) {
            return Ok(());
        }
        let why = "must be the algorithm of the id_tokens: set id_token_signed_response_alg to the same";
        Err(Fault::at(wanted, "clients.userinfo_signed_response_alg", why))
    }

    /// Adds the client to `registry`.
    pub(super) fn register(self, registry: ClientRegistry, registrar: &Registrar<'_>) -> Result<ClientRegistry, Fault> {
        let secrets = self.secrets()?;
        let methods = self.authentication_methods(&secrets)?;
        let verifier = self.verifier(methods, registrar)?;
        if let Some(policy) = &self.policy {
            policy
                .get_ref()
                .validate(registrar.provider)
                .map_err(|error| Fault::at(policy, "clients.policy", error))?;
        }
        let client = Client::new(self.client_id.get_ref().clone())
            .with_name(self.client_name)
            .with_registration(self.registration)
            .with_authentication_methods(methods)
            .with_redirect_uris(self.redirect_uris)
            .with_any_localhost_port(self.any_localhost_port)
            .with_grant_types(self.grant_types)
            .with_scope(self.scope)
            .with_resources(self.resources)
            .with_authorization_details_types(self.authorization_details_types)
            .with_default_audience(self.default_audience)
            .with_accepts_audience(self.accepts_audience)
            .with_introspection(match self.introspection {
                Introspection::Word(Word::Own) => IntrospectionAccess::Own,
                Introspection::Word(Word::Any) => IntrospectionAccess::Any,
                Introspection::Audiences(resources) => IntrospectionAccess::Audiences(resources),
            })
            .with_post_logout_redirect_uris(self.post_logout_redirect_uris)
            .with_userinfo_signed_response(self.userinfo_signed_response_alg.is_some())
            .with_require_signed_request_object(self.require_signed_request_object)
            .with_policy(self.policy.map(Spanned::into_inner).unwrap_or_default());
        let registered = match verifier {
            Some(verifier) => registry.register_with_verifier(client, verifier),
            None => registry.register(client, secrets),
        };
        registered.map_err(|error| Fault::at(&self.client_id, "clients.client_id", error))
    }

    /// The verifier of its assertions or certificates, if any.
    fn verifier(
        &self,
        methods: AuthenticationMethods,
        registrar: &Registrar<'_>,
    ) -> Result<Option<Arc<dyn VerifyCredentials>>, Fault> {
        let AuthenticationMethods::Only(method) = methods else { return Ok(None) };
        let clock = || Arc::clone(&registrar.clock);
        let jwks = || {
            let missing = || Fault::at(&self.client_id, "clients.jwks", "the client has no keys to authenticate with");
            jose::jwks(self.jwks.as_ref().ok_or_else(missing)?, "clients.jwks")
        };
        Ok(Some(match method {
            ClientAuthenticationMethod::PrivateKeyJwt => Arc::new(registrar.assertions.private_key_jwt(jwks()?)),
            ClientAuthenticationMethod::ClientSecretJwt => Arc::new(self.secret_verifier(registrar)?),
            ClientAuthenticationMethod::TlsClientAuth => {
                Arc::new(TlsClientAuth::new(self.certificate_subject()?, clock()))
            }
            ClientAuthenticationMethod::SelfSignedTlsClientAuth => {
                Arc::new(SelfSignedTlsClientAuth::new(jwks()?, clock()))
            }
            _ => return Ok(None),
        }))
    }

    fn secret_verifier(&self, registrar: &Registrar<'_>) -> Result<AssertionVerifier, Fault> {
        let missing =
            || Fault::at(&self.client_id, "clients.client_secret", "the client needs one to authenticate with");
        let secret = self.client_secret.as_ref().ok_or_else(missing)?;
        let verifier = registrar.assertions.client_secret_jwt(&ClientSecret::new(secret.get_ref()), Algorithm::Hs256);
        verifier.map_err(|error| Fault::at(secret, "clients.client_secret", error))
    }

    fn certificate_subject(&self) -> Result<CertificateSubject, Fault> {
        match (&self.tls_client_auth_subject_dn, &self.tls_client_auth_san_dns) {
            (Some(name), None) => {
                let parsed = name.get_ref().parse();
                parsed
                    .map(CertificateSubject::Dn)
                    .map_err(|error| Fault::at(name, "clients.tls_client_auth_subject_dn", error))
            }
            (None, Some(name)) => Ok(CertificateSubject::SanDns(name.clone())),
            _ => {
                let why = "exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns says whose certificate";
                Err(Fault::at(&self.client_id, "clients.tls_client_auth_subject_dn", why))
            }
        }
    }

    fn secrets(&self) -> Result<Vec<SecretHash>, Fault> {
        let hash = |secret: &String| SecretHash::sha256(&ClientSecret::new(secret));
        match (&self.client_secret, &self.client_secrets) {
            (Some(_), Some(secrets)) => Err(Fault::at(secrets, "clients.client_secrets", "client_secret is there too")),
            (Some(secret), None) if secret.get_ref().is_empty() => {
                Err(Fault::at(secret, "clients.client_secret", "must not be empty"))
            }
            (Some(secret), None) => Ok(vec![hash(secret.get_ref())]),
            (None, Some(secrets)) => match secrets.get_ref().as_slice() {
                all @ ([_] | [_, _]) if all.iter().all(|secret| !secret.is_empty()) => {
                    Ok(all.iter().map(hash).collect())
                }
                _ => {
                    Err(Fault::at(secrets, "clients.client_secrets", "must be one or two secrets, none of them empty"))
                }
            },
            (None, None) => Ok(Vec::new()),
        }
    }

    /// A secret is accepted in the header and in the body, unless the file sets one method.
    fn authentication_methods(&self, secrets: &[SecretHash]) -> Result<AuthenticationMethods, Fault> {
        use AuthenticationMethods::{Only, Secret};
        let is_public = secrets.is_empty();
        let Some(method) = &self.token_endpoint_auth_method else {
            return Ok(if is_public { Only(ClientAuthenticationMethod::None) } else { Secret });
        };
        let fault = |why| Err(Fault::at(method, "clients.token_endpoint_auth_method", why));
        let method = *method.get_ref();
        if method.is_asymmetric() {
            return if is_public { Ok(Only(method)) } else { fault("the method takes no client_secret") };
        }
        match (method == ClientAuthenticationMethod::None, is_public) {
            (true, false) => fault("none is for clients without a secret, and this one has one"),
            (false, true) => fault("the client has no client_secret to authenticate with"),
            _ => Ok(Only(method)),
        }
    }
}
