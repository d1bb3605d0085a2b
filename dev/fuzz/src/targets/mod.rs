use regrant::{Key, KeyRing};

pub(crate) mod am_import;
pub(crate) mod assertion;
pub(crate) mod authorization_details;
pub(crate) mod authorization_request;
pub(crate) mod basic;
pub(crate) mod certificate;
pub(crate) mod distinguished_name;
pub(crate) mod dpop;
pub(crate) mod endpoints;
pub(crate) mod form;
mod jose;
pub(crate) mod jwk_set;
pub(crate) mod jws;
pub(crate) mod record;
pub(crate) mod registration;
pub(crate) mod token;
pub(crate) mod vocabulary;

/// Marks texts of the input. No answer contains it.
const CANARY: &str = "c4n4ryQ7x";

/// The key ring of the servers.
fn ring() -> KeyRing {
    KeyRing::new(Key::from_parts(1, *b"a fuzz key of thirty-two bytes..").expect("a key"))
}
