//! Flows of the crate `oauth2`.

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl, EndpointNotSet,
    EndpointSet, IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RefreshToken, RequestTokenError,
    ResourceOwnerPassword, ResourceOwnerUsername, RevocationUrl, Scope, StandardDeviceAuthorizationResponse,
    StandardErrorResponse, TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
};

use crate::browser::{self, NATIVE_CALLBACK, WEB_CALLBACK, insecure};
use crate::server::Server;

pub(crate) fn run(server: &Server, flow: &str) {
    match flow {
        "lifecycle" => live_and_die(&client(server, "web", "web-secret")),
        "public_client" => public_client(server),
        "client_credentials" => client_credentials(server),
        "client_secrets" => client_secrets(server),
        "password" => password(server),
        "device" => device(server),
        _ => panic!("no flow {flow}"),
    }
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

fn client(server: &Server, id: &str, secret: &str) -> Client {
    public(server, id, WEB_CALLBACK).set_client_secret(ClientSecret::new(secret.to_owned()))
}

fn public(server: &Server, id: &str, callback: &str) -> Client {
    let metadata = server.metadata();
    let url = |name: &str| metadata[name].as_str().unwrap().to_owned();
    BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(url("authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(url("token_endpoint")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(url("introspection_endpoint")).unwrap())
        .set_revocation_url(RevocationUrl::new(browser::secure(&url("revocation_endpoint"))).unwrap())
        .set_redirect_uri(RedirectUrl::new(callback.to_owned()).unwrap())
}

/// Code and PKCE.
fn sign_in(client: &Client) -> BasicTokenResponse {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = ["read", "write"].map(scope);
    let (link, state) =
        client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge).url();
    let code = AuthorizationCode::new(browser::code(&browser::allow(&link), &state));
    client.exchange_code(code).set_pkce_verifier(verifier).request(&insecure).unwrap()
}

fn scope(name: &str) -> Scope {
    Scope::new(name.to_owned())
}

type Answer = Result<BasicTokenResponse, RequestTokenError<ureq::Error, StandardErrorResponse<BasicErrorResponseType>>>;

fn refresh(client: &Client, token: &RefreshToken, scopes: &[&str]) -> Answer {
    client.exchange_refresh_token(token).add_scopes(scopes.iter().copied().map(scope)).request(&insecure)
}

fn refresh_token(tokens: &BasicTokenResponse) -> &RefreshToken {
    tokens.refresh_token().unwrap()
}

#[track_caller]
fn assert_refused(answer: Answer, expected: &BasicErrorResponseType) {
    match answer {
        Err(RequestTokenError::ServerResponse(refusal)) => assert_eq!(refusal.error(), expected),
        other => panic!("not refused as {expected:?}: {other:?}"),
    }
}

fn revoke(client: &Client, token: &RefreshToken) {
    client.revoke_token(token.clone().into()).unwrap().request(&insecure).unwrap();
}

fn live_and_die(client: &Client) {
    let first = sign_in(client);
    assert_eq!(first.token_type(), &BasicTokenType::Bearer);
    assert_eq!(first.expires_in().unwrap().as_secs(), 3600);

    let second = refresh(client, refresh_token(&first), &[]).unwrap();
    assert_ne!(refresh_token(&second).secret(), refresh_token(&first).secret());
    let again = refresh(client, refresh_token(&first), &[]).unwrap();
    assert_eq!(again.access_token().secret(), second.access_token().secret());
    assert_eq!(refresh_token(&again).secret(), refresh_token(&second).secret());

    let narrowed = refresh(client, refresh_token(&second), &["read"]).unwrap();
    assert_eq!(narrowed.scopes().unwrap(), &["read"].map(scope));
    assert_refused(refresh(client, refresh_token(&narrowed), &["admin"]), &BasicErrorResponseType::InvalidScope);
    let full = refresh(client, refresh_token(&narrowed), &[]).unwrap();
    assert_eq!(full.scopes().unwrap(), &["read", "write"].map(scope));

    let active = client.introspect(narrowed.access_token()).request(&insecure).unwrap();
    assert!(active.active());
    assert_eq!((active.sub(), active.scopes().unwrap()), (Some("demo"), &vec![scope("read")]));

    revoke(client, refresh_token(&full));
    assert!(!client.introspect(full.access_token()).request(&insecure).unwrap().active());
    assert_refused(refresh(client, refresh_token(&full), &[]), &BasicErrorResponseType::InvalidGrant);
}

fn public_client(server: &Server) {
    let client = public(server, "native", NATIVE_CALLBACK);
    let first = sign_in(&client);
    let second = refresh(&client, refresh_token(&first), &[]).unwrap();
    revoke(&client, refresh_token(&second));
    assert_refused(refresh(&client, refresh_token(&second), &[]), &BasicErrorResponseType::InvalidGrant);
}

fn client_credentials(server: &Server) {
    let client = client(server, "service", "service-secret");
    let tokens = client.exchange_client_credentials().add_scope(scope("read")).request(&insecure).unwrap();
    assert_eq!(tokens.scopes().unwrap(), &["read"].map(scope));
    assert!(tokens.refresh_token().is_none());
}

fn client_secrets(server: &Server) {
    live_and_die(&client(server, "web-post", "web-post-secret").set_auth_type(AuthType::RequestBody));

    let special = client(server, "web: 100%", "a+b c&d=e%20/:é");
    special.exchange_client_credentials().request(&insecure).unwrap();
    let wrong = client(server, "service", "wrong");
    assert_refused(wrong.exchange_client_credentials().request(&insecure), &BasicErrorResponseType::InvalidClient);
}

fn password(server: &Server) {
    let client = client(server, "legacy", "legacy-secret");
    let (username, password) = ("demo".to_owned(), "changeit".to_owned());
    let (username, password) = (ResourceOwnerUsername::new(username), ResourceOwnerPassword::new(password));
    let tokens = client.exchange_password(&username, &password).request(&insecure).unwrap();
    refresh(&client, refresh_token(&tokens), &[]).unwrap();
}

fn device(server: &Server) {
    let endpoint = server.metadata()["device_authorization_endpoint"].as_str().unwrap().to_owned();
    let client = public(server, "tv", NATIVE_CALLBACK)
        .set_device_authorization_url(DeviceAuthorizationUrl::new(endpoint).unwrap());
    let codes: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scope(scope("read")).request(&insecure).unwrap();

    // Instead of waiting, the library moves the clock of the server, and the user answers.
    let wait = |interval| {
        server.advance(interval);
        browser::allow_device(codes.verification_uri().url(), codes.user_code().secret());
    };
    let tokens = client.exchange_device_access_token(&codes).request(&insecure, wait, None).unwrap();
    assert_eq!(tokens.scopes().unwrap(), &["read"].map(scope));
    assert!(tokens.refresh_token().is_some());
}
