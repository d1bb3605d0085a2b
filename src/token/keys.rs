//! The application's keys, prepared once: what seals a token, what derives a successor.

use std::fmt;

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes128GcmSiv, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::token::TokenKind;
use crate::token::format::TokenSecret;
use crate::vocabulary::{Digest, Entropy, GrantId, UserCode, draw};

/// Fresh bytes that go into a rotation and stay in the record, so that the rotation can be repeated but not predicted.
pub(crate) type Salt = [u8; 16];

/// One 32-byte secret of the application and the keys that follow from it. Its id is in clear in every token it seals.
pub struct Key {
    id: u8,
    seal: Aes128GcmSiv,
    derive: Hmac<Sha256>,
}

impl Key {
    /// A key from 32 secret random bytes, with an id that follows from them: nothing but the secret has to be configured.
    ///
    /// ```
    /// use regrant::{Key, KeyRing};
    ///
    /// # use regrant::{Entropy, SystemEntropy};
    /// # let (mut secret, mut former_secret) = ([0; 32], [0; 32]);
    /// # SystemEntropy.fill(&mut secret);
    /// # SystemEntropy.fill(&mut former_secret);
    /// let ring = KeyRing::new(Key::new(secret)?).with_former(Key::new(former_secret)?)?;
    /// # Ok::<(), regrant::token::KeyRingError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyRingError::NotRandom`] when all bytes are equal: an array that was never filled.
    pub fn new(secret: [u8; 32]) -> Result<Self, KeyRingError> {
        let secret = Zeroizing::new(secret);
        let id = expand(&secret, b"regrant v1 key id")[0];
        Self::with_id(id, *secret)
    }

    /// A key with an id of your choice, 0 to 255, which must stay with this secret for ever.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_id(id: u8, secret: [u8; 32]) -> Result<Self, KeyRingError> {
        let secret = Zeroizing::new(secret);
        if secret.iter().all(|byte| *byte == secret[0]) {
            return Err(KeyRingError::NotRandom);
        }
        Ok(Self::prepared(id, &secret))
    }

    fn prepared(id: u8, secret: &[u8; 32]) -> Self {
        let mut seal = aes_gcm_siv::Key::<Aes128GcmSiv>::default();
        seal.copy_from_slice(&expand(secret, b"regrant v1 seal")[..16]);
        let seal = Aes128GcmSiv::new(&seal);
        Self { id, seal, derive: prepared(&expand(secret, b"regrant v1 derive")) }
    }

    /// A key from the base64url text (no padding) of 32 secret bytes: the form that fits a configuration file.
    ///
    /// # Errors
    /// [`KeyRingError::Malformed`] for anything else; otherwise as for [`new`](Self::new).
    pub fn from_base64url(text: &str) -> Result<Self, KeyRingError> {
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRingError::Malformed)?);
        let secret: [u8; 32] = decoded.as_slice().try_into().map_err(|_| KeyRingError::Malformed)?;
        Self::new(secret)
    }

    pub(crate) const fn id(&self) -> u8 {
        self.id
    }

    /// Seals in place. The nonce follows from the secret, so equal claims give equal tokens: a replayed rotation repeats
    /// its answer byte for byte. It is a hash of 256 random bits, other than the one in the record, so it tells nothing of
    /// the secret and links no token to a record.
    pub(super) fn seal(&self, secret: &TokenSecret, associated_data: &[u8], body: &mut [u8]) -> (Nonce, Tag) {
        let mut nonce = Nonce::default();
        nonce.copy_from_slice(&Digest::of(&[b"regrant v1 nonce", secret.as_bytes()]).as_bytes()[..12]);
        #[expect(
            clippy::expect_used,
            reason = "AES-GCM-SIV refuses only messages of 64 GiB and more; this one has 79 bytes at most"
        )]
        let tag =
            self.seal.encrypt_inout_detached(&nonce, associated_data, body.into()).expect("79 bytes can be sealed");
        (nonce, tag)
    }

    /// Opens in place; `false` when the key did not seal exactly this.
    pub(super) fn open(&self, nonce: &Nonce, associated_data: &[u8], body: &mut [u8], tag: &Tag) -> bool {
        self.seal.decrypt_inout_detached(nonce, associated_data, body.into(), tag).is_ok()
    }

    /// The secret of a token that a rotation gives birth to: a one-step KDF in the sense of NIST SP 800-56C, keyed by the
    /// application. The database holds the salt but not the parent, so it cannot compute the child; the parent alone
    /// cannot either, for want of the key. The parent is 256 random bits of one generation of one grant, so it names both.
    pub(crate) fn derive(&self, derivation: &Derivation<'_>, kind: TokenKind, number: u32) -> TokenSecret {
        let mut mac = self.derive.clone();
        mac.update(derivation.parent.as_bytes());
        mac.update(derivation.salt);
        mac.update(&[kind.tag()]);
        mac.update(&number.to_be_bytes());
        TokenSecret::new(mac.finalize().into_bytes().into())
    }

    /// The grant that waits for the user code: who has the code and the key finds it, and the database tells neither.
    pub(crate) fn grant_of(&self, user_code: &UserCode) -> GrantId {
        let mut mac = self.derive.clone();
        mac.update(b"regrant v1 user code");
        mac.update(user_code.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let (id, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        GrantId::from_bytes(*id)
    }
}

/// What a rotation derives its tokens from.
pub(crate) struct Derivation<'a> {
    pub(crate) parent: &'a TokenSecret,
    pub(crate) salt: &'a Salt,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys under which tokens are opened, one of which seals new ones.
///
/// To rotate: add the new key as a former one on every node, then make it primary everywhere, then drop the old one when
/// the last grant has died whose tokens it sealed: a spent token of a dropped key is garbage, and no evidence of theft any
/// more. Dropping a key kills its tokens.
///
/// ```
/// use regrant::{Key, KeyRing};
///
/// # let secret = |first: u8| std::array::from_fn(|index| first + index as u8);
/// # let (old, new) = (Key::with_id(1, secret(1))?, Key::with_id(2, secret(2))?);
/// let first_everywhere = KeyRing::new(old).with_former(new)?;
/// # let (old, new) = (Key::with_id(1, secret(1))?, Key::with_id(2, secret(2))?);
/// let then_everywhere = KeyRing::new(new).with_former(old)?;
/// # let new = Key::with_id(2, secret(2))?;
/// let in_the_end = KeyRing::new(new);
/// # Ok::<(), regrant::token::KeyRingError>(())
/// ```
#[derive(Debug)]
pub struct KeyRing {
    primary: Key,
    former: Vec<Key>,
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub const fn new(primary: Key) -> Self {
        Self { primary, former: Vec::new() }
    }

    /// A ring of one random key. Tokens die with it: for demonstrations and tests.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(Key::prepared(0, &Zeroizing::new(draw(entropy))))
    }

    /// Adds a key that still opens tokens but seals no new ones.
    ///
    /// # Errors
    /// [`KeyRingError::DuplicateId`] when the ring has a key of that id: give one of them another id, or draw a new
    /// secret.
    pub fn with_former(mut self, key: Key) -> Result<Self, KeyRingError> {
        if self.key(key.id).is_some() {
            return Err(KeyRingError::DuplicateId(key.id));
        }
        self.former.push(key);
        Ok(self)
    }

    pub(crate) const fn primary(&self) -> &Key {
        &self.primary
    }

    /// All keys, the primary one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary).chain(&self.former)
    }

    pub(crate) fn key(&self, id: u8) -> Option<&Key> {
        self.iter().find(|key| key.id == id)
    }
}

/// Why a key or ring could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The text is not base64url of 32 bytes.
    #[error("a key must be 32 bytes in base64url without padding")]
    Malformed,
    /// All bytes of the secret are equal.
    #[error("all bytes of a key are equal: it was never drawn")]
    NotRandom,
    /// Two keys of a ring have the same id.
    #[error("two keys of the ring have the id {0}")]
    DuplicateId(u8),
}

/// HKDF-Expand (RFC 5869 section 2.3) for one block. The secret is uniformly random, so the extract step may be skipped
/// (section 3.3).
fn expand(secret: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = prepared(secret);
    mac.update(info);
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn prepared(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}
