//! AWS Lambda, behind an API gateway or a load balancer.

use std::sync::Arc;

use regrant::store::TokenStore;
use regrant::wire::Endpoints;
use regrant_tower::OAuth;

/// Answers events until the function ends.
pub async fn run<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>) -> Result<(), lambda_http::Error> {
    // guide: lambda
    lambda_http::run(OAuth::new(endpoints)).await
    // guide: end
}
