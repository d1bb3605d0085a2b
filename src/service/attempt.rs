//! The limit of attempts to guess a credential. ARCHITECTURE.md, order of checks: limit.

use std::sync::Arc;

use super::call::Call;
use super::{TokenError, TokenService};
use crate::outcome::Operation;
use crate::ports::host::{Admission, Attempt, AttemptKind, AttemptOutcome, RateLimit};
use crate::ports::store::TokenStore;
use crate::vocabulary::{ClientId, Peer};

/// An admitted attempt, whose outcome the limit has not been told yet. Nothing without a limit.
#[must_use = "an attempt that is not settled counts as failed"]
pub(crate) struct Permit<'a>(Option<(&'a dyn RateLimit, Attempt<'a>)>);

impl Permit<'_> {
    /// Tells the limit the outcome.
    pub(crate) async fn settle(self, outcome: AttemptOutcome) {
        if let Some((limit, attempt)) = self.0 {
            limit.settle(&attempt, outcome).await;
        }
    }
}

impl<S> TokenService<S> {
    /// Returns the same service for the requests of one sender: by it the [`RateLimit`] counts the attempts of each
    /// call, and events name it. Use it for calls that do not come through [`Endpoints`](crate::wire::Endpoints), such
    /// as those of the page where users of devices enter their code. On a page behind a sign-in the sender is the user.
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::device::UserCode;
    /// use regrant::host::{AttemptLimit, Peer};
    /// use regrant::TokenError;
    ///
    /// let limit = AttemptLimit::new(5, Duration::from_secs(60));
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).rate_limit(limit).build()?;
    ///
    /// let service = service.for_peer(Peer::new("user demo")?);
    /// for _ in 0..5 {
    ///     assert!(service.device(&UserCode::parse("WDJB-MJHT")?).await?.is_none()); // a guess
    /// }
    /// let limited = service.device(&UserCode::parse("WDJB-MJHT")?).await;
    /// assert!(matches!(limited, Err(error @ TokenError::RateLimited { .. }) if error.code().status() == 429));
    #[doc = include_str!("example/end.txt")]
    /// ```
    #[must_use]
    pub fn for_peer(&self, peer: impl Into<Option<Peer>>) -> Self {
        Self(Arc::clone(&self.0), peer.into())
    }
}

impl<S: TokenStore> TokenService<S> {
    /// Asks the limit whether an endpoint may check a credential that is not that of a client. `client_id` is the
    /// client that has authenticated, if there is one.
    ///
    /// # Errors
    /// [`TokenError::RateLimited`] and [`TokenError::RateLimit`].
    pub(crate) async fn permit<'a>(
        &'a self,
        operation: Operation,
        kind: AttemptKind,
        client_id: Option<&'a ClientId>,
        peer: Option<&'a Peer>,
    ) -> Result<Permit<'a>, TokenError> {
        let call = Call::new(self, operation).from(peer);
        client_id.map_or(call, |client_id| call.by(client_id)).permit(kind, client_id).await
    }
}

impl<'a, S: TokenStore> Call<'a, S> {
    /// Asks the limit whether a credential may be checked. `client_id` is a claim and does not get into the events.
    ///
    /// # Errors
    /// [`TokenError::RateLimited`], for right and wrong credentials alike, and [`TokenError::RateLimit`].
    pub(super) async fn permit(
        &self,
        kind: AttemptKind,
        client_id: Option<&'a ClientId>,
    ) -> Result<Permit<'a>, TokenError> {
        let Some(limit) = self.service.0.rate_limit.as_deref() else { return Ok(Permit(None)) };
        let attempt = Attempt::new(kind, self.service.now()).with_client_id(client_id).with_peer(self.peer);
        match limit.admit(&attempt).await {
            Ok(Admission::Admitted) => Ok(Permit(Some((limit, attempt)))),
            Ok(Admission::Refused { retry_after }) => Err(self.fail(TokenError::RateLimited { retry_after })),
            Err(outage) => Err(self.fail(TokenError::RateLimit(outage))),
        }
    }
}
