//! Histories of calls, recorded on each store under faults, and the orders that they must have.
//!
//! | | |
//! |---|---|
//! | [`history`], [`recorder`], [`traffic`] | calls, the times of their requests and answers, and the clients |
//! | [`node`], [`process`] | the real service over a store, in this process or in another one |
//! | [`scenarios`], [`faulty`] | deployments of each store, and the faults injected into them |
//! | [`specification`], [`checker`] | the service as one caller after the other sees it, and the search for an order |
//! | [`report`] | losses by kind, and the verdict |
//! | [`schedules`] | every order of the calls of a store that a few calls of the service make |
//! | [`shuttled`] | every order of the locks of `MemoryStore` |
//!
//! The program `histories` runs all of this for as long as it is asked to. Faults and servers come from `testbed`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a checker that cannot go on fails the run"
)]

pub mod checker;
pub mod faulty;
pub mod history;
pub mod node;
pub mod process;
pub mod recorder;
pub mod report;
pub mod scenarios;
pub mod schedules;
pub mod shuttled;
pub mod specification;
pub mod traffic;
