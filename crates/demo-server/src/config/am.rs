//! The exports of AM (`--am-config`), with the secrets from the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use regrant::authenticator::VerifyCredentials;
use regrant::client::AuthenticationMethods::{Only, Secret};
use regrant::client::ClientAuthenticationMethod as Method;
use regrant::clock::Clock;
use regrant::{ClientId, ClientRegistry, ClientSecret, Policy, SecretHash};
use regrant_am::{ClientRegistration, Credential, Export, Import, PublicKeys};
use regrant_jose::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};
use regrant_jose::{Algorithm, JwkSet};
use toml::Spanned;
use tracing::{info, warn};

use super::client::Registrar;
use super::error::{ConfigError, Fault};
use super::setup::text;
use crate::progress::Progress;

/// The table of the secrets in the configuration.
const SECRETS: &str = "am_secrets";

/// Reads the files, and logs the differences from AM.
pub(super) fn read(files: &[PathBuf], clock: Arc<dyn Clock>) -> Result<Import, ConfigError> {
    let progress = Progress::new("files of AM read", clock);
    progress.expect(files.len());
    let mut export = Export::default();
    for file in files {
        export = export.document(&file.display().to_string(), &text(file)?)?;
        progress.add(1);
    }
    let import = export.import()?;
    let mut harmless = 0;
    for finding in import.all_findings() {
        if finding.is_harmless() {
            harmless += 1;
        } else {
            warn!("AM: {finding}");
        }
    }
    info!("AM: {} clients; {harmless} more settings need no attention", import.clients.len());
    Ok(import)
}

/// The effective policies of the imported clients, by flow.
pub(super) fn policies(import: &Import) -> impl Iterator<Item = Policy> {
    let provider = &import.provider.policy;
    import.clients.iter().flat_map(move |ClientRegistration { client, .. }| {
        client.grant_types.iter().filter_map(move |flow| provider.for_client(&client.policy, flow).ok())
    })
}

/// Adds the imported clients, except those whose keys are not in the import: no request may choose a URL to fetch.
pub(super) fn register(
    mut registry: ClientRegistry,
    import: Option<Import>,
    mut secrets: BTreeMap<ClientId, Spanned<String>>,
    registrar: &Registrar<'_>,
) -> Result<ClientRegistry, Fault> {
    let mut missing = Vec::new();
    let progress = Progress::new("clients of AM registered", Arc::clone(&registrar.clock));
    progress.expect(import.as_ref().map_or(0, |import| import.clients.len()));
    for ClientRegistration { client, credential, .. } in import.into_iter().flat_map(|import| import.clients) {
        progress.add(1);
        let own = secrets.remove(&client.id);
        let secret = match (&credential, own) {
            (Credential::Secret(_) | Credential::SecretNeeded, Some(own)) => Some(configured(&own)?),
            (Credential::Secret(exported), None) => Some(exported.clone()),
            (Credential::SecretNeeded, None) => {
                missing.push(client.id.to_string());
                continue;
            }
            (_, Some(own)) => return Err(Fault::at(&own, SECRETS, "the client has no secret")),
            (_, None) => None,
        };
        let registered = match (client.authentication_methods, &secret) {
            (Only(Method::ClientSecretJwt), Some(secret)) => {
                let verifier = registrar.assertions.client_secret_jwt(secret, Algorithm::Hs256);
                let verifier = verifier.map_err(|error| Fault::of_all(error, SECRETS))?;
                registry.register_with_verifier(client, Arc::new(verifier))
            }
            (Secret | Only(Method::None | Method::ClientSecretBasic | Method::ClientSecretPost), secret) => {
                registry.register(client, secret.as_ref().map(SecretHash::sha256))
            }
            _ => {
                let Some(verifier) = verifier(&credential, registrar) else {
                    warn!("AM: client {} is left out: its keys are not in the export, or not readable", client.id);
                    continue;
                };
                registry.register_with_verifier(client, verifier)
            }
        };
        registry = registered.map_err(|error| Fault::of_all(error, "clients"))?;
    }
    if let Some(secret) = secrets.values().next() {
        return Err(Fault::at(secret, SECRETS, "--am-config has no such client"));
    }
    if !missing.is_empty() {
        let who = missing.join(", ");
        return Err(Fault::of_all(format!("--am-config has clients that need a secret: {who}"), SECRETS));
    }
    Ok(registry)
}

/// The verifier of the assertions or certificates of a client, as far as the export defines it.
fn verifier(credential: &Credential, registrar: &Registrar<'_>) -> Option<Arc<dyn VerifyCredentials>> {
    let clock = || Arc::clone(&registrar.clock);
    match credential {
        Credential::PrivateKeyJwt { keys: Some(PublicKeys::Jwks(jwks)), algorithm } => {
            let algorithm = Algorithm::from_name(algorithm)?;
            let keys = JwkSet::from_json(jwks.as_bytes()).ok()?;
            Some(Arc::new(registrar.assertions.private_key_jwt(keys).with_algorithms([algorithm])))
        }
        Credential::TlsClientAuth { subject_dn: Some(subject) } => {
            Some(Arc::new(TlsClientAuth::new(CertificateSubject::Dn(subject.parse().ok()?), clock())))
        }
        Credential::SelfSignedTlsClientAuth { keys: Some(PublicKeys::Jwks(jwks)) } => {
            let keys = JwkSet::from_json(jwks.as_bytes()).ok()?;
            Some(Arc::new(SelfSignedTlsClientAuth::new(keys, clock())))
        }
        _ => None,
    }
}

fn configured(secret: &Spanned<String>) -> Result<ClientSecret, Fault> {
    if secret.get_ref().is_empty() {
        return Err(Fault::at(secret, SECRETS, "must not be empty"));
    }
    Ok(ClientSecret::new(secret.get_ref()))
}
