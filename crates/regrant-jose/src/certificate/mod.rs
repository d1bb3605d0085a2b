//! Client authentication by the certificate of the mutual-TLS connection (RFC 8705 section 2).
//!
//! **The TLS stack must verify the certificate first.** The host, or the proxy that terminates TLS, checks that the
//! client possesses the private key. For `tls_client_auth` it also checks that the chain ends at an authority trusted
//! for clients, and that the certificate is not revoked. This crate can check none of that: if anyone can set the
//! header that carries the certificate, anyone can authenticate.

mod distinguished_name;
mod self_signed;
mod subject;

pub use distinguished_name::{DistinguishedName, InvalidDistinguishedName};
pub use self_signed::SelfSignedTlsClientAuth;
pub use subject::{CertificateSubject, TlsClientAuth};

use std::time::Duration;

use regrant::authenticator::CertificateFault;
use regrant::clock::Timestamp;
use regrant::proof::ClientCertificate;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Parses the certificate and checks that `now` lies within its validity. The TLS handshake checks the dates too, but a
/// connection may outlive its certificate, and nothing else checks the dates of a self-signed certificate.
fn valid_certificate(certificate: &ClientCertificate, now: Timestamp) -> Result<Certificate, CertificateFault> {
    let certificate = Certificate::from_der(certificate.as_der()).map_err(|_| CertificateFault::Malformed)?;
    let validity = certificate.tbs_certificate().validity();
    let now = u64::try_from(now.as_secs()).map_err(|_| CertificateFault::Validity)?;
    // Both ends are inclusive (RFC 5280 section 4.1.2.5).
    let is_valid = (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration())
        .contains(&Duration::from_secs(now));
    if is_valid { Ok(certificate) } else { Err(CertificateFault::Validity) }
}
