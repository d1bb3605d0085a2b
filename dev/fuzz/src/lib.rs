//! Fuzz targets. Each is one function of bytes that checks its properties, without a fuzzing library. `libfuzzer/`
//! runs them under libFuzzer; the binary of this package runs them on stable Rust.
//!
//! | property | checked by |
//! |---|---|
//! | no panic | every target |
//! | no 5xx unless a fault was injected; every answer well-formed; a refused request wrote nothing | the endpoints |
//! | a text that no server sealed costs no call of the store | `token`, the endpoints |
//! | a decoded value is written back to the same value | every decoder |
//! | peak of memory in proportion to the input | [`product`], in every target |
//! | at most 10 ms of CPU time in the product | [`product`], only in the long form of the driver |

#![allow(missing_docs, missing_debug_implementations, reason = "for the tests of this workspace")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a property that does not hold panics"
)]

pub mod corpus;
mod cost;
mod input;
pub mod mutator;
mod targets;

pub use cost::{Cost, product, take_cost};
pub use input::Input;

/// A function of bytes that panics when a property does not hold.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// The maximum length of an input in bytes.
    pub max_len: usize,
}

/// All targets.
pub const TARGETS: [Target; 17] = [
    Target { name: "form", run: targets::form::run, max_len: 8192 },
    Target { name: "basic", run: targets::basic::run, max_len: 4096 },
    Target { name: "token", run: targets::token::run, max_len: 512 },
    Target { name: "vocabulary", run: targets::vocabulary::run, max_len: 4096 },
    Target { name: "record", run: targets::record::run, max_len: 4096 },
    Target { name: "jws", run: targets::jws::run, max_len: 4096 },
    Target { name: "dpop", run: targets::dpop::run, max_len: 4096 },
    Target { name: "assertion", run: targets::assertion::run, max_len: 4096 },
    Target { name: "authorization_details", run: targets::authorization_details::run, max_len: 8192 },
    Target { name: "authorization_request", run: targets::authorization_request::run, max_len: 4096 },
    // Longer than the longest registration.
    Target { name: "registration", run: targets::registration::run, max_len: 20_000 },
    Target { name: "jwk_set", run: targets::jwk_set::run, max_len: 8192 },
    Target { name: "certificate", run: targets::certificate::run, max_len: 8192 },
    // A name comes from the configuration, and comparing the parts of one takes quadratic time.
    Target { name: "distinguished_name", run: targets::distinguished_name::run, max_len: 2048 },
    Target { name: "am_import", run: targets::am_import::run, max_len: 32768 },
    Target { name: "endpoints", run: targets::endpoints::run_plain, max_len: 4096 },
    Target { name: "endpoints_jose", run: targets::endpoints::run_jose, max_len: 4096 },
];

/// Returns the target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
