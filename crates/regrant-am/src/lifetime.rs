use std::time::Duration;

use super::attributes::Attributes;
use super::error::{ImportError, Problem};
use super::finding::Meaning;
use regrant::policy::{GracePeriod, Lifetime};

/// AM's lifetimes are Java integers.
const MOST: u64 = 2_147_483_647;

/// AM's cap of the grace period.
const GRACE: u64 = 120;

/// The range that [`Policy::validate`](regrant::Policy::validate) allows. A value outside is replaced by the nearest
/// one inside.
pub(super) struct Range {
    pub(super) least: u64,
    pub(super) most: u64,
    /// The reason for the bounds.
    pub(super) why: &'static str,
}

impl Range {
    pub(super) const ANY: Self = Self { least: 1, most: MOST, why: "" };
    pub(super) const CODE: Self =
        Self { least: 1, most: 600, why: "codes live at most 10 minutes (RFC 6749 section 4.1.2)" };
}

/// The meaning of 0 seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Immediate expiry, which AM accepts from a provider.
    Immediate,
    /// The value of the provider applies to the client.
    Inherit,
}

impl Attributes {
    /// Takes a lifetime in seconds, at least 1.
    pub(super) fn span(
        &mut self,
        name: &'static str,
        zero: Zero,
        range: &Range,
    ) -> Result<Option<Duration>, ImportError> {
        let Some(seconds) = self.integer(name)? else { return Ok(None) };
        self.in_range(name, seconds, zero, range)
    }

    /// Takes a lifetime in seconds; -1 means without end.
    pub(super) fn lifetime(&mut self, name: &'static str, zero: Zero) -> Result<Option<Lifetime>, ImportError> {
        match self.integer(name)? {
            None => Ok(None),
            Some(-1) => Ok(Some(Lifetime::Never)),
            Some(seconds) => Ok(self.in_range(name, seconds, zero, &Range::ANY)?.map(Lifetime::Of)),
        }
    }

    fn in_range(
        &mut self,
        name: &'static str,
        seconds: i64,
        zero: Zero,
        range: &Range,
    ) -> Result<Option<Duration>, ImportError> {
        let seconds = match u64::try_from(seconds) {
            Ok(0) if zero == Zero::Inherit => return Ok(None),
            Ok(seconds @ 0..=MOST) => seconds,
            _ => return Err(self.fault(name, Problem::Expected("0 to 2147483647 seconds"))),
        };
        let nearest = seconds.clamp(range.least, range.most);
        if nearest != seconds {
            let why = if seconds == 0 { "nothing is issued that has expired already" } else { range.why };
            self.report(name, Meaning::Replaced { by: format!("{nearest} s"), why });
        }
        Ok(Some(Duration::from_secs(nearest)))
    }

    /// Takes `refreshTokenGracePeriod`.
    pub(super) fn grace(&mut self, zero: Zero, is_cap_lifted: bool) -> Result<Option<GracePeriod>, ImportError> {
        let name = "refreshTokenGracePeriod";
        let Some(seconds) = self.integer(name)? else { return Ok(None) };
        match (seconds, u64::try_from(seconds)) {
            (-1, _) => {
                if zero == Zero::Immediate {
                    let why = "-1 is for clients; a provider switches grace off with 0";
                    self.report(name, Meaning::Replaced { by: "0 s".to_owned(), why });
                }
                Ok(Some(Duration::ZERO.into()))
            }
            (0, _) if zero == Zero::Inherit => Ok(None),
            (_, Ok(seconds @ 0..=GRACE)) => Ok(Some(Duration::from_secs(seconds).into())),
            (_, Ok(0..=MOST)) if is_cap_lifted => {
                let how = "here a grace period of more than 120 s has no deadline: the first use of the new refresh token \
                           ends it, but for the catch_up_window of at most 120 s";
                self.report(name, Meaning::Differs(how));
                Ok(Some(GracePeriod::UntilSuccessorUse))
            }
            (_, Ok(0..=MOST)) => {
                let why = "the longest that AM grants, unless its server property \
                           org.forgerock.openam.oauth2.client.graceperiod.disabled lifts the cap";
                self.report(name, Meaning::Replaced { by: format!("{GRACE} s"), why });
                Ok(Some(Duration::from_secs(GRACE).into()))
            }
            _ => Err(self.fault(name, Problem::Expected("-1 to 2147483647 seconds"))),
        }
    }
}
