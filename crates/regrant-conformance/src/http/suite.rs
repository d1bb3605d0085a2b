use std::sync::Arc;

use super::cases::cases;
use super::harness::HttpHarness;
use super::judge::judge;
use crate::run::{Plan, Trial, block_on};

/// The cases for one HTTP adapter, in the groups of [`cases()`].
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use regrant_conformance::http::{Direct, Suite};
///
/// fn main() -> ExitCode {
///     regrant_conformance::run(Suite::new(Direct).without("not_http", "no HTTP server is involved"))
/// }
/// ```
#[derive(Debug)]
pub struct Suite<H> {
    harness: Arc<H>,
    plan: Plan,
}

impl<H: HttpHarness + 'static> Suite<H> {
    /// Creates a suite of all cases.
    #[must_use]
    pub fn new(harness: H) -> Self {
        Self { harness: Arc::new(harness), plan: Plan::default() }
    }

    /// Leaves a group out. It is shown as ignored, with the reason.
    ///
    /// # Panics
    /// When there is no such group.
    #[must_use]
    pub fn without(mut self, group: &str, reason: &str) -> Self {
        assert!(cases().iter().any(|own| own.name == group), "there is no group {group}");
        self.plan.leave_out(group, reason);
        self
    }

    /// Puts `name::` before the name of each test, where several suites run in one binary.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.plan.set_name(name);
        self
    }
}

impl<H: HttpHarness + 'static> IntoIterator for Suite<H> {
    type Item = Trial;
    type IntoIter = std::vec::IntoIter<Trial>;

    /// Returns one test for each case.
    fn into_iter(self) -> Self::IntoIter {
        let mut trials = Vec::new();
        for group in cases() {
            if let Some(reason) = self.plan.reason(group.name) {
                trials.push(self.plan.ignored(group.name, reason));
                continue;
            }
            for case in &group.cases {
                let harness = Arc::clone(&self.harness);
                trials.push(self.plan.trial(group.name, case.name(), move || block_on(judge(&*harness, case))));
            }
        }
        trials.into_iter()
    }
}
