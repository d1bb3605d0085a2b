use super::attributes::Attributes;
use super::catalogue;
use super::credential::Credential;
use super::error::{ImportError, Problem};
use super::finding::{Finding, Meaning, excerpt};
use super::lifetime::{Range, Zero};
use super::lists::introspection;
use super::provider::{JWT, Provider};
use regrant::client::ClientAuthenticationMethod;
use regrant::policy::{AccessTokenFormat, ClientPolicy, SenderConstraint};
use regrant::{Client, ClientId, GrantType, Scope};

/// An OAuth 2 client of AM, ready for registration except for its credential.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientRegistration {
    /// The client. AM does not number registrations: if another client had this `client_id` on this service before,
    /// give [`Client::registration`] another value than 0.
    pub client: Client,
    /// The credential.
    pub credential: Credential,
    /// The settings that behave differently from AM, by name.
    pub findings: Vec<Finding>,
}

impl ClientRegistration {
    pub(super) fn from_attributes(
        id: ClientId,
        mut attributes: Attributes,
        provider: &Provider,
    ) -> Result<Self, ImportError> {
        let from = &mut attributes;
        let (method, credential) = from.credential()?;
        let scope = from.scopes("scopes")?;
        let default_scope = default_scope(from, &scope)?;
        let client = authenticating(Client::new(id), from, method, &scope)
            .with_name(name(from)?)
            .with_redirect_uris(from.redirect_uris()?)
            .with_grant_types(grant_types(from, provider)?)
            .with_introspection(introspection(&scope))
            .with_default_scope(default_scope)
            .with_scope(scope)
            .with_authorization_details_types(from.list("authorizationDetailTypes")?.unwrap_or_default())
            .with_post_logout_redirect_uris(from.post_logout_redirect_uris()?)
            .with_userinfo_signed_response(userinfo_is_signed(from)?)
            .with_policy(policy(from, method, provider)?);
        client.policy.validate(&provider.policy).map_err(|error| from.fault("", Problem::Policy(error)))?;
        let findings = attributes.into_findings(&[catalogue::CLIENT, catalogue::OVERRIDES]);
        Ok(Self { client, credential, findings })
    }
}

/// Returns a finding about a client that is not `Active`, and must not be served.
pub(super) fn inactive(id: &ClientId, from: &mut Attributes) -> Result<Option<Finding>, ImportError> {
    let status = from.text("status")?.filter(|status| !status.eq_ignore_ascii_case("Active"));
    let why = Meaning::LeftOut("only clients whose status is Active are served");
    Ok(status.map(|status| Finding::new(format!("{id}.status"), excerpt(&status), why)))
}

/// The name for users. AM keeps one for each language, as `en|Orders`; the first one without a language counts, or else
/// the first one.
fn name(from: &mut Attributes) -> Result<Option<String>, ImportError> {
    let attribute = "clientName";
    let names = from.list(attribute)?.unwrap_or_default();
    let without_language = names.iter().find(|name| !name.contains('|'));
    let Some(chosen) = without_language.or(names.first()) else { return Ok(None) };
    if names.len() > 1 {
        from.report(attribute, Meaning::Differs("a client has one name, whatever the language of the user"));
    }
    let name = chosen.split_once('|').map_or(chosen.as_str(), |(_, name)| name);
    Ok(Some(name.to_owned()).filter(|name| !name.is_empty()))
}

/// The grant types of the client that the provider allows. Without a list, AM permits only the authorization code.
fn grant_types(from: &mut Attributes, provider: &Provider) -> Result<Vec<GrantType>, ImportError> {
    let name = "grantTypes";
    let mut grant_types = from.grant_types()?.unwrap_or_default();
    if grant_types.is_empty() {
        grant_types.push(GrantType::AuthorizationCode);
    }
    for grant_type in &grant_types {
        let meaning = match grant_type {
            _ if !provider.grant_types.contains(grant_type) => {
                Meaning::LeftOut("the provider's grantTypes do not have it")
            }
            GrantType::Implicit => {
                Meaning::Unsupported("the authorization endpoint issues no tokens (RFC 9700 section 2.1.2)")
            }
            GrantType::TokenExchange => Meaning::Differs("only access tokens are exchanged, no id_tokens"),
            GrantType::Password
            | GrantType::JwtBearer
            | GrantType::Saml2Bearer
            | GrantType::Ciba
            | GrantType::UmaTicket => Meaning::Host("the flow works once an approver is registered for it"),
            _ => continue,
        };
        from.report_item(name, grant_type.as_str(), meaning);
    }
    grant_types.retain(|grant_type| provider.grant_types.contains(grant_type));
    Ok(grant_types)
}

fn policy(
    from: &mut Attributes,
    method: ClientAuthenticationMethod,
    provider: &Provider,
) -> Result<ClientPolicy, ImportError> {
    let mut policy = ClientPolicy::default()
        .with_authorization_code_lifetime(from.span("authorizationCodeLifetime", Zero::Inherit, &Range::CODE)?)
        .with_access_token_lifetime(from.span("accessTokenLifetime", Zero::Inherit, &Range::ANY)?)
        .with_refresh_token_lifetime(from.lifetime("refreshTokenLifetime", Zero::Inherit)?)
        .with_id_token_lifetime(from.span("jwtTokenLifetime", Zero::Inherit, &Range::ANY)?)
        .with_sender_constraint(sender_constraint(from, method, provider)?)
        .with_grace_period(from.grace(Zero::Inherit, provider.is_grace_cap_lifted)?);
    // The provider's requirement holds for every client.
    if from.boolean("require_pushed_authorization_requests")?.unwrap_or(false) {
        policy.require_pushed_authorization_requests = Some(true);
    }
    overrides(from, &mut policy)?;
    Ok(policy)
}

/// Reads `mTLSCertificateBoundAccessTokens`, which needs the support of the provider.
fn sender_constraint(
    from: &mut Attributes,
    method: ClientAuthenticationMethod,
    provider: &Provider,
) -> Result<Option<SenderConstraint>, ImportError> {
    use ClientAuthenticationMethod::{SelfSignedTlsClientAuth, TlsClientAuth};
    let name = "mTLSCertificateBoundAccessTokens";
    if !from.boolean(name)?.unwrap_or(false) {
        return Ok(None);
    }
    if !provider.binds_to_certificates {
        from.report(name, Meaning::Harmless("the provider's tlsCertificateBoundAccessTokensEnabled is off"));
        return Ok(None);
    }
    if !matches!(method, TlsClientAuth | SelfSignedTlsClientAuth) {
        from.report(name, Meaning::Differs("a request without a client certificate is refused"));
    }
    Ok(Some(SenderConstraint::Certificate))
}

/// Reads the tab `OAuth2 Provider Overrides`. It applies as a whole or not at all: when the switch is on, even
/// untouched settings override the provider, with the values of AM's template.
fn overrides(from: &mut Attributes, policy: &mut ClientPolicy) -> Result<(), ImportError> {
    let (issue, rotate, stateless) =
        ("issueRefreshToken", "issueRefreshTokenOnRefreshedToken", "statelessTokensEnabled");
    if !from.boolean("providerOverridesEnabled")?.unwrap_or(false) {
        let others = catalogue::OVERRIDES.iter().flat_map(|known| known.names);
        from.ignore(others.copied().chain([issue, rotate, stateless]), "providerOverridesEnabled is off");
        return Ok(());
    }
    policy.issue_refresh_tokens = Some(from.boolean(issue)?.unwrap_or(true));
    policy.issue_refresh_tokens_on_refresh = Some(from.boolean(rotate)?.unwrap_or(true));
    policy.access_token_format = Some(if from.boolean(stateless)?.unwrap_or(false) {
        from.report(stateless, Meaning::Differs(JWT));
        AccessTokenFormat::Jwt
    } else {
        AccessTokenFormat::Opaque
    });
    Ok(())
}

/// The scope of a request that names none. Without this scope, such a request is refused.
fn default_scope(from: &mut Attributes, scope: &Scope) -> Result<Option<Scope>, ImportError> {
    let name = "defaultScopes";
    let default = from.scopes(name)?;
    let granted = default.intersection(scope);
    if granted != default {
        let why = "the client's scopes do not have the rest";
        from.report(name, Meaning::Replaced { by: granted.to_string(), why });
    }
    Ok((granted != *scope).then_some(granted))
}

/// Reads the form of the userinfo response. A client that wants it encrypted gets it signed.
fn userinfo_is_signed(from: &mut Attributes) -> Result<bool, ImportError> {
    let name = "userinfoResponseFormat";
    let form = from.text(name)?;
    match form.as_deref() {
        None | Some("JSON") => return Ok(false),
        Some("SIGNED_JWT") => {
            from.report(name, Meaning::Differs("signed with the algorithm of the client's id_tokens"));
        }
        Some(_) => from.report(name, Meaning::Unsupported("userinfo is signed, not encrypted")),
    }
    Ok(true)
}

/// Sets the authentication methods. AM enforces the registered method only if the scope has `openid`; otherwise it
/// accepts a secret in the header and in the body.
fn authenticating(client: Client, from: &mut Attributes, method: ClientAuthenticationMethod, scope: &Scope) -> Client {
    use ClientAuthenticationMethod as Method;
    if !scope.contains("openid") {
        match method {
            Method::ClientSecretBasic | Method::ClientSecretPost => return client,
            Method::None => {}
            _ => {
                let how = "no secret is accepted in its place; in AM one is, since the client's scope has no openid";
                from.report("tokenEndpointAuthMethod", Meaning::Differs(how));
            }
        }
    }
    client.with_authentication_methods(method)
}
