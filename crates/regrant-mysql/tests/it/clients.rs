//! The directory of clients beside the grants.

use regrant::authenticator::{ClientDirectory as _, ClientStore as _, DirectoryAuthenticator, RegisteredClient};
use regrant::client::Registration;
use regrant::store::StoreError;
use regrant::token::Realm;
use regrant::{
    Approval, Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, KeyRing, SecretHash, Subject,
    SystemEntropy, TokenService,
};
use regrant_mysql::OpenError;
use testbed::{Disturbance, LONG, Proxy, retry, text_of};

use crate::opening::new_user;
use crate::server::server;
use crate::support::{at, beside, open_new, soon};

fn id(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

fn app() -> RegisteredClient {
    let client = Client::new(id("app"))
        .with_grant_types([GrantType::Password, GrantType::RefreshToken])
        .with_scope("read".parse().unwrap());
    RegisteredClient::new(client, [SecretHash::sha256(&ClientSecret::new("secret"))]).unwrap()
}

#[tokio::test]
async fn the_directory_keeps_the_contract() {
    let (store, _) = open_new().await;
    fixtures::directory::check(&store.clients().await.unwrap()).await;
}

#[tokio::test]
async fn another_node_sees_each_change_at_once() {
    let (store, table) = open_new().await;
    let other = at(&server().url()).table(table).open().await.unwrap();
    let (one, other) = (store.clients().await.unwrap(), other.clients().await.unwrap());
    assert_eq!(one.put(&app()).await.unwrap(), Registration(0));
    assert!(other.find(&id("app")).await.unwrap().is_some());
    assert!(other.delete(&id("app")).await.unwrap());
    assert!(one.find(&id("app")).await.unwrap().is_none());
    assert_eq!(one.put(&app()).await.unwrap(), Registration(1));
    assert_eq!(other.put(&app()).await.unwrap(), Registration(1));
}

#[tokio::test]
async fn realms_share_no_client() {
    let (store, _) = open_new().await;
    let own = store.clients().await.unwrap();
    let customers = own.clone().with_realm(Realm::from_static("customers"));
    customers.put(&app()).await.unwrap();
    assert!(own.find(&id("app")).await.unwrap().is_none());
    assert!(own.page(None, 10).await.unwrap().is_empty());
    assert!(own.supported().await.unwrap().methods.is_empty());
    assert!(!own.delete(&id("app")).await.unwrap());
    assert_eq!(customers.page(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn ids_that_a_collation_would_confuse_are_other_clients() {
    let (store, _) = open_new().await;
    let clients = store.clients().await.unwrap();
    clients.put(&app()).await.unwrap();
    for other in ["APP", "app ", "\u{20}app"] {
        assert!(clients.find(&id(other)).await.unwrap().is_none(), "{other}");
    }
}

#[tokio::test]
async fn a_client_is_added_and_deleted_with_its_grants_while_the_service_runs() {
    let (store, _) = open_new().await;
    let clients = store.clients().await.unwrap();
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(store, DirectoryAuthenticator::new(clients.clone()), keys).build().unwrap();
    let credentials = ClientCredentials::Basic(id("app"), "secret".into());
    assert!(service.authenticate(&credentials).await.is_err());
    clients.put(&app()).await.unwrap();
    let client = service.authenticate(&credentials).await.unwrap();
    let approval = Approval::of(Subject::new("demo").unwrap()).with_scope("read".parse().unwrap());
    service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await.unwrap();
    assert_eq!(service.delete_client(&clients, &id("app")).await.unwrap(), 1);
    assert!(service.authenticate(&credentials).await.is_err());
}

#[tokio::test]
async fn a_damaged_row_is_an_error_and_leaves_the_others_alone() {
    let (store, table) = open_new().await;
    let (clients, rows) = (store.clients().await.unwrap(), beside(&table, "clients"));
    clients.put(&app()).await.unwrap();
    clients.put(&RegisteredClient::new(Client::public(id("spa")), []).unwrap()).await.unwrap();
    for damage in ["metadata = '{}'", "secrets = '[]'", "secrets = NULL", "metadata = x'ff'"] {
        server().execute(&format!("UPDATE {rows} SET {damage} WHERE client_id = 'app'"));
        let error = clients.find(&id("app")).await.unwrap_err();
        assert!(error.downcast_ref::<StoreError>().unwrap().is_corrupt(), "{damage}");
        assert!(clients.find(&id("spa")).await.unwrap().is_some());
        clients.put(&app()).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_of_a_directory_needs_three_privileges_and_a_user_without_one_needs_none() {
    let (_, table) = open_new().await;
    let url = new_user("directory");
    for (privileges, table) in [
        ("SELECT", beside(&table, "schema")),
        ("SELECT, INSERT, UPDATE, DELETE", table.to_string()),
        ("SELECT, INSERT, UPDATE, DELETE", beside(&table, "marks")),
    ] {
        server().execute(&format!("GRANT {privileges} ON regrant.{table} TO directory"));
    }
    let store = at(&url).table(table.clone()).open().await.unwrap();
    let rows = beside(&table, "clients");
    for privilege in ["SELECT", "INSERT, UPDATE"] {
        let error = store.clients().await.unwrap_err();
        assert!(
            matches!(&error, OpenError::MissingPermission { missing } if missing.contains("_clients")),
            "{}",
            text_of(&error)
        );
        server().execute(&format!("GRANT {privilege} ON regrant.{rows} TO directory"));
    }
    let clients = store.clients().await.unwrap();
    clients.put(&app()).await.unwrap();
    assert!(clients.delete(&id("app")).await.unwrap());
}

#[tokio::test]
async fn a_silent_server_is_an_outage() {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    let builder = at(&server().url_at(proxy.address())).table(table).deadline(soon());
    let store = retry(async || builder.open().await).await;
    let clients = retry(async || store.clients().await).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    // No answer is an outage, and never an absent client.
    let error = clients.find(&id("app")).await.unwrap_err();
    assert!(error.downcast_ref::<StoreError>().unwrap().is_transient());
}
