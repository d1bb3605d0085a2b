//! Attacks with stolen tokens, over real connections and with both libraries: with a key of the ring, with an own DPoP
//! key, and with timed refreshes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::SystemEntropy;
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant_jose::dpop::DpopKey;
use regrant_jose::{Algorithm, PrivateKey};

use crate::both_libraries::behind_both;
use crate::helper::{Answer, Server, encoded};
use fixtures::forge::{ACCESS, Forger};

/// The key of the ring, which the thief knows.
const KEY: &[u8; 32] = b"a test key of thirty-two bytes..";

fn config() -> String {
    let key = URL_SAFE_NO_PAD.encode(KEY);
    format!(
        r#"
keys = ["{key}"]

[[clients]]
client_id = "spa"
redirect_uris = ["https://www.example.com:443/callback"]
grant_types = ["password", "refresh_token"]
scope = "read write"

[[users]]
username = "demo"
password = "changeit"
"#
    )
}

const SPA: [(&str, &str); 1] = [("client_id", "spa")];

fn sign_in(server: &Server) -> Answer {
    server.token(&SPA, &[("grant_type", "password"), ("username", "demo"), ("password", "changeit")])
}

fn refresh(server: &Server, token: &str) -> Answer {
    server.token(&SPA, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn refused() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[test]
fn a_ring_key_and_an_access_token_create_no_session_and_end_none() {
    behind_both(&config(), |server| {
        let first = sign_in(server);
        let second = refresh(server, &first.text("refresh_token"));
        let access_token = second.text("access_token");
        let id = URL_SAFE_NO_PAD.decode(&access_token[3..]).unwrap()[0];
        let thief = Forger::new(id, KEY);
        let grant_id = thief.open(ACCESS, &access_token).grant_id;
        for number in [0, 1, 2, 9] {
            let forged = thief.refresh_token(grant_id, number);
            assert_eq!(refresh(server, &forged).refusal(), refused(), "generation {number}");
            assert_eq!(server.form("/oauth2/token/revoke", &[SPA[0], ("token", &forged)]).status, 200);
        }
        assert_eq!(refresh(server, &second.text("refresh_token")).status, 200, "the owner goes on");
    });
}

#[test]
fn an_own_dpop_key_does_not_prevent_the_detection_of_reuse() {
    let thief = DpopKey::new(PrivateKey::generate(Algorithm::Es256, &SystemEntropy).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    behind_both(&config(), |server| {
        let url = format!("{}/oauth2/access_token", server.url);
        let stolen = sign_in(server).text("refresh_token");
        let now: Timestamp = server.form("/dev/clock", &[("advance", "0s")]).text("now").parse().unwrap();
        let clock = ManualClock::starting_at(now);
        let refresh_with_key = |token: &str| {
            let proof = runtime.block_on(thief.proof("POST", &url).sign(clock.now(), &SystemEntropy)).unwrap();
            let form = [SPA[0], ("grant_type", "refresh_token"), ("refresh_token", token)];
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", &*proof)];
            server.post("/oauth2/access_token", &headers, &encoded(&form))
        };
        let theirs = refresh_with_key(&stolen);
        assert_eq!((theirs.status, &*theirs.text("token_type")), (200, "DPoP"));
        server.advance("1h");
        clock.advance(Duration::from_secs(3600));
        assert_eq!(refresh(server, &stolen).refusal(), refused(), "the owner");
        assert_eq!(refresh_with_key(&theirs.text("refresh_token")).refusal(), refused(), "the thief is locked out");
        assert!(server.log().contains("reuse_detected"), "{}", server.log());
    });
}

#[test]
fn timed_refreshes_do_not_hide_reuse() {
    behind_both(&config(), |server| {
        let stolen = sign_in(server).text("refresh_token");
        let mut theirs = stolen.clone();
        for _ in 0..20 {
            theirs = refresh(server, &theirs).text("refresh_token");
            server.advance("7s");
        }
        assert_eq!(refresh(server, &stolen).refusal(), refused(), "the owner, after 140 s");
        assert_eq!(refresh(server, &theirs).refusal(), refused(), "the thief is locked out");
    });
}
