//! The claims of the host, for every place in which they are read.

use super::TokenError;
use super::call::Call;
use crate::ports::host::{ClaimsError, ClaimsRequest, HostClaims};
use crate::ports::store::TokenStore;

impl<S: TokenStore> Call<'_, S> {
    /// Asks the host for its claims. Without a source nothing is asked, allocated or awaited.
    ///
    /// Asked before a decision is stored, so that a source that is down or wrong consumes nothing.
    ///
    /// # Errors
    /// [`TokenError::Claims`].
    pub(super) async fn host_claims(&self, request: ClaimsRequest<'_>) -> Result<HostClaims, TokenError> {
        let Some(source) = &self.service.0.claims_source else { return Ok(HostClaims::default()) };
        let claims = source.claims(&request).await.map_err(ClaimsError::Unavailable);
        let claims = claims.and_then(|claims| claims.checked(request.target));
        claims.map_err(|error| self.fail(TokenError::Claims(error)))
    }
}
