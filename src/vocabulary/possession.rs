//! What a request shows of the keys that its client holds, besides the client's credentials.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::vocabulary::Confirmation;

/// The keys that a request shows, each perhaps not there. Tokens are bound to one of them as the policy has it
/// ([`sender_constraint`](crate::Policy::sender_constraint)), and bound ones are good only together with it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Possession {
    /// A DPoP proof, which the service verifies.
    pub dpop: Option<DpopProof>,
    /// The client certificate of the connection.
    pub certificate: Option<ClientCertificate>,
    /// A key whose possession the host has verified itself.
    pub confirmation: Option<Confirmation>,
}

impl Possession {
    /// Nothing is shown.
    #[must_use]
    pub const fn none() -> Self {
        Self { dpop: None, certificate: None, confirmation: None }
    }

    /// Adds a DPoP proof.
    #[must_use]
    pub fn with_dpop(mut self, proof: Option<DpopProof>) -> Self {
        self.dpop = proof;
        self
    }

    /// Adds the client certificate of the connection.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Option<ClientCertificate>) -> Self {
        self.certificate = certificate;
        self
    }
}

impl From<Option<Confirmation>> for Possession {
    /// A key whose possession the host has verified itself.
    fn from(confirmation: Option<Confirmation>) -> Self {
        Self { confirmation, ..Self::none() }
    }
}

/// A DPoP proof (RFC 9449 section 4) as it came, and the request it came with. `Debug` shows nothing of it.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct DpopProof {
    /// The value of the `DPoP` header.
    pub jwt: String,
    /// The method of the request (`htm`).
    pub method: String,
    /// The URL of the request as clients know it (`htu`), without query and fragment. From configuration, never from a
    /// `Host` header, which is the client's to choose.
    pub url: String,
}

impl fmt::Debug for DpopProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopProof(..)")
    }
}

/// The client certificate of a mutual-TLS connection, in DER, as the TLS stack verified possession of it (RFC 8705).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    /// The certificate of these DER bytes.
    #[must_use]
    pub fn from_der(der: impl Into<Arc<[u8]>>) -> Self {
        Self(der.into())
    }

    /// Its DER bytes.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// What tokens are bound to (`x5t#S256`, RFC 8705 section 3.1).
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
