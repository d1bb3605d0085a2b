//! The sign-in form of the pages. The form of another site cannot be sent here: it would sign the user in as the
//! attacker.

use form_urlencoded::{Serializer, parse};
use regrant::ClientId;
use regrant::host::Parameters;
use regrant::wire::{Request, Response};

use crate::answer::Problem;
use crate::server::Server;
use crate::{cookie, pages};

/// The page that asked the user to sign in. The way back is one of these and no URL of the form: that could lead to a
/// page of an attacker.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    Authorize,
    Device,
    Live,
}

impl Target {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Device => "device",
            Self::Live => "live",
        }
    }

    fn path(self, server: &Server) -> &str {
        let path = match self {
            Self::Authorize => &server.paths.authorization,
            Self::Device => &server.paths.device_verification,
            Self::Live => return "/",
        };
        path.as_deref().unwrap_or("/")
    }
}

/// Shows the form.
pub(crate) fn form(server: &Server, request: &Request<'_>, target: Target) -> Response {
    shown(server, request, target, request.query.unwrap_or_default(), None)
}

/// `POST /oauth2/sign-in`: starts a session, and sends the browser back to the page.
pub(crate) async fn sign_in(
    server: &Server,
    request: &Request<'_>,
    form: &Parameters<'_>,
) -> Result<Response, Problem> {
    let target = match form.get("page") {
        Some("authorize") => Target::Authorize,
        Some("device") => Target::Device,
        Some("live") => Target::Live,
        _ => return Err(Problem::invalid_request("The form is malformed.")),
    };
    let query = form.get("query").unwrap_or_default();
    let token = form.get("csrf").unwrap_or_default();
    let old = cookie::read(request).filter(|cookie| server.csrf.accepts(cookie, token));
    let Some(old) = old else {
        return Ok(shown(server, request, target, query, Some("The form has expired. Please try again.")));
    };
    let subject = match form.get("username").zip(form.get("password")) {
        Some((username, password)) => server.sign_in(request, username, password).await?,
        None => None,
    };
    let Some(subject) = subject else {
        let why = "The user name or the password is wrong.";
        return Ok(shown(server, request, target, query, Some(why)));
    };
    server.sessions.end(old);
    let query = rewritten(query);
    let id = server.sessions.begin(subject, server.service.now(), Some(&query));
    Ok(cookie::set(back(server, target, &query), &id, &server.issuer))
}

/// Returns the query with nothing in it that has a meaning in a URL.
fn rewritten(query: &str) -> String {
    Serializer::new(String::new()).extend_pairs(parse(query.as_bytes())).finish()
}

/// Sends the browser to a page with a query.
pub(crate) fn back(server: &Server, target: Target, query: &str) -> Response {
    let query = rewritten(query);
    let headers = vec![
        ("location", format!("{}?{query}", target.path(server)).into()),
        ("cache-control", "no-store".into()),
        ("referrer-policy", "no-referrer".into()),
    ];
    Response { status: 303, headers, body: Vec::new() }
}

/// The browser keeps its cookie, so that forms in several tabs remain valid.
fn shown(server: &Server, request: &Request<'_>, target: Target, query: &str, why: Option<&str>) -> Response {
    let parameter = |wanted: &str| {
        let mut found = parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.into_owned())
    };
    let client_id = parameter("client_id").and_then(|client_id| ClientId::new(client_id).ok());
    let client = client_id.and_then(|client_id| server.clients.client(&client_id));
    let name = client.map(|client| server.name(&client.id));
    let kept = cookie::read(request).filter(|value| cookie::is_drawn(value));
    let value = kept.map_or_else(cookie::draw, str::to_owned);
    let form = pages::SignIn {
        path: &server.sign_in_path,
        csrf: &server.csrf.token(&value),
        target,
        query,
        client: name.as_deref(),
        username: parameter("login_hint"),
        why,
    };
    let response = form.page();
    if kept.is_some() { response } else { cookie::set(response, &value, &server.issuer) }
}
