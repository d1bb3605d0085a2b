//! Tests of the simulator, of the charts, and of the fill of each store.

mod charts;
mod faults;
mod queues;
mod stores;
