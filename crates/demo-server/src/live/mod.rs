//! The live page: a client of this server in a browser, and the record of its grant beside it.
//!
//! The page exists where the client [`CLIENT`] is registered, as it is in `demo.toml`. It explains a grant to somebody
//! who presents one of its tokens, and lists the grants of the user who is signed in.

mod events;
mod explain;
mod page;
mod store;

pub(crate) use events::LiveEvents;
pub(crate) use store::LiveStore;

use std::sync::LazyLock;

use regrant::wire::{self, MalformedRequest, Request, Response};
use regrant::{ClientId, GrantId};
use serde_json::Value;

use crate::answer::Problem;
use crate::server::Server;
use crate::{inspection, sign_in};

/// The public client that the page is.
pub(crate) static CLIENT: LazyLock<ClientId> = LazyLock::new(|| ClientId::from_static("live-page"));

const FORM_LIMIT: usize = 64 * 1024;

/// Answers a request for the page or one of its parts; `None` when the path is none of them.
pub(crate) async fn respond(server: &Server, request: &Request<'_>) -> Option<Response> {
    server.clients.client(&CLIENT)?;
    let is_asked = request.path == "/live/inspect";
    let is_part = matches!(request.path, "/" | "/live/sign-in" | "/live/live.css" | "/live/live.js" | "/live/events");
    let allowed = match (is_asked, is_part) {
        (true, _) => "POST",
        (_, true) => "GET, HEAD",
        _ => return None,
    };
    if !allowed.split(", ").any(|method| method == request.method) {
        return Some(MalformedRequest::Method(allowed).response());
    }
    let answer = match request.path {
        "/live/inspect" => inspect(server, request).await,
        "/live/events" => events(server, request).await,
        "/live/sign-in" => Ok(sign_in::form(server, request, sign_in::Target::Live)),
        "/live/live.css" => Ok(page::asset("text/css; charset=utf-8", include_str!("live.css"))),
        "/live/live.js" => Ok(page::asset("text/javascript; charset=utf-8", include_str!("live.js"))),
        _ => page::page(server, request).await,
    };
    Some(answer.unwrap_or_else(|problem| if request.path == "/" { problem.page() } else { problem.into() }))
}

/// `POST /live/inspect`: explains a token of the page, and its grant, to everybody who has the token.
async fn inspect(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let form = wire::form(request, FORM_LIMIT)?;
    let token = form.get("token").ok_or_else(|| Problem::invalid_request("The form must have a token."))?;
    let explained = server.service.inspect(&*server.clients, token).await?.ok_or_else(unknown)?;
    // Tokens of other clients are for their resource servers, which must not learn about the grant.
    if explained.grant.as_ref().is_some_and(|grant| grant.summary.client_id != *CLIENT) {
        return Err(unknown());
    }
    let mut body = inspection::of_token(&explained);
    body.insert("now".to_owned(), server.service.now().to_string().into());
    body.insert("watch".to_owned(), server.csrf.token(&watched(explained.grant_id)).into());
    Ok(Response::json(200, &Value::Object(body)))
}

/// `GET /live/events`: the events of a grant behind the one that the browser has, as server-sent events. Without any it
/// waits for the next one. The key `watch` came with an explanation of the grant, so only its holder can ask.
///
/// An answer is complete after the first events, and the browser asks again at once.
async fn events(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let query = wire::query(request)?;
    let id: GrantId = query.get("grant").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    if !query.get("watch").is_some_and(|key| server.csrf.accepts(&watched(id), key)) {
        return Err(unknown());
    }
    let last = request.header("last-event-id").next().and_then(|id| std::str::from_utf8(id).ok());
    let last: u64 = last.and_then(|id| id.parse().ok()).unwrap_or_default();
    let body = server.live_events.after(id, last).await.into_bytes();
    let headers = vec![("content-type", "text/event-stream".into()), ("cache-control", "no-store".into())];
    Ok(Response { status: 200, headers, body })
}

/// The text whose tag is the key to the events of a grant. No cookie has this text.
fn watched(id: GrantId) -> String {
    format!("the live events of {id}")
}

/// The same answer for a grant that is not there and for one of somebody else.
fn unknown() -> Problem {
    Problem::new(404, "not_found", "There is no such grant.")
}
