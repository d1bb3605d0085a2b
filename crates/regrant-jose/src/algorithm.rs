use std::fmt;

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864). A key has exactly one; the header of a token must
/// agree with it.
///
/// [`EdDsa`](Self::EdDsa) and [`Ed25519`](Self::Ed25519) are two names of one algorithm. A key signs under its own
/// name, and verifies tokens of both: libraries adopt the new name in headers and in keys at different times.
///
/// `none` and anything with SHA-1 are not supported. RS256 and PS256 need the feature `aws-lc-rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `EdDSA` over Ed25519: small and fast signatures, the same for equal input. Most libraries know only this name.
    EdDsa,
    /// The same under the name `Ed25519`, which says the curve too (RFC 9864 section 2.2). It deprecates `EdDSA`.
    Ed25519,
    /// ECDSA over P-256 with SHA-256. The nonce is that of RFC 6979, so equal input has an equal signature.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256, for verifiers that support nothing better.
    Rs256,
    /// RSA PSS with SHA-256. Its signatures are randomized: a replayed response repeats the claims, not the text.
    Ps256,
    /// HMAC with SHA-256, under a secret that both sides hold.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// The algorithms that this build can verify, the preferred one first.
    pub const ALL: &'static [Self] = &[
        Self::EdDsa,
        Self::Ed25519,
        Self::Es256,
        #[cfg(feature = "aws-lc-rs")]
        Self::Ps256,
        #[cfg(feature = "aws-lc-rs")]
        Self::Rs256,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Returns true for HMAC, where the key that verifies also signs.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// The algorithm with the name `alg`, if this build supports it. Names are case-sensitive.
    ///
    /// ```
    /// use regrant_jose::Algorithm;
    ///
    /// assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::Ed25519));
    /// assert_eq!(Algorithm::from_name("none"), None);
    /// ```
    #[must_use]
    pub fn from_name(alg: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == alg)
    }

    /// Returns true if the signatures of both are the same: for one algorithm, or for its two names.
    pub(crate) fn signs_like(self, other: Self) -> bool {
        let is_ed25519 = |algorithm| matches!(algorithm, Self::EdDsa | Self::Ed25519);
        self == other || (is_ed25519(self) && is_ed25519(other))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
