//! Explanations of the library as JSON for the script of the page. Times are milliseconds since 1970.

use regrant::Subject;
use regrant::clock::Timestamp;
use regrant::inspection::{
    AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection, RefreshAnswer,
    RefreshRefusal,
};
use regrant::token::TokenKind;
use serde_json::{Value, json};

use super::explain;

pub(super) fn token(inspection: &Inspection) -> Value {
    json!({
        "kind": kind(inspection.kind),
        "generation": inspection.generation,
        "serial": inspection.serial,
        "is_active": inspection.is_active,
        "refresh": match &inspection.refresh {
            Ok(answer) => self::answer(*answer),
            Err(refusal) => self::refusal(*refusal),
        },
    })
}

fn kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::AuthorizationCode => "authorization code",
        TokenKind::RefreshToken => "refresh token",
        TokenKind::AccessToken => "access token",
        TokenKind::DeviceCode => "device code",
        _ => "token",
    }
}

fn answer(answer: RefreshAnswer) -> Value {
    let text = match answer {
        RefreshAnswer::Rotated { generation } => format!("A refresh rotates it to generation {generation}."),
        RefreshAnswer::AccessTokenOnly => "A refresh gives an access token, and this token stays.".to_owned(),
        RefreshAnswer::Replayed { steps } => {
            format!("A refresh repeats the head, {steps} rotation(s) ahead, byte for byte.")
        }
        RefreshAnswer::Healed { recorded, presented } => {
            format!("A refresh adopts it: the record is at generation {recorded}, and the token of {presented}.")
        }
        other => other.as_str().replace('_', " "),
    };
    json!({ "answer": answer.as_str(), "text": text })
}

fn refusal(refused: RefreshRefusal) -> Value {
    let RefreshRefusal { refusal, revokes, .. } = refused;
    let end = if revokes { " It would end the grant." } else { "" };
    json!({
        "refusal": refusal.as_str(),
        "error": refusal.code().as_str(),
        "revokes": revokes,
        "text": format!("A refresh is refused: {refusal}.{end}"),
        "check": explain::check(refusal),
    })
}

pub(super) fn grant(grant: &GrantInspection) -> Value {
    let summary = &grant.summary;
    let revoked = match grant.phase {
        GrantPhase::Revoked { at, reason } => Some(json!({ "at": at.as_millis(), "reason": reason.as_str() })),
        _ => None,
    };
    json!({
        "phase": grant.phase.as_str(),
        "revoked": revoked,
        "subject": summary.approval.subject.as_ref().map(Subject::as_str),
        "scope": summary.approval.scope.as_str(),
        "created_at": summary.created_at.as_millis(),
        "last_used_at": summary.last_used_at.as_millis(),
        "expires_at": summary.expires_at.map(Timestamp::as_millis),
        "record_bytes": grant.record_bytes,
        "head": grant.head.as_ref().map(head),
        "former": grant.former.iter().map(former).collect::<Vec<_>>(),
        "access_tokens": grant.access_tokens.iter().map(access_token).collect::<Vec<_>>(),
    })
}

fn head(head: &HeadInspection) -> Value {
    json!({
        "generation": head.generation,
        "issued_at": head.issued_at.as_millis(),
        "expires_at": head.expires_at.map(Timestamp::as_millis),
        "is_bound": head.is_bound,
    })
}

fn former(former: &FormerInspection) -> Value {
    json!({
        "generation": former.generation,
        "retired_at": former.retired_at.as_millis(),
        "window": former.window.as_str(),
        "answered_until": former.answered_until.map(Timestamp::as_millis),
    })
}

fn access_token(token: &AccessTokenInspection) -> Value {
    json!({
        "serial": token.serial,
        "scope": token.scope.as_str(),
        "issued_at": token.issued_at.as_millis(),
        "expires_at": token.expires_at.as_millis(),
        "is_bound": token.is_bound,
    })
}
