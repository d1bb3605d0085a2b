//! The process: signals, ports and the log.

use crate::helper::{MY_CLIENT, Server, config_file, run};

#[test]
#[cfg(unix)]
fn sigterm_and_ctrl_c_end_the_server_cleanly() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        // An idle keep-alive connection does not delay the exit.
        server.first_tokens();
        assert_eq!(server.signal(signal), Some(0), "{}", server.log());
    }
}

#[test]
fn an_error_names_an_occupied_address() {
    let server = Server::start(&[]);
    let taken = server.url.strip_prefix("http://").unwrap();
    let output = run(&["--listen", taken]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(taken));
}

#[test]
fn no_token_and_no_secret_reaches_the_log() {
    let server = Server::with_manual_clock();
    let session = server.sign_in();
    let first = server.first_tokens();
    let second = server.refresh(&first.text("refresh_token"));
    server.refresh(&second.text("refresh_token"));
    server.advance("1h");
    server.refresh(&first.text("refresh_token"));
    server.authenticate("demo", "wrong-password");

    let log = server.log();
    assert!(log.contains("reuse_detected"));
    for token in ["access_token", "refresh_token"] {
        assert!(!log.contains(&first.text(token)));
        assert!(!log.contains(&second.text(token)));
    }
    for secret in [session.as_str(), "forgerock", "changeit", "wrong-password"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, concat!("demo-server ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
}

#[test]
fn new_keys_are_printed_as_the_configuration_has_them() {
    let client = "[[clients]]\nclient_id = \"myClient\"\nclient_secret = \"forgerock\"\n\
                  grant_types = [\"client_credentials\"]\nscope = \"read\"\n";
    for algorithm in ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"] {
        let keygen = || {
            let output = run(&["keygen", "--alg", algorithm]);
            assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
            String::from_utf8(output.stdout).unwrap()
        };
        let keys = keygen();
        assert_ne!(keys, keygen());
        let file = config_file(&format!("{keys}\n{client}"));
        let config = ["--config", file.to_str().unwrap()];
        let (one, two) = (Server::start(&config), Server::start(&config));
        let published = one.get("/oauth2/connect/jwk_uri").json();
        assert_eq!(published["keys"][0]["alg"], algorithm);
        assert_eq!(published, two.get("/oauth2/connect/jwk_uri").json(), "the same on every node");
        assert!(!one.log().contains("no keys configured") && !one.log().contains("no signing keys"), "{}", one.log());
        assert_eq!(one.token(&MY_CLIENT, &[("grant_type", "client_credentials"), ("scope", "read")]).status, 200);
    }
    let output = run(&["keygen", "--alg", "HS256"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
}

#[test]
fn an_address_that_guesses_is_slowed_down_by_both_libraries() {
    for library in ["axum", "actix-web"] {
        let server = Server::start(&["--manual-clock", "--http", library]);
        let wrong = || server.authenticate("demo", "a guess").status;
        assert!((0..100).all(|_| wrong() == 401));
        assert_eq!(server.authenticate("demo", "changeit").status, 429);
        assert_eq!(server.token(&MY_CLIENT, &[("grant_type", "refresh_token"), ("refresh_token", "x")]).status, 429);
        assert!(server.log().contains("rate_limited") && server.log().contains("127.0.0.1"), "{}", server.log());
        server.advance("1s");
        assert_eq!(server.authenticate("demo", "changeit").status, 200);
    }
}
