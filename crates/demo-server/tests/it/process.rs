//! The process: signals, ports and the log.

use crate::helper::{Server, run};

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
