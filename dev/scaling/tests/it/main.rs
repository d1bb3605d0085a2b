//! Tests of the simulator, of the charts, and of the fill of each store.

#![expect(clippy::cast_precision_loss, reason = "statistics of small counts")]
#![expect(clippy::expect_used, reason = "a test without a runtime has failed")]

mod charts;
mod faults;
mod queues;
mod stores;
