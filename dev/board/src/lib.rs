//! Pictures of the panels of `docs/operations/dashboard.json`, over three simulated days.
//!
//! A real service runs in simulated time: [`days`]. Prometheus evaluates the expressions of the board over what
//! [`MetricsSink`](regrant::event::MetricsSink) counted: [`prometheus`]. [`pictures`] draws the results.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a program for pictures: one that cannot go on stops"
)]

pub mod days;
pub mod pictures;
pub mod prometheus;
pub mod scrapes;
pub mod store;
