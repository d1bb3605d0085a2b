//! Large stores under load, a store over several stores, and a simulation of many nodes. `docs/scaling.md` has the
//! results.
//!
//! | module | content |
//! |---|---|
//! | [`sharded`] | a store that routes by grant id to several stores |
//! | [`population`] | grants with real records, made by the service |
//! | [`fill`] | bulk loading of a population into each store |
//! | [`load`] | requests at a fixed rate, and as many as possible |
//! | [`stores`] | a run on each store |
//! | [`trial`] | the phases of a run on one store, and its table |
//! | [`bloat`] | the size of a PostgreSQL table after many rotations |
//! | [`model`] | a discrete-event simulation of nodes and shards |
//! | [`charts`], [`plot`] | charts of the tables, as SVG |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a program for measurements: one that cannot go on stops"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "statistics of counts and durations far below 2^53"
)]
#![allow(clippy::print_stderr, reason = "progress of a long run")]

pub mod bloat;
pub mod charts;
pub mod cpu;
pub mod fill;
pub mod load;
pub mod model;
pub mod plot;
pub mod population;
pub mod sharded;
pub mod stores;
pub mod table;
pub mod trial;

/// Returns the time of the machine. Latencies of real servers are real time.
#[expect(clippy::disallowed_methods, reason = "a measurement")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}
