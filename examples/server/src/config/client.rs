use regrant::{
    Client, ClientAuthenticationMethod, ClientId, ClientPolicy, ClientRegistry, ClientSecret, GrantType,
    IntrospectionAccess, Policy, RedirectUri, Registration, Resources, Scope, SecretHash,
};
use serde::Deserialize;
use toml::Spanned;

use super::error::Fault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientEntry {
    client_id: Spanned<ClientId>,
    client_secret: Option<Spanned<String>>,
    client_secrets: Option<Spanned<Vec<String>>>,
    token_endpoint_auth_method: Option<Spanned<ClientAuthenticationMethod>>,
    #[serde(default)]
    registration: Registration,
    #[serde(default)]
    redirect_uris: Vec<RedirectUri>,
    #[serde(default = "default_grant_types")]
    grant_types: Vec<GrantType>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    resources: Resources,
    #[serde(default)]
    introspection: Introspection,
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

impl ClientEntry {
    /// Adds the client to `registry`.
    pub(super) fn register(self, registry: ClientRegistry, provider: &Policy) -> Result<ClientRegistry, Fault> {
        let secrets = self.secrets()?;
        let method = self.authentication_method(&secrets)?;
        if let Some(policy) = &self.policy {
            policy.get_ref().validate(provider).map_err(|error| Fault::at(policy, "clients.policy", error))?;
        }
        let client = Client::new(self.client_id.get_ref().clone())
            .with_registration(self.registration)
            .with_authentication_method(method)
            .with_redirect_uris(self.redirect_uris)
            .with_grant_types(self.grant_types)
            .with_scope(self.scope)
            .with_resources(self.resources)
            .with_introspection(match self.introspection {
                Introspection::Word(Word::Own) => IntrospectionAccess::Own,
                Introspection::Word(Word::Any) => IntrospectionAccess::Any,
                Introspection::Audiences(resources) => IntrospectionAccess::Audiences(resources),
            })
            .with_policy(self.policy.map(Spanned::into_inner).unwrap_or_default());
        registry.with(client, secrets).map_err(|error| Fault::at(&self.client_id, "clients.client_id", error))
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

    fn authentication_method(&self, secrets: &[SecretHash]) -> Result<ClientAuthenticationMethod, Fault> {
        let is_public = secrets.is_empty();
        let Some(method) = &self.token_endpoint_auth_method else {
            return Ok(if is_public {
                ClientAuthenticationMethod::None
            } else {
                ClientAuthenticationMethod::ClientSecretBasic
            });
        };
        let fault = |why| Err(Fault::at(method, "clients.token_endpoint_auth_method", why));
        match (*method.get_ref() == ClientAuthenticationMethod::None, is_public) {
            (true, false) => fault("none is for clients without a secret, and this one has one"),
            (false, true) => fault("the client has no client_secret to authenticate with"),
            _ => Ok(*method.get_ref()),
        }
    }
}
