use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::server::Server;

/// `POST /json/authenticate`: a session for the user whom two headers name (AM: zero page login).
pub(crate) async fn authenticate(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let username = text(&headers, "x-openam-username");
    let password = text(&headers, "x-openam-password");
    let subject = username.zip(password).and_then(|(username, password)| server.users.sign_in(username, password));
    let (status, body) = match subject {
        Some(subject) => {
            let id = server.sessions.begin(subject, server.service.now());
            (StatusCode::OK, json!({ "tokenId": id, "successUrl": "/openam/console", "realm": "/" }))
        }
        None => (
            StatusCode::UNAUTHORIZED,
            json!({ "code": 401, "reason": "Unauthorized", "message": "Authentication Failed" }),
        ),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The value of a header that is there once. Names and passwords are UTF-8 here, which `to_str` would refuse.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value.as_bytes()).ok()
}
