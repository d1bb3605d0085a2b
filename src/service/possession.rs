//! The steps before a grant is looked at: the client's right to the flow, and the keys that the request shows, verified
//! once.

use super::commit::Call;
use super::{TokenError, TokenService};
use crate::client::Client;
use crate::engine::{self, Shown};
use crate::outcome::{Operation, Refusal};
use crate::ports::proof::ProofError;
use crate::ports::store::TokenStore;
use crate::vocabulary::{ClientCertificate, GrantType, Possession};

impl<S: TokenStore> TokenService<S> {
    /// Verifies what a request shows before a host is asked that may use up what else is in it, an assertion for instance: a
    /// proof that lacks its nonce must cost nothing.
    pub(crate) async fn proven(
        &self,
        client: &Client,
        grant_type: &GrantType,
        possession: Possession,
    ) -> Result<Possession, TokenError> {
        let call = Call::entitled(self, Operation::Issue, client, grant_type)?;
        let policy = call.terms(client, grant_type)?.policy;
        let shown = call.prove(&possession).await?;
        engine::confirmation(shown, None, &policy).map_err(|refusal| call.refuse(refusal))?;
        Ok(Possession { dpop: None, confirmation: shown.key, ..possession })
    }
}

impl<'a, S> Call<'a, S> {
    /// The call of a client that may use the flow. For one that may not nothing is verified, marked as used, loaded or
    /// asked of the host: the name of a public client is no secret, and must not be enough to write to a store.
    pub(super) fn entitled(
        service: &'a TokenService<S>,
        operation: Operation,
        client: &'a Client,
        grant_type: &GrantType,
    ) -> Result<Self, TokenError> {
        let call = Self::new(service, operation).by(&client.id);
        if client.may_use(grant_type) { Ok(call) } else { Err(call.refuse(Refusal::GrantTypeNotAllowed)) }
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
                    ProofError::Invalid(fault) => self.refuse(Refusal::ProofInvalid(fault)),
                    ProofError::NonceRequired => self.refuse(Refusal::ProofNonceRequired),
                    ProofError::Unavailable(source) => self.failed(TokenError::Proof(source)),
                })?)
            }
            _ => None,
        };
        Ok(Shown { key, certificate })
    }
}
