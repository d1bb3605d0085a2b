use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::clock::Timestamp;
use regrant::{Entropy as _, Subject, SystemEntropy};
use sha2::{Digest as _, Sha256};

use crate::cookie;

const LIFETIME: Duration = Duration::from_secs(2 * 3600);

/// The time for which a user who signed in for a request is not asked again by that request.
const FOR_ITS_REQUEST: Duration = Duration::from_secs(300);

/// The maximum number of sessions. Signing in costs an attacker nothing, so a new session replaces the oldest one when
/// memory is full.
const CAPACITY: usize = 10_000;

/// A signed-in user, and the time of authentication.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) subject: Subject,
    pub(crate) signed_in_at: Timestamp,
    /// The public id of the session (`sid`). The id in the cookie is secret.
    pub(crate) public_id: String,
    /// The digest of the query of the request that the user signed in for.
    signed_in_for: Option<[u8; 32]>,
}

impl Session {
    /// Returns true if the user has just signed in for the request with this query. Its wish for a new sign-in is
    /// fulfilled then: otherwise the user would have to sign in for ever. Later its `max_age` counts again.
    pub(crate) fn is_for(&self, query: Option<&str>, now: Timestamp) -> bool {
        let is_own = self.signed_in_for.is_some() && self.signed_in_for == query.map(digest);
        is_own && now.since(self.signed_in_at) < Some(FOR_ITS_REQUEST)
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.signed_in_at).is_some_and(|age| age < LIFETIME)
    }
}

/// The sessions of all users (AM: SSO tokens), by the id in the cookie. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, Session>>>);

impl Sessions {
    /// Creates a session and returns its id. A user who signs in for a request is not asked again for its `query`.
    pub(crate) fn begin(&self, subject: Subject, now: Timestamp, query: Option<&str>) -> String {
        let (id, public_id) = (cookie::draw(), public_id());

        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= CAPACITY {
            sessions.retain(|_, session| session.is_alive(now));
        }
        if sessions.len() >= CAPACITY {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.signed_in_at).map(|(id, _)| id.clone());
            oldest.map(|id| sessions.remove(&id));
        }
        sessions
            .insert(id.clone(), Session { subject, signed_in_at: now, public_id, signed_in_for: query.map(digest) });
        id
    }

    /// Ends the session with this id, if there is one.
    pub(crate) fn end(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The session with this id, unless expired.
    pub(crate) fn find(&self, id: &str, now: Timestamp) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(id).filter(|session| session.is_alive(now)).cloned()
    }
}

fn digest(query: &str) -> [u8; 32] {
    Sha256::digest(query).into()
}

fn public_id() -> String {
    let mut bytes = [0; 12];
    SystemEntropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, LIFETIME, Sessions, Subject, Timestamp};

    #[test]
    fn a_session_ends_when_its_lifetime_is_over() {
        let (sessions, start) = (Sessions::default(), Timestamp::from_millis(1_000));
        let id = sessions.begin(Subject::new("demo").unwrap(), start, None);
        assert!(sessions.find(&id, Timestamp::from_millis((start + LIFETIME).as_millis() - 1)).is_some());
        assert!(sessions.find(&id, start + LIFETIME).is_none());
    }

    #[test]
    fn the_oldest_session_makes_room_for_one_too_many() {
        let sessions = Sessions::default();
        let demo = Subject::new("demo").unwrap();
        let at = |number: usize| Timestamp::from_millis(i64::try_from(number).unwrap());
        let ids: Vec<String> = (0..=CAPACITY).map(|number| sessions.begin(demo.clone(), at(number), None)).collect();

        assert!(sessions.find(&ids[0], at(CAPACITY)).is_none());
        assert!(ids[1..].iter().all(|id| sessions.find(id, at(CAPACITY)).is_some()));
    }
}
