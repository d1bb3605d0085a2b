//! A store that only fails passes the workload; a store that is wrong does not.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, SingleUse, StoreError, StoredGrant, Swap, TokenStore, Use, UseId};
use testbed::{Load, Random, Report, Workload};

const ROUNDS: usize = 300;

/// Errors of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// None: it fails before or after its work, and reports that.
    None,
    AbsentOnError,
    ForgetsWrites,
    ForgetsRevocations,
    IgnoresVersions,
    ForgetsUses,
    FindsItsOwnUse,
}

#[derive(Clone)]
struct Flawed {
    memory: MemoryStore,
    flaw: Flaw,
    random: Arc<Mutex<Random>>,
}

impl Flawed {
    fn new(flaw: Flaw, random: &mut Random) -> Self {
        Self { memory: MemoryStore::new(), flaw, random: Arc::new(Mutex::new(random.fork())) }
    }

    fn strikes(&self, one_in: u64) -> bool {
        self.random.lock().unwrap().below(one_in) == 0
    }

    fn failure() -> StoreError {
        StoreError::unavailable("a fault")
    }
}

#[async_trait]
impl TokenStore for Flawed {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        match self.strikes(4) {
            true if self.flaw == Flaw::AbsentOnError => Ok(None),
            true => Err(Self::failure()),
            false => self.memory.load(key).await,
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        // Other tasks run in between.
        tokio::task::yield_now().await;
        if self.strikes(4) {
            return Err(Self::failure());
        }
        let current = self.memory.load(key).await?.map(|stored| stored.version);
        let swap = match (self.flaw, current) {
            (Flaw::ForgetsWrites, _) if self.strikes(10) => return Ok(Swap::Stored),
            // A revocation removes the tokens from the record.
            (Flaw::ForgetsRevocations, _) if record.payload.len() < 150 && current.is_some() => {
                return Ok(Swap::Stored);
            }
            (Flaw::IgnoresVersions, Some(version)) => {
                self.memory.compare_and_swap(key, Expect::Version(version), record).await?
            }
            _ => self.memory.compare_and_swap(key, expect, record).await?,
        };
        if self.strikes(4) { Err(Self::failure()) } else { Ok(swap) }
    }
}

#[async_trait]
impl SingleUse for Flawed {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        // Other tasks run in between.
        tokio::task::yield_now().await;
        if self.strikes(4) {
            return Err(Self::failure());
        }
        let used = match self.flaw {
            Flaw::ForgetsUses if self.strikes(10) => return Ok(Use::First),
            _ => self.memory.use_once(id, expires_at).await?,
        };
        match self.strikes(4) {
            true if self.flaw == Flaw::FindsItsOwnUse => Ok(Use::Again),
            true => Err(Self::failure()),
            false => Ok(used),
        }
    }
}

/// Runs a workload. Clock and scheduling follow the seed, so a seed always gives the same result.
async fn run(flaw: Flaw, mut random: Random) -> Report {
    let mut workload = Workload::new(Flawed::new(flaw, &mut random), random);
    workload.run(ROUNDS, |_| {}).await;
    let report = workload.finish().await;
    println!("{report}");
    report
}

#[tokio::test(start_paused = true)]
async fn a_store_that_reports_its_failures_passes() {
    let report = run(Flaw::None, Random::seeded()).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.retries > ROUNDS / 4 && report.revocations > 20, "{report}");
    assert!(
        report.uses > ROUNDS / 10 && report.replays > ROUNDS / 5 && report.uncertain_uses > ROUNDS / 20,
        "{report}"
    );
    assert_eq!(report.rounds, ROUNDS);
}

#[tokio::test(start_paused = true)]
async fn reports_of_concurrent_workloads_are_added_up() {
    let mut random = Random::seeded();
    let mut load = Load::begin(&Flawed::new(Flaw::None, &mut random), 4, &mut random);
    load.rounds(100).await;
    load.rounds(100).await;
    let report = load.end().await;
    assert!(report.is_clean() && report.rounds >= 200 && report.sessions >= 4, "{report}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_reported_as_an_absence_loses_grants() {
    assert!(run(Flaw::AbsentOnError, Random::new(1)).await.forgotten_grants > 0);
}

#[tokio::test(start_paused = true)]
async fn lost_writes_are_healed_and_change_answers() {
    let report = run(Flaw::ForgetsWrites, Random::new(1)).await;
    assert!(report.heals > 0 && report.changed_answers > 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn lost_revocations_are_found() {
    assert!(run(Flaw::ForgetsRevocations, Random::new(1)).await.lost_revocations > 0);
}

#[tokio::test(start_paused = true)]
async fn two_winners_change_answers() {
    assert!(run(Flaw::IgnoresVersions, Random::new(1)).await.changed_answers > 0);
}

#[tokio::test(start_paused = true)]
async fn lost_uses_are_double_uses() {
    assert!(run(Flaw::ForgetsUses, Random::new(1)).await.double_uses > 0);
}

/// The store repeats a use whose reply was lost.
#[tokio::test(start_paused = true)]
async fn a_use_that_meets_its_own_mark_is_a_false_replay() {
    assert!(run(Flaw::FindsItsOwnUse, Random::new(1)).await.false_replays > 0);
}
