//! Clients that live in your own directory: look one up, check what it shows, assert the result. Needs no network:
//!
//! ```text
//! cargo run --example custom_authenticator
//! ```

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, CredentialRefusal};
use regrant::client::Registration;
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, KeyRing,
    MemoryStore, Scope, SecretHash, SystemEntropy, TokenService,
};

/// Stands for a table of clients. Yours would be a database, and its outage an error.
struct Directory {
    row: Arc<Client>,
    secret: SecretHash,
    is_reachable: bool,
}

#[async_trait]
impl ClientAuthenticator for Directory {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        if !self.is_reachable {
            // Never a refusal: the client would throw its tokens away.
            return Err(AuthenticateError::unavailable("the directory is down"));
        }
        let ClientCredentials::Basic(client_id, secret) = credentials else {
            return Err(AuthenticateError::refused(CredentialRefusal::MethodNotRegistered));
        };
        // Both checks always run, so that the time of the answer does not tell which client ids exist.
        let is_known = *client_id == self.row.id;
        let is_right = self.secret.verify(secret).await;
        // The reason is for events. The client is told the same either way.
        match (is_known, is_right) {
            (true, true) => Ok(AuthenticatedClient::assertion(Arc::clone(&self.row))),
            (true, false) => Err(AuthenticateError::refused_known(self.row.id.clone(), CredentialRefusal::WrongSecret)),
            (false, _) => Err(AuthenticateError::refused(CredentialRefusal::UnknownClient)),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW");
    let reporting = Client::new(ClientId::new("reporting")?)
        .with_registration(Registration(20_261_123)) // a row id or creation time: never that of a deleted client
        .with_grant_types([GrantType::ClientCredentials])
        .with_scope(Scope::new("reports")?);
    for (name, presented, is_reachable) in [
        ("right secret", secret.clone(), true),
        ("wrong secret", "guess".into(), true),
        ("outage", secret.clone(), false),
    ] {
        let directory =
            Directory { row: Arc::new(reporting.clone()), secret: SecretHash::sha256(&secret), is_reachable };
        let keys = KeyRing::generate(&SystemEntropy);
        let service = TokenService::builder(MemoryStore::new(), directory, keys).build()?;
        match service.authenticate(&ClientCredentials::Basic(ClientId::new("reporting")?, presented)).await {
            Ok(client) => {
                let tokens = service.issue(&client, IssueRequest::client_credentials(client.scope.clone())).await?;
                println!("{name}: tokens for {}", tokens.scope);
            }
            Err(error) => println!("{name}: {} ({})", error.code().as_str(), error.code().status()),
        }
    }
    Ok(())
}
