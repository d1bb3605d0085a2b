use regrant::proof::ProofFault;

/// Why a token was not accepted. It never repeats anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The token or its header is longer than anything legitimate.
    #[error("the token is too large")]
    TooLarge,
    /// It does not have the three parts of the compact serialization (RFC 7515 section 7.1).
    #[error("the token is not a compact JWS")]
    NotCompact,
    /// A part is not base64url in its one spelling: padding, white space, stray bits.
    #[error("the token is not base64url")]
    Encoding,
    /// The header or the payload is not a JSON object, names a member twice, is nested too deep or has too many values.
    #[error("the token does not hold plain JSON objects")]
    Json,
    /// A header parameter is missing or has the wrong type.
    #[error("the header parameter {0} is missing or mistyped")]
    Header(&'static str),
    /// The header has `crit` or `b64`: it asks for an extension, and none is understood (RFC 7515 section 4.1.11).
    #[error("the token asks for an extension")]
    Extension,
    /// The `alg` is `none`, or one that this build does not know.
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

/// Why a key was not accepted. It never repeats anything of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not the JSON or PEM of a key: a member is missing, mistyped, or not base64url in its one spelling.
    #[error("the key is malformed")]
    Malformed,
    /// Its type, curve or algorithm is not supported by this build.
    #[error("the type of the key is not supported")]
    Unsupported,
    /// Its `alg` does not fit its type.
    #[error("the algorithm does not fit the key")]
    Mismatch,
    /// Its `use` or `key_ops` say that it is for something else.
    #[error("the key is for another use")]
    WrongUse,
    /// It has private members, or is a secret, where a public key belongs. Whoever sent it has lost it.
    #[error("the key is private")]
    Private,
    /// It is too short, too long, or of small order.
    #[error("the key is weak")]
    Weak,
    /// It is not a point of its curve.
    #[error("the key is not a point of its curve")]
    InvalidPoint,
    /// The private and the public half do not belong together.
    #[error("the halves of the key do not belong together")]
    Inconsistent,
    /// The document is longer than anything legitimate.
    #[error("the key set is too large")]
    TooLarge,
}
