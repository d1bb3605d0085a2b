use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use regrant::Subject;
use regrant::host::{SubjectGate, Unavailable};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The resource owners. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<RwLock<HashMap<Subject, User>>>);

struct User {
    password: PasswordHash,
    disabled: bool,
    claims: Map<String, Value>,
}

/// SHA-256 is enough for a demonstration, whose passwords are in its configuration. Real passwords can be guessed:
/// store them with a slow hash (argon2, scrypt).
type PasswordHash = [u8; 32];

impl Users {
    /// Adds a user; `false` when the name is taken.
    pub(crate) fn add(&self, username: Subject, password: &str, disabled: bool, claims: Map<String, Value>) -> bool {
        match self.write().entry(username) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(User { password: hash(password), disabled, claims });
                true
            }
        }
    }

    /// Checks name and password of an enabled user. An unknown name takes the same time as a wrong password.
    pub(crate) fn sign_in(&self, username: &str, password: &str) -> Option<Subject> {
        let username = Subject::new(username).ok();
        let presented = hash(password);
        let users = self.read();
        let user = username.as_ref().and_then(|username| users.get(username));
        let is_right: bool = user.map_or(&[0; 32], |user| &user.password).ct_eq(&presented).into();
        let may_sign_in = user.is_some_and(|user| !user.disabled);
        username.filter(|_| is_right & may_sign_in)
    }

    /// Returns true if the user exists and is enabled.
    pub(crate) fn is_enabled(&self, username: &Subject) -> bool {
        self.read().get(username).is_some_and(|user| !user.disabled)
    }

    /// Returns the claims of a user.
    pub(crate) fn claims(&self, username: &Subject) -> Map<String, Value> {
        self.read().get(username).map(|user| user.claims.clone()).unwrap_or_default()
    }

    /// Returns the names of the claims that some user has.
    pub(crate) fn claim_names(&self) -> Vec<String> {
        let users = self.read();
        let names: BTreeSet<&String> = users.values().flat_map(|user| user.claims.keys()).collect();
        names.into_iter().cloned().collect()
    }

    /// Disables or enables a user; `false` if there is no such user.
    pub(crate) fn set_disabled(&self, username: &Subject, disabled: bool) -> bool {
        self.write().get_mut(username).map(|user| user.disabled = disabled).is_some()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Subject, User>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Subject, User>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(password: &str) -> PasswordHash {
    Sha256::digest(password).into()
}

/// The tokens of a disabled user are refused.
#[async_trait]
impl SubjectGate for Users {
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Unavailable> {
        Ok(self.is_enabled(subject))
    }
}
