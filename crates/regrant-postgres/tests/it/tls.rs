//! TLS: the certificate is verified, or the connection refused.

use std::sync::LazyLock;

use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder};
use testbed::{LONG, Postgres, text_of};

use crate::server::new_table;

fn secure_server() -> &'static Postgres {
    static SERVER: LazyLock<Postgres> = LazyLock::new(Postgres::start_with_tls);
    &SERVER
}

fn certificate() -> Vec<u8> {
    std::fs::read(secure_server().certificate()).unwrap()
}

fn with(parameters: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(format!("{}?{parameters}", secure_server().url())).unwrap().table(new_table()).deadline(LONG)
}

#[tokio::test]
async fn a_server_whose_root_is_given_is_trusted() {
    let builder = with("sslmode=require&application_name=secure").root_certificate(certificate());
    builder.migrate().await.unwrap();
    let _store = builder.open().await.unwrap();
    let ssl =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'secure'";
    assert_eq!(secure_server().execute(ssl), "t");
}

#[tokio::test]
async fn an_untrusted_server_is_refused() {
    is_refused(with("sslmode=require")).await;
}

#[tokio::test]
async fn a_server_with_another_root_is_refused() {
    let other = Postgres::start_with_tls();
    is_refused(with("sslmode=require").root_certificate(std::fs::read(other.certificate()).unwrap())).await;
}

#[tokio::test]
async fn a_certificate_is_verified_under_prefer_too() {
    is_refused(with("sslmode=prefer")).await;
    is_refused(with("")).await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let (address, password) = (secure_server().address(), secure_server().password());
    let mut config = tokio_postgres::Config::new();
    config.host("db.example").hostaddr(address.ip()).port(address.port());
    config.user("regrant").dbname("regrant").password(password);
    is_refused(PostgresStoreBuilder::from_config(config).root_certificate(certificate())).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let url = format!("{}?sslmode=require", crate::server::server().url());
    is_refused(PostgresStore::builder(&url).unwrap()).await;
}

#[tokio::test]
async fn tls_can_be_disabled() {
    with("sslmode=disable").migrate().await.unwrap();
}

#[tokio::test]
async fn an_invalid_root_certificate_is_named() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", broken] {
        let result = with("sslmode=require").root_certificate(pem).open().await;
        assert!(matches!(result, Err(OpenError::InvalidRootCertificate)), "{pem}");
    }
}

async fn is_refused(builder: PostgresStoreBuilder) {
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "{}", text_of(&error));
}
