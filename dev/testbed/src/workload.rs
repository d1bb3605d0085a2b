//! Clients at work while the connection or the server fails.

use std::sync::Arc;
use std::time::Duration;

use regrant::Refusal;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{SingleUse, TokenStore};
use tokio::sync::Mutex;

use crate::client::RetryingClient;
use crate::random::Random;
use crate::replays::Replays;
use crate::report::Report;

/// Sessions to keep; a new one begins whenever there are fewer.
const SESSIONS: usize = 8;

/// Clients that refresh, revoke and sign in as real ones do. They retry when told to, refresh from two tabs at once,
/// and repeat a request whose answer was lost. Meanwhile an attacker uses single-use ids more than once. The workload
/// records everything that a client or resource server must never see.
#[derive(Debug)]
pub struct Workload<S> {
    client: RetryingClient<Arc<S>>,
    replays: Replays<Arc<S>>,
    random: Random,
    live: Vec<Session>,
    /// Sessions whose revocation was acknowledged.
    revoked: Vec<Session>,
    report: Report,
}

/// All refresh tokens of a session in order; the client holds the last one.
#[derive(Debug)]
struct Session(Vec<String>);

impl<S: TokenStore + SingleUse> Workload<S> {
    /// A workload for a service on this store.
    #[must_use]
    pub fn new(store: S, mut random: Random) -> Self {
        let store = Arc::new(store);
        let replays = Replays::new(Arc::clone(&store), random.fork());
        let client = RetryingClient::new(store, SystemClock.now());
        Self { client, replays, random, live: Vec::new(), revoked: Vec::new(), report: Report::default() }
    }

    /// Runs `rounds` rounds, each after a call of `disturb`.
    pub async fn run(&mut self, rounds: usize, mut disturb: impl FnMut(&mut Random)) {
        for _ in 0..rounds {
            disturb(&mut self.random);
            self.round().await;
        }
    }

    /// Checks every token that was ever issued. Call it while nothing is disturbed.
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
        report.forgotten_grants += self.client.forgotten_codes();
        report.heals = self.client.heals();
        report.retries = self.client.retries();
        report.spent_codes = self.client.spent_codes();
        report
    }

    pub(crate) async fn round(&mut self) {
        self.report.rounds += 1;
        self.client.advance(Duration::from_secs(self.random.below(90)));
        if self.live.len() < SESSIONS {
            self.report.sessions += 1;
            self.live.push(Session(vec![self.client.sign_in().await]));
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
        self.try_a_revoked_session().await;
        // Not in every round: a fault that hits a replay does not hit a client.
        if self.report.rounds.is_multiple_of(5) {
            self.replays.round().await;
        }
    }

    async fn refresh(&mut self, session: Session) {
        let answer = self.client.refresh(session.held()).await;
        self.take(session, [answer]).await;
    }

    async fn refresh_narrowed(&mut self, session: Session) {
        let answer = self.client.refresh_narrowed(session.held()).await;
        self.take(session, [answer]).await;
    }

    /// Refreshes twice: the client did not receive the first answer.
    async fn refresh_and_lose_the_answer(&mut self, session: Session) {
        let lost = self.client.refresh(session.held()).await;
        let heard = self.client.refresh(session.held()).await;
        self.take(session, [lost, heard]).await;
    }

    /// Refreshes from two tabs with one storage: the later answer overwrites the earlier one.
    async fn refresh_in_two_tabs(&mut self, session: Session) {
        let storage = Mutex::new(Vec::new());
        let tab = async || {
            let answer = self.client.refresh(session.held()).await;
            storage.lock().await.push(answer);
        };
        tokio::join!(tab(), tab());
        let answers = storage.into_inner();
        self.take(session, answers).await;
    }

    async fn revoke(&mut self, session: Session) {
        self.client.revoke(session.held()).await;
        self.report.revocations += 1;
        self.revoked.push(session);
    }

    /// Revokes and refreshes at once. In either order, nothing stays active.
    async fn revoke_while_refreshing(&mut self, mut session: Session) {
        let (answer, ()) = tokio::join!(self.client.refresh(session.held()), self.client.revoke(session.held()));
        session.0.extend(answer.ok());
        self.report.revocations += 1;
        self.revoked.push(session);
    }

    /// Handles the answers as a client does; all should be the same.
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

    /// Checks that the client holds the one active refresh token.
    async fn examine(&mut self, mut session: Session) {
        if !self.client.is_active(session.held()).await {
            // An inactive token may be adopted only if it is ahead of its record.
            let heals = self.client.heals();
            match self.client.refresh(session.held()).await {
                Ok(token) => session.0.push(token),
                Err(refusal) => return self.lose(refusal),
            }
            self.report.forks += usize::from(self.client.heals() == heals);
        }
        if let [.., former, held] = &*session.0 {
            // A store that was rolled back since knows only the former token. The next refresh heals that.
            let forked = self.client.is_active(former).await && self.client.is_active(held).await;
            self.report.forks += usize::from(forked);
        }
        self.live.push(session);
    }

    fn lose(&mut self, refusal: Refusal) {
        match refusal {
            // The record is gone, or the record is the one before the redemption of the code, which has no root.
            Refusal::GrantUnknown | Refusal::RootMismatch => self.report.forgotten_grants += 1,
            _ => self.report.lost_sessions += 1,
        }
    }

    async fn try_a_revoked_session(&mut self) {
        if self.revoked.is_empty() {
            return;
        }
        let chosen = self.random.index(self.revoked.len());
        let held = self.revoked[chosen].held();
        if self.client.is_active(held).await || self.client.refresh(held).await.is_ok() {
            self.report.lost_revocations += 1;
            self.revoked.swap_remove(chosen);
        }
    }

    async fn is_any_active(&self, tokens: &[String]) -> bool {
        for token in tokens {
            if self.client.is_active(token).await {
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
