use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::sha256::Sha256;
use crate::token::siv::Block;
use crate::token::{Key, KeyRing, Lineage, TokenKind, TokenPrefixes};
use crate::vocabulary::{Digest, Entropy, GrantId, Realm, SecretBytes};

/// The length of the key id and the synthetic IV, before the body.
const HEAD: usize = 1 + size_of::<Block>();
/// The end of the grant id in a body, where the number begins.
const GRANT_ID_END: usize = 16;
/// The end of the number, where the secret begins.
const NUMBER_END: usize = GRANT_ID_END + 4;
/// The end of the secret, and of the body of all tokens but refresh tokens.
const BODY: usize = NUMBER_END + 32;
/// The length of the body of a refresh token, which contains a [`Lineage`] as well.
const REFRESH_BODY: usize = BODY + Lineage::LEN;
const MAX_SEALED: usize = sealed_len(TokenKind::RefreshToken);

/// Returns the length of a body in bytes. It depends on the kind only, so the length of a token reveals nothing else.
const fn body_len(kind: TokenKind) -> usize {
    if matches!(kind, TokenKind::RefreshToken) { REFRESH_BODY } else { BODY }
}

/// Returns the length of a sealed token in bytes: 96 for a refresh token, otherwise 69. Both are multiples of three.
const fn sealed_len(kind: TokenKind) -> usize {
    HEAD + body_len(kind)
}

/// The 32 random bytes of a token. The record contains their SHA-256.
///
/// 256 bits make a guess hopeless and a plain digest sufficient. The bytes are drawn for first tokens and derived for
/// successors; both are uniform.
#[derive(Clone)]
pub(crate) struct TokenSecret(SecretBytes<32>);

impl TokenSecret {
    pub(super) const fn new(bytes: SecretBytes<32>) -> Self {
        Self(bytes)
    }

    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        Self(SecretBytes::random(entropy))
    }

    pub(crate) fn digest(&self) -> Digest {
        digest(&self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The content of a token that is to be sealed. Equal claims give equal tokens under one key.
pub(crate) struct Claims<'a> {
    pub(crate) grant_id: &'a GrantId,
    pub(crate) number: u32,
    pub(crate) secret: &'a TokenSecret,
    /// Present in refresh tokens only. Absent in every other kind, so that no other token reveals the root.
    pub(crate) lineage: Option<&'a Lineage>,
}

/// A token that a key of the ring sealed. The seal proves no more than that. Only the root of a refresh token proves
/// that its grant issued it.
///
/// Stands in a box, because futures keep it across an `await` (see [`SecretBytes`]): one for all its secrets.
pub(crate) struct Opened {
    pub(crate) grant_id: GrantId,
    pub(crate) secret: TokenSecret,
    pub(crate) detail: Detail,
}

/// The part of an opened token that depends on its kind.
pub(crate) enum Detail {
    /// An authorization code, device code or `request_uri`: the secret is all it has.
    Code,
    /// An access token, or the `jti` of one that is a JWT.
    AccessToken {
        serial: u32,
    },
    RefreshToken {
        generation: u32,
        lineage: Lineage,
    },
}

/// The entry of a record to which a token refers, by digest: enough to look the token up, and nothing that opens or
/// makes one. So a future may keep it across an `await` without a box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) grant_id: GrantId,
    pub(crate) kind: TokenKind,
    /// The generation of a refresh token, or the serial of an access token.
    pub(crate) number: u32,
    pub(crate) digest: Digest,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// Seals and opens the tokens of one realm.
///
/// The associated data of each key and kind is prepared once, in the [ring](KeyRing::in_realm).
#[derive(Debug)]
pub(crate) struct TokenFormat {
    ring: KeyRing,
    prefixes: TokenPrefixes,
}

impl TokenFormat {
    /// The format of `realm`, with the keys of `ring`.
    #[must_use]
    pub(crate) fn new(ring: KeyRing, realm: &Realm, prefixes: TokenPrefixes) -> Self {
        Self { ring: ring.in_realm(realm), prefixes }
    }

    /// The same format with the keys of another ring.
    #[must_use]
    pub(crate) fn with_ring(&self, ring: KeyRing, realm: &Realm) -> Self {
        Self::new(ring, realm, self.prefixes.clone())
    }

    pub(crate) const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Seals a token of `kind` under `key`.
    ///
    /// The key is an argument and not always the primary one: a repeated response is sealed under the key of its
    /// rotation, or a rotation of the ring would change the answer.
    #[expect(clippy::expect_used, reason = "the text has the length of the base64, which is ASCII")]
    pub(crate) fn seal(&self, kind: TokenKind, key: &Key, claims: &Claims<'_>) -> String {
        let mut sealed = SecretBytes::<MAX_SEALED>::zero();
        let sealed = &mut sealed[..sealed_len(kind)];
        let (head, body) = sealed.split_at_mut(HEAD);
        body[..GRANT_ID_END].copy_from_slice(claims.grant_id.as_bytes());
        body[GRANT_ID_END..NUMBER_END].copy_from_slice(&claims.number.to_be_bytes());
        body[NUMBER_END..BODY].copy_from_slice(claims.secret.as_bytes());
        if let (Some(lineage), TokenKind::RefreshToken) = (claims.lineage, kind) {
            lineage.write(&mut body[BODY..]);
        }
        head[0] = key.id();
        head[1..].copy_from_slice(&key.seal(kind, body));

        let prefix = self.prefixes.of(kind);
        let mut text = vec![0; prefix.len() + sealed.len() / 3 * 4];
        let (start, end) = text.split_at_mut(prefix.len());
        start.copy_from_slice(prefix.as_bytes());
        // Into the text itself. `encode_string` has a buffer on the stack that nothing zeroes.
        URL_SAFE_NO_PAD.encode_slice(sealed, end).expect("four characters for three bytes");
        String::from_utf8(text).expect("base64 is ASCII")
    }

    /// Opens `text` as a token of `kind`. Needs no I/O, so garbage costs no database call.
    ///
    /// Returns `None` for every text that is not exactly a token of this kind: another prefix, length, alphabet, key,
    /// realm or format version, or a changed bit. The caller learns no reason, and so the client learns none.
    #[must_use]
    pub(crate) fn open(&self, kind: TokenKind, text: &str) -> Option<Box<Opened>> {
        let mut sealed = SecretBytes::zero();
        let Body { grant_id, number, secret, lineage } = self.body(kind, text, &mut sealed)?;
        Some(Box::new(Opened {
            grant_id,
            secret: TokenSecret(SecretBytes::new(*secret)),
            detail: match kind {
                TokenKind::AuthorizationCode | TokenKind::DeviceCode | TokenKind::RequestUri => Detail::Code,
                TokenKind::AccessToken | TokenKind::JwtId => Detail::AccessToken { serial: number },
                TokenKind::RefreshToken => {
                    Detail::RefreshToken { generation: number, lineage: Lineage::read(lineage)? }
                }
            },
        }))
    }

    /// Opens `text` as [`open`](Self::open) does, for callers that only look the token up.
    #[must_use]
    pub(crate) fn refer(&self, kind: TokenKind, text: &str) -> Option<Reference> {
        let mut sealed = SecretBytes::zero();
        let Body { grant_id, number, secret, .. } = self.body(kind, text, &mut sealed)?;
        Some(Reference { grant_id, kind, number, digest: digest(secret) })
    }

    /// Decodes and opens `text` in `sealed`, which is zeroed when the caller drops it.
    fn body<'a>(&self, kind: TokenKind, text: &str, sealed: &'a mut SecretBytes<MAX_SEALED>) -> Option<Body<'a>> {
        let spelled = text.strip_prefix(self.prefixes.of(kind));
        let spelled = spelled.filter(|spelled| spelled.len() == sealed_len(kind) / 3 * 4)?;
        let sealed = &mut sealed[..sealed_len(kind)];
        URL_SAFE_NO_PAD.decode_slice(spelled, sealed).ok()?;
        let ([key_id, iv @ ..], body) = sealed.split_first_chunk_mut::<HEAD>()?;
        if !self.ring.key(*key_id)?.open(kind, iv, body) {
            return None;
        }
        let (grant_id, rest) = body.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (secret, lineage) = rest.split_first_chunk()?;
        let (grant_id, number) = (GrantId::from_bytes(*grant_id), u32::from_be_bytes(*number));
        Some(Body { grant_id, number, secret, lineage })
    }

    /// Returns the kind that the prefix of `text` names. So `token_type_hint` (RFC 7009 section 2.1) is not needed. A
    /// `jti` and a `request_uri` are no tokens and are never named here.
    pub(crate) fn kind_of(&self, text: &str) -> Option<TokenKind> {
        let is_token = |kind: &TokenKind| !matches!(kind, TokenKind::JwtId | TokenKind::RequestUri);
        let is_prefixed = |kind: &TokenKind| is_token(kind) && text.starts_with(self.prefixes.of(*kind));
        TokenKind::ALL.into_iter().find(is_prefixed)
    }
}

/// The content of a token, in the buffer in which it was opened.
struct Body<'a> {
    grant_id: GrantId,
    number: u32,
    secret: &'a [u8; 32],
    /// Empty, except in a refresh token.
    lineage: &'a [u8],
}

/// Returns the digest of a secret that a record has.
fn digest(secret: &[u8; 32]) -> Digest {
    Digest::from_bytes(*Sha256::new().digest(secret))
}
