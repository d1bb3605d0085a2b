//! The reasons of denials, which only the host gets.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regrant::SystemEntropy;
use regrant_jose::Algorithm;
use regrant_jose::dpop::DpopKey;
use regrant_jose::resource_server::DenialReason;

use super::{Fixture, dpop, scope};
use crate::support::{NOW, at, key};

/// All texts that a host could log.
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
async fn the_host_gets_the_reason_of_each_denial_and_no_part_of_token_or_proof() {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&recorded);
    let fixture = Fixture::with(move |server, used| {
        let server = server.with_dpop(dpop(used).with_leeway(Duration::from_secs(5)));
        server.with_events(move |reason| note.lock().unwrap().push((reason.as_str(), logged(reason))))
    })
    .await;
    let (plain, bound, other) = (fixture.issuer.token().await, fixture.bound().await, fixture.bound().await);
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
        let recorded: Vec<_> = recorded.lock().unwrap().drain(..).collect();
        let [(reason, text)] = &recorded[..] else { panic!("{expected}: {recorded:?}") };
        assert_eq!(reason, expected);
        assert_eq!(denial.reason().as_str(), *expected);
        let answer = format!("{:?}", super::answer_of(&denial));
        for secret in headers.iter().flat_map(|(_, value)| value.split(['.', ' '])).filter(|part| part.len() > 6) {
            assert!(!text.contains(secret) && !answer.contains(secret), "{expected}: {text}");
        }
    }
    assert!(fixture.dpop(&bound, &proof).await.is_ok());
    assert!(recorded.lock().unwrap().is_empty(), "a served request has no reason");
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
    let recorded: Vec<_> = recorded.lock().unwrap().drain(..).collect();
    assert_eq!(
        recorded.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(),
        ["proof_used", "unavailable", "insufficient_scope"]
    );
    assert!(recorded[1].1.contains("the store is down for this test"), "with its causes: {}", recorded[1].1);
}
