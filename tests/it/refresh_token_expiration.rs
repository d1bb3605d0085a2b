//! draft-ietf-oauth-refresh-token-expiration: the remaining times of a refresh token and its authorization, in token
//! responses, at introspection and in the metadata.

use std::time::Duration;

use fixtures::{APP, AUDITOR, Auth, Config, OTHER, REDIRECT, Reply, SPA, START, Server, StubVerifier, client, seconds};
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant::policy::{ClientPolicy, Lifetime, RefreshTokenExpiration};
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{GrantType, Policy};
use serde_json::{Value, json};

const HOUR: Duration = seconds(3600);
const DAY: Duration = seconds(24 * 3600);
const MILLISECOND: Duration = Duration::from_millis(1);
const NEVER: Option<Duration> = None;

fn lifetime(span: Option<Duration>) -> Lifetime {
    span.map_or(Lifetime::Never, Lifetime::Of)
}

/// A policy that tells, with these lifetimes of unused refresh tokens and of grants.
fn telling(unused: Option<Duration>, grant: Option<Duration>) -> Policy {
    Policy::default()
        .with_refresh_token_expiration(RefreshTokenExpiration::Draft)
        .with_refresh_token_lifetime(lifetime(unused))
        .with_grant_lifetime(lifetime(grant))
}

/// The two times of an answer, in seconds.
fn told(reply: &Reply) -> (Option<u64>, Option<u64>) {
    assert_eq!(reply.status(), 200, "{reply:?}");
    (reply.json["refresh_token_timeout"].as_u64(), reply.json["authorization_expires_in"].as_u64())
}

const fn days(unused: u64, grant: u64) -> (Option<u64>, Option<u64>) {
    (Some(unused * 86_400), Some(grant * 86_400))
}

async fn signed_in(server: &Server, auth: Auth<'_>) -> Reply {
    let password = [("grant_type", "password"), ("username", fixtures::USER), ("password", fixtures::PASSWORD)];
    server.token(auth, &password).await
}

async fn refreshed(server: &Server, earlier: &Reply) -> Reply {
    server.refresh(APP, earlier.text("refresh_token")).await
}

// The example of section 6.4: 7 days without use, 10 days in all.
#[tokio::test]
async fn the_times_count_from_each_response_and_the_shorter_one_is_cut() {
    let server = Server::with_policy(telling(Some(7 * DAY), Some(10 * DAY)));
    let first = signed_in(&server, APP).await;
    assert_eq!(told(&first), days(7, 10));
    server.advance(2 * DAY);
    let second = refreshed(&server, &first).await;
    assert_eq!(told(&second), days(7, 8));
    server.advance(5 * DAY);
    assert_eq!(told(&refreshed(&server, &second).await), days(3, 3));

    let server = Server::with_policy(telling(Some(7 * DAY), Some(10 * DAY)));
    let held = signed_in(&server, APP).await;
    server.advance(8 * DAY);
    assert_eq!(refreshed(&server, &held).await.outcome(), (400, "invalid_grant"));
}

// Section 6.1.2: an omitted time has no bound.
#[tokio::test]
async fn a_time_without_end_is_omitted() {
    for (unused, grant, expected) in [
        (NEVER, NEVER, (None, None)),
        (Some(DAY), NEVER, (Some(86_400), None)),
        // The token ends with its grant, although it needs no use before.
        (NEVER, Some(DAY), days(1, 1)),
        (Some(2 * DAY), Some(DAY), days(1, 1)),
    ] {
        let server = Server::with_policy(telling(unused, grant));
        let first = signed_in(&server, APP).await;
        assert_eq!(told(&first), expected, "{unused:?} {grant:?}");
        assert_eq!(told(&refreshed(&server, &first).await), expected, "{unused:?} {grant:?}");
    }
}

// Section 6.1: without `refresh_token` in the response the times are those of the presented token.
#[tokio::test]
async fn without_rotation_the_times_are_those_of_the_token_that_stays() {
    for (extends, expected) in [(true, days(7, 8)), (false, days(5, 8))] {
        let policy = telling(Some(7 * DAY), Some(10 * DAY)).with_issue_refresh_tokens_on_refresh(false);
        let server = Server::with_policy(policy.with_extend_on_use(extends));
        let first = signed_in(&server, APP).await;
        assert_eq!(told(&first), days(7, 10));
        server.advance(2 * DAY);
        let second = refreshed(&server, &first).await;
        assert_eq!(second.json.get("refresh_token"), None);
        assert_eq!(told(&second), expected, "extends: {extends}");
    }
}

#[tokio::test]
async fn a_replay_tells_what_is_left_at_the_replay() {
    let server = Server::with_policy(telling(Some(7 * DAY), Some(10 * DAY)));
    let first = signed_in(&server, APP).await;
    server.advance(HOUR);
    let lost = refreshed(&server, &first).await;
    assert_eq!(told(&lost), (Some(7 * 86_400), Some(10 * 86_400 - 3600)));
    server.advance(seconds(59));
    let replayed = refreshed(&server, &first).await;
    assert_eq!(replayed.text("refresh_token"), lost.text("refresh_token"));
    assert_eq!(replayed.text("access_token"), lost.text("access_token"));
    assert_eq!(told(&replayed), (Some(7 * 86_400 - 59), Some(10 * 86_400 - 3659)));
}

// A stricter policy applies to existing grants at once, and a relaxed one lengthens nothing.
#[tokio::test]
async fn the_policy_of_today_counts() {
    let server = Server::with_policy(telling(Some(7 * DAY), Some(10 * DAY)));
    let first = signed_in(&server, APP).await;
    server.advance(HOUR);
    refreshed(&server, &first).await;
    server.advance(HOUR);
    let under = |unused, grant| server.restarted(|config| config.policy(telling(unused, grant)));
    for (unused, grant, expected) in [
        (Some(DAY), Some(10 * DAY), (23 * 3600, 10 * 86_400 - 7200)),
        (Some(7 * DAY), Some(DAY), (22 * 3600, 22 * 3600)),
        (Some(DAY), NEVER, (23 * 3600, 10 * 86_400 - 7200)),
        (NEVER, NEVER, (7 * 86_400 - 3600, 10 * 86_400 - 7200)),
    ] {
        let replayed = refreshed(&under(unused, grant), &first).await;
        assert_eq!(told(&replayed), (Some(expected.0), Some(expected.1)), "{unused:?} {grant:?}");
    }
}

// The host is told the same end as the client.
#[tokio::test]
async fn the_expiry_of_a_replay_is_that_of_the_policy_of_today_for_the_host_too() {
    let server = Server::start();
    let first = server.sign_in(APP).await;
    server.refresh(APP, &first.refresh).await;
    server.advance(HOUR);
    let strict = server.restarted(|config| config.policy(Policy::default().with_refresh_token_lifetime(DAY.into())));
    let app = regrant::AuthenticatedClient::assertion(client(APP).into());
    let replayed = strict.service().refresh(&app, &regrant::RefreshRequest::new(first.refresh)).await.unwrap();
    assert_eq!(replayed.refresh_token_expires_at, Some(START + DAY));
    assert_eq!((replayed.refresh_token_timeout(), replayed.authorization_expires_in()), (None, None));
}

#[tokio::test]
async fn a_host_that_introspects_is_told_the_times_of_the_protocol() {
    let server = Server::with_policy(telling(Some(7 * DAY), Some(8 * DAY)));
    let first = signed_in(&server, APP).await;
    server.advance(2 * DAY);
    let app = regrant::AuthenticatedClient::assertion(client(APP).into());
    let active = server.service().introspect(&app, first.text("refresh_token")).await.unwrap().unwrap();
    assert_eq!((active.refresh_token_timeout(), active.authorization_expires_in()), (Some(5 * DAY), Some(6 * DAY)));
}

// A node whose clock is behind that of the node which issued the token.
#[tokio::test]
async fn a_node_behind_the_issue_tells_the_whole_times_and_no_more() {
    for rotates in [true, false] {
        let policy = telling(Some(DAY), Some(10 * DAY)).with_issue_refresh_tokens_on_refresh(rotates);
        let ahead = Server::with_policy(policy.with_extend_on_use(false));
        ahead.advance(HOUR);
        let first = signed_in(&ahead, APP).await;
        let behind = Timestamp::from_millis(ahead.config.clock.now().as_millis() - 3000);
        let clock = ManualClock::starting_at(behind);
        let last = if rotates { refreshed(&ahead, &first).await } else { signed_in(&ahead, APP).await };
        let behind = ahead.restarted(|config| Config { clock, ..config });
        let presented = if rotates { &first } else { &last };
        assert_eq!(told(&refreshed(&behind, presented).await), days(1, 10), "rotates: {rotates}");
    }
}

// Seconds are rounded down, and a time of less than a second is 0: to omit it would mean no bound.
#[tokio::test]
async fn what_is_told_is_never_more_than_what_is_left() {
    let server = Server::with_policy(telling(Some(seconds(2)), Some(DAY)));
    let first = signed_in(&server, APP).await;
    refreshed(&server, &first).await;
    for (pause, expected) in [(MILLISECOND, 1), (seconds(1), 0), (Duration::from_millis(998), 0)] {
        server.advance(pause);
        assert_eq!(told(&refreshed(&server, &first).await).0, Some(expected), "{pause:?} later");
    }
    server.advance(MILLISECOND);
    assert_eq!(refreshed(&server, &first).await.outcome(), (400, "invalid_grant"));
}

// A client that refreshes before the time that it was told is served, and one that refreshes at that time is not.
#[tokio::test]
async fn the_token_is_accepted_until_the_time_that_was_told_and_no_longer() {
    for rotates in [true, false] {
        for extends in [true, false] {
            for (unused, grant) in [(Some(DAY), NEVER), (Some(7 * DAY), Some(10 * DAY)), (NEVER, Some(3 * DAY))] {
                let policy =
                    telling(unused, grant).with_issue_refresh_tokens_on_refresh(rotates).with_extend_on_use(extends);
                let server = Server::with_policy(policy);
                let first = signed_in(&server, APP).await;
                server.advance(13 * HOUR);
                let second = refreshed(&server, &first).await;
                let token = if rotates { second.text("refresh_token") } else { first.text("refresh_token") };
                let told = told(&second).0.unwrap();
                let is_active = |at: Duration| {
                    let later = ManualClock::starting_at(server.config.clock.now() + at);
                    let later = server.restarted(|config| Config { clock: later, ..config });
                    async move { later.introspect(APP, token).await.json["active"] == true }
                };
                let what = format!("rotates: {rotates}, extends: {extends}, {unused:?}, {grant:?}: told {told} s");
                assert!(is_active(seconds(told) - MILLISECOND).await, "{what}");
                assert!(!is_active(seconds(told)).await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn every_flow_with_a_refresh_token_tells_and_no_other() {
    let config = Config { proof_verifier: Some(StubVerifier::default()), ..Config::default() };
    let flows = [GrantType::DeviceCode, GrantType::TokenExchange];
    let config = config.policy(telling(Some(7 * DAY), Some(10 * DAY))).with_client(APP, |mut client| {
        client.grant_types.extend(flows.clone());
        client
    });
    let endpoints = |endpoints: Endpoints<_>| {
        let paths = Paths { device_verification: Some("/device".to_owned()), ..Paths::default() };
        endpoints.with_paths(paths).with_token_exchange()
    };
    let server = Config { endpoints, ..config }.start();
    let first = signed_in(&server, APP).await;
    assert_eq!(told(&first), days(7, 10), "password");
    assert_eq!(told(&server.redeem(APP, &server.code(APP).await).await), days(7, 10), "code");
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    assert_eq!(told(&server.poll(APP, &device).await), days(7, 10), "device");
    let bound = server.redeem_with(SPA, &StubVerifier::proof("A"), &server.code(SPA).await).await;
    assert_eq!(told(&bound), days(7, 10), "a public client with a key");

    let own = server.token(APP, &[("grant_type", "client_credentials")]).await;
    assert_eq!(told(&own), (None, None), "client credentials");
    assert_eq!(told(&server.exchange(APP, first.text("access_token"), &[]).await), (None, None), "exchange");
    let access_only = server.restarted(|config| {
        let policy = config.policy.clone().with_issue_refresh_tokens(false);
        config.policy(policy)
    });
    assert_eq!(told(&signed_in(&access_only, APP).await), (None, None), "no refresh token");
}

// Section 7. The caller is the client of the token: an access token, and another caller, learn nothing of it.
#[tokio::test]
async fn introspection_of_a_refresh_token_tells_its_client_and_restarts_nothing() {
    let server = Server::with_policy(telling(Some(7 * DAY), Some(10 * DAY)));
    let tokens = server.sign_in(APP).await;
    for age in [1, 2] {
        server.advance(DAY);
        let introspected = server.introspect(APP, &tokens.refresh).await;
        assert_eq!(told(&introspected), days(7 - age, 10 - age));
    }
    assert_eq!(told(&server.introspect(AUDITOR, &tokens.refresh).await), (None, None));
    let second = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(told(&server.introspect(APP, &second.access).await), (None, None));
    server.advance(5 * DAY);
    let silent = server.restarted(|config| config.policy(Policy::default()));
    assert_eq!(told(&silent.introspect(APP, &second.refresh).await), (None, None));
    assert_eq!(told(&server.introspect(APP, &second.refresh).await), days(2, 3));
}

// The metadata is that of the provider, and a client may be told or not.
#[tokio::test]
async fn the_metadata_names_the_types_and_a_client_overrides_the_provider() {
    const TYPES: &str = "refresh_token_expiration_types_supported";
    let silent = ClientPolicy::default().with_refresh_token_expiration(RefreshTokenExpiration::None);
    let policy = telling(Some(7 * DAY), NEVER);
    let server = Config::default().policy(policy).client(client(OTHER).with_policy(silent), OTHER).start();
    let document = server.document(Endpoint::Metadata).await.json;
    assert_eq!(document[TYPES], json!(["authorization", "token_timeout"]));
    assert_eq!(told(&signed_in(&server, APP).await), (Some(7 * 86_400), None));
    assert_eq!(told(&signed_in(&server, OTHER).await), (None, None));

    let informed = ClientPolicy::default().with_refresh_token_expiration(RefreshTokenExpiration::Draft);
    let server = Config::default().client(client(OTHER).with_policy(informed), OTHER).start();
    assert_eq!(server.document(Endpoint::Metadata).await.json.get(TYPES), None::<&Value>);
    assert_eq!(told(&signed_in(&server, OTHER).await), (Some(7 * 86_400), None));
}

// OAuth 2.1 (draft -16) section 1.3.2: no member tells the expiry. Only the switch adds one.
#[tokio::test]
async fn no_ready_policy_tells() {
    for policy in [Policy::default(), Policy::am_7_5(), Policy::browser()] {
        let server = Server::with_policy(policy);
        let code = server.code_for(APP, |request| request.with_code_challenge(fixtures::challenge(fixtures::VERIFIER)));
        let redemption = [
            ("grant_type", "authorization_code"),
            ("code", &code.await),
            ("redirect_uri", REDIRECT),
            ("code_verifier", fixtures::VERIFIER),
        ];
        let first = server.token(APP, &redemption).await;
        assert!(first.json["refresh_token"].is_string());
        assert_eq!(told(&first), (None, None));
        assert_eq!(told(&refreshed(&server, &first).await), (None, None));
    }
}
