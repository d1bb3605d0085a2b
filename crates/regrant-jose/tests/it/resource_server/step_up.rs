//! Step-up (RFC 9470) and authorization details (RFC 9396) at the resource server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use regrant::clock::ManualClock;
use regrant::policy::AccessTokenFormat;
use regrant::wire::Request;
use regrant::{
    AccessToken, Approval, AuthenticatedClient, AuthorizationDetails, Client, GrantType, IssueRequest, RefreshRequest,
    Subject,
};
use regrant_jose::resource_server::{
    Denial, DenialReason, IntrospectionVerifier, InvalidToken, Requirement, VerifiedToken, VerifyAccessToken,
};
use regrant_jose::{Algorithm, JwtVerifier, KeySource, PrivateKey, ResourceServer};
use serde_json::{Value, json};

use crate::resource_server::issuer::{IssuingServer, RESOURCE};
use crate::support::{ISSUER, NOW, at, clock, jwks, key, sign, with};

/// A resource server, and the key of its issuer.
struct Fixture {
    clock: ManualClock,
    key: PrivateKey,
    server: ResourceServer,
    reasons: Arc<Mutex<Vec<&'static str>>>,
}

impl Fixture {
    fn new() -> Self {
        let (clock, key, reasons) = (clock(), key(Algorithm::EdDsa), Arc::new(Mutex::new(Vec::new())));
        let told = Arc::clone(&reasons);
        let server =
            ResourceServer::new(RESOURCE, JwtVerifier::new(ISSUER, RESOURCE, jwks([&key])), Arc::new(clock.clone()))
                .with_realm("bank")
                .with_events(move |reason| told.lock().unwrap().push(reason.as_str()));
        Self { clock, key, server, reasons }
    }

    async fn try_token(&self, name: &str, value: Option<Value>) -> Result<VerifiedToken, Denial> {
        let claims = with(&claims(), name, value);
        let token = sign(&self.key, &json!({ "alg": "EdDSA", "typ": "at+jwt" }), &claims).await;
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_bytes())];
        self.server.authenticate(&Request::new("GET", "/", &headers, b"")).await.map(|request| request.token)
    }

    async fn token(&self, name: &str, value: Option<Value>) -> VerifiedToken {
        self.try_token(name, value).await.unwrap()
    }

    fn challenge(&self, token: &VerifiedToken, requirement: &Requirement) -> Option<(u16, String)> {
        let denial = self.server.require(token, requirement).err()?;
        let response = denial.response();
        let challenges: Vec<_> = response.headers.iter().filter(|(name, _)| *name == "www-authenticate").collect();
        assert_eq!(challenges.len(), 1);
        Some((response.status, challenges[0].1.to_string()))
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "demo", "aud": RESOURCE, "client_id": "app", "jti": "8f0c", "iat": NOW, "exp": NOW + 3600,
        "scope": "read", "acr": "silver", "auth_time": NOW - 60,
    })
}

/// Verifies the tokens of a real service.
fn verifier_of(issuer: &IssuingServer, format: AccessTokenFormat) -> Box<dyn VerifyAccessToken> {
    match format {
        AccessTokenFormat::Jwt => {
            Box::new(JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(issuer.network()))))
        }
        _ => Box::new(IntrospectionVerifier::new(issuer.network())),
    }
}

fn approval() -> Approval {
    Approval::of(Subject::new("demo").unwrap())
        .with_scope("read".parse().unwrap())
        .with_resources([RESOURCE.parse().unwrap()].into_iter().collect())
}

fn classes(acr_values: &[&str]) -> Requirement {
    Requirement::default().with_acr_values(acr_values.iter().copied())
}

fn within(seconds: u64) -> Requirement {
    Requirement::default().with_max_age(Duration::from_secs(seconds))
}

// RFC 9470 section 3.
#[tokio::test]
async fn the_challenge_names_the_demands_on_the_authentication() {
    let fixture = Fixture::new();
    let token = fixture.token("scope", Some(json!("read"))).await;
    let description = r#"error_description="The user must sign in again, or in another way.""#;
    let error = format!(r#"Bearer realm="bank", error="insufficient_user_authentication", {description}"#);
    for (requirement, expected) in [
        (classes(&["gold"]), format!(r#"{error}, acr_values="gold""#)),
        (classes(&["platinum", "gold"]), format!(r#"{error}, acr_values="platinum gold""#)),
        (within(60), format!(r#"{error}, max_age="60""#)),
        (
            classes(&["gold"]).with_max_age(Duration::from_secs(5)).with_scope("read write".parse().unwrap()),
            format!(r#"{error}, acr_values="gold", max_age="5", scope="read write""#),
        ),
        (classes(&["a\"b\r\nset-cookie: c"]), format!(r#"{error}, acr_values="a\"bset-cookie: c""#)),
    ] {
        assert_eq!(fixture.challenge(&token, &requirement), Some((401, expected)));
    }
    let denial = fixture.server.require(&token, &classes(&["gold"])).unwrap_err();
    assert!(matches!(denial.reason(), DenialReason::InsufficientAuthentication));
    let body: Value = serde_json::from_slice(&denial.response().body).unwrap();
    assert_eq!(body["error"], "insufficient_user_authentication");
    assert!(fixture.reasons.lock().unwrap().iter().all(|reason| *reason == "insufficient_user_authentication"));
}

#[tokio::test]
async fn one_of_the_classes_is_enough_and_a_token_without_class_has_none() {
    let fixture = Fixture::new();
    let token = fixture.token("scope", Some(json!("read"))).await;
    assert_eq!(token.acr(), Some("silver"));
    for (acr_values, is_met) in [
        (&[][..], true),
        (&["silver"][..], true),
        (&["gold", "silver"][..], true),
        (&["gold"][..], false),
        (&["Silver"][..], false),
        (&["silver "][..], false),
        (&[""][..], false),
    ] {
        assert_eq!(fixture.server.require(&token, &classes(acr_values)).is_ok(), is_met, "{acr_values:?}");
    }
    for other in [None, Some(Value::Null), Some(json!(["silver"])), Some(json!(1)), Some(json!("gold silver"))] {
        let token = fixture.token("acr", other.clone()).await;
        assert!(fixture.server.require(&token, &classes(&["silver"])).is_err(), "{other:?}");
        assert!(fixture.server.require(&token, &Requirement::default()).is_ok());
    }
}

#[tokio::test]
async fn an_authentication_is_recent_until_max_age_has_passed() {
    let fixture = Fixture::new();
    let token = fixture.token("auth_time", Some(json!(NOW - 60))).await;
    assert_eq!(token.auth_time(), Some(at(NOW - 60)));
    for (max_age, is_met) in [(0, false), (59, false), (60, false), (61, true), (u64::MAX, true)] {
        assert_eq!(fixture.server.require(&token, &within(max_age)).is_ok(), is_met, "{max_age} s");
    }
    fixture.clock.advance(Duration::from_millis(999));
    assert!(fixture.server.require(&token, &within(61)).is_ok());
    fixture.clock.advance(Duration::from_millis(1));
    assert!(fixture.server.require(&token, &within(61)).is_err());
    for (auth_time, is_met) in [
        (None, false),
        (Some(Value::Null), false),
        (Some(json!(NOW.to_string())), false),
        (Some(json!(-1)), false),
        // The clock of the issuer is ahead.
        (Some(json!(NOW + 10)), true),
    ] {
        let token = fixture.token("auth_time", auth_time.clone()).await;
        assert_eq!(fixture.server.require(&token, &within(60)).is_ok(), is_met, "{auth_time:?}");
    }
}

#[tokio::test]
async fn scope_is_checked_after_the_authentication() {
    let fixture = Fixture::new();
    let token = fixture.token("acr", Some(json!("gold"))).await;
    let write = classes(&["gold"]).with_scope("write".parse().unwrap());
    let (status, challenge) = fixture.challenge(&token, &write).unwrap();
    assert_eq!(status, 403);
    assert!(
        challenge.contains(r#"error="insufficient_scope""#) && challenge.ends_with(r#", scope="write""#),
        "{challenge}"
    );
    assert!(!challenge.contains("acr_values"), "{challenge}");
    let read = classes(&["gold"]).with_max_age(Duration::from_secs(600)).with_scope("read".parse().unwrap());
    assert!(fixture.server.require(&token, &read).is_ok());
}

// RFC 9470 section 6.2, RFC 9068 section 2.2.1: both formats of access tokens tell how and when the user signed in.
#[tokio::test]
async fn tokens_of_the_service_tell_the_authentication_of_the_user() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let issuer = IssuingServer::new(format).await;
        let verifier = verifier_of(&issuer, format);
        let approval = approval().with_authentication(at(NOW - 30), Some("gold".to_owned()), vec!["otp".to_owned()]);
        let request = IssueRequest::new(GrantType::Password, approval);
        let access_token: AccessToken =
            issuer.endpoints.service().issue(&issuer.app, request).await.unwrap().access_token;
        let token = verifier.verify(&access_token, at(NOW)).await.unwrap();
        assert_eq!((token.acr(), token.auth_time()), (Some("gold"), Some(at(NOW - 30))));
    }
}

// RFC 9396 sections 9.1 and 9.2: both formats of access tokens tell what was granted, narrowed or not.
#[tokio::test]
async fn tokens_of_the_service_tell_their_authorization_details() {
    let details = AuthorizationDetails::from_static(r#"[{"type":"account","iban":"DE1"},{"type":"payment"}]"#);
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let issuer = IssuingServer::new(format).await;
        let verifier = verifier_of(&issuer, format);
        let mut client = Client::clone(&issuer.app);
        client.authorization_details_types = ["account", "payment"].map(str::to_owned).to_vec();
        let client = AuthenticatedClient::assertion(client.into());
        let approval = approval().with_authorization_details(details.clone());
        let request = IssueRequest::new(GrantType::Password, approval);
        let tokens = issuer.endpoints.service().issue(&client, request).await.unwrap();
        let token = verifier.verify(&tokens.access_token, at(NOW)).await.unwrap();
        assert_eq!(json!(token.authorization_details()).to_string(), details.as_str(), "{format:?}");

        let narrow = AuthorizationDetails::from_static(r#"[{"type":"payment"}]"#);
        let request = RefreshRequest::new(tokens.refresh_token.unwrap()).with_authorization_details(narrow.clone());
        let narrowed = issuer.endpoints.service().refresh(&client, &request).await.unwrap();
        let token = verifier.verify(&narrowed.access_token, at(NOW)).await.unwrap();
        assert_eq!(json!(token.authorization_details()).to_string(), narrow.as_str(), "{format:?}");
    }
}

// RFC 9396 section 9.1.
#[tokio::test]
async fn authorization_details_are_read_whole_or_the_token_is_refused() {
    let fixture = Fixture::new();
    let details = json!([{ "type": "account", "iban": "DE1" }, { "type": "payment", "limit": { "EUR": 5 } }]);
    for (value, expected) in [(None, json!([])), (Some(json!([])), json!([])), (Some(details.clone()), details)] {
        let token = fixture.token("authorization_details", value).await;
        assert_eq!(json!(token.authorization_details()), expected);
    }
    for value in [
        json!(null),
        json!({}),
        json!("account"),
        json!({ "type": "account" }),
        json!(["account"]),
        json!([[]]),
        json!([{}]),
        json!([{ "type": 1 }]),
        json!([{ "type": "account" }, {}]),
    ] {
        let denial = fixture.try_token("authorization_details", Some(value.clone())).await.unwrap_err();
        let reason = denial.reason();
        assert!(matches!(reason, DenialReason::InvalidToken(InvalidToken::Malformed(_))), "{value}");
    }
}
