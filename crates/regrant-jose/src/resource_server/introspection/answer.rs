use std::error::Error;
use std::fmt;
use std::sync::Arc;

use regrant::wire::json_object;
use serde_json::Value;

use super::super::{InvalidToken, VerifiedToken};
use crate::jws::Claims;

/// The longest accepted body, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// The response of the introspection endpoint.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct IntrospectionResponse {
    /// The status code.
    pub status: u16,
    /// The body. More than 16 KiB is refused.
    pub body: Vec<u8>,
}

/// The reason why nothing is known about a token. Clients are asked to try again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// There was no response.
    #[error("the introspection endpoint cannot be reached")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// The status is not 200. A 401 means that the endpoint refuses this resource server: check its credentials.
    #[error("the introspection endpoint answered with status {0}")]
    Status(u16),
    /// The body is not an introspection response (RFC 7662 section 2.2): not a plain JSON object, too long, or without
    /// a boolean `active`.
    #[error("the response is not an introspection response")]
    Malformed,
}

/// The statement of the server about the token. It is definite, unlike an [`IntrospectionError`].
pub(super) type Answer = Result<VerifiedToken, InvalidToken>;

pub(super) fn read(response: &IntrospectionResponse) -> Result<Answer, IntrospectionError> {
    if response.status != 200 {
        return Err(IntrospectionError::Status(response.status));
    }
    let members = Some(&response.body).filter(|body| body.len() <= MAX_LENGTH).and_then(|body| json_object(body));
    let members = members.ok_or(IntrospectionError::Malformed)?;
    match members.get("active") {
        Some(Value::Bool(true)) => {
            Ok(VerifiedToken::from_claims(Claims::new(members)).map_err(InvalidToken::Malformed))
        }
        Some(Value::Bool(false)) => Ok(Err(InvalidToken::Inactive)),
        // RFC 7662 section 2.2 requires a boolean; "true" and 1 are not.
        _ => Err(IntrospectionError::Malformed),
    }
}

impl fmt::Debug for IntrospectionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
