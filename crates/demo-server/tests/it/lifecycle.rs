//! Time, purge and the subject gate, with the routes of `--manual-clock`.

use crate::helper::{CALLBACK, MY_CLIENT, Server};

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[test]
fn tokens_expire_when_the_clock_is_moved() {
    let server = Server::with_manual_clock();
    let tokens = server.first_tokens();
    let access_token = tokens.text("access_token");

    server.advance("59m 59s");
    assert_eq!(server.introspect(&access_token)["active"], true);
    server.advance("1s");
    assert_eq!(server.introspect(&access_token)["active"], false);

    server.advance("8d");
    assert_eq!(server.refresh(&tokens.text("refresh_token")).refusal(), refused("invalid_grant"));
}

#[test]
fn a_lost_response_can_be_repeated_until_the_successor_is_used_and_is_reuse_afterwards() {
    let server = Server::with_manual_clock();
    let first = server.first_tokens().text("refresh_token");

    let lost = server.refresh(&first);
    server.advance("59s");
    let again = server.refresh(&first);
    assert_eq!(lost.text("refresh_token"), again.text("refresh_token"));
    assert_eq!(lost.text("access_token"), again.text("access_token"));
    assert_eq!(again.json()["expires_in"], 3541);

    server.advance("6d");
    assert_eq!(server.refresh(&first).text("refresh_token"), again.text("refresh_token"), "noticed late");
    let next = server.refresh(&again.text("refresh_token"));
    server.advance("10s");
    assert_eq!(server.refresh(&first).refusal(), refused("invalid_grant"));
    assert_eq!(server.refresh(&next.text("refresh_token")).refusal(), refused("invalid_grant"));
    assert!(server.log().contains("reuse_detected"), "{}", server.log());
}

#[test]
fn the_clock_stands_still_and_reports_its_time() {
    let server = Server::with_manual_clock();
    assert!(server.log().contains("TIME STANDS STILL"));

    let now = |parameters: &[(&str, &str)]| server.form("/dev/clock", parameters).text("now");
    assert_eq!(now(&[("set", "2031-02-03T04:05:06Z")]), "2031-02-03T04:05:06Z");
    assert_eq!(now(&[("advance", "500ms")]), "2031-02-03T04:05:06.5Z");
    assert_eq!(now(&[("advance", "1d 2h")]), "2031-02-04T06:05:06.5Z");
    assert_eq!(now(&[("set", "2031-02-03T04:05:06+02:00")]), "2031-02-03T02:05:06Z");

    for wrong in [&[("advance", "soon")][..], &[("set", "today")], &[], &[("advance", "1s"), ("set", "today")]] {
        assert_eq!(server.form("/dev/clock", wrong).refusal(), refused("invalid_request"), "{wrong:?}");
    }
}

#[test]
fn purge_deletes_what_has_expired_and_nothing_else() {
    let server = Server::with_manual_clock();
    server.first_tokens();
    server.advance("6d");
    let fresh = server.first_tokens();
    let purge = || server.post("/dev/purge", &[], "").json();

    assert_eq!(purge()["purged"], 0);
    server.advance("2d");
    assert_eq!(purge()["purged"], 1);
    assert_eq!(purge()["purged"], 0);
    assert_eq!(server.refresh(&fresh.text("refresh_token")).status, 200);
}

#[test]
fn a_disabled_user_is_not_served_until_enabled_again() {
    let server = Server::with_manual_clock();
    let tokens = server.first_tokens();
    let session = server.sign_in();
    let code = server.authorize(&session, &[]).redirected("code");
    let switch = |disabled| server.form("/dev/users", &[("username", "demo"), ("disabled", disabled)]).status;

    assert_eq!(switch("true"), 200);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).refusal(), refused("invalid_grant"));
    assert_eq!(server.introspect(&tokens.text("access_token"))["active"], false);
    assert_eq!(server.introspect(&tokens.text("refresh_token"))["active"], false);
    let redemption = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    assert_eq!(server.token(&MY_CLIENT, &redemption).refusal(), refused("invalid_grant"));
    assert_eq!(server.authenticate("demo", "changeit").status, 401);

    assert_eq!(switch("false"), 200);
    assert_eq!(server.introspect(&tokens.text("access_token"))["active"], true);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).status, 200);

    assert_eq!(switch("perhaps"), 400);
    assert_eq!(server.form("/dev/users", &[("username", "nobody"), ("disabled", "true")]).status, 400);
}

#[test]
fn without_the_flag_time_cannot_be_moved() {
    let server = Server::start(&[]);
    for path in ["/dev/clock", "/dev/purge", "/dev/users"] {
        assert_eq!(server.form(path, &[("advance", "1s")]).refusal(), (404, "not_found".to_owned()));
    }
    assert!(!server.log().contains("TIME STANDS STILL"));
}
