//! Records histories: each call with the times of its request and its answer.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use fixtures::forge::{ACCESS, CODE, Forger, REFRESH};

use crate::history::{Access, Answer, Call, NEVER, Operation, Refresh};
use crate::node::{KEY, Node, Reply, Request};

/// A grant, by its id.
pub type Id = [u8; 16];

/// Records the calls of all clients. One counter gives the times, so an answer that came before a request has the
/// smaller one.
pub struct Recorder {
    times: AtomicU64,
    reader: Forger,
    operations: Mutex<BTreeMap<Id, Vec<Operation>>>,
    counts: Counts,
}

/// The amount of work.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicUsize,
    unknown: AtomicUsize,
}

impl Default for Recorder {
    fn default() -> Self {
        let (times, operations, counts) = (AtomicU64::new(1), Mutex::default(), Counts::default());
        Self { times, reader: Forger::new(KEY.0, KEY.1), operations, counts }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Returns the next time.
    pub fn now(&self) -> u64 {
        self.times.fetch_add(1, Ordering::SeqCst)
    }

    /// Number of calls so far.
    pub fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::Relaxed)
    }

    /// Number of calls with an unknown outcome.
    pub fn unknown(&self) -> usize {
        self.counts.unknown.load(Ordering::Relaxed)
    }

    /// Sends a request and records it. With `polls` the caller hangs up when the call is still pending after as many
    /// polls.
    ///
    /// # Panics
    /// If the node answers with an error that no injected fault explains.
    pub async fn call(&self, node: &dyn Node, request: &Request, polls: Option<u32>) -> Reply {
        let invoked = self.now();
        let reply = patient(node, request, polls).await;
        let returned = self.now();
        assert!(!matches!(reply, Reply::Broken(_)), "{request:?}: {reply:?}");
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        self.counts.unknown.fetch_add(usize::from(reply == Reply::Failed), Ordering::Relaxed);
        if let Some((id, call)) = self.read(request, &reply) {
            let answer = self.answer(&reply);
            let returned = if answer.is_some() { returned } else { NEVER };
            let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
            operations.entry(id).or_default().push(Operation { call, answer, invoked, returned });
        }
        reply
    }

    /// Returns all calls so far, by grant.
    pub fn operations(&self) -> BTreeMap<Id, Vec<Operation>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the grant and the call; `None` for a call about no grant.
    fn read(&self, request: &Request, reply: &Reply) -> Option<(Id, Call)> {
        Some(match request {
            Request::Authorize => match reply {
                Reply::Code(code) => (self.grant(code), Call::Authorize),
                _ => return None,
            },
            Request::Purge => return None,
            Request::Redeem(code) => (self.grant(code), Call::Redeem),
            Request::Refresh(token) => (self.grant(token), Call::Refresh(self.refresh(token))),
            Request::Revoke(token) if is_access(token) => (self.grant(token), Call::RevokeAccess(self.access(token))),
            Request::Revoke(token) => (self.grant(token), Call::Revoke(self.refresh(token))),
            Request::Introspect(token) if is_access(token) => {
                (self.grant(token), Call::IntrospectAccess(self.access(token)))
            }
            Request::Introspect(token) => (self.grant(token), Call::Introspect(self.refresh(token))),
        })
    }

    fn answer(&self, reply: &Reply) -> Option<Answer> {
        Some(match reply {
            Reply::Code(_) | Reply::Done => Answer::Done,
            Reply::Tokens(refresh, access) => Answer::Tokens(self.refresh(refresh), self.access(access)),
            Reply::Active(is_active) => Answer::Active(*is_active),
            Reply::Refused(refusal) => Answer::Refused(*refusal),
            Reply::Failed | Reply::Broken(_) => return None,
        })
    }

    /// Returns the grant of a token or code.
    pub fn grant(&self, token: &str) -> Id {
        let kind = match token.get(..3) {
            Some("rt_") => REFRESH,
            Some("at_") => ACCESS,
            _ => CODE,
        };
        self.reader.open(kind, token).grant_id
    }

    /// Returns the generation of a refresh token.
    pub fn generation(&self, token: &str) -> u32 {
        self.refresh(token).generation
    }

    fn refresh(&self, token: &str) -> Refresh {
        let content = self.reader.open(REFRESH, token);
        let (root, _) = content.lineage.expect("a refresh token");
        Refresh { root: first(&root), generation: content.number, mark: first(&content.secret) }
    }

    fn access(&self, token: &str) -> Access {
        Access(first(&self.reader.open(ACCESS, token).secret))
    }
}

/// Waits for the answer, or hangs up.
async fn patient(node: &dyn Node, request: &Request, polls: Option<u32>) -> Reply {
    let mut answer = pin!(node.answer(request));
    let mut polls = polls;
    poll_fn(|context| match (answer.as_mut().poll(context), &mut polls) {
        (Poll::Pending, Some(0)) => Poll::Ready(Reply::Failed),
        (Poll::Pending, Some(left)) => {
            *left -= 1;
            Poll::Pending
        }
        (poll, _) => poll,
    })
    .await
}

fn is_access(token: &str) -> bool {
    token.starts_with("at_")
}

fn first(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
}
