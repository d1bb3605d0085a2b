//! The verification of credentials against a registered client, or against a stand-in for an unknown one. The registry
//! and the authenticator of directories share it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::registered_client::SECRETS;
use super::secret_hash::digest;
use super::{
    AuthenticateError, AuthenticatedClient, ClientCredentials, CredentialError, CredentialRefusal, RegisteredClient,
    SecretHash, Supported, VerifyCredentials,
};
use crate::client::{Client, ClientAuthenticationMethod};
use crate::vocabulary::{ClientId, ClientSecret};

#[derive(Clone)]
pub(super) struct Verification {
    /// Stands in for the secret of an unknown client. No preimage is known.
    decoy: SecretHash,
    /// A decoy as slow as the slowest kind of hash that was seen.
    slow_decoy: OnceLock<SecretHash>,
    /// One client of each method that needs a verifier. Its verifier does the work for unknown clients.
    decoys: Vec<RegisteredClient>,
    /// Verifies for the clients without a verifier of their own.
    verifier: Option<Arc<dyn VerifyCredentials>>,
}

impl Verification {
    pub(super) fn new() -> Self {
        let decoy = SecretHash::from_sha256_digest([0; 32]);
        Self { decoy, slow_decoy: OnceLock::new(), decoys: Vec::new(), verifier: None }
    }

    pub(super) fn set_decoy(&mut self, decoy: SecretHash) {
        self.decoy = decoy;
    }

    pub(super) fn set_verifier(&mut self, verifier: Arc<dyn VerifyCredentials>) {
        use ClientAuthenticationMethod::{PrivateKeyJwt, TlsClientAuth};
        self.decoys = [PrivateKeyJwt, TlsClientAuth].into_iter().map(|method| decoy_of(method, &verifier)).collect();
        self.verifier = Some(verifier);
    }

    /// Notes a registered client whose verifier can do the work for unknown ones.
    pub(super) fn note(&mut self, registered: &RegisteredClient) {
        let method = registered.client.authentication_methods;
        let is_first = self.decoys.iter().all(|decoy| decoy.client.authentication_methods != method);
        if registered.verifier.is_some() && is_first {
            self.decoys.push(registered.clone());
        }
        self.note_hashes(&registered.secrets);
    }

    /// Authenticates the client that was `found` for the credentials, or refuses.
    pub(super) async fn authenticate(
        &self,
        found: Option<&RegisteredClient>,
        credentials: &ClientCredentials,
    ) -> Result<AuthenticatedClient, AuthenticateError> {
        let verdict = self.verify(found, credentials).await;
        let Some(RegisteredClient { client, .. }) = found else {
            return Err(AuthenticateError::refused(CredentialRefusal::UnknownClient));
        };
        match verdict {
            Ok(()) => Ok(AuthenticatedClient::assertion(Arc::clone(client))),
            Err(CredentialError::Refused(reason)) => Err(AuthenticateError::refused_known(client.id.clone(), reason)),
            Err(CredentialError::Unavailable(source)) => Err(AuthenticateError::unavailable(source)),
        }
    }

    /// Completes the features of the registered clients: methods that need no verifier are always open, and so is
    /// `private_key_jwt` where one verifier serves all clients. The next client may be registered for them.
    pub(super) fn supported(&self, of_clients: Supported) -> Supported {
        let mut always = Supported::default();
        always.add_algorithms(self.verifier.iter().flat_map(|verifier| verifier.algorithms()));
        if !always.assertion_algorithms.is_empty() {
            always.methods.push(ClientAuthenticationMethod::PrivateKeyJwt);
        }
        always.and(of_clients)
    }

    /// Verifies the credentials against those of the registered client, if there is one. The work is the same for
    /// known and unknown clients: two comparisons of a secret, or one verification of an assertion or a certificate.
    /// Otherwise the response time would reveal which clients are registered, and with which method.
    async fn verify(
        &self,
        own: Option<&RegisteredClient>,
        credentials: &ClientCredentials,
    ) -> Result<(), CredentialError> {
        let fitting = own.filter(|own| credentials.are_of(own.client.authentication_methods));
        if let Some(presented) = credentials.secret() {
            let secrets = own.map_or(&[][..], |own| &own.secrets);
            let is_right = self.is_one_of(presented, secrets).await;
            fitting.ok_or(CredentialRefusal::MethodNotRegistered)?;
            return if is_right { Ok(()) } else { Err(CredentialRefusal::WrongSecret.into()) };
        }
        let verifying = fitting
            .or_else(|| self.decoys.iter().find(|decoy| credentials.are_of(decoy.client.authentication_methods)));
        let verdict = match verifying.filter(|own| own.client.authentication_methods.need_verifier()) {
            Some(RegisteredClient { client, verifier, .. }) => match verifier.as_ref().or(self.verifier.as_ref()) {
                Some(verifier) => verifier.verify(client, credentials).await,
                None => Err(CredentialRefusal::Other("no_verifier").into()),
            },
            None => Ok(()),
        };
        // The verdict on a decoy is discarded here.
        fitting.ok_or(CredentialRefusal::MethodNotRegistered)?;
        verdict
    }

    /// Returns true if `presented` is one of `secrets`. The number of comparisons is always the same, so that an
    /// unknown client and a wrong secret cost the same time. A fast hash beside a slow decoy costs both.
    async fn is_one_of(&self, presented: &ClientSecret, secrets: &[SecretHash]) -> bool {
        self.note_hashes(secrets);
        let decoy = self.slow_decoy.get().unwrap_or(&self.decoy);
        // Whatever the hashes are: for an unknown client too.
        let digest = digest(presented);
        let mut is_known = false;
        for slot in 0..SECRETS {
            let secret = secrets.get(slot);
            let is_equal = secret.unwrap_or(decoy).verify_digested(presented, &digest).await;
            is_known |= is_equal & secret.is_some();
            if secret.is_some_and(|secret| secret.is_faster_than(decoy)) {
                decoy.verify_digested(presented, &digest).await;
            }
        }
        is_known
    }

    fn note_hashes(&self, secrets: &[SecretHash]) {
        if self.slow_decoy.get().is_none()
            && let Some(decoy) = secrets.iter().find_map(SecretHash::slow_decoy)
        {
            // Another request may have set an equal one.
            let _ = self.slow_decoy.set(decoy);
        }
    }
}

/// A client without keys. Its verifier does the work of a key that does not fit.
fn decoy_of(method: ClientAuthenticationMethod, verifier: &Arc<dyn VerifyCredentials>) -> RegisteredClient {
    let client = Client::new(ClientId::from_static("decoy")).with_authentication_methods(method);
    RegisteredClient { client: client.into(), secrets: Vec::new(), verifier: Some(Arc::clone(verifier)) }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").finish_non_exhaustive()
    }
}
