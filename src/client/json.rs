//! The JSON form of a [`Client`], with the names of RFC 7591 where they exist. Databases and configuration hold it, so
//! a name never changes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AuthenticationMethods, Client, ClientAuthenticationMethod, ClientKeys, IntrospectionAccess, TlsSubject};
use crate::policy::ClientPolicy;
use crate::vocabulary::{ClientId, GrantType, InvalidValue, RedirectUri, Registration, Resource, Resources, Scope};

/// The members in the order in which they are written. A member with its default value is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of its own, as in Client")]
pub(super) struct Form {
    client_id: ClientId,
    #[serde(default, skip_serializing_if = "is_default")]
    registration: Registration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    /// Absent for both methods with a secret: the RFC has no name for the pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<ClientAuthenticationMethod>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_client_auth_subject_dn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_dns: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_email: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<RedirectUri>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    any_localhost_port: bool,
    #[serde(default = "default_grant_types")]
    grant_types: Vec<GrantType>,
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_scope: Option<Scope>,
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    resources: Resources,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authorization_details_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_audience: Option<Resource>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    accepts_audience: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    introspection: Option<Introspection>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    post_logout_redirect_uris: Vec<RedirectUri>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    userinfo_signed_response: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    require_signed_request_object: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    policy: ClientPolicy,
}

/// `"any"`, or a list of resources. Absent for the client's own tokens.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"own\", \"any\" or a list of resources")]
enum Introspection {
    Word(Word),
    Audiences(Resources),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Own,
    Any,
}

/// RFC 7591 section 2.
fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<Client> for Form {
    fn from(client: Client) -> Self {
        // Every field by its name: a new field does not compile until it has a member.
        let Client {
            id,
            registration,
            name,
            authentication_methods,
            assertion_algorithm,
            keys,
            tls_subject,
            redirect_uris,
            any_localhost_port,
            grant_types,
            scope,
            default_scope,
            resources,
            authorization_details_types,
            default_audience,
            accepts_audience,
            introspection,
            post_logout_redirect_uris,
            userinfo_signed_response,
            require_signed_request_object,
            policy,
        } = client;
        let mut form = Self {
            client_id: id,
            registration,
            client_name: name,
            token_endpoint_auth_method: match authentication_methods {
                AuthenticationMethods::Secret => None,
                AuthenticationMethods::Only(method) => Some(method),
            },
            token_endpoint_auth_signing_alg: assertion_algorithm,
            jwks: keys.as_ref().and_then(ClientKeys::jwks).cloned(),
            jwks_uri: keys.as_ref().and_then(ClientKeys::jwks_uri).map(str::to_owned),
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            redirect_uris,
            any_localhost_port,
            grant_types,
            scope,
            default_scope,
            resources,
            authorization_details_types,
            default_audience,
            accepts_audience,
            introspection: match introspection {
                IntrospectionAccess::Own => None,
                IntrospectionAccess::Any => Some(Introspection::Word(Word::Any)),
                IntrospectionAccess::Audiences(audiences) => Some(Introspection::Audiences(audiences)),
            },
            post_logout_redirect_uris,
            userinfo_signed_response,
            require_signed_request_object,
            policy,
        };
        match tls_subject {
            None => {}
            Some(TlsSubject::Dn(name)) => form.tls_client_auth_subject_dn = Some(name),
            Some(TlsSubject::SanDns(name)) => form.tls_client_auth_san_dns = Some(name),
            Some(TlsSubject::SanUri(uri)) => form.tls_client_auth_san_uri = Some(uri),
            Some(TlsSubject::SanIp(address)) => form.tls_client_auth_san_ip = Some(address),
            Some(TlsSubject::SanEmail(address)) => form.tls_client_auth_san_email = Some(address),
        }
        form
    }
}

impl TryFrom<Form> for Client {
    type Error = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] for two members that exclude each other, and for keys that are not public.
    fn try_from(form: Form) -> Result<Self, InvalidValue> {
        Ok(Self {
            keys: keys(form.jwks, form.jwks_uri)?,
            tls_subject: subject([
                form.tls_client_auth_subject_dn.map(TlsSubject::Dn),
                form.tls_client_auth_san_dns.map(TlsSubject::SanDns),
                form.tls_client_auth_san_uri.map(TlsSubject::SanUri),
                form.tls_client_auth_san_ip.map(TlsSubject::SanIp),
                form.tls_client_auth_san_email.map(TlsSubject::SanEmail),
            ])?,
            id: form.client_id,
            registration: form.registration,
            name: form.client_name,
            authentication_methods: form
                .token_endpoint_auth_method
                .map_or(AuthenticationMethods::Secret, AuthenticationMethods::Only),
            assertion_algorithm: form.token_endpoint_auth_signing_alg,
            redirect_uris: form.redirect_uris,
            any_localhost_port: form.any_localhost_port,
            grant_types: form.grant_types,
            scope: form.scope,
            default_scope: form.default_scope,
            resources: form.resources,
            authorization_details_types: form.authorization_details_types,
            default_audience: form.default_audience,
            accepts_audience: form.accepts_audience,
            introspection: match form.introspection {
                None | Some(Introspection::Word(Word::Own)) => IntrospectionAccess::Own,
                Some(Introspection::Word(Word::Any)) => IntrospectionAccess::Any,
                Some(Introspection::Audiences(audiences)) => IntrospectionAccess::Audiences(audiences),
            },
            post_logout_redirect_uris: form.post_logout_redirect_uris,
            userinfo_signed_response: form.userinfo_signed_response,
            require_signed_request_object: form.require_signed_request_object,
            policy: form.policy,
        })
    }
}

/// Returns the keys. RFC 7591 section 2: `jwks` and `jwks_uri` must not both be present.
pub(super) fn keys(jwks: Option<Value>, jwks_uri: Option<String>) -> Result<Option<ClientKeys>, InvalidValue> {
    match (jwks, jwks_uri) {
        (None, None) => Ok(None),
        (Some(jwks), None) => ClientKeys::registered(jwks).map(Some),
        (None, Some(jwks_uri)) => ClientKeys::published(jwks_uri).map(Some),
        (Some(_), Some(_)) => Err(InvalidValue::new("jwks", "must not be beside jwks_uri")),
    }
}

/// Returns the only subject. RFC 8705 section 2.1.2: exactly one of the members.
fn subject(members: [Option<TlsSubject>; 5]) -> Result<Option<TlsSubject>, InvalidValue> {
    let mut present = members.into_iter().flatten();
    match (present.next(), present.next()) {
        (only, None) => Ok(only),
        (_, Some(_)) => Err(InvalidValue::new("tls_client_auth subject", "must be one member alone")),
    }
}
