//! The end of a session in the browser, for the end session endpoint of the library.

use std::sync::Arc;

use async_trait::async_trait;
use regrant::host::Unavailable;
use regrant::wire::{EndSession, EndSessionRequest, EndSessionResponse, EndedSession, Response};

use crate::cookie;
use crate::html::{Escaped, Page, hidden};
use crate::server::Server;
use crate::session::Session;

/// Ends the session of the cookie: at once if the hint is of that session, otherwise after the user has confirmed.
pub(crate) struct Logout(pub(crate) Arc<Server>);

#[async_trait]
impl EndSession for Logout {
    async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable> {
        let Self(server) = self;
        let cookie = cookie::read(request.http);
        let session = cookie.and_then(|id| Some((id, server.sessions.find(id, server.service.now())?)));
        let Some((id, session)) = session else { return Ok(EndedSession::new(signed_out()).into()) };
        let is_meant = request.hint.is_some_and(|hint| hint.session_id.as_ref() == Some(&session.public_id));
        if !is_meant && !is_confirmed(server, request) {
            return Ok(EndSessionResponse::Page(confirmation(server, request, &session)));
        }
        server.sessions.end(id);
        let ended = EndedSession::new(signed_out()).with_header("set-cookie", cookie::removal(&server.issuer));
        Ok(ended.with_session(session.subject, session.public_id).into())
    }
}

/// Returns true for the form of [`confirmation`], which no other site can send.
fn is_confirmed(server: &Server, request: &EndSessionRequest<'_>) -> bool {
    let is_form = request.http.method == "POST" && request.parameters.get("decision") == Some("sign-out");
    let token = cookie::read(request.http).zip(request.parameters.get("csrf"));
    is_form && token.is_some_and(|(cookie, token)| server.csrf.accepts(cookie, token))
}

/// Asks the user (RP-Initiated Logout 1.0 section 2).
fn confirmation(server: &Server, request: &EndSessionRequest<'_>, session: &Session) -> Response {
    let asked = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];
    let fields = asked.iter().filter_map(|name| Some(hidden(name, request.parameters.get(name)?)));
    let name = request.client.map(|client| server.name(&client.id));
    let asks = name.map(|name| format!("<p><strong>{}</strong> asks to sign you out.</p>\n", Escaped(&name)));
    let body = format!(
        "{asks}<p>You are signed in as <strong>{user}</strong>. If you sign out, the applications that you used in this \
         session lose their access.</p>\n<form method=\"post\" action=\"{path}\">\n{csrf}{fields}\
         <button id=\"sign-out\" name=\"decision\" value=\"sign-out\">Sign out</button>\n</form>\n",
        asks = asks.unwrap_or_default(),
        user = Escaped(session.subject.as_str()),
        path = Escaped(&server.paths.end_session),
        csrf = hidden("csrf", &server.csrf.token(cookie::read(request.http).unwrap_or_default())),
        fields = fields.collect::<String>(),
    );
    // As on the consent page: Chrome applies form-action to the redirection that follows the form.
    let scheme = request.redirect_uri.and_then(|uri| uri.as_str().split(':').next());
    let form_action = scheme.map(|scheme| format!(" {scheme}:")).unwrap_or_default();
    Page { status: 200, title: "Sign out?", body, form_action: &form_action }.into()
}

fn signed_out() -> Response {
    let body = "<p>You can close this page.</p>\n".to_owned();
    Page { status: 200, title: "You are signed out", body, form_action: "" }.into()
}
