//! Grants and explanations of tokens as JSON. No secret and no digest is in it. Times are those of RFC 3339.

use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::inspection::{
    AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection, RefreshAnswer,
    RefreshRefusal,
};
use regrant::token::TokenKind;
use regrant::{Refusal, Resource, Subject};
use serde_json::{Map, Value, json};

/// Returns the explanation of a token, with that of its grant; `grant` is null when the record is gone.
pub(crate) fn of_token(inspection: &Inspection) -> Value {
    json!({
        "kind": kind(inspection.kind),
        "grant_id": inspection.grant_id.to_string(),
        "generation": inspection.generation,
        "serial": inspection.serial,
        "is_active": inspection.is_active,
        "refresh": refresh(&inspection.refresh),
        "grant": inspection.grant.as_ref().map(of_grant),
    })
}

fn of_grant(grant: &GrantInspection) -> Map<String, Value> {
    let mut members = summary(&grant.summary);
    let (revoked_at, reason) = if let GrantPhase::Revoked { at, reason } = grant.phase {
        (Some(time(at)), Some(reason.as_str()))
    } else {
        (None, None)
    };
    let former: Vec<Value> = grant.former.iter().map(former).collect();
    let access_tokens: Vec<Value> = grant.access_tokens.iter().map(access_token).collect();
    members.insert("phase".to_owned(), grant.phase.as_str().into());
    members.insert("revoked_at".to_owned(), revoked_at.into());
    members.insert("revocation_reason".to_owned(), reason.into());
    members.insert("head".to_owned(), grant.head.as_ref().map(head).into());
    members.insert("former".to_owned(), former.into());
    members.insert("access_tokens".to_owned(), access_tokens.into());
    members.insert("record_bytes".to_owned(), grant.record_bytes.into());
    members.insert("has_client".to_owned(), grant.has_client.into());
    members
}

/// Returns the members of a grant in a list.
pub(crate) fn summary(grant: &GrantSummary) -> Map<String, Value> {
    let approval = &grant.approval;
    let resources: Vec<Value> = approval.resources.iter().map(Resource::as_str).map(Value::from).collect();
    [
        ("grant_id", Value::from(grant.id.to_string())),
        ("client_id", grant.client_id.as_str().into()),
        ("subject", approval.subject.as_ref().map(Subject::as_str).into()),
        ("grant_type", grant.grant_type.as_str().into()),
        ("scope", approval.scope.as_str().into()),
        ("resources", resources.into()),
        ("created_at", time(grant.created_at).into()),
        ("last_used_at", time(grant.last_used_at).into()),
        ("expires_at", grant.expires_at.map(time).into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Returns the name of a kind of token.
pub(crate) const fn kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::AuthorizationCode => "authorization_code",
        TokenKind::RefreshToken => "refresh_token",
        TokenKind::AccessToken | TokenKind::JwtId => "access_token",
        TokenKind::DeviceCode => "device_code",
        TokenKind::RequestUri => "request_uri",
        _ => "token",
    }
}

fn refresh(refresh: &Result<RefreshAnswer, RefreshRefusal>) -> Value {
    match *refresh {
        Ok(answer) => match answer {
            RefreshAnswer::Rotated { generation } => json!({ "answer": answer.as_str(), "generation": generation }),
            RefreshAnswer::Replayed { steps } => json!({ "answer": answer.as_str(), "steps": steps }),
            RefreshAnswer::Healed { recorded, presented } => {
                json!({ "answer": answer.as_str(), "recorded": recorded, "presented": presented })
            }
            _ => json!({ "answer": answer.as_str() }),
        },
        Err(RefreshRefusal { refusal, revokes, .. }) => json!({
            "answer": "refused",
            "error": error(refusal),
            "refusal": refusal.as_str(),
            "revokes": revokes,
        }),
    }
}

/// Returns the word of the protocol that a client would get.
pub(crate) const fn error(refusal: Refusal) -> &'static str {
    refusal.code().as_str()
}

fn head(head: &HeadInspection) -> Value {
    json!({
        "generation": head.generation,
        "issued_at": time(head.issued_at),
        "used_at": head.used_at.map(time),
        "expires_at": head.expires_at.map(time),
        "is_bound": head.is_bound,
    })
}

fn former(former: &FormerInspection) -> Value {
    json!({
        "generation": former.generation,
        "retired_at": time(former.retired_at),
        "replays": former.replays,
        "window": former.window.as_str(),
        "answered_until": former.answered_until.map(time),
    })
}

fn access_token(token: &AccessTokenInspection) -> Value {
    json!({
        "serial": token.serial,
        "scope": token.scope.as_str(),
        "issued_at": time(token.issued_at),
        "expires_at": time(token.expires_at),
        "is_bound": token.is_bound,
        "is_jwt": token.is_jwt,
    })
}

fn time(at: Timestamp) -> String {
    at.to_string()
}
