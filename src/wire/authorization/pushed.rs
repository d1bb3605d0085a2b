//! The pushed authorization request endpoint (RFC 9126): the client sends its request without the browser, and the user
//! brings a reference to it.

use super::error::described;
use super::judgement::Judged;
use crate::engine::PushRequest;
use crate::outcome::Operation;
use crate::ports::store::TokenStore;
use crate::vocabulary::PresentedKeys;
use crate::wire::endpoints::Form;
use crate::wire::failure::Failure;
use crate::wire::form::MAX_PARAMETERS;
use crate::wire::{Endpoint, Endpoints, MalformedRequest, Request, Response, body, location, requested};

/// The parameters that are for this endpoint, and not for the authorization endpoint. Credentials are not stored, and
/// the parameters of a request object take its place.
const NOT_STORED: [&str; 5] = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "request"];

impl<S: TokenStore> Endpoints<S> {
    /// Takes a request of a client that authenticates as at the token endpoint (RFC 9126 section 2.1), and judges it as
    /// the authorization endpoint would. Served only if the host has an authorization endpoint.
    pub(in crate::wire) async fn pushed_authorization_request(
        &self,
        request: &Request<'_>,
    ) -> Result<Response, Failure> {
        if self.paths.authorization.is_none() {
            return Err(MalformedRequest::UnknownEndpoint.into());
        }
        let Form { parameters, claim, certificate } = self.read(Endpoint::PushedAuthorizationRequest, request)?;
        let proof = requested::proof(request, &self.issuer)?;
        if parameters.get("request_uri").is_some() {
            return Err(MalformedRequest::RequestUri.into());
        }
        let client = self.authenticate(&claim).await?;
        let operation = Operation::PushAuthorizationRequest;
        let effective = self.signed(operation, &client, &parameters).await?;
        let redirection = self.redirection(operation, &client, &effective)?;
        let Judged { request: asked, .. } = self.judge(operation, &client, &redirection, &effective)?;
        let kept = effective.iter().filter(|(name, _)| !NOT_STORED.contains(name));
        let stored: Vec<_> = [("client_id", client.id.as_str())].into_iter().chain(kept).collect();
        // The authorization endpoint reads them again. A client that authenticates in a header sent no `client_id`.
        if stored.len() > MAX_PARAMETERS {
            return Err(MalformedRequest::TooManyParameters.into());
        }
        let form = location::encoded(stored.into_iter());
        let keys = PresentedKeys::none().with_dpop(proof).with_certificate(certificate);
        let pushed = PushRequest::new(form, asked).with_presented_keys(keys);
        let response = self.service.push_authorization_request(&client, pushed).await.map_err(described)?;
        Ok(body::pushed(&response))
    }
}
