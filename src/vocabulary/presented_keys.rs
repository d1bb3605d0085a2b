//! Key proofs in a request: DPoP proof and client certificate.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::vocabulary::Confirmation;

/// The keys that a request presents, besides the credentials of the client. Each of them is optional.
///
/// The policy decides to which of them new tokens are bound
/// ([`sender_constraint`](crate::Policy::sender_constraint)). A bound token is accepted only together with its key.
///
/// ```
/// use regrant::proof::{ClientCertificate, DpopProof, PresentedKeys};
///
/// # let (header, der) = (String::new(), vec![0x30]);
/// let proof =
///     DpopProof { jwt: header, method: "POST".into(), url: "https://as.example/oauth2/token".into() };
/// let keys = PresentedKeys::none().with_dpop(proof).with_certificate(ClientCertificate::from_der(der));
/// assert!(keys.confirmation.is_none());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PresentedKeys {
    /// A DPoP proof. The service verifies it. Without a [`ProofVerifier`](crate::proof::ProofVerifier) the proof is
    /// ignored.
    pub dpop: Option<DpopProof>,
    /// The client certificate of the connection, verified by TLS or by a proxy that the host trusts. A header that a
    /// client can set itself is no source: anyone can copy a certificate.
    pub certificate: Option<ClientCertificate>,
    /// A key that the host has verified itself. The service trusts the value as it is.
    pub confirmation: Option<Confirmation>,
}

impl PresentedKeys {
    /// No keys.
    #[must_use]
    pub const fn none() -> Self {
        Self { dpop: None, certificate: None, confirmation: None }
    }

    /// Sets the DPoP proof.
    #[must_use]
    pub fn with_dpop(mut self, proof: impl Into<Option<DpopProof>>) -> Self {
        self.dpop = proof.into();
        self
    }

    /// Sets the client certificate of the connection.
    #[must_use]
    pub fn with_certificate(mut self, certificate: impl Into<Option<ClientCertificate>>) -> Self {
        self.certificate = certificate.into();
        self
    }
}

impl From<Option<Confirmation>> for PresentedKeys {
    /// A key that the host has verified itself.
    fn from(confirmation: Option<Confirmation>) -> Self {
        Self { confirmation, ..Self::none() }
    }
}

/// An unverified DPoP proof (RFC 9449 section 4) and the request that it came with. `Debug` shows none of it: a proof
/// that was logged before it was used could be used by a reader of the log.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct DpopProof {
    /// The value of the `DPoP` header. A request with two such headers has no valid proof (RFC 9449 section 4.3).
    pub jwt: String,
    /// The method of the request (`htm`), in upper case as HTTP writes it.
    pub method: String,
    /// The URL of the request as clients know it (`htu`), without query and fragment. Take it from configuration, never
    /// from the `Host` header: the client controls that header.
    pub url: String,
}

impl fmt::Debug for DpopProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopProof(..)")
    }
}

/// The client certificate of a mutual-TLS connection, in DER (RFC 8705). The TLS stack has verified possession of its
/// key. `Debug` shows the length only, since a certificate can name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    /// The certificate with these DER bytes. The bytes are not parsed: only their hash and the registered certificate
    /// count.
    #[must_use]
    pub fn from_der(der: impl Into<Arc<[u8]>>) -> Self {
        Self(der.into())
    }

    /// Returns the DER bytes.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// Returns the thumbprint to which tokens are bound (`x5t#S256`, RFC 8705 section 3.1): SHA-256 of the DER bytes.
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        Confirmation::Certificate(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({} bytes)", self.0.len())
    }
}
