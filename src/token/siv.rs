//! AES-SIV (RFC 5297) with two keys of 128 bits and one string of associated data: `AEAD_AES_SIV_CMAC_256` without a
//! nonce.
//!
//! Deterministic: equal text under equal keys and associated data gives equal bytes. An observer learns nothing else,
//! until two key streams overlap by chance: with a probability below 2^-27 after 2^48 texts of five blocks.
//!
//! Written here, because the crate `aes-siv` expands the keys and hashes the associated data again for each text. A
//! token has five blocks at most, so most of the time would go into that.

use aes::Aes128Enc;
use aes::cipher::array::Array;
use aes::cipher::consts::{U16, U32};
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::vocabulary::SecretBytes;

pub(super) type Block = [u8; 16];

/// The bits of the synthetic IV that are cleared for the first counter, so that counting changes the last 32 bits only
/// (section 2.5).
const CLEARED: u128 = 0x8000_0000_8000_0000;

/// The blocks of the key stream that are encrypted in one call: enough for the longest token.
const STREAM: usize = 5;

/// The keys of AES-SIV. Zeroed when dropped.
pub(super) struct Siv {
    mac: Cmac,
    stream: Aes128Enc,
}

/// The part of S2V that comes before the text: the block of zeros and the associated data (section 2.4). It belongs to
/// the key that prepared it.
pub(super) struct Prepared(SecretBytes<16>);

impl Siv {
    /// Takes the key of S2V and the key of the counter mode, in this order (section 2.6).
    pub(super) fn new(keys: &[u8; 32]) -> Self {
        let (mac, stream) = <&Array<u8, U32>>::from(keys).split_ref::<U16>();
        Self { mac: Cmac::new(Aes128Enc::new(mac)), stream: Aes128Enc::new(stream) }
    }

    /// Computes once what all texts with this associated data need.
    pub(super) fn prepare(&self, associated_data: &[u8]) -> Prepared {
        let mut state = doubled(&self.mac.of(&[0; 16]));
        xor_block(&mut state, &self.mac.of(associated_data));
        Prepared(SecretBytes::new(state))
    }

    /// Encrypts in place, and returns the synthetic IV (section 2.6).
    pub(super) fn seal(&self, prepared: &Prepared, text: &mut [u8]) -> Block {
        let iv = self.encrypt(prepared, text);
        clear_stack();
        iv
    }

    #[inline(never)]
    fn encrypt(&self, prepared: &Prepared, text: &mut [u8]) -> Block {
        let iv = self.s2v(prepared, text);
        self.apply_stream(&iv, text);
        iv
    }

    /// Decrypts in place. Returns false unless this key sealed exactly this text with this associated data
    /// (section 2.7). The text has no meaning then.
    pub(super) fn open(&self, prepared: &Prepared, iv: &Block, text: &mut [u8]) -> bool {
        let is_genuine = self.decrypt(prepared, iv, text);
        clear_stack();
        is_genuine
    }

    #[inline(never)]
    fn decrypt(&self, prepared: &Prepared, iv: &Block, text: &mut [u8]) -> bool {
        self.apply_stream(iv, text);
        // All 128 bits, in constant time. The first counter lacks two of them.
        u128::from_be_bytes(self.s2v(prepared, text)).ct_eq(&u128::from_be_bytes(*iv)).into()
    }

    /// The end of S2V: the CMAC of the text, whose last block has the prepared part added to it (section 2.4). The text
    /// is as before afterwards.
    fn s2v(&self, Prepared(prepared): &Prepared, text: &mut [u8]) -> Block {
        if let Some(end) = text.last_chunk_mut() {
            xor_block(end, prepared);
            let iv = self.mac.of(text);
            if let Some(end) = text.last_chunk_mut() {
                xor_block(end, prepared);
            }
            return iv;
        }
        let mut padded = doubled(prepared);
        xor(&mut padded, text);
        padded[text.len()] ^= 0x80;
        self.mac.of(&padded)
    }

    /// The counter mode (section 2.5). The blocks of a token are encrypted in one call, in which the processor works on
    /// all of them at once. One call for each block takes five times as long.
    fn apply_stream(&self, iv: &Block, text: &mut [u8]) {
        let mut counter = u128::from_be_bytes(*iv) & !CLEARED;
        let mut stream = [aes::Block::default(); STREAM];
        for part in text.chunks_mut(size_of_val(&stream)) {
            let blocks = &mut stream[..part.len().div_ceil(16)];
            for block in &mut *blocks {
                *block = counter.to_be_bytes().into();
                counter = counter.wrapping_add(1);
            }
            self.stream.encrypt_blocks(blocks);
            xor(part, Array::slice_as_flattened(blocks));
        }
        // With the sealed text it would give the content.
        Array::slice_as_flattened_mut(&mut stream).zeroize();
    }
}

/// AES-CMAC (RFC 4493, NIST SP 800-38B).
struct Cmac {
    cipher: Aes128Enc,
    /// Added to a last block that is complete.
    complete: SecretBytes<16>,
    /// Added to a last block that is padded.
    padded: SecretBytes<16>,
}

impl Cmac {
    fn new(cipher: Aes128Enc) -> Self {
        let mut zeros = SecretBytes::zero();
        cipher.encrypt_block((&mut *zeros).into());
        let complete = SecretBytes::new(doubled(&zeros));
        let padded = SecretBytes::new(doubled(&complete));
        Self { cipher, complete, padded }
    }

    fn of(&self, message: &[u8]) -> Block {
        let (blocks, last) = message.split_at(message.len().saturating_sub(1) / 16 * 16);
        let mut state = [0; 16];
        for block in blocks.as_chunks().0 {
            xor_block(&mut state, block);
            self.cipher.encrypt_block((&mut state).into());
        }
        if let Ok(last) = last.try_into() {
            xor_block(&mut state, last);
            xor_block(&mut state, &self.complete);
        } else {
            xor(&mut state, last);
            state[last.len()] ^= 0x80;
            xor_block(&mut state, &self.padded);
        }
        self.cipher.encrypt_block((&mut state).into());
        state
    }
}

/// Doubles in GF(2^128), in constant time (RFC 5297 section 2.3).
fn doubled(block: &Block) -> Block {
    let bits = u128::from_be_bytes(*block);
    ((bits << 1) ^ ((bits >> 127) * 0x87)).to_be_bytes()
}

/// Adds a whole block: one instruction, where [`xor`] is a loop.
fn xor_block(to: &mut Block, from: &Block) {
    *to = (u128::from_ne_bytes(*to) ^ u128::from_ne_bytes(*from)).to_ne_bytes();
}

/// Adds as many bytes as both have.
fn xor(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

/// Overwrites the part of the stack that the cipher has just used. Its keys stay there otherwise, and get into the heap
/// with the unused bytes of the next value that moves there, such as a boxed future.
#[inline(never)]
pub(super) fn clear_stack() {
    // The frames of an unoptimised build are large.
    const SIZE: usize = if cfg!(debug_assertions) { 8192 } else { 2048 };
    let mut frame = [0_u8; SIZE];
    std::hint::black_box(&mut frame);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// Asserts that `text` is sealed to `sealed`, the synthetic IV first, and opened again.
    fn assert_sealed(siv: &Siv, prepared: &Prepared, text: &str, sealed: &str) {
        let mut buffer = bytes(text);
        let iv = siv.seal(prepared, &mut buffer);
        assert_eq!([&iv[..], &buffer].concat(), bytes(sealed));
        assert!(siv.open(prepared, &iv, &mut buffer));
        assert_eq!(buffer, bytes(text));
    }

    #[test]
    fn the_deterministic_example_of_rfc_5297_is_sealed_and_opened() {
        // Appendix A.1.
        let keys = bytes("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let siv = Siv::new(&keys.try_into().unwrap());
        let prepared = siv.prepare(&bytes("101112131415161718191a1b1c1d1e1f2021222324252627"));
        let sealed = "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c";
        assert_sealed(&siv, &prepared, "112233445566778899aabbccddee", sealed);
    }

    #[test]
    fn the_example_of_rfc_5297_with_a_long_text_is_sealed_and_opened() {
        // Appendix A.2: three strings before the text instead of one.
        let keys = bytes("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f");
        let siv = Siv::new(&keys.try_into().unwrap());
        let mut state = siv.mac.of(&[0; 16]);
        for string in [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ] {
            state = doubled(&state);
            xor(&mut state, &siv.mac.of(&bytes(string)));
        }
        let text = "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553";
        let sealed = "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad54\
                      4a272e9c485b62a3fd5c0d";
        assert_sealed(&siv, &Prepared(SecretBytes::new(state)), text, sealed);
    }

    #[test]
    fn the_examples_of_aes_cmac_have_their_codes() {
        // RFC 4493 section 4, which are those of NIST SP 800-38B for AES-128.
        let key: [u8; 16] = bytes("2b7e151628aed2a6abf7158809cf4f3c").try_into().unwrap();
        let cmac = Cmac::new(Aes128Enc::new(&key.into()));
        assert_eq!(cmac.complete[..], bytes("fbeed618357133667c85e08f7236a8de"));
        assert_eq!(cmac.padded[..], bytes("f7ddac306ae266ccf90bc11ee46d513b"));
        let message = bytes(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b\
             17ad2b417be66c3710",
        );
        for (length, code) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
            (64, "51f0bebf7e3b9d92fc49741779363cfe"),
        ] {
            assert_eq!(cmac.of(&message[..length])[..], bytes(code), "{length} bytes");
        }
    }

    #[test]
    fn texts_of_every_length_are_sealed_as_the_crate_aes_siv_seals_them() {
        let mut keys = [0; 32];
        for round in 0..=200_u8 {
            keys[usize::from(round % 32)] ^= round.wrapping_mul(37) ^ 0x5a;
            let associated_data: Vec<u8> = (0..round % 70).map(|byte| byte ^ round).collect();
            let text: Vec<u8> = (0..round).map(|byte| byte.wrapping_mul(round)).collect();
            let mut peer = aes_siv::siv::Aes128Siv::new(&keys.into());
            let expected = peer.encrypt([&associated_data], &text).unwrap();

            let siv = Siv::new(&keys);
            let mut sealed = text.clone();
            let iv = siv.seal(&siv.prepare(&associated_data), &mut sealed);
            assert_eq!([&iv[..], &sealed].concat(), expected, "{round} bytes");
            assert!(siv.open(&siv.prepare(&associated_data), &iv, &mut sealed));
            assert_eq!(sealed, text);
        }
    }

    #[test]
    fn nothing_opens_with_a_changed_bit_or_other_associated_data() {
        let siv = Siv::new(&[7; 32]);
        let prepared = siv.prepare(&[2, 0, 1]);
        let mut sealed = [3; 79];
        let iv = siv.seal(&prepared, &mut sealed);
        let opens =
            |siv: &Siv, prepared: &Prepared, iv: &Block, mut sealed: [u8; 79]| siv.open(prepared, iv, &mut sealed);
        assert!(opens(&siv, &prepared, &iv, sealed));
        // The bits that the first counter lacks are among them.
        for bit in 0..128 {
            let changed = u128::from_be_bytes(iv) ^ (1 << bit);
            assert!(!opens(&siv, &prepared, &changed.to_be_bytes(), sealed), "bit {bit} of the IV");
        }
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&siv, &prepared, &iv, changed), "bit {bit}");
        }
        for other in [&[2, 0, 2][..], &[2, 1, 1], &[2, 0], &[2, 0, 1, 0], &[]] {
            assert!(!opens(&siv, &siv.prepare(other), &iv, sealed), "{other:?}");
        }
        for half in [0, 16] {
            let mut keys = [7; 32];
            keys[half] = 8;
            let other = Siv::new(&keys);
            assert!(!opens(&other, &other.prepare(&[2, 0, 1]), &iv, sealed), "half {half} of the keys");
        }
    }
}
