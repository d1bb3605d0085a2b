//! Races, faults of the store and of others, and a stolen database.

use std::sync::Arc;

use regrant::grant::Grant;
use regrant::wire::Endpoint;
use regrant::{GrantId, Refusal};

use crate::rfc8628_device::{DEVICE_CODE, INVALID_GRANT, PENDING, SLOW_DOWN, config, refusal, start};
use fixtures::{APP, Config, Fault, GateState, Reply, SPA, StubVerifier, seconds};

#[tokio::test]
async fn a_closed_account_gets_nothing_and_an_unreachable_directory_costs_nothing() {
    let server = start();
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    server.config.gate.set(GateState::Broken);
    assert_eq!(server.poll(APP, &device).await.status(), 503);
    server.config.gate.set(GateState::Closed);
    assert_eq!(server.poll(APP, &device).await.outcome(), INVALID_GRANT);
    server.config.gate.set(GateState::Open);
    assert_eq!(server.poll(APP, &device).await.status(), 200);
}

// Sequential tests do not show this race (NocoDB: CVE-2026-47386).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_polls_at_the_moment_of_approval_one_gets_tokens() {
    for _ in 0..20 {
        let server = Arc::new(start());
        let device = server.device(APP).await;
        let mut polls = tokio::task::JoinSet::new();
        for index in 0..24 {
            let (server, device) = (Arc::clone(&server), device.clone());
            polls.spawn(async move {
                if index == 8 {
                    server.approve(&device).await.unwrap();
                }
                server.poll(APP, &device).await
            });
        }
        let mut replies = polls.join_all().await;
        replies.push(server.poll(APP, &device).await);
        let answered = replies.iter().filter(|reply| reply.status() == 200).count();
        assert_eq!(answered, 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status() != 200) {
            let expected = [PENDING, SLOW_DOWN, INVALID_GRANT];
            assert!(expected.contains(&(reply.status(), static_word(reply.text("error")))), "{reply:?}");
        }
    }
}

fn static_word(word: &str) -> &'static str {
    ["authorization_pending", "slow_down", "invalid_grant"].into_iter().find(|known| *known == word).unwrap_or("other")
}

// A fault at each call of each step, before and after its work.
#[tokio::test]
async fn a_fault_of_the_store_never_makes_two_grants_of_one_device_and_the_device_goes_on() {
    for fault in [Fault::Before, Fault::ThenDown] {
        for k in 0..4 {
            let server = start();
            let context = format!("{fault:?} at call {k}");

            server.store().fail(k, fault);
            server.post(Endpoint::DeviceAuthorization, APP, &[]).await;
            server.store().calm();
            let device = server.device(APP).await;

            server.store().fail(k, fault);
            let polled = server.poll(APP, &device).await;
            assert!(
                [PENDING, (503, "temporarily_unavailable")].contains(&(polled.status(), word(&polled))),
                "{context}"
            );
            server.store().calm();
            server.advance(seconds(10));

            server.store().fail(k, fault);
            let approved = server.approve(&device).await;
            server.store().calm();
            if let Err(error) = approved {
                assert_eq!(error.code().as_str(), "temporarily_unavailable", "{context}");
                // The user tries again; if the first attempt did reach the device, that one stands.
                let again = server.approve(&device).await;
                assert!(again.is_ok() || refusal(again) == Refusal::UserCodeUnknown, "{context}");
            }

            server.store().fail(k, fault);
            let first = server.poll(APP, &device).await;
            server.store().calm();
            assert!([200, 503].contains(&first.status()), "{context}: {first:?}");
            let second = server.poll(APP, &device).await;
            let answered = [&first, &second].into_iter().filter(|reply| reply.status() == 200).count();
            // Applied, not acknowledged, and not readable: like a code, a device code is not answered twice.
            let is_lost = first.status() == 503 && fault == Fault::ThenDown && second.outcome() == INVALID_GRANT;
            assert!(answered == 1 || is_lost, "{context}: {first:?} {second:?}");
            let redeemed =
                server.store().snapshot().1.iter().filter(|(key, record)| is_active(key.id, &record.payload)).count();
            assert_eq!(redeemed, 1, "{context}");
        }
    }
}

fn word(reply: &Reply) -> &'static str {
    ["authorization_pending", "temporarily_unavailable"]
        .into_iter()
        .find(|known| *known == reply.text("error"))
        .unwrap_or("other")
}

/// Returns true when tokens were issued.
fn is_active(id: GrantId, payload: &[u8]) -> bool {
    format!("{:?}", Grant::decode(id, payload).unwrap()).contains("phase: Active")
}

// Neither code is in the database, nor any bytes from which one could be made.
#[tokio::test]
async fn the_records_hold_neither_code() {
    let server = start();
    let device = server.device(APP).await;
    server.poll(APP, &device).await;
    server.approve(&device).await.unwrap();
    let typed = device.user_code.expose().replace('-', "");
    for (key, record) in server.store().written() {
        for secret in [typed.as_bytes(), &device.code.as_bytes()[3..]] {
            for place in [key.id.as_bytes().as_slice(), &record.payload] {
                assert!(!place.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
            }
        }
    }
}

// RFC 9449 section 5: the device is a public client as well.
#[tokio::test]
async fn a_proof_is_spent_with_the_answer_and_not_with_a_poll_that_waits() {
    let verifier = StubVerifier::default();
    let server = Config { proof_verifier: Some(verifier.clone()), ..config() }.start();
    let device = server.device(SPA).await;
    let poll = [("grant_type", DEVICE_CODE), ("device_code", device.code.as_str())];
    let proof = StubVerifier::proof("A");
    assert_eq!(server.token_with(SPA, &proof, &poll).await.outcome(), PENDING);
    server.approve(&device).await.unwrap();
    verifier.require(Some("n1"));
    let reply = server.token_with(SPA, &StubVerifier::proof("A"), &poll).await;
    assert_eq!((reply.outcome(), reply.header("dpop-nonce")), ((400, "use_dpop_nonce"), Some("n1")));
    verifier.set_down(true);
    assert_eq!(server.token_with(SPA, &StubVerifier::proof("A"), &poll).await.status(), 503);
    verifier.set_down(false);
    verifier.require(None);
    let reply = server.token_with(SPA, &proof, &poll).await;
    assert_eq!(reply.text("token_type"), "DPoP", "{reply:?}");
    let refresh = reply.tokens().refresh;
    assert_eq!(server.refresh(SPA, &refresh).await.outcome(), INVALID_GRANT);
    assert_eq!(server.refresh_with(SPA, &StubVerifier::proof("B"), &refresh).await.outcome(), INVALID_GRANT);
    assert_eq!(server.refresh_with(SPA, &StubVerifier::proof("A"), &refresh).await.status(), 200);
}
