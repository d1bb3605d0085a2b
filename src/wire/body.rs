//! Bodies of successful responses. Absent members are omitted, never null. Numbers are integers, since clients refuse
//! anything else.
//!
//! Each member of a response is named here. A member of [`TokenResponse`] that is for the host alone, such as the id of
//! the grant, cannot reach a client by accident.

use zeroize::Zeroizing;

use super::json::Value;
use super::{Response, introspection, requested};
use crate::engine::{DeviceAuthorizationResponse, PushedRequestResponse, TokenResponse};

/// Returns the token response: RFC 6749 section 5.1, with `issued_token_type` of RFC 8693 section 2.2.1,
/// `authorization_details` of RFC 9396 section 7, and the times of draft-ietf-oauth-refresh-token-expiration section
/// 6.1.
///
/// The scope is always included, which RFC 6749 section 5.1 leaves open if the scope is the requested one.
pub(super) fn tokens(tokens: &TokenResponse) -> Response {
    let members = [
        ("access_token", Some(tokens.access_token.expose().into())),
        ("token_type", Some(tokens.token_type.as_str().into())),
        ("expires_in", Some(tokens.expires_in.as_secs().into())),
        ("refresh_token", tokens.refresh_token.as_ref().map(|token| token.expose().into())),
        ("refresh_token_timeout", tokens.refresh_token_timeout().map(|left| left.as_secs().into())),
        ("authorization_expires_in", tokens.authorization_expires_in().map(|left| left.as_secs().into())),
        ("id_token", tokens.id_token.as_ref().map(|token| token.expose().into())),
        ("issued_token_type", tokens.is_exchanged.then(|| requested::ACCESS_TOKEN.into())),
        ("scope", Some(tokens.scope.as_str()).filter(|scope| !scope.is_empty()).map(Into::into)),
        ("authorization_details", tokens.authorization_details().map(|details| Value::Json(details.as_str()))),
    ];
    Response::object(200, &members)
}

/// Returns the revocation response. RFC 7009 section 2.2: clients ignore the body of a revocation response. Some
/// parse it as JSON anyway.
pub(super) fn revoked() -> Response {
    Response::object(200, &[])
}

/// Returns the introspection response as a JWT (RFC 9701 section 5).
pub(super) fn introspection_jwt(jwt: String) -> Response {
    let response = Response { body: jwt.into_bytes(), ..Response::empty(200) };
    response.with_header("content-type", introspection::JWT_MEDIA_TYPE).not_stored()
}

/// Returns the pushed authorization response (RFC 9126 section 2.2).
pub(super) fn pushed(pushed: &PushedRequestResponse) -> Response {
    let members = [
        ("request_uri", Some(pushed.request_uri.expose().into())),
        ("expires_in", Some(pushed.expires_in.as_secs().into())),
    ];
    Response::object(201, &members)
}

/// Returns the device authorization response (RFC 8628 section 3.2), with a URL for QR codes that contains the user
/// code. Both times are in seconds.
pub(super) fn device(device: &DeviceAuthorizationResponse, verification_uri: &str) -> Response {
    let user_code = Zeroizing::new(device.user_code.expose());
    let joint = if verification_uri.contains('?') { "&" } else { "?" };
    let complete = Zeroizing::new([verification_uri, joint, "user_code=", &user_code].concat());
    let members = [
        ("device_code", Some(device.device_code.expose().into())),
        ("user_code", Some(user_code.as_str().into())),
        ("verification_uri", Some(verification_uri.into())),
        ("verification_uri_complete", Some(complete.as_str().into())),
        ("expires_in", Some(device.expires_in.as_secs().into())),
        ("interval", Some(device.interval.as_secs().into())),
    ];
    Response::object(200, &members)
}
