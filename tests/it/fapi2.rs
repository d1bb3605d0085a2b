//! The FAPI 2.0 Security Profile (Final), section 5.3.2, under `Policy::fapi2()`.

use async_trait::async_trait;
use fixtures::{
    APP, AUDITOR, Auth, Config, EITHER, Form, OTHER, POSTER, REDIRECT, SCOPE, SPA, Server, StubVerifier, USER,
    VERIFIER, client, either, scope, seconds, subject,
};
use regrant::authenticator::{CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::policy::Lifetime;
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint;
use regrant::{Approval, AuthorizeRequest, Client, ClientCredentials, GrantType, Issuer, Policy, Refusal, TokenError};
use serde_json::json;

/// Knows the assertion and the certificate of the one client.
struct Known;

#[async_trait]
impl VerifyCredentials for Known {
    async fn verify(&self, _: &Client, shown: &ClientCredentials) -> Result<(), CredentialError> {
        match shown {
            ClientCredentials::Assertion(_, assertion) if assertion.expose() == "a.good.assertion" => Ok(()),
            ClientCredentials::Certificate(_, certificate) if *certificate == own_certificate() => Ok(()),
            _ => Err(CredentialRefusal::Other("unknown_credentials").into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["PS256"]
    }
}

fn own_certificate() -> ClientCertificate {
    ClientCertificate::from_der(&b"\x30\x03own"[..])
}

fn confidential(id: &str, method: ClientAuthenticationMethod) -> Client {
    client(Auth::Basic(id, "")).with_authentication_methods(method)
}

fn start() -> Server {
    Config { proof_verifier: Some(StubVerifier::default()), ..Config::default() }
        .policy(Policy::fapi2())
        .verified_client(confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt), Known)
        .verified_client(confidential("mac", ClientAuthenticationMethod::ClientSecretJwt), Known)
        .verified_client(confidential("tls", ClientAuthenticationMethod::TlsClientAuth), Known)
        .client(either(), EITHER[0])
        .start()
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]
}

// 5.3.2.1, 6: "shall authenticate clients using" mutual TLS or private_key_jwt; 2: "shall only support confidential
// clients".
#[tokio::test]
async fn only_clients_that_hold_a_private_key_are_served_at_every_endpoint() {
    let server = start();
    for endpoint in [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection] {
        let parameters: Form<'_> = match endpoint {
            Endpoint::Token => &[("grant_type", "client_credentials")],
            _ => &[("token", "x")],
        };
        for auth in [APP, OTHER, POSTER, SPA, AUDITOR, EITHER[0], EITHER[1]] {
            assert_eq!(
                server.post(endpoint, auth, parameters).await.outcome(),
                auth.refused_at(endpoint),
                "{endpoint:?} {auth:?}"
            );
        }
        let proof = StubVerifier::proof("A");
        assert_eq!(
            server.asserted(endpoint, "mac", &proof, parameters).await.outcome(),
            Auth::Missing.refused_at(endpoint),
            "a shared secret"
        );
        assert_eq!(server.asserted(endpoint, "jwt", &proof, parameters).await.status(), 200, "{endpoint:?}");
        let own = own_certificate();
        let tls = [("client_id", "tls")].into_iter().chain(parameters.iter().copied()).collect::<Vec<_>>();
        let reply = server.post_with(endpoint, Auth::Missing, &tls, &[], Some(&own)).await;
        assert_eq!(reply.status(), 200, "{endpoint:?}: {reply:?}");
    }
    let told = server.config.events.operations();
    assert!(format!("{told:?}").contains("AuthenticationTooWeak"), "the host learns why");
}

// RFC 8414 section 2: the metadata lists what is accepted, and nothing else.
#[tokio::test]
async fn the_metadata_lists_the_methods_that_are_strong_enough() {
    let metadata = start().document(Endpoint::Metadata).await.json;
    for list in ["token", "revocation", "introspection"].map(|name| format!("{name}_endpoint_auth_methods_supported")) {
        assert_eq!(metadata[&list], json!(["private_key_jwt", "tls_client_auth"]), "{list}");
    }
    assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(["PS256"]));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]));
}

// 5.3.2.1, 4 and 5: "shall only issue sender-constrained access tokens", by mutual TLS or DPoP.
#[tokio::test]
async fn every_access_token_is_bound_to_a_key_or_a_certificate() {
    let server = start();
    let client_credentials = [("grant_type", "client_credentials")];
    let reply = server.asserted(Endpoint::Token, "jwt", "", &client_credentials).await;
    assert_eq!(reply.outcome(), (400, "invalid_dpop_proof"));
    let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &client_credentials).await;
    assert_eq!(reply.text("token_type"), "DPoP");
    let own = own_certificate();
    let tls = [client_credentials[0], ("client_id", "tls")];
    let reply = server.post_with(Endpoint::Token, Auth::Missing, &tls, &[], Some(&own)).await;
    assert_eq!(reply.text("token_type"), "Bearer");
    let token = [("token", reply.text("access_token")), ("client_id", "tls")];
    let active = server.post_with(Endpoint::Introspection, Auth::Missing, &token, &[], Some(&own)).await;
    assert!(active.json["cnf"]["x5t#S256"].is_string(), "{active:?}");
}

// 5.3.2.1, 11: "shall issue authorization codes with a maximum lifetime of 60 seconds".
#[tokio::test]
async fn a_code_lives_for_a_minute() {
    for (age, status) in [(59, 200), (60, 400)] {
        let server = start();
        let code = server.code_with_pkce(&confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt)).await;
        server.advance(seconds(age));
        let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &redemption(&code)).await;
        assert_eq!(reply.status(), status, "after {age} s: {reply:?}");
    }
}

// 5.3.2.2, 3: "shall reject authorization requests sent without" pushing them; 12: `expires_in` below 600 s.
#[tokio::test]
async fn every_authorization_request_is_pushed_by_a_client_that_authenticated() {
    let server = start();
    let client = confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt);
    let request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
        .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
        .with_code_challenge(fixtures::challenge(VERIFIER));
    let plain = server.service().authorize(&client, request.clone()).await;
    assert!(matches!(plain, Err(TokenError::Refused(Refusal::PushedRequestRequired))), "{plain:?}");
    assert!(server.authorize(&client, request).await.is_ok());
    assert!(Policy::fapi2().pushed_request_lifetime < seconds(600));
}

// 5.3.2.2, 5: "shall require PKCE with S256 as the code challenge method".
#[tokio::test]
async fn everybody_uses_pkce() {
    let server = start();
    let client = confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt);
    let request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)));
    let answer = server.authorize(&client, request.with_redirect_uri(Some(REDIRECT.parse().unwrap()))).await;
    assert!(matches!(answer, Err(TokenError::Refused(Refusal::CodeChallengeRequired))), "{answer:?}");
}

// 5.3.2.1, 9: "shall not use refresh token rotation except in extraordinary circumstances".
#[tokio::test]
async fn a_refresh_token_is_not_rotated_and_stays_valid() {
    let server = start();
    let code = server.code_with_pkce(&confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt)).await;
    let first = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &redemption(&code)).await.tokens();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str())];
    let mut access = vec![first.access.clone()];
    // The suite retries the old token after 30 seconds, and clients renew their keys.
    for (pause, key) in [(0, "A"), (30, "A"), (3600, "B"), (86_400, "C")] {
        server.advance(seconds(pause));
        let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof(key), &refresh).await;
        assert_eq!((reply.status(), reply.json.get("refresh_token")), (200, None), "{reply:?}");
        access.push(reply.text("access_token").to_owned());
    }
    access.sort_unstable();
    access.dedup();
    assert_eq!(access.len(), 5, "each answer has an access token of its own");
    assert_eq!(server.asserted(Endpoint::Token, "jwt", "", &refresh).await.outcome(), (400, "invalid_dpop_proof"));
    // Its own lifetime counts from its issue and never starts again.
    server.advance(seconds(7 * 86_400));
    let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &refresh).await;
    assert_eq!(reply.outcome(), (400, "invalid_grant"));
}

// 5.3.2.1, 9, note 1: where a migration needs rotation, "time-limited option to retry with the old refresh token". The
// suite retries after 30 seconds.
#[tokio::test]
async fn where_refresh_tokens_rotate_a_lost_response_can_be_repeated() {
    let rotating = Policy::fapi2().with_issue_refresh_tokens_on_refresh(true);
    let server = start().restarted(|config| config.policy(rotating));
    let code = server.code_with_pkce(&confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt)).await;
    let proof = || StubVerifier::proof("A");
    let first = server.asserted(Endpoint::Token, "jwt", &proof(), &redemption(&code)).await.tokens();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str())];
    let lost = server.asserted(Endpoint::Token, "jwt", &proof(), &refresh).await.tokens();
    server.advance(seconds(30));
    assert_eq!(server.asserted(Endpoint::Token, "jwt", &proof(), &refresh).await.tokens(), lost);
}

// 5.3.2.1, 2: "shall reject requests using the resource owner password credentials grant". A server that registers no
// approver for the grant has none.
#[tokio::test]
async fn a_server_without_an_approver_has_no_password_grant() {
    let endpoints =
        regrant::wire::Endpoints::new(start().config.service(), Issuer::from_static(fixtures::ISSUER)).unwrap();
    let server = Server { endpoints, config: start().config };
    let password = [("grant_type", "password"), ("username", USER), ("password", fixtures::PASSWORD)];
    let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &password).await;
    assert_eq!(reply.outcome(), (400, "unsupported_grant_type"));
    let metadata = server.document(Endpoint::Metadata).await.json;
    assert!(!metadata["grant_types_supported"].to_string().contains("password"), "{metadata}");
}

// 5.3.2.1, 7 and 12; 5.3.2.2, 9: no open redirector, codes bound to a DPoP key, and no second use of a code.
#[tokio::test]
async fn a_code_goes_to_a_registered_uri_belongs_to_its_key_and_is_used_once() {
    let server = start();
    let client = confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt);
    let request = |uri: &str| {
        AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
            .with_redirect_uri(Some(uri.parse().unwrap()))
            .with_code_challenge(fixtures::challenge(VERIFIER))
            .with_confirmation(StubVerifier::confirmation("A"))
    };
    let elsewhere = server.authorize(&client, request("https://elsewhere.example/cb")).await;
    assert!(matches!(elsewhere, Err(TokenError::Refused(Refusal::RedirectUriNotRegistered))), "{elsewhere:?}");
    let code = server.authorize(&client, request(REDIRECT)).await.unwrap().code;
    for (key, expected) in [("B", 400), ("A", 200), ("A", 400)] {
        let reply =
            server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof(key), &redemption(code.expose())).await;
        assert_eq!(reply.status(), expected, "{key}: {reply:?}");
    }
}

// 5.3.2.2, 14: "shall support nonce parameter values up to 64 characters".
#[tokio::test]
async fn a_nonce_of_64_characters_reaches_the_id_token() {
    let server = start().restarted(|config| Config { jwt_issuer: Some(fixtures::StubIssuer::default()), ..config });
    let nonce = "n".repeat(64);
    let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE)).with_nonce(nonce.clone());
    let request = AuthorizeRequest::new(approval)
        .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
        .with_code_challenge(fixtures::challenge(VERIFIER));
    let client = confidential("jwt", ClientAuthenticationMethod::PrivateKeyJwt);
    let code = server.authorize(&client, request).await.unwrap().code;
    let reply = server.asserted(Endpoint::Token, "jwt", &StubVerifier::proof("A"), &redemption(code.expose())).await;
    assert_eq!(fixtures::claims(reply.text("id_token"))["nonce"], nonce);
}

#[test]
fn the_preset_is_valid_and_can_be_made_stricter() {
    let policy = Policy::fapi2();
    assert!(policy.validate().is_ok());
    assert!(policy.access_token_lifetime <= seconds(600) && !policy.issue_refresh_tokens_on_refresh);
    assert!(policy.with_grant_lifetime(Lifetime::Of(seconds(3600))).validate().is_ok());
    assert!(Policy::fapi2().for_client(&client(APP).policy, &GrantType::AuthorizationCode).is_ok());
}
