//! The pages for people. Each works without a script, with the keyboard and with a screen reader.

use std::fmt::Write as _;

use regrant::wire::{Ask, AuthorizationRequest, Request, Response};
use regrant::{Approval, ClientId, RedirectUri, Resources, Scope};

use crate::cookie;
use crate::html::{Escaped, Page, hidden};
use crate::server::Server;
use crate::session::Session;
use crate::sign_in::Target;
use crate::store::SharedStore;

/// The sign-in form.
pub(crate) struct SignIn<'a> {
    pub(crate) path: &'a str,
    pub(crate) csrf: &'a str,
    /// The page that follows, and its query.
    pub(crate) target: Target,
    pub(crate) query: &'a str,
    pub(crate) client: Option<&'a str>,
    pub(crate) username: Option<String>,
    /// The reason why the user must try again.
    pub(crate) why: Option<&'a str>,
}

impl SignIn<'_> {
    pub(crate) fn page(&self) -> Response {
        let why = self.why.map(alert).unwrap_or_default();
        let client = self.client.map(|name| format!("<p>to continue to <strong>{}</strong></p>\n", Escaped(name)));
        let body = format!(
            "{client}{why}<form method=\"post\" action=\"{path}\">\n{csrf}{page}{query}\
             <label for=\"username\">User name</label>\n\
             <input id=\"username\" name=\"username\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required>\n\
             <label for=\"password\">Password</label>\n\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\n\
             <button id=\"sign-in\">Sign in</button>\n</form>\n",
            client = client.unwrap_or_default(),
            path = Escaped(self.path),
            csrf = hidden("csrf", self.csrf),
            page = hidden("page", self.target.as_str()),
            query = hidden("query", self.query),
            username = Escaped(self.username.as_deref().unwrap_or_default()),
        );
        let status = if self.why.is_some() { 403 } else { 200 };
        Page { status, title: "Sign in", body, form_action: "" }.into()
    }
}

/// The consent form of an authorization request. It is posted to the URL of the request.
pub(crate) fn consent(
    server: &Server,
    request: &Request<'_>,
    sent: &AuthorizationRequest<'_>,
    ask: &Ask<SharedStore>,
    session: &Session,
) -> Response {
    let (name, path) = (server.name(&ask.client().id), server.paths.authorization.as_deref().unwrap_or_default());
    let body = format!(
        "{asks}<p>Then your browser goes to <code>{target}</code>.</p>\n\
         <form method=\"post\" action=\"{path}?{query}\">\n{csrf}{DECISION}</form>\n\
         <p><a id=\"another-user\" href=\"{path}?{again}&amp;prompt=login\">Sign in as another user</a></p>\n",
        asks = asks(server, &ask.client().id, ask.scope(), ask.resources(), session),
        target = Escaped(host(ask.redirect_uri())),
        path = Escaped(path),
        query = Escaped(&sent.query_without(&[])),
        csrf = hidden("csrf", &csrf(server, request)),
        again = Escaped(&sent.query_without(&["prompt"])),
    );
    // Chrome applies form-action to every redirect that follows a form: the callback of the client, and wherever that
    // leads. So only the scheme is limited here. The form with the password is limited to this server.
    let form_action = format!(" {}:", scheme(ask.redirect_uri()));
    Page { status: 200, title: &format!("Allow {name}?"), body, form_action: &form_action }.into()
}

/// The consent form of a device.
pub(crate) fn device(
    server: &Server,
    request: &Request<'_>,
    client_id: &ClientId,
    approval: &Approval,
    user_code: &str,
    session: &Session,
) -> Response {
    let path = server.paths.device_verification.as_deref().unwrap_or_default();
    let body = format!(
        "{asks}<p>Allow this only if your own device shows the code <strong>{code}</strong>.</p>\n\
         <form method=\"post\" action=\"{path}\">\n{csrf}{field}{DECISION}</form>\n",
        asks = asks(server, client_id, &approval.scope, &approval.resources, session),
        code = Escaped(user_code),
        path = Escaped(path),
        csrf = hidden("csrf", &csrf(server, request)),
        field = hidden("user_code", user_code),
    );
    Page { status: 200, title: &format!("Allow {}?", server.name(client_id)), body, form_action: "" }.into()
}

/// The form for the code that a device shows. It changes nothing, so it is sent with GET.
pub(crate) fn user_code(server: &Server, why: Option<&str>) -> Response {
    let path = server.paths.device_verification.as_deref().unwrap_or_default();
    let body = format!(
        "{why}<form method=\"get\" action=\"{path}\">\n<label for=\"user_code\">Code on your device</label>\n\
         <input id=\"user_code\" name=\"user_code\" autocomplete=\"off\" autocapitalize=\"characters\" \
         spellcheck=\"false\" required>\n<button id=\"continue\">Continue</button>\n</form>\n",
        why = why.map(alert).unwrap_or_default(),
        path = Escaped(path),
    );
    let status = if why.is_some() { 400 } else { 200 };
    Page { status, title: "Connect a device", body, form_action: "" }.into()
}

/// The end of the device flow.
pub(crate) fn decided(is_allowed: bool) -> Response {
    let (title, text) = if is_allowed {
        ("Your device is connected", "You can go back to your device.")
    } else {
        ("Your device was refused", "Nothing was allowed. You can close this page.")
    };
    Page { status: 200, title, body: format!("<p>{text}</p>\n"), form_action: "" }.into()
}

const DECISION: &str = "<button id=\"allow\" name=\"decision\" value=\"allow\">Allow</button>\n\
    <button id=\"deny\" name=\"decision\" value=\"deny\">Deny</button>\n";

/// The client, the user, and the access that the client asks for.
fn asks(server: &Server, client_id: &ClientId, scope: &Scope, resources: &Resources, session: &Session) -> String {
    let (name, id) = (server.name(client_id), client_id.as_str());
    // A name is text of the client, and may be that of another one. The id is not.
    let id = if name == id { String::new() } else { format!(" (<code>{}</code>)", Escaped(id)) };
    let mut html = format!(
        "<p><strong>{}</strong>{id} asks for access to the account <strong>{}</strong>.</p>\n",
        Escaped(&name),
        Escaped(session.subject.as_str()),
    );
    if !scope.is_empty() {
        html.push_str("<h2>It may</h2>\n<ul>\n");
        for token in scope.iter() {
            let item = match server.scope_in_words(token) {
                Some(words) => format!("<li>{} (<code>{}</code>)</li>\n", Escaped(words), Escaped(token)),
                None => format!("<li><code>{}</code></li>\n", Escaped(token)),
            };
            html.push_str(&item);
        }
        html.push_str("</ul>\n");
    }
    if !resources.is_empty() {
        html.push_str("<h2>At</h2>\n<ul>\n");
        for resource in resources.iter() {
            // Writing into a string never fails.
            let _ = writeln!(html, "<li><code>{}</code></li>", Escaped(resource.as_str()));
        }
        html.push_str("</ul>\n");
    }
    html
}

fn alert(text: &str) -> String {
    format!("<p id=\"error\" role=\"alert\">{}</p>\n", Escaped(text))
}

fn csrf(server: &Server, request: &Request<'_>) -> String {
    server.csrf.token(cookie::read(request).unwrap_or_default())
}

fn scheme(uri: &RedirectUri) -> &str {
    uri.as_str().split(':').next().unwrap_or_default()
}

/// The part of a redirect URI that names its owner: scheme and host.
fn host(uri: &RedirectUri) -> &str {
    let uri = uri.as_str();
    let host = uri.find("://").map_or(uri.len(), |at| at + 3);
    let end = uri[host..].find(['/', '?']).map_or(uri.len(), |at| host + at);
    &uri[..end]
}
