use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::super::{InvalidToken, VerifiedToken};
use crate::claims::Claims;
use crate::json;

/// The longest body that is read, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// What the introspection endpoint answered.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct IntrospectionResponse {
    /// The status code.
    pub status: u16,
    /// The body, up to 16 KiB of it: of more, nothing is read.
    pub body: Vec<u8>,
}

/// Why nothing is known of a token. Clients are told to try again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// No answer came.
    #[error("the introspection endpoint cannot be reached")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// Another status than 200. With 401 it is this resource server that is not known: check its credentials.
    #[error("the introspection endpoint answered with status {0}")]
    Status(u16),
    /// A body that is no introspection answer (RFC 7662 section 2.2): no plain JSON object, too long, or without a boolean
    /// `active`.
    #[error("the introspection endpoint did not answer the question")]
    Malformed,
}

/// What the server says of the token: definite, while an [`IntrospectionError`] is not.
pub(super) type Answer = Result<VerifiedToken, InvalidToken>;

pub(super) fn read(response: &IntrospectionResponse) -> Result<Answer, IntrospectionError> {
    if response.status != 200 {
        return Err(IntrospectionError::Status(response.status));
    }
    let members = Some(&response.body).filter(|body| body.len() <= MAX_LENGTH).and_then(|body| json::object(body));
    let members = members.ok_or(IntrospectionError::Malformed)?;
    match members.get("active") {
        Some(Value::Bool(true)) => Ok(VerifiedToken::of(Claims::new(members)).map_err(InvalidToken::Malformed)),
        Some(Value::Bool(false)) => Ok(Err(InvalidToken::Inactive)),
        // "true" and 1 are somebody's yes, but not this specification's.
        _ => Err(IntrospectionError::Malformed),
    }
}

impl fmt::Debug for IntrospectionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
