//! The servers of the testbed, and the stores on servers that fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that cannot go on fails the test"
)]

mod cluster;
mod dynamodb;
mod failovers;
mod faulty_links;
mod kill_sqlite;
mod kills;
mod mariadb;
mod memory;
mod postgres;
mod redis;
mod silence;
mod supervisor;
mod workload;
