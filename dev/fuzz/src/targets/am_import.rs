//! Exports of AM: JSON documents, separated by the byte 0x1e. The lowest bit of the first byte lifts the cap of grace
//! periods.

use fixtures::{StubIssuer, StubVerifier, ready};
use regrant::{ClientRegistry, ClientSecret, MemoryStore, SecretHash, TokenService};
use regrant_am::{Credential, Export};

use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let export = if first & 1 == 0 { Export::default() } else { Export::default().with_grace_period_cap_lifted() };
    let mut documents = text.split('\u{1e}');
    let imported = product(input.len(), || {
        documents.try_fold(export, |export, json| export.document("export.json", json))?.import()
    });
    let import = match imported {
        Ok(import) => import,
        Err(error) => {
            assert_eq!(error.document(), "export.json");
            let _ = (error.to_string(), error.path(), error.problem());
            return;
        }
    };
    for finding in import.all_findings() {
        assert!(!finding.to_string().is_empty());
    }
    // An import is a configuration that starts.
    let mut clients = ClientRegistry::new();
    for registration in import.clients {
        let secrets = match registration.credential {
            Credential::None => vec![],
            Credential::Secret(secret) => vec![SecretHash::sha256(&secret)],
            Credential::SecretNeeded => vec![SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"))],
            // A verifier of its own.
            _ => continue,
        };
        clients = clients.register(registration.client, secrets).expect("an imported client");
    }
    let service = TokenService::builder(MemoryStore::new(), clients, super::ring())
        .policy(import.provider.policy)
        .jwt_issuer(StubIssuer::default())
        .proof_verifier(StubVerifier::default())
        .build();
    assert!(ready(service.expect("an imported policy").purge_expired(1)).is_ok());
}
