//! The directory of clients in the file of the grants.

use regrant::authenticator::{ClientDirectory as _, ClientStore as _, DirectoryAuthenticator, RegisteredClient};
use regrant::client::Registration;
use regrant::store::StoreError;
use regrant::token::Realm;
use regrant::{
    Approval, Client, ClientCredentials, ClientId, ClientSecret, GrantType, IssueRequest, KeyRing, SecretHash, Subject,
    SystemEntropy, TokenService,
};

use crate::support::{Database, create, payload, record};

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
    let database = Database::new();
    fixtures::directory::check(&database.open().clients()).await;
}

#[tokio::test]
async fn clients_and_their_numbers_survive_a_restart() {
    let database = Database::new();
    let clients = database.open().clients();
    clients.put(&app()).await.unwrap();
    assert!(clients.delete(&id("app")).await.unwrap());
    clients.put(&app()).await.unwrap();
    drop(clients);
    let clients = database.open().clients();
    let found = clients.find(&id("app")).await.unwrap().unwrap();
    assert_eq!(found.client().registration, Registration(1));
    assert!(found.secrets()[0].verify(&ClientSecret::new("secret")).await);
}

#[tokio::test]
async fn another_handle_sees_each_change_at_once() {
    let database = Database::new();
    let (one, other) = (database.open().clients(), database.open().clients());
    one.put(&app()).await.unwrap();
    assert!(other.find(&id("app")).await.unwrap().is_some());
    assert!(other.delete(&id("app")).await.unwrap());
    assert!(one.find(&id("app")).await.unwrap().is_none());
}

#[tokio::test]
async fn realms_share_no_client() {
    let database = Database::new();
    let store = database.open();
    let customers = store.clients().with_realm(Realm::from_static("customers"));
    customers.put(&app()).await.unwrap();
    assert!(store.clients().find(&id("app")).await.unwrap().is_none());
    assert!(store.clients().page(None, 10).await.unwrap().is_empty());
    assert!(store.clients().supported().await.unwrap().methods.is_empty());
    assert!(!store.clients().delete(&id("app")).await.unwrap());
    assert_eq!(customers.page(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_is_added_and_deleted_with_its_grants_while_the_service_runs() {
    let database = Database::new();
    let store = database.open();
    let clients = store.clients();
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
async fn a_damaged_row_is_an_error_that_names_no_secret_and_leaves_the_others_alone() {
    let database = Database::new();
    let clients = database.open().clients();
    clients.put(&app()).await.unwrap();
    let spa = RegisteredClient::new(Client::public(id("spa")), []).unwrap();
    clients.put(&spa).await.unwrap();
    let hash = app().secrets()[0].expose().unwrap();
    for damage in [
        "metadata = '{}'",
        "metadata = '{\"client_id\":\"app\",\"unknown\":1}'",
        "secrets = '[]'",
        "secrets = secrets || ']'",
        "secrets = '[\"md5:abc\"]'",
        "secrets = '[7]'",
    ] {
        database.execute(&format!("UPDATE regrant_clients SET {damage} WHERE client_id = 'app'"));
        let error = clients.find(&id("app")).await.unwrap_err();
        let store_error = error.downcast_ref::<StoreError>().unwrap();
        assert!(store_error.is_corrupt(), "{damage}");
        assert!(!testbed::text_of(store_error).contains(&hash["sha256:".len()..]), "{damage}");
        assert!(clients.find(&id("spa")).await.unwrap().is_some());
        clients.put(&app()).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_with_code_as_credentials_is_not_stored() {
    struct Never;
    #[async_trait::async_trait]
    impl regrant::authenticator::VerifySecret for Never {
        async fn verify(&self, _: &ClientSecret) -> bool {
            false
        }
    }
    let clients = Database::new().open().clients();
    let custom = SecretHash::custom(std::sync::Arc::new(Never));
    let client = RegisteredClient::new(Client::new(id("app")), [custom]).unwrap();
    let error = clients.put(&client).await.unwrap_err();
    assert!(!error.downcast_ref::<StoreError>().unwrap().is_transient());
    assert!(clients.find(&id("app")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_of_the_release_before_gets_the_table_and_keeps_its_grants() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    drop(store);
    database.execute("DROP TABLE regrant_clients; PRAGMA user_version = 2");
    let store = database.open();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    store.clients().put(&app()).await.unwrap();
}
