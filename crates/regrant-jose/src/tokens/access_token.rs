use regrant::clock::Timestamp;
use regrant::grant::{Actor, Confirmation};
use regrant::host::{HostClaims, Unavailable};
use regrant::jwt::AccessTokenClaims;
use regrant::{AuthorizationDetails, Resource, Subject};
use serde::Serialize;

use super::{JwtTokens, json};

/// The claims of RFC 9068 section 2.2 and RFC 9396 section 9.1, in this order, so that equal claims are equal bytes.
#[derive(Serialize)]
struct AccessToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    exp: i64,
    iat: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<&'a AuthorizationDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_act: Option<Actor>,
    #[serde(flatten)]
    host_claims: &'a HostClaims,
}

/// A single value is a string, several are an array (RFC 7519 section 4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

pub(super) fn payload(tokens: &JwtTokens, claims: &AccessTokenClaims<'_>) -> Result<Vec<u8>, Unavailable> {
    let (client, approval) = (claims.client.id.as_str(), claims.approval);
    json(&AccessToken {
        iss: tokens.issuer.as_str(),
        sub: approval.subject.as_ref().map_or(client, Subject::as_str),
        aud: audience(tokens, claims),
        client_id: client,
        exp: claims.expires_at.as_secs(),
        iat: claims.issued_at.as_secs(),
        jti: claims.jti,
        scope: claims.scope.as_str(),
        auth_time: approval.auth_time.map(Timestamp::as_secs),
        acr: approval.acr.as_deref(),
        amr: &approval.amr,
        authorization_details: claims.authorization_details,
        cnf: claims.confirmation,
        act: approval.actor.as_ref(),
        may_act: approval.may_act.clone().map(|actor| Actor::new(actor, None)),
        host_claims: claims.host_claims,
    })
}

fn audience<'a>(tokens: &'a JwtTokens, claims: &AccessTokenClaims<'a>) -> Audience<'a> {
    let mut several: Vec<&str> = claims.resources.iter().map(Resource::as_str).collect();
    match several.len() {
        0 => Audience::One(tokens.issuer.as_str()),
        1 => Audience::One(several.remove(0)),
        _ => Audience::Several(several),
    }
}
