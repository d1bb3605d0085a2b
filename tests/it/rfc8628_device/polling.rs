//! Requests and polls of a device.

use std::time::Duration;

use regrant::client::Registration;
use regrant::clock::Timestamp;
use regrant::device::UserCode;
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{GrantType, Policy, Refusal};
use serde_json::json;

use crate::rfc8628_device::{DEVICE_CODE, EXPIRED, INVALID_GRANT, PENDING, SLOW_DOWN, config, refusal, start};
use fixtures::{APP, Config, Device, Form, OTHER, SPA, USER, scope, seconds};

// Sections 3.2 and 3.5. AM: 300 s and 5 s.
#[tokio::test]
async fn a_device_is_told_its_codes_and_gets_tokens_once_its_user_approves() {
    let server = start();
    let reply = server.post(Endpoint::DeviceAuthorization, APP, &[("scope", "openid read")]).await;
    let user_code = reply.text("user_code").to_owned();
    let expected = json!({
        "device_code": reply.text("device_code"), "user_code": user_code, "expires_in": 300, "interval": 5,
        "verification_uri": "https://as.example/device",
        "verification_uri_complete": format!("https://as.example/device?user_code={user_code}"),
    });
    assert_eq!(reply.json, expected);
    assert!(reply.text("device_code").starts_with("dc_"));
    assert_eq!((user_code.len(), &user_code[4..5]), (9, "-"));
    let device = Device { code: reply.text("device_code").to_owned(), user_code: UserCode::parse(&user_code).unwrap() };

    assert_eq!(server.poll(APP, &device).await.outcome(), PENDING);
    let asked = server.service().device(&device.user_code).await.unwrap().unwrap();
    assert_eq!((asked.client_id.as_str(), &asked.approval.scope), ("app", &scope("openid read")));
    server.approve(&device).await.unwrap();
    server.advance(seconds(5));
    let tokens = server.poll(APP, &device).await;
    assert_eq!(tokens.text("scope"), "openid read");
    assert_eq!(tokens.text("token_type"), "Bearer");
    let tokens = tokens.tokens();
    let active = server.introspect(APP, &tokens.access).await;
    assert_eq!((active.text("sub"), active.text("client_id")), (USER, "app"));
    // AM issues refresh tokens in this flow (OPENAM-7266), and they can be used (sebadob/rauthy#1351).
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
}

#[tokio::test]
async fn a_page_with_a_query_gets_the_user_code_behind_it() {
    let with_query = |endpoints: Endpoints<fixtures::WatchedStore>| {
        endpoints.with_paths(Paths { device_verification: Some("/device?lang=en".to_owned()), ..Paths::default() })
    };
    let server = Config { endpoints: with_query, ..config() }.start();
    let reply = server.post(Endpoint::DeviceAuthorization, APP, &[]).await;
    let expected = format!("https://as.example/device?lang=en&user_code={}", reply.text("user_code"));
    assert_eq!(reply.text("verification_uri_complete"), expected);
}

// Section 3.5: the interval grows by 5 seconds with each poll that comes too early, for good.
#[tokio::test]
async fn a_device_that_polls_too_fast_is_slowed_down_for_good() {
    let server = start();
    let device = server.device(APP).await;
    let polls = [
        (Duration::ZERO, PENDING),
        (seconds(5), PENDING),
        (seconds(4), SLOW_DOWN),
        // 10 s from now on.
        (seconds(9), SLOW_DOWN),
        // 15 s from now on.
        (seconds(14), SLOW_DOWN),
        (seconds(20), PENDING),
        (seconds(20), PENDING),
        (seconds(19), SLOW_DOWN),
        (seconds(25), PENDING),
    ];
    for (index, (pause, expected)) in polls.into_iter().enumerate() {
        server.advance(pause);
        assert_eq!(server.poll(APP, &device).await.outcome(), expected, "poll {index}");
    }
    // A device that polls too fast still gets its tokens.
    server.approve(&device).await.unwrap();
    assert_eq!(server.poll(APP, &device).await.status(), 200);
}

#[tokio::test]
async fn half_a_second_too_early_is_not_too_fast() {
    for (early, expected) in [(0, PENDING), (499, PENDING), (500, PENDING), (501, SLOW_DOWN), (5000, SLOW_DOWN)] {
        let server = start();
        let device = server.device(APP).await;
        assert_eq!(server.poll(APP, &device).await.outcome(), PENDING, "the first one");
        server.advance(Duration::from_millis(5000 - early));
        assert_eq!(server.poll(APP, &device).await.outcome(), expected, "{early} ms early");
    }
    // A clock that was set back is no fact about the device.
    let server = start();
    let device = server.device(APP).await;
    server.advance(seconds(60));
    server.poll(APP, &device).await;
    let now = server.service().now();
    server.config.clock.set(Timestamp::from_millis(now.as_millis() - 60_000));
    assert_eq!(server.poll(APP, &device).await.outcome(), PENDING);
}

// RFC 8628 section 3.5: the code expires to the millisecond, approved or not.
#[tokio::test]
async fn a_device_code_lives_as_long_as_was_told_and_no_longer() {
    for (age, expected) in [(-1, PENDING), (0, EXPIRED), (1, EXPIRED)] {
        let server = start();
        let device = server.device(APP).await;
        let end = server.service().now().as_millis() + 300_000;
        server.config.clock.set(Timestamp::from_millis(end + age));
        assert_eq!(server.poll(APP, &device).await.outcome(), expected, "{age} ms");

        let (late, denied) = (server.approve(&device).await, server.service().deny_device(&device.user_code).await);
        assert_eq!(late.is_ok(), age < 0, "approved {age} ms after the end");
        assert_eq!(refusal(denied), Refusal::UserCodeUnknown);
        assert!(server.service().device(&device.user_code).await.unwrap().is_none());
    }
    for (age, is_answered) in [(-1, true), (0, false), (1, false)] {
        let server = start();
        let device = server.device(APP).await;
        server.approve(&device).await.unwrap();
        let end = server.service().now().as_millis() + 300_000;
        server.config.clock.set(Timestamp::from_millis(end + age));
        let reply = server.poll(APP, &device).await;
        assert_eq!(reply.status() == 200, is_answered, "{age} ms");
        assert!(is_answered || reply.outcome() == EXPIRED, "{reply:?}");
    }
}

// RFC 8628 section 3.4. ZITADEL did not bind the code to its client: CVE-2026-55672.
#[tokio::test]
async fn a_device_code_is_of_no_use_to_another_client_and_its_polls_slow_nobody_down() {
    let server = start();
    let device = server.device(APP).await;
    server.poll(APP, &device).await;
    let before = server.store().snapshot();
    for auth in [OTHER, SPA] {
        assert_eq!(server.poll(auth, &device).await.outcome(), INVALID_GRANT, "pending, {auth:?}");
    }
    assert!(server.store().snapshot() == before, "a stranger's poll wrote");
    server.advance(seconds(5));
    assert_eq!(server.poll(APP, &device).await.outcome(), PENDING);

    server.approve(&device).await.unwrap();
    let before = server.store().snapshot();
    for auth in [OTHER, SPA] {
        assert_eq!(server.poll(auth, &device).await.outcome(), INVALID_GRANT, "approved, {auth:?}");
    }
    let anew = server.restarted(|config| config.with_client(APP, |client| client.with_registration(Registration(1))));
    assert_eq!(anew.poll(APP, &device).await.outcome(), INVALID_GRANT, "another registration of the same id");
    assert!(server.store().snapshot() == before, "a stranger's poll wrote");
    assert_eq!(server.poll(APP, &device).await.status(), 200);
}

// Keycloak confused kinds of tokens: CVE-2023-0657.
#[tokio::test]
async fn a_device_code_is_no_token_and_no_token_is_a_device_code() {
    let server = start();
    let device = server.device(APP).await;
    let tokens = server.sign_in(APP).await;
    for code in [tokens.access.as_str(), &tokens.refresh, "dc_", "", "garbage", &device.code[..device.code.len() - 1]] {
        let calls = server.store().calls();
        let wrong = Device { code: code.to_owned(), ..device.clone() };
        let reply = server.poll(APP, &wrong).await;
        let expected = if code.is_empty() { (400, "invalid_request") } else { INVALID_GRANT };
        assert_eq!(reply.outcome(), expected, "{code}");
        assert_eq!(server.store().calls(), calls, "garbage costs no I/O: {code}");
    }
    assert_eq!(server.refresh(APP, &device.code).await.outcome(), INVALID_GRANT);
    assert_eq!(server.redeem(APP, &device.code).await.outcome(), INVALID_GRANT);
    assert!(!server.is_active(&device.code).await);
    assert_eq!(server.revoke(APP, &device.code).await.status(), 200);
    assert_eq!(server.poll(APP, &device).await.outcome(), PENDING, "it lives on");
}

#[tokio::test]
async fn what_was_withdrawn_from_the_client_since_is_not_given() {
    let server = start();
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    let flows = [GrantType::RefreshToken];
    let without_flow =
        server.restarted(|config| config.with_client(APP, |client| client.with_grant_types(flows.clone())));
    assert_eq!(without_flow.poll(APP, &device).await.outcome(), (400, "unauthorized_client"));
    let without_scope = server.restarted(|config| config.with_client(APP, |client| client.with_scope(scope("admin"))));
    assert_eq!(without_scope.poll(APP, &device).await.outcome(), (400, "invalid_grant"), "nothing is left");
    let narrower = server.restarted(|config| config.with_client(APP, |client| client.with_scope(scope("openid"))));
    assert_eq!(narrower.poll(APP, &device).await.text("scope"), "openid", "nothing was consumed");
}

#[tokio::test]
async fn without_a_page_to_enter_the_code_there_is_no_device_flow() {
    let server = Config { endpoints: |endpoints| endpoints, ..config() }.start();
    assert_eq!(server.post(Endpoint::DeviceAuthorization, APP, &[]).await.outcome(), (404, "invalid_request"));
    let poll: Form<'_> = &[("grant_type", DEVICE_CODE), ("device_code", "dc_x")];
    assert_eq!(server.token(APP, poll).await.outcome(), (400, "unsupported_grant_type"));
    let metadata = server.document(Endpoint::Metadata).await.json;
    assert_eq!(metadata.get("device_authorization_endpoint"), None);
    assert!(!metadata["grant_types_supported"].to_string().contains(DEVICE_CODE));

    let metadata = start().document(Endpoint::Metadata).await.json;
    assert_eq!(metadata["device_authorization_endpoint"], "https://as.example/oauth2/device_authorization");
    assert!(metadata["grant_types_supported"].to_string().contains(DEVICE_CODE));
}

#[tokio::test]
async fn lifetime_and_interval_are_the_policys() {
    let policy = Policy::default().with_device_code_lifetime(seconds(60)).with_device_poll_interval(seconds(2));
    let server = config().policy(policy).start();
    let reply = server.post(Endpoint::DeviceAuthorization, APP, &[]).await;
    assert_eq!((&reply.json["expires_in"], &reply.json["interval"]), (&json!(60), &json!(2)));
    let default = Policy::default();
    for (name, policy) in [
        ("no lifetime", default.clone().with_device_code_lifetime(Duration::ZERO)),
        ("more than an hour", default.clone().with_device_code_lifetime(seconds(3601))),
        ("no interval", default.clone().with_device_poll_interval(Duration::from_millis(1))),
        ("more than a minute", default.clone().with_device_poll_interval(seconds(61))),
    ] {
        assert!(policy.validate().is_err(), "{name}");
    }
    let am = Policy::am_7_5();
    assert_eq!((am.device_code_lifetime, am.device_poll_interval), (seconds(300), seconds(5)));
}
