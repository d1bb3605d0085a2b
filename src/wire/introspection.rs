//! The introspection response (RFC 7662 section 2.2), as JSON or as a JWT (RFC 9701).
//!
//! The members are the facts that a resource server needs, and the claims of the host for access tokens. The id of the
//! grant and the bytes of the host ([`Approval::data`](crate::Approval::data)) are not among them: a resource server
//! could otherwise recognise one sign-in across several tokens.

use std::time::Duration;

use serde_json::Map;

use super::Request;
use super::json::{self, Value};
use crate::engine::FoundToken;
use crate::grant::Actor;
use crate::vocabulary::Resources;

/// The media type by which a caller asks for a JWT and recognises one (RFC 9701 sections 4 and 5).
pub(super) const JWT_MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// Returns true if the caller accepts a JWT. A weight of 0 means that it does not (RFC 9110 section 12.4.2). Wildcards
/// such as `*/*` ask for JSON: every HTTP library sends them without meaning a JWT.
pub(super) fn wants_jwt(request: &Request<'_>) -> bool {
    let values = request.header("accept").filter_map(|value| std::str::from_utf8(value).ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_jwt = parts.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case(JWT_MEDIA_TYPE));
        let is_unwanted = |parameter: &str| {
            let pair = parameter.split_once('=');
            pair.is_some_and(|(name, weight)| name.eq_ignore_ascii_case("q") && weight.parse() == Ok(0.0_f32))
        };
        is_jwt && !parts.any(is_unwanted)
    })
}

/// Returns the response as JSON. An inactive token has no members besides `active` (RFC 7662 section 2.2): the caller
/// must not learn why it is inactive.
///
/// The members are those of RFC 7662 section 2.2, and those of its extensions: `cnf` (RFC 8705 section 3.2, RFC 9449
/// section 6.2), `authorization_details` (RFC 9396 section 9.2), the times of a refresh token
/// (draft-ietf-oauth-refresh-token-expiration section 7), `act` and `may_act` (RFC 8693 sections 4.1 and 4.4),
/// `auth_time` and `acr` (RFC 9470 section 6.2), and `amr` (RFC 8176).
pub(super) fn body(active: Option<&FoundToken>, issuer: &str) -> Vec<u8> {
    let Some(token) = active else { return json::object(&[("active", Some(Value::Json("false")))]) };
    let approval = token.grant().approval();
    let audiences = audiences(token.resources());
    let amr = (!approval.amr.is_empty()).then(|| json::text(&approval.amr));
    let cnf = token.confirmation().map(json::text);
    let act = approval.actor.as_ref().map(json::text);
    let may_act = approval.may_act.clone().map(|actor| json::text(&Actor::new(actor, None)));
    let remaining = token.remaining.as_deref();
    let seconds = |left: Option<Duration>| left.map(|left| left.as_secs().into());
    let members = [
        ("active", Some(Value::Json("true"))),
        ("scope", Some(token.scope().as_str()).filter(|scope| !scope.is_empty()).map(Into::into)),
        ("client_id", Some(token.grant().client_id().as_str().into())),
        ("token_type", token.token_type.map(|token_type| token_type.as_str().into())),
        ("exp", token.expires_at.map(Into::into)),
        ("iat", Some(token.issued_at.into())),
        ("refresh_token_timeout", seconds(remaining.and_then(|left| left.refresh_token_timeout))),
        ("authorization_expires_in", seconds(remaining.and_then(|left| left.authorization_expires_in))),
        ("sub", approval.subject.as_ref().map(|subject| subject.as_str().into())),
        ("aud", audiences.as_deref().map(Value::Json)),
        ("authorization_details", token.authorization_details().map(|details| Value::Json(details.as_str()))),
        ("iss", Some(issuer.into())),
        ("auth_time", approval.auth_time.map(Into::into)),
        ("acr", approval.acr.as_deref().map(Into::into)),
        ("amr", amr.as_deref().map(Value::Json)),
        ("cnf", cnf.as_deref().map(Value::Json)),
        ("act", act.as_deref().map(Value::Json)),
        ("may_act", may_act.as_deref().map(Value::Json)),
    ];
    json::object_with(&members, &token.host_claims)
}

/// Returns `aud`: one audience is a string, several are an array (RFC 7519 section 4.1.3). `None` when the token is
/// limited to no resource.
fn audiences(resources: &Resources) -> Option<String> {
    match resources.iter().len() {
        0 => None,
        1 => resources.iter().next().map(json::text),
        _ => Some(json::text(resources)),
    }
}

/// Returns the members of the response for a JWT.
pub(super) fn members(json: &[u8]) -> Map<String, serde_json::Value> {
    serde_json::from_slice(json).unwrap_or_default()
}
