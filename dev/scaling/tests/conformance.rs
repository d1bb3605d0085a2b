//! The cases of the conformance kit on four SQLite files behind one [`Sharded`] store, through two handles that share
//! nothing but the files.

#![expect(clippy::expect_used, reason = "a case without a store has failed")]

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_sqlite::SqliteStore;
use scaling::sharded::Sharded;

fn main() -> ExitCode {
    let suite = Suite::new(Files)
        .grant_index()
        .purge_expired()
        .single_use()
        .single_use_purge()
        .without("outage", "an embedded file has no link to lose")
        .without("silence", "an embedded file has no link that falls silent")
        .without("lost_reply", "an embedded file loses no reply");
    regrant_conformance::run(suite)
}

struct Files;

#[async_trait]
impl StoreHarness for Files {
    type Store = Sharded<SqliteStore>;

    async fn fresh(&self) -> Fixture<Self::Store> {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        // However busy the disk: no case is about the deadline.
        let builder = SqliteStore::builder().deadline(Duration::from_secs(60));
        let open = || {
            let files = (0..4).map(|shard| builder.open(folder.path().join(format!("{shard}.db"))));
            Sharded::new(files.map(|store| store.expect("a new file can be opened")).collect()).expect("four shards")
        };
        Fixture::new(open()).with_second_handle(open()).with_guard(folder)
    }
}
