//! The kit applied to what is right, and to what is wrong in one way each.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod guides;
mod http_mutants;
mod http_suite;
mod proxy;
mod store_mutants;
mod stores;
mod table;

use std::process::ExitCode;

use regrant_conformance::{Trial, http};

fn main() -> ExitCode {
    // Mutants panic by the hundred. `PANICS=1` shows where.
    if std::env::var_os("PANICS").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let direct = http::Suite::new(http::Direct).named("direct");
    let trials = direct.into_iter().chain(stores::trials()).chain(guides::trials()).chain(table::trials());
    let trials = trials.chain(store_mutants::trials()).chain(http_mutants::trials()).chain(http_suite::trials());
    regrant_conformance::run(trials.chain(proxy::trials()))
}

/// Returns a test of its own.
fn test(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        test();
        Ok(())
    })
}
