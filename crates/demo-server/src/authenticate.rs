use regrant::wire::{Request, Response};
use serde_json::json;

use crate::answer::CHALLENGE;
use crate::server::Server;

/// `POST /json/authenticate`: creates a session for the user named in two headers (AM: zero page login).
pub(crate) fn authenticate(server: &Server, request: &Request<'_>) -> Response {
    let username = text(request, "x-openam-username");
    let password = text(request, "x-openam-password");
    let subject = username.zip(password).and_then(|(username, password)| server.users.sign_in(username, password));
    let Some(subject) = subject else {
        let body = json!({ "code": 401, "reason": "Unauthorized", "message": "Authentication Failed" });
        return Response::json(401, &body).with_header("www-authenticate", CHALLENGE);
    };
    let id = server.sessions.begin(subject, server.service.now(), None);
    Response::json(200, &json!({ "tokenId": id, "successUrl": "/openam/console", "realm": "/" }))
}

/// The value of a header that occurs exactly once. Names and passwords are UTF-8.
fn text<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let mut values = request.header(name);
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value).ok()
}
