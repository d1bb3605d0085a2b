use super::{Approval, Grant};
use crate::vocabulary::{ClientId, GrantId, GrantType, Timestamp};

/// The reason for the revocation of a grant. It is stored with the grant and reported as
/// [`EventKind::GrantRevoked`](crate::event::EventKind::GrantRevoked).
///
/// The last two reasons are signs of theft. Inform the user, and look at the events of the grant.
///
/// | reason | cause | an operator |
/// |---|---|---|
/// | `ClientRequest` | the user signed out, or the client no longer needs the grant | has nothing to do |
/// | `HostRequest` | a call of the host | has nothing to do |
/// | `RefreshTokenReuse` | two parties hold one chain, or a client keeps old tokens | looks for a client with many |
/// | `CodeReuse` | a code and its PKCE verifier leaked, or a client redeems twice | looks for the leak |
///
/// ```
/// use regrant::grant::RevocationReason;
///
/// let is_theft = |reason| matches!(reason, RevocationReason::RefreshTokenReuse | RevocationReason::CodeReuse);
/// assert!(is_theft(RevocationReason::CodeReuse));
/// assert!(!is_theft(RevocationReason::HostRequest));
/// assert_eq!(RevocationReason::HostRequest.as_str(), "host_request");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// Requested by the client with a refresh token (RFC 7009 section 2.1), or with the last access token of a grant
    /// without refresh token.
    ClientRequest,
    /// Requested by the host: an administrator, a sign-out, a changed password. The calls are
    /// [`revoke_grant`](crate::TokenService::revoke_grant), [`revoke_subject`](crate::TokenService::revoke_subject) and
    /// [`revoke_client`](crate::TokenService::revoke_client).
    HostRequest,
    /// A spent refresh token was presented again (RFC 9700 section 4.14.2). The service cannot know which of the two
    /// holders is the thief, so both lose the grant.
    RefreshTokenReuse,
    /// An authorization code was redeemed a second time (RFC 6749 section 4.1.2), by a presenter who passed every
    /// check.
    CodeReuse,
}

impl RevocationReason {
    /// Returns a short name, for logs and metric labels: the variant in `snake_case`. Names are stable, so alerts may
    /// compare them.
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
///
/// ```
/// use regrant::grant::GrantSummary;
///
/// /// One line of a "my sessions" page.
/// fn line(session: &GrantSummary) -> String {
///     let until = session.expires_at.map_or("revoked".to_owned(), |end| end.to_string());
///     format!("{}: {}, used {}, until {until}", session.client_id, session.approval.scope, session.last_used_at)
/// }
/// ```
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
    /// The approval that the grant stands for: subject, scope, resources, authentication, and the bytes of the host.
    /// Its [`data`](Approval::data) is the place for a device name or an address to show in the list.
    pub approval: Approval,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last refresh or redemption.
    pub last_used_at: Timestamp,
    /// The expiry of the last token if the grant is not refreshed again; `None` is never. For a device that waits: the
    /// expiry of its user code.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Returns client, flow and approval. Consumes the grant, so that the approval is not copied.
    pub(crate) fn into_approval(self: Box<Self>) -> (ClientId, GrantType, Approval) {
        (self.client_id, self.grant_type, self.approval)
    }

    /// Returns the public part of the grant. Consumes the grant: the approval moves, and no digest stays behind in a
    /// value that a host might serialize.
    pub(crate) fn summary(self: Box<Self>) -> GrantSummary {
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
