//! `demo-server keygen`: prints new keys as the configuration has them.

use std::error::Error;

use regrant::{Key, SystemEntropy};
use regrant_jose::{Algorithm, PrivateKey};

/// Returns the configuration of a new key of the ring and a new signing key. The only output of this program with
/// secrets in it.
pub(crate) fn keys(algorithm: &str) -> Result<String, Box<dyn Error>> {
    let known = Algorithm::from_name(algorithm).ok_or("--alg: RS256, PS256, ES256, EdDSA and Ed25519 are known")?;
    let (_, ring_key) = Key::generate(&SystemEntropy)?;
    let pem = PrivateKey::generate_pem(known, &SystemEntropy).map_err(|error| format!("--alg: {error}"))?;
    let pem = format!("\"\"\"\n{}\"\"\"", pem.expose());
    let signing_key = match known {
        // The algorithms that the type of the key does not imply.
        Algorithm::Ps256 | Algorithm::Ed25519 => format!("{{ pem = {pem}, alg = \"{algorithm}\" }}"),
        _ => pem,
    };
    Ok(format!(
        "# Secret. The same on every node, and after a restart.\n\
         # Above the first table of the file:\n\
         keys = [\"{}\"]\n\
         \n\
         [jwt]\n\
         keys = [{signing_key}]\n",
        ring_key.expose()
    ))
}
