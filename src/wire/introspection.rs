//! The introspection response (RFC 7662 section 2.2), as JSON or as a JWT (RFC 9701).
//!
//! The members are the facts that a resource server needs, and the claims of the host for access tokens. The id of the
//! grant and the bytes of the host ([`Approval::data`](crate::Approval::data)) are not among them: a resource server
//! could otherwise recognise one sign-in across several tokens.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Request;
use crate::engine::ActiveToken;
use crate::grant::Actor;
use crate::ports::host::HostClaims;
use crate::vocabulary::{AuthorizationDetails, Confirmation, Resource, Resources, Subject, Timestamp, TokenType};

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

/// Returns the members of the response. An inactive token has no members besides `active` (RFC 7662 section 2.2): the
/// caller must not learn why it is inactive.
pub(super) fn members<'a>(active: Option<&'a ActiveToken>, issuer: &'a str) -> Members<'a> {
    active.map_or_else(Members::default, |token| Members {
        active: true,
        scope: token.scope.as_str(),
        client_id: Some(token.client_id.as_str()),
        token_type: token.token_type.map(TokenType::as_str),
        exp: token.expires_at.map(Timestamp::as_secs),
        iat: Some(token.issued_at.as_secs()),
        refresh_token_timeout: token.refresh_token_timeout().map(|left| left.as_secs()),
        authorization_expires_in: token.authorization_expires_in().map(|left| left.as_secs()),
        sub: token.approval.subject.as_ref().map(Subject::as_str),
        aud: audience(&token.resources),
        authorization_details: token.authorization_details(),
        iss: Some(issuer),
        auth_time: token.approval.auth_time.map(Timestamp::as_secs),
        acr: token.approval.acr.as_deref(),
        amr: &token.approval.amr,
        cnf: token.confirmation.as_ref(),
        act: token.approval.actor.as_ref(),
        may_act: token.approval.may_act.clone().map(|actor| Actor::new(actor, None)),
        host_claims: Some(&token.host_claims).filter(|claims| !claims.is_empty()),
    })
}

impl Members<'_> {
    /// Returns the members for the JWT.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

/// The members of RFC 7662 section 2.2, and those of its extensions: `cnf` (RFC 8705 section 3.2, RFC 9449 section
/// 6.2), `authorization_details` (RFC 9396 section 9.2), the times of a refresh token
/// (draft-ietf-oauth-refresh-token-expiration section 7), `act` and `may_act` (RFC 8693 sections 4.1 and 4.4),
/// `auth_time` and `acr` (RFC 9470 section 6.2), and `amr` (RFC 8176).
#[derive(Default, Serialize)]
pub(super) struct Members<'a> {
    active: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<&'a AuthorizationDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_act: Option<Actor>,
    #[serde(flatten)]
    host_claims: Option<&'a HostClaims>,
}

/// One audience is a string, several are an array (RFC 7519 section 4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

/// Returns `aud`; `None` when the token is limited to no resource.
fn audience(resources: &Resources) -> Option<Audience<'_>> {
    let all: Vec<&str> = resources.iter().map(Resource::as_str).collect();
    match all.as_slice() {
        [] => None,
        [one] => Some(Audience::One(one)),
        _ => Some(Audience::Several(all)),
    }
}
