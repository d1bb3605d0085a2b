//! A thief who has a key of the ring: opens and seals tokens as the library does, written from the format that
//! `src/token/mod.rs` documents.

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes128GcmSiv, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// The kinds of token, by the byte that stands for them in the associated data.
pub(crate) const CODE: u8 = 1;
pub(crate) const REFRESH: u8 = 2;
pub(crate) const ACCESS: u8 = 3;
pub(crate) const DEVICE: u8 = 4;
pub(crate) const JWT_ID: u8 = 5;

/// The content of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) grant_id: [u8; 16],
    pub(crate) number: u32,
    pub(crate) secret: [u8; 32],
    /// Root and binding of a refresh token.
    pub(crate) lineage: Option<([u8; 16], [u8; 11])>,
}

pub(crate) struct Forger {
    id: u8,
    seal: Aes128GcmSiv,
    derive: [u8; 32],
}

impl Forger {
    /// The thief who has this key of the ring.
    pub(crate) fn new(id: u8, secret: &[u8; 32]) -> Self {
        // HKDF-Expand for one block.
        let seal = Aes128GcmSiv::new_from_slice(&mac(secret, &[b"regrant v1 seal", &[1]])[..16]).unwrap();
        Self { id, seal, derive: mac(secret, &[b"regrant v1 derive", &[1]]) }
    }

    /// Returns the content of `token`.
    pub(crate) fn open(&self, kind: u8, token: &str) -> Content {
        let mut sealed = URL_SAFE_NO_PAD.decode(&token[3..]).unwrap();
        assert_eq!(sealed[0], self.id);
        let nonce = Nonce::try_from(&sealed[1..13]).unwrap();
        let end = sealed.len() - 16;
        let tag = Tag::try_from(&sealed[end..]).unwrap();
        let body = &mut sealed[13..end];
        self.seal.decrypt_inout_detached(&nonce, &[1, kind], body.into(), &tag).unwrap();
        let body = &sealed[13..end];
        Content {
            grant_id: body[..16].try_into().unwrap(),
            number: u32::from_be_bytes(body[16..20].try_into().unwrap()),
            secret: body[20..52].try_into().unwrap(),
            lineage: (kind == REFRESH).then(|| (body[52..68].try_into().unwrap(), body[68..].try_into().unwrap())),
        }
    }

    /// A token that says so.
    pub(crate) fn seal(&self, kind: u8, content: &Content) -> String {
        let mut body = [&content.grant_id[..], &content.number.to_be_bytes(), &content.secret].concat();
        if let Some((root, binding)) = &content.lineage {
            body.extend_from_slice(root);
            body.extend_from_slice(binding);
        }
        let hash = Sha256::new().chain_update(b"regrant v1 nonce").chain_update(content.secret).finalize();
        let nonce = Nonce::try_from(&hash[..12]).unwrap();
        let tag = self.seal.encrypt_inout_detached(&nonce, &[1, kind], body.as_mut_slice().into()).unwrap();
        let sealed = [&[self.id][..], &nonce, &body, &tag].concat();
        let prefix = match kind {
            CODE => "ac_",
            REFRESH => "rt_",
            ACCESS => "at_",
            _ => "dc_",
        };
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The secret of the refresh token of `generation`, from that of its predecessor and the salt in the record.
    pub(crate) fn successor(&self, parent: &[u8], salt: &[u8], generation: u32) -> [u8; 32] {
        mac(&self.derive, &[parent, salt, &[REFRESH], &generation.to_be_bytes()])
    }

    /// A refresh token of the grant that the thief knows by its id alone.
    pub(crate) fn refresh_token(&self, grant_id: [u8; 16], number: u32) -> String {
        let lineage = Some(([0x77; 16], [0; 11]));
        self.seal(REFRESH, &Content { grant_id, number, secret: [0x66; 32], lineage })
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
