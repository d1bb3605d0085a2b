//! Every HTTP case of the kit, over real connections.

mod common;

use std::process::ExitCode;

use common::ActixWeb;
use regrant_conformance::http::Suite;

fn main() -> ExitCode {
    let http1 = Suite::new(ActixWeb { is_http2: false }).named("http1");
    let http2 = Suite::new(ActixWeb { is_http2: true }).named("http2");
    regrant_conformance::run(http1.into_iter().chain(http2))
}
