//! TLS: the certificate is verified, or the connection refused.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder};
use tempfile::NamedTempFile;
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

/// Modes of libpq that verify the server, and the mode that is implied.
const MODES: [&str; 4] = ["sslmode=verify-full", "sslmode=verify-ca", "sslmode=require", "application_name=implied"];

/// An authority and a file with its certificate.
struct Authority(CertifiedIssuer<'static, KeyPair>, NamedTempFile);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(issuer.pem().as_bytes()).unwrap();
        Self(issuer, file)
    }

    /// Starts a server with a certificate for this name.
    fn serve(&self, name: &str) -> Postgres {
        let (params, key) = (CertificateParams::new([name.to_owned()]).unwrap(), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Postgres::start_with_certificate(&certificate.pem(), &key.serialize_pem())
    }

    /// Options for the server, addressed in a way that is not known to stay on this machine.
    fn lead_to(&self, server: &Postgres, mode: &str) -> PostgresStoreBuilder {
        let url = server.url_at(format_args!("localhost:{}", server.address().port()));
        let url = format!("{url}?{mode}&sslrootcert={}", self.1.path().display());
        PostgresStore::builder(url).unwrap().table(new_table()).deadline(LONG)
    }
}

#[tokio::test]
async fn a_server_is_verified_by_the_authority_that_the_url_names() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, misnamed) = (authority.serve("localhost"), authority.serve("db.example"));
    for mode in MODES {
        authority.lead_to(&server, mode).migrate().await.unwrap();
        // Stricter than libpq, whose verify-ca accepts any name.
        is_refused(authority.lead_to(&misnamed, mode)).await;
        is_refused(other.lead_to(&server, mode)).await;
    }
    // The roots of the system do not know this authority.
    let url = format!("{}?sslmode=verify-full&sslrootcert=system", server.url());
    is_refused(PostgresStore::builder(url).unwrap().deadline(LONG)).await;
}

/// Answers that it has no TLS, then asks for the password in clear. Returns the port and what it was sent.
fn impostor() -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut heard = vec![0; 8];
        client.read_exact(&mut heard).unwrap();
        client.write_all(b"N").unwrap();
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            heard.extend_from_slice(&buffer[..length]);
            if heard.windows(6).any(|bytes| bytes == b"secret") || client.write_all(b"R\0\0\0\x08\0\0\0\x03").is_err() {
                break;
            }
        }
        heard
    });
    (port, heard)
}

/// Without the new default, anyone on the path to the server would be told the password.
#[tokio::test]
async fn who_declines_tls_is_told_no_password() {
    // An address of this machine that is not its loopback address.
    for (parameters, is_told) in [("", false), ("?sslmode=verify-full", false), ("?sslmode=prefer", true)] {
        let (port, heard) = impostor();
        let builder = PostgresStore::builder(format!("postgres://app:secret@0.0.0.0:{port}/auth{parameters}")).unwrap();
        let error = builder.deadline(LONG).open().await.unwrap_err();
        assert_eq!(matches!(error, OpenError::Tls(_)), !is_told, "{}", text_of(&error));
        let heard = heard.join().unwrap();
        assert_eq!(heard.windows(6).any(|bytes| bytes == b"secret"), is_told, "{parameters}");
    }
}

async fn is_refused(builder: PostgresStoreBuilder) {
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "{}", text_of(&error));
}
