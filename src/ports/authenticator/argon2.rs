//! Hashes of chosen secrets (RFC 9106), verified on threads of their own: the core knows no async runtime, and a hash
//! would hold up the tasks of a runtime's thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, MIN_SALT_LEN, Params, PasswordHasher as _, PasswordVerifier as _, Version};

use crate::vocabulary::{ClientSecret, Entropy, InvalidValue, draw};

/// The limits of parameters in a text: memory in KiB, passes, lanes.
const MOST: (u32, u32, u32) = (1024 * 1024, 16, 16);

/// A PHC string that was checked.
pub(super) struct Argon2Hash(String);

impl Argon2Hash {
    /// Hashes `secret` on the calling thread.
    pub(super) fn of(secret: &ClientSecret, entropy: &dyn Entropy) -> Self {
        let salt: [u8; 16] = draw(entropy);
        #[expect(clippy::expect_used, reason = "the salt has the recommended length, the parameters are the default")]
        let hash = Argon2::default().hash_password_with_salt(secret.expose().as_bytes(), &salt).expect("valid input");
        Self(hash.to_string())
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = |why| InvalidValue::new("secret hash", why);
        let hash = PasswordHash::new(text).map_err(|_| invalid("must be a PHC string"))?;
        let params = Params::try_from(&hash).map_err(|_| invalid("must have the parameters of argon2"))?;
        let is_known = hash.algorithm.as_str().parse::<Algorithm>().is_ok()
            && hash.version.is_none_or(|version| Version::try_from(version).is_ok());
        if !is_known {
            return Err(invalid("must be of a known variant and version of argon2"));
        }
        if hash.salt.is_none_or(|salt| salt.len() < MIN_SALT_LEN) || hash.hash.is_none() {
            return Err(invalid("must have a salt of at least 8 bytes and an output"));
        }
        let (memory, passes, lanes) = MOST;
        if params.m_cost() > memory || params.t_cost() > passes || params.p_cost() > lanes {
            return Err(invalid("must need at most 1 GiB, 16 passes and 16 lanes"));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Returns a hash of the same parameters and the output of zeros. No preimage is known.
    pub(super) fn decoy(&self) -> Self {
        let (start, output) = self.0.rsplit_once('$').unwrap_or_default();
        Self(format!("{start}${}", "A".repeat(output.len())))
    }

    /// Verifies on a thread of the pool. Work for a caller that has gone is not begun.
    pub(super) async fn verify(hash: &Arc<Self>, presented: &ClientSecret) -> bool {
        let verdict = Arc::new(Mutex::new(State::Pending(None)));
        let job = Job { hash: Arc::clone(hash), presented: presented.clone(), verdict: Arc::clone(&verdict) };
        match &*POOL {
            Some(pool) if pool.lock().unwrap_or_else(PoisonError::into_inner).send(job).is_ok() => {
                Answer(verdict).await
            }
            // The system gave this process no thread.
            _ => hash.is_of(presented),
        }
    }

    fn is_of(&self, presented: &ClientSecret) -> bool {
        let hash = PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| Argon2::default().verify_password(presented.expose().as_bytes(), &hash).is_ok())
    }
}

/// Threads that verify, one for two processors: each takes a whole processor and the memory of the hash, and the rest
/// of the service must go on.
static POOL: LazyLock<Option<Mutex<Sender<Job>>>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    let threads = thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2));
    let spawn = |_| {
        let jobs = Arc::clone(&jobs);
        thread::Builder::new().name("regrant-argon2".to_owned()).spawn(move || while run_one(&jobs) {}).is_ok()
    };
    (0..threads).map(spawn).fold(false, |any, is_started| any | is_started).then(|| Mutex::new(sender))
});

struct Job {
    hash: Arc<Argon2Hash>,
    presented: ClientSecret,
    verdict: Arc<Mutex<State>>,
}

enum State {
    Pending(Option<Waker>),
    Done(bool),
}

/// Waits for a job and does it. Returns false when no further one can come.
fn run_one(jobs: &Mutex<Receiver<Job>>) -> bool {
    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let Ok(Job { hash, presented, verdict }) = next else { return false };
    // The other handle is in the future of the caller, which may have been dropped.
    if Arc::strong_count(&verdict) > 1 {
        let is_right = hash.is_of(&presented);
        let before = std::mem::replace(&mut *state(&verdict), State::Done(is_right));
        if let State::Pending(Some(waker)) = before {
            waker.wake();
        }
    }
    true
}

struct Answer(Arc<Mutex<State>>);

impl Future for Answer {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut state = state(&self.0);
        match &mut *state {
            State::Done(is_right) => Poll::Ready(*is_right),
            State::Pending(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn state(verdict: &Mutex<State>) -> MutexGuard<'_, State> {
    verdict.lock().unwrap_or_else(PoisonError::into_inner)
}
