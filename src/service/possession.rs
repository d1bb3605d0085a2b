//! Row 5 of the order of checks: what the request shows is verified, once.

use super::commit::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Shown};
use crate::event::Operation;
use crate::grant_type::GrantType;
use crate::possession::{ClientCertificate, Possession};
use crate::proof::ProofError;
use crate::refusal::Refusal;
use crate::store::TokenStore;

impl<S: TokenStore> TokenService<S> {
    /// Verifies what a request shows before a host is asked that may use up what else is in it, an assertion for instance: a
    /// proof that lacks its nonce must cost nothing.
    pub(crate) async fn proven(
        &self,
        client: &Client,
        grant_type: &GrantType,
        possession: Possession,
    ) -> Result<Possession, TokenError> {
        let call = Call::new(self, Operation::Issue).by(&client.id);
        let shown = call.prove(&possession).await?;
        let policy = call.terms(client, grant_type)?.policy;
        engine::confirmation(shown, None, &policy).map_err(|refusal| call.refuse(refusal))?;
        Ok(Possession { dpop: None, confirmation: shown.key, ..possession })
    }
}

impl<S: TokenStore> Call<'_, S> {
    pub(super) async fn prove(&self, possession: &Possession) -> Result<Shown, TokenError> {
        let certificate = possession.certificate.as_ref().map(ClientCertificate::confirmation);
        let key = match (possession.confirmation, &possession.dpop, &self.service.0.proof_verifier) {
            (Some(confirmation), _, _) => Some(confirmation),
            (None, Some(proof), Some(verifier)) => {
                let key = verifier.verify(proof, self.service.now()).await;
                Some(key.map_err(|error| match error {
                    ProofError::Invalid => self.refuse(Refusal::ProofInvalid),
                    ProofError::NonceRequired => self.refuse(Refusal::ProofNonceRequired),
                    ProofError::Unavailable(source) => self.failed(TokenError::Proof(source)),
                })?)
            }
            _ => None,
        };
        Ok(Shown { key, certificate })
    }
}
