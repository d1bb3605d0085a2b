//! RFC 8707: resource indicators.

use fixtures::{APP, BILLING, Config, ORDERS, OTHER, Outcome, PASSWORD, REDIRECT, Server, USER, client, resources};
use serde_json::{Value, json};

const INVALID_TARGET: Outcome = (400, "invalid_target");
const ELSEWHERE: &str = "https://elsewhere.example/";

/// Returns the audience by introspection; null when there is none.
async fn audience(server: &Server, token: &str) -> Value {
    let told = server.introspect(APP, token).await;
    assert_eq!(told.json["active"], true, "{told:?}");
    told.json["aud"].clone()
}

fn refresh<'a>(refresh_token: &'a str, resources: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let resources = resources.iter().map(|resource| ("resource", *resource));
    [("grant_type", "refresh_token"), ("refresh_token", refresh_token)].into_iter().chain(resources).collect()
}

// RFC 8707 section 2.2: a subset of the granted resources; all of them when omitted. The grant keeps the whole.
#[tokio::test]
async fn a_refresh_narrows_the_audience_of_the_access_token_within_the_grant() {
    let server = Server::start();
    let whole = json!([BILLING, ORDERS]);
    let mut tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    assert_eq!(audience(&server, &tokens.access).await, whole);
    let cases: [(&[&str], Option<Value>); 16] = [
        (&[], Some(whole.clone())),
        (&[""], Some(whole.clone())),
        (&[ORDERS], Some(json!(ORDERS))),
        (&[BILLING, ORDERS], Some(whole.clone())),
        (&[ORDERS, ORDERS], Some(json!(ORDERS))),
        (&["", ORDERS], Some(json!(ORDERS))),
        (&[ELSEWHERE], None),
        (&[ORDERS, ELSEWHERE], None),
        // RFC 3986 sections 6.2.2 and 6.2.3. The token has the registered spelling.
        (&["https://API.example/orders"], Some(json!(ORDERS))),
        (&["HTTPS://api.example:443/orders"], Some(json!(ORDERS))),
        (&["https://api.example/%6frders", ORDERS], Some(json!(ORDERS))),
        (&["https://api.example/v1/../orders"], Some(json!(ORDERS))),
        // All else is another resource.
        (&["https://api.example/orders/"], None),
        (&["https://api.example/Orders"], None),
        (&["https://api.example"], None),
        (&["https://api.example/orders?x=1"], None),
    ];
    for (asked, expected) in cases {
        let before = server.store().snapshot();
        let reply = server.token(APP, &refresh(&tokens.refresh, asked)).await;
        if let Some(expected) = expected {
            tokens = reply.tokens();
            assert_eq!(audience(&server, &tokens.access).await, expected, "{asked:?}");
            assert_eq!(audience(&server, &tokens.refresh).await, whole, "{asked:?}: the grant keeps the whole");
        } else {
            assert_eq!(reply.outcome(), INVALID_TARGET, "{asked:?}");
            assert!(server.store().snapshot() == before, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn a_grant_has_the_registered_spelling_of_its_resources() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", "HTTPS://API.example/%6frders")]).await;
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(audience(&server, token).await, json!(ORDERS));
    }
}

// RFC 8707 section 2: an absolute URI without fragment.
#[tokio::test]
async fn a_resource_that_is_no_absolute_uri_is_invalid_target_in_every_flow() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS)]).await;
    let code = server.code(APP).await;
    let calls = server.store().calls();
    for malformed in [
        "orders",
        "/orders",
        "//api.example/orders",
        "https://api.example/#top",
        "https://api.example/orders#",
        "https://",
        "https:",
        ":orders",
        "1https://api.example",
        "https://api.example/a b",
        "https://api.example/\u{e9}",
        " https://api.example/orders",
        &format!("https://api.example/{}", "a".repeat(2048)),
    ] {
        let flows: [Vec<(&str, &str)>; 4] = [
            refresh(&tokens.refresh, &[malformed]),
            refresh(&tokens.refresh, &[ORDERS, malformed]),
            vec![("grant_type", "client_credentials"), ("resource", malformed)],
            vec![
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", REDIRECT),
                ("resource", malformed),
            ],
        ];
        for flow in flows {
            assert_eq!(server.token(APP, &flow).await.outcome(), INVALID_TARGET, "{malformed:?}");
        }
    }
    assert_eq!(server.store().calls(), calls);
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

// RFC 8707 section 2.2, with a code.
#[tokio::test]
async fn a_code_is_redeemed_for_what_was_approved_or_a_part_of_it() {
    let cases: [(&[&str], Option<Value>); 5] = [
        (&[], Some(json!([BILLING, ORDERS]))),
        (&[ORDERS], Some(json!(ORDERS))),
        (&[ORDERS, BILLING], Some(json!([BILLING, ORDERS]))),
        (&[ELSEWHERE], None),
        (&[ORDERS, ELSEWHERE], None),
    ];
    for (asked, expected) in cases {
        let server = Server::start();
        let code = server
            .code_for(APP, |mut request| {
                request.approval.resources = resources(&[ORDERS, BILLING]);
                request
            })
            .await;
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT)];
        parameters.extend(asked.iter().map(|resource| ("resource", *resource)));
        let reply = server.token(APP, &parameters).await;
        if let Some(expected) = expected {
            let tokens = reply.tokens();
            assert_eq!(audience(&server, &tokens.access).await, expected, "{asked:?}");
            assert_eq!(audience(&server, &tokens.refresh).await, json!([BILLING, ORDERS]), "{asked:?}");
        } else {
            assert_eq!(reply.outcome(), INVALID_TARGET, "{asked:?}");
            assert_eq!(server.redeem(APP, &code).await.status(), 200, "{asked:?}: the code was not consumed");
        }
    }
}

// RFC 9700 section 2.3: least privilege.
#[tokio::test]
async fn a_client_gets_tokens_for_its_registered_resources_alone() {
    let restricted = client(OTHER).with_resources(resources(&[ORDERS]));
    let server = Config::default().client(restricted, OTHER).start();
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    for grant in [&[("grant_type", "client_credentials")][..], &password] {
        for (asked, expected) in [(ORDERS, (200, "")), (BILLING, INVALID_TARGET), (ELSEWHERE, INVALID_TARGET)] {
            let parameters: Vec<_> = grant.iter().copied().chain([("resource", asked)]).collect();
            assert_eq!(server.token(OTHER, &parameters).await.outcome(), expected, "{parameters:?}");
        }
        let without = server.token(OTHER, grant).await;
        let told = server.introspect(OTHER, without.text("access_token")).await;
        assert_eq!((&told.json["active"], &told.json["aud"]), (&json!(true), &json!(ORDERS)), "the default");
    }
}

// The counterpart of Keycloak GHSA-895x for resources.
#[tokio::test]
async fn a_resource_withdrawn_from_the_registration_is_gone_from_living_grants() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let reduced = client(APP).with_resources(resources(&[ORDERS]));
    let reduced = server.restarted(|config| config.client(reduced, APP));
    assert_eq!(reduced.token(APP, &refresh(&tokens.refresh, &[BILLING])).await.outcome(), INVALID_TARGET);
    let narrowed = reduced.token(APP, &refresh(&tokens.refresh, &[])).await.tokens();
    assert_eq!(audience(&reduced, &narrowed.access).await, json!(ORDERS), "the rest");
}

// A grant without resources does not gain one on refresh.
#[tokio::test]
async fn a_grant_for_no_resource_gives_no_token_for_one() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    assert_eq!(server.token(APP, &refresh(&tokens.refresh, &[ORDERS])).await.outcome(), INVALID_TARGET);
    let next = server.token(APP, &refresh(&tokens.refresh, &[])).await.tokens();
    assert_eq!(audience(&server, &next.access).await, Value::Null);
}

// Within grace the same audience repeats the same access token, another one gives another.
#[tokio::test]
async fn a_repeated_refresh_for_another_audience_gives_another_access_token_beside_the_same_refresh_token() {
    let server = Server::start();
    let first = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let orders = server.token(APP, &refresh(&first.refresh, &[ORDERS])).await.tokens();
    let again = server.token(APP, &refresh(&first.refresh, &[ORDERS])).await.tokens();
    let billing = server.token(APP, &refresh(&first.refresh, &[BILLING])).await.tokens();
    assert_eq!(again, orders);
    assert_eq!(billing.refresh, orders.refresh);
    assert_ne!(billing.access, orders.access);
    assert_eq!(audience(&server, &billing.access).await, json!(BILLING));
    assert_eq!(audience(&server, &orders.access).await, json!(ORDERS));
}
