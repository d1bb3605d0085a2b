//! The keys of the application. They seal tokens and derive the successors of refresh tokens.
//!
//! Each use has a key of its own, expanded from one configured secret with a label. A weakness in one use does not
//! reach the other, and the host still has one value to keep secret.

use std::fmt;

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes128GcmSiv, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::token::TokenKind;
use crate::token::format::TokenSecret;
use crate::vocabulary::{Digest, Entropy, GrantId, SecretBytes, UserCode, draw};

/// Random bytes of a rotation. They stay in the record, so that the rotation can be repeated but not predicted.
///
/// Without a salt the successors of a token would be fixed in advance. A thief of the key and of one refresh token
/// could compute the whole chain.
pub(crate) type Salt = [u8; 16];

/// A 32-byte secret of the application and the keys derived from it. The id of the key is readable in every token
/// that the key seals.
///
/// The secret must be the same on every node and after every restart. Keep it where no copy of the database is kept.
/// `Debug` shows the id only:
///
/// ```
/// use regrant::Key;
///
/// # let secret: [u8; 32] = std::array::from_fn(|index| index as u8);
/// let key = Key::from_parts(7, secret)?;
/// assert_eq!(format!("{key:?}"), "Key { id: 7, .. }");
/// # Ok::<(), regrant::token::KeyRingError>(())
/// ```
pub struct Key {
    id: u8,
    // On the heap, for the reason of `SecretBytes`: a move of the key leaves no copy behind.
    seal: Box<Aes128GcmSiv>,
    derive: Box<Hmac<Sha256>>,
}

impl Key {
    /// A key from 32 secret random bytes. The id is derived from the secret, so only the secret has to be configured.
    ///
    /// The id has one byte: two secrets have the same id in one of 256 cases, and [`KeyRing::add_former`] reports that.
    ///
    /// ```
    /// use regrant::{Key, KeyRing};
    ///
    /// # use regrant::{Entropy, SystemEntropy};
    /// # let (mut secret, mut former_secret) = ([0; 32], [0; 32]);
    /// # SystemEntropy.fill(&mut secret);
    /// # SystemEntropy.fill(&mut former_secret);
    /// let ring = KeyRing::new(Key::new(secret)?).add_former(Key::new(former_secret)?)?;
    /// # Ok::<(), regrant::token::KeyRingError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyRingError::NotRandom`] when all bytes are equal: an array that was never filled. Other weak secrets, such
    /// as a word filled up with zeros, cannot be recognised.
    pub fn new(secret: [u8; 32]) -> Result<Self, KeyRingError> {
        let secret = Zeroizing::new(secret);
        let id = expand(&secret, b"regrant v1 key id")[0];
        Self::from_parts(id, *secret)
    }

    /// A key with an id of your choice, 0 to 255. Never use the id with another secret: two nodes with different
    /// secrets under one id refuse each other's tokens.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn from_parts(id: u8, secret: [u8; 32]) -> Result<Self, KeyRingError> {
        let secret = Zeroizing::new(secret);
        if secret.iter().all(|byte| *byte == secret[0]) {
            return Err(KeyRingError::NotRandom);
        }
        Ok(Self::expanded(id, &secret))
    }

    /// Derives the key of the seal and the key of the derivation. Neither reveals the other, or the secret.
    fn expanded(id: u8, secret: &[u8; 32]) -> Self {
        let mut seal = aes_gcm_siv::Key::<Aes128GcmSiv>::default();
        seal.copy_from_slice(&expand(secret, b"regrant v1 seal")[..16]);
        let derive = Box::new(hmac(&expand(secret, b"regrant v1 derive")));
        let key = Self { id, seal: Box::new(Aes128GcmSiv::new(&seal)), derive };
        seal.zeroize();
        key
    }

    /// A key from the base64url text (no padding) of 32 secret bytes, for configuration files: 43 characters. The
    /// command `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='` prints such a text.
    ///
    /// ```
    /// use regrant::Key;
    /// use regrant::token::KeyRingError;
    ///
    /// assert!(Key::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").is_ok());
    /// assert_eq!(Key::from_base64url("secret").err(), Some(KeyRingError::Malformed));
    /// assert_eq!(Key::from_base64url(&"A".repeat(43)).err(), Some(KeyRingError::NotRandom));
    /// ```
    ///
    /// # Errors
    /// [`KeyRingError::Malformed`] for padding, a line break, another alphabet or another length; otherwise as for
    /// [`new`](Self::new). The error does not contain the text.
    pub fn from_base64url(text: &str) -> Result<Self, KeyRingError> {
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRingError::Malformed)?);
        let secret: [u8; 32] = decoded.as_slice().try_into().map_err(|_| KeyRingError::Malformed)?;
        Self::new(secret)
    }

    pub(crate) const fn id(&self) -> u8 {
        self.id
    }

    /// Seals in place. The nonce is derived from the secret, so equal claims give equal tokens, and a replayed
    /// rotation repeats its response byte for byte. The nonce is a hash of 256 random bits and differs from the hash
    /// in the record. It reveals nothing about the secret and does not link a token to its record.
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

    /// Opens in place. Returns false unless the key sealed exactly this text with this associated data. On false the
    /// body has no meaning.
    pub(super) fn open(&self, nonce: &Nonce, associated_data: &[u8], body: &mut [u8], tag: &Tag) -> bool {
        self.seal.decrypt_inout_detached(nonce, associated_data, body.into(), tag).is_ok()
    }

    /// Derives the secret of a successor: a one-step KDF (NIST SP 800-56C) with a key of the application.
    ///
    /// The database has the salt but not the parent, and a client has the parent but not the key. Neither can compute
    /// the successor. The parent is 256 random bits and belongs to one generation of one grant, so these need not be
    /// hashed.
    pub(crate) fn derive(&self, derivation: &Derivation<'_>, kind: TokenKind, number: u32) -> TokenSecret {
        let mut mac = Hmac::clone(&self.derive);
        mac.update(derivation.parent.as_bytes());
        mac.update(derivation.salt);
        mac.update(&[kind.tag()]);
        mac.update(&number.to_be_bytes());
        let mut derived = mac.finalize().into_bytes();
        let secret = TokenSecret::new(SecretBytes::copied_from(derived.as_ref()));
        derived.zeroize();
        secret
    }

    /// Returns the id of the grant that waits for the user code. It is derived with the key, so the database does not
    /// reveal the codes.
    pub(crate) fn user_code_grant_id(&self, user_code: &UserCode) -> GrantId {
        let mut mac = Hmac::clone(&self.derive);
        mac.update(b"regrant v1 user code");
        mac.update(user_code.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let (id, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        GrantId::from_bytes(*id)
    }
}

/// The input of a derivation: the secret of the presented token, and the salt of the rotation.
pub(crate) struct Derivation<'a> {
    pub(crate) parent: &'a TokenSecret,
    pub(crate) salt: &'a Salt,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys that open tokens. The primary key also seals new ones.
///
/// To rotate the key:
///
/// 1. Add the new key as a former key on every node.
/// 2. Make the new key primary on every node.
/// 3. Drop the old key after the last grant has expired whose tokens it sealed.
///
/// Dropping a key invalidates its tokens. A spent token of a dropped key is unknown, so its theft is no longer
/// detected.
///
/// The first step must be complete before the second begins. A node without the new key would answer `invalid_grant` to
/// tokens of the other nodes, and clients would end their sessions. A leaked key alone makes no token that a grant
/// accepts. So a leak is a reason to rotate, but not to drop the key at once.
///
/// ```
/// use regrant::{Key, KeyRing};
///
/// # let secret = |first: u8| std::array::from_fn(|index| first + index as u8);
/// # let (old, new) = (Key::from_parts(1, secret(1))?, Key::from_parts(2, secret(2))?);
/// let first_everywhere = KeyRing::new(old).add_former(new)?;
/// # let (old, new) = (Key::from_parts(1, secret(1))?, Key::from_parts(2, secret(2))?);
/// let then_everywhere = KeyRing::new(new).add_former(old)?;
/// # let new = Key::from_parts(2, secret(2))?;
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

    /// A ring of one random key, for demonstrations and tests. All tokens become invalid when the ring is dropped: a
    /// restart signs out every user, and a second node accepts no token of the first.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(Key::expanded(0, &Zeroizing::new(draw(entropy))))
    }

    /// Adds a key that opens tokens but seals no new ones. The order of former keys has no meaning.
    ///
    /// ```
    /// use regrant::token::KeyRingError;
    /// use regrant::{Key, KeyRing};
    ///
    /// # let secret = |first: u8| std::array::from_fn(|index| first + index as u8);
    /// let ring = KeyRing::new(Key::from_parts(1, secret(1))?);
    /// assert_eq!(ring.add_former(Key::from_parts(1, secret(2))?).err(), Some(KeyRingError::DuplicateId(1)));
    /// # Ok::<(), KeyRingError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyRingError::DuplicateId`] when the ring has a key with the same id. Give one of them another id, or generate
    /// another secret.
    pub fn add_former(mut self, key: Key) -> Result<Self, KeyRingError> {
        if self.key(key.id).is_some() {
            return Err(KeyRingError::DuplicateId(key.id));
        }
        self.former.push(key);
        Ok(self)
    }

    /// Returns the key that seals new tokens and derives new successors.
    pub(crate) const fn primary(&self) -> &Key {
        &self.primary
    }

    /// Returns all keys, the primary key first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary).chain(&self.former)
    }

    /// Returns the key with this id, as it stands in a token or in a rotation of a record.
    pub(crate) fn key(&self, id: u8) -> Option<&Key> {
        self.iter().find(|key| key.id == id)
    }
}

/// The reason why a key or a ring could not be created. No variant contains a secret, so the error may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The text is not base64url of 32 bytes.
    #[error("a key must be 32 bytes in base64url without padding")]
    Malformed,
    /// All bytes of the secret are equal: zeros from an array that was never filled, for example.
    #[error("all bytes of a key are equal: it was never generated")]
    NotRandom,
    /// Two keys of a ring have the same id. A token names its key by the id, so only one of them could be found.
    #[error("two keys of the ring have the id {0}")]
    DuplicateId(u8),
}

/// HKDF-Expand (RFC 5869 section 2.3) for one block. The secret is uniformly random, so the extract step is not needed
/// (section 3.3).
fn expand(secret: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = hmac(secret);
    mac.update(info);
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}
