//! A host on actix-web: sign-in, consent, authorization code with PKCE, refresh tokens, "my sessions", and a page of
//! administrators, in SQLite or PostgreSQL. `docs/host-guide.md` explains it. Run it with
//! `cargo run -p regrant-actix-web --example host_actix_web`, as `demo` or `admin` with `changeit`.
//!
//! The folder `host` beside the example of `regrant-axum` has the pages and their parts, without a web framework. Copy
//! that folder too.

#[path = "../../regrant-axum/examples/host/mod.rs"]
mod host;

use std::any::Any;
use std::{error::Error, sync::Arc};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use regrant::host::Peer;

pub(crate) use host::Host;

/// The endpoints of the library at their paths, and the pages of the host everywhere else.
pub(crate) fn configure(host: Arc<Host>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config.configure(regrant_actix_web::configure(Arc::clone(&host.endpoints)));
        config.default_service(regrant_actix_web::handler(host));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    actix_web::rt::System::new().block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let (host, listener) = Host::start().await?;
    let app = move || App::new().configure(configure(Arc::clone(&host)));
    let server = HttpServer::new(app).on_connect(name_peer).workers(2).listen(listener)?.run();
    Ok(server.await?)
}

/// Names the sender, by which the rate limit counts. Behind a proxy that is the address in the header of the proxy.
fn name_peer(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(address) = stream.and_then(|stream| stream.peer_addr().ok()) {
        data.insert(Peer::address(address.ip()));
    }
}
