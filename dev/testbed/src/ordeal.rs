//! Honest clients at work while the link or the server fails.

use std::sync::Arc;
use std::time::Duration;

use regrant::Refusal;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{SingleUse, TokenStore};
use tokio::sync::Mutex;

use crate::patient::Patient;
use crate::random::Random;
use crate::replays::Replays;
use crate::report::Report;

/// As many sessions are begun at first, and one whenever there are fewer.
const SESSIONS: usize = 8;

/// Clients that refresh, revoke and sign in, each as real ones do: again when told to try again, from two tabs at once, or
/// once more because the answer did not arrive. Beside them somebody shows what may be used once, more than once. They note
/// whatever a client or resource server must never see.
#[derive(Debug)]
pub struct Ordeal<S> {
    patient: Patient<Arc<S>>,
    replays: Replays<Arc<S>>,
    random: Random,
    live: Vec<Session>,
    /// Sessions whose revocation was acknowledged.
    revoked: Vec<Session>,
    report: Report,
}

/// All refresh tokens that were handed out for a session. The client holds the last one.
#[derive(Debug)]
struct Session(Vec<String>);

impl<S: TokenStore + SingleUse> Ordeal<S> {
    /// Clients of a service on this store.
    #[must_use]
    pub fn new(store: S, mut random: Random) -> Self {
        let store = Arc::new(store);
        let replays = Replays::new(Arc::clone(&store), random.fork());
        let patient = Patient::new(store, SystemClock.now());
        Self { patient, replays, random, live: Vec::new(), revoked: Vec::new(), report: Report::default() }
    }

    /// Does so many rounds, with a disturbance before each.
    pub async fn run(&mut self, rounds: usize, mut disturb: impl FnMut(&mut Random)) {
        for _ in 0..rounds {
            disturb(&mut self.random);
            self.round().await;
        }
    }

    /// Looks at every token that was ever handed out. Call it when the link is calm.
    pub async fn finish(mut self) -> Report {
        for session in std::mem::take(&mut self.live) {
            self.examine(session).await;
        }
        for session in &self.live {
            let (_, former) = session.0.split_last().expect("a session has tokens");
            self.report.forks += usize::from(self.is_any_active(former).await);
        }
        for session in &self.revoked {
            self.report.lost_revocations += usize::from(self.is_any_active(&session.0).await);
        }
        let mut report = self.report;
        report += self.replays.finish().await;
        report.forgotten_grants += self.patient.forgotten_codes();
        report.heals = self.patient.heals();
        report.retries = self.patient.retries();
        report.spent_codes = self.patient.spent_codes();
        report
    }

    pub(crate) async fn round(&mut self) {
        self.report.rounds += 1;
        self.patient.advance(Duration::from_secs(self.random.below(90)));
        if self.live.len() < SESSIONS {
            self.report.sessions += 1;
            self.live.push(Session(vec![self.patient.sign_in().await]));
        }
        let chosen = self.random.index(self.live.len());
        let session = self.live.swap_remove(chosen);
        match self.random.below(100) {
            0..10 => self.revoke(session).await,
            10..20 => self.revoke_while_refreshing(session).await,
            20..40 => self.refresh_in_two_tabs(session).await,
            40..60 => self.refresh_and_lose_the_answer(session).await,
            60..75 => self.refresh_narrowed(session).await,
            _ => self.refresh(session).await,
        }
        self.try_a_revoked_one().await;
        // Now and then: what a fault befalls here does not befall a client.
        if self.report.rounds.is_multiple_of(5) {
            self.replays.round().await;
        }
    }

    async fn refresh(&mut self, session: Session) {
        let answer = self.patient.refresh(session.held()).await;
        self.take(session, [answer]).await;
    }

    async fn refresh_narrowed(&mut self, session: Session) {
        let answer = self.patient.refresh_narrowed(session.held()).await;
        self.take(session, [answer]).await;
    }

    /// The service answered, but the client did not hear it.
    async fn refresh_and_lose_the_answer(&mut self, session: Session) {
        let lost = self.patient.refresh(session.held()).await;
        let heard = self.patient.refresh(session.held()).await;
        self.take(session, [lost, heard]).await;
    }

    /// Two tabs with one storage: the later answer overwrites the earlier one.
    async fn refresh_in_two_tabs(&mut self, session: Session) {
        let storage = Mutex::new(Vec::new());
        let tab = async || {
            let answer = self.patient.refresh(session.held()).await;
            storage.lock().await.push(answer);
        };
        tokio::join!(tab(), tab());
        let answers = storage.into_inner();
        self.take(session, answers).await;
    }

    async fn revoke(&mut self, session: Session) {
        self.patient.revoke(session.held()).await;
        self.report.revocations += 1;
        self.revoked.push(session);
    }

    /// Whichever comes first: in the end nothing is left alive.
    async fn revoke_while_refreshing(&mut self, mut session: Session) {
        let (answer, ()) = tokio::join!(self.patient.refresh(session.held()), self.patient.revoke(session.held()));
        session.0.extend(answer.ok());
        self.report.revocations += 1;
        self.revoked.push(session);
    }

    /// What the client does with its answers, which should all be the same.
    async fn take(&mut self, mut session: Session, answers: impl IntoIterator<Item = Result<String, Refusal>>) {
        let asked = session.0.len();
        for answer in answers {
            let token = match answer {
                Ok(token) => token,
                Err(refusal) => return self.lose(refusal),
            };
            if token != session.held() {
                session.0.push(token);
            }
        }
        self.report.changed_answers += (session.0.len() - asked).saturating_sub(1);
        self.examine(session).await;
    }

    /// The client holds the head: the one token that is active.
    async fn examine(&mut self, mut session: Session) {
        if !self.patient.is_active(session.held()).await {
            // Only a token that is ahead of its record may be adopted again.
            let heals = self.patient.heals();
            match self.patient.refresh(session.held()).await {
                Ok(token) => session.0.push(token),
                Err(refusal) => return self.lose(refusal),
            }
            self.report.forks += usize::from(self.patient.heals() == heals);
        }
        if let [.., former, held] = &*session.0 {
            // A store that has gone back in time since knows the former one alone. The next refresh heals that.
            let forked = self.patient.is_active(former).await && self.patient.is_active(held).await;
            self.report.forks += usize::from(forked);
        }
        self.live.push(session);
    }

    fn lose(&mut self, refusal: Refusal) {
        match refusal {
            // The record is gone, or that of the code before its redemption, which knows no root.
            Refusal::GrantUnknown | Refusal::RootMismatch => self.report.forgotten_grants += 1,
            _ => self.report.lost_sessions += 1,
        }
    }

    async fn try_a_revoked_one(&mut self) {
        if self.revoked.is_empty() {
            return;
        }
        let chosen = self.random.index(self.revoked.len());
        let held = self.revoked[chosen].held();
        if self.patient.is_active(held).await || self.patient.refresh(held).await.is_ok() {
            self.report.lost_revocations += 1;
            self.revoked.swap_remove(chosen);
        }
    }

    async fn is_any_active(&self, tokens: &[String]) -> bool {
        for token in tokens {
            if self.patient.is_active(token).await {
                return true;
            }
        }
        false
    }
}

impl Session {
    fn held(&self) -> &str {
        self.0.last().expect("a session has tokens")
    }
}
