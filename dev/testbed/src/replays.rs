//! Repeated uses of single-use ids.

use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse, StoreError, Use, UseId};

use crate::random::Random;
use crate::report::Report;

/// Longer than any test, so no mark expires.
const LIFETIME: Duration = Duration::from_secs(3600);

/// An attacker who uses every id at the same time as its owner, and again later.
#[derive(Debug)]
pub(crate) struct Replays<S> {
    store: S,
    random: Random,
    expires_at: Timestamp,
    presented: Vec<Presented>,
    report: Report,
}

#[derive(Debug)]
struct Presented {
    id: UseId,
    /// A use succeeded.
    is_used: bool,
    /// A use failed, so its outcome is unknown.
    is_uncertain: bool,
}

impl<S: SingleUse> Replays<S> {
    pub(crate) fn new(store: S, random: Random) -> Self {
        let expires_at = SystemClock.now() + LIFETIME;
        Self { store, random, expires_at, presented: Vec::new(), report: Report::default() }
    }

    /// Uses a new id twice at once, and an earlier one again.
    pub(crate) async fn round(&mut self) {
        let id = self.draw();
        let (one, other) = tokio::join!(self.present(id), self.present(id));
        self.presented.push(Presented { id, is_used: false, is_uncertain: false });
        self.note(self.presented.len() - 1, &[one, other]);
        let earlier = self.random.index(self.presented.len());
        self.present_again(earlier).await;
    }

    /// Uses every id once more.
    pub(crate) async fn finish(mut self) -> Report {
        for earlier in 0..self.presented.len() {
            self.present_again(earlier).await;
        }
        self.report.uses = self.presented.iter().filter(|presented| presented.is_used).count();
        self.report.uncertain_uses = self.presented.iter().filter(|presented| presented.is_uncertain).count();
        self.report
    }

    async fn present_again(&mut self, number: usize) {
        let answer = self.present(self.presented[number].id).await;
        self.note(number, &[answer]);
    }

    async fn present(&self, id: UseId) -> Result<Use, StoreError> {
        self.store.use_once(&id, self.expires_at).await
    }

    /// Records answers to uses at the same time.
    fn note(&mut self, number: usize, answers: &[Result<Use, StoreError>]) {
        let (presented, report) = (&mut self.presented[number], &mut self.report);
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(error.is_transient(), "{error:?}");
            presented.is_uncertain = true;
        }
        let count = |wanted| answers.iter().flatten().filter(|used| **used == wanted).count();
        let (firsts, repeats) = (count(Use::First), count(Use::Again));
        report.double_uses += if presented.is_used { firsts } else { firsts.saturating_sub(1) };
        presented.is_used |= firsts > 0;
        report.false_replays += if presented.is_used || presented.is_uncertain { 0 } else { repeats };
        report.replays += repeats;
    }

    fn draw(&mut self) -> UseId {
        let mut bytes = [0; 32];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.random.next().to_be_bytes());
        }
        UseId::from_bytes(bytes)
    }
}
