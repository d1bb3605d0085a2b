//! The time in which a refresh token may be presented again after its rotation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::settings::MINUTE;
use super::{Lifetime, Policy, human};
use crate::vocabulary::InvalidValue;

/// The time in which a rotated refresh token may be presented again, provided its successor was never used. In a
/// configuration file `"auto"`, `"until_successor_use"`, or a time such as `"30s"`.
///
/// ```
/// use std::time::Duration;
/// use regrant::policy::GracePeriod;
///
/// assert_eq!("auto".parse(), Ok(GracePeriod::Auto));
/// assert_eq!("30s".parse(), Ok(GracePeriod::Of(Duration::from_secs(30))));
/// assert!("30".parse::<GracePeriod>().is_err()); // without a unit
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum GracePeriod {
    /// For clients that authenticate, and for requests with the key to which the grant is bound: until the successor is
    /// used. A deadline would not make them safer, and a phone that lost a response may notice it the next morning.
    ///
    /// For a public client with a bearer token: 60 s, or the [`catch_up_window`](Policy::catch_up_window) if that is
    /// longer.
    Auto,
    /// Exactly this time, at most 120 s. 0 means no grace. The time also limits the
    /// [`catch_up_window`](Policy::catch_up_window).
    Of(Duration),
    /// Until the successor is used, for public clients with bearer tokens too. A thief of the token then has as much
    /// time as its owner.
    UntilSuccessorUse,
}

impl GracePeriod {
    /// The maximum of AM, and the longest time that may be set.
    pub(super) const MAX: Duration = Duration::from_secs(120);

    /// The period for public clients with bearer tokens.
    const BEARER: Duration = MINUTE;
}

impl Policy {
    /// Returns the time after its rotation in which a refresh token is answered, provided its successor was never used.
    /// `is_proven` means that the client authenticated, or proved possession of the key to which the grant is bound.
    pub(crate) fn retry_window(&self, is_proven: bool) -> Lifetime {
        match self.grace_period {
            GracePeriod::Of(span) => span.into(),
            GracePeriod::UntilSuccessorUse => Lifetime::Never,
            GracePeriod::Auto if is_proven => Lifetime::Never,
            GracePeriod::Auto => GracePeriod::BEARER.max(self.catch_up_window).into(),
        }
    }

    /// Returns the time after its rotation in which a refresh token is answered, although its successor was used. A
    /// grace period with a time limits it: otherwise an older token would be answered where a younger one is refused.
    pub(crate) fn walk_window(&self) -> Duration {
        match self.grace_period {
            GracePeriod::Of(span) => span.min(self.catch_up_window),
            GracePeriod::Auto | GracePeriod::UntilSuccessorUse => self.catch_up_window,
        }
    }
}

impl From<Duration> for GracePeriod {
    fn from(span: Duration) -> Self {
        Self::Of(span)
    }
}

impl FromStr for GracePeriod {
    type Err = InvalidValue;

    /// Parses one of the two words, or a time with units. [`Policy::validate`] checks the range.
    ///
    /// # Errors
    /// [`InvalidValue`] for another word, and for a number without a unit.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "auto" => Ok(Self::Auto),
            "until_successor_use" => Ok(Self::UntilSuccessorUse),
            span => human::parse::<Self>(span).map(Self::Of),
        }
    }
}

impl human::Written for GracePeriod {
    const FORM: &'static str = "write it like \"30s\", or as \"auto\" or \"until_successor_use\"";
}

impl<'de> Deserialize<'de> for GracePeriod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        human::read(deserializer)
    }
}

impl From<GracePeriod> for String {
    fn from(grace: GracePeriod) -> Self {
        grace.to_string()
    }
}

impl fmt::Display for GracePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Of(span) => Lifetime::Of(*span).fmt(f),
            Self::UntilSuccessorUse => f.write_str("until_successor_use"),
        }
    }
}
