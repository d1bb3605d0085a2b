//! Policies for a kind of application, from documents that say which settings fit. Those of `default` and `am_7_5` are
//! in the list of fields.

use super::settings::{HOUR, MINUTE};
use super::{Policy, RequirePkce, SenderConstraint};

impl Policy {
    /// The policy for applications that run in a browser and hold their tokens there (RFC 10017 section 6.3):
    ///
    /// | setting | value | reason |
    /// |---|---|---|
    /// | `access_token_lifetime` | 10 min | the use of a stolen access token ends soon (section 5.1.1) |
    /// | `refresh_token_lifetime` | 1 h without use | a closed page is signed out within the hour (section 6.3.2.3) |
    /// | `grant_lifetime` | 12 h | the absolute end, which no rotation moves (section 6.3.2.3). A working day |
    /// | `authorization_code_lifetime` | 60 s | a page redeems its code at once |
    /// | `require_pkce` | everybody | section 6.3.2.1 |
    /// | `issue_refresh_tokens_on_refresh` | true, the default | refresh tokens rotate (section 6.3.2.3) |
    /// | `sender_constraint` | optional, the default | a page that shows a DPoP key gets tokens bound to it |
    ///
    /// Both times of a session are within those of NIST SP 800-63B-4 section 2.2.3: 1 h of inactivity, 24 h overall.
    ///
    /// No policy stops a script of an attacker that runs in the page. Rotation does not reveal it: the script takes the
    /// newest refresh token and keeps the page from using it (section 5.1.2). So the absolute end counts, and the host
    /// revokes at log-out: [`revoke_grant`](crate::TokenService::revoke_grant) or
    /// [`revoke_subject`](crate::TokenService::revoke_subject).
    ///
    /// A provider that also serves other clients gives this policy to the browser applications alone:
    ///
    /// ```
    /// use std::time::Duration;
    /// use regrant::{Client, ClientId, Policy};
    ///
    /// let shift = Duration::from_secs(8 * 3600);
    /// let policy = Policy::browser().with_grant_lifetime(shift.into());
    /// let spa = Client::public(ClientId::new("spa")?).with_policy(policy.into());
    /// # Ok::<(), regrant::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn browser() -> Self {
        Self::default()
            .with_authorization_code_lifetime(MINUTE)
            .with_access_token_lifetime(10 * MINUTE)
            .with_refresh_token_lifetime(HOUR.into())
            .with_grant_lifetime((12 * HOUR).into())
            .with_require_pkce(RequirePkce::Everybody)
    }

    /// The FAPI 2.0 Security Profile (Final, section 5.3.2):
    ///
    /// * authorization requests that are pushed,
    /// * authorization codes of at most 60 s, and PKCE for all clients,
    /// * short-lived access tokens, bound to a key or a certificate,
    /// * client authentication with a private key,
    /// * no rotation. Bound refresh tokens are useless to a thief, and without rotation a lost response costs nothing.
    ///
    /// With rotation a grace period of 0, and a limit of no replays, are rejected: section 5.3.2.1 requires a way to
    /// retry.
    ///
    /// The host meets the rest. `docs/policy.md` lists each clause with its part and that of the library: `iss` in
    /// the authorization response, no password flow, and the issuer as the only audience of client assertions.
    #[must_use]
    pub fn fapi2() -> Self {
        Self::default()
            .with_authorization_code_lifetime(MINUTE)
            .with_access_token_lifetime(10 * MINUTE)
            .with_issue_refresh_tokens_on_refresh(false)
            .with_sender_constraint(SenderConstraint::Either)
            .with_require_asymmetric_authentication(true)
            .with_require_pushed_authorization_requests(true)
            .with_require_pkce(RequirePkce::Everybody)
    }
}
