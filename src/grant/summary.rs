use super::{Approval, Grant};
use crate::vocabulary::{ClientId, GrantId, GrantType, Timestamp};

/// The reason for the revocation of a grant. It is stored with the grant and reported as
/// [`EventKind::GrantRevoked`](crate::event::EventKind::GrantRevoked).
///
/// The last two reasons are signs of theft. Tell the user, and look at the events of the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// Requested by the client (RFC 7009).
    ClientRequest,
    /// Requested by the host: an administrator, a sign-out, a changed password.
    HostRequest,
    /// A spent refresh token was presented again (RFC 9700 section 4.14.2).
    RefreshTokenReuse,
    /// An authorization code was redeemed a second time (RFC 6749 section 4.1.2).
    CodeReuse,
}

impl RevocationReason {
    /// Returns a short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequest => "client_request",
            Self::HostRequest => "host_request",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::CodeReuse => "code_reuse",
        }
    }
}

/// A grant as its resource owner or client may see it in a list: one session of a "my sessions" page, one authorized
/// application, or one device that waits for its user.
///
/// Returned by [`TokenService::grants`](crate::TokenService::grants), which lists live grants, and by
/// [`TokenService::device`](crate::TokenService::device). It holds no secret and no digest of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantSummary {
    /// The handle for [`TokenService::revoke_grant`](crate::TokenService::revoke_grant). Not a secret, but do not show
    /// it to clients or resource servers.
    pub id: GrantId,
    /// The client that holds the grant.
    pub client_id: ClientId,
    /// The flow that created the grant.
    pub grant_type: GrantType,
    /// The approval that the grant stands for.
    pub approval: Approval,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last refresh or redemption.
    pub last_used_at: Timestamp,
    /// The expiry of the last token if the grant is not refreshed again; `None` is never.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    pub(crate) fn summary(self) -> GrantSummary {
        GrantSummary {
            id: self.id,
            expires_at: self.deletable_from(),
            client_id: self.client_id,
            grant_type: self.grant_type,
            approval: self.approval,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}
