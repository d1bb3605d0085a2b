//! TLS: the certificate is verified, or the connection refused.

use std::sync::LazyLock;

use regrant_mysql::mysql_async::{OptsBuilder, SslOpts};
use regrant_mysql::{MysqlStoreBuilder, OpenError};
use testbed::{LONG, MariaDb, text_of};

use crate::server::{new_table, server};
use crate::support::at;

fn secure_server() -> &'static MariaDb {
    static SERVER: LazyLock<MariaDb> = LazyLock::new(MariaDb::start_with_tls);
    &SERVER
}

fn certificate() -> Vec<u8> {
    std::fs::read(secure_server().certificate()).unwrap()
}

fn with(parameters: &str) -> MysqlStoreBuilder {
    at(&format!("{}?{parameters}", secure_server().url())).table(new_table())
}

#[tokio::test]
async fn a_server_whose_root_is_given_is_trusted() {
    secure_server()
        .execute("CREATE USER secured@'%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT ALL ON regrant.* TO secured@'%'");
    for mode in ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"] {
        let url = format!("mysql://secured:secret@{}/regrant?ssl-mode={mode}", secure_server().address());
        let builder = at(&url).table(new_table()).root_certificate(certificate());
        builder.migrate().await.unwrap();
        let _store = builder.open().await.unwrap();
    }
    let url = format!("mysql://secured:secret@{}/regrant", secure_server().address());
    let error = at(&url).migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", text_of(&error));
}

#[tokio::test]
async fn an_untrusted_server_is_refused() {
    is_refused(with("ssl-mode=REQUIRED")).await;
    is_refused(with("ssl-mode=VERIFY_CA")).await;
}

#[tokio::test]
async fn a_server_with_another_root_is_refused() {
    let other = MariaDb::start_with_tls();
    is_refused(with("ssl-mode=REQUIRED").root_certificate(std::fs::read(other.certificate()).unwrap())).await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    // The certificate names 127.0.0.1, and not this form of it.
    let address = format!("[::ffff:127.0.0.1]:{}", secure_server().address().port());
    let builder = at(&format!("{}?ssl-mode=VERIFY_CA", secure_server().url_at(address)));
    is_refused(builder.root_certificate(certificate())).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    is_refused(at(&format!("{}?ssl-mode=REQUIRED", server().url()))).await;
}

#[tokio::test]
async fn tls_is_off_for_a_server_of_this_machine_unless_it_is_asked_for() {
    with("").migrate().await.unwrap();
    with("ssl-mode=DISABLED").migrate().await.unwrap();
}

#[tokio::test]
async fn the_applications_own_options_of_the_driver_are_used() {
    let address = secure_server().address();
    let opts = OptsBuilder::default()
        .ip_or_hostname(address.ip().to_string())
        .tcp_port(address.port())
        .user(Some("regrant"))
        .pass(Some(secure_server().password()))
        .db_name(Some("regrant"));
    let builder =
        |ssl: SslOpts| MysqlStoreBuilder::from_opts(opts.clone().ssl_opts(ssl)).deadline(LONG).table(new_table());
    let own = SslOpts::default().with_root_certs(vec![certificate().into()]);
    builder(own).migrate().await.unwrap();
    is_refused(builder(SslOpts::default())).await;
}

#[tokio::test]
async fn an_invalid_root_certificate_is_named() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", broken] {
        let result = with("ssl-mode=REQUIRED").root_certificate(pem).open().await;
        assert!(matches!(result, Err(OpenError::InvalidRootCertificate)), "{pem}");
    }
}

async fn is_refused(builder: MysqlStoreBuilder) {
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "{}", text_of(&error));
}
