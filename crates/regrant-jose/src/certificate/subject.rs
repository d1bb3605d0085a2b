use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::authenticator::{CertificateFault, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::Clock;
use regrant::{Client, ClientCredentials};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{DistinguishedName, valid_certificate};

/// The certificate subject of a `tls_client_auth` client: exactly one of the five kinds (RFC 8705 section 2.1.2). An
/// authority issues certificates to many clients; the subject tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`.
    Dn(DistinguishedName),
    /// `tls_client_auth_san_dns`, compared case-insensitively. There are no wildcards: `*.example` stands only for
    /// itself.
    SanDns(String),
    /// `tls_client_auth_san_uri`, compared character by character.
    SanUri(String),
    /// `tls_client_auth_san_ip`, compared as an address, not as text.
    SanIp(IpAddr),
    /// `tls_client_auth_san_email`, compared character by character.
    SanEmail(String),
}

impl CertificateSubject {
    fn matches(&self, certificate: &Certificate) -> bool {
        let certificate = certificate.tbs_certificate();
        if let Self::Dn(name) = self {
            return *name == DistinguishedName::new(certificate.subject().clone());
        }
        // A duplicate or malformed extension matches nothing.
        match certificate.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0.iter().any(|name| self.is_named(name)),
            Ok(None) | Err(_) => false,
        }
    }

    fn is_named(&self, name: &GeneralName) -> bool {
        match (self, name) {
            (Self::SanDns(expected), GeneralName::DnsName(name)) => name.as_str().eq_ignore_ascii_case(expected),
            (Self::SanUri(expected), GeneralName::UniformResourceIdentifier(name))
            | (Self::SanEmail(expected), GeneralName::Rfc822Name(name)) => name.as_str() == expected,
            (Self::SanIp(IpAddr::V4(expected)), GeneralName::IpAddress(name)) => name.as_bytes() == expected.octets(),
            (Self::SanIp(IpAddr::V6(expected)), GeneralName::IpAddress(name)) => name.as_bytes() == expected.octets(),
            _ => false,
        }
    }
}

/// Authenticates a `tls_client_auth` client by a certificate with the registered subject, whose chain the TLS stack has
/// verified (RFC 8705 section 2.1).
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Client, ClientId, ClientRegistry};
/// use regrant::client::ClientAuthenticationMethod;
/// use regrant::clock::SystemClock;
/// use regrant_jose::certificate::{CertificateSubject, TlsClientAuth};
///
/// let client = Client::new(ClientId::new("payments")?)
///     .with_authentication_methods(ClientAuthenticationMethod::TlsClientAuth);
/// let subject = CertificateSubject::Dn("CN=payments,O=Example,C=DE".parse()?);
/// let verifier = TlsClientAuth::new(subject, Arc::new(SystemClock));
/// let clients = ClientRegistry::new().register_with_verifier(client, Arc::new(verifier))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TlsClientAuth {
    subject: CertificateSubject,
    clock: Arc<dyn Clock>,
}

impl TlsClientAuth {
    /// Accepts certificates of `subject` within their validity.
    #[must_use]
    pub fn new(subject: CertificateSubject, clock: Arc<dyn Clock>) -> Self {
        Self { subject, clock }
    }
}

#[async_trait]
impl VerifyCredentials for TlsClientAuth {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let is_registered = client.authentication_methods.contains(ClientAuthenticationMethod::TlsClientAuth);
        let (ClientCredentials::Certificate(_, certificate), true) = (credentials, is_registered) else {
            return Err(CredentialRefusal::MethodNotRegistered.into());
        };
        let certificate = valid_certificate(certificate, self.clock.now())?;
        if self.subject.matches(&certificate) { Ok(()) } else { Err(CertificateFault::Subject.into()) }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl fmt::Debug for TlsClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClientAuth").field("subject", &self.subject).finish_non_exhaustive()
    }
}
