use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::any;
use regrant_jose::ResourceServer;
use regrant_jose::resource_server::VerifiedToken;
use regrant_tower::RequireToken;

/// Returns a router with the metadata document of the resource server (RFC 9728), at the path that its challenges name.
/// The document needs no token: merge the router outside of [`RequireToken`]. Empty if the server has no
/// [metadata](ResourceServer::with_metadata).
///
/// ```
/// use std::sync::Arc;
///
/// use axum::Router;
/// use axum::routing::get;
/// use regrant::Resource;
/// use regrant_axum::{RequireToken, resource_metadata};
/// use regrant_jose::ResourceServer;
/// use regrant_jose::resource_server::ResourceMetadata;
///
/// # fn example(server: ResourceServer) -> Result<Router, Box<dyn std::error::Error>> {
/// let metadata = ResourceMetadata::new(&Resource::from_static("https://api.example"))?
///     .with_authorization_servers(["https://as.example"]);
/// let server = Arc::new(server.with_metadata(metadata));
/// let token = RequireToken::new(Arc::clone(&server));
/// let orders = Router::new().route("/orders", get(|| async { "orders" })).layer(token);
/// let app = orders.merge(resource_metadata(server));
/// # Ok(app)
/// # }
/// ```
///
/// # Panics
/// When the path of the resource is a pattern of the router, as [`Router::route`] does.
pub fn resource_metadata(server: Arc<ResourceServer>) -> Router {
    let Some(path) = server.metadata_path().map(str::to_owned) else { return Router::new() };
    // The layer answers each request for this path itself.
    Router::new().route(&path, any(async || StatusCode::NOT_FOUND).layer(RequireToken::new(server)))
}

/// The verified token of a request that passed [`RequireToken`], also one of a router around this one.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use axum::Router;
/// use axum::routing::{get, post};
/// use regrant_axum::{RequireToken, Verified};
/// use regrant_jose::ResourceServer;
///
/// async fn orders(Verified(token): Verified) -> String {
///     format!("the orders of {:?}", token.subject())
/// }
///
/// # fn example(server: ResourceServer) -> Result<Router, Box<dyn std::error::Error>> {
/// let token = RequireToken::new(Arc::new(server));
/// let orders = get(orders).layer(token.clone().with_scope("read".parse()?));
/// let payment = token.clone().with_scope("pay".parse()?).with_max_age(Duration::from_secs(600));
/// let payments = post(|| async { "paid" }).layer(payment);
/// let app = Router::new().route("/orders", orders).route("/payments", payments).layer(token);
/// # Ok(app)
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct Verified(
    /// The token.
    pub VerifiedToken,
);

impl<S: Send + Sync> FromRequestParts<S> for Verified {
    type Rejection = StatusCode;

    /// Without the layer there is no token. That is not the client's fault, and the request must not be served.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().map(Self).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
