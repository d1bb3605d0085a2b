//! The responses of the service.
//!
//! The engine returns an [`UnsignedResponse`], since signing may need a remote key service and the engine does not
//! await. The service signs it before the grant is stored.

use std::time::Duration;

use super::access::{AccessTokenForm, SealedRefreshToken};
use crate::grant::{Grant, Remaining};
use crate::vocabulary::{
    AccessToken, AuthorizationCode, AuthorizationDetails, Confirmation, DeviceCode, GrantId, GrantType, IdToken,
    RefreshToken, Resources, Scope, Timestamp, TokenType, UserCode,
};

/// The tokens of a successful request (RFC 6749 section 5.1). The wire layer writes them as JSON.
///
/// A response is returned only after its grant was stored. If it is lost on the way to the client, a retry of the
/// refresh within the grace period gets the same tokens.
///
/// ```
#[doc = include_str!("../service/example/begin.txt")]
/// use regrant::token::TokenType;
/// use regrant::{GrantType, IssueRequest};
///
/// let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
/// assert_eq!(tokens.token_type, TokenType::Bearer);
/// assert_eq!(tokens.expires_in, Duration::from_secs(3600));
/// assert_eq!(tokens.scope.as_str(), "read write");
/// let expiry = tokens.refresh_token_expires_at.ok_or("never")?;
/// assert_eq!(expiry, service.now() + Duration::from_secs(7 * 24 * 3600)); // if it is not used before
/// println!("issued by {}: {:?}", tokens.grant_id, tokens.refresh_token); // Debug shows no token
#[doc = include_str!("../service/example/end.txt")]
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token: opaque, or a JWT (RFC 9068), as the policy says. To a client it is an opaque text in both
    /// cases.
    pub access_token: AccessToken,
    /// The way in which the access token is presented. A client must not use a token of a type that it does not know
    /// (RFC 6749 section 7.1).
    pub token_type: TokenType,
    /// The remaining lifetime of the access token, at least a second. JSON has whole seconds, rounded down. A replay
    /// returns the lifetime that is left, which is shorter than the full one.
    pub expires_in: Duration,
    /// The refresh token to use from now on. The client replaces its own one with it, before it uses the new access
    /// token.
    ///
    /// Absent when the grant has none, or when the presented one stays valid (no rotation).
    pub refresh_token: Option<RefreshToken>,
    /// The expiry of that refresh token if it is not used; `None` is never, or no refresh token. For the host: a client
    /// is told only if the policy says so, by [`refresh_token_timeout`](Self::refresh_token_timeout).
    pub refresh_token_expires_at: Option<Timestamp>,
    /// The scope of the access token. It is narrower than the approved one when the request asked for less, or when the
    /// client lost a part of its registration.
    pub scope: Scope,
    /// The audience of the access token (RFC 8707). Empty: the token is limited to no resource.
    pub resources: Resources,
    /// The `id_token`, when the access token has the scope `openid` and the service has a
    /// [`JwtIssuer`](crate::jwt::JwtIssuer).
    pub id_token: Option<IdToken>,
    /// The id of the grant. For the host, which lists or revokes the grant by it: no client needs it.
    pub grant_id: GrantId,
    /// True for token exchange, whose response has an `issued_token_type` (RFC 8693 section 2.2.1).
    pub(crate) is_exchanged: bool,
    rare: Option<Box<Rare>>,
}

/// The parts that most responses do not have. In a box: a response is moved several times.
#[derive(Clone, Debug)]
struct Rare {
    remaining: Option<Box<Remaining>>,
    authorization_details: Option<AuthorizationDetails>,
}

impl TokenResponse {
    /// Returns the authorization details of the access token (RFC 9396 section 7). `None` if none were approved.
    #[must_use]
    pub fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.rare.as_ref()?.authorization_details.as_ref()
    }

    /// Returns the time until the refresh token of the client expires, if it is not used: the one in this response, or
    /// the presented one when that stays valid (no rotation). Never longer than
    /// [`authorization_expires_in`](Self::authorization_expires_in). JSON has whole seconds, rounded down.
    ///
    /// `None` without a refresh token, when the token never expires, and unless the policy tells it
    /// ([`refresh_token_expiration`](crate::Policy::refresh_token_expiration)).
    #[must_use]
    pub fn refresh_token_timeout(&self) -> Option<Duration> {
        self.rare.as_ref()?.remaining.as_ref()?.refresh_token_timeout
    }

    /// Returns the time until the grant ends, however often it is refreshed. `None` without a refresh token, when the
    /// grant never ends, and unless the policy tells it.
    #[must_use]
    pub fn authorization_expires_in(&self) -> Option<Duration> {
        self.rare.as_ref()?.remaining.as_ref()?.authorization_expires_in
    }
}

/// A response before it is signed. [`ResponseFacts::signed`] is the only way to make a [`TokenResponse`], and takes the
/// final access token. So a response cannot leave with a JWT that is not signed yet.
#[derive(Debug)]
pub(crate) struct UnsignedResponse {
    pub(crate) access_token: AccessTokenForm,
    pub(crate) facts: ResponseFacts,
}

/// The content of a response besides the access token itself.
#[derive(Debug)]
pub(crate) struct ResponseFacts {
    /// The time of issue of the access token: the `iat` of a JWT. A replay keeps the first one, so that the token is
    /// equal byte for byte.
    pub(crate) issued_at: Timestamp,
    /// The expiry of the access token: the `exp` of a JWT.
    pub(crate) expires_at: Timestamp,
    /// The key that the access token is bound to: the `cnf` of a JWT. It also decides the `token_type` of the response.
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) expires_in: Duration,
    pub(crate) refresh_token: Option<SealedRefreshToken>,
    pub(crate) scope: Scope,
    pub(crate) resources: Resources,
    pub(crate) authorization_details: Option<AuthorizationDetails>,
}

impl ResponseFacts {
    /// Returns the response with its access token in the final form, the `id_token` if there is one, the facts of the
    /// grant, and the remaining times if the client is told them.
    #[inline]
    pub(crate) fn signed(
        self,
        access_token: AccessToken,
        id_token: Option<IdToken>,
        grant: &Grant,
        remaining: Option<Box<Remaining>>,
    ) -> TokenResponse {
        let (refresh_token, refresh_token_expires_at) =
            self.refresh_token.map_or((None, None), |sealed| (Some(sealed.token), sealed.expires_at));
        let authorization_details = self.authorization_details;
        let has_rare = remaining.is_some() || authorization_details.is_some();
        TokenResponse {
            access_token,
            token_type: TokenType::of(self.confirmation.as_ref()),
            expires_in: self.expires_in,
            refresh_token,
            refresh_token_expires_at,
            scope: self.scope,
            resources: self.resources,
            id_token,
            grant_id: grant.id(),
            is_exchanged: *grant.grant_type() == GrantType::TokenExchange,
            rare: has_rare.then(|| Box::new(Rare { remaining, authorization_details })),
        }
    }
}

/// An authorization code to send to the client through the browser (RFC 6749 section 4.1.2).
///
/// The host adds it to the redirect URI as the parameter `code`, together with the `state` of the request and, against
/// mix-up attacks, the `iss` of RFC 9207.
///
/// ```
/// use regrant::AuthorizationCodeResponse;
///
/// // A code has only characters that need no encoding in a URL.
/// fn query(response: &AuthorizationCodeResponse) -> String {
///     format!("code={}&iss=https%3A%2F%2Fas.example", response.code.expose())
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationCodeResponse {
    /// The code. It works once, and must not be logged.
    pub code: AuthorizationCode,
    /// The expiry of the code: by default two minutes after its issue
    /// ([`authorization_code_lifetime`](crate::Policy::authorization_code_lifetime)).
    pub expires_at: Timestamp,
    /// The id of the grant that the redemption will activate. For the host.
    pub grant_id: GrantId,
}

/// A device authorization (RFC 8628 section 3.2): the code for the device to poll with, and the code to show its user.
///
/// ```
/// use regrant::device::DeviceAuthorizationResponse;
///
/// fn screen(device: &DeviceAuthorizationResponse) -> String {
///     let minutes = device.expires_in.as_secs() / 60;
///     format!("Enter {} at https://as.example/device within {minutes} minutes.", device.user_code.expose())
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceAuthorizationResponse {
    /// The code that the device polls with. The device keeps it secret and never shows it.
    pub device_code: DeviceCode,
    /// The code that the user enters, for example `WDJB-MJHT`.
    pub user_code: UserCode,
    /// The lifetime of both codes, 300 s by default. Afterwards the device starts a new authorization.
    pub expires_in: Duration,
    /// The time that the device must wait between two polls, 5 s by default. Each poll that comes too early adds 5 s,
    /// for good (RFC 8628 section 3.5).
    pub interval: Duration,
    /// The id of the record of the device. For the host.
    pub grant_id: GrantId,
}
