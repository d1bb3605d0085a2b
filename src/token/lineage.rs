//! The rest of a refresh token, besides its secret: the proof that its grant issued it, and the key that it is bound
//! to.

use zeroize::Zeroizing;

use crate::vocabulary::{Confirmation, Digest, Entropy, draw};

/// 16 random bytes, drawn with the first refresh token of a grant. Every refresh token of the grant carries them, no
/// other token does, and the record holds a digest alone. Without the root a key of the ring seals nothing that the
/// grant accepts.
#[derive(Clone)]
pub(crate) struct Root(Zeroizing<[u8; Self::LEN]>);

impl Root {
    const LEN: usize = 16;

    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(draw(entropy)))
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&[b"regrant v1 root", self.0.as_slice()])
    }
}

/// The beginning of the thumbprint that a refresh token is bound to; zeros for a bearer token. A record that a failover
/// rolled back to before the binding does not know the key: the token itself then says which one to ask for. 88 bits,
/// so that a body keeps its length of five blocks; the seal hides them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding([u8; Self::LEN]);

impl Binding {
    const LEN: usize = 11;

    pub(crate) const BEARER: Self = Self([0; Self::LEN]);

    pub(crate) fn of(confirmation: Option<&Confirmation>) -> Self {
        let Some(Confirmation::DpopKey(thumbprint) | Confirmation::Certificate(thumbprint)) = confirmation else {
            return Self::BEARER;
        };
        thumbprint.first_chunk().map_or(Self::BEARER, |first| Self(*first))
    }
}

/// The descent of a refresh token: its grant's root and its own binding.
#[derive(Clone)]
pub(crate) struct Lineage {
    pub(crate) root: Root,
    pub(crate) binding: Binding,
}

impl Lineage {
    pub(super) const LEN: usize = Root::LEN + Binding::LEN;

    pub(super) fn write(&self, to: &mut [u8]) {
        let (root, binding) = to.split_at_mut(Root::LEN);
        root.copy_from_slice(self.root.0.as_slice());
        binding.copy_from_slice(&self.binding.0);
    }

    /// Reads the lineage of a refresh token; `None` where a token has no such part.
    pub(super) fn read(from: &[u8]) -> Option<Self> {
        let (root, binding) = from.split_first_chunk()?;
        Some(Self { root: Root(Zeroizing::new(*root)), binding: Binding(binding.try_into().ok()?) })
    }
}
