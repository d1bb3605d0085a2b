/// The reason why a key is refused. It never contains any part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not a key in JSON or PEM: a member is missing, mistyped, or not canonical base64url.
    #[error("the key is malformed")]
    Malformed,
    /// The type, curve or algorithm is not supported by this build.
    #[error("the type of the key is not supported")]
    Unsupported,
    /// The `alg` does not fit the type.
    #[error("the algorithm does not fit the key")]
    Mismatch,
    /// The `use` or `key_ops` state another purpose.
    #[error("the key is for another use")]
    WrongUse,
    /// The key has private members or is a secret, where a public key belongs. It must no longer be used.
    #[error("the key is private")]
    Private,
    /// The key is too short, too long, or of small order.
    #[error("the key is weak")]
    Weak,
    /// The coordinates are not a point of the curve.
    #[error("the key is not a point of its curve")]
    InvalidPoint,
    /// The private and the public half do not match.
    #[error("the halves of the key do not match")]
    Inconsistent,
    /// The document is longer than any legitimate one.
    #[error("the key set is too large")]
    TooLarge,
}
