//! Flows of the crate `openidconnect`: discovery, the published keys, id_tokens.

use oauth2::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    TokenIntrospectionResponse as _, TokenResponse as _,
};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{AccessTokenHash, IssuerUrl, Nonce, NonceVerifier, TokenResponse as _};

use crate::browser::{self, NATIVE_CALLBACK, WEB_CALLBACK, insecure};
use crate::server::Server;

pub(crate) fn run(server: &Server, flow: &str) {
    let secret = |secret: &str| Some(ClientSecret::new(secret.to_owned()));
    match flow {
        "lifecycle" => {
            let client = client(server, "web", secret("web-secret"), WEB_CALLBACK);
            let full = refresh_twice(&client);
            assert!(client.introspect(full.access_token()).request(&insecure).unwrap().active());
            revoke(&client, &full);
            assert!(!client.introspect(full.access_token()).request(&insecure).unwrap().active());
        }
        "public_client" => {
            let client = client(server, "native", None, NATIVE_CALLBACK);
            revoke(&client, &refresh_twice(&client));
        }
        _ => panic!("no flow {flow}"),
    }
}

type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

fn client(server: &Server, id: &str, secret: Option<ClientSecret>, callback: &str) -> Client {
    let issuer = IssuerUrl::new(server.issuer.clone()).unwrap();
    let discovered = CoreProviderMetadata::discover(&issuer, &insecure).unwrap();
    // The metadata type of the library has neither of the two.
    let endpoints = server.metadata();
    let url = |name: &str| endpoints[name].as_str().unwrap().to_owned();
    CoreClient::from_provider_metadata(discovered, ClientId::new(id.to_owned()), secret)
        .set_redirect_uri(RedirectUrl::new(callback.to_owned()).unwrap())
        .set_introspection_url(IntrospectionUrl::new(url("introspection_endpoint")).unwrap())
        .set_revocation_url(RevocationUrl::new(browser::secure(&url("revocation_endpoint"))).unwrap())
}

/// Code and PKCE, a refresh, its retry, a narrowed one and a full one. Returns the last tokens.
fn refresh_twice(client: &Client) -> CoreTokenResponse {
    let (first, signed_in) = sign_in(client);
    assert_eq!(signed_in.subject().as_str(), "demo");

    let second = refresh(client, first.refresh_token().unwrap(), &[]);
    let refreshed = claims(client, &second, no_nonce);
    assert_eq!(refreshed.subject(), signed_in.subject());
    assert_eq!(refreshed.auth_time(), signed_in.auth_time());
    let again = refresh(client, first.refresh_token().unwrap(), &[]);
    assert_eq!(again.access_token().secret(), second.access_token().secret());
    assert_eq!(again.refresh_token().unwrap().secret(), second.refresh_token().unwrap().secret());
    claims(client, &again, no_nonce);

    let narrowed = refresh(client, second.refresh_token().unwrap(), &["read"]);
    assert!(narrowed.id_token().is_none());
    let full = refresh(client, narrowed.refresh_token().unwrap(), &[]);
    claims(client, &full, no_nonce);
    full
}

/// The id_token of the first answer has the nonce (OpenID Connect Core section 12.2).
fn no_nonce(nonce: Option<&Nonce>) -> Result<(), String> {
    nonce.map_or(Ok(()), |_| Err("a refreshed id_token has a nonce".to_owned()))
}

fn sign_in(client: &Client) -> (CoreTokenResponse, CoreIdTokenClaims) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    // The library adds `openid`.
    let (link, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("read".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let code = AuthorizationCode::new(browser::code(&browser::allow(&link), &state));
    let tokens = client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request(&insecure).unwrap();
    let claims = claims(client, &tokens, &nonce);
    (tokens, claims)
}

fn refresh(client: &Client, token: &RefreshToken, scopes: &[&str]) -> CoreTokenResponse {
    let scopes = scopes.iter().map(|&scope| Scope::new(scope.to_owned()));
    client.exchange_refresh_token(token).unwrap().add_scopes(scopes).request(&insecure).unwrap()
}

/// The claims of an id_token that the published keys verify and that matches its access token.
fn claims(client: &Client, tokens: &CoreTokenResponse, nonce: impl NonceVerifier) -> CoreIdTokenClaims {
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&verifier, nonce).unwrap();
    let (algorithm, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(&verifier).unwrap());
    let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));
    claims.clone()
}

fn revoke(client: &Client, tokens: &CoreTokenResponse) {
    let refresh_token = tokens.refresh_token().unwrap().clone();
    client.revoke_token(refresh_token.into()).unwrap().request(&insecure).unwrap();
}
