//! The verification of key proofs, once per call: a DPoP proof is accepted once (RFC 9449 section 11.1).
//! ARCHITECTURE.md, order of checks: proof.
//!
//! A proof is verified after the checks of client, right and owner. A stranger must not be able to fill the replay
//! cache, nor to use up the proof of another client.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, VerifiedKeys};
use crate::grant::Grant;
use crate::outcome::{Operation, Refusal};
use crate::ports::proof::ProofError;
use crate::ports::store::TokenStore;
use crate::vocabulary::{ClientCertificate, GrantType, PresentedKeys};

impl<S: TokenStore> TokenService<S> {
    /// Verifies the keys of a request before its flow is decided by the host, which may use up another part of it, such
    /// as an assertion. A proof that lacks its nonce must cost nothing (RFC 9449 section 8).
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the client may not use the flow, or a proof is missing or invalid; otherwise the
    /// failure of a port.
    pub(crate) async fn proven(
        &self,
        client: &Client,
        grant_type: &GrantType,
        possession: PresentedKeys,
    ) -> Result<PresentedKeys, TokenError> {
        let call = Call::entitled(self, Operation::Issue, client, grant_type)?;
        let policy = call.policy(client, grant_type)?;
        let keys = call.prove(&possession).await?;
        engine::choose_key(keys, None, &policy).map_err(|refusal| call.refuse(refusal))?;
        Ok(PresentedKeys { confirmation: keys.proven, ..possession })
    }
}

impl<S: TokenStore> Call<'_, S> {
    /// Verifies the keys of a request. A DPoP proof is used up by it.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the proof is invalid or lacks the nonce, [`TokenError::Proof`] when the verifier
    /// failed.
    pub(super) async fn prove(&self, possession: &PresentedKeys) -> Result<VerifiedKeys, TokenError> {
        let certificate = possession.certificate.as_ref().map(ClientCertificate::confirmation);
        let proven = match (possession.confirmation, &possession.dpop, &self.service.0.proof_verifier) {
            (Some(confirmation), _, _) => Some(confirmation),
            (None, Some(proof), Some(verifier)) => {
                let key = verifier.verify(proof, self.service.now()).await;
                Some(key.map_err(|error| self.proof_error(error, None))?)
            }
            _ => None,
        };
        Ok(VerifiedKeys { proven, certificate })
    }

    /// Reports a proof that was not accepted, and returns the error for the caller.
    pub(super) fn proof_error(&self, error: ProofError, grant: Option<&Grant>) -> TokenError {
        let refusal = match error {
            ProofError::Invalid(fault) => Refusal::ProofInvalid(fault),
            ProofError::NonceRequired => Refusal::ProofNonceRequired,
            ProofError::Unavailable(source) => return self.fail(TokenError::Proof(source)),
        };
        grant.map_or_else(|| self.refuse(refusal), |grant| self.refuse_for(refusal, grant))
    }
}
