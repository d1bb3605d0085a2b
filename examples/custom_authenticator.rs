//! A directory of your own: look up the client and the hash of its secret. The library authenticates.
//!
//! ```text
//! cargo run --example custom_authenticator
//! ```

use std::error::Error;

use async_trait::async_trait;
use regrant::authenticator::{ClientDirectory, DirectoryAuthenticator, RegisteredClient, Supported};
use regrant::client::Registration;
use regrant::host::Unavailable;
use regrant::{
    Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, KeyRing, MemoryStore, Scope,
    SecretHash, SystemEntropy, TokenService,
};

/// Stands for a table of clients in a database.
struct Table {
    row: RegisteredClient,
    is_reachable: bool,
}

#[async_trait]
impl ClientDirectory for Table {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        if !self.is_reachable {
            // An outage must not look like an absent client: clients discard their tokens on a refusal.
            return Err(Unavailable::new("the directory is down"));
        }
        Ok(Some(&self.row).filter(|row| row.client().id == *client_id).cloned())
    }

    /// For the metadata of the server: in a database, a query for distinct values.
    async fn supported(&self) -> Result<Supported, Unavailable> {
        Ok(Supported::of(self.row.client()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
    let reporting = Client::new(ClientId::from_static("reporting"))
        .with_registration(Registration(20_261_123)) // a row id or a creation time, never reused
        .with_grant_types([GrantType::ClientCredentials])
        .with_scope(Scope::from_static("reports"));
    let row = RegisteredClient::new(reporting, [SecretHash::sha256(&secret)])?;
    for (name, id, presented, is_reachable) in [
        ("right secret", "reporting", secret.clone(), true),
        ("wrong secret", "reporting", "guess".into(), true),
        ("unknown client", "nobody", secret.clone(), true),
        ("outage", "reporting", secret.clone(), false),
    ] {
        let authenticator = DirectoryAuthenticator::new(Table { row: row.clone(), is_reachable });
        let keys = KeyRing::generate(&SystemEntropy);
        let service = TokenService::builder(MemoryStore::new(), authenticator, keys).build()?;
        match service.authenticate(&ClientCredentials::Basic(ClientId::new(id)?, presented)).await {
            Ok(client) => {
                let tokens = service.issue(&client, IssueRequest::client_credentials(client.scope.clone())).await?;
                println!("{name}: tokens for {}", tokens.scope);
            }
            Err(error) => println!("{name}: {} ({})", error.code().as_str(), error.code().status()),
        }
    }
    Ok(())
}
