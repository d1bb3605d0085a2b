//! The HTTP cases of the kit in each framework.
//!
//! The tests of regrant-tower judge its service in every case. A framework can spoil only what passes through it, so
//! hyper has all cases, and each other framework those of [`THROUGH`].

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use regrant::wire::Endpoints;
use regrant_conformance::Trial;
use regrant_conformance::http::{
    Connection, Exchange, HttpHarness, HttpRequest, HttpResponse, Loopback, Suite, WatchedStore,
};
use regrant_tower::OAuth;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service as _;

type Server = Pin<Box<dyn Future<Output = ()> + Send>>;
type Served = Arc<Endpoints<WatchedStore>>;

/// Groups of cases about the parts of a request and of an answer: method, path, headers, framing and size of the body,
/// the connection.
const THROUGH: [&str; 9] =
    ["client_authentication", "content_type", "cors", "dpop", "metadata", "method", "not_http", "path", "transport"];

/// A framework, by the function that serves with it.
struct Framework(fn(TcpListener, Served) -> Server);

#[async_trait]
impl HttpHarness for Framework {
    async fn serve(&self, endpoints: Served, _: Connection) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn((self.0)(listener, endpoints));
        Box::new(Loopback::new(address, server))
    }
}

fn suite(name: &str, serve: fn(TcpListener, Served) -> Server) -> impl Iterator<Item = Trial> {
    limited(Suite::new(Framework(serve))).named(name).into_iter()
}

/// The tests of regrant-tower judge what a connection tells: it is in the extensions of a request of `http`.
fn limited<H: HttpHarness + 'static>(suite: Suite<H>) -> Suite<H> {
    let why = "the code around a framework sets the extensions of a request";
    suite.without("connection_certificates", why).without("senders", why)
}

/// The cases of [`THROUGH`].
fn through(trials: impl Iterator<Item = Trial>) -> impl Iterator<Item = Trial> {
    trials.filter(|trial| trial.name().split("::").nth(1).is_some_and(|group| THROUGH.contains(&group)))
}

fn main() -> ExitCode {
    let hyper = suite("hyper", |listener, endpoints| Box::pin(frameworks::hyper::serve(listener, endpoints)));
    let axum = suite("axum", |listener, endpoints| {
        Box::pin(async { frameworks::axum::serve(listener, endpoints).await.unwrap() })
    });
    let poem = suite("poem", |listener, endpoints| {
        Box::pin(async { frameworks::poem::serve(listener, endpoints).await.unwrap() })
    });
    let salvo = suite("salvo", |listener, endpoints| {
        Box::pin(async { frameworks::salvo::serve(listener, endpoints).await.unwrap() })
    });
    let tonic = suite("tonic", |listener, endpoints| {
        Box::pin(async { frameworks::tonic::serve(listener, endpoints).await.unwrap() })
    });
    let others = through(axum.chain(poem).chain(salvo).chain(tonic).chain(lambda()));
    regrant_conformance::run(hyper.chain(others))
}

/// AWS Lambda, in process.
struct Lambda;

fn lambda() -> impl Iterator<Item = Trial> {
    limited(Suite::new(Lambda)).named("lambda").into_iter()
}

#[async_trait]
impl HttpHarness for Lambda {
    async fn serve(&self, endpoints: Served, _: Connection) -> Box<dyn Exchange> {
        Box::new(Function(OAuth::new(endpoints)))
    }
}

struct Function(OAuth<WatchedStore>);

#[async_trait]
impl Exchange for Function {
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        let mut answers = Vec::new();
        for request in requests {
            let Some(body) = request.received() else { break };
            let mut event = http::Request::builder().method(&*request.method).uri(&request.target);
            for (name, value) in &request.headers {
                event = event.header(name, value.trim_ascii());
            }
            let event: lambda_http::Request = event.body(body.to_vec().into()).unwrap();
            let (head, body) = self.0.clone().call(event).await.unwrap().into_parts();
            let (mut content_length, mut headers) = (None, Vec::new());
            for (name, value) in &head.headers {
                let value = value.to_str().unwrap();
                match name.as_str() {
                    "content-length" => content_length = value.parse().ok(),
                    name => headers.push((name.to_owned(), value.to_owned())),
                }
            }
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            answers.push(HttpResponse { status: head.status.as_u16(), headers, content_length, body });
        }
        answers
    }

    fn cannot_send(&self, request: &HttpRequest) -> Option<&'static str> {
        request.received().is_none().then_some("the gateway reads HTTP, and an event is a whole request")
    }
}
