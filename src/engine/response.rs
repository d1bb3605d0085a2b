//! The responses of the service.

use std::time::Duration;

use super::access::{MintedAccessToken, SealedRefreshToken};
use crate::vocabulary::{
    AccessToken, AuthorizationCode, DeviceCode, GrantId, IdToken, RefreshToken, Resources, Scope, Timestamp, TokenType,
    UserCode,
};

/// The tokens of a successful request (RFC 6749 section 5.1). The wire layer writes them as JSON.
///
/// A response is returned only after its grant was stored. If it is lost on the way to the client, a retry of the
/// refresh within the grace period gets the same tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: AccessToken,
    /// The way in which the access token is presented.
    pub token_type: TokenType,
    /// The remaining lifetime of the access token, at least a second. A replay returns the lifetime that is left, which
    /// is shorter than the full one.
    pub expires_in: Duration,
    /// The refresh token to use from now on. Absent when the grant has none, or when the presented one stays valid.
    pub refresh_token: Option<RefreshToken>,
    /// The expiry of that refresh token if it is not used; `None` is never, or no refresh token.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// The scope of the access token.
    pub scope: Scope,
    /// The audience of the access token (RFC 8707).
    pub resources: Resources,
    /// The `id_token`, when the access token has the scope `openid` and the service has a
    /// [`JwtIssuer`](crate::jwt::JwtIssuer).
    pub id_token: Option<IdToken>,
    /// The id of the grant. For the host: no client needs it.
    pub grant_id: GrantId,
    /// True for token exchange, whose response has an `issued_token_type` (RFC 8693 section 2.2.1).
    pub(crate) is_exchanged: bool,
}

/// A response before it is signed. [`signed`](Self::signed) is the only way to make a [`TokenResponse`].
#[derive(Debug)]
pub(crate) struct UnsignedResponse {
    pub(crate) access_token: MintedAccessToken,
    pub(crate) expires_in: Duration,
    pub(crate) refresh_token: Option<SealedRefreshToken>,
    pub(crate) scope: Scope,
    pub(crate) resources: Resources,
    pub(crate) grant_id: GrantId,
    pub(crate) is_exchanged: bool,
}

impl UnsignedResponse {
    /// Returns the response with its access token in the final form, and the `id_token` if there is one.
    pub(crate) fn signed(self, access_token: AccessToken, id_token: Option<IdToken>) -> TokenResponse {
        let (refresh_token, refresh_token_expires_at) =
            self.refresh_token.map_or((None, None), |sealed| (Some(sealed.token), sealed.expires_at));
        TokenResponse {
            access_token,
            token_type: TokenType::of(self.access_token.confirmation.as_ref()),
            expires_in: self.expires_in,
            refresh_token,
            refresh_token_expires_at,
            scope: self.scope,
            resources: self.resources,
            id_token,
            grant_id: self.grant_id,
            is_exchanged: self.is_exchanged,
        }
    }
}

/// An authorization code to send to the client through the browser (RFC 6749 section 4.1.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationCodeResponse {
    /// The code.
    pub code: AuthorizationCode,
    /// The expiry of the code.
    pub expires_at: Timestamp,
    /// The id of the grant that the redemption will activate. For the host.
    pub grant_id: GrantId,
}

/// A device authorization (RFC 8628 section 3.2): the code for the device to poll with, and the code to show its user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceAuthorizationResponse {
    /// The code that the device polls with.
    pub device_code: DeviceCode,
    /// The code that the user enters.
    pub user_code: UserCode,
    /// The lifetime of both codes.
    pub expires_in: Duration,
    /// The time that the device must wait between two polls.
    pub interval: Duration,
    /// The id of the record of the device. For the host.
    pub grant_id: GrantId,
}
