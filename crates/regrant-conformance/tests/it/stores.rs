use async_trait::async_trait;
use libtest_mimic::Arguments;
use regrant::MemoryStore;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};
use regrant_conformance::Trial;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};

const NO_LINK: &str = "no link lies between a store in memory and its data";

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let memory = Suite::new(Memory)
        .named("memory")
        .grant_index()
        .purge_expired()
        .single_use()
        .single_use_purge()
        .without("outage", NO_LINK)
        .without("silence", NO_LINK)
        .without("lost_reply", NO_LINK);
    let smallest = Suite::new(Smallest)
        .named("smallest")
        .without("second_handle", "there is one process")
        .without("grant_index", "sessions are not listed")
        .without("purge_expired", "the store is empty after a restart")
        .without("single_use", "no client sends an assertion")
        .without("outage", NO_LINK)
        .without("silence", NO_LINK)
        .without("lost_reply", NO_LINK);
    let undecided = ["grant_index", "purge_expired", "single_use"].map(|group| {
        crate::test(format!("stores::a_suite_that_is_silent_about_{group}_fails"), || assert_eq!(failed(group), 1))
    });
    [memory.into_iter(), smallest.into_iter()].into_iter().flatten().chain(undecided)
}

/// Returns the number of failed tests of a suite that neither judges the group nor leaves it out.
fn failed(group: &str) -> u64 {
    let undecided = Suite::new(Smallest).into_iter().filter(|trial| trial.name() == group).collect();
    let log = tempfile::NamedTempFile::new().unwrap();
    let arguments = Arguments { logfile: Some(log.path().display().to_string()), ..Arguments::default() };
    libtest_mimic::run(&arguments, undecided).num_failed
}

struct Memory;

#[async_trait]
impl StoreHarness for Memory {
    type Store = MemoryStore;

    async fn fresh(&self) -> Fixture<MemoryStore> {
        let store = MemoryStore::new();
        Fixture::new(store.clone()).with_second_handle(store)
    }
}

/// A store that keeps grants and does nothing else.
struct SmallestStore(MemoryStore);

#[async_trait]
impl TokenStore for SmallestStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.0.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.0.compare_and_swap(key, expect, record).await
    }
}

struct Smallest;

#[async_trait]
impl StoreHarness for Smallest {
    type Store = SmallestStore;

    async fn fresh(&self) -> Fixture<SmallestStore> {
        Fixture::new(SmallestStore(MemoryStore::new()))
    }
}
