use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use form_urlencoded::Serializer;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use lru::LruCache;
use regrant::AccessToken;
use regrant::clock::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::super::VerifiedToken;
use super::answer::{Answer, read};
use super::{Introspect, IntrospectionError};
use crate::assertion::is_within;

/// What the authorization server said of tokens, and what it is being asked.
///
/// Remembered is what the server said, never a verdict: audience, scope and possession are judged for each request, so the
/// token alone is the key (oathkeeper CVE-2021-32701 kept verdicts, and forgot on what they had depended).
pub(super) struct Answers {
    introspect: Arc<dyn Introspect>,
    pub(super) max_staleness: Duration,
    pub(super) outage_staleness: Duration,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Active tokens alone. What is inactive costs one question each time: garbage cannot push out what is good, and a token
    /// that a lagging replica does not know yet is not refused for longer than the lag.
    known: LruCache<TokenId, Known>,
    /// Questions under way, each held by those alone who wait for it: one that nobody waits for any more is gone.
    asked: HashMap<TokenId, Asked>,
    questions: u64,
}

/// SHA-256 of the token: a dump of this memory yields none.
type TokenId = [u8; 32];

struct Known {
    asked_at: Timestamp,
    token: VerifiedToken,
}

struct Asked {
    number: u64,
    asked_at: Timestamp,
    question: WeakShared<BoxFuture<'static, Outcome>>,
}

type Question = Shared<BoxFuture<'static, Outcome>>;
type Outcome = Result<Answer, IntrospectionError>;

enum Found {
    Known(VerifiedToken),
    Question(Question),
}

impl Answers {
    pub(super) fn new(introspect: Arc<dyn Introspect>, max_staleness: Duration, capacity: usize) -> Self {
        let state = State { known: LruCache::new(at_least_one(capacity)), asked: HashMap::new(), questions: 0 };
        Self { introspect, max_staleness, outage_staleness: Duration::ZERO, state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn resize(&self, capacity: usize) {
        lock(&self.state).known.resize(at_least_one(capacity));
    }

    /// How many active tokens it remembers.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).known.len()
    }

    /// What the server says of `token`, or said less than `max_staleness` ago. Its `exp` is the caller's to look at.
    pub(super) async fn of(&self, token: &AccessToken, now: Timestamp) -> Outcome {
        let id = Sha256::digest(token.expose().as_bytes()).into();
        let question = match self.find(id, token, now) {
            Found::Known(token) => return Ok(Ok(token)),
            Found::Question(question) => question,
        };
        match question.await {
            Err(error) => self.known(&id, self.outage_staleness, now).map(Ok).ok_or(error),
            answer => answer,
        }
    }

    fn find(&self, id: TokenId, token: &AccessToken, now: Timestamp) -> Found {
        if let Some(known) = self.known(&id, self.max_staleness, now) {
            return Found::Known(known);
        }
        let mut state = lock(&self.state);
        // To join a question is to take an answer of the time when it was asked.
        let asked = state.asked.get(&id).filter(|asked| is_within(self.max_staleness, asked.asked_at, now));
        if let Some(question) = asked.and_then(|asked| asked.question.upgrade()) {
            return Found::Question(question);
        }
        state.questions += 1;
        let number = state.questions;
        let question = self.question(token, Turn { state: Arc::clone(&self.state), id, number, asked_at: now });
        if let Some(question) = question.downgrade() {
            state.asked.insert(id, Asked { number, asked_at: now, question });
        }
        Found::Question(question)
    }

    fn known(&self, id: &TokenId, staleness: Duration, now: Timestamp) -> Option<VerifiedToken> {
        let mut state = lock(&self.state);
        let known = state.known.get(id).filter(|known| is_within(staleness, known.asked_at, now))?;
        Some(known.token.clone())
    }

    fn question(&self, token: &AccessToken, turn: Turn) -> Question {
        let introspect = Arc::clone(&self.introspect);
        let form = form(token);
        let asking = async move {
            let asked = introspect.introspect(&form).await;
            let response = asked.map_err(|cause| IntrospectionError::Unreachable(cause.into()))?;
            let answer = read(&response)?;
            turn.note(&answer);
            Ok(answer)
        };
        asking.boxed().shared()
    }
}

/// A question's right to write its answer down. It ends when the question does, answered or given up.
struct Turn {
    state: Arc<Mutex<State>>,
    id: TokenId,
    number: u64,
    asked_at: Timestamp,
}

impl Turn {
    fn note(&self, answer: &Answer) {
        let state = &mut *lock(&self.state);
        // A later question may know of a revocation that this one came too early for.
        if !self.is_latest(state) {
            return;
        }
        match answer {
            Ok(token) => drop(state.known.put(self.id, Known { asked_at: self.asked_at, token: token.clone() })),
            // What is revoked must not come back in an outage.
            Err(_) => drop(state.known.pop(&self.id)),
        }
    }

    fn is_latest(&self, state: &State) -> bool {
        state.asked.get(&self.id).is_some_and(|asked| asked.number == self.number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let state = &mut *lock(&self.state);
        if self.is_latest(state) {
            state.asked.remove(&self.id);
        }
    }
}

/// RFC 7662 section 2.1. Base64 has letters that mean something else in a form.
fn form(token: &AccessToken) -> Zeroizing<String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", "access_token");
    Zeroizing::new(form.finish())
}

fn at_least_one(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing under this lock can panic half way.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
