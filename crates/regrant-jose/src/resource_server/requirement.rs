use std::time::Duration;

use regrant::Scope;
use regrant::clock::Timestamp;

use super::challenge::Challenge;
use super::{DenialReason, VerifiedToken};

/// The demands of a route on an access token: its scope, and the authentication of the user behind it (step-up,
/// RFC 9470).
///
/// The answer to another token names the demands, so that the client can ask the authorization server for a token that
/// meets them. The server must put `acr` and `auth_time` into its tokens (RFC 9068 section 2.2.1, RFC 9470 section
/// 6.2); regrant does if the approval has them. A token without them meets no demand on the authentication.
///
/// ```
/// use std::time::Duration;
///
/// use regrant_jose::ResourceServer;
/// use regrant_jose::resource_server::{Denial, Requirement, VerifiedToken};
///
/// # fn example(server: &ResourceServer, token: &VerifiedToken) -> Result<(), Box<dyn std::error::Error>> {
/// let transfer = Requirement::default()
///     .with_scope("payments".parse()?)
///     .with_acr_values(["urn:example:two-factors"])
///     .with_max_age(Duration::from_secs(600));
/// server.require(token, &transfer)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    scope: Scope,
    acr_values: Vec<String>,
    max_age: Option<Duration>,
}

impl Requirement {
    /// Sets the scope that the token must include.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the authentication context classes of which the token must have one (`acr`), the preferred one first.
    /// Default: any. A value has no spaces, because the challenge separates the values by them.
    #[must_use]
    pub fn with_acr_values<A: Into<String>>(mut self, acr_values: impl IntoIterator<Item = A>) -> Self {
        self.acr_values = acr_values.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the time since the user signed in (`auth_time`), in whole seconds. Default: any. The client needs some
    /// seconds for the new token and its request: with less than a minute it may never succeed.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Authentication comes first. Its challenge names the scope too, so that the client asks for both at once.
    pub(super) fn check(&self, token: &VerifiedToken, now: Timestamp) -> Result<(), DenialReason> {
        let has_class =
            self.acr_values.is_empty() || token.acr().is_some_and(|acr| self.acr_values.iter().any(|one| one == acr));
        let is_recent = self.max_age.is_none_or(|max_age| token.auth_time().is_some_and(|then| now < then + max_age));
        if !has_class || !is_recent {
            Err(DenialReason::InsufficientAuthentication)
        } else if !self.scope.is_subset_of(token.scope()) {
            Err(DenialReason::InsufficientScope)
        } else {
            Ok(())
        }
    }

    /// Adds the demands that a new token must meet (RFC 6750 section 3, RFC 9470 section 3).
    pub(super) fn describe(&self, reason: &DenialReason, mut challenge: Challenge) -> Challenge {
        if matches!(reason, DenialReason::InsufficientAuthentication) {
            if !self.acr_values.is_empty() {
                challenge = challenge.with_parameter("acr_values", &self.acr_values.join(" "));
            }
            if let Some(max_age) = self.max_age {
                challenge = challenge.with_parameter("max_age", &max_age.as_secs().to_string());
            }
        }
        if self.scope.is_empty() { challenge } else { challenge.with_parameter("scope", self.scope.as_str()) }
    }
}

impl From<Scope> for Requirement {
    fn from(scope: Scope) -> Self {
        Self::default().with_scope(scope)
    }
}
