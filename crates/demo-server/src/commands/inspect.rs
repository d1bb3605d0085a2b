//! `demo-server inspect`: a token, explained.

use std::error::Error;
use std::fmt::{self, Display, Write as _};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _, stderr, stdin, stdout};

use regrant::clock::Timestamp;
use regrant::inspection::{
    AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection,
};
use regrant::token::TokenKind;
use serde_json::Value;

use super::{Outcome, end, open, to_second};
use crate::arguments::Inspect;
use crate::check::Check;
use crate::{counted, inspection};

/// The bytes that are read of the standard input. A longer text is no token.
const LIMIT: u64 = 64 * 1024;

pub(super) async fn run(arguments: Inspect) -> Result<Outcome, Box<dyn Error>> {
    let server = open(&arguments.place, None).await?;
    let token = token(arguments.token)?;
    let Some(inspection) = server.service.inspect(&*server.clients, &token).await? else {
        eprintln!("no token of this server: mistyped, or of another key ring or issuer");
        return Ok(Outcome::NoToken);
    };
    let text = if arguments.json {
        format!("{}\n", Value::Object(inspection::of_token(&inspection)))
    } else {
        explain(&inspection, server.service.now())?
    };
    stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Done)
}

/// Returns the argument, or a line of the standard input.
fn token(argument: Option<String>) -> Result<String, Box<dyn Error>> {
    if let Some(token) = argument.filter(|token| token != "-") {
        return Ok(token);
    }
    if stdin().is_terminal() {
        write!(stderr(), "token: ")?;
    }
    let mut line = String::new();
    let read = stdin().lock().take(LIMIT).read_line(&mut line);
    read.map_err(|error| format!("the token cannot be read from the standard input: {error}"))?;
    Ok(line.trim().to_owned())
}

fn explain(inspection: &Inspection, now: Timestamp) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let head = inspection.grant.as_ref().and_then(|grant| grant.head);
    let kind = inspection::kind(inspection.kind).replace('_', " ");
    match (inspection.generation, head) {
        (Some(own), Some(head)) => writeln!(text, "{kind}, generation {own}; the head is {}", head.generation)?,
        (Some(own), None) => writeln!(text, "{kind}, generation {own}")?,
        (None, _) => writeln!(text, "{kind}")?,
    }
    row(&mut text, "active", if inspection.is_active { "yes" } else { "no" })?;
    row(&mut text, "grant", inspection.grant_id)?;
    match &inspection.grant {
        Some(grant) => describe(&mut text, grant, now)?,
        None => row(&mut text, "record", "gone: the grant has ended and was purged, or the store is another one")?,
    }
    if inspection.kind == TokenKind::RefreshToken {
        row(&mut text, "refresh now", inspection::refresh_in_words(&inspection.refresh))?;
        if let Err(refused) = &inspection.refresh {
            let Check { name, heading } = Check::of(refused.refusal);
            row(&mut text, "check", format_args!("{name} ({heading})"))?;
        }
    }
    Ok(text)
}

fn describe(text: &mut String, grant: &GrantInspection, now: Timestamp) -> fmt::Result {
    let summary = &grant.summary;
    let removed = if grant.has_client { "" } else { " (no longer registered)" };
    row(text, "client", format_args!("{}{removed}", summary.client_id))?;
    if let Some(subject) = &summary.approval.subject {
        row(text, "subject", subject)?;
    }
    row(text, "grant type", &summary.grant_type)?;
    row(text, "scope", &summary.approval.scope)?;
    match grant.phase {
        GrantPhase::Revoked { at, reason } => {
            row(text, "phase", format_args!("revoked {} ({})", to_second(at), reason.as_str()))?;
        }
        phase => row(text, "phase", phase.as_str().replace('_', " "))?,
    }
    row(text, "created", to_second(summary.created_at))?;
    row(text, "last used", to_second(summary.last_used_at))?;
    row(text, "expires", end(summary.expires_at))?;
    row(text, "record", counted(grant.record_bytes, "byte"))?;
    for token in &grant.former {
        former(text, token, now)?;
    }
    if let Some(token) = &grant.head {
        head(text, token)?;
    }
    grant.access_tokens.iter().try_for_each(|token| access_token(text, token))
}

fn former(text: &mut String, token: &FormerInspection, now: Timestamp) -> fmt::Result {
    let window = token.window.as_str();
    let state = match token.answered_until {
        Some(until) if until <= now => format!("spent since {} ({window})", to_second(until)),
        Some(until) => format!("answered until {} ({window})", to_second(until)),
        None => format!("answered until the head is used ({window})"),
    };
    let replays = if token.replays == 0 { String::new() } else { format!(", {}", counted(token.replays, "replay")) };
    let retired = to_second(token.retired_at);
    row(text, &format!("generation {}", token.generation), format_args!("retired {retired}, {state}{replays}"))
}

fn head(text: &mut String, token: &HeadInspection) -> fmt::Result {
    let used = token.used_at.map(|at| format!(", used {}", to_second(at))).unwrap_or_default();
    let (issued, expires) = (to_second(token.issued_at), end(token.expires_at));
    let bound = if token.is_bound { ", bound to a key" } else { "" };
    let name = format!("generation {}", token.generation);
    row(text, &name, format_args!("the head, issued {issued}{used}, expires {expires}{bound}"))
}

fn access_token(text: &mut String, token: &AccessTokenInspection) -> fmt::Result {
    let (issued, expires) = (to_second(token.issued_at), to_second(token.expires_at));
    let jwt = if token.is_jwt { ", JWT" } else { "" };
    let bound = if token.is_bound { ", bound to a key" } else { "" };
    let scope = &token.scope;
    row(text, "access token", format_args!("issued {issued}, expires {expires}, scope {scope}{jwt}{bound}"))
}

/// Writes a line with a name and a value.
fn row(text: &mut String, name: &str, value: impl Display) -> fmt::Result {
    writeln!(text, "{name:<16}{value}")
}
