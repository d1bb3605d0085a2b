//! Reasons, which are for the host.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regrant::SystemEntropy;
use regrant_jose::{Algorithm, DenialReason, DpopKey};

use super::{Fixture, dpop, scope};
use crate::support::{NOW, at, key};

/// All that a host could write into its log.
fn logged(reason: &DenialReason) -> String {
    let mut text = format!("{} {reason} {reason:?}", reason.as_str());
    let mut cause = reason.source();
    while let Some(error) = cause {
        text = format!("{text} {error} {error:?}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn the_host_is_told_the_reason_of_every_denial_and_nothing_of_token_or_proof() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&told);
    let fixture = Fixture::with(move |server, used| {
        let server = server.with_dpop(dpop(used).with_leeway(Duration::from_secs(5)));
        server.with_events(move |reason| note.lock().unwrap().push((reason.as_str(), logged(reason))))
    })
    .await;
    let (plain, bound, other) = (fixture.scene.token().await, fixture.bound().await, fixture.bound().await);
    let proof = fixture.proof(&bound).await;
    let stranger = DpopKey::new(key(Algorithm::EdDsa)).unwrap();
    let of = async |key: &DpopKey, method, path: &str, now| {
        let url = format!("https://api.example/v1{path}");
        key.proof(method, &url).with_access_token(Some(&bound)).sign(at(now), &SystemEntropy).await.unwrap()
    };
    let forged = format!("{}AAAA", &plain.expose()[..plain.expose().len() - 4]);
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let with = |proof: &str| vec![("authorization", format!("DPoP {}", bound.expose())), ("dpop", proof.to_owned())];
    let table = [
        (vec![], "no_token"),
        (bearer("two words"), "malformed_request"),
        (bearer("garbage"), "token_malformed"),
        (bearer(&forged), "token_signature"),
        (bearer(bound.expose()), "token_without_proof"),
        (vec![("authorization", format!("DPoP {}", plain.expose())), ("dpop", proof.clone())], "token_unbound"),
        (vec![("authorization", format!("DPoP {}", bound.expose()))], "proof_missing"),
        (with("garbage"), "proof_malformed"),
        (with(&of(&stranger, "GET", "/orders", NOW).await), "proof_other_key"),
        (with(&of(&fixture.key, "PUT", "/orders", NOW).await), "proof_method"),
        (with(&of(&fixture.key, "GET", "/other", NOW).await), "proof_url"),
        (with(&fixture.proof(&other).await), "proof_access_token"),
        (with(&of(&fixture.key, "GET", "/orders", NOW - 60).await), "proof_expired"),
        (with(&of(&fixture.key, "GET", "/orders", NOW + 6).await), "proof_not_yet_valid"),
    ];
    for (headers, expected) in &table {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let denial = fixture.get(&headers).await.unwrap_err();
        let told: Vec<_> = told.lock().unwrap().drain(..).collect();
        let [(reason, text)] = &told[..] else { panic!("{expected}: {told:?}") };
        assert_eq!(reason, expected);
        assert_eq!(denial.reason().as_str(), *expected);
        let answer = format!("{:?}", super::told(&denial));
        for secret in headers.iter().flat_map(|(_, value)| value.split(['.', ' '])).filter(|part| part.len() > 6) {
            assert!(!text.contains(secret) && !answer.contains(secret), "{expected}: {text}");
        }
    }
    assert!(fixture.dpop(&bound, &proof).await.is_ok());
    assert!(told.lock().unwrap().is_empty(), "of what is served nothing is told");
    assert!(fixture.dpop(&bound, &proof).await.is_err());
    fixture.used.set_down(true);
    assert!(fixture.dpop(&bound, &of(&fixture.key, "GET", "/orders", NOW).await).await.is_err());
    assert!(
        fixture
            .server
            .authorize(
                &fixture.get(&[("authorization", &format!("Bearer {}", plain.expose()))]).await.unwrap().token,
                &scope("admin")
            )
            .is_err()
    );
    let told: Vec<_> = told.lock().unwrap().drain(..).collect();
    assert_eq!(
        told.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(),
        ["proof_used", "unavailable", "insufficient_scope"]
    );
    assert!(told[1].1.contains("the store is down for this test"), "with its causes: {}", told[1].1);
}
