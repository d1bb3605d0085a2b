use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fields::policy_fields;
use super::{
    AccessTokenFormat, GracePeriod, Lifetime, Limit, OnReuse, OnRollback, PolicyError, PreviousAccessToken,
    RequirePkce, SenderConstraint, human,
};
use crate::vocabulary::GrantType;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most live access tokens that a grant may remember: all of them are read and written with every request.
const MAX_LIVE_ACCESS_TOKENS: u16 = 1000;

policy_fields! {
    /// How long an authorization code can be redeemed: 1 s to 10 minutes (RFC 6749 section 4.1.2).
    /// Default 120 s. AM: `codeLifetime`.
    #[serde(with = "human" / "human::optional")]
    authorization_code_lifetime: Duration = 2 * MINUTE, am: 2 * MINUTE, with: with_authorization_code_lifetime;
    /// How long an access token lives, at least 1 s, never past the end of its grant. Default 1 h. AM:
    /// `accessTokenLifetime`.
    #[serde(with = "human" / "human::optional")]
    access_token_lifetime: Duration = HOUR, am: HOUR, with: with_access_token_lifetime;
    /// How long a refresh token may lie unused, at least 1 s; each use starts the time anew. Default 7 d. AM:
    /// `refreshTokenLifetime` (-1 = never).
    refresh_token_lifetime: Lifetime = Lifetime::Of(DAY.saturating_mul(7)), am: Lifetime::Of(DAY.saturating_mul(7)),
        with: with_refresh_token_lifetime;
    /// Extension: a use without rotation starts the [`refresh_token_lifetime`](Policy::refresh_token_lifetime) anew, as
    /// a rotation does. A token in daily use never lies unused. Default true. In AM a token that does not rotate keeps
    /// its first end.
    extend_on_use: bool = true, am: false, with: with_extend_on_use;
    /// How long a grant lives however often it is refreshed, at least 1 s. A shorter value applies to living grants at
    /// their next refresh; a longer one does not lengthen them. Default never. AM has none.
    grant_lifetime: Lifetime = Lifetime::Never, am: Lifetime::Never, with: with_grant_lifetime;
    /// Whether new grants get a refresh token. Implicit and client credentials grants never do, nor does a client that may
    /// not use the `refresh_token` grant type. Default true. AM: `issueRefreshToken`.
    issue_refresh_tokens: bool = true, am: true, with: with_issue_refresh_tokens;
    /// Rotation: whether a refresh answers with a new refresh token and retires the old one (RFC 9700 section 4.14.2). When
    /// off, the refresh token stays valid and the answer has none: for clients that authenticate, or whose tokens are bound to a
    /// key; for others RFC 9700 section 2.2.2 wants rotation. Default true. AM: `issueRefreshTokenOnRefreshedToken`.
    issue_refresh_tokens_on_refresh: bool = true, am: true, with: with_issue_refresh_tokens_on_refresh;
    /// How long after its rotation a refresh token may be presented again while its successor was never used: the
    /// answer got lost. Counted from the rotation, never extended. Default [`GracePeriod::Auto`]. AM:
    /// `refreshTokenGracePeriod`, 0; a client's -1 is "0s" here.
    ///
    /// The grace period also carries a client over a store that fails between write and acknowledgement: with 0 such a
    /// fault can cost a session.
    grace_period: GracePeriod = GracePeriod::Auto, am: GracePeriod::Of(Duration::ZERO), with: with_grace_period;
    /// How long after its rotation a refresh token is answered though its successor was used: parallel tabs, several
    /// processes with one credential. At most 1 h, and never longer than a [`grace_period`](Policy::grace_period) that
    /// is a time; 0 is off. The answer is always the current refresh token. An older token, or one more than 8
    /// rotations behind, is reuse. Default 10 s. In AM every spent token is answered within the grace period.
    ///
    /// The price of a longer window: a thief who presents the stolen token within it is answered too, and is found out
    /// later.
    #[serde(with = "human" / "human::optional")]
    catch_up_window: Duration = Duration::from_secs(10), am: GracePeriod::MAX, with: with_catch_up_window;
    /// How often one retired refresh token may be presented again; once more is reuse. An answer that got lost counts
    /// too. A limit costs one write per replay. Default unlimited. AM has none.
    max_replays: Limit = Limit::Unlimited, am: Limit::Unlimited, with: with_max_replays;
    /// What the reuse of a spent refresh token does to its grant. Default revoke. AM refuses only.
    on_reuse: OnReuse = OnReuse::Revoke, am: OnReuse::Refuse, with: with_on_reuse;
    /// What a refresh does to the access tokens issued before. Default: they live until they expire. AM the same.
    previous_access_token: PreviousAccessToken = PreviousAccessToken::Keep, am: PreviousAccessToken::Keep,
        with: with_previous_access_token;
    /// What happens when a genuine refresh token is ahead of its record, which proves that the store lost acknowledged
    /// writes. Default heal.
    on_rollback: OnRollback = OnRollback::Heal, am: OnRollback::Heal, with: with_on_rollback;
    /// How many access tokens of one grant may be alive at once, 1 to 1000; the oldest gives way. The limit bounds the
    /// record. Default 16. AM has no limit; [`Policy::am_7_5`] has 1000.
    max_live_access_tokens: u16 = 16, am: MAX_LIVE_ACCESS_TOKENS, with: with_max_live_access_tokens;
    /// How long an id_token is valid, at least 1 s; read by what issues id_tokens. Default 1 h. AM: `jwtTokenLifetime`.
    #[serde(with = "human" / "human::optional")]
    id_token_lifetime: Duration = HOUR, am: HOUR, with: with_id_token_lifetime;
    /// Whether access tokens are opaque or JWTs (RFC 9068), which resource servers read without asking. Default opaque. AM:
    /// `statelessTokensEnabled`.
    access_token_format: AccessTokenFormat = AccessTokenFormat::Opaque, am: AccessTokenFormat::Opaque,
        with: with_access_token_format;
    /// How long a device code can be polled and its user code be entered, 1 s to 1 h (RFC 8628 section 3.2). Default 300 s.
    /// AM: `deviceCodeLifetime`.
    #[serde(with = "human" / "human::optional")]
    device_code_lifetime: Duration = 5 * MINUTE, am: 5 * MINUTE, with: with_device_code_lifetime;
    /// How long a device must wait between two polls, 1 s to 1 minute in whole seconds; each poll that comes too early adds 5 s (RFC 8628
    /// section 3.5). Default 5 s. AM: `devicePollInterval`.
    #[serde(with = "human" / "human::optional")]
    device_poll_interval: Duration = Duration::from_secs(5), am: Duration::from_secs(5), with: with_device_poll_interval;
    /// What access tokens must be bound to. Default: to a DPoP key if the client shows one. AM:
    /// `tlsCertificateBoundAccessTokensEnabled`, a client's `mTLSCertificateBoundAccessTokens`.
    sender_constraint: SenderConstraint = SenderConstraint::Optional, am: SenderConstraint::Optional,
        with: with_sender_constraint;
    /// Whether clients must authenticate with a private key (RFC 9700 section 2.5): `private_key_jwt` or a certificate; public
    /// clients are refused too. Default false. AM has none.
    require_asymmetric_authentication: bool = false, am: false, with: with_require_asymmetric_authentication;
    /// Who must send a PKCE challenge with an authorization request (RFC 9700 section 2.1.1). Default public clients. AM:
    /// `codeVerifierEnforced`, false.
    require_pkce: RequirePkce = RequirePkce::PublicClients, am: RequirePkce::Nobody, with: with_require_pkce;
}

impl Policy {
    /// The FAPI 2.0 Security Profile (Final, section 5.3.2): codes of at most 60 s, PKCE for everybody, access tokens bound
    /// to a key or a certificate and short-lived, clients that authenticate with a private key, and no rotation: refresh
    /// tokens that are of no use to a thief need none, and a lost response costs nothing. With rotation switched on a
    /// grace period of 0 is refused: FAPI 2.0 asks for a way to retry.
    ///
    /// What it asks of the authorization endpoint (pushed requests, `iss` in the response) is the host's.
    #[must_use]
    pub fn fapi2() -> Self {
        Self::default()
            .with_authorization_code_lifetime(MINUTE)
            .with_access_token_lifetime(10 * MINUTE)
            .with_issue_refresh_tokens_on_refresh(false)
            .with_sender_constraint(SenderConstraint::Either)
            .with_require_asymmetric_authentication(true)
            .with_require_pkce(RequirePkce::Everybody)
    }

    /// Refuses values out of range and contradictions.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let second = Duration::from_secs(1);
        let grace_is_short = !matches!(self.grace_period, GracePeriod::Of(span) if span > GracePeriod::MAX);
        // FAPI 2.0 Security Profile section 5.3.2.1: where refresh tokens rotate, a client can retry with the old one.
        let needs_grace = self.require_asymmetric_authentication && self.issue_refresh_tokens_on_refresh;
        let may_retry = !needs_grace || self.grace_period != GracePeriod::Of(Duration::ZERO);
        let ensure = |field, is_valid, range| if is_valid { Ok(()) } else { Err(PolicyError { field, range }) };
        let code_is_short = (second..=10 * MINUTE).contains(&self.authorization_code_lifetime);
        ensure("authorization_code_lifetime", code_is_short, "1s to 10m")?;
        ensure("access_token_lifetime", self.access_token_lifetime >= second, "at least 1s")?;
        ensure("refresh_token_lifetime", self.refresh_token_lifetime >= second.into(), "at least 1s, or never")?;
        ensure("grant_lifetime", self.grant_lifetime >= second.into(), "at least 1s, or never")?;
        ensure("grace_period", grace_is_short, "at most 2m as a time, or auto, or until_successor_use")?;
        ensure(
            "grace_period",
            may_retry,
            "more than 0s where clients authenticate with a key and refresh tokens rotate",
        )?;
        ensure("catch_up_window", self.catch_up_window <= HOUR, "at most 1h")?;
        let device_code_is_short = (second..=HOUR).contains(&self.device_code_lifetime);
        // Devices are told it in whole seconds.
        let interval = self.device_poll_interval;
        let interval_is_short = (second..=MINUTE).contains(&interval) && interval.subsec_nanos() == 0;
        ensure("device_code_lifetime", device_code_is_short, "1s to 1h")?;
        ensure("device_poll_interval", interval_is_short, "1s to 1m, in whole seconds")?;
        let live_access_tokens = 1..=MAX_LIVE_ACCESS_TOKENS;
        ensure("max_live_access_tokens", live_access_tokens.contains(&self.max_live_access_tokens), "1 to 1000")?;
        ensure("id_token_lifetime", self.id_token_lifetime >= second, "at least 1s")
    }

    /// The policy for a client, whatever the flow.
    pub(crate) fn for_client_alone(&self, client: &ClientPolicy) -> Result<Self, PolicyError> {
        let policy = self.overridden_by(client);
        policy.validate().map(|()| policy)
    }

    /// Refuses what a service without the ports that it takes cannot keep.
    pub(crate) const fn require_ports(
        &self,
        has_jwt_issuer: bool,
        has_proof_verifier: bool,
    ) -> Result<(), PolicyError> {
        if matches!(self.access_token_format, AccessTokenFormat::Jwt) && !has_jwt_issuer {
            return Err(PolicyError {
                field: "access_token_format",
                range: "opaque for a service without a JwtIssuer",
            });
        }
        if matches!(self.sender_constraint, SenderConstraint::Dpop) && !has_proof_verifier {
            let range = "another one than dpop for a service without a ProofVerifier";
            return Err(PolicyError { field: "sender_constraint", range });
        }
        Ok(())
    }

    /// The policy for grants of one flow of one client.
    ///
    /// # Errors
    /// When the client's overrides contradict the provider's word.
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

impl ClientPolicy {
    /// Refuses overrides that contradict `provider`, for every flow.
    ///
    /// # Errors
    /// Names the first field that is wrong.
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
