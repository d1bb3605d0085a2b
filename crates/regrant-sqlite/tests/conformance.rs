//! The cases of the conformance kit, each on a file of its own, through two stores that share nothing but the file.

#![expect(clippy::expect_used, reason = "a case without a store has failed")]

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_sqlite::SqliteStore;

fn main() -> ExitCode {
    let suite = Suite::new(Sqlite)
        .grant_index()
        .purge_expired()
        .single_use()
        .single_use_purge()
        .without("outage", "an embedded file has no link to lose; `locks` has the locked file")
        .without("silence", "an embedded file has no link that falls silent; `overdue` has a disk that hangs")
        .without("lost_reply", "an embedded file loses no reply");
    regrant_conformance::run(suite)
}

struct Sqlite;

#[async_trait]
impl StoreHarness for Sqlite {
    type Store = SqliteStore;

    async fn fresh(&self) -> Fixture<SqliteStore> {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let path = folder.path().join("grants.db");
        // However busy the disk: no case is about the deadline.
        let builder = SqliteStore::builder().deadline(Duration::from_secs(60));
        let open = || builder.open(&path).expect("a new file can be opened");
        Fixture::new(open()).with_second_handle(open()).with_guard(folder)
    }
}
