//! The pages of the host: HTML that works without a script. The examples for axum and actix-web share this file.

use std::time::Duration;

use maud::{DOCTYPE, Markup, html};
use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::{Client, Scope, Subject};

use super::access::Search;
use super::state::{Access, Entry, Session};

/// The headers of each page and of the files that it loads.
pub(crate) const HEADERS: [(&str, &str); 4] = [
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

/// An answer of a page, for any web framework.
pub(crate) enum Shown {
    Page(String),
    Forbidden(String),
    Redirect(String),
    /// A redirect that sets the cookie of the session.
    SignedIn {
        cookie: String,
        target: String,
    },
}

impl Shown {
    pub(crate) fn page(title: &str, body: &Markup) -> Self {
        Self::Page(document(title, body))
    }

    pub(crate) fn to(target: impl Into<String>) -> Self {
        Self::Redirect(target.into())
    }
}

/// Returns a whole page.
fn document(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/host.css";
                script src="/host.js" defer {}
            }
            body { main { h1 { (title) } (body) } }
        }
    }
    .into_string()
}

/// The page for users without the role.
pub(crate) fn forbidden() -> String {
    document("Not allowed", &html! { p { "This page is for administrators." } })
}

/// The sign-in form. It is posted to its own URL, so the request that it interrupts stays in the query.
pub(crate) fn sign_in(query: &str, is_wrong: bool) -> Shown {
    let body = html! {
        @if is_wrong { p role="alert" { "The name or the password is wrong." } }
        form method="post" action={ "/sign-in?" (query) } {
            label { "User" input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required; }
            label {
                "Password" input name="password" type="password" autocomplete="current-password" required;
            }
            button { "Sign in" }
        }
    };
    let page = document("Sign in", &body);
    if is_wrong { Shown::Forbidden(page) } else { Shown::Page(page) }
}

/// The consent form.
pub(crate) fn consent(client: &Client, scope: &Scope, session: &Session, query: &str) -> Shown {
    let name = client.name.as_deref().unwrap_or(client.id.as_str());
    let body = html! {
        p { b { (name) } " asks for access to the account " b { (session.user.as_str()) } ". It could then:" }
        (scope_in_words(scope))
        form method="post" action={ "/authorize?" (query) } {
            button name="decision" value="allow" { "Allow" } " "
            button name="decision" value="deny" { "Deny" }
        }
    };
    Shown::page("Allow access?", &body)
}

/// The page "my sessions". The role of a list is explicit: without bullets, Safari does not announce one.
pub(crate) fn sessions(session: &Session, access: &Access, is_done: bool) -> Markup {
    html! {
        (done(is_done))
        p { "These apps and devices have access to the account " b { (session.user.as_str()) } "." }
        @if access.grants.is_empty() { p { "No app has access here." } }
        ul.access role="list" {
            @for grant in &access.grants {
                li {
                    (summary(grant, access))
                    @if grant.approval.session_id.as_ref() == Some(&session.id) { p.quiet { "Allowed in this session" } }
                    (end_button(grant, access, "/sessions", "", &[]))
                }
            }
        }
        @if let Some(next) = access.next { p { a href={ "/sessions?after=" (next) } { "Next page" } } }
        form method="get" action="/sessions/end" {
            button.end name="grant" value="all" { "Sign out everywhere" }
        }
        (dialog())
    }
}

/// The question before something ends, for browsers without the script. `target` gets the form.
pub(crate) fn confirm(access: &Access, target: &str, back: &str, value: &str) -> Markup {
    html! {
        @for grant in &access.grants { (summary(grant, access)) }
        @if access.grants.is_empty() {
            p { "All apps and devices lose their access, and all browsers are signed out." }
        } @else {
            p { "The app loses its access at once, on this device alone." }
        }
        p { "This cannot be undone. The app can ask for access again." }
        form method="post" action=(target) {
            button.end name="grant" value=(value) { "End access" } " "
            a href=(back) { "Keep it" }
        }
    }
}

/// The page of administrators: the search, its result, and what they have ended.
pub(crate) fn admin(search: &Search<'_>, access: Option<&Access>, audit: &[Entry], is_done: bool) -> Markup {
    html! {
        (done(is_done))
        form.search method="get" action="/admin" {
            label { "User" input name="user" value=(search.user) autocapitalize="none" spellcheck="false"; }
            label { "Client" input name="client" value=(search.client) autocapitalize="none" spellcheck="false"; }
            label { "Grant" input name="id" value=(search.id) autocapitalize="none" spellcheck="false"; }
            button { "Search" }
        }
        @if let Some(access) = access { (found(search, access)) }
        h2 { "Audit log" }
        @if audit.is_empty() { p { "Nobody has ended anything." } }
        ol.audit role="list" {
            @for entry in audit { li { time datetime=(entry.at) { (entry.at) } " " b { (entry.by.as_str()) } " " (entry.what) } }
        }
        (dialog())
    }
}

fn found(search: &Search<'_>, access: &Access) -> Markup {
    let fields = [("user", search.user), ("client", search.client), ("id", search.id), ("after", search.after)];
    html! {
        h2 { "Grants" }
        @if access.grants.is_empty() { p { "No grant is alive here." } }
        ul.access role="list" {
            @for grant in &access.grants {
                li {
                    (summary(grant, access))
                    p.quiet {
                        "User " (grant.approval.subject.as_ref().map_or("none", Subject::as_str))
                        ", client " (grant.client_id.as_str()) ", grant " code { (grant.id) }
                    }
                    (end_button(grant, access, "/admin", &search.query, &fields))
                }
            }
        }
        // There is no number of pages: to count a million grants is to read them.
        @if let Some(next) = access.next { p { a href={ "/admin?" (search.first) "&after=" (next) } { "Next page" } } }
        @if !search.user.is_empty() && search.client.is_empty() && search.id.is_empty() {
            form method="get" action="/admin/end" {
                input type="hidden" name="user" value=(search.user);
                button.end name="grant" value="all" { "End all of this user" }
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
        p { b { (name(grant, access)) } }
        p { (device_of(grant)) ", last used " (time(grant.last_used_at, access.now)) }
        (scope_in_words(&grant.approval.scope))
    }
}

/// The button that ends a grant: a form that asks first. The script asks in a dialog and posts to `target` itself.
fn end_button(grant: &GrantSummary, access: &Access, target: &str, query: &str, fields: &[(&str, &str)]) -> Markup {
    let label = format!("End the access of {} on {}", name(grant, access), device_of(grant));
    let post = if query.is_empty() { target.to_owned() } else { format!("{target}?{query}") };
    html! {
        form method="get" action={ (target) "/end" } data-post=(post) {
            @for (field, value) in fields {
                @if !value.is_empty() { input type="hidden" name=(field) value=(value); }
            }
            button.end name="grant" value=(grant.id) aria-label=(label) { "End" }
        }
    }
}

/// The dialog of the script, which browsers do not show by themselves.
fn dialog() -> Markup {
    html! {
        dialog #ask aria-labelledby="ask-title" {
            form method="dialog" {
                h2 #ask-title { "End the access?" }
                p #ask-text {}
                p { "This cannot be undone. The app can ask for access again." }
                button.end value="end" { "End access" } " " button value="keep" autofocus { "Keep it" }
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
    if device.is_empty() { "a server".to_owned() } else { device.into_owned() }
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
    html! { ul.scope { @for value in scope.iter() { li { (words(value)) } } } }
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
