//! Real servers for one test, and the faults injected into them.
//!
//! For Linux. A server listens on 127.0.0.1 alone and keeps its files in a temporary folder. It ends when its value is
//! dropped or the test process ends, even by SIGKILL. A server that cannot be started panics with the reason.
//!
//! | | |
//! |---|---|
//! | [`Postgres`], [`MariaDb`] | servers to kill, restart and fail over |
//! | [`Redis`], [`RedisSentinels`], [`RedisCluster`] | the same |
//! | [`Dynalite`], [`Etcd`] | servers to kill and restart |
//! | [`PgBouncer`] | a pooler in front of PostgreSQL |
//! | [`Proxy`] | the proxy of the conformance kit in front of them, with faults that a seed chooses |
//! | [`Workload`], [`Load`] | clients and an attacker at work meanwhile, one or several at once, and their [`Report`] |
//! | [`RetryingClient`] | one such client |
//! | [`key`], [`record`], [`failures`], [`text_of`] | calls of a store, and their errors |
//! | [`LONG`], [`short`], [`until`], [`retry`] | deadlines that hold on a busy machine |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a library for tests: a helper that cannot go on fails the test"
)]

mod calls;
mod client;
mod cluster;
mod dynalite;
mod etcd;
mod identity;
mod load;
mod mariadb;
mod pgbouncer;
mod port;
mod postgres;
mod program;
mod proxy;
mod random;
mod redis;
mod replays;
mod report;
mod sentinels;
mod server;
mod time;
mod workload;

pub use calls::{failures, key, record, text_of};
pub use client::RetryingClient;
pub use cluster::RedisCluster;
pub use dynalite::Dynalite;
pub use etcd::Etcd;
pub use load::Load;
pub use mariadb::{Held, MariaDb};
pub use pgbouncer::PgBouncer;
pub use port::unused_address;
pub use postgres::Postgres;
pub use proxy::{Disturbance, Proxy};
pub use random::Random;
pub use redis::Redis;
pub use report::Report;
pub use sentinels::RedisSentinels;
pub use time::{LONG, retry, short, until};
pub use workload::Workload;
