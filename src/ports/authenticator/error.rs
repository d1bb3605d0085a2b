use std::error::Error;

use super::CredentialRefusal;
use crate::vocabulary::ClientId;

/// Why a client could not be authenticated.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuthenticateError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("client authentication failed: {1}")]
    Refused(Option<ClientId>, CredentialRefusal),
    #[error("client authentication is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl AuthenticateError {
    /// The credentials are not accepted. The reason is for the host: the client is told the same whatever it is.
    #[must_use]
    pub const fn refused(reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(None, reason))
    }

    /// The credentials of this registered client are not accepted. The client learns no more than from
    /// [`refused`](Self::refused), but events name it. An id that is not registered belongs in no log: a client that mixes
    /// up its fields sends secrets as ids.
    #[must_use]
    pub const fn refused_known(client_id: ClientId, reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(Some(client_id), reason))
    }

    /// It cannot be told now; the next attempt may succeed.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Cause::Unavailable(source.into()))
    }

    /// Whether the credentials are not accepted.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refusal().is_some()
    }

    /// The reason for which the credentials are not accepted; `None` when that cannot be told now.
    #[must_use]
    pub const fn refusal(&self) -> Option<CredentialRefusal> {
        match &self.0 {
            Cause::Refused(_, reason) => Some(*reason),
            Cause::Unavailable(_) => None,
        }
    }

    pub(crate) const fn known_client(&self) -> Option<&ClientId> {
        match &self.0 {
            Cause::Refused(client_id, _) => client_id.as_ref(),
            Cause::Unavailable(_) => None,
        }
    }
}
