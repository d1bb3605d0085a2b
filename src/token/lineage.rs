//! The parts of a refresh token besides its secret: the proof that its grant issued it, and the key that it is bound
//! to.

use crate::token::sha256::Sha256;
use crate::vocabulary::{Confirmation, Digest, Entropy, SecretBytes};

/// 16 random bytes of a grant, drawn with its first refresh token. Every refresh token of the grant contains them,
/// and no other token does. The record contains only their digest. An attacker with a leaked key of the ring but
/// without the root cannot forge a refresh token of the grant.
///
/// Authorization codes and access tokens must not contain the root. Codes pass through browsers and access tokens
/// through resource servers, where more of them leak.
#[derive(Clone)]
pub(crate) struct Root(SecretBytes<{ Self::LEN }>);

impl Root {
    const LEN: usize = 16;

    /// Draws the root of a new grant.
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        Self(SecretBytes::random(entropy))
    }

    /// Returns the digest for the record. The label keeps the digest apart from all other digests of this library.
    pub(crate) fn digest(&self) -> Digest {
        const LABEL: &[u8; 15] = b"regrant v1 root";
        let mut labelled = SecretBytes::<{ LABEL.len() + Self::LEN }>::zero();
        labelled[..LABEL.len()].copy_from_slice(LABEL);
        labelled[LABEL.len()..].copy_from_slice(&*self.0);
        Digest::from_bytes(*Sha256::new().digest(&labelled))
    }
}

/// The first 88 bits of the thumbprint that a refresh token is bound to, or zeros for a bearer token.
///
/// After a failover a record may be rolled back to a time before the binding. The token itself then names the
/// required key. With 88 bits the body is five blocks long; the seal hides them. A search for another key with the same
/// bits takes 2^88 attempts, and where the record knows the binding the whole thumbprint is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding([u8; Self::LEN]);

impl Binding {
    const LEN: usize = 11;

    pub(crate) const BEARER: Self = Self([0; Self::LEN]);

    /// Takes the first bits of a thumbprint, of either kind of key.
    pub(crate) fn of(confirmation: Option<&Confirmation>) -> Self {
        let Some(Confirmation::DpopKey(thumbprint) | Confirmation::Certificate(thumbprint)) = confirmation else {
            return Self::BEARER;
        };
        thumbprint.first_chunk().map_or(Self::BEARER, |first| Self(*first))
    }
}

/// The root and the binding of a refresh token. A successor has the root of its parent. It may be bound where the
/// parent was not.
#[derive(Clone)]
pub(crate) struct Lineage {
    pub(crate) root: Root,
    pub(crate) binding: Binding,
}

impl Lineage {
    pub(super) const LEN: usize = Root::LEN + Binding::LEN;

    /// Writes root and binding into the end of a body. `to` has exactly [`LEN`](Self::LEN) bytes.
    pub(super) fn write(&self, to: &mut [u8]) {
        let (root, binding) = to.split_at_mut(Root::LEN);
        root.copy_from_slice(&*self.root.0);
        binding.copy_from_slice(&self.binding.0);
    }

    /// Reads the lineage of a refresh token. Returns `None` for other kinds of tokens.
    pub(super) fn read(from: &[u8]) -> Option<Self> {
        let (root, binding) = from.split_first_chunk()?;
        Some(Self { root: Root(SecretBytes::new(*root)), binding: Binding(binding.try_into().ok()?) })
    }
}
