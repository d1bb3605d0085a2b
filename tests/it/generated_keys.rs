//! New keys of the ring.

use regrant::token::KeyRingError;
use regrant::{Entropy, Key, KeyRing, SystemEntropy};

struct Constant;

impl Entropy for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[test]
fn the_text_of_a_new_key_is_the_same_key_on_every_node() {
    let (key, text) = Key::generate(&SystemEntropy).unwrap();
    assert_eq!(text.expose().len(), 43);
    let derived = |key| KeyRing::new(key).derive("a test").next().unwrap();
    assert_eq!(derived(key), derived(Key::from_base64url(text.expose()).unwrap()));
}

#[test]
fn no_two_new_keys_are_the_same() {
    let text = || Key::generate(&SystemEntropy).unwrap().1.expose().to_owned();
    assert_ne!(text(), text());
}

#[test]
fn a_broken_source_of_randomness_makes_no_key() {
    assert_eq!(Key::generate(&Constant).err(), Some(KeyRingError::NotRandom));
}

#[test]
fn the_text_of_a_key_is_not_in_its_debug_output() {
    let (_, text) = Key::generate(&SystemEntropy).unwrap();
    assert_eq!(format!("{text:?}"), "KeyText([redacted])");
}

#[test]
fn a_derived_secret_depends_on_its_key_and_purpose_and_the_primary_key_is_first() {
    let [first, second] = [b"the first of two keys of a test.", b"the second of two keys of a test"].map(|secret| {
        let key = || Key::from_parts(secret[4], *secret).unwrap();
        let alone = |purpose| KeyRing::new(key()).derive(purpose).next().unwrap();
        assert_ne!(alone("cookies"), alone("nonces"));
        assert_ne!(alone("cookies"), *secret);
        (key(), alone("cookies"))
    });
    assert_ne!(first.1, second.1);
    let ring = KeyRing::new(second.0).add_former(first.0).unwrap();
    assert_eq!(ring.derive("cookies").collect::<Vec<_>>(), [second.1, first.1]);
}
