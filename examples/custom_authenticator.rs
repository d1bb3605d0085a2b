//! An authenticator of your own: look up the client, verify its secret, assert the result.
//!
//! ```text
//! cargo run --example custom_authenticator
//! ```

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, CredentialRefusal, Supported};
use regrant::client::{ClientAuthenticationMethod, Registration};
use regrant::host::Unavailable;
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, KeyRing,
    MemoryStore, Scope, SecretHash, SystemEntropy, TokenService,
};

/// Stands for a table of clients in a database.
struct Directory {
    row: Arc<Client>,
    secret: SecretHash,
    is_reachable: bool,
}

#[async_trait]
impl ClientAuthenticator for Directory {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        if !self.is_reachable {
            // An outage must not be a refusal: clients discard their tokens on a refusal.
            return Err(AuthenticateError::unavailable("the directory is down"));
        }
        let ClientCredentials::Basic(client_id, secret) = credentials else {
            return Err(AuthenticateError::refused(CredentialRefusal::MethodNotRegistered));
        };
        // Both checks always run. Otherwise the response time would reveal which client ids exist.
        let is_known = *client_id == self.row.id;
        let is_right = self.secret.verify(secret).await;
        // The reason is for events. The client gets the same response for each of them.
        match (is_known, is_right) {
            (true, true) => Ok(AuthenticatedClient::assertion(Arc::clone(&self.row))),
            (true, false) => Err(AuthenticateError::refused_known(self.row.id.clone(), CredentialRefusal::WrongSecret)),
            (false, _) => Err(AuthenticateError::refused(CredentialRefusal::UnknownClient)),
        }
    }

    /// For the metadata of the server: in a database, a query over all rows.
    async fn supported(&self) -> Result<Supported, Unavailable> {
        Ok(Supported::default()
            .with_methods([ClientAuthenticationMethod::ClientSecretBasic])
            .with_scope(self.row.scope.clone()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
    let reporting = Client::new(ClientId::from_static("reporting"))
        .with_registration(Registration(20_261_123)) // a row id or a creation time, never reused
        .with_grant_types([GrantType::ClientCredentials])
        .with_scope(Scope::from_static("reports"));
    for (name, presented, is_reachable) in [
        ("right secret", secret.clone(), true),
        ("wrong secret", "guess".into(), true),
        ("outage", secret.clone(), false),
    ] {
        let directory =
            Directory { row: Arc::new(reporting.clone()), secret: SecretHash::sha256(&secret), is_reachable };
        let keys = KeyRing::generate(&SystemEntropy);
        let service = TokenService::builder(MemoryStore::new(), directory, keys).build()?;
        match service.authenticate(&ClientCredentials::Basic(ClientId::from_static("reporting"), presented)).await {
            Ok(client) => {
                let tokens = service.issue(&client, IssueRequest::client_credentials(client.scope.clone())).await?;
                println!("{name}: tokens for {}", tokens.scope);
            }
            Err(error) => println!("{name}: {} ({})", error.code().as_str(), error.code().status()),
        }
    }
    Ok(())
}
