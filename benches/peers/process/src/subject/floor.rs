//! The least work that any such library has to do, as in `benches/service.rs`, here over all grants.

use std::collections::HashMap;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::{Entropy as _, SystemEntropy};
use sha2::{Digest as _, Sha256};

use super::Subject;
use crate::Work;
use crate::session::Sessions;

/// A refresh decodes the token, hashes it, looks it up, draws 64 random bytes, encodes and hashes two new tokens, and
/// updates the record. An introspection decodes, hashes and looks up.
pub(crate) struct Floor {
    records: HashMap<[u8; 32], [u8; 32]>,
    sessions: Sessions,
}

impl Floor {
    pub(crate) fn new(grants: usize) -> Self {
        let (mut records, mut sessions) = (HashMap::new(), Sessions::default());
        for _ in 0..grants {
            let mut secret = [0; 32];
            SystemEntropy.fill(&mut secret);
            records.insert(Sha256::digest(secret).into(), secret);
            let token = URL_SAFE_NO_PAD.encode(secret);
            sessions.push(&token, &token);
        }
        Self { records, sessions }
    }
}

impl Subject for Floor {
    fn name(&self, work: Work) -> Option<&'static str> {
        match work {
            Work::Refresh | Work::Introspect => Some("floor"),
            // The yardstick of both, in the turns of the introspections.
            Work::IntrospectBare => Some("floor-of-refresh"),
            _ => None,
        }
    }

    fn prepare(&mut self, _: Work, places: &[usize], _: usize) {
        self.sessions.load(places);
    }

    fn call(&mut self, work: Work, slot: usize) {
        let session = &mut self.sessions.slots[slot];
        let presented = URL_SAFE_NO_PAD.decode(&session.refresh).expect("our own token");
        let key: [u8; 32] = Sha256::digest(presented).into();
        if work == Work::Introspect {
            black_box(self.records[&key]);
            return;
        }
        let mut random = [0; 64];
        SystemEntropy.fill(&mut random);
        let (refresh, access) = random.split_at(32);
        black_box((URL_SAFE_NO_PAD.encode(refresh), URL_SAFE_NO_PAD.encode(access)));
        black_box(Sha256::digest(refresh));
        let record = self.records.get_mut(&key).expect("the token is known");
        *record = Sha256::digest(access).into();
        black_box(record);
    }

    fn finish(&mut self, _: Work, _: &[usize]) {}

    fn client_bytes(&self) -> usize {
        self.sessions.bytes()
    }
}
