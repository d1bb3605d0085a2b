//! The checker, the interleavings, and histories of each store.

mod checker;
mod interleavings;
mod planted;
mod stores;
