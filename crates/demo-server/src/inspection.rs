//! Grants and explanations of tokens as JSON, for the commands and for the live page, and the answer of a refresh in
//! words. No secret and no digest is in them. Times are those of RFC 3339.

use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::inspection::{
    AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection, RefreshAnswer,
    RefreshRefusal,
};
use regrant::token::TokenKind;
use regrant::{Resource, Subject};
use serde_json::{Map, Value, json};

use crate::check::Check;
use crate::counted;

/// Returns the explanation of a token, with that of its grant; `grant` is null when the record is gone.
pub(crate) fn of_token(inspection: &Inspection) -> Map<String, Value> {
    [
        ("kind", Value::from(kind(inspection.kind))),
        ("grant_id", inspection.grant_id.to_string().into()),
        ("generation", inspection.generation.into()),
        ("serial", inspection.serial.into()),
        ("is_active", inspection.is_active.into()),
        ("refresh", refresh(&inspection.refresh)),
        ("grant", inspection.grant.as_ref().map(of_grant).into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
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
    let text = refresh_in_words(refresh);
    match *refresh {
        Ok(answer) => match answer {
            RefreshAnswer::Rotated { generation } => {
                json!({ "answer": answer.as_str(), "generation": generation, "text": text })
            }
            RefreshAnswer::Replayed { steps } => json!({ "answer": answer.as_str(), "steps": steps, "text": text }),
            RefreshAnswer::Healed { recorded, presented } => {
                json!({ "answer": answer.as_str(), "recorded": recorded, "presented": presented, "text": text })
            }
            _ => json!({ "answer": answer.as_str(), "text": text }),
        },
        Err(RefreshRefusal { refusal, revokes, .. }) => json!({
            "answer": "refused",
            "error": refusal.code().as_str(),
            "refusal": refusal.as_str(),
            "revokes": revokes,
            "check": Check::of(refusal).to_json(),
            "text": text,
        }),
    }
}

/// Returns the answer of a refresh with its reason, as the end of a sentence that begins with "A refresh now".
pub(crate) fn refresh_in_words(refresh: &Result<RefreshAnswer, RefreshRefusal>) -> String {
    match *refresh {
        Ok(RefreshAnswer::Rotated { generation }) => {
            format!("rotates: the token is the head, and the next one has generation {generation}")
        }
        Ok(RefreshAnswer::AccessTokenOnly) => {
            "issues an access token alone: the token is the head, and the policy does not rotate".to_owned()
        }
        Ok(RefreshAnswer::Replayed { steps }) => {
            let steps = counted(steps, "rotation");
            format!("repeats the head: the token was the head {steps} ago, and its window is open")
        }
        Ok(RefreshAnswer::Healed { recorded, presented }) => format!(
            "heals: the store lost writes, since the token has generation {presented} and the record {recorded}; the \
             token becomes the head"
        ),
        Ok(answer) => answer.as_str().replace('_', " "),
        Err(RefreshRefusal { refusal, revokes, .. }) => {
            let (error, reason) = (refusal.code().as_str(), refusal.as_str());
            let revokes = if revokes { "; the grant would be revoked" } else { "" };
            format!("is refused with {error}: {refusal} ({reason}){revokes}")
        }
    }
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
