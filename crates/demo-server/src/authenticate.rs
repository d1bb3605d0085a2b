use regrant::wire::{Request, Response};
use serde_json::json;

use crate::answer::{CHALLENGE, Problem};
use crate::server::Server;

/// `POST /json/authenticate`: creates a session for the user named in two headers (AM: zero page login).
pub(crate) async fn authenticate(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let username = text(request, "x-openam-username");
    let password = text(request, "x-openam-password");
    let subject = match username.zip(password) {
        Some((username, password)) => server.sign_in(request, username, password).await?,
        None => None,
    };
    let Some(subject) = subject else {
        let body = json!({ "code": 401, "reason": "Unauthorized", "message": "Authentication Failed" });
        return Ok(Response::json(401, &body).with_header("www-authenticate", CHALLENGE));
    };
    let id = server.sessions.begin(subject, server.service.now(), None);
    Ok(Response::json(200, &json!({ "tokenId": id, "successUrl": "/openam/console", "realm": "/" })))
}

/// The value of a header that occurs exactly once. Names and passwords are UTF-8.
fn text<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let mut values = request.header(name);
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value).ok()
}
