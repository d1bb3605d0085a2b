//! Clients that are known by the certificate of their mutual-TLS connection (RFC 8705 section 2).
//!
//! **The TLS stack has verified it before.** Whoever terminated the connection, the host or a proxy in front of it, saw that
//! the client possesses the certificate's private key and, for `tls_client_auth`, that its chain ends at an authority which
//! the host trusts for clients, and that it is not revoked. None of that can be seen from here: a certificate copied from a
//! header that anyone may set authenticates anyone.

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

/// The certificate, if it is one and `now` lies within its validity. The TLS handshake has looked at the dates too, but a
/// connection may outlive its certificate, and nobody else looks at those of a self-signed one.
fn valid_certificate(certificate: &ClientCertificate, now: Timestamp) -> Result<Certificate, CertificateFault> {
    let certificate = Certificate::from_der(certificate.as_der()).map_err(|_| CertificateFault::Malformed)?;
    let validity = certificate.tbs_certificate().validity();
    let now = u64::try_from(now.as_secs()).map_err(|_| CertificateFault::Validity)?;
    // Both ends are inclusive (RFC 5280 section 4.1.2.5).
    let is_valid = (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration())
        .contains(&Duration::from_secs(now));
    if is_valid { Ok(certificate) } else { Err(CertificateFault::Validity) }
}
