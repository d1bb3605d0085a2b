//! How long a refresh token may be presented again after its rotation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::settings::MINUTE;
use super::{Lifetime, Policy, human};
use crate::vocabulary::InvalidValue;

/// How long a refresh token may be presented again while nobody has used its successor: in a configuration file
/// `"auto"`, `"until_successor_use"`, or a time such as `"30s"`.
///
/// ```
/// use std::time::Duration;
/// use regrant::policy::GracePeriod;
///
/// assert_eq!("auto".parse(), Ok(GracePeriod::Auto));
/// assert_eq!("30s".parse(), Ok(GracePeriod::Of(Duration::from_secs(30))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GracePeriod {
    /// Until the successor is used, for clients that authenticate and for requests that show the key to which the grant
    /// is bound: a deadline protects nobody there, and a phone that lost a response notices it the next morning. For a
    /// public client with a bearer token 60 s, or the [`catch_up_window`](Policy::catch_up_window) if that is longer.
    Auto,
    /// Exactly this long, at most 120 s; 0 is off. No spent token is answered for longer, whatever the
    /// [`catch_up_window`](Policy::catch_up_window).
    Of(Duration),
    /// Until the successor is used, however late, also for public clients with bearer tokens: a thief may then present
    /// the token as late as its owner may.
    UntilSuccessorUse,
}

impl GracePeriod {
    /// The grace period that AM caps at, and the longest that may be set as a time.
    pub(super) const MAX: Duration = Duration::from_secs(120);

    /// For public clients with bearer tokens.
    const BEARER: Duration = MINUTE;
}

impl Policy {
    /// How long after its rotation a refresh token is answered whose successor was never used. `is_proven`: the client
    /// authenticated, or showed the key to which the grant is bound.
    pub(crate) fn retry_window(&self, is_proven: bool) -> Lifetime {
        match self.grace_period {
            GracePeriod::Of(span) => span.into(),
            GracePeriod::UntilSuccessorUse => Lifetime::Never,
            GracePeriod::Auto if is_proven => Lifetime::Never,
            GracePeriod::Auto => GracePeriod::BEARER.max(self.catch_up_window).into(),
        }
    }

    /// How long after its rotation a refresh token is answered whose successor was used. Never longer than a grace
    /// period that is a time: an older token is not answered where a younger one is refused.
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

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "auto" => Ok(Self::Auto),
            "until_successor_use" => Ok(Self::UntilSuccessorUse),
            span => human::parse(span).map(Self::Of),
        }
    }
}

impl TryFrom<String> for GracePeriod {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
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
