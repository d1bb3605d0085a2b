use std::sync::Arc;

use regrant::store::{GrantIndex, PurgeExpired, SingleUse};

use super::cases::{
    Case, grant_index, grant_index_outage, lifecycle, lost_reply, outage, purge_expired, second_handle, single_use,
    single_use_lost_reply, single_use_outage, single_use_purge, token_store,
};
use super::harness::StoreHarness;
use crate::run::{Plan, Trial};

/// The cases for one store, in groups; see the table in the [crate documentation](crate).
///
/// [`Suite::new`] has the groups that need a [`TokenStore`](regrant::store::TokenStore) alone. A group that asks for
/// another trait is added by the method of its name, or left out with a reason; a suite that does neither fails.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use regrant::MemoryStore;
/// use regrant_conformance::store::{Fixture, StoreHarness, Suite};
///
/// struct Memory;
///
/// #[async_trait::async_trait]
/// impl StoreHarness for Memory {
///     type Store = MemoryStore;
///
///     async fn fresh(&self) -> Fixture<MemoryStore> {
///         let store = MemoryStore::new();
///         Fixture::new(store.clone()).with_second_handle(store)
///     }
/// }
///
/// fn main() -> ExitCode {
///     let suite = Suite::new(Memory)
///         .grant_index()
///         .purge_expired()
///         .single_use()
///         .single_use_purge()
///         .without("outage", "no link lies between a store in memory and its data")
///         .without("silence", "no link lies between a store in memory and its data")
///         .without("lost_reply", "no link lies between a store in memory and its data");
///     regrant_conformance::run(suite)
/// }
/// ```
#[derive(Debug)]
pub struct Suite<H> {
    harness: Arc<H>,
    plan: Plan,
    groups: Vec<(&'static str, Vec<Case<H>>)>,
}

/// The groups that may be left out, each with those that it combines.
const OPTIONAL: [(&str, &[&str]); 13] = [
    ("second_handle", &[]),
    ("grant_index", &[]),
    ("purge_expired", &[]),
    ("single_use", &[]),
    ("single_use_purge", &["single_use", "purge_expired"]),
    ("outage", &[]),
    ("grant_index_outage", &["grant_index", "outage"]),
    ("single_use_outage", &["single_use", "outage"]),
    ("silence", &[]),
    ("grant_index_silence", &["grant_index", "silence"]),
    ("single_use_silence", &["single_use", "silence"]),
    ("lost_reply", &[]),
    ("single_use_lost_reply", &["single_use", "lost_reply"]),
];

impl<H: StoreHarness + 'static> Suite<H> {
    /// Creates a suite of the groups `token_store`, `lifecycle`, `second_handle`, `outage`, `silence` and `lost_reply`.
    #[must_use]
    pub fn new(harness: H) -> Self {
        Self {
            harness: Arc::new(harness),
            plan: Plan::default(),
            groups: vec![
                ("token_store", token_store::cases()),
                ("lifecycle", lifecycle::cases()),
                ("second_handle", second_handle::cases()),
                ("outage", outage::cases()),
                ("silence", outage::cases_of_silence()),
                ("lost_reply", lost_reply::cases()),
            ],
        }
    }

    /// Adds the groups `grant_index`, `grant_index_outage` and `grant_index_silence`.
    #[must_use]
    pub fn grant_index(self) -> Self
    where
        H::Store: GrantIndex,
    {
        self.with("grant_index", grant_index::cases())
            .with("grant_index_outage", grant_index_outage::cases())
            .with("grant_index_silence", grant_index_outage::cases_of_silence())
    }

    /// Adds the group `purge_expired`.
    #[must_use]
    pub fn purge_expired(self) -> Self
    where
        H::Store: PurgeExpired + GrantIndex,
    {
        self.with("purge_expired", purge_expired::cases())
    }

    /// Adds the groups `single_use`, `single_use_outage`, `single_use_silence` and `single_use_lost_reply`.
    #[must_use]
    pub fn single_use(self) -> Self
    where
        H::Store: SingleUse,
    {
        self.with("single_use", single_use::cases())
            .with("single_use_outage", single_use_outage::cases())
            .with("single_use_silence", single_use_outage::cases_of_silence())
            .with("single_use_lost_reply", single_use_lost_reply::cases())
    }

    /// Adds the group `single_use_purge`.
    #[must_use]
    pub fn single_use_purge(self) -> Self
    where
        H::Store: SingleUse + PurgeExpired,
    {
        self.with("single_use_purge", single_use_purge::cases())
    }

    fn with(mut self, group: &'static str, cases: Vec<Case<H>>) -> Self {
        self.groups.push((group, cases));
        self
    }

    /// Leaves a group out, and each that combines it with another. It is shown as ignored, with the reason.
    ///
    /// # Panics
    /// When there is no such group, or when no store is excused from it: `token_store`, `lifecycle`.
    #[must_use]
    pub fn without(mut self, group: &str, reason: &str) -> Self {
        assert!(OPTIONAL.iter().any(|(own, _)| *own == group), "there is no group {group} that may be left out");
        self.plan.leave_out(group, reason);
        self
    }

    /// Puts `name::` before the name of each test, where several suites run in one binary.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.plan.set_name(name);
        self
    }

    /// Judges the store by one case, named `group::case`.
    ///
    /// # Panics
    /// When the store breaks its contract, or when the suite has no such case.
    pub fn judge(&self, case: &str) {
        let cases = self.groups.iter().flat_map(|(group, cases)| cases.iter().map(move |own| (group, own)));
        let mut named = cases.filter(|(group, own)| case == format!("{group}::{}", own.name));
        let (_, case) = named.next().unwrap_or_else(|| panic!("there is no case {case}"));
        (case.judge)(&self.harness);
    }

    fn has(&self, group: &str) -> bool {
        self.groups.iter().any(|(own, _)| *own == group)
    }

    fn reason(&self, group: &str) -> Option<&str> {
        let combined = OPTIONAL.iter().find(|(own, _)| *own == group).map_or(&[][..], |(_, combined)| *combined);
        self.plan.reason(group).or_else(|| combined.iter().find_map(|part| self.plan.reason(part)))
    }
}

impl<H: StoreHarness + 'static> IntoIterator for Suite<H> {
    type Item = Trial;
    type IntoIter = std::vec::IntoIter<Trial>;

    /// Returns one test for each case.
    fn into_iter(mut self) -> Self::IntoIter {
        let mut trials = Vec::new();
        for (group, combined) in OPTIONAL {
            match self.reason(group) {
                Some(reason) => trials.push(self.plan.ignored(group, reason)),
                None if self.has(group) || !combined.iter().all(|part| self.has(part)) => {}
                None => trials.push(self.plan.undecided(group)),
            }
        }
        for (group, cases) in std::mem::take(&mut self.groups) {
            if self.reason(group).is_some() {
                continue;
            }
            for case in cases {
                let harness = Arc::clone(&self.harness);
                trials.push(self.plan.trial(group, case.name, move || (case.judge)(&harness)));
            }
        }
        trials.into_iter()
    }
}
