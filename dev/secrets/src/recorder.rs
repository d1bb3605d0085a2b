//! The secrets of a run.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::Secrets;
use fixtures::forge::{self, Forger};
use regrant::{Entropy, SystemEntropy};
use regrant_conformance::http::{HttpRequest, HttpResponse};

/// The parameters and members whose values are secret.
const SECRET: [&str; 14] = [
    "client_secret",
    "client_assertion",
    "password",
    "code",
    "code_verifier",
    "device_code",
    "user_code",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "subject_token",
    "actor_token",
    "assertion",
];

/// True for values of these parameters that are no secrets, each for the reason in its line.
fn is_allowed(value: &str) -> bool {
    // One letter many times, a malformed verifier of the kit, is also the thumbprint of a stub's key.
    let is_one_letter = value.bytes().all(|byte| value.as_bytes()[0] == byte);
    // A case sends the challenge as the verifier. Challenges are public, and a pushed request is kept as it was sent.
    let is_challenge = value == fixtures::CHALLENGE;
    // The password and the signature for which the kit's directory fails are a word of its error.
    is_one_letter || is_challenge || value.ends_with("unreachable")
}

/// Records what the client sends and receives.
#[derive(Default)]
pub struct Recorder {
    pub secrets: Secrets,
    forgers: Vec<Forger>,
}

impl Recorder {
    /// A recorder that knows the keys of the ring, and so the content of each token.
    pub fn new(keys: &[(u8, [u8; 32])]) -> Self {
        let mut recorder = Self::default();
        for (id, key) in keys {
            recorder.secrets.add("ring key", key);
            recorder.forgers.push(Forger::new(*id, key));
        }
        recorder
    }

    pub fn exchanged(&mut self, request: &HttpRequest, response: &HttpResponse) {
        self.sent(request);
        let members: Option<serde_json::Map<_, _>> = serde_json::from_slice(&response.body).ok();
        for (name, value) in members.into_iter().flatten() {
            if let Some(value) = value.as_str() {
                self.value(&name, value);
            }
        }
    }

    pub fn sent(&mut self, request: &HttpRequest) {
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value);
            if name.eq_ignore_ascii_case("authorization") {
                let pair = value.split_once(' ').and_then(|(_, pair)| STANDARD.decode(pair.trim()).ok());
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
                if let Some((_, secret)) = pair.split_once(':') {
                    self.value("client_secret", &decoded(secret));
                }
            } else if name.eq_ignore_ascii_case("dpop") && value.split('.').count() == 3 {
                self.secrets.add_jwt("proof", &value);
            }
        }
        let query = request.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        for pair in String::from_utf8_lossy(&request.body).split('&').chain(query.split('&')) {
            if let Some((name, value)) = pair.split_once('=') {
                self.value(&decoded(name), &decoded(value));
            }
        }
    }

    /// Adds a value if its name stands for a secret, and the content of a token.
    pub fn value(&mut self, name: &str, value: &str) {
        if !SECRET.contains(&name) || is_allowed(value) {
            return;
        }
        match value.split('.').count() {
            3 => self.secrets.add_jwt(name, value),
            _ => self.secrets.add(name, value),
        }
        if name == "user_code" {
            self.secrets.add(name, value.replace('-', ""));
        }
        for kind in [forge::CODE, forge::REFRESH, forge::ACCESS, forge::DEVICE] {
            for content in self.forgers.iter().filter_map(|forger| forger.try_open(kind, value)) {
                self.secrets.add(format!("secret of the {name}"), content.secret);
                self.secrets.extend(content.lineage.into_iter().fold(Secrets::default(), |mut roots, (root, _)| {
                    roots.add("root", root);
                    roots
                }));
            }
        }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        let escape = behind.first_chunk().and_then(|digits: &[u8; 2]| std::str::from_utf8(digits).ok());
        match (first, escape.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Draws as the system does, and remembers all bytes.
#[derive(Clone, Default)]
pub struct Remembering(Arc<Mutex<Vec<Vec<u8>>>>);

impl Remembering {
    /// Returns everything of this length that was drawn since the last call: 32 bytes are the secret of a token or of
    /// a key.
    pub fn take(&self, length: usize) -> Vec<Vec<u8>> {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.extract_if(.., |bytes| bytes.len() == length).collect()
    }
}

impl Entropy for Remembering {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.to_vec());
    }
}
