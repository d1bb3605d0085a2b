//! RFC 9396: authorization details, from the approval to the resource server.

use std::sync::Arc;

use fixtures::{
    APP, AUDITOR, Auth, Config, ORDERS, OTHER, REDIRECT, SPA, Server, StubIssuer, USER, WatchedStore, claims, client,
    scope, subject,
};
use regrant::device::DeviceAuthorizationRequest;
use regrant::event::{ErrorCode, EventKind};
use regrant::policy::AccessTokenFormat;
use regrant::wire::{Endpoint, Endpoints, MalformedRequest, Paths};
use regrant::{
    Approval, AuthenticatedClient, AuthorizationDetails, AuthorizeRequest, Client, GrantType, InvalidValue, Policy,
    Refusal, TokenError,
};
use serde_json::{Value, json};

const ACCOUNTS: &str = r#"{"actions":["list_accounts","read_balances"],"type":"account_information"}"#;
const PAYMENT: &str =
    r#"{"instructedAmount":{"amount":"123.50","currency":"EUR"},"type":"payment_initiation","when":"now"}"#;
const OTHER_PAYMENT: &str =
    r#"{"instructedAmount":{"amount":"123.51","currency":"EUR"},"type":"payment_initiation","when":"now"}"#;
const TYPES: [&str; 2] = ["account_information", "payment_initiation"];
const REFUSED: fixtures::Outcome = (400, "invalid_authorization_details");

fn array(objects: &[&str]) -> String {
    format!("[{}]", objects.join(","))
}

fn details(objects: &[&str]) -> AuthorizationDetails {
    AuthorizationDetails::new(array(objects)).unwrap()
}

fn value(objects: &[&str]) -> Value {
    serde_json::from_str(&array(objects)).unwrap()
}

fn config() -> Config {
    let flows = [GrantType::TokenExchange, GrantType::DeviceCode];
    let with_flows = |client: Client| {
        let all = client.grant_types.clone().into_iter().chain(flows.clone());
        client.with_authorization_details_types(TYPES).with_grant_types(all)
    };
    [APP, OTHER, SPA]
        .into_iter()
        .fold(Config { endpoints: with_flows_of_the_host, ..Config::default() }, |config, auth| {
            config.with_client(auth, with_flows)
        })
}

fn with_flows_of_the_host(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    let paths = Paths { device_verification: Some("/device".to_owned()), ..Paths::default() };
    endpoints.with_token_exchange().with_paths(paths)
}

/// A server, and a code for both objects.
async fn server_and_code() -> (Server, String) {
    let server = config().start();
    let code = server.code_for(APP, with_both).await;
    (server, code)
}

fn with_both(mut request: AuthorizeRequest) -> AuthorizeRequest {
    request.approval.authorization_details = Some(details(&[ACCOUNTS, PAYMENT]));
    request
}

/// First tokens for both objects.
async fn both(server: &Server) -> fixtures::Tokens {
    server.sign_in_for(APP, &[("authorization_details", &array(&[ACCOUNTS, PAYMENT]))]).await
}

async fn refresh_for(server: &Server, token: &str, asked: &str) -> fixtures::Reply {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", token), ("authorization_details", asked)];
    server.token(APP, &parameters).await
}

fn authenticated(auth: Auth<'_>, change: impl FnOnce(Client) -> Client) -> AuthenticatedClient {
    AuthenticatedClient::assertion(Arc::new(change(client(auth))))
}

#[test]
fn details_are_an_array_of_objects_with_a_type_and_bounded() {
    let nested = |depth: usize| format!(r#"[{{"type":"a","x":{}1{}}}]"#, "[".repeat(depth), "]".repeat(depth));
    let objects = |count: usize| array(&vec![r#"{"type":"a"}"#; count]);
    let values = |count: usize| format!(r#"[{{"type":"a","x":[{}]}}]"#, vec!["1"; count].join(","));
    let long = |length: usize| format!(r#"[{{"type":"{}"}}]"#, "a".repeat(length - 13));
    for accepted in [nested(6), objects(32), values(508), long(4096), r#"[{"type":"é\u0000"}]"#.to_owned()] {
        assert!(AuthorizationDetails::new(&accepted).is_ok(), "{accepted}");
    }
    for refused in [
        nested(7),
        objects(33),
        values(509),
        long(4097),
        nested(100_000),
        "[".repeat(4096),
        String::new(),
        "[]".to_owned(),
        "null".to_owned(),
        r#"{"type":"a"}"#.to_owned(),
        r#"["a"]"#.to_owned(),
        r#"[{"type":"a"},1]"#.to_owned(),
        r#"[{"typ":"a"}]"#.to_owned(),
        r#"[{"type":""}]"#.to_owned(),
        r#"[{"type":1}]"#.to_owned(),
        r#"[{"type":"a"}] x"#.to_owned(),
        r#"[{"type":"a"}"#.to_owned(),
        r#"[{"type":"a","type":"a"}]"#.to_owned(),
        r#"[{"type":"a","x":{"y":1,"\u0079":2}}]"#.to_owned(),
        r#"[{"type":"a","x":1e999}]"#.to_owned(),
    ] {
        let error: InvalidValue = AuthorizationDetails::new(&refused).unwrap_err();
        assert!(!error.to_string().contains('{'), "nothing of the text is repeated");
    }
}

#[test]
fn spaces_and_the_order_of_members_do_not_distinguish_details() {
    let spaced = AuthorizationDetails::new(
        r#" [ { "type" : "account_information" , "actions" : [ "list_accounts", "read_balances" ] } ] "#,
    );
    let spaced = spaced.unwrap();
    assert_eq!(spaced.as_str().find(' '), None);
    assert!(spaced.is_subset_of(&details(&[PAYMENT, ACCOUNTS])));
    let fewer = AuthorizationDetails::from_static(r#"[{"type":"account_information","actions":["list_accounts"]}]"#);
    assert!(!fewer.is_subset_of(&spaced), "the library does not know which members of a type mean less");
    let both = details(&[ACCOUNTS, PAYMENT]);
    assert_eq!(both.intersection(&details(&[PAYMENT, ACCOUNTS])), Some(both.clone()));
    assert_eq!(both.intersection(&details(&[OTHER_PAYMENT])), None);
    assert_eq!(both.of_types(&["payment_initiation".to_owned()]), Some(details(&[PAYMENT])));
    assert_eq!(AuthorizationDetails::try_from(value(&[ACCOUNTS])).unwrap(), details(&[ACCOUNTS]));
}

#[test]
fn debug_shows_no_account_and_no_amount() {
    let approval = Approval::of(subject(USER)).with_authorization_details(details(&[PAYMENT]));
    let shown = format!("{approval:?}");
    assert!(shown.contains("AuthorizationDetails(") && !shown.contains("123"), "{shown}");
}

#[tokio::test]
async fn a_code_gives_the_approved_details_to_the_client_and_the_resource_server() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let policy = Policy::default().with_access_token_format(format);
        let server = Config { jwt_issuer: Some(StubIssuer::default()), ..config() }.policy(policy).start();
        let both = value(&[ACCOUNTS, PAYMENT]);
        let code = server.code_for(APP, with_both).await;
        let reply = server.redeem(APP, &code).await;
        assert_eq!(reply.json["authorization_details"], both, "{reply:?}");
        let tokens = reply.tokens();
        if format == AccessTokenFormat::Jwt {
            assert_eq!(claims(&tokens.access)["authorization_details"], both);
        }
        for token in [&tokens.access, &tokens.refresh] {
            assert_eq!(server.introspect(AUDITOR, token).await.json["authorization_details"], both);
        }
        let next = server.refresh(APP, &tokens.refresh).await;
        assert_eq!(next.json["authorization_details"], both);
    }
}

#[tokio::test]
async fn tokens_without_details_have_no_such_member() {
    let server = Config { jwt_issuer: Some(StubIssuer::default()), ..config() }
        .policy(Policy::default().with_access_token_format(AccessTokenFormat::Jwt))
        .start();
    let reply = server.redeem(APP, &server.code(APP).await).await;
    assert_eq!(reply.json["authorization_details"], Value::Null);
    let tokens = reply.tokens();
    assert_eq!(claims(&tokens.access)["authorization_details"], Value::Null);
    assert_eq!(server.introspect(AUDITOR, &tokens.access).await.json["authorization_details"], Value::Null);
    assert_eq!(refresh_for(&server, &tokens.refresh, &array(&[ACCOUNTS])).await.outcome(), REFUSED);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
}

#[tokio::test]
async fn a_redemption_narrows_one_token_and_the_next_refresh_gets_everything_again() {
    let (server, code) = server_and_code().await;
    let asked = array(&[PAYMENT]);
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("authorization_details", &asked),
    ];
    let narrow = server.token(APP, &parameters).await;
    assert_eq!(narrow.json["authorization_details"], value(&[PAYMENT]));
    let narrow = narrow.tokens();
    assert_eq!(server.introspect(AUDITOR, &narrow.access).await.json["authorization_details"], value(&[PAYMENT]));
    let both = value(&[ACCOUNTS, PAYMENT]);
    assert_eq!(server.introspect(AUDITOR, &narrow.refresh).await.json["authorization_details"], both);
    assert_eq!(server.refresh(APP, &narrow.refresh).await.json["authorization_details"], both);
}

#[tokio::test]
async fn a_refresh_gets_the_granted_objects_that_it_names_in_the_order_of_the_grant() {
    let server = config().start();
    let tokens = both(&server).await;
    let reordered = r#"[{"type":"account_information","actions":["list_accounts","read_balances"]}]"#;
    let reply = refresh_for(&server, &tokens.refresh, reordered).await;
    assert_eq!(reply.json["authorization_details"], value(&[ACCOUNTS]));
    let next = reply.tokens();
    let reply = refresh_for(&server, &next.refresh, &array(&[PAYMENT, ACCOUNTS, PAYMENT])).await;
    assert_eq!(reply.json["authorization_details"], value(&[ACCOUNTS, PAYMENT]));
}

#[tokio::test]
async fn details_that_were_not_granted_are_refused_and_neither_code_nor_token_is_used_up() {
    let (server, code) = server_and_code().await;
    let fewer = r#"[{"type":"account_information","actions":["list_accounts"]}]"#;
    let more = array(&[ACCOUNTS, OTHER_PAYMENT]);
    let before = server.store().snapshot();
    for asked in [fewer, &more] {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("authorization_details", asked),
        ];
        assert_eq!(server.token(APP, &parameters).await.outcome(), REFUSED);
    }
    assert_eq!(server.store().snapshot(), before);
    let tokens = server.redeem(APP, &code).await.tokens();
    let before = server.store().snapshot();
    server.config.events.take();
    for asked in [fewer, &more] {
        assert_eq!(refresh_for(&server, &tokens.refresh, asked).await.outcome(), REFUSED);
    }
    let expected = EventKind::Refused(Refusal::AuthorizationDetailsExceeded);
    assert_eq!(server.config.events.kinds(), [expected, expected]);
    assert_eq!(server.store().snapshot(), before);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
}

// The same reach is repeated byte for byte, another one is not.
#[tokio::test]
async fn a_retry_for_other_details_gets_another_access_token_beside_the_same_refresh_token() {
    let server = config().start();
    let tokens = both(&server).await;
    let accounts = refresh_for(&server, &tokens.refresh, &array(&[ACCOUNTS])).await.tokens();
    let again = refresh_for(&server, &tokens.refresh, &array(&[ACCOUNTS])).await;
    assert_eq!((again.json["authorization_details"].clone(), again.tokens()), (value(&[ACCOUNTS]), accounts.clone()));
    for (asked, told) in [(array(&[PAYMENT]), value(&[PAYMENT])), (String::new(), value(&[ACCOUNTS, PAYMENT]))] {
        let other = refresh_for(&server, &tokens.refresh, &asked).await;
        assert_eq!(other.json["authorization_details"], told);
        let other = other.tokens();
        assert_eq!(other.refresh, accounts.refresh);
        assert_ne!(other.access, accounts.access);
    }
    assert_eq!(server.introspect(AUDITOR, &accounts.access).await.json["authorization_details"], value(&[ACCOUNTS]));
}

#[tokio::test]
async fn a_type_that_was_withdrawn_is_gone_from_the_next_refresh_on() {
    let server = config().start();
    let tokens = both(&server).await;
    let fewer = server.restarted(|config| {
        config.with_client(APP, |client| client.with_authorization_details_types(["account_information"]))
    });
    let reply = fewer.refresh(APP, &tokens.refresh).await;
    assert_eq!(reply.json["authorization_details"], value(&[ACCOUNTS]));
    let next = reply.tokens();
    assert_eq!(refresh_for(&fewer, &next.refresh, &array(&[PAYMENT])).await.outcome(), REFUSED);
    let none =
        server.restarted(|config| config.with_client(APP, |client| client.with_authorization_details_types([""; 0])));
    assert_eq!(none.refresh(APP, &next.refresh).await.outcome(), (400, "invalid_grant"));
    assert_eq!(server.refresh(APP, &next.refresh).await.json["authorization_details"], value(&[ACCOUNTS, PAYMENT]));
}

#[tokio::test]
async fn an_approval_of_a_type_that_is_not_registered_is_refused() {
    let server = config().start();
    let own = authenticated(APP, |client| client.with_authorization_details_types(["account_information"]));
    let mut request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope("read")));
    request.approval.authorization_details = Some(details(&[ACCOUNTS, PAYMENT]));
    let checked = server.service().check_authorization(&own, request.clone());
    assert!(matches!(checked, Err(TokenError::Refused(Refusal::AuthorizationDetailsExceeded))));
    let answer = server.service().authorize(&own, request.clone()).await.unwrap_err();
    assert_eq!(answer.code(), ErrorCode::InvalidAuthorizationDetails);
    assert_eq!(server.store().calls(), 0);
    request.approval.authorization_details = Some(details(&[ACCOUNTS]));
    assert!(server.service().authorize(&own, request).await.is_ok());
}

// The record: once in the grant, and in a token that has fewer.
#[tokio::test]
async fn the_details_are_stored_once_whatever_the_number_of_tokens() {
    let server = config().start();
    let mut tokens = both(&server).await;
    for _ in 0..5 {
        tokens = server.refresh(APP, &tokens.refresh).await.tokens();
    }
    let count = |text: &str| {
        let (_, records) = server.store().snapshot();
        let payload = String::from_utf8_lossy(&records.values().next().unwrap().payload).into_owned();
        payload.matches(text).count()
    };
    assert_eq!((count("payment_initiation"), count("account_information")), (1, 1));
    refresh_for(&server, &tokens.refresh, &array(&[PAYMENT])).await.tokens();
    assert_eq!((count("payment_initiation"), count("account_information")), (2, 1));
}

#[tokio::test]
async fn malformed_details_are_refused_before_the_client_authenticates() {
    let server = config().start();
    let wrong = Auth::Basic("app", "wrong");
    for flow in [
        &[("grant_type", "authorization_code"), ("code", "ac_x")][..],
        &[("grant_type", "refresh_token"), ("refresh_token", "rt_x")],
        &[("grant_type", "client_credentials")],
        &[("grant_type", "password"), ("username", USER), ("password", "x")],
    ] {
        for asked in ["[]", "x", r#"{"type":"a"}"#, r#"[{"type":"a","type":"b"}]"#] {
            let parameters = [flow, &[("authorization_details", asked)]].concat();
            server.config.events.take();
            assert_eq!(server.token(wrong, &parameters).await.outcome(), REFUSED, "{flow:?} {asked}");
            let expected = EventKind::Malformed(MalformedRequest::AuthorizationDetails);
            assert_eq!(server.config.events.kinds(), [expected]);
        }
    }
    let device = [("authorization_details", "[]")];
    assert_eq!(server.post(Endpoint::DeviceAuthorization, wrong, &device).await.outcome(), REFUSED);
}

// RFC 9396 section 5: only the host can check the members.
#[tokio::test]
async fn a_client_gives_itself_no_details_but_the_host_may_give_it_some() {
    let server = config().start();
    let parameters = [("grant_type", "client_credentials"), ("authorization_details", &array(&[ACCOUNTS]))];
    assert_eq!(server.token(APP, &parameters).await.outcome(), REFUSED);
    assert_eq!(server.config.events.kinds(), [EventKind::Refused(Refusal::AuthorizationDetailsExceeded)]);
    assert_eq!(server.store().calls(), 0);
    let own = authenticated(APP, |client| client.with_authorization_details_types(TYPES));
    let mut request = regrant::IssueRequest::client_credentials(scope("read"));
    request.approval.authorization_details = Some(details(&[ACCOUNTS]));
    let tokens = server.service().issue(&own, request).await.unwrap();
    assert_eq!(tokens.authorization_details(), Some(&details(&[ACCOUNTS])));
}

#[tokio::test]
async fn an_exchange_passes_on_what_the_token_has_and_the_client_may_have() {
    let server = config().start();
    let tokens = both(&server).await;
    let narrow = refresh_for(&server, &tokens.refresh, &array(&[ACCOUNTS])).await.tokens();
    let exchanged = server.exchange(APP, &narrow.access, &[]).await;
    assert_eq!(exchanged.json["authorization_details"], value(&[ACCOUNTS]), "not those of the grant: {exchanged:?}");
    let whole = server.exchange(APP, &tokens.access, &[("authorization_details", &array(&[PAYMENT]))]).await;
    assert_eq!(whole.json["authorization_details"], value(&[PAYMENT]));
    for asked in [array(&[PAYMENT]), array(&[OTHER_PAYMENT])] {
        let reply = server.exchange(APP, &narrow.access, &[("authorization_details", &asked)]).await;
        assert_eq!(reply.outcome(), REFUSED);
    }
    for (types, told) in [(&TYPES[1..], value(&[PAYMENT])), (&[], Value::Null)] {
        let other = server.restarted(|config| {
            config.with_client(APP, |client| client.with_authorization_details_types(types.iter().copied()))
        });
        let reply = other.exchange(APP, &tokens.access, &[]).await;
        assert_eq!((reply.status(), &reply.json["authorization_details"]), (200, &told));
    }
}

#[tokio::test]
async fn a_device_gets_what_its_user_approved_of_its_request() {
    let server = config().start();
    let own = authenticated(APP, |client| {
        client.with_authorization_details_types(TYPES).with_grant_types([GrantType::DeviceCode])
    });
    let request = DeviceAuthorizationRequest::new()
        .with_scope(scope("read"))
        .with_authorization_details(details(&[ACCOUNTS, PAYMENT]));
    let device = server.service().authorize_device(&own, &request).await.unwrap();
    let asked = server.service().device(&device.user_code).await.unwrap().unwrap().approval;
    assert_eq!(asked.authorization_details, Some(details(&[ACCOUNTS, PAYMENT])));
    let approve = |objects: &[&str]| {
        let approval = Approval::of(subject(USER)).with_scope(scope("read"));
        server.service().approve_device(&device.user_code, approval.with_authorization_details(details(objects)))
    };
    let more = approve(&[OTHER_PAYMENT]).await;
    assert!(matches!(more, Err(TokenError::Refused(Refusal::AuthorizationDetailsExceeded))));
    approve(&[PAYMENT]).await.unwrap();
    let device_code = "urn:ietf:params:oauth:grant-type:device_code";
    let poll = [("grant_type", device_code), ("device_code", device.device_code.expose())];
    assert_eq!(server.token(APP, &poll).await.json["authorization_details"], value(&[PAYMENT]));

    let through_the_endpoint = [("authorization_details", array(&[ACCOUNTS]))];
    let [(name, asked)] = &through_the_endpoint;
    assert_eq!(server.post(Endpoint::DeviceAuthorization, APP, &[(name, asked)]).await.status(), 200);
}

#[tokio::test]
async fn details_and_resources_are_narrowed_independently() {
    let server = config().start();
    let parameters = [("authorization_details", array(&[ACCOUNTS, PAYMENT])), ("resource", ORDERS.to_owned())];
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let tokens = server.sign_in_for(APP, &parameters).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
        ("authorization_details", &array(&[PAYMENT])),
        ("scope", "read"),
        ("resource", ORDERS),
    ];
    let reply = server.token(APP, &refresh).await;
    let told = server.introspect(AUDITOR, reply.text("access_token")).await.json;
    let expected = (&value(&[PAYMENT]), &json!(ORDERS), &json!("read"));
    assert_eq!((&told["authorization_details"], &told["aud"], &told["scope"]), expected);
}
