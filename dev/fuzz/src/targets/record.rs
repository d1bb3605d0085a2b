//! Records of grants: 16 bytes of the grant id, then the record without its checksum, which the target adds. Without it
//! no change would get past the checksum. A record that is read is served as well: a database may contain anything.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use fixtures::{APP, AUDITOR, Config, Reply, Server, ready};
use regrant::clock::Timestamp;
use regrant::event::EventKind;
use regrant::grant::Grant;
use regrant::store::GrantRecord;
use regrant::{GrantId, Refusal};

use super::endpoints::serve_everything;
use crate::corpus::{golden_records, unhex};
use crate::product;

/// The tokens of the golden records, by grant id.
type Tokens = BTreeMap<[u8; 16], (Timestamp, Vec<String>)>;

/// The beginnings of the names of flows that have a number in a record.
const FLOWS: [&str; 7] = [
    "authorization_code",
    "implicit",
    "password",
    "client_credentials",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:",
    "urn:openid:params:grant-type:ciba",
];

pub(crate) fn run(input: &[u8]) {
    let Some((id, content)) = input.split_first_chunk::<16>() else { return };
    let id = GrantId::from_bytes(*id);
    // Without the right checksum nothing is read.
    if let Some((body, end)) = content.split_last_chunk() {
        assert!(*end == checksum(id, body) || Grant::decode(id, content).is_err());
    }
    let record = [content, &checksum(id, content)].concat();
    let Ok(grant) = product(record.len(), || Grant::decode(id, &record)) else { return };
    let again = product(record.len(), || grant.encode());
    // A flow with a number may be written by name: it was an extension once.
    let flow = || FLOWS.iter().any(|name| record.windows(name.len()).any(|part| part == name.as_bytes()));
    assert!(*again == *record || flow(), "only a record that was written is read");
    assert_eq!(Grant::decode(id, &again).as_ref(), Ok(&grant), "a record is not read as it was written");
    serve(id, record);
}

fn checksum(id: GrantId, content: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(id.as_bytes());
    hasher.update(content);
    hasher.finalize().to_be_bytes()
}

/// Presents the tokens of the record that the input started from.
fn serve(id: GrantId, payload: Vec<u8>) {
    let Some((now, tokens)) = tokens().get(id.as_bytes()) else { return };
    // The ring of the golden records.
    let mut secret = [1; 32];
    secret[0] = !1;
    let config = Config { keys: vec![(1, secret)], endpoints: serve_everything, ..Config::default() };
    config.clock.set(*now);
    let server = config.start();
    let subject = Some(fixtures::subject("demo"));
    let client_id = fixtures::client(APP).id;
    server.store().overwrite(id, GrantRecord { payload: payload.into(), client_id, subject, expires_at: None });
    for token in tokens {
        let length = token.len();
        present(&server, length, |server| ready(server.introspect(AUDITOR, token)));
        match token.get(..3) {
            Some("rt_") => {
                present(&server, length, |server| ready(server.refresh(APP, token)));
                present(&server, length, |server| ready(server.refresh(APP, token)));
            }
            Some("ac_") => present(&server, length, |server| ready(server.redeem(APP, token))),
            _ => {}
        }
    }
    present(&server, tokens[0].len(), |server| ready(server.revoke(APP, &tokens[0])));
}

/// A request about the record. A time in the record may lie ahead of the clock, and a salt may lead to another
/// successor: such a record is answered with a reported failure, and never changes.
fn present(server: &Server, length: usize, request: impl FnOnce(&Server) -> Reply) {
    let writes = server.store().writes();
    let reply = product(length, || request(server));
    let events = server.config.events.kinds();
    let is_failure = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Unavailable
                | EventKind::Rejected
                | EventKind::RecordCorrupt
                | EventKind::Contended
                | EventKind::Refused(Refusal::ClockBehind | Refusal::SuccessorMismatch)
        )
    };
    if reply.status() >= 500 {
        assert!(events.iter().any(is_failure), "{reply:?} without a cause: {events:?}");
        assert_eq!(server.store().writes(), writes, "{reply:?} wrote");
    }
    let is_reuse = |kind: &EventKind| matches!(kind, EventKind::ReuseDetected { .. } | EventKind::GrantRevoked(_));
    if reply.status() >= 400 && !events.iter().any(is_reuse) {
        assert_eq!(server.store().writes(), writes, "{reply:?} wrote: {events:?}");
    }
}

fn tokens() -> &'static Tokens {
    static TOKENS: OnceLock<Tokens> = OnceLock::new();
    TOKENS.get_or_init(|| {
        let read = |golden: BTreeMap<String, String>| {
            let id = unhex(&golden["id"]).try_into().expect("16 bytes");
            let now = Timestamp::from_millis(golden["now"].parse().expect("a time"));
            let is_token = |name: &str| !["id", "now", "record", "user_code"].contains(&name);
            let tokens = golden.into_iter().filter(|(name, _)| is_token(name)).map(|(_, token)| token).collect();
            (id, (now, tokens))
        };
        golden_records().into_iter().map(read).collect()
    })
}
