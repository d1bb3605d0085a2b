use regrant::proof::{DpopProof, ProofVerifier as _};

use super::{Answer, Fixture, at_token_endpoint, with_jti};
use crate::support::{NOW, at, with};

// RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3.
#[tokio::test]
async fn the_target_is_compared_after_normalization() {
    let fixture = Fixture::new();
    let cases = [
        ("https://as.example/oauth2/token", true),
        ("HTTPS://AS.Example/oauth2/token", true),
        ("https://as.example:443/oauth2/token", true),
        ("https://as.example:/oauth2/token", true),
        ("https://as.example/oauth2/./token", true),
        ("https://as.example/oauth2/x/../token", true),
        ("https://as.example/../oauth2/token", true),
        ("https://as.example/%6fauth2/t%6Fken", true),
        ("https://as.example/oauth2/token?a=b", true),
        ("https://as.example/oauth2/token#a", true),
        ("https://as.example/oauth2/token?", true),
        ("https://as.example/oauth2/token?a=b#c?d", true),
        ("https://as.example/oauth2/Token", false),
        ("https://as.example/oauth2/token/", false),
        ("https://as.example//oauth2/token", false),
        ("https://as.example/oauth2%2ftoken", false),
        ("https://as.example/oauth2/token%20", false),
        ("https://as.example:8443/oauth2/token", false),
        ("https://as.example.evil.example/oauth2/token", false),
        ("https://as.example@evil.example/oauth2/token", false),
        ("https://me@as.example/oauth2/token", false),
        ("https://as.example", false),
        ("http://as.example/oauth2/token", false),
        ("ftp://as.example/oauth2/token", false),
        ("//as.example/oauth2/token", false),
        ("/oauth2/token", false),
        ("https:/as.example/oauth2/token", false),
        ("https:as.example/oauth2/token", false),
        ("https:\\\\as.example\\oauth2\\token", false),
        ("https://as.example/oauth2/token ", false),
        (" https://as.example/oauth2/token", false),
        ("https://as.example/oauth2/tok\ten", false),
        ("https://as.example/oauth2/token%", false),
        ("https://as.example/oauth2/token%zz", false),
        ("https://as.example:x/oauth2/token", false),
        ("https://[::1/oauth2/token", false),
        ("https://\u{e4}s.example/oauth2/token", false),
        ("", false),
        ("https://", false),
    ];
    for (number, (htu, is_target)) in cases.into_iter().enumerate() {
        let jwt = fixture.signed(&with(&with_jti(&number), "htu", Some(htu.into()))).await;
        let expected = if is_target { Answer::Accepted } else { Answer::Invalid };
        assert_eq!(fixture.answer(&jwt, 0).await, expected, "{htu}");
    }
    // An origin has the path `/`, even if it is omitted.
    for (htu, url) in
        [("https://api.example", "https://api.example/"), ("http://api.example:80/?a", "http://api.example")]
    {
        let jwt = fixture.signed(&with(&with_jti(&htu), "htu", Some(htu.into()))).await;
        let proof = DpopProof { url: url.to_owned(), ..at_token_endpoint(&jwt) };
        assert!(fixture.verifier.verify(&proof, at(NOW)).await.is_ok(), "{htu}");
    }
}
