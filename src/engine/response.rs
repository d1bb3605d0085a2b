use std::time::Duration;

use crate::clock::Timestamp;
use crate::grant::Confirmation;
use crate::grant_id::GrantId;
use crate::key_id::KeyId;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AccessToken, AuthorizationCode, DeviceCode, IdToken, RefreshToken};
use crate::user_code::UserCode;

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
    /// [`JwtIssuer`](crate::JwtIssuer).
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

/// How an access token is presented (RFC 6749 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// By whoever holds it (RFC 6750), or over the bound certificate (RFC 8705).
    Bearer,
    /// With a proof of the key it is bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    pub(crate) const fn of(confirmation: Option<&Confirmation>) -> Self {
        match confirmation {
            Some(Confirmation::DpopKey(_)) => Self::Dpop,
            _ => Self::Bearer,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
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
