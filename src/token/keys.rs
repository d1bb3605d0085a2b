//! The keys of the application. They seal tokens and derive the successors of refresh tokens.
//!
//! Each use has a key of its own, expanded from one configured secret with a label. A weakness in one use does not
//! reach the other, and the host still has one value to keep secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use zeroize::Zeroizing;

use crate::token::format::TokenSecret;
use crate::token::sha256::Sha256;
use crate::token::siv::{Block, Prepared, Siv, clear_stack};
use crate::token::{Realm, TokenKind};
use crate::vocabulary::{Entropy, GrantId, SecretBytes, UserCode};

/// The version of the format of tokens. It is associated data, so a token of another version does not open, and cannot
/// be read with the layout of this one. Version 1 was never released.
const FORMAT_VERSION: u8 = 2;

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
    keys: Box<Keys>,
}

/// The keys of each use.
struct Keys {
    seal: Siv,
    /// Of each kind of token, in the order of `TokenKind::ALL`.
    associated_data: [Prepared; TokenKind::ALL.len()],
    derive: Sha256,
    user_code: Sha256,
    /// The source of the keys that leave the library.
    application: SecretBytes<32>,
}

impl Key {
    /// A key from 32 secret random bytes. The id is derived from the secret, so only the secret has to be configured.
    ///
    /// The id has one byte: two secrets have the same id in one of 256 cases, and [`KeyRing::add_former`] reports that.
    ///
    /// ```
    /// use regrant::{Key, KeyRing};
    ///
    /// # let fixed = |first: u8| std::array::from_fn(|index| first + index as u8); // with different ids
    /// # let (secret, former_secret) = (fixed(1), fixed(2));
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

    /// A new random key, and its text for the configuration of all nodes: [`from_base64url`](Self::from_base64url)
    /// reads it. Generate a key once, and not at each start: the tokens of a dropped key are lost.
    ///
    /// ```
    /// use regrant::{Key, SystemEntropy};
    ///
    /// let (key, text) = Key::generate(&SystemEntropy)?;
    /// println!("keys = [\"{}\"]", text.expose());
    /// assert_eq!(format!("{key:?}"), format!("{:?}", Key::from_base64url(text.expose())?));
    /// # Ok::<(), regrant::token::KeyRingError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyRingError::NotRandom`] when the source of randomness is broken.
    pub fn generate(entropy: &dyn Entropy) -> Result<(Self, KeyText), KeyRingError> {
        let secret = SecretBytes::random(entropy);
        let mut text = Zeroizing::new(String::with_capacity(TEXT));
        URL_SAFE_NO_PAD.encode_string(secret.as_slice(), &mut text);
        Ok((Self::new(*secret)?, KeyText(text)))
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

    /// Derives the keys of all uses. None reveals another, or the secret. The realm is the default one, until the ring
    /// gets [another](KeyRing::in_realm).
    fn expanded(id: u8, secret: &[u8; 32]) -> Self {
        let key = Self::expand(id, secret);
        clear_stack();
        key
    }

    #[inline(never)]
    fn expand(id: u8, secret: &[u8; 32]) -> Self {
        let seal = Siv::new(&expand(secret, b"regrant v2 seal"));
        let associated_data = associated_data(id, &seal, &Realm::default());
        let derive = Sha256::keyed(&expand(secret, b"regrant v2 derive"));
        let user_code = Sha256::keyed(&expand(secret, b"regrant v2 user code"));
        let application = expand(secret, b"regrant v2 application");
        Self { id, keys: Box::new(Keys { seal, associated_data, derive, user_code, application }) }
    }

    /// A key from the base64url text (no padding) of 32 secret bytes, for configuration files: 43 characters. The
    /// command `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='` prints such a text, as does
    /// [`generate`](Self::generate).
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

    /// Seals in place, and returns the synthetic IV. Equal bodies of a kind give equal tokens, so a replayed rotation
    /// repeats its response byte for byte.
    pub(super) fn seal(&self, kind: TokenKind, body: &mut [u8]) -> Block {
        self.keys.seal.seal(self.keys.associated_data(kind), body)
    }

    /// Opens in place. Returns false unless the key sealed exactly this body as a token of this kind and realm. On
    /// false the body has no meaning.
    pub(super) fn open(&self, kind: TokenKind, iv: &Block, body: &mut [u8]) -> bool {
        self.keys.seal.open(self.keys.associated_data(kind), iv, body)
    }

    /// Derives the secret of a successor: SHA-256 with a key of the application, as a one-step KDF (NIST SP 800-56C).
    ///
    /// The database has the salt but not the parent, and a client has the parent but not the key. Neither can compute
    /// the successor. The parent is 256 random bits and belongs to one generation of one grant, so these need not be
    /// hashed.
    ///
    /// The key fills the first block and the input the second: the inner hash of HMAC, with half of the work. The
    /// outer hash of HMAC protects inputs of different lengths, because a digest gives the digests of longer inputs.
    /// All inputs under this key have 53 bytes, so a digest gives no other. The assumption is that of HMAC: the
    /// compression function is a PRF.
    pub(crate) fn derive(&self, derivation: &Derivation<'_>, kind: TokenKind, number: u32) -> TokenSecret {
        let mut input = SecretBytes::<53>::zero();
        input[..32].copy_from_slice(derivation.parent.as_bytes());
        input[32..48].copy_from_slice(derivation.salt);
        input[48] = kind.tag();
        input[49..].copy_from_slice(&number.to_be_bytes());
        TokenSecret::new(self.keys.derive.digest(&input))
    }

    /// Returns the id of the grant that waits for the user code. It is derived with a key, so the database does not
    /// reveal the codes.
    pub(crate) fn user_code_grant_id(&self, user_code: &UserCode) -> GrantId {
        let digest = self.keys.user_code.digest(user_code.as_bytes());
        GrantId::from_bytes(std::array::from_fn(|at| digest[at]))
    }
}

/// The length of the text of a key.
const TEXT: usize = 43;

/// The text of a new key: its secret in base64url. Whoever has it, has the key.
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    /// Returns the text, 43 characters. Never log it: write it into the configuration.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText([redacted])")
    }
}

impl Keys {
    fn associated_data(&self, kind: TokenKind) -> &Prepared {
        // In the order of `TokenKind::ALL`, whose tags count from 1.
        &self.associated_data[usize::from(kind.tag() - 1)]
    }
}

/// Prepares the associated data of each kind: format version, key id, kind, realm. The first three have one byte each,
/// so the concatenation is unambiguous.
fn associated_data(id: u8, seal: &Siv, realm: &Realm) -> [Prepared; TokenKind::ALL.len()] {
    TokenKind::ALL.map(|kind| seal.prepare(&[&[FORMAT_VERSION, id, kind.tag()], realm.as_str().as_bytes()].concat()))
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
        Self::new(Key::expanded(0, &SecretBytes::random(entropy)))
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

    /// Derives a secret of 32 bytes from each key of the ring, that of the primary key first, for another use of the
    /// host: nonces of DPoP proofs, cookies. All nodes with this ring get the same secrets. Use a `purpose` once, and
    /// make new values with the first secret only: on a node that rotates its ring earlier, the others accept them.
    ///
    /// The secrets reveal neither the keys nor each other. Keep them as secret as the ring.
    ///
    /// ```
    /// use regrant::{Key, KeyRing};
    ///
    /// # let secret: [u8; 32] = std::array::from_fn(|index| index as u8);
    /// let ring = KeyRing::new(Key::from_parts(1, secret)?);
    /// let cookies: Vec<[u8; 32]> = ring.derive("my-host cookies").collect();
    /// assert_eq!(cookies.len(), 1);
    /// assert_ne!(cookies[0], secret);
    /// # Ok::<(), regrant::token::KeyRingError>(())
    /// ```
    pub fn derive(&self, purpose: &str) -> impl Iterator<Item = [u8; 32]> {
        self.iter().map(move |key| *expand(&key.keys.application, purpose.as_bytes()))
    }

    /// Prepares all keys for the tokens of `realm`.
    pub(super) fn in_realm(mut self, realm: &Realm) -> Self {
        for Key { id, keys } in std::iter::once(&mut self.primary).chain(&mut self.former) {
            keys.associated_data = associated_data(*id, &keys.seal, realm);
        }
        self
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
    #[error("a key must be 32 bytes in base64url without padding: 43 characters")]
    Malformed,
    /// All bytes of the secret are equal: zeros from an array that was never filled, for example.
    #[error("all bytes of a key are equal: it was never generated")]
    NotRandom,
    /// Two keys of a ring have the same id. A token names its key by the id, so only one of them could be found.
    #[error("two keys of the ring have the id {0}: generate another one, or choose its id (`Key::from_parts`)")]
    DuplicateId(u8),
}

/// HKDF-Expand (RFC 5869 section 2.3) for one block. The secret is uniformly random, so the extract step is not needed
/// (section 3.3).
fn expand(secret: &[u8; 32], info: &[u8]) -> SecretBytes<32> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(info);
    mac.update(&[1]);
    SecretBytes::new(mac.finalize().into_bytes().into())
}
