//! The whole life of a refresh token on one screen. Needs no network:
//!
//! ```text
//! cargo run --example quickstart
//! ```

use std::error::Error;
use std::time::Duration;

use regrant::clock::ManualClock;
use regrant::{
    AccessToken, Approval, AuthenticatedClient, Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret,
    GrantType, IssueRequest, KeyRing, MemoryStore, RefreshRequest, RefreshToken, Scope, SecretHash, Subject,
    SystemEntropy, TokenResponse, TokenService,
};

type Service = TokenService<MemoryStore>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The application: one client, one store, one key ring. The clock is moved by hand, so that nobody has to wait.
    let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
    let app = Client::new(ClientId::new("app")?)
        .with_grant_types([GrantType::Password, GrantType::RefreshToken])
        .with_scope(Scope::new("read write")?);
    let clients = ClientRegistry::new().with(app, [SecretHash::sha256(&secret)])?;
    let clock = ManualClock::starting_at("2026-11-23T12:00:00Z".parse()?);
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .clock(clock.clone())
        .build()?;
    let client = service.authenticate(&ClientCredentials::Basic(ClientId::new("app")?, secret)).await?;

    println!("1. The user says yes: first tokens.");
    let approval = Approval::of(Subject::new("demo")?).with_scope(Scope::new("read write")?);
    let first = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    show(&first);

    println!(
        "\n2. An hour later the access token has expired. Refresh: everything is new, the old refresh token is spent."
    );
    clock.advance(Duration::from_secs(3600));
    println!("   first access token active: {}", is_active(&service, &client, &first.access_token).await?);
    let second = service.refresh(&client, &RefreshRequest::new(refresh_token(&first)?)).await?;
    show(&second);

    println!("\n3. Refresh for less: the access token is narrowed, the grant is not.");
    let narrow = RefreshRequest::new(refresh_token(&second)?).with_scope(Scope::new("read")?);
    let third = service.refresh(&client, &narrow).await?;
    show(&third);

    println!("\n4. The response gets lost. The retry is answered with the very same tokens.");
    let lost = service.refresh(&client, &RefreshRequest::new(refresh_token(&third)?)).await?;
    clock.advance(Duration::from_secs(5));
    let retried = service.refresh(&client, &RefreshRequest::new(refresh_token(&third)?)).await?;
    println!("   same refresh token: {}", refresh_token(&lost)?.expose() == refresh_token(&retried)?.expose());
    println!("   same access token:  {}, 5 s older", lost.access_token.expose() == retried.access_token.expose());

    println!("\n5. Long after, a thief tries a spent refresh token. He is refused, and the whole grant dies with it.");
    clock.advance(Duration::from_secs(24 * 3600));
    let theft = service.refresh(&client, &RefreshRequest::new(refresh_token(&first)?)).await;
    println!("   thief: {}", theft.err().map_or("served".to_owned(), |error| error.to_string()));
    let owner = service.refresh(&client, &RefreshRequest::new(refresh_token(&retried)?)).await;
    println!("   owner: {}, and signs in again", owner.err().map_or("served".to_owned(), |error| error.to_string()));

    println!("\n6. A new grant, and the user signs out: revoking the refresh token takes the access token along.");
    let approval = Approval::of(Subject::new("demo")?).with_scope(Scope::new("read write")?);
    let fresh = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await?;
    println!("   access token active: {}", is_active(&service, &client, &fresh.access_token).await?);
    service.revoke(&client, refresh_token(&fresh)?.expose()).await?;
    println!("   access token active: {}", is_active(&service, &client, &fresh.access_token).await?);
    Ok(())
}

fn show(tokens: &TokenResponse) {
    let start = |token: &str| format!("{}...", &token[..11]);
    println!(
        "   access token  {} for {} s, scope {}",
        start(tokens.access_token.expose()),
        tokens.expires_in.as_secs(),
        tokens.scope
    );
    println!(
        "   refresh token {}",
        tokens.refresh_token.as_ref().map_or("none".to_owned(), |token| start(token.expose()))
    );
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
