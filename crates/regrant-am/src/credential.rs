use std::fmt;

use super::attributes::Attributes;
use super::error::{ImportError, Problem};
use super::finding::Meaning;
use regrant::ClientSecret;
use regrant::client::ClientAuthenticationMethod as Method;

/// The credential of a client, as far as the export has it. The host turns it into the secrets or the verifier that its
/// registry needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// No credential: a public client.
    None,
    /// A secret in clear text: someone wrote it into the export.
    Secret(ClientSecret),
    /// A secret that is missing in the export, or encrypted with AM's key: the host supplies it.
    SecretNeeded,
    /// A JWT signed with a private key.
    PrivateKeyJwt {
        /// The public keys; `None` when the export has none, so that the client cannot authenticate in AM either.
        keys: Option<PublicKeys>,
        /// The only JWS algorithm that AM accepts from this client (`tokenEndpointAuthSigningAlgorithm`).
        algorithm: String,
    },
    /// A certificate of an authority that AM trusts. The trusted authorities are in AM's secret stores.
    TlsClientAuth {
        /// The subject that the certificate must have (`mTLSSubjectDN`).
        subject_dn: Option<String>,
    },
    /// A registered certificate.
    SelfSignedTlsClientAuth {
        /// The location of the certificate; in a key set, the `x5c` of a key.
        keys: Option<PublicKeys>,
    },
}

/// The public keys of a client, as the export has them. `Debug` shows no key: some key sets contain symmetric keys.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeys {
    /// The URL of a JWK Set.
    JwksUri(String),
    /// A JWK Set (RFC 7517 section 5), not yet parsed.
    Jwks(String),
    /// An X.509 certificate in PEM.
    Certificate(String),
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JwksUri(uri) => f.debug_tuple("JwksUri").field(uri).finish(),
            Self::Jwks(_) => f.write_str("Jwks(..)"),
            Self::Certificate(_) => f.write_str("Certificate(..)"),
        }
    }
}

impl Attributes {
    /// Takes the authentication method and the credential.
    pub(super) fn credential(&mut self) -> Result<(Method, Credential), ImportError> {
        let method = self.authentication_method()?;
        let credential = match method {
            Method::PrivateKeyJwt => {
                let algorithm = self.text("tokenEndpointAuthSigningAlgorithm")?.unwrap_or_else(|| "RS256".to_owned());
                if algorithm.starts_with("HS") {
                    // AM has one name for both kinds of assertion; the algorithm distinguishes them.
                    let method = Method::ClientSecretJwt;
                    let why = "its assertions are signed with the client's secret (tokenEndpointAuthSigningAlgorithm)";
                    self.report("tokenEndpointAuthMethod", replaced(method.as_str(), why));
                    return Ok((method, self.secret()?));
                }
                Credential::PrivateKeyJwt { keys: self.keys("clientJwtPublicKey")?, algorithm }
            }
            Method::TlsClientAuth => Credential::TlsClientAuth { subject_dn: self.text("mTLSSubjectDN")? },
            Method::SelfSignedTlsClientAuth => {
                Credential::SelfSignedTlsClientAuth { keys: self.keys("mTLSTrustedCert")? }
            }
            Method::ClientSecretBasic | Method::ClientSecretPost | Method::ClientSecretJwt => self.secret()?,
            // `authentication_method` returns no other.
            _ => Credential::None,
        };
        Ok((method, credential))
    }

    fn secret(&mut self) -> Result<Credential, ImportError> {
        let secret = match self.text("userpassword") {
            // AM fills in a placeholder when it starts, so the secret is not in the export.
            Err(error) if *error.problem() == Problem::Placeholder => None,
            secret => secret?.map(ClientSecret::new),
        };
        Ok(secret.map_or(Credential::SecretNeeded, Credential::Secret))
    }

    fn authentication_method(&mut self) -> Result<Method, ImportError> {
        let (kind, name) = ("clientType", "tokenEndpointAuthMethod");
        let is_public = match self.text(kind)?.as_deref() {
            Some(word) if word.eq_ignore_ascii_case("Public") => true,
            None => false,
            Some(word) if word.eq_ignore_ascii_case("Confidential") => false,
            Some(_) => return Err(self.fault(kind, Problem::Expected("Confidential or Public"))),
        };
        let basic = Method::ClientSecretBasic;
        match self.text(name)?.map(|word| word.parse()) {
            registered if is_public => {
                if registered != Some(Ok(Method::None)) {
                    self.report(name, Meaning::Harmless("AM never authenticates public clients"));
                }
                Ok(Method::None)
            }
            None => Ok(basic),
            // If the client became a public one, anyone who knows its id could use it.
            Some(Ok(Method::None)) => {
                self.report(name, replaced("a client secret", "the client is confidential, so it has to authenticate"));
                Ok(basic)
            }
            Some(Ok(method)) => Ok(method),
            Some(Err(error)) => Err(self.fault(name, Problem::Invalid(error))),
        }
    }

    /// Takes the keys that `publicKeyLocation` selects. `certificate` is the attribute of a certificate.
    fn keys(&mut self, certificate: &'static str) -> Result<Option<PublicKeys>, ImportError> {
        let location = self.text("publicKeyLocation")?.unwrap_or_default().to_ascii_lowercase();
        let (name, keys): (_, fn(String) -> PublicKeys) = match location.as_str() {
            "jwks" => ("jwkSet", PublicKeys::Jwks),
            "x509" => (certificate, PublicKeys::Certificate),
            _ => ("jwksUri", PublicKeys::JwksUri),
        };
        let text = self.text(name)?;
        if text.is_none() {
            let what = "the key that publicKeyLocation selects is missing, so the client cannot authenticate";
            self.report(name, Meaning::Unsupported(what));
        }
        Ok(text.map(keys))
    }
}

fn replaced(by: &str, why: &'static str) -> Meaning {
    Meaning::Replaced { by: by.to_owned(), why }
}
