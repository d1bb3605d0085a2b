//! regrant with its adapter for axum.

use crate::{Size, serve_axum, service};

pub(crate) fn serve(size: Size) {
    crate::runtime(size).block_on(async {
        let (endpoints, seed) = service::endpoints(size).await;
        serve_axum(regrant_axum::router(endpoints), &seed).await;
    });
}
