//! A host on axum: sign-in, consent, authorization code with PKCE, refresh tokens, "my sessions", and a page of
//! administrators, in SQLite or PostgreSQL. `docs/host-guide.md` explains it. Run it with
//! `cargo run -p regrant-axum --example host`, as `demo` or `admin` with `changeit`.
//!
//! The folder `host` has the rest, without a web framework: `state.rs` the parts, `access.rs` who may see and end which
//! grants, and `pages.rs` the HTML. The host on actix-web uses the same folder.

#[path = "host/access.rs"]
mod access;
#[path = "host/pages.rs"]
mod pages;
#[path = "host/state.rs"]
mod state;

use std::sync::Arc;
use std::{error::Error, net::SocketAddr, time::Duration};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, middleware::map_request, routing::get};
use regrant::{Approval, host::Peer, wire::Prompt};
use regrant_axum::{Answer, AuthorizationRequest};

use pages::Shown;
pub(crate) use state::Host;
use state::{Session, Visitor};

type Shared = State<Arc<Host>>;

/// The authorization endpoint. `ask` has judged the request: the page decides only who the user is, and yes or no.
async fn authorize(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Response, Answer> {
    let ask = host.endpoints.ask(&request.0).await?;
    let visitor = visitor(&host, &headers);
    let query = request.0.query_without(&[]);
    let is_silent = ask.prompt().contains(&Prompt::None); // the client wants no page
    let age = |own: &Session| host.endpoints.service().now().since(own.signed_in_at);
    let is_new = |own: &Session| own.signed_in_for == query && age(own) < Some(Duration::from_secs(300));
    let is_fresh = |own: &Session| is_new(own) || !ask.requires_sign_in(own.signed_in_at, None);
    let Some(session) = visitor.session.filter(is_fresh) else {
        let sign_in = Redirect::to(&format!("/sign-in?{query}"));
        return if is_silent { Err(ask.login_required().into()) } else { Ok(sign_in.into_response()) };
    };
    match request.0.form().and_then(|form| form.get("decision")).filter(|_| visitor.is_own_form) {
        Some("allow") => {
            let approval = Approval::of(session.user)
                .with_authentication(session.signed_in_at, None, vec!["pwd".to_owned()])
                .with_session_id(Some(session.id))
                .with_data(visitor.device.into_bytes());
            Ok(Answer(ask.approve(approval).await?).into_response())
        }
        Some(_) => Err(ask.deny().into()),
        None if is_silent => Err(ask.consent_required().into()),
        None => Ok(pages::consent(ask.client(), ask.scope(), &session, &query).into_response()),
    }
}

async fn sign_in_form(request: AuthorizationRequest) -> Shown {
    pages::sign_in(&request.0.query_without(&[]), false)
}

async fn sign_in(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Shown {
    host.sign_in(&visitor(&host, &headers), &request.0).await
}

async fn sessions(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::sessions(&host, visitor(&host, &headers), &request.0).await?)
}

async fn ask_to_end(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::ask_to_end(&host, visitor(&host, &headers), &request.0).await?)
}

async fn end(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::end(&host, visitor(&host, &headers), &request.0).await?)
}

async fn admin(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::admin(&host, visitor(&host, &headers), &request.0).await?)
}

async fn ask_admin(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::ask_admin(&host, visitor(&host, &headers), &request.0).await?)
}

async fn end_for_admin(host: Shared, headers: HeaderMap, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::end_for_admin(&host, visitor(&host, &headers), &request.0).await?)
}

fn visitor(host: &Host, headers: &HeaderMap) -> Visitor {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    host.visitor(text(header::COOKIE), text(header::ORIGIN), text(header::USER_AGENT))
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        match self {
            Self::Page(html) => (pages::HEADERS, Html(html)).into_response(),
            Self::Forbidden(html) => (StatusCode::FORBIDDEN, pages::HEADERS, Html(html)).into_response(),
            Self::Redirect(target) => Redirect::to(&target).into_response(),
            Self::SignedIn { cookie, target } => {
                ([(header::SET_COOKIE, cookie)], Redirect::to(&target)).into_response()
            }
        }
    }
}

fn file(kind: &'static str, text: &'static str) -> Response {
    (pages::HEADERS, [(header::CONTENT_TYPE, kind)], text).into_response()
}

pub(crate) fn app(host: Arc<Host>) -> Router {
    let endpoints = Arc::clone(&host.endpoints);
    let pages = Router::new()
        .route("/authorize", get(authorize).post(authorize))
        .route("/sign-in", get(sign_in_form).post(sign_in))
        .route("/sessions", get(sessions).post(end))
        .route("/sessions/end", get(ask_to_end))
        .route("/admin", get(admin).post(end_for_admin))
        .route("/admin/end", get(ask_admin))
        .route("/host.css", get(async || file("text/css; charset=utf-8", pages::STYLE)))
        .route("/host.js", get(async || file("text/javascript; charset=utf-8", pages::SCRIPT)));
    pages.with_state(host).merge(regrant_axum::router(endpoints))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (host, listener) = Host::start().await?;
    // The rate limit counts by the sender. Behind a proxy that is the address in the header of the proxy.
    let name_peer = async |ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request| {
        request.extensions_mut().insert(Peer::address(address.ip()));
        request
    };
    let app = app(host).layer(map_request(name_peer)).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
}
