//! The page as it is sent: everything that can be shown without a script.

use regrant::clock::Timestamp;
use regrant::inspection::GrantInspection;
use regrant::store::GrantOwner;
use regrant::wire::{Request, Response};

use super::CLIENT;
use crate::answer::Problem;
use crate::authorize::current_session;
use crate::commands::to_second;
use crate::html::Escaped;
use crate::server::Server;

/// The grants that are listed.
const LISTED: usize = 10;

/// Only files of this server are loaded, no text becomes markup or script, and no other site frames the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// `GET /`.
pub(super) async fn page(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let session = current_session(server, request);
    let grants = match &session {
        // The page has the button that brings the store back.
        Some(session) => grants(server, GrantOwner::SubjectAndClient(session.subject.clone(), CLIENT.clone()))
            .await
            .map_or_else(|_| "<p>They cannot be read now. The log has the reason.</p>".to_owned(), |all| listed(&all)),
        None => listed(&[]),
    };
    let user = match &session {
        Some(session) => format!("<p>You are signed in as <strong>{}</strong>.</p>", Escaped(session.subject.as_str())),
        None => {
            "<p>You are not signed in. <a id=\"sign-in\" href=\"/live/sign-in\">Sign in</a> to see the grants that \
                 this page has of you.</p>"
                .to_owned()
        }
    };
    let path = |path: Option<&str>| Escaped(path.unwrap_or_default()).to_string();
    let paths = &server.paths;
    let clock = if server.live_store.is_some() { "manual" } else { "system" };
    let texts = [
        ("{{authorize}}", path(paths.authorization.as_deref())),
        ("{{token}}", path(Some(&paths.token))),
        ("{{revoke}}", path(Some(&paths.revocation))),
        ("{{client}}", Escaped(CLIENT.as_str()).to_string()),
        ("{{clock}}", clock.to_owned()),
        ("{{now}}", to_second(server.service.now()).to_string()),
        ("{{user}}", user),
        ("{{grants}}", grants),
    ];
    let body = texts.iter().fold(include_str!("live.html").to_owned(), |html, (name, text)| html.replace(name, text));
    let headers = vec![
        ("content-type", "text/html; charset=utf-8".into()),
        ("content-security-policy", POLICY.into()),
        ("x-frame-options", "DENY".into()),
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "no-referrer".into()),
        ("cache-control", "no-store".into()),
    ];
    Ok(Response { status: 200, headers, body: body.into_bytes() })
}

/// A file of the page.
pub(super) fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = vec![
        ("content-type", content_type.into()),
        ("x-content-type-options", "nosniff".into()),
        ("cache-control", "no-cache".into()),
    ];
    Response { status: 200, headers, body: text.as_bytes().to_vec() }
}

/// Returns the live grants that the user has given to the page.
async fn grants(server: &Server, owner: GrantOwner) -> Result<Vec<GrantInspection>, Problem> {
    let page = server.service.grants(&owner, None, LISTED).await?;
    let mut grants = Vec::new();
    for summary in page.grants {
        grants.extend(server.service.inspect_grant(&*server.clients, summary.id).await?);
    }
    Ok(grants)
}

fn listed(grants: &[GrantInspection]) -> String {
    if grants.is_empty() {
        return "<p>There is none.</p>".to_owned();
    }
    let time = |at: Timestamp| format!("<time datetime=\"{at}\">{}</time>", to_second(at));
    let rows = grants.iter().map(|grant| {
        let generation = grant.head.as_ref().map_or_else(|| "none".to_owned(), |head| head.generation.to_string());
        let end = grant.summary.expires_at.map_or_else(|| "when it is revoked".to_owned(), time);
        format!(
            "<tr><th scope=\"row\"><code>{}</code></th><td>{generation}</td><td>{}</td><td>{end}</td>\
             <td>{} bytes</td></tr>\n",
            grant.summary.id,
            time(grant.summary.last_used_at),
            grant.record_bytes
        )
    });
    format!(
        "<div class=\"wide\" role=\"group\" aria-label=\"Your grants\" tabindex=\"0\"><table>\n<thead><tr>\
         <th scope=\"col\">Grant</th><th scope=\"col\">Generation</th><th scope=\"col\">Last used</th>\
         <th scope=\"col\">Ends</th><th scope=\"col\">Record</th></tr></thead>\n<tbody>\n{}</tbody></table></div>",
        rows.collect::<String>()
    )
}
