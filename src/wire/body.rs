//! Bodies of successful responses. Absent members are omitted, never null. Numbers are integers, since clients refuse
//! anything else.
//!
//! The types here name each member of a response once. A member of [`TokenResponse`] that is for the host alone, such
//! as the id of the grant, cannot reach a client by accident.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Response, introspection, requested};
use crate::engine::{DeviceAuthorizationResponse, TokenResponse};
use crate::vocabulary::{IdToken, RefreshToken};

/// The JSON of a token response: RFC 6749 section 5.1, with `issued_token_type` of RFC 8693 section 2.2.1.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// Returns the token response. The scope is always included, which RFC 6749 section 5.1 leaves open if the scope is the
/// requested one.
pub(super) fn tokens(tokens: &TokenResponse) -> Response {
    Response::json(
        200,
        &TokenBody {
            access_token: tokens.access_token.expose(),
            token_type: tokens.token_type.as_str(),
            expires_in: tokens.expires_in.as_secs(),
            refresh_token: tokens.refresh_token.as_ref().map(RefreshToken::expose),
            id_token: tokens.id_token.as_ref().map(IdToken::expose),
            issued_token_type: tokens.is_exchanged.then_some(requested::ACCESS_TOKEN),
            scope: tokens.scope.as_str(),
        },
    )
}

/// Returns the revocation response. RFC 7009 section 2.2: clients ignore the body of a revocation response. Some
/// parse it as JSON anyway.
pub(super) fn revoked() -> Response {
    Response::json(200, &serde_json::Map::new())
}

/// Returns the introspection response as a JWT (RFC 9701 section 5).
pub(super) fn introspection_jwt(jwt: String) -> Response {
    let response = Response { body: jwt.into_bytes(), ..Response::empty(200) };
    response.with_header("content-type", introspection::JWT_MEDIA_TYPE).not_stored()
}

/// The JSON of a device authorization response (RFC 8628 section 3.2). Both times are in seconds.
#[derive(Serialize)]
struct DeviceBody<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: &'a str,
    expires_in: u64,
    interval: u64,
}

/// Returns the device authorization response (RFC 8628 section 3.2), with a URL for QR codes that contains the user
/// code.
pub(super) fn device(device: &DeviceAuthorizationResponse, verification_uri: &str) -> Response {
    let user_code = Zeroizing::new(device.user_code.expose());
    let joint = if verification_uri.contains('?') { "&" } else { "?" };
    let complete = Zeroizing::new([verification_uri, joint, "user_code=", &user_code].concat());
    let body = DeviceBody {
        device_code: device.device_code.expose(),
        user_code: &user_code,
        verification_uri,
        verification_uri_complete: &complete,
        expires_in: device.expires_in.as_secs(),
        interval: device.interval.as_secs(),
    };
    Response::json(200, &body)
}
