use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fields::policy_fields;
use super::{
    AccessTokenFormat, GracePeriod, Lifetime, Limit, OnReuse, OnRollback, OnUnknownScope, PolicyError,
    PreviousAccessToken, RefreshTokenExpiration, RequirePkce, SenderConstraint, human,
};
use crate::vocabulary::{GrantType, Scope};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The scope by which a user allows access while away (OpenID Connect Core section 11).
const OFFLINE_ACCESS: &str = "offline_access";

/// The maximum number of live access tokens in a record. Every request reads and writes all of them, so the limit
/// bounds the costs of each request.
const MAX_LIVE_ACCESS_TOKENS: u16 = 1000;

policy_fields! {
    /// The lifetime of an authorization code: 1 s to 10 minutes (RFC 6749 section 4.1.2). Default 120 s. AM:
    /// `codeLifetime`.
    #[serde(with = "human" / "human::optional")]
    authorization_code_lifetime: Duration = 2 * MINUTE, am: 2 * MINUTE, with: with_authorization_code_lifetime;
    /// The time in which the browser must bring the `request_uri` of a pushed authorization request: 5 s to 10 minutes,
    /// in whole seconds (RFC 9126 section 2.2). Default 60 s. AM: `parRequestUriLifetime`, 90.
    ///
    /// From its arrival on the user has 30 minutes to sign in and to decide. One code is issued for it.
    #[serde(with = "human" / "human::optional")]
    pushed_request_lifetime: Duration = MINUTE, am: Duration::from_secs(90), with: with_pushed_request_lifetime;
    /// Requires that authorization requests are pushed (RFC 9126 sections 5 and 6), and that they name their
    /// `redirect_uri` (FAPI 2.0 Security Profile section 5.3.2.2). Default false. AM:
    /// `requirePushedAuthorizationRequests`, for clients `require_pushed_authorization_requests`.
    require_pushed_authorization_requests: bool = false, am: false, with: with_require_pushed_authorization_requests;
    /// Requires that clients sign their authorization requests (RFC 9101 section 10.5), as
    /// [`Client::require_signed_request_object`](crate::Client::require_signed_request_object) does for one client.
    /// Default false. AM has no such setting.
    ///
    /// [`Endpoints`](crate::wire::Endpoints) refuses other requests, at the authorization endpoint and when they are
    /// pushed. A verifier must be set ([`with_request_objects`](crate::wire::Endpoints::with_request_objects)). A host
    /// that calls [`TokenService::authorize`](crate::TokenService::authorize) itself judges the signature itself.
    require_signed_request_object: bool = false, am: false, with: with_require_signed_request_object;
    /// The lifetime of an access token: at least 1 s, and never past the end of its grant. Default 1 h. AM:
    /// `accessTokenLifetime`.
    #[serde(with = "human" / "human::optional")]
    access_token_lifetime: Duration = HOUR, am: HOUR, with: with_access_token_lifetime;
    /// The maximum time by which the lifetime of an access token is shortened: in whole seconds, and at least 1 s
    /// shorter than the [`access_token_lifetime`](Policy::access_token_lifetime). Default 0. AM has no such setting.
    ///
    /// Each token is shortened by a random number of seconds between 0 and this time. Clients that got their tokens
    /// together, for example after an outage, then do not refresh together. `expires_in`, introspection and a JWT name
    /// the same end, and a replay repeats it.
    #[serde(with = "human" / "human::optional")]
    access_token_lifetime_jitter: Duration = Duration::ZERO, am: Duration::ZERO,
        with: with_access_token_lifetime_jitter;
    /// The time after which an unused refresh token expires: at least 1 s. Each use restarts the time. Default 7 d. AM:
    /// `refreshTokenLifetime` (-1 means never).
    refresh_token_lifetime: Lifetime = Lifetime::Of(DAY.saturating_mul(7)), am: Lifetime::Of(DAY.saturating_mul(7)),
        with: with_refresh_token_lifetime;
    /// Lets a use without rotation restart the [`refresh_token_lifetime`](Policy::refresh_token_lifetime), as a
    /// rotation does. Default true. In AM a token that does not rotate keeps its first expiry.
    extend_on_use: bool = true, am: false, with: with_extend_on_use;
    /// The lifetime of a grant, regardless of refreshes: at least 1 s. A shorter value applies to existing grants at
    /// their next refresh. A longer value does not extend them. Default never. AM has no such setting.
    grant_lifetime: Lifetime = Lifetime::Never, am: Lifetime::Never, with: with_grant_lifetime;
    /// Issues refresh tokens with new grants. Implicit and client credentials grants never get one, nor do clients
    /// that are not registered for the `refresh_token` grant type. Default true. AM: `issueRefreshToken`.
    issue_refresh_tokens: bool = true, am: true, with: with_issue_refresh_tokens;
    /// Issues a refresh token only if the scope `offline_access` was granted (OpenID Connect Core section 11). The host
    /// grants that scope, with the consent of the user. Default false. AM has no such setting.
    ///
    /// The rule holds at each refresh too. A grant without the scope, or of a client that is no longer registered for
    /// it, is refused (`invalid_grant`). The refusal changes nothing: without the rule the grant is served again.
    require_offline_access: bool = false, am: false, with: with_require_offline_access;
    /// Tells clients when a refresh token and its authorization expire, in token responses and at introspection.
    /// Default [`RefreshTokenExpiration::None`]. AM has no such setting.
    ///
    /// The metadata names the provider's setting.
    refresh_token_expiration: RefreshTokenExpiration = RefreshTokenExpiration::None, am: RefreshTokenExpiration::None,
        with: with_refresh_token_expiration;
    /// Rotates refresh tokens: a refresh issues a new refresh token and retires the old one (RFC 9700 section 4.14.2).
    ///
    /// Without rotation the refresh token stays valid, and the response has none. That fits clients that authenticate
    /// or use bound tokens. For others RFC 9700 section 2.2.2 requires rotation. Default true. AM:
    /// `issueRefreshTokenOnRefreshedToken`.
    issue_refresh_tokens_on_refresh: bool = true, am: true, with: with_issue_refresh_tokens_on_refresh;
    /// The time after its rotation in which a refresh token may be presented again, provided its successor was never
    /// used: the response got lost. Replays do not extend it. Default [`GracePeriod::Auto`]. AM:
    /// `refreshTokenGracePeriod`, 0; a client's -1 is "0s" here.
    ///
    /// The grace period also covers a store that fails between write and acknowledgement. With 0 such a failure can
    /// cost a session.
    grace_period: GracePeriod = GracePeriod::Auto, am: GracePeriod::Of(Duration::ZERO), with: with_grace_period;
    /// The time after its rotation in which a refresh token is answered although its successor was used. It serves
    /// parallel tabs, and several processes with one credential. At most 1 h, and limited by a
    /// [`grace_period`](Policy::grace_period) with a time. 0 turns it off. Default 10 s. In AM every spent token is
    /// answered within the grace period.
    ///
    /// The response always has the current refresh token. A token that is older, or more than 8 rotations behind, is
    /// reuse.
    ///
    /// A longer window helps thieves too: one who presents the stolen token within it gets a response, and is detected
    /// later.
    #[serde(with = "human" / "human::optional")]
    catch_up_window: Duration = Duration::from_secs(10), am: GracePeriod::MAX, with: with_catch_up_window;
    /// The number of times that one retired refresh token may be presented again. The next time is reuse. Replays whose
    /// response got lost count too. A limit costs one write per replay. Default unlimited. AM has no such setting.
    max_replays: Limit = Limit::Unlimited, am: Limit::Unlimited, with: with_max_replays;
    /// The reaction to the reuse of a spent refresh token. Default revoke. AM only refuses.
    on_reuse: OnReuse = OnReuse::Revoke, am: OnReuse::Refuse, with: with_on_reuse;
    /// The effect of a refresh on earlier access tokens. Default: none, as in AM.
    previous_access_token: PreviousAccessToken = PreviousAccessToken::Keep, am: PreviousAccessToken::Keep,
        with: with_previous_access_token;
    /// The reaction to a genuine refresh token that is ahead of its record, which proves that the store lost
    /// acknowledged writes. Default heal.
    on_rollback: OnRollback = OnRollback::Heal, am: OnRollback::Heal, with: with_on_rollback;
    /// The maximum number of live access tokens of one grant: 1 to 1000. One more revokes the oldest. The limit
    /// bounds the size of the record. Default 16. AM has no limit; [`Policy::am_7_5`] has 1000.
    max_live_access_tokens: u16 = 16, am: MAX_LIVE_ACCESS_TOKENS, with: with_max_live_access_tokens;
    /// The lifetime of an `id_token`: at least 1 s. Default 1 h. AM: `jwtTokenLifetime`.
    #[serde(with = "human" / "human::optional")]
    id_token_lifetime: Duration = HOUR, am: HOUR, with: with_id_token_lifetime;
    /// The format of access tokens: opaque, or JWTs (RFC 9068), which resource servers read without introspection.
    /// Default opaque. AM: `statelessTokensEnabled`.
    access_token_format: AccessTokenFormat = AccessTokenFormat::Opaque, am: AccessTokenFormat::Opaque,
        with: with_access_token_format;
    /// The lifetime of a device code and its user code: 1 s to 1 h (RFC 8628 section 3.2). Default 300 s. AM:
    /// `deviceCodeLifetime`.
    #[serde(with = "human" / "human::optional")]
    device_code_lifetime: Duration = 5 * MINUTE, am: 5 * MINUTE, with: with_device_code_lifetime;
    /// The minimum time between two polls of a device: 1 s to 1 minute, in whole seconds. Each early poll adds 5 s
    /// (RFC 8628 section 3.5). Default 5 s. AM: `devicePollInterval`.
    #[serde(with = "human" / "human::optional")]
    device_poll_interval: Duration = Duration::from_secs(5), am: Duration::from_secs(5),
        with: with_device_poll_interval;
    /// The key to which access tokens must be bound. Default: a DPoP key if the request has a proof. AM:
    /// `tlsCertificateBoundAccessTokensEnabled`, for clients `mTLSCertificateBoundAccessTokens`.
    sender_constraint: SenderConstraint = SenderConstraint::Optional, am: SenderConstraint::Optional,
        with: with_sender_constraint;
    /// Requires client authentication with a private key (RFC 9700 section 2.5): `private_key_jwt` or a certificate.
    /// Public clients are refused too. Default false. AM has no such setting.
    require_asymmetric_authentication: bool = false, am: false, with: with_require_asymmetric_authentication;
    /// The clients that must use PKCE (RFC 9700 section 2.1.1). Default public clients. AM: `codeVerifierEnforced`,
    /// false.
    require_pkce: RequirePkce = RequirePkce::PublicClients, am: RequirePkce::Nobody, with: with_require_pkce;
    /// The reaction to a requested scope with tokens that the client is not registered for. Default refuse, as in AM.
    ///
    /// A request with `openid`, of a client that is registered for `openid`, always ignores them, since OpenID Connect
    /// Core section 3.1.2.1 says so, and client libraries ask for `openid profile email` by default. AM refuses these
    /// requests too.
    ///
    /// Ignored tokens are dropped before anything is decided, and the response tells the granted scope. A request of
    /// which nothing is left is `invalid_scope`. The setting applies to authorization, to flows of the host, to client
    /// credentials, to devices, to token exchange, and to a refresh, with which some clients repeat the scope of their
    /// first request. A refresh for a registered scope that was not granted is always `invalid_scope` (RFC 6749
    /// section 6).
    on_unknown_scope: OnUnknownScope = OnUnknownScope::Refuse, am: OnUnknownScope::Refuse, with: with_on_unknown_scope;
}

/// The abilities of the ports of a service, which limit its policies.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) has_jwt_issuer: bool,
    pub(crate) has_proof_verifier: bool,
    /// The longest lifetime of a JWT; `None` is no limit.
    pub(crate) max_token_lifetime: Option<Duration>,
}

impl Policy {
    /// Rejects values out of range and contradictions. Building a service does this too.
    ///
    /// # Errors
    /// [`PolicyError`] with the first wrong field: a value outside the range in the documentation of the field. Also
    /// where refresh tokens rotate and
    /// [`require_asymmetric_authentication`](Self::require_asymmetric_authentication) is set, for a
    /// [`grace_period`](Self::grace_period) or [`max_replays`](Self::max_replays) of 0 (FAPI 2.0 requires a retry).
    pub fn validate(&self) -> Result<(), PolicyError> {
        let second = Duration::from_secs(1);
        let grace_is_short = !matches!(self.grace_period, GracePeriod::Of(span) if span > GracePeriod::MAX);
        // FAPI 2.0 Security Profile section 5.3.2.1: where refresh tokens rotate, a client can retry with the old one.
        let needs_retry = self.require_asymmetric_authentication && self.issue_refresh_tokens_on_refresh;
        let has_grace = !needs_retry || self.grace_period != GracePeriod::Of(Duration::ZERO);
        let may_replay = !needs_retry || self.max_replays != Limit::AtMost(0);
        let jitter = self.access_token_lifetime_jitter;
        let jitter_leaves_a_second = jitter.saturating_add(second) <= self.access_token_lifetime;
        let ensure = |field, is_valid, range| if is_valid { Ok(()) } else { Err(PolicyError { field, range }) };
        let code_is_short = (second..=10 * MINUTE).contains(&self.authorization_code_lifetime);
        ensure("authorization_code_lifetime", code_is_short, "1s to 10m")?;
        // RFC 9126 section 2.2: `expires_in` is a number of seconds.
        let pushed = self.pushed_request_lifetime;
        let pushed_is_short = matches!(pushed.as_secs(), 5..=600) && pushed.subsec_nanos() == 0;
        ensure("pushed_request_lifetime", pushed_is_short, "5s to 10m, in whole seconds")?;
        ensure("access_token_lifetime", self.access_token_lifetime >= second, "at least 1s")?;
        ensure(
            "access_token_lifetime_jitter",
            jitter_leaves_a_second && jitter.subsec_nanos() == 0,
            "in whole seconds, and at least 1s shorter than access_token_lifetime",
        )?;
        ensure("refresh_token_lifetime", self.refresh_token_lifetime >= second.into(), "at least 1s, or never")?;
        ensure("grant_lifetime", self.grant_lifetime >= second.into(), "at least 1s, or never")?;
        ensure("grace_period", grace_is_short, "at most 2m as a time, or auto, or until_successor_use")?;
        ensure(
            "grace_period",
            has_grace,
            "more than 0s where clients authenticate with a key and refresh tokens rotate",
        )?;
        ensure(
            "max_replays",
            may_replay,
            "at least 1 where clients authenticate with a key and refresh tokens rotate",
        )?;
        ensure("catch_up_window", self.catch_up_window <= HOUR, "at most 1h")?;
        let device_code_is_short = (second..=HOUR).contains(&self.device_code_lifetime);
        // RFC 8628 section 3.2: `interval` is a number of seconds.
        let interval = self.device_poll_interval;
        let interval_is_short = (second..=MINUTE).contains(&interval) && interval.subsec_nanos() == 0;
        ensure("device_code_lifetime", device_code_is_short, "1s to 1h")?;
        ensure("device_poll_interval", interval_is_short, "1s to 1m, in whole seconds")?;
        let live_access_tokens = 1..=MAX_LIVE_ACCESS_TOKENS;
        ensure("max_live_access_tokens", live_access_tokens.contains(&self.max_live_access_tokens), "1 to 1000")?;
        ensure("id_token_lifetime", self.id_token_lifetime >= second, "at least 1s")
    }

    /// Returns the policy in force for a client, for the grants of one flow or without its overrides for single flows.
    /// For a client without overrides that is this policy, which was validated when the service was built.
    ///
    /// # Errors
    /// As for [`for_client`](Self::for_client).
    pub(crate) fn in_force(
        &self,
        client: &ClientPolicy,
        grant_type: Option<&GrantType>,
    ) -> Result<Cow<'_, Self>, PolicyError> {
        if client.is_empty() {
            return Ok(Cow::Borrowed(self));
        }
        let policy = match grant_type {
            Some(grant_type) => self.for_client(client, grant_type),
            None => self.for_client_alone(client),
        };
        policy.map(Cow::Owned)
    }

    /// Returns the policy for a client, without its overrides for single flows.
    pub(crate) fn for_client_alone(&self, client: &ClientPolicy) -> Result<Self, PolicyError> {
        let policy = self.overridden_by(client);
        policy.validate().map(|()| policy)
    }

    /// Returns true if a grant of the scope `granted` may have a refresh token.
    pub(crate) fn admits_refresh_tokens(&self, granted: &Scope) -> bool {
        !self.require_offline_access || granted.contains(OFFLINE_ACCESS)
    }

    /// Returns the lifetime of the access token with this serial. The serial is random, different for each token, and
    /// sealed in the token, so the lifetime needs no random number of its own and reveals no part of a secret.
    pub(crate) fn lifetime_of_access_token(&self, serial: u32) -> Duration {
        let jitter = self.access_token_lifetime_jitter.as_secs();
        if jitter == 0 {
            return self.access_token_lifetime;
        }
        // The serial as a fraction of 2^32 selects one of the times from 0 to `jitter`, each of them equally often.
        let shortened = ((u128::from(jitter) + 1) * u128::from(serial)) >> u32::BITS;
        self.access_token_lifetime.saturating_sub(Duration::from_secs(u64::try_from(shortened).unwrap_or(jitter)))
    }

    /// Rejects settings that the ports of the service cannot serve.
    pub(crate) fn require(&self, ports: Ports) -> Result<(), PolicyError> {
        let ensure = |field, is_valid, range| if is_valid { Ok(()) } else { Err(PolicyError { field, range }) };
        let is_jwt = self.access_token_format == AccessTokenFormat::Jwt;
        let range = "opaque for a service without a JwtIssuer";
        ensure("access_token_format", !is_jwt || ports.has_jwt_issuer, range)?;
        let range = "another one than dpop for a service without a ProofVerifier";
        ensure(
            "sender_constraint",
            self.sender_constraint != SenderConstraint::Dpop || ports.has_proof_verifier,
            range,
        )?;
        // A key that is no longer published makes its valid tokens worthless.
        let is_covered = |lifetime| ports.max_token_lifetime.is_none_or(|most| lifetime <= most);
        let range = "at most the max_token_lifetime of the JwtIssuer, where access tokens are JWTs";
        ensure("access_token_lifetime", !is_jwt || is_covered(self.access_token_lifetime), range)?;
        ensure(
            "id_token_lifetime",
            is_covered(self.id_token_lifetime),
            "at most the max_token_lifetime of the JwtIssuer",
        )
    }

    /// Returns the policy for the grants of one flow of one client.
    ///
    /// # Errors
    /// [`PolicyError`] when the overrides of the client contradict the provider's policy.
    ///
    /// ```
    /// use std::time::Duration;
    /// use regrant::{GrantType, Policy};
    /// use regrant::policy::ClientPolicy;
    ///
    /// let mut client = ClientPolicy::default().with_access_token_lifetime(Duration::from_secs(600));
    /// let minute = ClientPolicy::default().with_access_token_lifetime(Duration::from_secs(60));
    /// client.grant_types.insert(GrantType::ClientCredentials, minute);
    ///
    /// let policy = Policy::default().for_client(&client, &GrantType::ClientCredentials)?;
    /// assert_eq!(policy.access_token_lifetime, Duration::from_secs(60));
    /// # Ok::<(), regrant::policy::PolicyError>(())
    /// ```
    pub fn for_client(&self, client: &ClientPolicy, grant_type: &GrantType) -> Result<Self, PolicyError> {
        let policy = self.overridden_by(client);
        let policy = match client.grant_types.get(grant_type) {
            Some(for_flow) => policy.overridden_by(for_flow),
            None => policy,
        };
        policy.validate().map(|()| policy)
    }
}

impl SenderConstraint {
    /// Returns true if a request without a proof must show a certificate.
    pub(crate) const fn is_met_by_certificate(self) -> bool {
        matches!(self, Self::Certificate | Self::Either)
    }
}

impl ClientPolicy {
    /// Returns true if an override, also that of a single flow, binds tokens to the certificate of the client.
    pub(crate) fn binds_to_certificate(&self) -> bool {
        let overrides = std::iter::once(self).chain(self.grant_types.values());
        overrides.filter_map(|policy| policy.sender_constraint).any(SenderConstraint::is_met_by_certificate)
    }

    /// Rejects overrides that contradict `provider`, for every flow.
    ///
    /// # Errors
    /// [`PolicyError`] with the first wrong field, as for [`Policy::validate`]. Also for overrides that nest, and for
    /// overrides of the flow `refresh_token`, which creates no grants.
    pub fn validate(&self, provider: &Policy) -> Result<(), PolicyError> {
        if self.grant_types.values().any(|for_flow| !for_flow.grant_types.is_empty()) {
            return Err(PolicyError { field: "grant_types", range: "not nested" });
        }
        if self.grant_types.contains_key(&GrantType::RefreshToken) {
            return Err(PolicyError {
                field: "grant_types",
                range: "of flows that create grants, which refresh_token is not",
            });
        }
        provider.overridden_by(self).validate()?;
        self.grant_types.keys().try_for_each(|grant_type| provider.for_client(self, grant_type).map(drop))
    }
}
