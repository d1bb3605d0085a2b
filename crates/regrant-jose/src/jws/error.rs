use regrant::proof::ProofFault;

/// The reason why a JWT is refused. It never contains any part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The token or its header is longer than any legitimate one.
    #[error("the token is too large")]
    TooLarge,
    /// The token does not have the three parts of the compact serialization (RFC 7515 section 7.1).
    #[error("the token is not a compact JWS")]
    NotCompact,
    /// A part is not canonical base64url: padding, white space, stray bits.
    #[error("the token is not base64url")]
    Encoding,
    /// The header or the payload is not a JSON object, names a member twice, is nested too deep or has too many values.
    #[error("the token does not hold plain JSON objects")]
    Json,
    /// A header parameter is missing or has the wrong type.
    #[error("the header parameter {0} is missing or mistyped")]
    Header(&'static str),
    /// The header has `crit` or `b64`, which ask for an extension. None is supported (RFC 7515 section 4.1.11).
    #[error("the token asks for an extension")]
    Extension,
    /// The `alg` is `none`, or unknown to this build.
    #[error("the algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The `alg` is not that of the key.
    #[error("the algorithm is not that of the key")]
    WrongAlgorithm,
    /// The signature is not that of the key.
    #[error("the signature is not valid")]
    Signature,
    /// A claim is missing or has the wrong type.
    #[error("the claim {0} is missing or mistyped")]
    Claim(&'static str),
}

impl From<JwsError> for ProofFault {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::UnsupportedAlgorithm => Self::Algorithm,
            _ => Self::Malformed,
        }
    }
}
