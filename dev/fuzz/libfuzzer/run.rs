//! Runs the target that has the name of this binary.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| fuzz::target(env!("CARGO_BIN_NAME")).unwrap().run);

fuzz_target!(|input: &[u8]| RUN(input));
