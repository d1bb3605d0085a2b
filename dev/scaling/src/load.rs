//! Requests to a service on a store: at a fixed rate, or as many as possible.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regrant::clock::{Clock as _, ManualClock, SystemClock};
use regrant::store::{PurgeExpired, TokenStore};
use regrant::{AuthenticatedClient, RefreshRequest, TokenService};
use testbed::Random;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::now;
use crate::population::{self, Session};

/// Most requests in progress. A run that reaches the limit offers more than the store can do.
const MAX_IN_FLIGHT: usize = 20_000;

/// Longest wait for the requests in progress at the end of a window.
const TAIL: Duration = Duration::from_secs(10);

/// Grants that a purge examines in a call, and the pause between calls: at most 4000 grants in a second.
const PURGE: usize = 1000;
const PURGE_PAUSE: Duration = Duration::from_millis(250);

/// Mean time between two refreshes of a session, by the clock of the service.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(30 * 60);

/// A service on a store, and sessions that it refreshes and introspects.
pub struct Traffic<S> {
    service: TokenService<S>,
    clock: ManualClock,
    step: Duration,
    clients: Vec<AuthenticatedClient>,
    sessions: Vec<Mutex<Option<Session>>>,
}

/// Share of refreshes among the requests; the others are introspections.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Refreshes in a hundred requests.
    pub refresh_percent: u64,
}

/// Outcome of some seconds of load.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Length of the window in seconds.
    pub seconds: f64,
    /// Requests that were answered within the window, each second.
    pub rate: f64,
    /// Latencies in seconds, in ascending order. Those of an open window count from the scheduled time.
    pub latencies: Vec<f64>,
    /// Refreshes that were answered.
    pub refreshes: u64,
    /// Requests that failed.
    pub errors: u64,
    /// True if the window ended early because too many requests were in progress.
    pub is_overloaded: bool,
}

impl Window {
    /// Returns the latency, in seconds, that this share of the requests does not exceed; `None` if fewer than ten
    /// requests exceed it.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.latencies.len();
        let above = (count as f64 * (1.0 - share)).round() as usize;
        (above >= 10 || (share < 0.9 && count > 0)).then(|| self.latencies[count - 1 - above.min(count - 1)])
    }
}

impl<S> fmt::Debug for Traffic<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

impl<S: TokenStore + PurgeExpired + 'static> Traffic<S> {
    /// Traffic of these sessions on a store. The clock of the service runs as fast as the refreshes: without that, a
    /// record would collect the access tokens of hours within seconds.
    #[must_use]
    pub fn new(store: S, sessions: Vec<Session>) -> Arc<Self> {
        let clock = ManualClock::starting_at(SystemClock.now());
        let service = population::service(store).clock(clock.clone()).build().expect("a valid policy");
        let step = BETWEEN_REFRESHES.div_f64(sessions.len().max(1) as f64);
        let sessions = sessions.into_iter().map(|session| Mutex::new(Some(session))).collect();
        Arc::new(Self { service, clock, step, clients: population::clients(), sessions })
    }

    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> &TokenService<S> {
        &self.service
    }

    /// Returns a copy of the session at this place, which no request is using.
    #[must_use]
    pub fn session(&self, place: usize) -> Session {
        self.slot(place).clone().expect("an idle session")
    }

    /// Returns the client of a session.
    #[must_use]
    pub fn client(&self, session: &Session) -> &AuthenticatedClient {
        &self.clients[session.client]
    }

    /// Number of sessions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// True without sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Sends requests at `rate` a second, at random times (a Poisson process), whether or not earlier ones were
    /// answered.
    pub async fn open(self: &Arc<Self>, rate: f64, length: Duration, mix: Mix, seed: u64) -> Window {
        let (tally, handle, traffic) = (Arc::new(Tally::default()), Handle::current(), Arc::clone(self));
        let counted = Arc::clone(&tally);
        let begin = now();
        let dispatch = move || {
            let (mut random, mut at) = (Random::new(seed), 0.0);
            loop {
                at += exponential(&mut random) / rate;
                if at >= length.as_secs_f64() {
                    return false;
                }
                let scheduled = Duration::from_secs_f64(at);
                if let Some(early) = scheduled.checked_sub(begin.elapsed()) {
                    std::thread::sleep(early);
                }
                if counted.in_flight.fetch_add(1, Ordering::Relaxed) >= MAX_IN_FLIGHT {
                    counted.in_flight.fetch_sub(1, Ordering::Relaxed);
                    return true;
                }
                let (traffic, counted, mut random) = (Arc::clone(&traffic), Arc::clone(&counted), random.fork());
                handle.spawn(async move {
                    let outcome = traffic.request(&mut random, mix).await;
                    counted.add(outcome, begin.elapsed().saturating_sub(scheduled));
                    counted.in_flight.fetch_sub(1, Ordering::Relaxed);
                });
            }
        };
        let is_overloaded = tokio::task::spawn_blocking(dispatch).await.expect("a dispatcher");
        let (seconds, answered) = (begin.elapsed().as_secs_f64(), tally.answered());
        let end = now();
        while tally.in_flight.load(Ordering::Relaxed) > 0 && end.elapsed() < TAIL {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Window { is_overloaded, ..tally.window(seconds, answered) }
    }

    /// Sends requests from `tasks` tasks, each after the answer to its last one.
    pub async fn closed(self: &Arc<Self>, tasks: u64, length: Duration, mix: Mix, seed: u64) -> Window {
        let (tally, begin, mut workers) = (Arc::new(Tally::default()), now(), JoinSet::new());
        for task in 0..tasks {
            let (traffic, tally, mut random) = (Arc::clone(self), Arc::clone(&tally), Random::new(seed * 1000 + task));
            workers.spawn(async move {
                while begin.elapsed() < length {
                    let sent = now();
                    let outcome = traffic.request(&mut random, mix).await;
                    tally.add(outcome, sent.elapsed());
                }
            });
        }
        workers.join_all().await;
        let answered = tally.answered();
        tally.window(begin.elapsed().as_secs_f64(), answered)
    }

    /// Purges until the task is aborted, and counts the purged grants.
    pub async fn purge(self: Arc<Self>, purged: Arc<AtomicU64>) {
        loop {
            match self.service.purge_expired(PURGE).await {
                Ok(count) => drop(purged.fetch_add(count as u64, Ordering::Relaxed)),
                Err(error) => eprintln!("a purge failed: {error:?}"),
            }
            tokio::time::sleep(PURGE_PAUSE).await;
        }
    }

    async fn request(&self, random: &mut Random, mix: Mix) -> Outcome {
        let place = random.below(self.sessions.len() as u64) as usize;
        if random.below(100) < mix.refresh_percent { self.refresh(place).await } else { self.introspect(place).await }
    }

    /// Refreshes the session at this place, or the next one that no other request is refreshing.
    async fn refresh(&self, mut place: usize) -> Outcome {
        let session = loop {
            if let Some(session) = self.slot(place).take() {
                break session;
            }
            place = (place + 1) % self.sessions.len();
            // All sessions may be in use: the requests that use them must get their turn.
            tokio::task::yield_now().await;
        };
        self.clock.advance(self.step);
        let request = RefreshRequest::new(session.refresh_token.clone());
        let answer = self.service.refresh(self.client(&session), &request).await;
        let (session, outcome) = match answer {
            Ok(tokens) => (Session::new(session.client, &tokens), Outcome::Refreshed),
            Err(error) => (session, Outcome::failed(&error)),
        };
        *self.slot(place) = Some(session);
        outcome
    }

    async fn introspect(&self, mut place: usize) -> Outcome {
        let session = loop {
            if let Some(session) = self.slot(place).clone() {
                break session;
            }
            place = (place + 1) % self.sessions.len();
            // All sessions may be in use: the requests that use them must get their turn.
            tokio::task::yield_now().await;
        };
        match self.service.introspect(self.client(&session), &session.access_token).await {
            // The access token of a session that was not refreshed for an hour has expired.
            Ok(_) => Outcome::Introspected,
            Err(error) => Outcome::failed(&error),
        }
    }

    fn slot(&self, place: usize) -> std::sync::MutexGuard<'_, Option<Session>> {
        self.sessions[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
enum Outcome {
    Refreshed,
    Introspected,
    Failed,
}

impl Outcome {
    fn failed(error: &regrant::TokenError) -> Self {
        assert!(!matches!(error, regrant::TokenError::Refused(_)), "a session was lost: {error:?}");
        Self::Failed
    }
}

#[derive(Default)]
struct Tally {
    in_flight: AtomicUsize,
    refreshes: AtomicU64,
    errors: AtomicU64,
    latencies: Mutex<Vec<f64>>,
}

impl Tally {
    fn add(&self, outcome: Outcome, latency: Duration) {
        match outcome {
            Outcome::Refreshed => drop(self.refreshes.fetch_add(1, Ordering::Relaxed)),
            Outcome::Introspected => {}
            Outcome::Failed => drop(self.errors.fetch_add(1, Ordering::Relaxed)),
        }
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(latency.as_secs_f64());
    }

    fn answered(&self) -> usize {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn window(&self, seconds: f64, answered: usize) -> Window {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        latencies.sort_by(f64::total_cmp);
        Window {
            seconds,
            rate: answered as f64 / seconds,
            latencies,
            refreshes: self.refreshes.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            is_overloaded: false,
        }
    }
}

/// Returns an exponentially distributed number with mean 1.
pub(crate) fn exponential(random: &mut Random) -> f64 {
    const STEPS: u64 = 1 << 53;
    -((random.below(STEPS) + 1) as f64 / STEPS as f64).ln()
}
