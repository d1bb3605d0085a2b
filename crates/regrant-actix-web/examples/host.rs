//! A host on actix-web: sign-in, consent, authorization code with PKCE, refresh tokens, "my sessions", and a page of
//! administrators, in SQLite or PostgreSQL.
//! Run it with `cargo run -p regrant-actix-web --example host_actix_web`, as `demo` or `admin` with `changeit`.
//!
//! `docs/host-guide.md` explains the host on axum, which differs in this file alone: the folder `host` beside that one
//! has the rest, without a web framework. Copy that folder too.

#![expect(clippy::future_not_send, reason = "actix-web answers a request on the thread that took it")]

#[path = "../../regrant-axum/examples/host/access.rs"]
mod access;
#[path = "../../regrant-axum/examples/host/pages.rs"]
mod pages;
#[path = "../../regrant-axum/examples/host/state.rs"]
mod state;

use std::any::Any;
use std::{error::Error, sync::Arc, time::Duration};

use actix_web::body::BoxBody;
use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, Responder};
use regrant::{Approval, host::Peer, wire::Prompt};
use regrant_actix_web::{Answer, AuthorizationRequest};

use pages::Shown;
pub(crate) use state::Host;
use state::{Session, Visitor};

/// The authorization endpoint. `ask` has judged the request: the page decides only who the user is, and yes or no.
async fn authorize(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<HttpResponse, Answer> {
    let ask = host.endpoints.ask(&request.0).await?;
    let visitor = visitor(&host, &http);
    let query = request.0.query_without(&[]);
    let is_silent = ask.prompt().contains(&Prompt::None); // the client wants no page
    let age = |own: &Session| host.endpoints.service().now().since(own.signed_in_at);
    let is_new = |own: &Session| own.signed_in_for == query && age(own) < Some(Duration::from_secs(300));
    let is_fresh = |own: &Session| is_new(own) || !ask.requires_sign_in(own.signed_in_at, None);
    let Some(session) = visitor.session.filter(is_fresh) else {
        let sign_in = Shown::to(format!("/sign-in?{query}"));
        return if is_silent { Err(ask.login_required().into()) } else { Ok(sign_in.respond_to(&http)) };
    };
    match request.0.form().and_then(|form| form.get("decision")).filter(|_| visitor.is_own_form) {
        Some("allow") => {
            let approval = Approval::of(session.user)
                .with_authentication(session.signed_in_at, None, vec!["pwd".to_owned()])
                .with_session_id(Some(session.id))
                .with_data(visitor.device.into_bytes());
            Ok(Answer(ask.approve(approval).await?).respond_to(&http))
        }
        Some(_) => Err(ask.deny().into()),
        None if is_silent => Err(ask.consent_required().into()),
        None => Ok(pages::consent(ask.client(), ask.scope(), &session, &query).respond_to(&http)),
    }
}

async fn sign_in_form(request: AuthorizationRequest) -> Shown {
    pages::sign_in(&request.0.query_without(&[]), false)
}

async fn sign_in(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Shown {
    host.sign_in(&visitor(&host, &http), &request.0).await
}

async fn sessions(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::sessions(&host, visitor(&host, &http), &request.0).await?)
}

async fn ask_to_end(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::ask_to_end(&host, visitor(&host, &http), &request.0).await?)
}

async fn end(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::end(&host, visitor(&host, &http), &request.0).await?)
}

async fn admin(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::admin(&host, visitor(&host, &http), &request.0).await?)
}

async fn ask_admin(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::ask_admin(&host, visitor(&host, &http), &request.0).await?)
}

async fn end_for_admin(host: Data<Host>, http: HttpRequest, request: AuthorizationRequest) -> Result<Shown, Answer> {
    Ok(access::end_for_admin(&host, visitor(&host, &http), &request.0).await?)
}

fn visitor(host: &Host, http: &HttpRequest) -> Visitor {
    let text = |name: HeaderName| http.headers().get(name).and_then(|value| value.to_str().ok());
    host.visitor(text(header::COOKIE), text(header::ORIGIN), text(header::USER_AGENT))
}

impl Responder for Shown {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let redirect = |target: String| HttpResponse::SeeOther().insert_header((header::LOCATION, target)).take();
        match self {
            Self::Page(html) => file(StatusCode::OK, "text/html; charset=utf-8").body(html),
            Self::Forbidden(html) => file(StatusCode::FORBIDDEN, "text/html; charset=utf-8").body(html),
            Self::Redirect(target) => redirect(target).finish(),
            Self::SignedIn { cookie, target } => redirect(target).insert_header((header::SET_COOKIE, cookie)).finish(),
        }
    }
}

/// Begins a page or a file.
fn file(status: StatusCode, kind: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    for header in pages::HEADERS {
        response.insert_header(header);
    }
    response.insert_header((header::CONTENT_TYPE, kind));
    response
}

async fn style() -> HttpResponse {
    file(StatusCode::OK, "text/css; charset=utf-8").body(pages::STYLE)
}

async fn script() -> HttpResponse {
    file(StatusCode::OK, "text/javascript; charset=utf-8").body(pages::SCRIPT)
}

pub(crate) fn configure(host: Arc<Host>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .configure(regrant_actix_web::configure(Arc::clone(&host.endpoints)))
            .app_data(Data::from(host))
            .service(web::resource("/authorize").get(authorize).post(authorize))
            .service(web::resource("/sign-in").get(sign_in_form).post(sign_in))
            .service(web::resource("/sessions").get(sessions).post(end))
            .service(web::resource("/sessions/end").get(ask_to_end))
            .service(web::resource("/admin").get(admin).post(end_for_admin))
            .service(web::resource("/admin/end").get(ask_admin))
            .service(web::resource("/host.css").get(style))
            .service(web::resource("/host.js").get(script));
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (host, listener) = Host::start().await?;
    let app = move || App::new().configure(configure(Arc::clone(&host)));
    Ok(HttpServer::new(app).on_connect(name_peer).workers(2).listen(listener)?.run().await?)
}

/// Names the sender, by which the rate limit counts. Behind a proxy that is the address in the header of the proxy.
fn name_peer(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(address) = stream.and_then(|stream| stream.peer_addr().ok()) {
        data.insert(Peer::address(address.ip()));
    }
}
