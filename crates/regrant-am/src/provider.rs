use std::time::Duration;

use super::attributes::Attributes;
use super::catalogue;
use super::error::{ImportError, Problem};
use super::finding::{Finding, Meaning};
use super::lifetime::{Range, Zero};
use regrant::policy::{AccessTokenFormat, Lifetime, RequirePkce};
use regrant::{GrantType, Policy};

/// What AM's OAuth 2 provider service comes to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provider {
    /// What holds for all clients. It is valid.
    pub policy: Policy,
    /// What AM serves at all in this realm (`grantTypes`). The clients of the same import are restricted to it already.
    pub grant_types: Vec<GrantType>,
    /// Each setting that does not simply hold here as it did in AM, by name.
    pub findings: Vec<Finding>,
    /// Whether clients may have their tokens bound to certificates (`tlsCertificateBoundAccessTokensEnabled`).
    pub(super) binds_to_certificates: bool,
    /// Whether grace periods may be longer than AM's cap.
    pub(super) is_grace_cap_lifted: bool,
}

/// AM's own list.
const GRANT_TYPES: [GrantType; 11] = [
    GrantType::Implicit,
    GrantType::Saml2Bearer,
    GrantType::RefreshToken,
    GrantType::Password,
    GrantType::ClientCredentials,
    GrantType::DeviceCode,
    GrantType::AuthorizationCode,
    GrantType::Ciba,
    GrantType::UmaTicket,
    GrantType::TokenExchange,
    GrantType::JwtBearer,
];

const DEVICE_CODE: Range = Range { most: 3600, why: "device codes live at most 1 hour" };
const POLL_INTERVAL: Range = Range { most: 60, why: "devices wait at most 1 minute between two polls" };

impl Provider {
    /// A provider that nobody configured.
    pub(super) fn am_7_5(is_grace_cap_lifted: bool) -> Self {
        Self {
            policy: Policy::am_7_5(),
            grant_types: GRANT_TYPES.into(),
            findings: Vec::new(),
            binds_to_certificates: true,
            is_grace_cap_lifted,
        }
    }

    pub(super) fn of(mut attributes: Attributes, is_grace_cap_lifted: bool) -> Result<Self, ImportError> {
        let mut provider = Self::am_7_5(is_grace_cap_lifted);
        let from = &mut attributes;
        provider.lifetimes(from)?;
        provider.refresh_tokens(from)?;
        provider.require_pkce(from)?;
        if let Some(grant_types) = from.grant_types()? {
            provider.grant_types = grant_types;
        }
        if let Some(supported) = from.boolean("tlsCertificateBoundAccessTokensEnabled")? {
            provider.binds_to_certificates = supported;
        }
        provider.policy.validate().map_err(|error| from.fault("", Problem::Policy(error)))?;
        provider.findings = attributes.finish(&[catalogue::PROVIDER, catalogue::GLOBAL]);
        Ok(provider)
    }

    fn lifetimes(&mut self, from: &mut Attributes) -> Result<(), ImportError> {
        let policy = &mut self.policy;
        let mut read = |name, range: &Range, field: &mut Duration| {
            from.span(name, Zero::Nothing, range).map(|span| *field = span.unwrap_or(*field))
        };
        read("codeLifetime", &Range::CODE, &mut policy.authorization_code_lifetime)?;
        read("accessTokenLifetime", &Range::ANY, &mut policy.access_token_lifetime)?;
        read("jwtTokenLifetime", &Range::ANY, &mut policy.id_token_lifetime)?;
        read("deviceCodeLifetime", &DEVICE_CODE, &mut policy.device_code_lifetime)?;
        read("devicePollInterval", &POLL_INTERVAL, &mut policy.device_poll_interval)?;
        let refresh_token_lifetime: Option<Lifetime> = from.lifetime("refreshTokenLifetime", Zero::Nothing)?;
        policy.refresh_token_lifetime = refresh_token_lifetime.unwrap_or(policy.refresh_token_lifetime);
        Ok(())
    }

    fn refresh_tokens(&mut self, from: &mut Attributes) -> Result<(), ImportError> {
        let policy = &mut self.policy;
        if let Some(issue) = from.boolean("issueRefreshToken")? {
            policy.issue_refresh_tokens = issue;
        }
        if let Some(rotate) = from.boolean("issueRefreshTokenOnRefreshedToken")? {
            policy.issue_refresh_tokens_on_refresh = rotate;
        }
        if from.boolean("statelessTokensEnabled")?.unwrap_or(false) {
            policy.access_token_format = AccessTokenFormat::Jwt;
            from.report("statelessTokensEnabled", Meaning::Differs(JWT));
        }
        if let Some(grace) = from.grace(Zero::Nothing, self.is_grace_cap_lifted)? {
            policy.grace_period = grace;
        }
        let is_grant_set = from.text("storageScheme")?.is_some_and(|scheme| scheme.contains("GRANT_SET"));
        let is_jwt = policy.access_token_format == AccessTokenFormat::Jwt;
        if policy.grace_period != Duration::ZERO.into() && (is_grant_set || is_jwt) {
            let how = "here it holds for every refresh token; in AM only for server-side tokens in one-to-one storage";
            from.report("refreshTokenGracePeriod", Meaning::Differs(how));
        }
        Ok(())
    }

    fn require_pkce(&mut self, from: &mut Attributes) -> Result<(), ImportError> {
        let name = "codeVerifierEnforced";
        let Some(word) = from.text(name)? else { return Ok(()) };
        self.policy.require_pkce = match word.as_str() {
            "true" => RequirePkce::Everybody,
            "public" => RequirePkce::PublicClients,
            "passwordless" => {
                from.report(name, Meaning::Differs("public clients have no password here: all of them must use PKCE"));
                RequirePkce::PublicClients
            }
            "false" => RequirePkce::Nobody,
            _ => return Err(from.fault(name, Problem::Expected("true, public, passwordless or false"))),
        };
        Ok(())
    }
}

/// What AM's client-side tokens and JWTs of RFC 9068 do not have in common.
pub(super) const JWT: &str = "access tokens are JWTs of RFC 9068, with its claims, and refresh tokens stay opaque; the \
                              host needs a signing key for them";
