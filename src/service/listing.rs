//! Grants for pages of the host: one by its id, lists, and revocation by owner.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::grant::{Grant, GrantSummary};
use crate::outcome::{Operation, StoreCall};
use crate::ports::authenticator::ClientStore;
use crate::ports::store::{GrantIndex, GrantOwner, StoredGrant, TokenStore};
use crate::vocabulary::{ClientId, GrantId, Subject};

/// The number of grants that are read at a time when all grants of an owner are revoked.
const PAGE: usize = 100;

/// A page of live grants. To read all of them, ask for the page after `next` until that is `None`:
///
/// ```
#[doc = include_str!("example/begin.txt")]
/// use regrant::{GrantType, IssueRequest};
/// use regrant::store::GrantOwner;
///
/// for _ in 0..3 {
///     service.issue(&client, IssueRequest::new(GrantType::Password, approval.clone())).await?;
/// }
/// let (mut sessions, mut after) = (0, None);
/// loop {
///     let page = service.grants(&GrantOwner::Subject(demo.clone()), after, 2).await?;
///     sessions += page.grants.len();
///     after = page.next;
///     if after.is_none() {
///         break;
///     }
/// }
/// assert_eq!(sessions, 3);
#[doc = include_str!("example/end.txt")]
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantPage {
    /// The grants, in ascending order of id. Grants that have ended are left out, so a short page may have a next one.
    pub grants: Vec<GrantSummary>,
    /// The id to begin the next page after; `None` on the last page.
    ///
    /// It is the id of the last record that was examined, so pages stay stable while grants are created and revoked.
    pub next: Option<GrantId>,
}

impl<S: TokenStore> TokenService<S> {
    /// Returns the live grant with this id, for a page about one session. `None` when it never existed or has ended.
    ///
    /// The id comes from a request, so compare the [subject](crate::Approval::subject) with the signed-in user before
    /// anything of the grant is shown.
    ///
    /// # Errors
    /// The failure of the store.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let session = service.grant(tokens.grant_id).await?.filter(|grant| grant.approval.subject == Some(demo));
    /// assert_eq!(session.ok_or("not a session of this user")?.client_id, client.id);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn grant(&self, grant_id: GrantId) -> Result<Option<GrantSummary>, TokenError> {
        let call = Call::new(self, Operation::Grants);
        let _timer = self.timer(call.operation);
        let grant = call.load(grant_id).await?.map(|(grant, _)| grant);
        Ok(grant.filter(|grant| grant.is_live(self.now())).map(Grant::summary))
    }
}

impl<S: TokenStore + GrantIndex> TokenService<S> {
    /// Returns the live grants of a resource owner or client, for a "my sessions" page. The page begins after the id
    /// `after` and examines `limit` records, 1 to 1000.
    ///
    /// A record that cannot be read is left out and reported as
    /// [`EventKind::RecordCorrupt`](crate::event::EventKind::RecordCorrupt): it must not hide the others.
    ///
    /// # Errors
    /// The failure of the store.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    /// use regrant::store::GrantOwner;
    ///
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// let page = service.grants(&GrantOwner::Subject(demo.clone()), None, 20).await?;
    /// let session = &page.grants[0];
    /// println!("{} may {} since {}", session.client_id, session.approval.scope, session.created_at);
    /// assert_eq!(page.next, None);
    ///
    /// // The button beside it. The id comes from the form, so it may be that of another user's session.
    /// let id = session.id.to_string().parse()?;
    /// assert!(service.revoke_grant_of(&demo, id).await?);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn grants(
        &self,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<GrantPage, TokenError> {
        let call = Call::new(self, Operation::Grants);
        let _timer = self.timer(call.operation);
        let limit = limit.clamp(1, 1000);
        let page = call.page(owner, after, limit).await?;
        let next = page.last().filter(|_| page.len() == limit).map(|(id, _)| *id);
        let now = self.now();
        let readable = page.iter().filter_map(|(id, stored)| call.decode(*id, stored).ok());
        let grants = readable.filter(|(grant, _)| grant.is_live(now)).map(|(grant, _)| grant.summary()).collect();
        Ok(GrantPage { grants, next })
    }

    /// Revokes all grants of a resource owner, for example after a changed password or a closed account. Returns the
    /// number of grants that were alive.
    ///
    /// # Errors
    /// The first failure of the store. All grants that could be revoked are revoked. Call again until it succeeds.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval.clone())).await?;
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// assert_eq!(service.revoke_subject(&demo).await?, 2);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_subject(&self, subject: &Subject) -> Result<usize, TokenError> {
        self.revoke_all(&GrantOwner::Subject(subject.clone()), |_, _| Ok(true)).await
    }

    /// Revokes all grants of a client: call it when a client is deleted. Returns the number of grants that were alive.
    ///
    /// # Errors
    /// As for [`revoke_subject`](Self::revoke_subject).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// service.issue(&client, IssueRequest::client_credentials("read".parse()?)).await?;
    /// assert_eq!(service.revoke_client(&client.id).await?, 2);
    /// assert_eq!(service.revoke_client(&client.id).await?, 0); // nothing is left
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn revoke_client(&self, client_id: &ClientId) -> Result<usize, TokenError> {
        self.revoke_all(&GrantOwner::Client(client_id.clone()), |_, _| Ok(true)).await
    }

    /// Deletes a client from its directory, and then revokes all its grants. Returns the number of grants that were
    /// alive. In this order no new grant can follow.
    ///
    /// # Errors
    /// [`TokenError::Authenticator`] when the client may still be there, and as for
    /// [`revoke_subject`](Self::revoke_subject). Call again until it succeeds: the grants of a client that is gone
    /// already are revoked too.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::authenticator::MemoryClients;
    /// use regrant::{GrantType, IssueRequest};
    ///
    /// let clients = MemoryClients::new(); // the directory of the service
    /// service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    /// assert_eq!(service.delete_client(&clients, &client.id).await?, 1);
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn delete_client(&self, clients: &dyn ClientStore, client_id: &ClientId) -> Result<usize, TokenError> {
        let call = Call::new(self, Operation::DeleteClient).by(client_id);
        let deleted = clients.delete(client_id).await;
        deleted.map_err(|outage| call.fail(TokenError::Authenticator(outage.into())))?;
        self.revoke_client(client_id).await
    }

    /// Revokes the grants of an owner for which `is_meant` is true.
    pub(super) async fn revoke_all(
        &self,
        owner: &GrantOwner,
        is_meant: impl Fn(GrantId, &StoredGrant) -> Result<bool, TokenError>,
    ) -> Result<usize, TokenError> {
        let mut revoked = 0;
        let mut failure = None;
        let mut after = None;
        loop {
            let page = Call::new(self, Operation::RevokeGrant).page(owner, after, PAGE).await?;
            for (id, stored) in &page {
                let revocation = match is_meant(*id, stored) {
                    Ok(true) => self.revoke_grant(*id).await,
                    other => other,
                };
                match revocation {
                    Ok(was_live) => revoked += usize::from(was_live),
                    // A grant that cannot be revoked must not keep the others alive.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            after = page.last().map(|(id, _)| *id);
            if page.len() < PAGE {
                return failure.map_or(Ok(revoked), Err);
            }
        }
    }
}

impl<S: GrantIndex> Call<'_, S> {
    async fn page(
        &self,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, TokenError> {
        let inner = &self.service.0;
        let _timer = self.service.store_timer(StoreCall::Page);
        let page = inner.store.page(&inner.realm, owner, after, limit).await;
        page.map_err(|error| self.fail(TokenError::Store(error)))
    }
}
