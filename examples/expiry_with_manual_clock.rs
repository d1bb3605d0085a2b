//! Tests of expiry without waiting, with a clock that is moved by hand.
//!
//! ```text
//! cargo run --example expiry_with_manual_clock
//! ```

use std::error::Error;
use std::time::Duration;

use regrant::clock::ManualClock;
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, MemoryStore,
    Policy, RefreshRequest, Subject, SystemEntropy, TokenService,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = ManualClock::starting_at("2026-11-23T12:00:00Z".parse()?);
    // An unused refresh token expires after 7 days. A grant expires after 30 days, however often it is refreshed.
    let policy = Policy::default().with_refresh_token_lifetime((7 * DAY).into()).with_grant_lifetime((30 * DAY).into());
    let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), KeyRing::generate(&SystemEntropy))
        .policy(policy)
        .clock(clock.clone())
        .build()?;
    let client = Client::new(ClientId::from_static("app"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());

    let request = IssueRequest::new(GrantType::AuthorizationCode, Approval::of(Subject::from_static("demo")));
    let mut tokens = service.issue(&client, request).await?;
    for day in [6, 12, 18, 24, 29] {
        clock.advance(if day == 29 { 5 * DAY } else { 6 * DAY });
        let refresh_token = tokens.refresh_token.ok_or("no refresh token")?;
        tokens = service.refresh(&client, &RefreshRequest::new(refresh_token)).await?;
        let ends = tokens.refresh_token_expires_at.ok_or("no end")?;
        println!("day {day:>2}: refreshed, the next refresh token ends {ends}");
    }
    clock.advance(23 * HOUR + HOUR / 2);
    let refresh_token = tokens.refresh_token.ok_or("no refresh token")?;
    tokens = service.refresh(&client, &RefreshRequest::new(refresh_token)).await?;
    println!("half an hour before the end: an access token for {} s", tokens.expires_in.as_secs());
    clock.advance(HOUR / 2);
    let refresh_token = tokens.refresh_token.ok_or("no refresh token")?;
    let late = service.refresh(&client, &RefreshRequest::new(refresh_token)).await;
    println!("day 30: {}", late.err().map_or("still served".to_owned(), |error| error.to_string()));
    Ok(())
}
