//! What only tests may do: move the time, purge, switch users off. Served with `--manual-clock` alone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use regrant::{Clock as _, ManualClock, Parameters, Subject};
use regrant_axum::Form;
use serde_json::{Value, json};
use tracing::error;

use crate::answer::Problem;
use crate::server::Server;

pub(crate) fn router(server: &Arc<Server>, clock: ManualClock) -> Router {
    Router::new()
        .route("/dev/clock", post(move |Form(form): Form| async move { move_clock(&clock, &form) }))
        .route("/dev/purge", post(purge))
        .route("/dev/users", post(switch_user))
        .with_state(Arc::clone(server))
}

fn move_clock(clock: &ManualClock, form: &Parameters) -> Result<Json<Value>, Problem> {
    match (form.get("advance"), form.get("set")) {
        (Some(span), None) => {
            let malformed = Problem::invalid_request("advance must be a span like 500ms, 10s, 5m, 1h or 7d.");
            clock.advance(humantime::parse_duration(span).map_err(|_| malformed)?);
        }
        (None, Some(moment)) => {
            let malformed = Problem::invalid_request("set must be a moment of RFC 3339, with + written as %2B.");
            clock.set(moment.parse().map_err(|_| malformed)?);
        }
        _ => return Err(Problem::invalid_request("The form must have either advance or set.")),
    }
    Ok(Json(json!({ "now": clock.now().to_string() })))
}

async fn purge(State(server): State<Arc<Server>>) -> Response {
    match server.purge_expired().await {
        Ok(purged) => Json(json!({ "purged": purged })).into_response(),
        Err(error) => {
            error!("purge: {error}");
            Problem::unavailable().into_response()
        }
    }
}

async fn switch_user(State(server): State<Arc<Server>>, Form(form): Form) -> Result<Json<Value>, Problem> {
    let disabled = match form.get("disabled") {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(Problem::invalid_request("disabled must be true or false.")),
    };
    let username = form.get("username").and_then(|username| Subject::new(username).ok());
    match username.filter(|username| server.users.set_disabled(username, disabled)) {
        Some(username) => Ok(Json(json!({ "username": username, "disabled": disabled }))),
        None => Err(Problem::invalid_request("There is no user of that name.")),
    }
}
