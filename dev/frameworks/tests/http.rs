//! Every HTTP case of the kit in each framework.

#![expect(clippy::unwrap_used, reason = "a server that cannot be started fails its case")]

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use regrant::wire::Endpoints;
use regrant_conformance::Trial;
use regrant_conformance::http::{Exchange, HttpHarness, HttpRequest, HttpResponse, Loopback, Suite, WatchedStore};
use regrant_tower::OAuth;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service as _;

type Server = Pin<Box<dyn Future<Output = ()> + Send>>;
type Served = Arc<Endpoints<WatchedStore>>;

/// A framework, by the function that serves with it.
struct Framework(fn(TcpListener, Served) -> Server);

#[async_trait]
impl HttpHarness for Framework {
    async fn serve(&self, endpoints: Served) -> Box<dyn Exchange> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn((self.0)(listener, endpoints));
        Box::new(Loopback::new(address, server))
    }
}

fn suite(name: &str, serve: fn(TcpListener, Served) -> Server) -> impl Iterator<Item = Trial> {
    Suite::new(Framework(serve)).named(name).into_iter()
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
    regrant_conformance::run(hyper.chain(axum).chain(poem).chain(salvo).chain(tonic).chain(lambda()))
}

/// AWS Lambda, in process.
struct Lambda;

/// Cases that send the beginning of a request. An event of Lambda is a whole one.
const BEGINNINGS: [&str; 5] = ["break_off", "breaks_off", "cut_off", "shorter_than", "without_the_last"];

fn lambda() -> impl Iterator<Item = Trial> {
    let trials = Suite::new(Lambda).without("not_http", "the gateway reads HTTP").named("lambda").into_iter();
    trials.filter(|trial| !BEGINNINGS.iter().any(|beginning| trial.name().contains(beginning)))
}

#[async_trait]
impl HttpHarness for Lambda {
    async fn serve(&self, endpoints: Served) -> Box<dyn Exchange> {
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
            let headers = head.headers.iter().filter(|(name, _)| *name != "content-length");
            let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            answers.push(HttpResponse { status: head.status.as_u16(), headers: headers.collect(), body });
        }
        answers
    }
}
