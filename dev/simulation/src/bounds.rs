//! The times that the documents promise, computed from the policies of a life without any code of the library.
//!
//! Nodes have clocks of their own, and a policy may change. So each time is an interval: before its start nothing has
//! ended, after its end everything has. In between either answer is right.

use std::time::Duration;

use regrant::Policy;
use regrant::policy::{GracePeriod, Lifetime, Limit, OnReuse, OnRollback, PreviousAccessToken};

/// The number of rotations that a record remembers (ARCHITECTURE.md, the grant record).
pub(crate) const REMEMBERED: usize = 8;

/// The time that a user has from the arrival of a pushed request on.
pub(crate) const TIME_TO_DECIDE: i64 = 30 * 60_000;

/// The bounds over all policies that a life has had.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    policies: Vec<Policy>,
    /// The largest difference between the clocks of two nodes, or between a node and the time of the simulation.
    pub(crate) margin: i64,
}

const NEVER: i64 = i64::MAX / 4;

impl Bounds {
    pub(crate) fn new(policy: Policy, margin: i64) -> Self {
        Self { policies: vec![policy], margin }
    }

    pub(crate) fn add(&mut self, policy: Policy) {
        self.policies.push(policy);
    }

    /// The window of a token one step behind a head that was never used.
    pub(crate) fn retry(&self, is_proven: bool) -> (i64, i64) {
        self.over(|policy| match policy.grace_period {
            GracePeriod::Of(span) => millis(span),
            GracePeriod::UntilSuccessorUse => NEVER,
            GracePeriod::Auto if is_proven => NEVER,
            GracePeriod::Auto => millis(policy.catch_up_window).max(60_000),
        })
    }

    /// The window of any other former token.
    pub(crate) fn walk(&self) -> (i64, i64) {
        self.over(|policy| match policy.grace_period {
            GracePeriod::Of(span) => millis(span.min(policy.catch_up_window)),
            GracePeriod::Auto | GracePeriod::UntilSuccessorUse => millis(policy.catch_up_window),
        })
    }

    pub(crate) fn refresh_lifetime(&self) -> (i64, i64) {
        self.over(|policy| lifetime(policy.refresh_token_lifetime))
    }

    pub(crate) fn grant_lifetime(&self) -> (i64, i64) {
        self.over(|policy| lifetime(policy.grant_lifetime))
    }

    pub(crate) fn access_lifetime(&self) -> (i64, i64) {
        self.over(|policy| millis(policy.access_token_lifetime))
    }

    pub(crate) fn code_lifetime(&self) -> (i64, i64) {
        self.over(|policy| millis(policy.authorization_code_lifetime))
    }

    /// The time in which the browser must bring the reference to a pushed request.
    pub(crate) fn pushed_lifetime(&self) -> (i64, i64) {
        self.over(|policy| millis(policy.pushed_request_lifetime))
    }

    pub(crate) fn live_access_tokens(&self) -> usize {
        usize::from(self.policies.iter().map(|policy| policy.max_live_access_tokens).min().unwrap_or(1))
    }

    /// The largest record that the policies allow, in bytes.
    pub(crate) fn record(&self) -> usize {
        let live = self.policies.iter().map(|policy| policy.max_live_access_tokens).max().unwrap_or(1);
        512 + REMEMBERED * 40 + usize::from(live) * 64
    }

    pub(crate) fn revokes_on_reuse(&self) -> bool {
        self.policies.iter().all(|policy| policy.on_reuse == OnReuse::Revoke)
    }

    pub(crate) fn heals(&self) -> bool {
        self.policies.iter().any(|policy| policy.on_rollback == OnRollback::Heal)
    }

    pub(crate) fn always_heals(&self) -> bool {
        self.policies.iter().all(|policy| policy.on_rollback == OnRollback::Heal)
    }

    pub(crate) fn always_rotates(&self) -> bool {
        self.policies.iter().all(|policy| policy.issue_refresh_tokens_on_refresh)
    }

    /// The number of replays after which a former token is spent, if every policy has one.
    pub(crate) fn max_replays(&self) -> Option<usize> {
        let limits = self.policies.iter().map(|policy| match policy.max_replays {
            Limit::AtMost(most) => usize::try_from(most).ok(),
            Limit::Unlimited => None,
        });
        limits.collect::<Option<Vec<usize>>>()?.into_iter().max()
    }

    pub(crate) fn limits_replays(&self) -> bool {
        self.policies.iter().any(|policy| policy.max_replays != Limit::Unlimited)
    }

    pub(crate) fn keeps_access_tokens(&self) -> bool {
        self.policies.iter().all(|policy| policy.previous_access_token == PreviousAccessToken::Keep)
    }

    fn over(&self, span: impl Fn(&Policy) -> i64) -> (i64, i64) {
        let spans = self.policies.iter().map(span);
        spans.fold((NEVER, 0), |(least, most), span| (least.min(span), most.max(span)))
    }
}

fn lifetime(lifetime: Lifetime) -> i64 {
    match lifetime {
        Lifetime::Of(span) => millis(span),
        Lifetime::Never => NEVER,
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(NEVER)
}
