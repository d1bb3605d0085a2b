//! RFC 8252: redirection URIs of native apps, whose port is known only when they ask.

use regrant::{Client, ClientId, RedirectUri};

fn app(registered: &'static str) -> Client {
    Client::public(ClientId::from_static("app")).with_redirect_uris([RedirectUri::from_static(registered)])
}

fn admits(client: &Client, requested: &str) -> bool {
    client.redirect_uri(Some(&RedirectUri::new(requested).unwrap())).is_some()
}

// Section 7.3: any port, for the loopback IP literals. RFC 9700 section 4.1.3: nothing but the port.
#[test]
fn only_the_port_of_a_loopback_address_differs() {
    for (registered, requested, expected) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", true),
        ("http://[::1]/cb", "http://[::1]:49152/cb", true),
        ("http://127.0.0.1", "http://127.0.0.1:49152", true),
        ("http://127.0.0.1", "http://127.0.0.1:49152/", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", false),
        ("http://127.0.0.1/cb", "http://[::1]:49152/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false),
        ("https://127.0.0.1/cb", "https://127.0.0.1:49152/cb", false),
        ("https://app.example/cb", "https://app.example:8443/cb", false),
    ] {
        assert_eq!(admits(&app(registered), requested), expected, "{registered} {requested}");
    }
}

// Section 8.3: the name may resolve to another address, so that is the choice of the host.
#[test]
fn the_port_of_localhost_differs_only_where_the_client_is_configured_so() {
    for (registered, requested, expected) in [
        ("http://localhost/callback", "http://localhost:57470/callback", true),
        ("http://localhost:3000/callback", "http://localhost:57470/callback", true),
        ("http://localhost", "http://localhost:57470", true),
        ("http://localhost", "http://localhost:57470/", false),
        ("http://localhost/callback", "http://localhost:57470/other", false),
        ("http://localhost/callback", "http://127.0.0.1:57470/callback", false),
        ("http://127.0.0.1/callback", "http://localhost:57470/callback", false),
        ("http://localhost/callback", "https://localhost:57470/callback", false),
        ("https://localhost/callback", "https://localhost:57470/callback", false),
        ("http://localhost/callback", "http://localhost:80@evil.example/callback", false),
        ("http://localhost/callback", "http://localhost.evil.example/callback", false),
        ("http://localhost/callback", "http://LOCALHOST:57470/callback", false),
    ] {
        let (strict, opted_in) = (app(registered), app(registered).with_any_localhost_port(true));
        assert!(!admits(&strict, requested), "{registered} {requested}");
        assert_eq!(admits(&opted_in, requested), expected, "{registered} {requested}");
    }
    assert!(admits(&app("http://localhost:3000/callback"), "http://localhost:3000/callback"));
}
