//! regrant with its adapter for actix-web.

use std::sync::Arc;

use actix_web::{App, HttpServer};

use crate::{Size, service};

pub(crate) fn serve(size: Size) {
    let served = actix_web::rt::System::new().block_on(async {
        let (endpoints, seed) = service::endpoints(size).await;
        let app = move || App::new().configure(regrant_actix_web::configure(Arc::clone(&endpoints)));
        let server = HttpServer::new(app).workers(size.threads).bind(("127.0.0.1", 0)).expect("a free port");
        seed.announce(server.addrs()[0]);
        server.run().await
    });
    served.expect("serves");
}
