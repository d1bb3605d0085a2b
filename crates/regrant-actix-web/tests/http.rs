//! Every HTTP case of the kit, over real connections.

mod common;

use std::process::ExitCode;

use common::ActixWeb;
use regrant_conformance::http::Suite;

fn main() -> ExitCode {
    regrant_conformance::run(Suite::new(ActixWeb))
}
