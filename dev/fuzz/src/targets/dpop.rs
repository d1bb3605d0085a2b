//! DPoP proofs: a header line and claims, signed with the key of the target. In the header `@jwk` stands for the public
//! key, in the claims `@nonce` for the nonce of the server.

use std::sync::Arc;

use fixtures::{START, ready};
use regrant::AccessToken;
use regrant::grant::Confirmation;
use regrant::proof::{DpopProof, ProofError, ProofFault, ProofVerifier as _};
use regrant_jose::DpopVerifier;
use regrant_jose::dpop::DpopNonces;
use serde_json::Value;

use super::jose::{CountedUse, Kind, TOKEN_ENDPOINT, encoded, header_and_claims, key, public_key, sign};
use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, header, claims)) = header_and_claims(input) else { return };
    let kind = if mode & 1 == 0 { Kind::EdDsa } else { Kind::Es256 };
    let used = CountedUse::default();
    let mut verifier = DpopVerifier::new(Arc::new(used.clone()));
    if mode & 2 != 0 {
        verifier = verifier.with_nonces(DpopNonces::new(&[7; 32]));
    }
    let public = public_key(kind);
    let header = header.replace("@jwk", &public.to_value().to_string());
    let claims = claims.replace("@nonce", &verifier.nonce(START).unwrap_or_default());
    let is_signed = mode & 0b1100 != 0b1100;
    let jwt = if is_signed {
        sign(key(kind), &header, &claims)
    } else {
        format!("{}.{}.{}", encoded(&header), encoded(&claims), encoded([7; 64]))
    };
    let proof = DpopProof { jwt, method: "POST".to_owned(), url: TOKEN_ENDPOINT.to_owned() };
    if mode & 16 != 0 {
        let token = AccessToken::new("at_token");
        let at_resource = product(proof.jwt.len(), || {
            ready(verifier.verify_at_resource(&proof, &token, &public.thumbprint(), START))
        });
        assert_eq!(used.calls(), usize::from(at_resource.is_ok()), "a refused proof was used up");
        return;
    }
    let shown = product(proof.jwt.len(), || ready(verifier.verify(&proof, START)));
    assert_eq!(used.calls(), usize::from(shown.is_ok()), "a refused proof was used up");
    let Ok(shown) = shown else { return };
    assert!(is_signed, "a forged proof was accepted");
    assert_eq!(shown, Confirmation::DpopKey(public.thumbprint()));
    check_claims(&header, &claims, mode & 2 != 0);
    let again = ready(verifier.verify(&proof, START));
    assert!(matches!(again, Err(ProofError::Invalid(ProofFault::Used))), "{again:?}");
}

/// RFC 9449 section 4.3, read by a lenient parser.
fn check_claims(header: &str, claims: &str, has_nonces: bool) {
    let header: Value = serde_json::from_str(header).expect("JSON");
    assert!(header["typ"].as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")
        || typ.eq_ignore_ascii_case("application/dpop+jwt")), "{header}");
    assert!(header["jwk"].get("d").is_none(), "a private key");
    let claims: Value = serde_json::from_str(claims).expect("JSON");
    assert_eq!(claims["htm"], "POST");
    assert!(claims["htu"].as_str().is_some_and(|htu| htu.to_ascii_lowercase().starts_with("https://")), "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()), "{claims}");
    let (iat, now) = (claims["iat"].as_f64().expect("a number"), 1_800_000_000_f64);
    assert!(has_nonces || (now - 71.0..=now + 11.0).contains(&iat), "{claims}");
}
