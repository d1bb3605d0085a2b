//! What may be used once, shown more than once.

use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse, StoreError, Use, UseId};

use crate::random::Random;
use crate::report::Report;

/// Longer than any test: no mark may be forgotten.
const LIFETIME: Duration = Duration::from_secs(3600);

/// An eavesdropper, who shows everything at the same time as its owner, and again later.
#[derive(Debug)]
pub(crate) struct Replays<S> {
    store: S,
    random: Random,
    expires_at: Timestamp,
    shown: Vec<Shown>,
    report: Report,
}

#[derive(Debug)]
struct Shown {
    id: UseId,
    /// With success.
    is_used: bool,
    /// An attempt to use it failed: it is used or not.
    is_doubtful: bool,
}

impl<S: SingleUse> Replays<S> {
    pub(crate) fn new(store: S, random: Random) -> Self {
        let expires_at = SystemClock.now() + LIFETIME;
        Self { store, random, expires_at, shown: Vec::new(), report: Report::default() }
    }

    /// Shows something new, twice at once, and something that was shown before.
    pub(crate) async fn round(&mut self) {
        let id = self.draw();
        let (one, other) = tokio::join!(self.show(id), self.show(id));
        self.shown.push(Shown { id, is_used: false, is_doubtful: false });
        self.note(self.shown.len() - 1, &[one, other]);
        let earlier = self.random.index(self.shown.len());
        self.show_again(earlier).await;
    }

    /// Shows everything once more.
    pub(crate) async fn finish(mut self) -> Report {
        for earlier in 0..self.shown.len() {
            self.show_again(earlier).await;
        }
        self.report.uses = self.shown.iter().filter(|shown| shown.is_used).count();
        self.report.doubtful_uses = self.shown.iter().filter(|shown| shown.is_doubtful).count();
        self.report
    }

    async fn show_again(&mut self, number: usize) {
        let answer = self.show(self.shown[number].id).await;
        self.note(number, &[answer]);
    }

    async fn show(&self, id: UseId) -> Result<Use, StoreError> {
        self.store.use_once(&id, self.expires_at).await
    }

    /// Answers that were given at the same time.
    fn note(&mut self, number: usize, answers: &[Result<Use, StoreError>]) {
        let (shown, report) = (&mut self.shown[number], &mut self.report);
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(error.is_transient(), "{error:?}");
            shown.is_doubtful = true;
        }
        let count = |wanted| answers.iter().flatten().filter(|used| **used == wanted).count();
        let (firsts, repeats) = (count(Use::First), count(Use::Again));
        report.double_uses += if shown.is_used { firsts } else { firsts.saturating_sub(1) };
        shown.is_used |= firsts > 0;
        report.false_replays += if shown.is_used || shown.is_doubtful { 0 } else { repeats };
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
