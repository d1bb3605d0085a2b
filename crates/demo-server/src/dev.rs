//! Operations for tests: move the time, purge, disable users, change the signing key, take the store down, roll a grant
//! back. Only with `--manual-clock`.

use regrant::clock::{Clock as _, ManualClock};
use regrant::event::ErrorCode;
use regrant::host::Parameters;
use regrant::wire::{self, Request, Response};
use regrant::{GrantId, Subject, TokenError};
use serde_json::json;
use tracing::error;

use crate::answer::Problem;
use crate::chain;
use crate::live::LiveStore;
use crate::server::Server;

const FORM_LIMIT: usize = 64 * 1024;

pub(crate) async fn answer(server: &Server, clock: &ManualClock, request: &Request<'_>) -> Result<Response, Problem> {
    match request.path {
        "/dev/clock" => move_clock(clock, &wire::form(request, FORM_LIMIT)?),
        "/dev/users" => switch_user(server, &wire::form(request, FORM_LIMIT)?),
        "/dev/purge" => purge(server).await,
        "/dev/rotate-key" => rotate_key(server),
        "/dev/store" => switch_store(server, &wire::form(request, FORM_LIMIT)?),
        "/dev/rollback" => roll_back(server, &wire::form(request, FORM_LIMIT)?).await,
        _ => Err(Problem::new(404, "not_found", "There is nothing at this path.")),
    }
}

fn move_clock(clock: &ManualClock, form: &Parameters<'_>) -> Result<Response, Problem> {
    match (form.get("advance"), form.get("set")) {
        (Some(span), None) => {
            let malformed = |_| Problem::invalid_request("advance must be a span like 500ms, 10s, 5m, 1h or 7d.");
            clock.advance(humantime::parse_duration(span).map_err(malformed)?);
        }
        (None, Some(moment)) => {
            let malformed = |_| Problem::invalid_request("set must be a moment of RFC 3339, with + written as %2B.");
            clock.set(moment.parse().map_err(malformed)?);
        }
        _ => return Err(Problem::invalid_request("The form must have either advance or set.")),
    }
    Ok(Response::json(200, &json!({ "now": clock.now().to_string() })))
}

async fn purge(server: &Server) -> Result<Response, Problem> {
    let purged = server.purge_expired(|_| ()).await?;
    Ok(Response::json(200, &json!({ "purged": purged })))
}

fn switch_user(server: &Server, form: &Parameters<'_>) -> Result<Response, Problem> {
    let disabled = match form.get("disabled") {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(Problem::invalid_request("disabled must be true or false.")),
    };
    let username = form.get("username").and_then(|username| Subject::new(username).ok());
    match username.filter(|username| server.users.set_disabled(username, disabled)) {
        Some(username) => Ok(Response::json(200, &json!({ "username": username, "disabled": disabled }))),
        None => Err(Problem::invalid_request("There is no user of that name.")),
    }
}

fn rotate_key(server: &Server) -> Result<Response, Problem> {
    match server.rotate_signing_keys() {
        Ok(ids) => Ok(Response::json(200, &json!({ "kids": ids }))),
        Err(error) => {
            error!("rotate-key: {}", chain(&*error));
            Err(Problem::of(ErrorCode::ServerError))
        }
    }
}

fn switch_store(server: &Server, form: &Parameters<'_>) -> Result<Response, Problem> {
    let is_down = match form.get("state") {
        Some("down") => true,
        Some("up") => false,
        _ => return Err(Problem::invalid_request("state must be down or up.")),
    };
    store(server)?.set_down(is_down);
    Ok(Response::json(200, &json!({ "state": if is_down { "down" } else { "up" } })))
}

async fn roll_back(server: &Server, form: &Parameters<'_>) -> Result<Response, Problem> {
    let grant_id: Option<GrantId> = form.get("grant").and_then(|id| id.parse().ok());
    let grant_id = grant_id.ok_or_else(|| Problem::invalid_request("grant must be the id of a grant."))?;
    match store(server)?.roll_back(grant_id).await {
        Ok(true) => Ok(Response::json(200, &json!({ "grant": grant_id.to_string() }))),
        Ok(false) => Err(Problem::invalid_request("No earlier record of this grant is known.")),
        Err(error) => {
            error!("rollback: {}", chain(&error));
            Err(TokenError::Store(error).into())
        }
    }
}

fn store(server: &Server) -> Result<&LiveStore, Problem> {
    server.live_store.as_ref().ok_or_else(|| Problem::new(404, "not_found", "The store has no switch."))
}
