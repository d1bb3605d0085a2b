use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libtest_mimic::{Completion, Failed};

use super::case::Case;
use super::cases::cases;
use super::harness::HttpHarness;
use super::judge::{Verdict, judge};
use crate::run::{Plan, Trial, block_on};

/// The cases for one HTTP adapter, in the groups of [`cases()`].
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use regrant_conformance::http::{Direct, Suite};
///
/// fn main() -> ExitCode {
///     regrant_conformance::run(Suite::new(Direct))
/// }
/// ```
#[derive(Debug)]
pub struct Suite<H> {
    harness: Arc<H>,
    plan: Plan,
    exceptions: BTreeMap<String, String>,
}

impl<H: HttpHarness + 'static> Suite<H> {
    /// Creates a suite of all cases.
    #[must_use]
    pub fn new(harness: H) -> Self {
        Self { harness: Arc::new(harness), plan: Plan::default(), exceptions: BTreeMap::new() }
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

    /// Excepts one case, by the name that the run shows without that of the suite: a known limit of the framework. It
    /// is shown as ignored, with the reason, as long as it fails. An excepted case that passes fails the run, so that
    /// no exception outlives its reason.
    ///
    /// ```no_run
    /// use regrant_conformance::http::{Direct, Suite};
    ///
    /// let suite = Suite::new(Direct)
    ///     .except("method::purge_is_refused_with_allow_at_token", "the framework answers unknown methods itself");
    /// ```
    ///
    /// # Panics
    /// When there is no such case.
    #[must_use]
    pub fn except(mut self, case: &str, reason: &str) -> Self {
        let is_known = case.split_once("::").is_some_and(|(group, name)| {
            cases().iter().any(|own| own.name == group && own.cases.iter().any(|case| case.name() == name))
        });
        assert!(is_known, "there is no case {case}");
        self.exceptions.insert(case.to_owned(), reason.to_owned());
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
                let exception = self.exceptions.get(&format!("{}::{}", group.name, case.name())).cloned();
                let judged = move || run(&*harness, case, exception);
                trials.push(self.plan.ignorable(group.name, case.name(), judged));
            }
        }
        trials.into_iter()
    }
}

fn run(harness: &dyn HttpHarness, case: &'static Case, exception: Option<String>) -> Result<Completion, Failed> {
    // A server that cannot be started, or whose bytes are no HTTP, has failed too.
    let verdict = catch_unwind(AssertUnwindSafe(|| block_on(judge(harness, case))));
    let verdict = verdict.unwrap_or_else(|panic| Verdict::Failed(message(&*panic)));
    match (verdict, exception) {
        (Verdict::NotSent(reason), _) => Ok(Completion::ignored_with(reason)),
        (Verdict::Failed(_), Some(reason)) => Ok(Completion::ignored_with(format!("exception: {reason}"))),
        (Verdict::Passed, Some(_)) => Err("the case passes: remove its exception".into()),
        (Verdict::Passed, None) => Ok(Completion::Completed),
        (Verdict::Failed(report), None) => Err(report.into()),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the case panicked: {}", text.unwrap_or("without a message"))
}
