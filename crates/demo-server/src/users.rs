use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use regrant::Subject;
use regrant::host::SubjectGate;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The resource owners; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<RwLock<HashMap<Subject, User>>>);

struct User {
    password: PasswordHash,
    disabled: bool,
}

/// SHA-256: good enough for a demonstration, whose passwords are in its configuration anyway. People choose passwords that
/// can be guessed; where they matter, keep them with a slow hash (argon2, scrypt).
type PasswordHash = [u8; 32];

impl Users {
    /// Adds a user; `false` when the name is taken.
    pub(crate) fn add(&self, username: Subject, password: &str, disabled: bool) -> bool {
        match self.write().entry(username) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(User { password: hash(password), disabled });
                true
            }
        }
    }

    /// The user of this name and password, unless disabled. An unknown name takes the same work as a wrong password.
    pub(crate) fn sign_in(&self, username: &str, password: &str) -> Option<Subject> {
        let username = Subject::new(username).ok();
        let presented = hash(password);
        let users = self.read();
        let user = username.as_ref().and_then(|username| users.get(username));
        let is_right: bool = user.map_or(&[0; 32], |user| &user.password).ct_eq(&presented).into();
        let may_sign_in = user.is_some_and(|user| !user.disabled);
        username.filter(|_| is_right & may_sign_in)
    }

    /// Whether the user exists and is not disabled.
    pub(crate) fn is_enabled(&self, username: &Subject) -> bool {
        self.read().get(username).is_some_and(|user| !user.disabled)
    }

    /// Disables or enables a user; `false` when there is no such user.
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

/// Tokens of a user stop when the user is disabled.
#[async_trait]
impl SubjectGate for Users {
    async fn may_be_served(&self, subject: &Subject) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(self.is_enabled(subject))
    }
}
