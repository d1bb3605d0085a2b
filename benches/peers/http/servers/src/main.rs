//! One HTTP server for the comparison with peers.
//!
//! ```text
//! http-servers SUBJECT [--grants 10000] [--threads 1]
//! ```
//!
//! The server prints its first tokens, one JSON object a line, and then the address where it listens. It has the
//! endpoints `/token` and `/introspect`, two clients (see [`seed`]), and a store in memory. It ends with its input, so
//! it never outlives the process that started it.

mod bare;
mod clock;
mod oauth_as_on_axum;
mod on_actix;
mod on_axum;
mod on_hyper;
mod oxide_auth_on_axum;
mod seed;
mod service;

use std::env;
use std::io::{Read as _, stdin};
use std::thread;

use tokio::runtime::Runtime;

/// The size of a server.
#[derive(Clone, Copy)]
struct Size {
    /// The number of grants of each client.
    grants: usize,
    /// The number of threads that serve requests.
    threads: usize,
}

fn main() {
    let mut arguments = env::args().skip(1);
    let subject = arguments.next().unwrap_or_default();
    let mut size = Size { grants: 10_000, threads: 1 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (name.as_str(), value) {
            ("--grants", Some(grants)) => size.grants = grants,
            ("--threads", Some(threads)) => size.threads = threads,
            _ => panic!("usage: http-servers SUBJECT [--grants N] [--threads N]"),
        }
    }
    thread::spawn(end_with_input);
    match subject.as_str() {
        "bare" => bare::serve(size),
        "regrant-axum" => on_axum::serve(size),
        "regrant-hyper" => on_hyper::serve(size),
        "regrant-actix-web" => on_actix::serve(size),
        "oxide-auth" => oxide_auth_on_axum::serve(size),
        "oauth-as" => oauth_as_on_axum::serve(size),
        _ => panic!("unknown subject {subject:?}"),
    }
}

/// Ends the process when the process that started it closes the pipe, for whatever reason.
fn end_with_input() {
    drop(stdin().read_to_end(&mut Vec::new()));
    std::process::exit(0);
}

fn runtime(size: Size) -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(size.threads).enable_all().build().expect("threads")
}

/// Serves `app` with axum. All subjects on axum use this function.
async fn serve_axum(app: axum::Router, seed: &seed::Seed) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    seed.announce(listener.local_addr().expect("is bound"));
    axum::serve(listener, app).await.expect("serves");
}
