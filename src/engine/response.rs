use std::time::Duration;

use crate::vocabulary::{
    AccessToken, AuthorizationCode, Confirmation, DeviceCode, GrantId, IdToken, KeyId, RefreshToken, Resources, Scope,
    Timestamp, TokenType, UserCode,
};

/// Tokens, as RFC 6749 section 5.1 hands them out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: AccessToken,
    /// How it is to be presented.
    pub token_type: TokenType,
    /// The rest of its life, at least a second. In a replay that is less than a full lifetime: the answer tells the truth.
    pub expires_in: Duration,
    /// The refresh token to use from now on. Absent when the grant has none, or when the presented one stays valid.
    pub refresh_token: Option<RefreshToken>,
    /// When that refresh token expires if it is not used; `None` is never, or no refresh token.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// The scope of the access token.
    pub scope: Scope,
    /// The audience of the access token.
    pub resources: Resources,
    /// The `id_token`, when the access token has the scope `openid` and the service has a
    /// [`JwtIssuer`](crate::jwt::JwtIssuer).
    pub id_token: Option<IdToken>,
    /// The grant. For the host: no client needs to know it.
    pub grant_id: GrantId,
    /// Whether it came of token exchange, whose answers say what they hold.
    pub(crate) is_exchanged: bool,
    /// What there is to sign: `access_token` is then the `jti` alone.
    pub(crate) unsigned: Option<UnsignedJwt>,
}

/// A JWT access token on its way to the signer.
#[derive(Clone, Debug)]
pub(crate) struct UnsignedJwt {
    pub(crate) key: KeyId,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) confirmation: Option<Confirmation>,
}

/// An authorization code to send to the client through the browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationCodeResponse {
    /// The code.
    pub code: AuthorizationCode,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The grant that its redemption will activate. For the host.
    pub grant_id: GrantId,
}

/// A device authorization (RFC 8628 section 3.2): the codes for the device to poll with, and to show its user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceAuthorizationResponse {
    /// What the device polls with.
    pub device_code: DeviceCode,
    /// What the user enters.
    pub user_code: UserCode,
    /// How long both live.
    pub expires_in: Duration,
    /// How long the device must wait between two polls.
    pub interval: Duration,
    /// Its record. For the host.
    pub grant_id: GrantId,
}
