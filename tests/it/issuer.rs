//! The issuer: one spelling, given once, the same in the metadata, in tokens and in proofs.

use fixtures::{Config, ISSUER, StubIssuer};
use regrant::Issuer;
use regrant::wire::Endpoints;

#[test]
fn an_issuer_in_any_other_form_is_refused_with_the_right_one() {
    for malformed in [
        "",
        " ",
        "as.example",
        "//as.example",
        "https:",
        "https://",
        "https:///path",
        "https://:443",
        "https://as.example:",
        "https://as.example/",
        "https://as.example/tenant/",
        "https://as.example//tenant",
        "https://as.example/../tenant",
        "https://as.example/a%2Fb",
        "https://as.example?tenant=1",
        "https://as.example/?",
        "https://as.example#top",
        "https://as.example /",
        " https://as.example",
        "https://as.example\n",
        "https://user@as.example",
        "https://as.ex\u{e4}mple",
        "ftp://as.example",
        "urn:example:as",
        "HTTPS://as.example",
    ] {
        let error = Issuer::new(malformed).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("https://host[:port][/path]")), "{malformed:?}");
    }
    for valid in [
        "https://as.example",
        "https://as.example:8443",
        "https://as.example/tenant/1",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://localhost",
    ] {
        assert_eq!(Issuer::new(valid).map(String::from).as_deref(), Ok(valid));
    }
}

// RFC 8414 section 3.3, RFC 9068 section 4: clients and resource servers compare the two.
#[test]
fn endpoints_with_another_issuer_than_their_tokens_do_not_start() {
    let config = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default() };
    let own = || Issuer::from_static(ISSUER);
    assert!(Endpoints::new(config.service(), own()).is_ok());
    for other in ["https://other.example", "http://as.example", "https://as.example:443", "https://as.example/tenant"] {
        let error = Endpoints::new(config.service(), Issuer::from_static(other)).err().unwrap().to_string();
        assert!(error.contains(other) && error.contains(ISSUER), "{error}");
    }
    let opaque = Config::default();
    assert!(Endpoints::new(opaque.service(), Issuer::from_static("https://other.example")).is_ok());
}
