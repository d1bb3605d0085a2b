use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{ClientDirectory, ClientStore, RegisteredClient, Supported};
use crate::client::Registration;
use crate::ports::Unavailable;
use crate::vocabulary::ClientId;

/// A [`ClientStore`] in memory, for tests and for servers that read their clients at start-up and edit them while they
/// run. Clones are one directory. Nothing is kept when the process ends, the numbers of deleted clients included.
///
/// ```
/// use regrant::authenticator::{ClientStore as _, MemoryClients, RegisteredClient};
/// use regrant::client::Registration;
/// use regrant::{Client, ClientId};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let clients = MemoryClients::new();
/// let spa = RegisteredClient::new(Client::public(ClientId::from_static("spa")), [])?;
/// assert_eq!(clients.put(&spa).await?, Registration(0));
/// assert!(clients.delete(&spa.client().id).await?);
/// assert_eq!(clients.put(&spa).await?, Registration(1)); // the grants of the deleted client are not its own
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryClients(Arc<Mutex<BTreeMap<ClientId, Entry>>>);

/// The last registration of an id, and the client unless it was deleted.
struct Entry {
    registration: Registration,
    registered: Option<RegisteredClient>,
}

impl MemoryClients {
    /// A directory without clients.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ClientId, Entry>> {
        // No code under this lock can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ClientDirectory for MemoryClients {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        Ok(self.entries().get(client_id).and_then(|entry| entry.registered.clone()))
    }

    async fn supported(&self) -> Result<Supported, Unavailable> {
        let entries = self.entries();
        let present = entries.values().filter_map(|entry| entry.registered.as_ref());
        Ok(Supported::join(present.map(|registered| Supported::of(&registered.client))))
    }
}

#[async_trait]
impl ClientStore for MemoryClients {
    async fn put(&self, registered: &RegisteredClient) -> Result<Registration, Unavailable> {
        let (id, Registration(given)) = (registered.client.id.clone(), registered.client.registration);
        let mut entries = self.entries();
        let stored = entries.get(&id).map_or(0, |Entry { registration: Registration(number), registered }| {
            number.saturating_add(registered.is_none().into())
        });
        let registration = Registration(given.max(stored));
        let registered = Some(registered.clone().with_registration(registration));
        entries.insert(id, Entry { registration, registered });
        Ok(registration)
    }

    async fn delete(&self, client_id: &ClientId) -> Result<bool, Unavailable> {
        Ok(self.entries().get_mut(client_id).and_then(|entry| entry.registered.take()).is_some())
    }

    async fn page(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<RegisteredClient>, Unavailable> {
        let entries = self.entries();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = entries.range::<ClientId, _>((from, Bound::Unbounded));
        Ok(behind.filter_map(|(_, entry)| entry.registered.clone()).take(limit).collect())
    }
}

impl fmt::Debug for MemoryClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryClients").finish_non_exhaustive()
    }
}
