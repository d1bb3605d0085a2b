//! The Authorization header: each line of the input is the value of one. The authenticator gets the decoded
//! credentials.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{Reply, basic, ready};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, CredentialRefusal};
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{AuthenticatedClient, ClientCredentials, Issuer, MemoryStore, TokenService};

use crate::product;

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Option<(String, String)>>>);

#[async_trait]
impl ClientAuthenticator for Recorder {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        let ClientCredentials::Basic(id, secret) = credentials else { panic!("{credentials:?}") };
        let seen = (id.as_str().to_owned(), secret.expose().to_owned());
        assert!(self.0.lock().unwrap().replace(seen).is_none(), "authenticated twice");
        Err(AuthenticateError::refused(CredentialRefusal::MethodNotRegistered))
    }
}

struct Server {
    recorder: Recorder,
    endpoints: Endpoints<MemoryStore>,
}

thread_local! {
    static SERVER: Server = {
        let recorder = Recorder::default();
        let service = TokenService::builder(MemoryStore::new(), recorder.clone(), super::ring()).build().unwrap();
        Server { recorder, endpoints: Endpoints::new(service, Issuer::from_static("https://as.example")).unwrap() }
    };
}

pub(crate) fn run(input: &[u8]) {
    let seen = credentials(&input.split(|byte| *byte == b'\n').take(3).collect::<Vec<_>>());
    let Some((id, secret)) = seen else { return };
    // Another spelling of the same credentials.
    assert!(input.iter().all(|byte| *byte != b'\n'), "two headers were accepted");
    assert!(input.first_chunk::<6>().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic ")));
    assert_eq!(credentials(&[basic(&id, &secret).as_bytes()]), Some((id, secret)));
}

fn credentials(values: &[&[u8]]) -> Option<(String, String)> {
    let mut headers: Vec<(&str, &[u8])> = vec![("Content-Type", b"application/x-www-form-urlencoded")];
    headers.extend(values.iter().map(|value| ("Authorization", *value)));
    let length = values.iter().map(|value| value.len()).sum();
    SERVER.with(|server| {
        let request = Request::new("POST", "/oauth2/revoke", &headers, b"token=garbage");
        let response = product(length, || ready(server.endpoints.handle(Endpoint::Revocation, &request)));
        let reply = Reply::checked(Endpoint::Revocation, &request, response);
        let seen = server.recorder.0.lock().unwrap().take();
        let refused = if seen.is_some() { vec![401] } else { vec![400, 401] };
        assert!(refused.contains(&reply.status()), "{reply:?}");
        seen
    })
}
