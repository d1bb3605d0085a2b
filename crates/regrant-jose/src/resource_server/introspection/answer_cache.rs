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
use crate::key::is_within;

/// The answers of the authorization server, and the requests in flight.
///
/// The cache holds answers, never decisions: audience, scope and possession are checked for each request, so the token
/// alone is the cache key (oathkeeper CVE-2021-32701 cached decisions, and ignored an input).
pub(super) struct AnswerCache {
    introspect: Arc<dyn Introspect>,
    pub(super) max_staleness: Duration,
    pub(super) outage_staleness: Duration,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Active tokens only. An inactive token costs one request each time: garbage cannot evict active tokens, and a
    /// token that a lagging replica does not know yet is refused no longer than the lag.
    known: LruCache<TokenId, Known>,
    /// Requests in flight. Only their waiters keep them alive: a request without waiters is dropped.
    in_flight: HashMap<TokenId, InFlight>,
    requests: u64,
}

/// SHA-256 of the token: a memory dump reveals no token.
type TokenId = [u8; 32];

struct Known {
    requested_at: Timestamp,
    token: VerifiedToken,
}

struct InFlight {
    number: u64,
    requested_at: Timestamp,
    request: WeakShared<BoxFuture<'static, Outcome>>,
}

type IntrospectionRequest = Shared<BoxFuture<'static, Outcome>>;
type Outcome = Result<Answer, IntrospectionError>;

enum Found {
    Known(VerifiedToken),
    Request(IntrospectionRequest),
}

impl AnswerCache {
    pub(super) fn new(introspect: Arc<dyn Introspect>, max_staleness: Duration, capacity: usize) -> Self {
        let state = State { known: LruCache::new(at_least_one(capacity)), in_flight: HashMap::new(), requests: 0 };
        Self { introspect, max_staleness, outage_staleness: Duration::ZERO, state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn resize(&self, capacity: usize) {
        lock(&self.state).known.resize(at_least_one(capacity));
    }

    /// The number of active tokens.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).known.len()
    }

    /// Returns the answer for `token`, cached for at most `max_staleness` or new. The caller checks `exp`.
    pub(super) async fn answer_for(&self, token: &AccessToken, now: Timestamp) -> Outcome {
        let id = Sha256::digest(token.expose().as_bytes()).into();
        let request = match self.find(id, token, now) {
            Found::Known(token) => return Ok(Ok(token)),
            Found::Request(request) => request,
        };
        match request.await {
            Err(error) => self.known(&id, self.outage_staleness, now).map(Ok).ok_or(error),
            answer => answer,
        }
    }

    fn find(&self, id: TokenId, token: &AccessToken, now: Timestamp) -> Found {
        if let Some(known) = self.known(&id, self.max_staleness, now) {
            return Found::Known(known);
        }
        let mut state = lock(&self.state);
        // A joined request gives an answer as old as the request, so its age counts.
        let pending =
            state.in_flight.get(&id).filter(|pending| is_within(self.max_staleness, pending.requested_at, now));
        if let Some(request) = pending.and_then(|pending| pending.request.upgrade()) {
            return Found::Request(request);
        }
        state.requests += 1;
        let number = state.requests;
        let request = self.send(token, RequestHandle { state: Arc::clone(&self.state), id, number, requested_at: now });
        if let Some(request) = request.downgrade() {
            state.in_flight.insert(id, InFlight { number, requested_at: now, request });
        }
        Found::Request(request)
    }

    fn known(&self, id: &TokenId, staleness: Duration, now: Timestamp) -> Option<VerifiedToken> {
        let mut state = lock(&self.state);
        let known = state.known.get(id).filter(|known| is_within(staleness, known.requested_at, now))?;
        Some(known.token.clone())
    }

    fn send(&self, token: &AccessToken, handle: RequestHandle) -> IntrospectionRequest {
        let introspect = Arc::clone(&self.introspect);
        let form = form(token);
        let sending = async move {
            let sent = introspect.introspect(&form).await;
            let response = sent.map_err(|cause| IntrospectionError::Unreachable(cause.into()))?;
            let answer = read(&response)?;
            handle.remember(&answer);
            Ok(answer)
        };
        sending.boxed().shared()
    }
}

/// The right of a request to store its answer. It ends with the request, whether answered or cancelled.
struct RequestHandle {
    state: Arc<Mutex<State>>,
    id: TokenId,
    number: u64,
    requested_at: Timestamp,
}

impl RequestHandle {
    fn remember(&self, answer: &Answer) {
        let state = &mut *lock(&self.state);
        // A later request may have seen a revocation that this one missed.
        if !self.is_latest(state) {
            return;
        }
        match answer {
            Ok(token) => {
                let known = Known { requested_at: self.requested_at, token: token.clone() };
                state.known.put(self.id, known);
            }
            // A revoked token must not be accepted again in an outage.
            Err(_) => {
                state.known.pop(&self.id);
            }
        }
    }

    fn is_latest(&self, state: &State) -> bool {
        state.in_flight.get(&self.id).is_some_and(|pending| pending.number == self.number)
    }
}

impl Drop for RequestHandle {
    fn drop(&mut self) {
        let state = &mut *lock(&self.state);
        if self.is_latest(state) {
            state.in_flight.remove(&self.id);
        }
    }
}

/// The request of RFC 7662 section 2.1. It must be encoded: some letters of base64 have another meaning in a form.
fn form(token: &AccessToken) -> Zeroizing<String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", "access_token");
    Zeroizing::new(form.finish())
}

fn at_least_one(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // No code under this lock can panic halfway.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
