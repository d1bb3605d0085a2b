//! Real servers, thrown away after each test, and the faults they meet.
//!
//! For Linux. Whatever is started here listens on 127.0.0.1 alone, keeps its files in a temporary folder, and is gone when
//! its value is dropped or the test process has ended, however that happened. What cannot be started panics, and says why.
//!
//! | | |
//! |---|---|
//! | [`Postgres`], [`Redis`], [`RedisCluster`] | servers to kill, restart and fail over |
//! | [`Proxy`] | a link to them that loses, cuts and delays |
//! | [`Ordeal`], [`Load`] | honest clients and an eavesdropper meanwhile, one after the other or at once, and their [`Report`] |
//! | [`Patient`] | one such client |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a library for tests: what cannot go on fails the test"
)]

mod cluster;
mod load;
mod ordeal;
mod patient;
mod port;
mod postgres;
mod program;
mod proxy;
mod random;
mod redis;
mod replays;
mod report;
mod server;

pub use cluster::RedisCluster;
pub use load::Load;
pub use ordeal::Ordeal;
pub use patient::Patient;
pub use postgres::Postgres;
pub use proxy::{Disturbance, Proxy};
pub use random::Random;
pub use redis::Redis;
pub use report::Report;
pub use server::until;
