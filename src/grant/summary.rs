use super::Approval;
use crate::vocabulary::{ClientId, GrantId, GrantType, Timestamp};

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// The client asked for it (RFC 7009).
    ClientRequest,
    /// The host asked for it: an administrator, a sign-out, a changed password.
    HostRequest,
    /// A spent refresh token was presented again (RFC 9700 section 4.14.2).
    RefreshTokenReuse,
    /// An authorization code was redeemed a second time (RFC 6749 section 4.1.2).
    CodeReuse,
}

impl RevocationReason {
    /// A short name, for logs and metric labels.
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

/// A grant as its resource owner or client may see it listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantSummary {
    /// Its handle, for [`TokenService::revoke_grant`](crate::TokenService::revoke_grant). Not a secret, but not for
    /// clients or resource servers either.
    pub id: GrantId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The flow that created it.
    pub grant_type: GrantType,
    /// What was approved.
    pub approval: Approval,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last refreshed or redeemed.
    pub last_used_at: Timestamp,
    /// When the last of it dies if nobody refreshes it; `None` is never.
    pub expires_at: Option<Timestamp>,
}
