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

/// What one OAuth 2 client of AM comes to: all but its credential is ready to be registered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientRegistration {
    /// What it may do. AM does not number registrations: give [`Client::registration`] another value than 0 when the
    /// `client_id` was somebody else's before, on this service.
    pub client: Client,
    /// By what it authenticates.
    pub credential: Credential,
    /// Each setting that does not simply hold here as it did in AM, by name.
    pub findings: Vec<Finding>,
}

impl ClientRegistration {
    pub(super) fn of(id: ClientId, mut attributes: Attributes, provider: &Provider) -> Result<Self, ImportError> {
        let from = &mut attributes;
        let (method, credential) = from.credential()?;
        let scope = from.scopes("scopes")?;
        let default_scope = default_scope(from, &scope)?;
        let client = authenticating(Client::new(id), from, method, &scope)
            .with_redirect_uris(from.redirect_uris()?)
            .with_grant_types(grant_types(from, provider)?)
            .with_introspection(introspection(&scope))
            .with_default_scope(default_scope)
            .with_scope(scope)
            .with_policy(policy(from, method, provider)?);
        client.policy.validate(&provider.policy).map_err(|error| from.fault("", Problem::Policy(error)))?;
        let findings = attributes.finish(&[catalogue::CLIENT, catalogue::OVERRIDES]);
        Ok(Self { client, credential, findings })
    }
}

/// What is said of a client that is not `Active`, and must not be served.
pub(super) fn inactive(id: &ClientId, from: &mut Attributes) -> Result<Option<Finding>, ImportError> {
    let status = from.text("status")?.filter(|status| !status.eq_ignore_ascii_case("Active"));
    let why = Meaning::LeftOut("only clients whose status is Active are served");
    Ok(status.map(|status| Finding::new(format!("{id}.status"), excerpt(&status), why)))
}

/// The client's list as far as the provider allows it. Without any, AM permits the authorization code alone.
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
        .with_authorization_code_lifetime(from.span("authorizationCodeLifetime", Zero::Inherits, &Range::CODE)?)
        .with_access_token_lifetime(from.span("accessTokenLifetime", Zero::Inherits, &Range::ANY)?)
        .with_refresh_token_lifetime(from.lifetime("refreshTokenLifetime", Zero::Inherits)?)
        .with_id_token_lifetime(from.span("jwtTokenLifetime", Zero::Inherits, &Range::ANY)?)
        .with_sender_constraint(sender_constraint(from, method, provider)?)
        .with_grace_period(from.grace(Zero::Inherits, provider.is_grace_cap_lifted)?);
    overrides(from, &mut policy)?;
    Ok(policy)
}

/// `mTLSCertificateBoundAccessTokens`, which needs the provider's support.
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

/// The tab `OAuth2 Provider Overrides` holds as a whole or not at all: with the switch on, a setting that nobody touched
/// overrides the provider's too, with the value of AM's template.
fn overrides(from: &mut Attributes, policy: &mut ClientPolicy) -> Result<(), ImportError> {
    let (issue, rotate, stateless) =
        ("issueRefreshToken", "issueRefreshTokenOnRefreshedToken", "statelessTokensEnabled");
    if !from.boolean("providerOverridesEnabled")?.unwrap_or(false) {
        let others = catalogue::OVERRIDES.iter().flat_map(|known| known.names);
        from.dismiss(others.copied().chain([issue, rotate, stateless]), "providerOverridesEnabled is off");
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

/// What a request gets that names no scope; without any, such a request is refused.
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

/// The client with its authentication methods. AM holds it to the registered one only when its scope has `openid`:
/// without, a secret is taken in the header and in the body.
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
