use crate::algorithm::Algorithm;

/// The algorithms that a verifier accepts. The list can be narrowed, never extended.
#[derive(Clone, Debug)]
pub(crate) struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// All algorithms with a key pair. HMAC can never be added: a verifier that took a public key for a secret would
    /// let anyone sign (CVE-2024-37568).
    pub(crate) fn asymmetric() -> Self {
        Self(Algorithm::ALL.iter().copied().filter(|algorithm| !algorithm.is_symmetric()).collect())
    }

    pub(crate) fn only(algorithm: Algorithm) -> Self {
        Self(vec![algorithm])
    }

    /// The algorithms that are also in `chosen`.
    pub(crate) fn limit_to(&self, chosen: impl IntoIterator<Item = Algorithm>) -> Self {
        Self(chosen.into_iter().filter(|algorithm| self.allows(*algorithm)).collect())
    }

    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }

    /// The names, for the metadata.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|algorithm| algorithm.as_str()).collect()
    }
}
