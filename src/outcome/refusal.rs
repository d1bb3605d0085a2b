//! Reasons of refusals, and the only place that maps them to error codes.

use crate::outcome::ErrorCode;
use crate::ports::authenticator::CredentialRefusal;
use crate::ports::proof::ProofFault;

/// The reason of a refusal, for events and logs.
///
/// The client sees only the [`ErrorCode`] that the reason maps to. An attacker must not learn the difference between an
/// unknown token, an expired one and the token of another client.
///
/// Most refusals are everyday events. These need an operator:
///
/// | refusal | likely cause | do |
/// |---|---|---|
/// | `RefreshTokenReused` | theft, or a client that keeps old tokens | look for a client that causes many |
/// | `RootMismatch` | a leaked key of the ring, or a restored backup | replace the key unless a restore explains it |
/// | `SuccessorMismatch` | two nodes with different keys under one key id | compare their key rings |
/// | `TokenUnrecognized`, many at once | a key was dropped too early | add it as a former key |
/// | `RefreshTokenForked` | the store lost acknowledged writes, or theft after such a loss | look at its replication |
/// | `ClockBehind` | clocks more than 5 s apart | synchronize the nodes |
///
/// ```
/// use regrant::Refusal;
/// use regrant::event::ErrorCode;
///
/// assert_eq!(Refusal::OtherClient.code(), ErrorCode::InvalidGrant);
/// assert_eq!(Refusal::RefreshTokenExpired.code(), ErrorCode::InvalidGrant);
/// assert_eq!(Refusal::ScopeExceeded.code(), ErrorCode::InvalidScope);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The client is unknown, its credentials are wrong, or its authentication method is not registered.
    #[error("client authentication failed: {0}")]
    ClientAuthenticationFailed(CredentialRefusal),
    /// The service did not issue the token for this use. The token is garbage, truncated, of another kind or realm,
    /// or sealed with a key that was dropped. Nothing was loaded: garbage costs no I/O.
    #[error("token not recognized")]
    TokenUnrecognized,
    /// The token is genuine, but the store has no such grant: it expired and was purged. Many at once mean that the
    /// store lost records.
    #[error("grant unknown")]
    GrantUnknown,
    /// The token was issued to another client. The grant lives on: a foreign client must not be able to end it.
    #[error("token belongs to another client")]
    OtherClient,
    /// The token was issued to an earlier registration of this client id, see
    /// [`Client::registration`](crate::Client::registration).
    #[error("token belongs to an earlier registration of the client")]
    OtherRegistration,
    /// The host asked for the revocation of a grant of one resource owner, and the grant has another one
    /// ([`TokenService::revoke_grant_of`](crate::TokenService::revoke_grant_of)). A user who tries the ids of other
    /// users' sessions looks like this. The event names the owner of the grant.
    #[error("grant belongs to another resource owner")]
    OtherSubject,
    /// The grant is bound to a key, and the request does not prove possession of that key. A stolen token looks like
    /// this, and does not count as reuse: the request says nothing about the owner of the key.
    #[error("proof of possession missing or of another key")]
    ProofOfPossessionFailed,
    /// The policy requires a DPoP proof, or a proof or certificate, and the request has none.
    #[error("proof of possession missing")]
    ProofMissing,
    /// The policy requires a client certificate, and the request has none.
    #[error("client certificate missing")]
    CertificateMissing,
    /// The DPoP proof is not valid for this request, or was used before.
    #[error("proof of possession invalid: {0}")]
    ProofInvalid(ProofFault),
    /// The nonce of the DPoP proof is missing or no longer accepted.
    #[error("proof of possession without the nonce")]
    ProofNonceRequired,
    /// The policy requires client authentication with a private key: `private_key_jwt` (RFC 7523) or a certificate (RFC
    /// 8705).
    #[error("client authentication without a private key")]
    AuthenticationTooWeak,
    /// The user of the device has not decided yet (RFC 8628 section 3.5). Normal while a device waits.
    #[error("authorization pending")]
    AuthorizationPending,
    /// The device polls more often than allowed. Each such poll lengthens the interval.
    #[error("polled too fast")]
    PolledTooFast,
    /// The device code has expired.
    #[error("device code expired")]
    DeviceCodeExpired,
    /// The user of the device denied the request.
    #[error("denied by the resource owner")]
    DeniedByOwner,
    /// No device waits for this user code. The code was mistyped, has expired, or was decided before. Many of them are
    /// guesses: limit the rate of the verification page (RFC 8628 section 5.1).
    #[error("user code unknown")]
    UserCodeUnknown,
    /// The access token has expired, was revoked alone, or made room for newer ones of its grant.
    #[error("access token not active")]
    AccessTokenInactive,
    /// The access token does not have the scope `openid`, which the userinfo endpoint requires (OpenID Connect Core
    /// section 5.3.1).
    #[error("scope insufficient")]
    ScopeInsufficient,
    /// The access token has no resource owner, and the userinfo endpoint describes one.
    #[error("access token without a resource owner")]
    SubjectMissing,
    /// The `id_token_hint` of a logout is not an `id_token` of this service, or its signing key is no longer held. The
    /// host decides about the logout, as without a hint.
    #[error("id_token hint not accepted")]
    IdTokenHintInvalid,
    /// The `post_logout_redirect_uri` of a logout is not registered for the client, or there is no client. The logout
    /// ends without a redirection.
    #[error("post logout redirect URI not registered")]
    PostLogoutRedirectUriNotRegistered,
    /// The subject token or the actor token is not active, or this client may not exchange it (RFC 8693).
    #[error("token not exchangeable")]
    SubjectTokenInvalid,
    /// The `may_act` of the subject token names another actor, or the chain of actors is too long.
    #[error("actor not allowed")]
    ActorNotAllowed,
    /// The grant was revoked.
    #[error("grant revoked")]
    GrantRevoked,
    /// The grant has expired. So has a grant in its last second, since an access token lives for at least a whole
    /// second.
    #[error("grant expired")]
    GrantExpired,
    /// The [`SubjectGate`](crate::host::SubjectGate) of the host refused the resource owner. The grant lives on, and is
    /// served again when the gate allows it.
    #[error("subject not served")]
    SubjectNotServed,
    /// The refresh token has expired. The user was away for longer than `refresh_token_lifetime`.
    #[error("refresh token expired")]
    RefreshTokenExpired,
    /// The refresh token does not contain the root of its grant. A key of the ring sealed the token, but the grant
    /// never issued it: the key has leaked, or the record was rolled back to a time before the redemption.
    #[error("refresh token without the root of its grant")]
    RootMismatch,
    /// The refresh token was presented more often than the policy allows: reuse.
    #[error("too many replays of the refresh token")]
    ReplayLimitReached,
    /// The refresh token was retired in the future: the clock stepped back, or the clock of another node runs ahead.
    /// The age of the token is unknown, so the client gets 503 and tries again.
    #[error("clock behind the record")]
    ClockBehind,
    /// The successor derived from the refresh token differs from the recorded one: two nodes have different keys
    /// under one key id, or the record is damaged. The client gets 503, since a node with the right key can answer.
    #[error("derived successor differs from the recorded one")]
    SuccessorMismatch,
    /// The refresh token is spent: reuse (RFC 9700 section 4.14.2). By default the grant is revoked.
    #[error("refresh token reused")]
    RefreshTokenReused,
    /// Two refresh tokens of one generation exist. The store lost a write, and the rotation was done twice.
    #[error("refresh token forked")]
    RefreshTokenForked,
    /// The refresh token is ahead of its record, and the policy forbids healing.
    #[error("refresh token ahead of its record")]
    RefreshTokenAhead,
    /// The authorization code has expired. Often a client that redeems it late, or a slow network.
    #[error("authorization code expired")]
    CodeExpired,
    /// The code was redeemed before, by the same client with the same keys and verifier. The grant is revoked.
    #[error("authorization code reused")]
    CodeReused,
    /// The code was redeemed before, and this request lacks the keys or the verifier of the first one. The grant
    /// lives on, so that a stolen code cannot end it.
    #[error("authorization code already redeemed")]
    CodeSpent,
    /// The redirect URI differs from that of the authorization request, or is missing (RFC 6749 section 4.1.3). An
    /// injected code looks like this.
    #[error("redirect URI mismatch")]
    RedirectUriMismatch,
    /// The code verifier does not match the challenge, or is missing (RFC 7636 section 4.6). A stolen code looks like
    /// this.
    #[error("code verifier mismatch")]
    CodeVerifierMismatch,
    /// The code verifier has less than 43 or more than 128 characters, or others than `A-Z a-z 0-9 - . _ ~` (RFC 7636
    /// section 4.1). A client that encodes its verifier as standard base64, with `+`, `/` and `=`, looks like this.
    #[error("code verifier malformed")]
    CodeVerifierMalformed,
    /// The authorization request had no challenge, but the request has a code verifier: a downgrade (RFC 9700 section
    /// 4.8.2).
    #[error("code verifier without challenge")]
    CodeVerifierUnexpected,
    /// The policy requires a PKCE challenge, and the authorization request has none.
    #[error("code challenge required")]
    CodeChallengeRequired,
    /// The redirect URI of the authorization request is not registered.
    #[error("redirect URI not registered")]
    RedirectUriNotRegistered,
    /// The policy requires that authorization requests are pushed, and the request has no redirect URI (FAPI 2.0
    /// Security Profile section 5.3.2.2).
    #[error("redirect URI missing")]
    RedirectUriMissing,
    /// The authorization request names a client that is not registered.
    #[error("client unknown")]
    ClientUnknown,
    /// The request object of the authorization request was not accepted (RFC 9101 section 6).
    #[error("request object not accepted: {0}")]
    RequestObjectRefused(CredentialRefusal),
    /// The client must sign its authorization requests
    /// ([`Client::require_signed_request_object`](crate::Client::require_signed_request_object), or
    /// [`Policy::require_signed_request_object`](crate::Policy::require_signed_request_object)), and the request has
    /// no request object.
    #[error("request object required")]
    RequestObjectRequired,
    /// The policy requires that authorization requests are pushed
    /// ([`require_pushed_authorization_requests`](crate::Policy::require_pushed_authorization_requests)), and the
    /// request was not.
    #[error("pushed authorization request required")]
    PushedRequestRequired,
    /// The parameters of a pushed authorization request have more than 16 KiB.
    #[error("pushed authorization request too large")]
    PushedRequestTooLarge,
    /// The `request_uri` is none of this service, or its record is gone: it expired and was purged.
    #[error("pushed authorization request unknown")]
    PushedRequestUnknown,
    /// The `request_uri` was issued to another client, or to an earlier registration of this one.
    #[error("pushed authorization request of another client")]
    PushedRequestOfOtherClient,
    /// The `request_uri` has expired: the browser came late, or the user took too long to decide.
    #[error("pushed authorization request expired")]
    PushedRequestExpired,
    /// A code was issued for the `request_uri` before. Often a user who went back in the browser.
    #[error("pushed authorization request used")]
    PushedRequestUsed,
    /// The client may not use this grant type.
    #[error("grant type not allowed for the client")]
    GrantTypeNotAllowed,
    /// The policy issues refresh tokens for the scope `offline_access` only
    /// ([`require_offline_access`](crate::Policy::require_offline_access)). The grant lacks that scope, or the client
    /// is no longer registered for it. The grant lives on.
    #[error("offline access not granted")]
    OfflineAccessNotGranted,
    /// The request names no scope, and the client has no default scope.
    #[error("scope missing")]
    ScopeMissing,
    /// The client is no longer registered for any part of the granted scope.
    #[error("scope withdrawn")]
    ScopeWithdrawn,
    /// The client is no longer registered for any of the granted resources.
    #[error("resources withdrawn")]
    ResourceWithdrawn,
    /// The request exceeds the scope of the grant or of the client's registration.
    #[error("scope exceeded")]
    ScopeExceeded,
    /// The request names a resource outside of the grant or of the client's registration.
    #[error("resource exceeded")]
    ResourceExceeded,
    /// The request names authorization details that were not granted, or of a type that the client is not registered
    /// for ([`authorization_details_types`](crate::Client::authorization_details_types)).
    #[error("authorization details exceeded")]
    AuthorizationDetailsExceeded,
    /// The client is no longer registered for any type of the granted authorization details.
    #[error("authorization details withdrawn")]
    AuthorizationDetailsWithdrawn,
    /// The host denied the approval: the credentials of the resource owner, or the assertion, were not accepted.
    #[error("approval denied")]
    ApprovalDenied,
    /// A public client asked for introspection, which requires authentication.
    #[error("introspection by a public client")]
    PublicCaller,
    /// The grant has issued 2^32 tokens, which is the maximum.
    #[error("grant exhausted")]
    GrantExhausted,
}

impl Refusal {
    /// Returns a short name, for logs and metric labels. For a variant with a reason, the name of the reason.
    ///
    /// ```
    /// use regrant::Refusal;
    /// use regrant::proof::ProofFault;
    ///
    /// assert_eq!(Refusal::GrantRevoked.as_str(), "grant_revoked");
    /// assert_eq!(Refusal::ProofInvalid(ProofFault::Used).as_str(), "proof_used");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAuthenticationFailed(reason) | Self::RequestObjectRefused(reason) => reason.as_str(),
            Self::TokenUnrecognized => "token_unrecognized",
            Self::GrantUnknown => "grant_unknown",
            Self::OtherClient => "other_client",
            Self::OtherRegistration => "other_registration",
            Self::OtherSubject => "other_subject",
            Self::ProofOfPossessionFailed => "proof_of_possession_failed",
            Self::ProofMissing => "proof_missing",
            Self::CertificateMissing => "certificate_missing",
            Self::ProofInvalid(fault) => fault.as_str(),
            Self::ProofNonceRequired => "proof_nonce_required",
            Self::AuthenticationTooWeak => "authentication_too_weak",
            Self::AuthorizationPending => "authorization_pending",
            Self::PolledTooFast => "polled_too_fast",
            Self::DeviceCodeExpired => "device_code_expired",
            Self::DeniedByOwner => "denied_by_owner",
            Self::UserCodeUnknown => "user_code_unknown",
            Self::AccessTokenInactive => "access_token_inactive",
            Self::ScopeInsufficient => "scope_insufficient",
            Self::SubjectMissing => "subject_missing",
            Self::IdTokenHintInvalid => "id_token_hint_invalid",
            Self::PostLogoutRedirectUriNotRegistered => "post_logout_redirect_uri_not_registered",
            Self::SubjectTokenInvalid => "subject_token_invalid",
            Self::ActorNotAllowed => "actor_not_allowed",
            Self::GrantRevoked => "grant_revoked",
            Self::GrantExpired => "grant_expired",
            Self::SubjectNotServed => "subject_not_served",
            Self::RefreshTokenExpired => "refresh_token_expired",
            Self::RootMismatch => "root_mismatch",
            Self::SuccessorMismatch => "successor_mismatch",
            Self::ScopeWithdrawn => "scope_withdrawn",
            Self::ResourceWithdrawn => "resource_withdrawn",
            Self::ReplayLimitReached => "replay_limit_reached",
            Self::ClockBehind => "clock_behind",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::RefreshTokenForked => "refresh_token_forked",
            Self::RefreshTokenAhead => "refresh_token_ahead",
            Self::CodeExpired => "code_expired",
            Self::CodeReused => "code_reused",
            Self::CodeSpent => "code_spent",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
            Self::CodeVerifierMismatch => "code_verifier_mismatch",
            Self::CodeVerifierMalformed => "code_verifier_malformed",
            Self::CodeVerifierUnexpected => "code_verifier_unexpected",
            Self::CodeChallengeRequired => "code_challenge_required",
            Self::RedirectUriNotRegistered => "redirect_uri_not_registered",
            Self::RedirectUriMissing => "redirect_uri_missing",
            Self::ClientUnknown => "client_unknown",
            Self::RequestObjectRequired => "request_object_required",
            Self::PushedRequestRequired => "pushed_request_required",
            Self::PushedRequestTooLarge => "pushed_request_too_large",
            Self::PushedRequestUnknown => "pushed_request_unknown",
            Self::PushedRequestOfOtherClient => "pushed_request_of_other_client",
            Self::PushedRequestExpired => "pushed_request_expired",
            Self::PushedRequestUsed => "pushed_request_used",
            Self::GrantTypeNotAllowed => "grant_type_not_allowed",
            Self::OfflineAccessNotGranted => "offline_access_not_granted",
            Self::ScopeMissing => "scope_missing",
            Self::ScopeExceeded => "scope_exceeded",
            Self::ResourceExceeded => "resource_exceeded",
            Self::AuthorizationDetailsExceeded => "authorization_details_exceeded",
            Self::AuthorizationDetailsWithdrawn => "authorization_details_withdrawn",
            Self::ApprovalDenied => "approval_denied",
            Self::PublicCaller => "public_caller",
            Self::GrantExhausted => "grant_exhausted",
        }
    }

    /// Returns the error code. The match is exhaustive, so that a new reason must choose its code.
    ///
    /// `invalid_grant` is for refusals that no retry can change. A refusal that another node could answer
    /// ([`ClockBehind`](Self::ClockBehind), [`SuccessorMismatch`](Self::SuccessorMismatch)) is
    /// `temporarily_unavailable`, so that the client keeps its tokens.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::ClientAuthenticationFailed(_) | Self::AuthenticationTooWeak | Self::PublicCaller => {
                ErrorCode::InvalidClient
            }
            Self::TokenUnrecognized
            | Self::GrantUnknown
            | Self::OtherClient
            | Self::OtherRegistration
            | Self::OtherSubject
            | Self::ProofOfPossessionFailed
            | Self::GrantRevoked
            | Self::GrantExpired
            | Self::SubjectNotServed
            | Self::RefreshTokenExpired
            | Self::RootMismatch
            | Self::ScopeWithdrawn
            | Self::ResourceWithdrawn
            | Self::AuthorizationDetailsWithdrawn
            | Self::ReplayLimitReached
            | Self::RefreshTokenReused
            | Self::RefreshTokenForked
            | Self::RefreshTokenAhead
            | Self::CodeExpired
            | Self::CodeReused
            | Self::CodeSpent
            | Self::RedirectUriMismatch
            | Self::CodeVerifierMismatch
            | Self::CodeVerifierMalformed
            | Self::CodeVerifierUnexpected
            | Self::OfflineAccessNotGranted
            | Self::ApprovalDenied
            | Self::UserCodeUnknown
            | Self::GrantExhausted => ErrorCode::InvalidGrant,
            Self::AccessTokenInactive | Self::SubjectMissing => ErrorCode::InvalidToken,
            Self::ScopeInsufficient => ErrorCode::InsufficientScope,
            Self::ProofMissing | Self::ProofInvalid(_) => ErrorCode::InvalidDpopProof,
            Self::ProofNonceRequired => ErrorCode::UseDpopNonce,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::PolledTooFast => ErrorCode::SlowDown,
            Self::DeviceCodeExpired => ErrorCode::ExpiredToken,
            Self::DeniedByOwner => ErrorCode::AccessDenied,
            Self::ClockBehind | Self::SuccessorMismatch => ErrorCode::TemporarilyUnavailable,
            Self::CodeChallengeRequired
            | Self::RedirectUriNotRegistered
            | Self::RedirectUriMissing
            | Self::ClientUnknown
            | Self::RequestObjectRequired
            | Self::PushedRequestRequired
            | Self::PushedRequestTooLarge
            | Self::CertificateMissing
            | Self::IdTokenHintInvalid
            | Self::PostLogoutRedirectUriNotRegistered
            | Self::SubjectTokenInvalid
            | Self::ActorNotAllowed => ErrorCode::InvalidRequest,
            Self::PushedRequestUnknown
            | Self::PushedRequestOfOtherClient
            | Self::PushedRequestExpired
            | Self::PushedRequestUsed => ErrorCode::InvalidRequestUri,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::ScopeMissing | Self::ScopeExceeded => ErrorCode::InvalidScope,
            Self::ResourceExceeded => ErrorCode::InvalidTarget,
            Self::RequestObjectRefused(_) => ErrorCode::InvalidRequestObject,
            Self::AuthorizationDetailsExceeded => ErrorCode::InvalidAuthorizationDetails,
        }
    }
}
