//! Local verification of JWTs with the keys of the issuer.

use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Clock as _;
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, JwtIssuer};
use regrant::policy::AccessTokenFormat;
use regrant::{AccessToken, Approval, Client, ClientId, Issuer, Subject, SystemEntropy};
use regrant_jose::dpop::DpopKey;
use regrant_jose::jws::JwsError;
use regrant_jose::resource_server::{InvalidToken, VerifyAccessToken as _};
use regrant_jose::{Algorithm, JwtTokens, JwtVerifier, KeySet, KeySource, PrivateKey, Signer as _};
use serde_json::{Map, Value, json};

use crate::resource_server::issuer::{IssuingServer, RESOURCE, Verdict};
use crate::support::{ISSUER, NOW, at, encoded, jwks, key, mac, mutations, public_bytes, sign, sign_text, with};

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "at+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "demo", "aud": RESOURCE, "client_id": "app", "jti": "8f0c", "iat": NOW, "exp": NOW + 3600,
        "scope": "read write",
    })
}

fn verifier(key: &PrivateKey) -> JwtVerifier {
    JwtVerifier::new(ISSUER, RESOURCE, jwks([key]))
}

async fn verdict(verifier: &JwtVerifier, token: &str) -> Verdict {
    verifier.verify(&AccessToken::new(token), at(NOW)).await.into()
}

#[tokio::test]
async fn a_token_of_the_service_is_valid_and_has_the_granted_scope() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let issuer = IssuingServer::of(AccessTokenFormat::Jwt, algorithm).await;
        let verifier = JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(issuer.network())));
        let token = verifier.verify(&issuer.token().await, at(NOW)).await.unwrap();

        assert_eq!(token.subject().unwrap().as_str(), "demo");
        assert_eq!(token.client_id().unwrap().as_str(), "app");
        assert_eq!(token.scope().as_str(), "openid read write");
        assert_eq!(token.audience(), [RESOURCE]);
        assert_eq!(token.expires_at(), Some(at(NOW + 3600)));
        assert_eq!(token.issuer(), Some(ISSUER));
        assert_eq!(token.actor().unwrap().subject.as_str(), "clerk");
        assert_eq!(token.confirmation(), None);
        assert_eq!(token.claims().time("iat"), Ok(at(NOW)));
        assert!(!format!("{token:?}").contains("demo"), "{token:?}");
    }
}

#[tokio::test]
async fn each_claim_must_be_present_and_correct() {
    let key = key(Algorithm::EdDsa);
    let verifier = verifier(&key);
    assert_eq!(verdict(&verifier, &sign(&key, &header(), &claims()).await).await, Verdict::Valid);

    let malformed = |name| InvalidToken::Malformed(JwsError::Claim(name));
    let thumbprint = encoded([7; 32]);
    let table = [
        ("iss", None, malformed("iss")),
        ("iss", Some(json!([ISSUER])), malformed("iss")),
        ("iss", Some(json!("https://as.example/")), InvalidToken::Issuer),
        ("iss", Some(json!("https://AS.example")), InvalidToken::Issuer),
        ("aud", None, malformed("aud")),
        ("aud", Some(json!([])), malformed("aud")),
        ("aud", Some(json!([RESOURCE, 7])), malformed("aud")),
        ("aud", Some(json!("https://api.example.evil")), InvalidToken::Audience),
        ("aud", Some(json!("https://api.example https://other.example")), InvalidToken::Audience),
        ("aud", Some(json!(["https://other.example"])), InvalidToken::Audience),
        ("exp", None, malformed("exp")),
        ("exp", Some(json!("1800003600")), malformed("exp")),
        ("exp", Some(json!(null)), malformed("exp")),
        ("exp", Some(json!(-1)), malformed("exp")),
        ("exp", Some(json!(1e300)), malformed("exp")),
        ("exp", Some(json!(0)), InvalidToken::Expired),
        ("exp", Some(json!(NOW - 10)), InvalidToken::Expired),
        ("iat", None, malformed("iat")),
        ("iat", Some(json!("1800000000")), malformed("iat")),
        ("iat", Some(json!(NOW + 11)), InvalidToken::NotYetValid),
        ("nbf", Some(json!(true)), malformed("nbf")),
        ("nbf", Some(json!(NOW + 11)), InvalidToken::NotYetValid),
        ("sub", None, malformed("sub")),
        ("sub", Some(json!(7)), malformed("sub")),
        ("sub", Some(json!("")), malformed("sub")),
        ("client_id", None, malformed("client_id")),
        ("client_id", Some(json!({})), malformed("client_id")),
        ("jti", None, malformed("jti")),
        ("scope", Some(json!(["read"])), malformed("scope")),
        ("scope", Some(json!("read  write")), malformed("scope")),
        ("cnf", Some(json!(null)), malformed("cnf")),
        ("cnf", Some(json!({})), malformed("cnf")),
        ("cnf", Some(json!({ "kid": "a key" })), malformed("cnf")),
        ("cnf", Some(json!({ "jkt": "c2hvcnQ" })), malformed("cnf")),
        ("cnf", Some(json!({ "jkt": thumbprint, "x5t#S256": thumbprint })), malformed("cnf")),
        ("act", Some(json!("clerk")), malformed("act")),
        ("act", Some(json!({ "client_id": "clerk" })), malformed("act")),
        ("act", Some(json!({ "sub": "clerk", "act": 7 })), malformed("act")),
    ];
    for (name, value, invalid) in table {
        let token = sign(&key, &header(), &with(&claims(), name, value.clone())).await;
        assert_eq!(verdict(&verifier, &token).await, Verdict::Invalid(invalid), "{name}: {value:?}");
    }
    for (nbf, iat) in [(NOW, NOW + 11), (NOW + 11, NOW)] {
        let begins_late = with(&with(&claims(), "nbf", Some(nbf.into())), "iat", Some(iat.into()));
        let token = sign(&key, &header(), &begins_late).await;
        assert_eq!(verdict(&verifier, &token).await, Verdict::Invalid(InvalidToken::NotYetValid), "{nbf}, {iat}");
    }
    for (name, value) in [
        ("aud", Some(json!(["https://other.example", RESOURCE]))),
        ("scope", None),
        ("nbf", Some(json!(NOW + 10))),
        ("iat", Some(json!(NOW + 10))),
        ("exp", Some(json!(NOW - 9))),
        ("act", Some(json!({ "sub": "clerk", "act": { "sub": "boss" } }))),
    ] {
        let token = sign(&key, &header(), &with(&claims(), name, value.clone())).await;
        assert_eq!(verdict(&verifier, &token).await, Verdict::Valid, "{name}: {value:?}");
    }
}

#[tokio::test]
async fn a_token_is_accepted_until_the_leeway_after_exp_and_not_a_millisecond_longer() {
    let key = key(Algorithm::EdDsa);
    let token = AccessToken::new(sign(&key, &header(), &claims()).await);
    for (leeway, last) in [(0, 3_599_999), (10_000, 3_609_999)] {
        let verifier = verifier(&key).with_leeway(Duration::from_millis(leeway));
        let begin = at(NOW);
        assert!(verifier.verify(&token, begin + Duration::from_millis(last)).await.is_ok());
        let after: Verdict = verifier.verify(&token, begin + Duration::from_millis(last + 1)).await.into();
        assert_eq!(after, Verdict::Invalid(InvalidToken::Expired));
    }
}

#[tokio::test]
async fn no_other_kind_of_token_passes_for_an_access_token() {
    let signing = key(Algorithm::EdDsa);
    let issuer = IssuingServer::new(AccessTokenFormat::Jwt).await;
    let tokens = issuer.tokens(None).await;
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(issuer.network())))
        // The `aud` is the client id: a resource server that is also a client would find its own.
        .with_audiences(["app", "api"]);
    let id_token = tokens.id_token.expect("an id_token");
    let jwts = JwtTokens::new(Issuer::from_static(ISSUER), issuer.keys.clone());
    let answer = Map::from_iter([("active".to_owned(), json!(true))]);
    let introspection = jwts.introspection(&ClientId::new("api").unwrap(), &answer, at(NOW)).await.unwrap();
    for (kind, token) in [
        ("id_token", id_token.expose()),
        ("refresh token", tokens.refresh_token.as_ref().expect("a refresh token").expose()),
        ("introspection answer", &introspection),
    ] {
        assert!(matches!(verdict(&verifier, token).await, Verdict::Invalid(_)), "{kind}");
    }

    // The same claims by the same key, under another name.
    let verifier = self::verifier(&signing);
    let proof_key = DpopKey::new(key(Algorithm::EdDsa)).unwrap();
    let proof = proof_key.proof("GET", RESOURCE).sign(at(NOW), &SystemEntropy).await.unwrap();
    assert_eq!(verdict(&verifier, &proof).await, Verdict::Invalid(InvalidToken::NotAccessToken));
    for typ in ["JWT", "dpop+jwt", "client-authentication+jwt", "token-introspection+jwt", "at", "at+jwt ", "x/at+jwt"]
    {
        let token = sign(&signing, &json!({ "alg": "EdDSA", "typ": typ }), &claims()).await;
        assert_eq!(verdict(&verifier, &token).await, Verdict::Invalid(InvalidToken::NotAccessToken), "{typ}");
    }
    let untyped = sign(&signing, &json!({ "alg": "EdDSA" }), &claims()).await;
    assert_eq!(verdict(&verifier, &untyped).await, Verdict::Invalid(InvalidToken::NotAccessToken));
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = sign(&signing, &json!({ "alg": "EdDSA", "typ": typ }), &claims()).await;
        assert_eq!(verdict(&verifier, &token).await, Verdict::Valid, "{typ}");
    }
}

#[tokio::test]
async fn the_algorithm_and_the_key_are_the_issuer_s_and_not_the_token_s() {
    let (own, thief) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
    let verifier = verifier(&own);
    let public = own.public_key();
    let mut forged = vec![
        sign(&thief, &header(), &claims()).await,
        sign(&thief, &json!({ "alg": "EdDSA", "typ": "at+jwt", "jwk": thief.public_key().to_value() }), &claims())
            .await,
        sign(&thief, &json!({ "alg": "EdDSA", "typ": "at+jwt", "jku": "https://evil.example/jwks" }), &claims()).await,
        sign(&own, &json!({ "alg": "ES256", "typ": "at+jwt" }), &claims()).await,
        sign(&own, &json!({ "alg": "EdDSA", "typ": "at+jwt", "crit": ["exp"] }), &claims()).await,
        sign(&own, &json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "another" }), &claims()).await,
        sign_text(&own, &header().to_string(), r#"{"iss":"https://evil.example","iss":"https://as.example"}"#).await,
    ];
    for secret in public_bytes(&public) {
        forged.push(mac(&secret, Algorithm::Hs256, &json!({ "alg": "HS256", "typ": "at+jwt" }), &claims()));
    }
    for alg in ["none", "None", "nOnE", ""] {
        let unsigned = format!(
            "{}.{}.",
            encoded(json!({ "alg": alg, "typ": "at+jwt" }).to_string()),
            encoded(claims().to_string())
        );
        forged.push(unsigned);
    }
    for token in forged {
        assert!(matches!(verdict(&verifier, &token).await, Verdict::Invalid(_)), "{token}");
    }

    // A shared secret among the keys does not make its holder an issuer.
    let secret = regrant_jose::Jwk::from_secret(&[7; 32], Algorithm::Hs256).unwrap();
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, regrant_jose::JwkSet::from_iter([secret]));
    let token = mac(&[7; 32], Algorithm::Hs256, &json!({ "alg": "HS256", "typ": "at+jwt" }), &claims());
    assert_eq!(verdict(&verifier, &token).await, Verdict::Invalid(InvalidToken::Algorithm));
}

#[tokio::test]
async fn a_token_with_any_changed_character_is_refused() {
    let key = key(Algorithm::EdDsa);
    let verifier = verifier(&key);
    let token = sign(&key, &header(), &claims()).await;
    let mut others: Vec<String> = mutations(&token).filter(|other| *other != token).collect();
    others.extend((0..token.len()).map(|end| token[..end].to_owned()));
    others.extend(["A", "=", ".", " ", "\n"].map(|more| format!("{token}{more}")));
    for other in others {
        assert!(matches!(verdict(&verifier, &other).await, Verdict::Invalid(_)), "{other}");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_refusal_and_with_one_fetch() {
    let issuer = IssuingServer::new(AccessTokenFormat::Jwt).await;
    let network = issuer.network();
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(network.clone())));
    let verify = async |token: &AccessToken| Verdict::from(verifier.verify(token, issuer.clock.now()).await);
    let old = issuer.token().await;
    for _ in 0..3 {
        assert_eq!(verify(&old).await, Verdict::Valid);
    }
    assert_eq!(network.calls(), 1);

    issuer.advance(60_000);
    issuer.keys.add(key(Algorithm::EdDsa), issuer.clock.now()).unwrap();
    let new = issuer.token().await;
    for token in [&old, &new, &old, &new] {
        assert_eq!(verify(token).await, Verdict::Valid);
    }
    assert_eq!(network.calls(), 2);

    // Keys of a stranger, each with a new key id.
    let stranger = key(Algorithm::EdDsa);
    issuer.advance(60_000);
    for number in 0..200 {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": format!("{number}") });
        let token = AccessToken::new(sign(&stranger, &header, &claims()).await);
        assert_eq!(verify(&token).await, Verdict::Invalid(InvalidToken::Key));
    }
    assert_eq!(network.calls(), 3);
    assert_eq!(verify(&old).await, Verdict::Valid);
}

#[tokio::test]
async fn cached_keys_are_used_in_an_outage_for_the_grace_time() {
    let issuer = IssuingServer::new(AccessTokenFormat::Jwt).await;
    let network = issuer.network();
    let keys = KeySource::resolved_by(Arc::new(network.clone()))
        .with_max_age(Duration::from_secs(600))
        .with_outage_grace(Duration::from_secs(900));
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, keys);
    let verify = async |token: &AccessToken| Verdict::from(verifier.verify(token, issuer.clock.now()).await);
    let old = issuer.token().await;
    assert_eq!(verify(&old).await, Verdict::Valid);

    network.set_down(true);
    issuer.advance(1_499_999);
    assert_eq!(verify(&old).await, Verdict::Valid);
    assert_eq!(network.calls(), 2);
    issuer.keys.add(key(Algorithm::EdDsa), issuer.clock.now()).unwrap();
    let new = issuer.token().await;
    assert_eq!(verify(&new).await, Verdict::Unavailable, "its key may be published, or not");
    assert_eq!(network.calls(), 2, "a failed reading has its cooldown, too");
    issuer.advance(1);
    assert_eq!(verify(&old).await, Verdict::Unavailable);

    network.set_down(false);
    issuer.advance(30_000);
    assert_eq!(verify(&new).await, Verdict::Valid);
    assert_eq!(verify(&old).await, Verdict::Valid);
    assert_eq!(network.calls(), 3);
}

#[tokio::test]
async fn without_grace_time_expired_keys_are_not_used() {
    let issuer = IssuingServer::new(AccessTokenFormat::Jwt).await;
    let network = issuer.network();
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(network.clone())));
    let token = issuer.token().await;
    assert!(verifier.verify(&token, issuer.clock.now()).await.is_ok());
    network.set_down(true);
    issuer.advance(600_000);
    assert_eq!(Verdict::from(verifier.verify(&token, issuer.clock.now()).await), Verdict::Unavailable);
}

#[tokio::test]
async fn an_id_token_of_the_same_key_and_audience_is_refused() {
    let keys = KeySet::new(key(Algorithm::EdDsa), Duration::from_secs(3600)).unwrap();
    let issuer = JwtTokens::new(Issuer::from_static(ISSUER), keys.clone());
    let (client, subject) = (Client::new(ClientId::new(RESOURCE).unwrap()), Subject::new("demo").unwrap());
    let (approval, end) = (Approval::of(subject.clone()), at(NOW + 3600));
    let verifier = JwtVerifier::new(ISSUER, RESOURCE, keys.public_keys(at(NOW)));

    let id_token =
        issuer.id_token(&IdTokenClaims::new(&client, &subject, &approval, at(NOW), end, "at")).await.unwrap();
    assert_eq!(verdict(&verifier, &id_token).await, Verdict::Invalid(InvalidToken::NotAccessToken));

    // Without a resource the `aud` is the issuer, so the token is for another server.
    let claims = AccessTokenClaims::new("8f0c", &client, &approval, at(NOW), end);
    let token = issuer.access_token(&issuer.signing_key(&client, at(NOW)), &claims).await.unwrap();
    assert_eq!(verdict(&verifier, &token).await, Verdict::Invalid(InvalidToken::Audience));
}
