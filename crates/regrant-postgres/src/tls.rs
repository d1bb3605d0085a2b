use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::open_error::OpenError;

/// Roots of trust for the certificate of the server.
pub(crate) enum Roots<'a> {
    /// None, because TLS is off.
    None,
    System,
    /// Certificates in PEM.
    Pem(&'a [u8]),
}

/// Creates a TLS client that verifies the certificate of the server and its name, for every `sslmode`. Brings its own
/// cryptography provider: the process may have another default, or none.
pub(crate) fn connector(roots: &Roots<'_>) -> Result<MakeRustlsConnect, OpenError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.into()))?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn store(roots: &Roots<'_>) -> Result<RootCertStore, OpenError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::None => {}
        // Unreadable certificates of the system are skipped.
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::Pem(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| OpenError::InvalidRootCertificate)?;
                store.add(certificate).map_err(|_| OpenError::InvalidRootCertificate)?;
            }
            if store.is_empty() {
                return Err(OpenError::InvalidRootCertificate);
            }
        }
    }
    Ok(store)
}
