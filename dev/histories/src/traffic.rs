//! Clients that call about one grant all at once, from several nodes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use testbed::{Proxy, Random};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::history::Operation;
use crate::node::{Node, Reply, Request};
use crate::recorder::{Id, Recorder};

/// Calls of each of the three clients of a grant.
const CALLS: u64 = 7;

/// Sessions on the nodes of a deployment, while the caller injects faults. Each session is one grant: a code, its
/// redemption, and clients that share all tokens of the grant and refresh, introspect and revoke at once.
pub struct Traffic {
    shared: Arc<Shared>,
    workers: JoinSet<Vec<Session>>,
}

struct Shared {
    recorder: Recorder,
    nodes: Vec<Arc<dyn Node>>,
    links: Vec<Proxy>,
    /// Deadline of the stores: some delays of the links are longer.
    deadline: Duration,
    has_ended: AtomicBool,
}

/// The tokens of a grant, in the order of their answers.
#[derive(Debug, Default)]
struct Session {
    code: String,
    refresh: Vec<String>,
    access: Vec<String>,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").field("recorder", &self.shared.recorder).finish_non_exhaustive()
    }
}

impl Traffic {
    /// Starts `workers` sessions at a time, one after the other. Links are disturbed now and then.
    #[must_use]
    pub fn begin(
        nodes: Vec<Arc<dyn Node>>,
        links: Vec<Proxy>,
        deadline: Duration,
        workers: usize,
        random: &mut Random,
    ) -> Self {
        let (recorder, has_ended) = (Recorder::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { recorder, nodes, links, deadline, has_ended });
        let mut traffic = Self { shared, workers: JoinSet::new() };
        for _ in 0..workers {
            let (shared, random) = (Arc::clone(&traffic.shared), random.fork());
            traffic.workers.spawn(shared.work(random));
        }
        traffic
    }

    /// The recorder.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// Waits for `calls` more calls.
    pub async fn calls(&mut self, calls: usize) {
        let wanted = self.recorder().calls() + calls;
        while self.recorder().calls() < wanted {
            if let Some(worker) = self.workers.try_join_next() {
                panic!("a worker failed: {:?}", worker.err());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends the sessions and the faults of the links, asks about the last tokens once more, and returns all calls.
    pub async fn end(mut self) -> Record {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        let mut sessions = Vec::new();
        while let Some(worker) = self.workers.join_next().await {
            sessions.extend(worker.expect("a worker failed"));
        }
        let shared = self.shared;
        shared.links.iter().for_each(Proxy::clear);
        for session in &sessions {
            shared.audit(session).await;
        }
        Record {
            operations: shared.recorder.operations(),
            calls: shared.recorder.calls(),
            unknown: shared.recorder.unknown(),
            disturbed: shared.links.iter().map(Proxy::disturbed).sum(),
            heals: shared.nodes.iter().map(|node| node.heals()).sum(),
        }
    }
}

/// All calls, and the amount of work.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// The calls by grant.
    pub operations: BTreeMap<Id, Vec<Operation>>,
    /// Calls.
    pub calls: usize,
    /// Calls with an unknown outcome.
    pub unknown: usize,
    /// Disturbed requests on the links.
    pub disturbed: usize,
    /// Records that the nodes healed, as far as they reported it.
    pub heals: usize,
}

impl Shared {
    /// Runs one session after the other.
    async fn work(self: Arc<Self>, mut random: Random) -> Vec<Session> {
        let mut sessions = Vec::new();
        while !self.has_ended.load(Ordering::Relaxed) {
            sessions.extend(self.session(&mut random).await);
        }
        sessions
    }

    async fn session(&self, random: &mut Random) -> Option<Session> {
        let Reply::Code(code) = self.call(&Request::Authorize, random).await else { return None };
        let session = Mutex::new(Session { code: code.clone(), ..Session::default() });
        if random.below(8) == 0 {
            let (mut one, mut other) = (random.fork(), random.fork());
            let request = Request::Redeem(code);
            tokio::join!(self.act(&session, request.clone(), &mut one), self.act(&session, request, &mut other));
        } else {
            self.act(&session, Request::Redeem(code), random).await;
        }
        let mut clients = [random.fork(), random.fork(), random.fork()];
        let [one, two, three] = &mut clients;
        tokio::join!(self.client(&session, one), self.client(&session, two), self.client(&session, three));
        Some(session.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    async fn client(&self, session: &Mutex<Session>, random: &mut Random) {
        for _ in 0..CALLS {
            let request = locked(session).choose(random);
            self.act(session, request, random).await;
        }
    }

    async fn act(&self, session: &Mutex<Session>, request: Request, random: &mut Random) {
        if let Reply::Tokens(refresh, access) = self.call(&request, random).await {
            locked(session).learn(refresh, access);
        }
    }

    async fn call(&self, request: &Request, random: &mut Random) -> Reply {
        if !self.links.is_empty() && random.below(12) == 0 {
            random.pick(&self.links).disturb_at_random(random, self.deadline);
        }
        let polls = (random.below(16) == 0).then(|| u32::try_from(random.below(6)).unwrap_or(0));
        let node = random.pick(&self.nodes);
        self.recorder.call(&**node, request, polls).await
    }

    /// Asks about the last tokens at every node, and refreshes with the last one.
    async fn audit(&self, session: &Session) {
        let last = |tokens: &[String]| tokens.iter().rev().take(5).cloned().collect::<Vec<_>>();
        for (number, node) in self.nodes.iter().enumerate() {
            for token in last(&session.refresh).into_iter().chain(last(&session.access)) {
                self.until_answered(&**node, &Request::Introspect(token)).await;
            }
            if let (0, Some(token)) = (number, session.refresh.last()) {
                self.until_answered(&**node, &Request::Refresh(token.clone())).await;
            }
        }
    }

    async fn until_answered(&self, node: &dyn Node, request: &Request) {
        for _ in 0..1000 {
            if self.recorder.call(node, request, None).await != Reply::Failed {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("no answer although no fault is injected: {request:?}");
    }
}

impl Session {
    fn learn(&mut self, refresh: String, access: String) {
        for (known, token) in [(&mut self.refresh, refresh), (&mut self.access, access)] {
            if !known.contains(&token) {
                known.push(token);
            }
        }
    }

    /// Chooses the next call of a client.
    fn choose(&self, random: &mut Random) -> Request {
        let (Some(newest), Some(_)) = (self.refresh.last(), self.access.last()) else {
            return Request::Redeem(self.code.clone());
        };
        match random.below(100) {
            0..10 => Request::Refresh(recent(&self.refresh, 3, random)),
            10..13 => Request::Refresh(random.pick(&self.refresh).clone()),
            13..27 => Request::Introspect(recent(&self.access, 4, random)),
            27..41 => Request::Introspect(recent(&self.refresh, 4, random)),
            41..47 => Request::Introspect(newest.clone()),
            47..55 => Request::Revoke(recent(&self.access, 3, random)),
            55..58 => Request::Revoke(random.pick(&self.refresh).clone()),
            58 => Request::Redeem(self.code.clone()),
            59..61 => Request::Purge,
            _ => Request::Refresh(newest.clone()),
        }
    }
}

fn recent(tokens: &[String], count: usize, random: &mut Random) -> String {
    random.pick(&tokens[tokens.len().saturating_sub(count)..]).clone()
}

fn locked(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
