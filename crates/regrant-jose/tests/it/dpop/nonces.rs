use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use regrant::proof::ProofVerifier as _;
use regrant::store::PurgeExpired as _;
use regrant::{Key, KeyRing};
use regrant_jose::dpop::{DpopNonces, ReplayCache};
use regrant_jose::{Algorithm, DpopVerifier};
use serde_json::{Value, json};

use super::{Answer, Fixture, NONCE_KEY, at_token_endpoint, claims, with_jti};
use crate::support::{NOW, at, clock, key, sign, with};

// RFC 9449 section 8.
#[tokio::test]
async fn a_nonce_is_accepted_in_its_slot_and_the_next() {
    let fixture = Fixture::with_nonces();
    let verifier = &fixture.verifier;
    let slot = NOW.rem_euclid(300);
    let start = -slot;
    let nonce = verifier.nonce(at(NOW + start)).unwrap();
    assert_eq!(verifier.nonce(at(NOW + start + 299)).as_ref(), Some(&nonce));
    assert_ne!(verifier.nonce(at(NOW + start + 300)).as_ref(), Some(&nonce));
    let cases = [
        (-1, Answer::NonceRequired),
        (0, Answer::Accepted),
        (299, Answer::Accepted),
        (300, Answer::Accepted),
        (599, Answer::Accepted),
        (600, Answer::NonceRequired),
        (86_400, Answer::NonceRequired),
    ];
    for (second, expected) in cases {
        let jwt = fixture.signed(&with(&with_jti(&second), "nonce", Some(nonce.clone().into()))).await;
        assert_eq!(fixture.answer(&jwt, start + second).await, expected, "{second} s");
    }
}

#[tokio::test]
async fn a_proof_needs_a_current_nonce() {
    let fixture = Fixture::with_nonces();
    let nonce = fixture.verifier.nonce(at(NOW)).unwrap();
    let of_other_server =
        DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock())))).with_nonces(DpopNonces::new(&[8; 32]));
    let foreign = of_other_server.nonce(at(NOW)).unwrap();
    let cut = &nonce[..nonce.len() - 1];
    for wrong in [None, Some(""), Some("guess"), Some(cut), Some(foreign.as_str())] {
        let jwt = fixture.signed(&with(&claims(), "nonce", wrong.map(Into::into))).await;
        assert_eq!(fixture.answer(&jwt, 0).await, Answer::NonceRequired, "{wrong:?}");
    }
    for mistyped in [Value::Null, json!(1), json!([nonce])] {
        let jwt = fixture.signed(&with(&claims(), "nonce", Some(mistyped.clone()))).await;
        assert_eq!(fixture.answer(&jwt, 0).await, Answer::Invalid, "{mistyped}");
    }
    // Only the holder of the key gets a nonce.
    let forged = sign(&key(Algorithm::EdDsa), &fixture.header(), &claims()).await;
    assert_eq!(fixture.answer(&forged, 0).await, Answer::Invalid);
    let misdirected = fixture.signed(&with(&claims(), "htm", Some(json!("GET")))).await;
    assert_eq!(fixture.answer(&misdirected, 0).await, Answer::Invalid);

    let jwt = fixture.signed(&with(&claims(), "nonce", Some(nonce.into()))).await;
    assert_eq!(fixture.answer(&jwt, 0).await, Answer::Accepted, "the same jti: nothing was used up");
    let replayed = fixture.verifier.verify(&at_token_endpoint(&jwt), at(NOW)).await;
    assert_eq!(Answer::from(replayed), Answer::Invalid);
}

#[tokio::test]
async fn with_nonces_the_clock_of_the_client_may_be_wrong() {
    let fixture = Fixture::with_nonces();
    for iat in [0, NOW - 86_400, NOW + 86_400] {
        let nonce = fixture.verifier.nonce(at(NOW)).map(Into::into);
        let claims = with(&with(&with_jti(&iat), "nonce", nonce), "iat", Some(json!(iat)));
        assert_eq!(fixture.answer(&fixture.signed(&claims).await, 0).await, Answer::Accepted, "{iat}");
        let without = fixture.signed(&with(&with_jti(&"other"), "iat", None)).await;
        assert_eq!(fixture.answer(&without, 0).await, Answer::Invalid);
    }
    // The use is remembered until the nonce expires, not until the `iat` is old.
    assert_eq!(fixture.used.store.purge_expired(at(NOW + 629), 10).await.unwrap(), 0);
    assert_eq!(fixture.used.store.purge_expired(at(NOW + 630), 10).await.unwrap(), 3);
}

#[test]
fn nonces_depend_only_on_their_key() {
    let nonces = |key: &[u8; 32], lifetime: u64| {
        let nonces = DpopNonces::new(key).with_lifetime(Duration::from_secs(lifetime));
        DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock())))).with_nonces(nonces)
    };
    let many: BTreeSet<_> = (0..1000).filter_map(|second| nonces(&NONCE_KEY, 1).nonce(at(NOW + second))).collect();
    assert_eq!(many.len(), 1000);
    assert!(many.iter().all(|nonce| nonce.len() == 22));
    assert_eq!(nonces(&NONCE_KEY, 60).nonce(at(NOW)), nonces(&NONCE_KEY, 60).nonce(at(NOW)));
    assert_ne!(nonces(&NONCE_KEY, 60).nonce(at(NOW)), nonces(&[8; 32], 60).nonce(at(NOW)));
    // Less than one second counts as one second.
    assert_eq!(nonces(&NONCE_KEY, 0).nonce(at(NOW)), nonces(&NONCE_KEY, 1).nonce(at(NOW)));
    assert!(nonces(&NONCE_KEY, u64::MAX).nonce(at(NOW)).is_some());
    assert_eq!(DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock())))).nonce(at(NOW)), None);
    assert!(!format!("{:?}", DpopNonces::new(&NONCE_KEY)).contains('7'));
}

// Two nodes behind one balancer, before, while and after the ring is rotated.
#[test]
fn nodes_with_one_key_ring_accept_the_nonces_of_each_other() {
    let key = |id: u8| Key::from_parts(id, std::array::from_fn(|at| id ^ u8::try_from(at).unwrap())).unwrap();
    let node = |primary: u8, former: &[u8]| {
        let ring = former.iter().fold(KeyRing::new(key(primary)), |ring, id| ring.add_former(key(*id)).unwrap());
        DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock()))))
            .with_nonces(DpopNonces::from_key_ring(&ring))
            .nonce(at(NOW))
            .unwrap()
    };
    assert_eq!(node(1, &[]), node(1, &[]));
    assert_eq!(node(1, &[2]), node(1, &[]), "a former key makes no nonces");
    assert_ne!(node(1, &[2]), node(2, &[1]));
    let mut key_of_ring = [0; 32];
    key_of_ring.copy_from_slice(&std::array::from_fn::<u8, 32, _>(|at| 1 ^ u8::try_from(at).unwrap()));
    let direct = DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock()))))
        .with_nonces(DpopNonces::new(&key_of_ring))
        .nonce(at(NOW));
    assert_ne!(direct, Some(node(1, &[])), "the key of the ring itself is no key of nonces");
}

#[tokio::test]
async fn a_nonce_of_a_node_that_rotated_its_ring_first_is_accepted() {
    let key = |id: u8| Key::from_parts(id, std::array::from_fn(|at| id ^ u8::try_from(at).unwrap())).unwrap();
    let both = |primary, former| KeyRing::new(key(primary)).add_former(key(former)).unwrap();
    let old = DpopNonces::from_key_ring(&both(1, 2));
    let new = DpopNonces::from_key_ring(&both(2, 1));
    let mut fixture = Fixture::with_nonces();
    fixture.verifier = DpopVerifier::new(Arc::new(fixture.used.clone())).with_nonces(old);
    let ahead = DpopVerifier::new(Arc::new(ReplayCache::new(1, Arc::new(clock())))).with_nonces(new);
    let nonce = ahead.nonce(at(NOW)).unwrap();
    let jwt = fixture.signed(&with(&claims(), "nonce", Some(nonce.into()))).await;
    assert_eq!(fixture.answer(&jwt, 0).await, Answer::Accepted);
}
