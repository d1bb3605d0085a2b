use regrant::{AccessTokenClaims, Actor, Confirmation, Resource, SignError, Subject, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{JwtTokens, json};
use crate::base64url;

/// RFC 9068 section 2.2, in this order: equal claims are equal bytes.
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
    cnf: Option<Cnf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Party<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_act: Option<Party<'a>>,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// One is a string, several are an array (RFC 7519 section 4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

/// RFC 9449 section 6.1, RFC 8705 section 3.1.
#[derive(Serialize)]
enum Cnf {
    #[serde(rename = "jkt")]
    DpopKey(String),
    #[serde(rename = "x5t#S256")]
    Certificate(String),
}

/// Who acts, and for whom in turn that one acts (RFC 8693 sections 4.1 and 4.4).
#[derive(Serialize)]
struct Party<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Self>>,
}

pub(super) fn payload(
    tokens: &JwtTokens,
    claims: &AccessTokenClaims<'_>,
    more: &Map<String, Value>,
) -> Result<Vec<u8>, SignError> {
    let (client, approval) = (claims.client.id.as_str(), claims.approval);
    json(&AccessToken {
        iss: &tokens.issuer,
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
        cnf: claims.confirmation.map(cnf).transpose()?,
        act: approval.actor.as_ref().map(acting),
        may_act: approval.may_act.as_ref().map(|actor| Party { sub: actor.as_str(), act: None }),
        more,
    })
}

fn audience<'a>(tokens: &'a JwtTokens, claims: &AccessTokenClaims<'a>) -> Audience<'a> {
    let resources = if claims.resources.is_empty() { &tokens.default_audience } else { claims.resources };
    let mut several: Vec<&str> = resources.iter().map(Resource::as_str).collect();
    match several.len() {
        0 => Audience::One(&tokens.issuer),
        1 => Audience::One(several.remove(0)),
        _ => Audience::Several(several),
    }
}

/// The chain of actors, the current one outermost.
fn acting(actor: &Actor) -> Party<'_> {
    Party { sub: actor.subject.as_str(), act: actor.former.as_deref().map(|former| Box::new(acting(former))) }
}

fn cnf(confirmation: &Confirmation) -> Result<Cnf, SignError> {
    match confirmation {
        Confirmation::DpopKey(thumbprint) => Ok(Cnf::DpopKey(base64url::encode(thumbprint))),
        Confirmation::Certificate(thumbprint) => Ok(Cnf::Certificate(base64url::encode(thumbprint))),
        // A token without its `cnf` would be a bearer token.
        _ => Err(SignError::new("a confirmation that this version does not know")),
    }
}
