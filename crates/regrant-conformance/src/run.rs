use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

pub use libtest_mimic::Trial;
use libtest_mimic::{Arguments, Completion, Failed};

/// Runs the tests of one or more suites, as the arguments of `cargo test` ask for.
///
/// A name filter, `--exact`, `--skip`, `--list` and `--test-threads` work as in any test binary. The target needs
/// `harness = false` in `Cargo.toml`.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use regrant_conformance::http::{self, Direct};
///
/// fn main() -> ExitCode {
///     regrant_conformance::run(http::Suite::new(Direct))
/// }
/// ```
#[must_use]
pub fn run(trials: impl IntoIterator<Item = Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().collect()).exit_code()
}

/// Names of tests, and the groups without any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    prefix: String,
    left_out: BTreeMap<String, String>,
}

impl Plan {
    pub(crate) fn set_name(&mut self, name: &str) {
        self.prefix = format!("{name}::");
    }

    pub(crate) fn leave_out(&mut self, group: &str, reason: &str) {
        self.left_out.insert(group.to_owned(), reason.to_owned());
    }

    /// Returns the reason why a group is left out.
    pub(crate) fn reason(&self, group: &str) -> Option<&str> {
        self.left_out.get(group).map(String::as_str)
    }

    pub(crate) fn trial(&self, group: &str, case: &str, judge: impl FnOnce() + Send + 'static) -> Trial {
        Trial::test(format!("{}{group}::{case}", self.prefix), || {
            judge();
            Ok(())
        })
    }

    /// Returns a test that may turn out to be ignored.
    pub(crate) fn ignorable(
        &self,
        group: &str,
        case: &str,
        judge: impl FnOnce() -> Result<Completion, Failed> + Send + 'static,
    ) -> Trial {
        Trial::ignorable_test(format!("{}{group}::{case}", self.prefix), judge)
    }

    /// Returns a test that is shown as ignored, for all cases of a group.
    pub(crate) fn ignored(&self, group: &str, reason: &str) -> Trial {
        let reason = reason.to_owned();
        Trial::ignorable_test(format!("{}{group}", self.prefix), || Ok(Completion::ignored_with(reason)))
    }

    /// Returns a test that fails, for a group that is neither judged nor left out.
    pub(crate) fn undecided(&self, group: &'static str) -> Trial {
        let message = format!("call `.{group}()`, or `.without(\"{group}\", reason)`");
        Trial::test(format!("{}{group}", self.prefix), || Err(message.into()))
    }
}

/// The limit for a case that hangs; a busy machine stays far below it.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Runs one case on threads of its own.
#[expect(clippy::expect_used, reason = "a case that cannot run has failed")]
pub(crate) fn block_on<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the system has threads for a test")
        .block_on(async { tokio::time::timeout(TIME_LIMIT, case).await })
        .expect("the case ends in time")
}
