//! Three days of a deployment: an ordinary one, one with an outage of the store, and one with a theft.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant::event::{MetricsSink, Timed, Timings};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, RefreshRequest,
    RefreshToken, Subject, SystemEntropy, TokenResponse, TokenService,
};
use testbed::Random;

use crate::scrapes::Scrapes;
use crate::store::SlowStore;

/// Sessions of users.
const SESSIONS: usize = 6000;

/// One session in this many belongs to a user who comes once a week, and finds the refresh token expired.
const WEEKLY: usize = 20;

/// Refresh tokens that the thief copies.
const STOLEN: usize = 300;

/// Share of the sessions that are in use in each hour of the day, in percent.
const ACTIVITY: [u64; 24] = [10, 7, 5, 4, 4, 6, 15, 35, 60, 80, 90, 95, 90, 92, 95, 92, 85, 75, 65, 60, 50, 40, 28, 17];

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Begin of the first day: a Monday, in milliseconds.
pub const BEGIN: u64 = 1_795_996_800_000;

/// The time in which the store is down: Tuesday, 10:00 to 10:20.
const OUTAGE: [u64; 2] = [BEGIN + DAY + 10 * HOUR, BEGIN + DAY + 10 * HOUR + 20 * MINUTE];

/// The time of the copy, Wednesday at 13:00, and the first use of a copied token, an hour later.
const THEFT: [u64; 2] = [BEGIN + 2 * DAY + 13 * HOUR, BEGIN + 2 * DAY + 14 * HOUR];

/// Runs the three days, and returns what Prometheus would have scraped each minute.
#[must_use]
pub fn run() -> String {
    let scrapes = Scrapes::default();
    let _guard = metrics::set_default_local_recorder(&scrapes);
    let mut days = Days::new(1);
    days.run(&scrapes);
    scrapes.text()
}

/// Next step of a session, or of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    SignIn,
    Refresh,
    /// The number of attempts before it.
    Retry(u32),
    Introspect,
    SignOut,
    Copy,
    UseCopy,
    Purge,
    Scrape,
}

#[derive(Debug, Default)]
struct Session {
    refresh_token: Option<RefreshToken>,
    access_token: String,
    copied: Option<RefreshToken>,
}

struct Days {
    service: TokenService<SlowStore>,
    clock: ManualClock,
    client: AuthenticatedClient,
    random: Random,
    sessions: Vec<Session>,
    plan: BinaryHeap<Reverse<(u64, usize, Step)>>,
}

impl fmt::Debug for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Days").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

/// Measures in simulated time.
struct SimulatedTimings(MetricsSink, ManualClock);

impl Timings for SimulatedTimings {
    fn now(&self) -> Duration {
        self.1.now().since(Timestamp::from_millis(0)).unwrap_or_default()
    }

    fn took(&self, what: Timed, took: Duration) {
        self.0.took(what, took);
    }
}

impl Days {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let clock = ManualClock::starting_at(at(BEGIN - 8 * DAY));
        let store = SlowStore::new(clock.clone(), random.fork(), at(OUTAGE[0]), at(OUTAGE[1]));
        let metrics = MetricsSink::new();
        let service = TokenService::builder(store, ClientRegistry::new(), KeyRing::generate(&SystemEntropy))
            .clock(clock.clone())
            .events(metrics.clone())
            .timings(SimulatedTimings(metrics, clock.clone()))
            .build()
            .expect("a valid policy");
        // Public, with bearer tokens: the client that a thief likes.
        let client = Client::public(ClientId::from_static("app"))
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken]);
        let client = AuthenticatedClient::assertion(client.into());
        let mut days = Self { service, clock, client, random, sessions: Vec::new(), plan: BinaryHeap::new() };
        days.prepare();
        days
    }

    /// Plans the sign-ins before the first day, and the steps of the deployment.
    fn prepare(&mut self) {
        for place in 0..SESSIONS {
            self.sessions.push(Session::default());
            let is_weekly = place.is_multiple_of(WEEKLY);
            // Nobody refreshes before the first day, so users of one week before have an expired token.
            let since = if is_weekly { BEGIN - 8 * DAY } else { BEGIN - 3 * HOUR };
            let signed_in = since + self.random.below(HOUR);
            self.plan(signed_in, place, Step::SignIn);
        }
        for place in 0..STOLEN {
            // Every second user, so that both kinds are among them.
            self.plan(THEFT[0], place * 2 + 1, Step::Copy);
            let used = THEFT[1] + self.random.below(40 * MINUTE);
            self.plan(used, place * 2 + 1, Step::UseCopy);
        }
        self.plan(BEGIN - 2 * HOUR, 0, Step::Purge);
        self.plan(BEGIN - 2 * HOUR, 0, Step::Scrape);
    }

    fn run(&mut self, scrapes: &Scrapes) {
        while let Some(Reverse((time, place, step))) = self.plan.pop() {
            if time >= BEGIN + 3 * DAY {
                return;
            }
            // A call advances the clock. The next one may begin before that call has ended.
            self.clock.set(at(time));
            match step {
                Step::SignIn => self.sign_in(time, place),
                // The user is away; the client keeps its token.
                Step::Refresh if self.is_away(time) => {
                    self.later(time, 30 * MINUTE, 30 * MINUTE, place, Step::Refresh);
                }
                Step::Refresh => self.refresh(time, place, 0),
                Step::Retry(attempts) => self.refresh(time, place, attempts),
                Step::Introspect => self.introspect(place),
                Step::SignOut => self.sign_out(time, place),
                Step::Copy => {
                    let session = &mut self.sessions[place];
                    session.copied.clone_from(&session.refresh_token);
                }
                Step::UseCopy => self.use_copy(time, place),
                Step::Purge => {
                    let _purged = self.service.purge_expired(1000).now_or_never().expect("no wait");
                    self.later(time, 2 * MINUTE, 1, 0, Step::Purge);
                }
                Step::Scrape => {
                    scrapes.scrape(at(time));
                    self.later(time, MINUTE, 1, 0, Step::Scrape);
                }
            }
        }
    }

    fn sign_in(&mut self, time: u64, place: usize) {
        let subject = Subject::new(format!("user-{place}")).expect("a subject");
        let request = IssueRequest::new(GrantType::AuthorizationCode, Approval::of(subject));
        match self.service.issue(&self.client, request).now_or_never().expect("no wait") {
            Ok(tokens) if time < BEGIN - 7 * DAY => {
                self.keep(place, &tokens);
                // Some day of the three.
                self.later(BEGIN, HOUR, 3 * DAY, place, Step::Refresh);
            }
            Ok(tokens) => self.received(time, place, &tokens),
            Err(_) => self.later(time, 20 * SECOND, MINUTE, place, Step::SignIn),
        }
    }

    fn refresh(&mut self, time: u64, place: usize, attempts: u32) {
        let Some(token) = self.sessions[place].refresh_token.clone() else { return };
        let request = RefreshRequest::new(token);
        match self.service.refresh(&self.client, &request).now_or_never().expect("no wait") {
            // The response gets lost.
            Ok(_) if attempts == 0 && self.random.below(100) == 0 => {
                self.later(time, 3 * SECOND, 20 * SECOND, place, Step::Retry(1));
            }
            Ok(tokens) => self.received(time, place, &tokens),
            Err(error) if error.is_transient() => {
                let pause = ((5 * SECOND) << attempts).min(MINUTE);
                self.later(time, pause, pause, place, Step::Retry((attempts + 1).min(4)));
            }
            Err(_) => {
                self.sessions[place].refresh_token = None;
                self.later(time, 30 * SECOND, 5 * MINUTE, place, Step::SignIn);
            }
        }
    }

    /// The client has new tokens: it uses them for an hour, and then refreshes.
    fn received(&mut self, time: u64, place: usize, tokens: &TokenResponse) {
        self.keep(place, tokens);
        for _ in 0..4 {
            self.later(time, SECOND, 50 * MINUTE, place, Step::Introspect);
        }
        if self.random.below(200) == 0 {
            self.later(time, MINUTE, 50 * MINUTE, place, Step::SignOut);
        } else {
            self.later(time, 50 * MINUTE, 8 * MINUTE, place, Step::Refresh);
        }
    }

    fn keep(&mut self, place: usize, tokens: &TokenResponse) {
        let session = &mut self.sessions[place];
        session.refresh_token.clone_from(&tokens.refresh_token);
        tokens.access_token.expose().clone_into(&mut session.access_token);
    }

    fn introspect(&self, place: usize) {
        let token = &self.sessions[place].access_token;
        let _active = self.service.introspect(&self.client, token).now_or_never().expect("no wait");
    }

    fn sign_out(&mut self, time: u64, place: usize) {
        let Some(token) = self.sessions[place].refresh_token.take() else { return };
        let _revoked = self.service.revoke(&self.client, token.expose()).now_or_never().expect("no wait");
        self.later(time, 10 * MINUTE, 3 * HOUR, place, Step::SignIn);
    }

    /// The thief refreshes with a copy, and then again every half hour, as long as that works.
    fn use_copy(&mut self, time: u64, place: usize) {
        let Some(token) = self.sessions[place].copied.take() else { return };
        let answer = self.service.refresh(&self.client, &RefreshRequest::new(token)).now_or_never().expect("no wait");
        if let Ok(tokens) = answer {
            self.sessions[place].copied = tokens.refresh_token;
            self.later(time, 30 * MINUTE, 1, place, Step::UseCopy);
        }
    }

    fn is_away(&mut self, time: u64) -> bool {
        let hour = usize::try_from(time % DAY / HOUR).expect("less than 24");
        self.random.below(100) >= ACTIVITY[hour]
    }

    fn later(&mut self, time: u64, least: u64, spread: u64, place: usize, step: Step) {
        let time = time + least + self.random.below(spread);
        self.plan(time, place, step);
    }

    fn plan(&mut self, time: u64, place: usize, step: Step) {
        self.plan.push(Reverse((time, place, step)));
    }
}

fn at(time: u64) -> Timestamp {
    Timestamp::from_millis(time.cast_signed())
}
