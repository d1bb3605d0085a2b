use std::error::Error;

use super::CredentialRefusal;
use crate::ports::Unavailable;
use crate::vocabulary::ClientId;

/// The reason why a client could not be authenticated: a refusal (`invalid_client`) or an outage (503).
///
/// ```
/// use regrant::authenticator::{AuthenticateError, CredentialRefusal};
///
/// let refused = AuthenticateError::refused(CredentialRefusal::UnknownClient);
/// assert_eq!(refused.refusal(), Some(CredentialRefusal::UnknownClient));
/// let outage = AuthenticateError::unavailable("the directory is down");
/// assert!(!outage.is_refused());
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuthenticateError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("client authentication failed: {1}")]
    Refused(Option<ClientId>, CredentialRefusal),
    #[error("client authentication is unavailable")]
    Unavailable(#[source] Unavailable),
}

impl AuthenticateError {
    /// A refusal of the credentials. The reason is for events: the client gets the same response for every reason.
    #[must_use]
    pub const fn refused(reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(None, reason))
    }

    /// A refusal of the credentials of a registered client. Events name the client; the client itself learns no more
    /// than from [`refused`](Self::refused).
    ///
    /// Never pass an id that is not registered. A client that mixes up its fields sends its secret as the id, and the
    /// id would reach the log.
    #[must_use]
    pub const fn refused_known(client_id: ClientId, reason: CredentialRefusal) -> Self {
        Self(Cause::Refused(Some(client_id), reason))
    }

    /// An outage: the authenticator cannot decide now.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Cause::Unavailable(Unavailable::new(cause)))
    }

    /// Returns true if the credentials are not accepted, and false for an outage.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refusal().is_some()
    }

    /// Returns the reason of a refusal, and `None` for an outage.
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

impl From<Unavailable> for AuthenticateError {
    fn from(outage: Unavailable) -> Self {
        Self::unavailable(outage)
    }
}
