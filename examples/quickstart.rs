//! The life of a refresh token: issue, refresh, narrow, a lost response, theft, revocation.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use std::error::Error;
use std::time::Duration;

use regrant::clock::ManualClock;
use regrant::{
    AccessToken, Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientCredentials, ClientId, ClientRegistry,
    ClientSecret, CodeChallenge, CodeVerifier, GrantType, KeyRing, MemoryStore, RedeemRequest, RedirectUri,
    RefreshRequest, RefreshToken, Scope, SecretHash, Subject, SystemEntropy, TokenResponse, TokenService,
};

type Service = TokenService<MemoryStore>;

const CALLBACK: &str = "https://app.example/callback";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // One client, one store, one key ring. The clock is moved by hand, so nothing has to wait.
    let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
    let app = Client::new(ClientId::from_static("app"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_redirect_uris([RedirectUri::from_static(CALLBACK)])
        .with_scope(Scope::from_static("read write"));
    let clients = ClientRegistry::new().register(app, [SecretHash::sha256(&secret)])?;
    let clock = ManualClock::starting_at("2026-11-23T12:00:00Z".parse()?);
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .clock(clock.clone())
        .build()?;
    let client = service.authenticate(&ClientCredentials::Basic(ClientId::from_static("app"), secret)).await?;

    println!("1. The user approves. The client redeems the code for its first tokens.");
    let first = sign_in(&service, &client).await?;
    show(&first);

    println!("\n2. An hour later the access token has expired. A refresh rotates both tokens.");
    clock.advance(Duration::from_secs(3600));
    println!("   first access token active: {}", is_active(&service, &client, &first.access_token).await?);
    let second = service.refresh(&client, &RefreshRequest::new(refresh_token(&first)?)).await?;
    show(&second);

    println!("\n3. A refresh with less scope narrows the access token, but not the grant.");
    let narrow = RefreshRequest::new(refresh_token(&second)?).with_scope(Scope::from_static("read"));
    let third = service.refresh(&client, &narrow).await?;
    show(&third);

    println!("\n4. The response gets lost. The client tries again and gets the same tokens.");
    let lost = service.refresh(&client, &RefreshRequest::new(refresh_token(&third)?)).await?;
    clock.advance(Duration::from_secs(5));
    let retried = service.refresh(&client, &RefreshRequest::new(refresh_token(&third)?)).await?;
    println!("   same refresh token: {}", refresh_token(&lost)?.expose() == refresh_token(&retried)?.expose());
    println!("   same access token:  {}", lost.access_token.expose() == retried.access_token.expose());

    println!("\n5. A day later a thief presents a spent refresh token. The service refuses it and revokes the grant.");
    clock.advance(Duration::from_secs(24 * 3600));
    let theft = service.refresh(&client, &RefreshRequest::new(refresh_token(&first)?)).await;
    println!("   thief: {}", theft.err().map_or("served".to_owned(), |error| error.to_string()));
    let owner = service.refresh(&client, &RefreshRequest::new(refresh_token(&retried)?)).await;
    println!("   owner: {}", owner.err().map_or("served".to_owned(), |error| error.to_string()));

    println!("\n6. The user signs in again and signs out. Revoking the refresh token revokes the access token too.");
    let fresh = sign_in(&service, &client).await?;
    println!("   access token active: {}", is_active(&service, &client, &fresh.access_token).await?);
    service.revoke(&client, refresh_token(&fresh)?.expose()).await?;
    println!("   access token active: {}", is_active(&service, &client, &fresh.access_token).await?);
    Ok(())
}

/// An authorization code flow with PKCE. In a server the two steps are two requests.
async fn sign_in(service: &Service, client: &AuthenticatedClient) -> Result<TokenResponse, Box<dyn Error>> {
    let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let approval = Approval::of(Subject::from_static("demo")).with_scope(Scope::from_static("read write"));
    let request = AuthorizeRequest::new(approval)
        .with_redirect_uri(Some(RedirectUri::from_static(CALLBACK)))
        .with_code_challenge(Some(CodeChallenge::of(&verifier)?));
    let code = service.authorize(client, request).await?.code;
    let redemption = RedeemRequest::new(code).with_redirect_uri(CALLBACK).with_code_verifier(verifier);
    Ok(service.redeem(client, &redemption).await?)
}

fn show(tokens: &TokenResponse) {
    let start = |token: &str| format!("{}...", &token[..11]);
    let lifetime = tokens.expires_in.as_secs();
    println!("   access token  {} for {lifetime} s, scope {}", start(tokens.access_token.expose()), tokens.scope);
    let refresh_token = tokens.refresh_token.as_ref().map_or("none".to_owned(), |token| start(token.expose()));
    println!("   refresh token {refresh_token}");
}

fn refresh_token(tokens: &TokenResponse) -> Result<RefreshToken, &'static str> {
    tokens.refresh_token.clone().ok_or("no refresh token")
}

async fn is_active(
    service: &Service,
    client: &AuthenticatedClient,
    token: &AccessToken,
) -> Result<bool, Box<dyn Error>> {
    Ok(service.introspect(client, token.expose()).await?.is_some())
}
