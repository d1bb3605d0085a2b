//! The store of an example host, as its service sees it, for the tests with a browser.
//!
//! `grants STORE list SUBJECT` prints what `TokenService::grants` says of a user, as JSON.
//! `grants STORE seed SUBJECT COUNT` issues grants to the user, for the clients of the host, of different ages.
//!
//! The key is that of the host, in `REGRANT_KEY`.

use std::env;
use std::error::Error;
use std::time::Duration;

use regrant::clock::{Clock as _, ManualClock, SystemClock, Timestamp};
use regrant::grant::GrantSummary;
use regrant::store::{GrantOwner, SharedStore, StoreOpener};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing, Scope,
    Subject, TokenService,
};
use regrant_postgres::PostgresStore;
use regrant_sqlite::SqliteStore;
use serde_json::{Value, json};

const PAGE: usize = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let key = Key::from_base64url(&env::var("REGRANT_KEY")?)?;
    let clock = ManualClock::starting_at(SystemClock.now());
    let [store, command @ ..] = &*arguments else { return Err("which store?".into()) };
    // The example has the path of a file where others have a URL.
    let url = if store.contains("://") { (*store).to_owned() } else { format!("sqlite://{store}") };
    let store = StoreOpener::new().with::<SqliteStore>().with::<PostgresStore>().open(&url).await?;
    let service =
        TokenService::builder(store, ClientRegistry::new(), KeyRing::new(key)).clock(clock.clone()).build()?;
    match command {
        ["list", subject] => println!("{}", list(&service, Subject::new(subject)?).await?),
        ["seed", subject, count] => seed(&service, &clock, &Subject::new(subject)?, count.parse()?).await?,
        _ => return Err("neither list nor seed".into()),
    }
    Ok(())
}

async fn list(service: &TokenService<SharedStore>, subject: Subject) -> Result<Value, Box<dyn Error>> {
    let page = service.grants(&GrantOwner::Subject(subject), None, PAGE).await?;
    Ok(page.grants.iter().map(as_json).collect())
}

fn as_json(grant: &GrantSummary) -> Value {
    json!({
        "id": grant.id.to_string(),
        "client_id": grant.client_id.as_str(),
        "scope": grant.approval.scope.as_str(),
        "device": String::from_utf8_lossy(&grant.approval.data),
        "last_used_at": grant.last_used_at.to_string(),
    })
}

async fn seed(
    service: &TokenService<SharedStore>,
    clock: &ManualClock,
    subject: &Subject,
    count: u32,
) -> Result<(), Box<dyn Error>> {
    let [album, shop] = ["spa", "print"].map(|id| {
        let client = Client::public(ClientId::from_static(id))
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(Scope::from_static("read write"));
        AuthenticatedClient::assertion(client.into())
    });
    let now = clock.now();
    for number in 1..=count {
        let device = ["Safari on iPhone", "Firefox on Windows", "Chrome on Android"][number as usize % 3];
        let approval = Approval::of(subject.clone())
            .with_scope(Scope::from_static(if number % 2 == 0 { "read" } else { "read write" }))
            .with_data(device.into());
        // Not so old that one expires during the test.
        let age = Duration::from_secs(3600) * (number.wrapping_pow(3) % 130);
        clock.set(Timestamp::from_millis(now.as_millis() - i64::try_from(age.as_millis())?));
        let client = if number % 3 == 2 { &shop } else { &album };
        service.issue(client, IssueRequest::new(GrantType::Password, approval)).await?;
    }
    Ok(())
}
