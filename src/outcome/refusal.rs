//! Why a request was refused: facts for events and logs, and the one place where they become protocol words.

use crate::outcome::ErrorCode;
use crate::ports::authenticator::CredentialRefusal;
use crate::ports::proof::ProofFault;

/// A fact that makes the service say no. It is told to the host, never to the client, which sees only the
/// [`ErrorCode`] it maps to: the difference between "unknown", "expired" and "another client's" is no attacker's business.
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
    /// Unknown client, wrong credentials, or a method that is not registered.
    #[error("client authentication failed: {0}")]
    ClientAuthenticationFailed(CredentialRefusal),
    /// The token was not sealed by this service for this use: garbage, cut, another kind, another realm, a dropped key.
    #[error("token not recognized")]
    TokenUnrecognized,
    /// A genuine token whose grant the store does not hold: expired and purged.
    #[error("grant unknown")]
    GrantUnknown,
    /// The token was issued to another client.
    #[error("token belongs to another client")]
    OtherClient,
    /// The token was issued to an earlier registration of this client id.
    #[error("token belongs to an earlier registration of the client")]
    OtherRegistration,
    /// The grant is bound to a key that the request does not prove to hold.
    #[error("proof of possession missing or of another key")]
    ProofOfPossessionFailed,
    /// The policy demands a DPoP proof, or a proof or certificate, and the request has none.
    #[error("proof of possession missing")]
    ProofMissing,
    /// The policy demands a client certificate, and the request came without one.
    #[error("client certificate missing")]
    CertificateMissing,
    /// The DPoP proof is not valid for this request, or was used before.
    #[error("proof of possession invalid: {0}")]
    ProofInvalid(ProofFault),
    /// The DPoP proof has no nonce, or one that is no longer accepted.
    #[error("proof of possession without the nonce")]
    ProofNonceRequired,
    /// The policy demands that the client authenticates with a private key, and it did not.
    #[error("client authentication without a private key")]
    AuthenticationTooWeak,
    /// The user of the device has not decided yet.
    #[error("authorization pending")]
    AuthorizationPending,
    /// The device polls more often than it may.
    #[error("polled too fast")]
    PolledTooFast,
    /// The device code has expired.
    #[error("device code expired")]
    DeviceCodeExpired,
    /// The user of the device said no.
    #[error("denied by the resource owner")]
    DeniedByOwner,
    /// Nobody waits for this user code: it was mistyped, has expired, or has been decided.
    #[error("user code unknown")]
    UserCodeUnknown,
    /// The token to exchange, or that of the actor, is not active or not for this client to exchange.
    #[error("token not exchangeable")]
    SubjectTokenInvalid,
    /// The token to exchange names who may act, and this actor is another one, or the chain of actors is too long.
    #[error("actor not allowed")]
    ActorNotAllowed,
    /// The grant was revoked.
    #[error("grant revoked")]
    GrantRevoked,
    /// The grant has reached its absolute end, or its last second: an access token would not live for a whole one.
    #[error("grant expired")]
    GrantExpired,
    /// The host no longer serves this resource owner.
    #[error("subject not served")]
    SubjectNotServed,
    /// The refresh token has expired.
    #[error("refresh token expired")]
    RefreshTokenExpired,
    /// The refresh token does not carry the root of its grant: a key of the ring sealed it, but the grant never issued
    /// it. The key has leaked, or the record was rolled back to before its redemption.
    #[error("refresh token without the root of its grant")]
    RootMismatch,
    /// The refresh token was presented again more often than the policy allows: reuse.
    #[error("too many replays of the refresh token")]
    ReplayLimitReached,
    /// The refresh token was retired in the future: the clock stepped back, or another node's runs ahead. Neither inside
    /// grace nor theft, so the service answers that it is to be tried again.
    #[error("clock behind the record")]
    ClockBehind,
    /// The successor derived from the refresh token is not the one that the record knows: two nodes have different keys
    /// under one key id, or the record is damaged. To be tried again, at a node that has the right key.
    #[error("derived successor differs from the recorded one")]
    SuccessorMismatch,
    /// A spent refresh token: reuse.
    #[error("refresh token reused")]
    RefreshTokenReused,
    /// Two different refresh tokens of one generation exist: the store lost a write and the rotation was done twice.
    #[error("refresh token forked")]
    RefreshTokenForked,
    /// The refresh token is ahead of its record, and the policy does not heal.
    #[error("refresh token ahead of its record")]
    RefreshTokenAhead,
    /// The authorization code has expired.
    #[error("authorization code expired")]
    CodeExpired,
    /// The code was redeemed before, and this presenter holds all that the redeemer held: the grant is revoked.
    #[error("authorization code reused")]
    CodeReused,
    /// The code was redeemed before, and this presenter does not hold all that the redeemer held.
    #[error("authorization code already redeemed")]
    CodeSpent,
    /// The redirect URI is not that of the authorization request, or is missing though it was in it.
    #[error("redirect URI mismatch")]
    RedirectUriMismatch,
    /// The code verifier does not answer the challenge, or is missing though there was one.
    #[error("code verifier mismatch")]
    CodeVerifierMismatch,
    /// A code verifier was sent though there was no challenge: a downgrade (RFC 9700 section 4.8.2).
    #[error("code verifier without challenge")]
    CodeVerifierUnexpected,
    /// The authorization request had no PKCE challenge though the policy asks for one.
    #[error("code challenge required")]
    CodeChallengeRequired,
    /// The redirect URI of the authorization request is not registered.
    #[error("redirect URI not registered")]
    RedirectUriNotRegistered,
    /// The client may not use this grant type.
    #[error("grant type not allowed for the client")]
    GrantTypeNotAllowed,
    /// The request names no scope, and the client has no default one.
    #[error("scope missing")]
    ScopeMissing,
    /// Nothing of the granted scope is still registered for the client.
    #[error("scope withdrawn")]
    ScopeWithdrawn,
    /// None of the granted resources is still registered for the client.
    #[error("resources withdrawn")]
    ResourceWithdrawn,
    /// More scope than the grant or the client's registration holds.
    #[error("scope exceeded")]
    ScopeExceeded,
    /// A resource that the grant or the client's registration does not hold.
    #[error("resource exceeded")]
    ResourceExceeded,
    /// The resource owner's credentials, or whatever the flow shows in their place, were not accepted.
    #[error("approval denied")]
    ApprovalDenied,
    /// A public client asked for introspection, which only authenticated callers may.
    #[error("introspection by a public client")]
    PublicCaller,
    /// The grant has issued as many tokens as it can number (2^32).
    #[error("grant exhausted")]
    GrantExhausted,
}

impl Refusal {
    /// A short name, for logs and metric labels: that of the reason where there is one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAuthenticationFailed(reason) => reason.as_str(),
            Self::TokenUnrecognized => "token_unrecognized",
            Self::GrantUnknown => "grant_unknown",
            Self::OtherClient => "other_client",
            Self::OtherRegistration => "other_registration",
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
            Self::CodeVerifierUnexpected => "code_verifier_unexpected",
            Self::CodeChallengeRequired => "code_challenge_required",
            Self::RedirectUriNotRegistered => "redirect_uri_not_registered",
            Self::GrantTypeNotAllowed => "grant_type_not_allowed",
            Self::ScopeMissing => "scope_missing",
            Self::ScopeExceeded => "scope_exceeded",
            Self::ResourceExceeded => "resource_exceeded",
            Self::ApprovalDenied => "approval_denied",
            Self::PublicCaller => "public_caller",
            Self::GrantExhausted => "grant_exhausted",
        }
    }

    /// The protocol's word for it. Exhaustive, so that a new fact must choose its word.
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
            | Self::ProofOfPossessionFailed
            | Self::GrantRevoked
            | Self::GrantExpired
            | Self::SubjectNotServed
            | Self::RefreshTokenExpired
            | Self::RootMismatch
            | Self::ScopeWithdrawn
            | Self::ResourceWithdrawn
            | Self::ReplayLimitReached
            | Self::RefreshTokenReused
            | Self::RefreshTokenForked
            | Self::RefreshTokenAhead
            | Self::CodeExpired
            | Self::CodeReused
            | Self::CodeSpent
            | Self::RedirectUriMismatch
            | Self::CodeVerifierMismatch
            | Self::CodeVerifierUnexpected
            | Self::ApprovalDenied
            | Self::UserCodeUnknown
            | Self::GrantExhausted => ErrorCode::InvalidGrant,
            Self::ProofMissing | Self::ProofInvalid(_) => ErrorCode::InvalidDpopProof,
            Self::ProofNonceRequired => ErrorCode::UseDpopNonce,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::PolledTooFast => ErrorCode::SlowDown,
            Self::DeviceCodeExpired => ErrorCode::ExpiredToken,
            Self::DeniedByOwner => ErrorCode::AccessDenied,
            Self::ClockBehind | Self::SuccessorMismatch => ErrorCode::TemporarilyUnavailable,
            Self::CodeChallengeRequired
            | Self::RedirectUriNotRegistered
            | Self::CertificateMissing
            | Self::SubjectTokenInvalid
            | Self::ActorNotAllowed => ErrorCode::InvalidRequest,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::ScopeMissing | Self::ScopeExceeded => ErrorCode::InvalidScope,
            Self::ResourceExceeded => ErrorCode::InvalidTarget,
        }
    }
}
