//! A host in one file: sign-in, consent, authorization code with PKCE, refresh tokens, and "my sessions", with SQLite.
//! `docs/host-guide.md` explains it. Run it with `cargo run -p regrant-axum --example host`, as `demo` / `changeit`.

use std::sync::{Arc, Mutex, PoisonError};
use std::{collections::HashMap, error::Error, net::SocketAddr, time::Duration};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::{Router, middleware::map_request, routing::get};
use maud::{DOCTYPE, Markup, html};
use regrant::authenticator::{ClientStore as _, DirectoryAuthenticator, RegisteredClient};
use regrant::wire::{Endpoints, Paths, Prompt};
use regrant::{Approval, Client, ClientId, ClientSecret, Entropy as _, GrantType, Issuer, Key, KeyRing, Policy};
use regrant::{RedirectUri, Scope, SecretHash, Subject, SystemEntropy, TokenService};
use regrant::{clock::Timestamp, host::AttemptLimit, host::Peer, policy::RequirePkce, store::GrantOwner};
use regrant_axum::{Answer, AuthorizationRequest, Form};
use regrant_sqlite::SqliteStore;

pub(crate) const ISSUER: &str = "http://127.0.0.1:8080";

type Shared = State<Arc<Host>>;

struct Host {
    endpoints: Arc<Endpoints<Arc<SqliteStore>>>,
    password: SecretHash,
    sessions: Mutex<HashMap<String, Session>>,
}

/// A signed-in browser. Its key in the map is the cookie, a secret. The id is public: grants of the session have it.
#[derive(Clone)]
struct Session {
    id: String,
    user: Subject,
    signed_in_at: Timestamp,
    /// The request for which the user signed in. For five minutes it does not ask again, even with `prompt=login`.
    signed_in_for: String,
}

/// The authorization endpoint. `ask` has judged the request: the page decides only who the user is, and yes or no.
async fn authorize(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Response, Answer> {
    let ask = host.endpoints.ask(&request.0).await?;
    let query = request.0.query_without(&[]);
    let is_silent = ask.prompt().contains(&Prompt::None); // the client wants no page
    let age = |own: &Session| host.endpoints.service().now().since(own.signed_in_at);
    let is_new = |own: &Session| own.signed_in_for == query && age(own) < Some(Duration::from_secs(300));
    let is_fresh = |own: &Session| is_new(own) || !ask.requires_sign_in(own.signed_in_at, None);
    let Some(session) = host.session(&headers).filter(is_fresh) else {
        let sign_in = Redirect::to(&format!("/sign-in?{query}"));
        return if is_silent { Err(ask.login_required().into()) } else { Ok(sign_in.into_response()) };
    };
    match request.0.form().and_then(|form| form.get("decision")).filter(|_| is_own_form(&headers)) {
        Some("allow") => {
            let approval = Approval::of(session.user)
                .with_authentication(session.signed_in_at, None, vec!["pwd".to_owned()])
                .with_session_id(Some(session.id));
            Ok(Answer(ask.approve(approval).await?).into_response())
        }
        Some(_) => Err(ask.deny().into()),
        None if is_silent => Err(ask.consent_required().into()),
        None => {
            let body = html! {
                p { b { (ask.client().id) } " wants to act for " b { (session.user.as_str()) } ":" }
                ul { @for scope in ask.scope().iter() { li { (scope) } } }
                form method="post" action={ "/authorize?" (query) } {
                    button name="decision" value="allow" { "Allow" } " " button name="decision" value="deny" { "Deny" }
                }
            };
            Ok(page("Allow access?", &body))
        }
    }
}

async fn sign_in_form(request: AuthorizationRequest) -> Response {
    let body = html! {
        form method="post" action={ "/sign-in?" (request.0.query_without(&[])) } {
            p { label { "User " input name="user" autocomplete="username" required; } }
            p { label { "Password " input name="password" type="password" autocomplete="current-password" required; } }
            button { "Sign in" }
        }
    };
    page("Sign in", &body)
}

async fn sign_in(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Response {
    let field = |name| request.0.form().and_then(|form| form.get(name)).unwrap_or_default();
    let is_right = host.password.verify(&ClientSecret::new(field("password"))).await && field("user") == "demo";
    if !(is_right && is_own_form(&headers)) {
        let wrong = page("Sign in", &html! { p { "The name or the password is wrong." } });
        return (StatusCode::FORBIDDEN, wrong).into_response();
    }
    let (user, query) = (Subject::from_static("demo"), request.0.query_without(&[])); // yours are in your database
    // Back to the request, or to the page of this host: no parameter names another target.
    let is_authorization = request.0.parameter("client_id").is_some();
    let then = if is_authorization { format!("/authorize?{query}") } else { "/sessions".to_owned() };
    let session = Session { id: random(), user, signed_in_at: host.endpoints.service().now(), signed_in_for: query };
    let cookie = random();
    let header = format!("session={cookie}; HttpOnly; SameSite=Lax; Path=/"); // and Secure, with https
    host.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(cookie, session);
    ([(header::SET_COOKIE, header)], Redirect::to(&then)).into_response()
}

/// The page where users see which applications have access, and end it.
async fn sessions(host: Shared, headers: HeaderMap) -> Result<Response, Answer> {
    let Some(session) = host.session(&headers) else { return Ok(Redirect::to("/sign-in").into_response()) };
    let grants = host.endpoints.service().grants(&GrantOwner::Subject(session.user), None, 100).await?.grants;
    let body = html! {
        @for grant in grants {
            form method="post" action="/sessions" {
                b { (grant.client_id) } ": " (grant.approval.scope) ", last used " (grant.last_used_at) " "
                button name="grant" value=(grant.id) { "End" }
            }
        }
        form method="post" action="/sessions" { button name="grant" value="all" { "Sign out everywhere" } }
    };
    Ok(page("My sessions", &body))
}

async fn end_session(host: Shared, headers: HeaderMap, Form(form): Form) -> Result<Redirect, Answer> {
    let Some(session) = host.session(&headers).filter(|_| is_own_form(&headers)) else {
        return Ok(Redirect::to("/sessions"));
    };
    let (service, grant) = (host.endpoints.service(), form.get("grant").unwrap_or_default());
    if grant == "all" {
        service.revoke_subject(&session.user).await?;
        host.sessions.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, own| own.user != session.user);
    } else if let Ok(grant) = grant.parse() {
        // The id comes from the browser. The call ends only a grant of this user.
        service.revoke_grant_of(&session.user, grant).await?;
    }
    Ok(Redirect::to("/sessions"))
}

impl Host {
    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        let cookie = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session="))?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(cookie).cloned()
    }
}

/// Returns true if a page of this host sent the form. Browsers send the header with each POST; no page can change it.
fn is_own_form(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin == ISSUER)
}

fn random() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

fn page(title: &str, body: &Markup) -> Response {
    let head = html! { meta charset="utf-8"; title { (title) } };
    let html = html! { (DOCTYPE) html lang="en" { head { (head) } body { h1 { (title) } (body) } } };
    // No script runs, and no other site can show the page in a frame to catch a click.
    let policy = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    ([policy, (header::CACHE_CONTROL, "no-store")], Html(html.into_string())).into_response()
}

pub(crate) async fn app(file: &str, keys: KeyRing) -> Result<Router, Box<dyn Error>> {
    let store = Arc::new(SqliteStore::open(file)?);
    let clients = store.clients();
    // Clients are rows. A back office adds and deletes them while the server runs.
    let spa = Client::public(ClientId::from_static("spa"))
        .with_redirect_uris([RedirectUri::from_static("http://127.0.0.1/callback")])
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_scope(Scope::from_static("read write"));
    clients.put(&RegisteredClient::new(spa, [])?).await?;
    let service = TokenService::builder(store, DirectoryAuthenticator::new(clients), keys)
        .policy(Policy::default().with_require_pkce(RequirePkce::Everybody))
        .rate_limit(AttemptLimit::new(10, Duration::from_secs(60)))
        .build()?;
    tokio::spawn(service.clone().purge_continuously(Duration::from_secs(600), tokio::time::sleep));
    let paths = Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() };
    let endpoints = Arc::new(Endpoints::new(service, Issuer::new(ISSUER)?)?.with_paths(paths));
    let password = SecretHash::argon2(&ClientSecret::new("changeit"), &SystemEntropy);
    let host = Host { endpoints: Arc::clone(&endpoints), password, sessions: Mutex::default() };
    let pages = Router::new()
        .route("/authorize", get(authorize).post(authorize))
        .route("/sign-in", get(sign_in_form).post(sign_in))
        .route("/sessions", get(sessions).post(end_session));
    Ok(pages.with_state(Arc::new(host)).merge(regrant_axum::router(endpoints)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The same key on every start, from your secret manager. With a new one all users sign in again.
    let keys = std::env::var("REGRANT_KEY")
        .map_or_else(|_| Ok(KeyRing::generate(&SystemEntropy)), |key| Key::from_base64url(&key).map(KeyRing::new))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    // The rate limit counts by the sender. Behind a proxy that is the address in the header of the proxy.
    let name_peer = async |ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request| {
        request.extensions_mut().insert(Peer::address(address.ip()));
        request
    };
    let app = app("host.db", keys).await?.layer(map_request(name_peer));
    println!("{ISSUER}/sessions");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
