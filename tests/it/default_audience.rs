//! RFC 9068 section 3: the audience of tokens for requests that name no resource. Tokens and introspection agree.

use fixtures::{
    APP, AUDITOR, Auth, BILLING, Config, Form, ORDERS, ORDERS_API, Outcome, PASSWORD, REDIRECT, Server, StubIssuer,
    USER, claims, resources,
};
use regrant::policy::AccessTokenFormat;
use regrant::wire::Endpoint;
use regrant::{Client, GrantType, Policy, Resource};
use serde_json::{Value, json};

const INVALID_TARGET: Outcome = (400, "invalid_target");
const INVALID_GRANT: Outcome = (400, "invalid_grant");
const ELSEWHERE: &str = "https://elsewhere.example/";

/// A server whose client [`APP`] has these resources and every flow.
fn config(registered: &[&str], of_service: Option<&'static str>) -> Config {
    let endpoints = |endpoints: regrant::wire::Endpoints<_>| {
        let mut paths = endpoints.paths().clone();
        paths.device_verification = Some("/device".to_owned());
        endpoints.with_paths(paths).with_token_exchange()
    };
    let all = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::DeviceCode,
        GrantType::TokenExchange,
    ];
    let default_audience = of_service.map(Resource::from_static);
    Config { endpoints, default_audience, ..Config::default() }
        .with_client(APP, |client| client.with_resources(resources(registered)).with_grant_types(all.clone()))
}

fn changed(server: &Server, change: impl Fn(Client) -> Client) -> Server {
    server.restarted(|config| config.with_client(APP, change))
}

/// Returns the audience by introspection; null when there is none.
async fn audience(server: &Server, token: &str) -> Value {
    let told = server.introspect(AUDITOR, token).await;
    assert_eq!(told.json["active"], true, "{told:?}");
    told.json["aud"].clone()
}

/// An access token of each flow, for a request without `resource`.
async fn access_tokens(server: &Server) -> Vec<(&'static str, String)> {
    let tokens = server.sign_in(APP).await;
    let refreshed = server.refresh(APP, &tokens.refresh).await.tokens();
    let redeemed = server.redeem(APP, &server.code(APP).await).await.tokens();
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    let polled = server.poll(APP, &device).await.tokens();
    let exchanged = server.exchange(APP, &tokens.access, &[]).await;
    vec![
        ("password", tokens.access),
        ("refresh", refreshed.access),
        ("code", redeemed.access),
        ("device", polled.access),
        ("exchange", exchanged.text("access_token").to_owned()),
        ("client_credentials", server.own_token(APP).await),
    ]
}

#[tokio::test]
async fn the_resource_server_finds_its_token_active_in_every_flow_and_form() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let mut config = config(&[ORDERS], None).policy(Policy::default().with_access_token_format(format));
        config.jwt_issuer = Some(StubIssuer::default());
        let server = config.start();
        for (flow, token) in access_tokens(&server).await {
            let told = server.introspect(ORDERS_API, &token).await;
            assert_eq!((&told.json["active"], &told.json["aud"]), (&json!(true), &json!(ORDERS)), "{flow} {format:?}");
            if format == AccessTokenFormat::Jwt {
                assert_eq!(claims(&token)["aud"], json!([ORDERS]), "{flow}");
            }
        }
    }
}

#[tokio::test]
async fn the_field_of_the_client_counts_before_its_only_resource_and_that_before_the_service() {
    type Default = Option<&'static str>;
    let cases: [(&[&str], Default, Default, Value); 9] = [
        (&[], None, None, Value::Null),
        (&[], None, Some(ORDERS), json!(ORDERS)),
        (&[ORDERS], None, None, json!(ORDERS)),
        (&[ORDERS], None, Some(BILLING), json!(ORDERS)),
        (&[ORDERS], Some(BILLING), None, json!(BILLING)),
        (&[ORDERS, BILLING], None, None, Value::Null),
        (&[ORDERS, BILLING], None, Some(BILLING), json!(BILLING)),
        // A default gives no client a token for a resource that it is not registered for.
        (&[ORDERS, BILLING], None, Some(ELSEWHERE), Value::Null),
        (&[], Some(BILLING), Some(ORDERS), json!(BILLING)),
    ];
    for (registered, of_client, of_service, expected) in cases {
        let of_client = of_client.map(Resource::from_static);
        let server = config(registered, of_service)
            .with_client(APP, |client| client.with_default_audience(of_client.clone()))
            .start();
        let token = server.own_token(APP).await;
        assert_eq!(audience(&server, &token).await, expected, "{registered:?} {of_client:?} {of_service:?}");
    }
}

#[tokio::test]
async fn a_client_may_name_its_default_audience_and_no_other_unregistered_resource() {
    let server = config(&[], Some(ORDERS)).start();
    let named = [("grant_type", "client_credentials"), ("scope", "read"), ("resource", ORDERS)];
    let reply = server.token(APP, &named).await;
    assert_eq!(audience(&server, reply.text("access_token")).await, json!(ORDERS));
    let other = [("grant_type", "client_credentials"), ("scope", "read"), ("resource", BILLING)];
    assert_eq!(server.token(APP, &other).await.outcome(), INVALID_TARGET);
    // A refresh may name it too: the reach of a grant without resources is the default.
    let tokens = server.sign_in(APP).await;
    let refresh =
        |resource| vec![("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh), ("resource", resource)];
    assert_eq!(server.token(APP, &refresh(BILLING)).await.outcome(), INVALID_TARGET);
    let next = server.token(APP, &refresh(ORDERS)).await.tokens();
    assert_eq!(audience(&server, &next.access).await, json!(ORDERS));
    // A default of the client is one more resource, beside those that it is registered for.
    let server = changed(&server, |client| {
        client.with_resources(resources(&[ORDERS, BILLING])).with_default_audience(Resource::from_static(ELSEWHERE))
    });
    for named in [ORDERS, ELSEWHERE] {
        let tokens = server.sign_in_for(APP, &[("resource", named)]).await;
        assert_eq!(audience(&server, &tokens.access).await, json!(named));
        assert_eq!(audience(&server, &server.refresh(APP, &tokens.refresh).await.tokens().access).await, json!(named));
    }
}

#[tokio::test]
async fn a_grant_that_is_older_than_the_setting_gets_it_with_the_next_token() {
    let server = config(&[], None).start();
    let tokens = server.sign_in(APP).await;
    assert_eq!(audience(&server, &tokens.access).await, Value::Null);
    let server = changed(&server, |client| client.with_resources(resources(&[ORDERS])));
    assert_eq!(audience(&server, &tokens.access).await, Value::Null, "an issued token does not change");
    let tokens = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(audience(&server, &tokens.access).await, json!(ORDERS));
}

// An operator who moves an API must not sign out every user.
#[tokio::test]
async fn a_new_default_audience_ends_no_session() {
    let server = config(&[ORDERS], None).start();
    let tokens = server.sign_in(APP).await;
    let server = changed(&server, |client| client.with_resources(resources(&[BILLING])));
    let tokens = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(audience(&server, &tokens.access).await, json!(BILLING));
    let server = changed(&server, |client| client.with_resources(resources(&[])));
    let tokens = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(audience(&server, &tokens.access).await, Value::Null);
}

#[tokio::test]
async fn a_resource_that_was_named_and_then_withdrawn_is_not_replaced_by_the_default() {
    let server = config(&[ORDERS, BILLING], None).start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS)]).await;
    let server = changed(&server, |client| client.with_resources(resources(&[BILLING])));
    assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), INVALID_GRANT);
}

#[tokio::test]
async fn a_retry_repeats_the_access_token_of_the_default_audience() {
    let server = config(&[ORDERS], None).start();
    let tokens = server.sign_in(APP).await;
    let lost = server.refresh(APP, &tokens.refresh).await.tokens();
    assert_eq!(server.refresh(APP, &tokens.refresh).await.tokens(), lost);
}

// RFC 8693 section 2.2.1: the target of a request that names none is the choice of the server.
#[tokio::test]
async fn an_exchange_without_a_target_gets_a_common_resource_or_else_the_default_of_the_client() {
    let server = config(&[ORDERS], None)
        .with_client(ORDERS_API, |client| {
            client.with_grant_types([GrantType::TokenExchange]).with_resources(resources(&[BILLING]))
        })
        .start();
    let tokens = server.sign_in(APP).await;
    let reply = server.exchange(ORDERS_API, &tokens.access, &[]).await;
    assert_eq!(audience(&server, reply.text("access_token")).await, json!(BILLING));
    let server = server.restarted(|config| {
        config.with_client(ORDERS_API, |client| client.with_resources(resources(&[BILLING, ELSEWHERE])))
    });
    assert_eq!(server.exchange(ORDERS_API, &tokens.access, &[]).await.outcome(), INVALID_TARGET);
}

#[tokio::test]
async fn the_approval_of_a_device_is_what_the_user_saw() {
    let server = config(&[ORDERS], None).start();
    let device = server.device(APP).await;
    let asked = server.service().device(&device.user_code).await.unwrap().unwrap();
    assert!(asked.approval.resources.is_empty());
    let approval = Server::device_approval().with_resources(resources(&[BILLING]));
    assert!(server.service().approve_device(&device.user_code, approval).await.is_err());
}

/// A request of each flow with this `audience`.
fn requests<'a>(audience: &'a str, code: &'a str, refresh_token: &'a str) -> [(Endpoint, Vec<(&'a str, &'a str)>); 5] {
    [
        (Endpoint::Token, vec![("grant_type", "client_credentials"), ("scope", "read"), ("audience", audience)]),
        (
            Endpoint::Token,
            vec![("grant_type", "password"), ("username", USER), ("password", PASSWORD), ("audience", audience)],
        ),
        (
            Endpoint::Token,
            vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT),
                ("audience", audience),
            ],
        ),
        (
            Endpoint::Token,
            vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("audience", audience)],
        ),
        (Endpoint::DeviceAuthorization, vec![("audience", audience)]),
    ]
}

async fn answers(server: &Server, audience: &str) -> Vec<(u16, String, Value)> {
    let named: Form<'_> = &[("resource", ORDERS), ("resource", BILLING)];
    let tokens = server.sign_in_for(APP, named).await;
    let code = server
        .code_for(APP, |mut request| {
            request.approval.resources = resources(&[ORDERS, BILLING]);
            request
        })
        .await;
    let mut answers = Vec::new();
    for (endpoint, request) in requests(audience, &code, &tokens.refresh) {
        let reply = server.post(endpoint, APP, &request).await;
        let aud = match reply.json["access_token"].as_str() {
            Some(token) => self::audience(server, token).await,
            None => Value::Null,
        };
        let (status, word) = reply.outcome();
        answers.push((status, word.to_owned(), aud));
    }
    answers
}

#[tokio::test]
async fn the_parameter_audience_is_a_synonym_of_resource_for_clients_that_are_configured_so() {
    let server = config(&[ORDERS, BILLING], None).start();
    // Ignored, however malformed: RFC 6749 section 3.2.
    let whole = json!([BILLING, ORDERS]);
    let ignored = [Value::Null, Value::Null, whole.clone(), whole, Value::Null].map(|aud| (200, String::new(), aud));
    assert_eq!(answers(&server, ORDERS).await, ignored);
    assert_eq!(answers(&server, "orders").await, ignored);

    let server = changed(&server, |client| client.with_accepts_audience(true));
    let orders =
        [json!(ORDERS), json!(ORDERS), json!(ORDERS), json!(ORDERS), Value::Null].map(|aud| (200, String::new(), aud));
    assert_eq!(answers(&server, ORDERS).await, orders);
    for wrong in ["orders", ELSEWHERE] {
        for (status, word, _) in answers(&server, wrong).await {
            assert_eq!((status, &*word), INVALID_TARGET, "{wrong}");
        }
    }
    let both = [("grant_type", "client_credentials"), ("scope", "read"), ("resource", ORDERS), ("audience", BILLING)];
    let reply = server.token(APP, &both).await;
    assert_eq!(audience(&server, reply.text("access_token")).await, json!([BILLING, ORDERS]));
}

// A malformed audience of a stranger is no question about the client.
#[tokio::test]
async fn the_audience_is_read_after_the_client_has_authenticated() {
    let server = config(&[ORDERS], None).with_client(APP, |client| client.with_accepts_audience(true)).start();
    let wrong = Auth::Basic(APP.id(), "wrong");
    for auth in [wrong, Auth::Basic("nobody", "wrong")] {
        let request = [("grant_type", "client_credentials"), ("audience", "orders")];
        assert_eq!(server.token(auth, &request).await.outcome(), (401, "invalid_client"));
    }
}
