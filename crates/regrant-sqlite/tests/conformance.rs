//! The cases of the conformance kit, each on a file of its own, through two stores that share nothing but the file.
//! Then the same in the database of an application, beside a third store.

#![expect(clippy::expect_used, reason = "a case without a store has failed")]

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_sqlite::{SqliteStore, TablePrefix};

fn main() -> ExitCode {
    let shared = suite(Sqlite { prefix: Some("oauth_") }).named("shared_file");
    regrant_conformance::run(suite(Sqlite { prefix: None }).into_iter().chain(shared))
}

fn suite(harness: Sqlite) -> Suite<Sqlite> {
    Suite::new(harness)
        .grant_index()
        .purge_expired()
        .single_use()
        .single_use_purge()
        .without("outage", "an embedded file has no link to lose; `locks` has the locked file")
        .without("silence", "an embedded file has no link that falls silent; `overdue` has a disk that hangs")
        .without("lost_reply", "an embedded file loses no reply")
}

struct Sqlite {
    prefix: Option<&'static str>,
}

#[async_trait]
impl StoreHarness for Sqlite {
    type Store = SqliteStore;

    async fn fresh(&self) -> Fixture<SqliteStore> {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let path = folder.path().join("grants.db");
        // However busy the disk: no case is about the deadline.
        let builder = SqliteStore::builder().deadline(Duration::from_secs(60));
        let open = |prefix: Option<&str>| {
            let prefix = prefix.map(|prefix| TablePrefix::new(prefix).expect("a prefix"));
            builder.clone().table_prefix(prefix).open(&path).expect("the file can be opened")
        };
        let fixture = Fixture::new(open(self.prefix)).with_second_handle(open(self.prefix));
        let neighbour = self.prefix.map(|_| open(Some("other_")));
        fixture.with_guard(neighbour).with_guard(folder)
    }
}
