//! Keys of strangers: key sets in JSON, public and private keys in PEM and JSON.

use fixtures::ready;
use regrant_jose::{Jwk, JwkSet, PrivateKey, Signer as _};

use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, rest)) = input.split_first() else { return };
    let text = || String::from_utf8_lossy(rest);
    match mode % 4 {
        0 => {
            let Ok(keys) = product(rest.len(), || JwkSet::from_json(rest)) else { return };
            keys.iter().for_each(same_when_written);
            assert!(keys.certificates().len() <= rest.len() && keys.skipped() <= rest.len());
        }
        1 => {
            if let Ok(key) = product(rest.len(), || Jwk::from_pem(&text())) {
                same_when_written(&key);
            }
        }
        2 => usable(product(rest.len(), || PrivateKey::from_pem(&text()).ok())),
        _ => {
            let Ok(value) = serde_json::from_slice(rest) else { return };
            usable(product(rest.len(), || PrivateKey::from_value(&value).ok()));
        }
    }
}

/// A key is written to the same key, and without private members.
fn same_when_written(key: &Jwk) {
    if key.algorithm().is_symmetric() {
        return;
    }
    let value = key.to_value();
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(value.get(private).is_none(), "{private} is published");
    }
    let again = Jwk::from_value(&value).expect("a written key");
    assert_eq!((again.thumbprint(), again.kid(), again.algorithm()), (key.thumbprint(), key.kid(), key.algorithm()));
}

/// A private key that is read signs.
fn usable(key: Option<PrivateKey>) {
    let Some(key) = key else { return };
    same_when_written(&key.public_key());
    assert!(ready(key.sign(b"message")).is_ok());
}
