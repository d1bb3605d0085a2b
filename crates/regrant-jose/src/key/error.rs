/// The reason why a key is refused. It never contains any part of the key. Where a command or a feature helps, the text
/// names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not a key in JSON or PEM: a member is missing, mistyped, or not canonical base64url.
    #[error("the key is malformed")]
    Malformed,
    /// The private key is in SEC 1 (`EC PRIVATE KEY`) or PKCS #1 (`RSA PRIVATE KEY`), not in PKCS #8 (`PRIVATE KEY`).
    #[error(
        "the private key is not in PKCS #8: convert it by \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem`"
    )]
    NotPkcs8,
    /// The private key is encrypted with a passphrase.
    #[error("the private key is encrypted: decrypt it by `openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem`")]
    Encrypted,
    /// The PEM file is a certificate, where a key belongs.
    #[error(
        "a certificate is not a key: its public key is printed by `openssl x509 -in certificate.pem -pubkey -noout`, \
         its private key is in another file"
    )]
    Certificate,
    /// The type, curve or algorithm is not supported by this build.
    #[error("the type of the key is not supported: Ed25519, P-256 and RSA keys are")]
    Unsupported,
    /// The key is an RSA key, and this build has no RSA.
    #[error("RSA keys need the feature `aws-lc-rs` of regrant-jose")]
    RsaDisabled,
    /// The `alg` does not fit the type.
    #[error("the algorithm does not fit the key")]
    Mismatch,
    /// The `use` or `key_ops` state another purpose.
    #[error("the key is for another use")]
    WrongUse,
    /// The key has private members or is a secret, where a public key belongs. It must no longer be used.
    #[error("the key is private")]
    Private,
    /// The key is public, where a private key belongs.
    #[error("the key is public, and a private key is needed to sign")]
    Public,
    /// The key is too short, too long, or of small order.
    #[error("the key is weak: too short, too long, or of small order")]
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
