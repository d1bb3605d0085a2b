use crate::algorithm::Algorithm;

/// The algorithms that a verifier accepts: no more than those it begins with.
#[derive(Clone, Debug)]
pub(crate) struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// All that use a key pair. A secret is never among them, whatever a host chooses later: with a public key in its place
    /// anyone could sign (CVE-2024-37568).
    pub(crate) fn of_key_pairs() -> Self {
        Self(Algorithm::ALL.iter().copied().filter(|algorithm| !algorithm.is_symmetric()).collect())
    }

    pub(crate) fn only(algorithm: Algorithm) -> Self {
        Self(vec![algorithm])
    }

    /// Those of them that are among `chosen`.
    pub(crate) fn among(&self, chosen: impl IntoIterator<Item = Algorithm>) -> Self {
        Self(chosen.into_iter().filter(|algorithm| self.accept(*algorithm)).collect())
    }

    pub(crate) fn accept(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }

    /// For the metadata.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|algorithm| algorithm.as_str()).collect()
    }
}
