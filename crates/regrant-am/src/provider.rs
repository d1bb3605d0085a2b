use std::time::Duration;

use super::attributes::Attributes;
use super::catalogue;
use super::error::{ImportError, Problem};
use super::finding::{Finding, Meaning};
use super::lifetime::{Range, Zero};
use regrant::policy::{AccessTokenFormat, Lifetime, RequirePkce};
use regrant::{GrantType, Policy};

/// The OAuth 2 provider service of AM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provider {
    /// The settings for all clients. They are valid.
    pub policy: Policy,
    /// The grant types of the realm (`grantTypes`). The clients of the same import are already restricted to them.
    pub grant_types: Vec<GrantType>,
    /// The settings that behave differently from AM, by name.
    pub findings: Vec<Finding>,
    /// True if tokens may be bound to client certificates (`tlsCertificateBoundAccessTokensEnabled`).
    pub(super) binds_to_certificates: bool,
    /// True if grace periods may be longer than AM's cap.
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

const PUSHED_REQUEST: Range = Range { least: 5, most: 600, why: "pushed requests live for 5 seconds to 10 minutes" };
const DEVICE_CODE: Range = Range { least: 1, most: 3600, why: "device codes live at most 1 hour" };
const POLL_INTERVAL: Range = Range { least: 1, most: 60, why: "devices wait at most 1 minute between two polls" };

impl Provider {
    /// A provider with AM's defaults.
    pub(super) fn am_7_5(is_grace_cap_lifted: bool) -> Self {
        Self {
            policy: Policy::am_7_5(),
            grant_types: GRANT_TYPES.into(),
            findings: Vec::new(),
            binds_to_certificates: true,
            is_grace_cap_lifted,
        }
    }

    pub(super) fn from_attributes(mut attributes: Attributes, is_grace_cap_lifted: bool) -> Result<Self, ImportError> {
        let mut provider = Self::am_7_5(is_grace_cap_lifted);
        let from = &mut attributes;
        provider.lifetimes(from)?;
        provider.refresh_tokens(from)?;
        provider.require_pkce(from)?;
        if let Some(require) = from.boolean("requirePushedAuthorizationRequests")? {
            provider.policy.require_pushed_authorization_requests = require;
        }
        if let Some(grant_types) = from.grant_types()? {
            provider.grant_types = grant_types;
        }
        if let Some(supported) = from.boolean("tlsCertificateBoundAccessTokensEnabled")? {
            provider.binds_to_certificates = supported;
        }
        provider.policy.validate().map_err(|error| from.fault("", Problem::Policy(error)))?;
        provider.findings = attributes.into_findings(&[catalogue::PROVIDER, catalogue::GLOBAL]);
        Ok(provider)
    }

    fn lifetimes(&mut self, from: &mut Attributes) -> Result<(), ImportError> {
        let policy = &mut self.policy;
        let mut read = |name, range: &Range, field: &mut Duration| {
            from.span(name, Zero::Immediate, range).map(|span| *field = span.unwrap_or(*field))
        };
        read("codeLifetime", &Range::CODE, &mut policy.authorization_code_lifetime)?;
        read("parRequestUriLifetime", &PUSHED_REQUEST, &mut policy.pushed_request_lifetime)?;
        read("accessTokenLifetime", &Range::ANY, &mut policy.access_token_lifetime)?;
        read("jwtTokenLifetime", &Range::ANY, &mut policy.id_token_lifetime)?;
        read("deviceCodeLifetime", &DEVICE_CODE, &mut policy.device_code_lifetime)?;
        read("devicePollInterval", &POLL_INTERVAL, &mut policy.device_poll_interval)?;
        let refresh_token_lifetime: Option<Lifetime> = from.lifetime("refreshTokenLifetime", Zero::Immediate)?;
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
        if let Some(grace) = from.grace(Zero::Immediate, self.is_grace_cap_lifted)? {
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

/// The differences between AM's client-side tokens and the JWTs of RFC 9068.
pub(super) const JWT: &str = "access tokens are JWTs of RFC 9068, with its claims, and refresh tokens stay opaque; the \
                              host needs a signing key for them";
