use std::fmt;

use super::attributes::Attributes;
use super::error::{ImportError, Problem};
use super::finding::Meaning;
use regrant::ClientSecret;
use regrant::client::ClientAuthenticationMethod as Method;

/// By what a client of AM authenticates, as far as the export has it: the host makes of it what its registry wants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: a public client.
    None,
    /// A secret, in clear: somebody put it into the export.
    Secret(ClientSecret),
    /// A secret that is not in the export, or only encrypted with AM's key: the host supplies it.
    SecretNeeded,
    /// A JWT signed with a private key.
    PrivateKeyJwt {
        /// What verifies it; `None` when the export has no such key, so that nobody can authenticate in AM either.
        keys: Option<PublicKeys>,
        /// The one JWS algorithm that AM accepts from this client (`tokenEndpointAuthSigningAlgorithm`).
        algorithm: String,
    },
    /// A certificate of an authority that AM trusts. Which those are is in AM's secret stores.
    TlsClientAuth {
        /// The subject that the certificate must have (`mTLSSubjectDN`).
        subject_dn: Option<String>,
    },
    /// A certificate that was registered.
    SelfSignedTlsClientAuth {
        /// Where the certificate is; in key sets it is the `x5c` of a key.
        keys: Option<PublicKeys>,
    },
}

/// A client's public keys, as the export has them. `Debug` shows no key: some key sets have symmetric ones in them.
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
    /// How the client authenticates, and by what.
    pub(super) fn credential(&mut self) -> Result<(Method, Credential), ImportError> {
        let method = self.authentication_method()?;
        let credential = match method {
            Method::PrivateKeyJwt => {
                let algorithm = self.text("tokenEndpointAuthSigningAlgorithm")?.unwrap_or_else(|| "RS256".to_owned());
                if algorithm.starts_with("HS") {
                    // AM has one name for both kinds of assertion; the algorithm tells which one it is.
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
            // `authentication_method` gives no other.
            _ => Credential::None,
        };
        Ok((method, credential))
    }

    fn secret(&mut self) -> Result<Credential, ImportError> {
        let secret = match self.text("userpassword") {
            // It is filled in when AM starts: one more way of not being in the export.
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
                    self.report(name, Meaning::Harmless("AM does not authenticate public clients, whatever it says"));
                }
                Ok(Method::None)
            }
            None => Ok(basic),
            // To take the client for a public one would open it to everybody who knows its id.
            Some(Ok(Method::None)) => {
                self.report(name, replaced("a client secret", "the client is confidential, so it has to authenticate"));
                Ok(basic)
            }
            Some(Ok(method)) => Ok(method),
            Some(Err(error)) => Err(self.fault(name, Problem::Invalid(error))),
        }
    }

    /// The keys that `publicKeyLocation` selects; `certificate` is where a certificate would be.
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
