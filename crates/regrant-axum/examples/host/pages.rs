//! The pages: HTML that works without a script.

use std::time::Duration;

use maud::{DOCTYPE, Markup, html};
use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::store::SharedStore;
use regrant::wire::{Ask, Response};
use regrant::{RedirectUri, Scope, Subject};

use super::access::Search;
use super::state::{Access, Entry, Session};

/// The headers of each page and of the files that it loads.
const HEADERS: [(&str, &str); 4] = [
    // Nothing runs but the script of this host, and no other site can show the page in a frame to catch a click.
    // There is no `form-action`: Chrome applies it to the redirect to the client that follows the consent form.
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    // Not `no-referrer`: browsers would send `Origin: null` with the forms, and they would not count as own ones.
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
];

pub(crate) const STYLE: &str = include_str!("host.css");
pub(crate) const SCRIPT: &str = include_str!("host.js");

const SESSIONS: &str = "My sessions";
const ADMINISTRATION: &str = "Administration";

/// Returns a file, or a page.
pub(crate) fn file(status: u16, kind: &'static str, text: impl Into<Vec<u8>>) -> Response {
    let response = Response { status, headers: vec![("content-type", kind.into())], body: text.into() };
    HEADERS.iter().fold(response, |response, (name, value)| response.with_header(name, *value))
}

/// Sends the browser to another page.
pub(crate) fn redirect(target: impl Into<String>) -> Response {
    let headers = vec![("location", target.into().into()), ("cache-control", "no-store".into())];
    Response { status: 303, headers, body: Vec::new() }
}

/// Returns a page. With a session it is one of the pages between which a user walks, without it a single question.
fn page(status: u16, title: &str, session: Option<&Session>, body: &Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/host.css";
                script src="/host.js" defer {}
            }
            body {
                @if let Some(session) = session { (navigation(session, title)) }
                main.question[session.is_none()] { h1 { (title) } (body) }
            }
        }
    };
    file(status, "text/html; charset=utf-8", html.into_string())
}

fn navigation(session: &Session, title: &str) -> Markup {
    let link = |target: &str, name: &str| {
        html! { a href=(target) aria-current=[(name == title).then_some("page")] { (name) } }
    };
    html! {
        header {
            nav aria-label="Pages" {
                (link("/sessions", SESSIONS))
                @if session.is_admin { (link("/admin", ADMINISTRATION)) }
            }
            form method="post" action="/sign-out" {
                b { (session.user.as_str()) }
                button.link { "Sign out" }
            }
        }
    }
}

/// The page of a request that has failed.
pub(crate) fn problem(status: u16, text: &str) -> Response {
    let is_temporary = matches!(status, 429 | 503);
    let body = html! {
        p { (text) }
        @if is_temporary { p { "Nothing has changed. Please try again in a moment." } }
        p { a href="/sessions" { (SESSIONS) } }
    };
    let response = page(status, "This does not work", None, &body);
    if is_temporary { response.with_header("retry-after", "1") } else { response }
}

/// The page for users without the role.
pub(crate) fn forbidden(session: &Session) -> Response {
    page(403, "Not allowed", Some(session), &html! { p { "This page is for administrators." } })
}

/// The sign-in form. It is posted to its own URL, so the request that it interrupts stays in the query.
pub(crate) fn sign_in(status: u16, query: &str, why: Option<&str>) -> Response {
    let body = html! {
        @if let Some(why) = why { p role="alert" { (why) } }
        form method="post" action={ "/sign-in?" (query) } {
            label { "User name" input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required; }
            label {
                "Password" input name="password" type="password" autocomplete="current-password" required;
            }
            button.primary { "Sign in" }
        }
    };
    page(status, "Sign in", None, &body)
}

/// The consent form. `query` leads to this page again, and `others` to the sign-in of somebody else.
pub(crate) fn consent(ask: &Ask<SharedStore>, session: &Session, query: &str, others: &str) -> Response {
    let name = ask.client().name.as_deref().unwrap_or(ask.client().id.as_str());
    let body = html! {
        p { b { (name) } " asks for access to the account " b { (session.user.as_str()) } ". It could then:" }
        (scope_in_words(ask.scope()))
        form.decision method="post" action={ "/authorize?" (query) } {
            input type="hidden" name="session" value=(session.id);
            button name="decision" value="allow" { "Allow" }
            button name="decision" value="deny" { "Deny" }
        }
        p.quiet { "Then your browser goes to " b { (owner(ask.redirect_uri())) } "." }
        p.quiet { a href={ "/authorize?" (others) "&prompt=login" } { "Use another account" } }
    };
    page(200, "Allow access?", None, &body)
}

/// The part of a redirect URI that names its owner: scheme and host.
fn owner(uri: &RedirectUri) -> &str {
    let uri = uri.as_str();
    let host = uri.find("://").map_or(uri.len(), |at| at + 3);
    let end = uri[host..].find(['/', '?']).map_or(uri.len(), |at| host + at);
    &uri[..end]
}

/// The page "my sessions". The role of a list is explicit: without bullets, Safari does not announce one.
pub(crate) fn sessions(session: &Session, access: &Access, is_later: bool, is_done: bool) -> Response {
    let body = html! {
        (done(is_done))
        @if access.grants.is_empty() && is_later {
            p { "There are no more." }
        } @else if access.grants.is_empty() {
            p { "No app has access to your account. If you allow one, it is listed here." }
        } @else {
            p { "These apps can use your account." }
        }
        ul.access role="list" {
            @for grant in &access.grants {
                li {
                    div {
                        (summary(grant, access))
                        @if grant.approval.session_id.as_ref() == Some(&session.id) {
                            p.quiet { "Allowed in this session" }
                        }
                    }
                    (end_button(grant, access, "/sessions", "", &[]))
                }
            }
        }
        (pages("/sessions", "", is_later, access))
        h2 { "Signed in elsewhere?" }
        p { "If you have lost a device, or do not know one of these, end everything: no app keeps access, and every \
             browser is signed out, this one too." }
        form method="get" action="/sessions/end" {
            button.end name="grant" value="all" { "Sign out everywhere" }
        }
        (dialog())
    };
    page(200, SESSIONS, Some(session), &body)
}

/// The links to the next page and to the first one. There is no number of pages: to count a million grants is to read
/// them.
fn pages(path: &str, query: &str, is_later: bool, access: &Access) -> Markup {
    let separator = if query.is_empty() { "" } else { "&" };
    html! {
        @if is_later || access.next.is_some() {
            nav.pages aria-label="Pages of the list" {
                @if is_later { a href={ (path) "?" (query) } { "First page" } }
                @if let Some(next) = access.next {
                    a href={ (path) "?" (query) (separator) "after=" (next) } { "Next page" }
                }
            }
        }
    }
}

/// The question before one grant ends, for browsers without the script. `target` gets the form.
pub(crate) fn confirm(access: &Access, target: &str, back: &str) -> Response {
    let Some(grant) = access.grants.first() else { return redirect(back) };
    let body = html! {
        (summary(grant, access))
        p { "The app loses its access at once, on this device alone. It can ask for access again." }
        (decision(target, back, &grant.id.to_string(), "End access"))
    };
    page(200, "End the access?", None, &body)
}

/// The question before everything of a user ends.
pub(crate) fn confirm_all(title: &str, target: &str, back: &str) -> Response {
    let body = html! {
        p { "All apps and devices lose their access, and all browsers are signed out." }
        (decision(target, back, "all", "End all access"))
    };
    page(200, title, None, &body)
}

fn decision(target: &str, back: &str, value: &str, label: &str) -> Markup {
    html! {
        p { "This cannot be undone." }
        form.decision method="post" action=(target) {
            button.end.primary name="grant" value=(value) { (label) }
            a href=(back) { "Cancel" }
        }
    }
}

/// The page of administrators: the search, its result, and what they have ended.
pub(crate) fn admin(
    session: &Session,
    search: &Search<'_>,
    access: Option<&Access>,
    audit: &[Entry],
    is_done: bool,
) -> Response {
    let body = html! {
        (done(is_done))
        form.search method="get" action="/admin" {
            label { "User" input name="user" value=(search.user) autocapitalize="none" spellcheck="false"; }
            label { "Client" input name="client" value=(search.client) autocapitalize="none" spellcheck="false"; }
            label { "Grant" input name="id" value=(search.id) autocapitalize="none" spellcheck="false"; }
            button.primary { "Search" }
        }
        @if let Some(access) = access { (found(search, access)) }
        h2 { "Audit log" }
        @if audit.is_empty() { p { "Nobody has ended anything." } }
        ol.audit role="list" {
            @for entry in audit {
                li { (exact(entry.at)) " " b { (entry.by.as_str()) } " " (entry.what) }
            }
        }
        (dialog())
    };
    page(200, ADMINISTRATION, Some(session), &body)
}

fn found(search: &Search<'_>, access: &Access) -> Markup {
    let fields = [("user", search.user), ("client", search.client), ("id", search.id), ("after", search.after)];
    html! {
        h2 { "Grants" }
        @if access.grants.is_empty() { p { "No live grant was found" @if access.next.is_some() { " so far" } "." } }
        ul.access role="list" {
            @for grant in &access.grants {
                li {
                    div {
                        (summary(grant, access))
                        p.quiet {
                            "User " b { (grant.approval.subject.as_ref().map_or("none", Subject::as_str)) }
                            ", client " b { (grant.client_id.as_str()) } ", grant " code { (grant.id) }
                        }
                    }
                    (end_button(grant, access, "/admin", &search.query, &fields))
                }
            }
        }
        (pages("/admin", &search.first, !search.after.is_empty(), access))
        @if !search.user.is_empty() && search.client.is_empty() && search.id.is_empty() {
            form method="get" action="/admin/end" {
                input type="hidden" name="user" value=(search.user);
                button.end name="grant" value="all" { "End all access of this user" }
            }
        }
    }
}

fn done(is_done: bool) -> Markup {
    // The script writes here too, so the element is always there: screen readers announce its changes.
    html! { p #done role="status" tabindex="-1" { @if is_done { "The access has ended." } } }
}

fn summary(grant: &GrantSummary, access: &Access) -> Markup {
    html! {
        p { b { (name(grant, access)) } " on " (device_of(grant)) }
        p.quiet {
            "Last used " (time(grant.last_used_at, access.now))
            @if grant.last_used_at.since(grant.created_at) > Some(Duration::from_secs(60)) {
                ", allowed " (time(grant.created_at, access.now))
            }
        }
        (scope_in_words(&grant.approval.scope))
    }
}

/// The button that ends a grant: a form that asks first. The script asks in a dialog and posts to `target` itself.
fn end_button(grant: &GrantSummary, access: &Access, target: &str, query: &str, fields: &[(&str, &str)]) -> Markup {
    let label = format!("End access of {} on {}", name(grant, access), device_of(grant));
    let post = if query.is_empty() { target.to_owned() } else { format!("{target}?{query}") };
    html! {
        form method="get" action={ (target) "/end" } data-post=(post) {
            @for (field, value) in fields {
                @if !value.is_empty() { input type="hidden" name=(field) value=(value); }
            }
            button.end name="grant" value=(grant.id) aria-label=(label) { "End access" }
        }
    }
}

/// The dialog of the script, which browsers do not show by themselves.
fn dialog() -> Markup {
    html! {
        dialog #ask aria-labelledby="ask-title" {
            form method="dialog" {
                h2 #ask-title {}
                p { "This cannot be undone. The app can ask for access again." }
                div.decision {
                    button.end.primary value="end" { "End access" }
                    button value="keep" autofocus { "Cancel" }
                }
            }
        }
    }
}

fn name<'a>(grant: &'a GrantSummary, access: &'a Access) -> &'a str {
    access.names.get(&grant.client_id).map_or(grant.client_id.as_str(), String::as_str)
}

/// The device that the host recorded in the approval.
fn device_of(grant: &GrantSummary) -> String {
    let device = String::from_utf8_lossy(&grant.approval.data);
    if device.is_empty() { "an unknown device".to_owned() } else { device.into_owned() }
}

/// Names the device of a `user-agent` in words of this program, and keeps nothing else of it.
pub(crate) fn device(user_agent: &str) -> String {
    // The names of Chrome and Safari are in the headers of the other browsers too, and that of Linux in Android's.
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find_map(|(part, name)| user_agent.contains(part).then_some(*name))
    };
    let browser = first(&browsers).unwrap_or("A program");
    format!("{browser} on {}", first(&systems).unwrap_or("an unknown device"))
}

/// The scope as a list of sentences. A value without words is shown as it is: hidden, it would be consented to unseen.
fn scope_in_words(scope: &Scope) -> Markup {
    let words = |value| match value {
        "read" => "See your photos".to_owned(),
        "write" => "Add and delete photos".to_owned(),
        other => format!("Use the permission {other}"),
    };
    html! { ul.scope role="list" { @for value in scope.iter() { li { (words(value)) } } } }
}

/// A time as people say it, with the exact one for programs and on hover.
fn time(then: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(then) title=(then) { (ago(now.since(then).unwrap_or_default(), then)) } }
}

fn ago(age: Duration, then: Timestamp) -> String {
    let count = |number: u64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match age.as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => count(minutes, "minute"),
        minutes @ 60..1_440 => count(minutes / 60, "hour"),
        minutes @ 1_440..43_200 => count(minutes / 1_440, "day"),
        _ => format!("on {}", then.to_string().get(..10).unwrap_or_default()),
    }
}

/// A time to the second, for a log.
fn exact(at: Timestamp) -> Markup {
    let text = at.to_string();
    html! { time datetime=(text) { (text.get(..19).unwrap_or(&text).replace('T', " ")) " UTC" } }
}
