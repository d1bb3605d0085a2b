use mysql_async::SslOpts;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::open_error::OpenError;

/// Settings of connections that verify the certificate of the server and its name, against the roots of the system or
/// these.
pub(crate) fn settings(root: Option<&[u8]>) -> Result<SslOpts, OpenError> {
    choose_cryptography();
    let certificates = match root {
        None => rustls_native_certs::load_native_certs().certs,
        Some(pem) => CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| OpenError::InvalidRootCertificate)?,
    };
    let is_usable = |certificate: &CertificateDer<'_>| RootCertStore::empty().add(certificate.clone()).is_ok();
    // Unreadable certificates of the system are skipped; the driver would refuse them all.
    let usable: Vec<CertificateDer<'_>> = certificates.iter().filter(|found| is_usable(found)).cloned().collect();
    if root.is_some() && (usable.is_empty() || usable.len() < certificates.len()) {
        return Err(OpenError::InvalidRootCertificate);
    }
    let roots = usable.iter().map(|certificate| certificate.to_vec().into()).collect();
    Ok(SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(true))
}

/// Installs a cryptography provider for the process unless the application has chosen one. The driver uses the provider
/// of the process, and rustls panics if none is installed and the application links two.
pub(crate) fn choose_cryptography() {
    let provider = rustls::crypto::ring::default_provider();
    // An error means that one is installed already.
    let _ = provider.install_default();
}
