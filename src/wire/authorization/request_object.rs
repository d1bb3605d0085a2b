//! Requests that the client has signed (RFC 9101): a JWT in the parameter `request`, whose claims are the parameters.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::described;
use crate::client::Client;
use crate::outcome::Operation;
use crate::ports::authenticator::VerifyRequestObject;
use crate::ports::store::TokenStore;
use crate::vocabulary::{Parameters, Text};
use crate::wire::failure::Failure;
use crate::wire::form::{MAX_PARAMETERS, REPEATABLE};
use crate::wire::{Endpoints, MalformedRequest};

/// The claims of the JWT itself (RFC 7519 section 4.1), which are no parameters.
const OF_THE_JWT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

impl<S> Endpoints<S> {
    /// Accepts authorization requests that clients have signed (RFC 9101). Default: they are answered
    /// `request_not_supported`. The crate `regrant-jose` has a verifier.
    ///
    /// Only the parameters in the signed object count then, and its `client_id` must be that of the request. A client
    /// can be [required](Client::require_signed_request_object) to sign all of its requests, and so can [all
    /// clients](crate::Policy::require_signed_request_object).
    #[must_use]
    pub fn with_request_objects(mut self, verifier: impl VerifyRequestObject + 'static) -> Self {
        self.request_objects = Some(Arc::new(verifier));
        self
    }
}

impl<S: TokenStore> Endpoints<S> {
    /// Verifies a request object and returns its parameters.
    ///
    /// # Errors
    /// `request_not_supported` without a verifier, `invalid_request_object`, or the outage of the verifier.
    pub(super) async fn open_request_object(
        &self,
        operation: Operation,
        client: &Client,
        request_object: &str,
    ) -> Result<Parameters<'static>, Failure> {
        let verifier = self.request_objects.as_ref().ok_or(MalformedRequest::RequestNotSupported)?;
        let claims = verifier.verify(client, request_object).await;
        let claims = claims.map_err(|error| described(self.service.reject_request_object(operation, client, error)))?;
        let parameters = parameters(&claims).ok_or(MalformedRequest::RequestObject)?;
        // RFC 9101 section 5: a request for one client must not be answered to another one. Section 4: no object has
        // another one inside.
        let is_of_client = parameters.get("client_id") == Some(client.id.as_str());
        if is_of_client && !["request", "request_uri"].iter().any(|name| claims.contains_key(*name)) {
            Ok(parameters)
        } else {
            Err(MalformedRequest::RequestObject.into())
        }
    }
}

/// Returns the claims as parameters (RFC 9101 section 4): numbers and JSON in their text form, and the parameters that
/// may repeat from an array. Returns `None` for a value that no form could have.
fn parameters(claims: &Map<String, Value>) -> Option<Parameters<'static>> {
    let mut pairs: Vec<(Text<'static>, Text<'static>)> = Vec::with_capacity(claims.len());
    for (name, value) in claims.iter().filter(|(name, _)| !OF_THE_JWT.contains(&name.as_str())) {
        match value {
            Value::Array(values) if REPEATABLE.contains(&name.as_str()) => {
                for value in values {
                    pairs.push((name.clone().into(), value.as_str()?.to_owned().into()));
                }
            }
            Value::Null => {}
            Value::String(text) => pairs.push((name.clone().into(), text.clone().into())),
            value => pairs.push((name.clone().into(), value.to_string().into())),
        }
    }
    let is_text = |text: &str| !text.contains('\0');
    let are_texts = pairs.iter().all(|(name, value)| is_text(name) && is_text(value));
    (are_texts && pairs.len() <= MAX_PARAMETERS).then(|| Parameters::new(pairs))
}
