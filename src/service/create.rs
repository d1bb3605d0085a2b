//! The creation of a grant in the store. No other call knows the id of a new grant, so no race can be lost and the
//! decision runs once. The device flow is the exception: its id follows from a short user code, and a new code is drawn
//! when the id is taken.

use super::TokenError;
use super::call::Call;
use super::commit::Written;
use crate::client::Client;
use crate::engine::{self, Context, TokenResponse, UnsignedResponse};
use crate::grant::Grant;
use crate::outcome::{EventKind, Refusal};
use crate::ports::store::{Expect, TokenStore};
use crate::vocabulary::{Confirmation, GrantType, PresentedKeys};

impl<S: TokenStore> Call<'_, S> {
    /// Creates a grant and its first tokens: decide, sign, store.
    ///
    /// # Errors
    /// The refusal of `decide`, and the failure of a port. No token was issued then.
    pub(super) async fn create_grant(
        &self,
        client: &Client,
        grant_type: &GrantType,
        possession: &PresentedKeys,
        bound: Option<&Confirmation>,
        decide: impl FnOnce(&Context<'_>) -> Result<(Grant, UnsignedResponse), Refusal>,
    ) -> Result<TokenResponse, TokenError> {
        let terms = self.terms(client, grant_type)?;
        let keys = self.prove(possession).await?;
        let key = engine::choose_key(keys, bound, &terms.policy).map_err(|refusal| self.refuse(refusal))?;
        let ctx = Context { key, ..self.service.context(client, &terms) };
        let (mut grant, unsigned) = decide(&ctx).map_err(|refusal| self.refuse(refusal))?;
        let response = self.sign(unsigned, client, &grant, &terms.policy).await?;
        self.insert(&mut grant, EventKind::Issued).await.map(|()| response)
    }

    /// Stores a new grant, and reports it.
    ///
    /// # Errors
    /// As for [`store_new`](Self::store_new).
    pub(super) async fn insert(&self, grant: &mut Grant, event: EventKind) -> Result<(), TokenError> {
        self.store_new(grant).await?;
        self.emit_for(event, grant);
        Ok(())
    }

    /// Stores a new grant.
    ///
    /// # Errors
    /// [`TokenError::Contended`] when there is a grant of its id, otherwise the failure of the store.
    pub(super) async fn store_new(&self, grant: &mut Grant) -> Result<(), TokenError> {
        match self.store(grant, Expect::Absent).await? {
            Written::Stored => Ok(()),
            Written::Lost(_) => Err(self.fail(TokenError::Contended)),
        }
    }

    /// Stores a new grant unless there is one of its id. Returns true when it is stored.
    ///
    /// # Errors
    /// The failure of the store.
    pub(super) async fn try_insert(&self, grant: &mut Grant, event: EventKind) -> Result<bool, TokenError> {
        let is_stored = matches!(self.store(grant, Expect::Absent).await?, Written::Stored);
        if is_stored {
            self.emit_for(event, grant);
        }
        Ok(is_stored)
    }
}
