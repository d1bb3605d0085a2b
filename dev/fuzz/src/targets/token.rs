//! Token texts at every endpoint that reads one. Three sources: any text, content that a thief with the ring key seals,
//! and a token of the server with changes.

use fixtures::forge::{ACCESS, CODE, Content, DEVICE, Forger, JWT_ID, REFRESH};
use fixtures::{APP, AUDITOR, Config, Reply, Seeded, Server, ready};
use regrant::GrantType;
use regrant::wire::Endpoint;
use std::sync::Arc;

use super::endpoints::serve_everything;
use crate::{Input, product};

const KEY: [u8; 32] = *b"a test key of thirty-two bytes..";

struct Fixture {
    server: Server,
    forger: Forger,
    /// A code, a refresh token, an access token and a device code.
    own: [String; 4],
    grant_id: [u8; 16],
}

thread_local! {
    static FIXTURE: Fixture = Fixture::new();
}

impl Fixture {
    fn new() -> Self {
        let config = Config { entropy: Arc::new(Seeded::new(7)), endpoints: serve_everything, ..Config::default() }
            .with_client(APP, |mut client| {
                client.grant_types.extend([GrantType::DeviceCode, GrantType::TokenExchange]);
                client
            });
        let server = config.start();
        let tokens = ready(server.sign_in(APP));
        let device = ready(server.device(APP));
        let forger = Forger::new(1, &KEY);
        let grant_id = forger.open(REFRESH, &tokens.refresh).grant_id;
        let own = [ready(server.code(APP)), tokens.refresh, tokens.access, device.code];
        Self { server, forger, own, grant_id }
    }

    fn present(&self, choice: usize, text: &str) -> Reply {
        const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
        const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
        const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
        let server = &self.server;
        match choice {
            0 => ready(server.introspect(AUDITOR, text)),
            1 => ready(server.revoke(APP, text)),
            2 => ready(server.refresh(APP, text)),
            3 => ready(server.redeem(APP, text)),
            4 => ready(server.token(APP, &[("grant_type", DEVICE_CODE), ("device_code", text)])),
            _ => {
                let types = [("subject_token_type", ACCESS_TOKEN), ("actor_token_type", ACCESS_TOKEN)];
                let token = [("grant_type", EXCHANGE), ("subject_token", text), ("actor_token", text)];
                ready(server.post(Endpoint::Token, APP, &[&token[..], &types].concat()))
            }
        }
    }
}

pub(crate) fn run(input: &[u8]) {
    FIXTURE.with(|fixture| {
        let mut input = Input::new(input);
        let choice = input.below(6);
        let (text, is_sealed) = match input.below(3) {
            0 => (String::from_utf8_lossy(input.rest()).into_owned(), false),
            1 => (forged(fixture, &mut input), true),
            _ => (changed(fixture, &mut input), false),
        };
        if text.is_empty() || fixture.own.contains(&text) {
            return;
        }
        let store = fixture.server.store();
        let (calls, writes) = (store.calls(), store.writes());
        let reply = product(text.len(), || fixture.present(choice, &text));
        fixture.server.config.events.take();
        match choice {
            // No form has a NUL.
            _ if text.contains('\0') => assert_eq!(reply.outcome(), (400, "invalid_request")),
            0 => assert_eq!(reply.json, serde_json::json!({ "active": false })),
            1 => assert_eq!(reply.status(), 200),
            _ => assert_eq!(reply.status(), 400, "{reply:?}"),
        }
        assert_eq!(store.writes(), writes, "garbage was written");
        // A thief of the ring key can make the server look for a grant.
        assert!(store.calls() - calls <= usize::from(is_sealed) * 2, "{} calls", store.calls() - calls);
    });
}

/// A token of the thief: any content, sealed with the key of the ring.
fn forged(fixture: &Fixture, input: &mut Input<'_>) -> String {
    let kind = input.pick(&[REFRESH, ACCESS, CODE, DEVICE, JWT_ID]);
    let has_lineage = (kind == REFRESH) != (input.below(8) == 7);
    let grant_id = if input.below(2) == 0 { fixture.grant_id } else { input.array() };
    let number = u32::from_be_bytes(input.array());
    let lineage = has_lineage.then(|| (input.array(), input.array()));
    fixture.forger.seal(kind, &Content { grant_id, number, secret: input.array(), lineage })
}

/// A token of the server, with up to three changes. One that stays as it was is sorted out by the caller.
fn changed(fixture: &Fixture, input: &mut Input<'_>) -> String {
    let mut text = input.pick(&[0, 1, 2, 3].map(|index| fixture.own[index].as_bytes())).to_vec();
    for _ in 0..=input.below(3) {
        let at = input.below(text.len().max(1)).min(text.len());
        match input.below(6) {
            0 => text.truncate(at),
            1 => text.insert(at, input.byte()),
            2 => text.splice(at.., input.bytes().iter().copied()).for_each(drop),
            3 => text.rotate_left(at),
            4 => text.splice(..3.min(text.len()), *input.pick(&[b"rt_", b"at_", b"ac_", b"dc_"])).for_each(drop),
            _ => text.get_mut(at).into_iter().for_each(|byte| *byte = input.byte()),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
