//! The processes whose memory is searched.
//!
//! A child reads requests from its standard input and writes the answers to its standard output, or serves HTTP. Either
//! way it never holds a secret besides those that the library, or the HTTP server, was given. Its own buffers are
//! zeroed: a copy that is found was left by the library or by the HTTP server.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use fixtures::{Passwords, REDIRECT, SCOPE, USER, scope, subject};
use regrant::store::TokenStore;
use regrant::wire::{Endpoints, Handler as _, Paths, Request};
use regrant::{
    Approval, AuthorizeRequest, Client, ClientId, ClientRegistry, CodeChallenge, Entropy, GrantType, Issuer, Key,
    KeyRing, MemoryStore, SecretHash, TokenService,
};
use zeroize::Zeroize as _;

use crate::servers;

/// The length of the buffers of a child.
const BUFFER: usize = 16 * 1024;

/// Runs the child of this kind: `wire`, `axum` or `actix-web`.
///
/// Input and output consist of frames: the length in 4 bytes, then the bytes. The first frame has the key of the ring
/// and the SHA-256 of the client's secret, 32 bytes each, and the PKCE challenge. Then:
///
/// | frame | answer |
/// |---|---|
/// | empty | the service is dropped; an empty frame |
/// | `code` | an authorization code for the public client, without a frame for HTTP servers |
/// | path, Authorization header and body, separated by NUL | the body of the response |
pub fn run(kind: &str) {
    let mut channel = Channel::open();
    let mut buffer = Box::new([0; BUFFER]);
    let setup: &mut [u8] = channel.read(&mut buffer);
    let endpoints = Arc::new(endpoints(setup));
    setup.zeroize();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match kind {
        "wire" => {
            runtime.block_on(answer(&endpoints, &mut channel, &mut buffer));
            drop(endpoints);
            channel.write(&[]);
        }
        "axum" => {
            let (address, server) = runtime.block_on(servers::axum(endpoints));
            channel.write(&address.port().to_be_bytes());
            // Serves until the parent has seen enough.
            runtime.block_on(async {
                let wait = tokio::task::spawn_blocking(move || channel.read(&mut buffer).len());
                drop(wait.await);
                drop(server);
            });
        }
        _ => {
            let (address, server) = runtime.block_on(servers::actix_web(endpoints));
            channel.write(&address.port().to_be_bytes());
            channel.read(&mut buffer);
            drop(server);
        }
    }
    // Waits until the parent has seen enough.
    let mut end = Box::new([0; BUFFER]);
    Channel::open().read(&mut end);
}

async fn answer<S: TokenStore>(endpoints: &Endpoints<S>, channel: &mut Channel, buffer: &mut [u8; BUFFER]) {
    loop {
        let frame = channel.read(buffer);
        if frame.is_empty() {
            return;
        }
        if frame == b"code" {
            let challenge = CHALLENGE.lock().expect("no panic").expect("a setup");
            let request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
                .with_redirect_uri(Some(REDIRECT.parse().expect("a URI")))
                .with_code_challenge(Some(challenge));
            let code = endpoints.service().authorize(&client("spa"), request).await.expect("a code");
            channel.write(code.code.expose().as_bytes());
        } else {
            let mut parts = frame.split(|byte| *byte == 0);
            let mut part = || parts.next().expect("three parts");
            let (path, authorization, body) = (part(), part(), part());
            let form: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
            let headers = [form, ("authorization", authorization)];
            let headers = if authorization.is_empty() { &headers[..1] } else { &headers };
            let path = std::str::from_utf8(path).expect("a path");
            let mut response = endpoints.respond(&Request::new("POST", path, headers, body)).await;
            // Before the answer: the parent may search as soon as it has read that.
            frame.zeroize();
            channel.write(&response.body);
            response.body.zeroize();
        }
    }
}

static CHALLENGE: std::sync::Mutex<Option<CodeChallenge>> = std::sync::Mutex::new(None);

fn endpoints(setup: &[u8]) -> Endpoints<MemoryStore> {
    let (key, rest) = setup.split_first_chunk::<32>().expect("a key");
    let (digest, challenge) = rest.split_first_chunk::<32>().expect("a digest");
    let challenge = std::str::from_utf8(challenge).expect("a text");
    *CHALLENGE.lock().expect("no panic") = Some(CodeChallenge::s256(challenge).expect("a challenge"));
    let spa = client("spa").with_authentication_methods(regrant::client::ClientAuthenticationMethod::None);
    let clients = ClientRegistry::new()
        .register(client("app"), [SecretHash::from_sha256_digest(*digest)])
        .and_then(|clients| clients.register(spa, []))
        .expect("clients");
    let ring = KeyRing::new(Key::from_parts(1, *key).expect("a key"));
    let service = TokenService::builder(MemoryStore::new(), clients, ring).entropy(Urandom).build().expect("a policy");
    Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
        .expect("one issuer")
        .with_approver(GrantType::Password, Passwords)
        .with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
        .with_token_exchange()
}

/// Random bytes of the operating system. The generator of `SystemEntropy` keeps the last 256 bytes that it drew.
struct Urandom;

impl Entropy for Urandom {
    fn fill(&self, bytes: &mut [u8]) {
        File::open("/dev/urandom").and_then(|mut random| random.read_exact(bytes)).expect("random bytes");
    }
}

fn client(id: &str) -> Client {
    Client::new(ClientId::new(id).expect("an id"))
        .with_redirect_uris([REDIRECT.parse().expect("a URI")])
        .with_grant_types([
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
            GrantType::Password,
            GrantType::DeviceCode,
            GrantType::TokenExchange,
        ])
        .with_scope(scope(SCOPE))
}

/// Standard input and output, without buffers that would keep copies.
struct Channel {
    input: File,
    output: File,
}

impl Channel {
    fn open() -> Self {
        let input = std::io::stdin().as_fd().try_clone_to_owned().expect("an input");
        let output = std::io::stdout().as_fd().try_clone_to_owned().expect("an output");
        Self { input: input.into(), output: output.into() }
    }

    /// Reads a frame. The end of the input counts as an empty frame.
    fn read<'a>(&mut self, buffer: &'a mut [u8; BUFFER]) -> &'a mut [u8] {
        let mut length = [0; 4];
        if self.input.read_exact(&mut length).is_err() {
            return &mut [];
        }
        let frame = &mut buffer[..usize::try_from(u32::from_be_bytes(length)).expect("a length")];
        self.input.read_exact(frame).expect("a whole frame");
        frame
    }

    fn write(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).expect("a length").to_be_bytes();
        self.output.write_all(&length).and_then(|()| self.output.write_all(frame)).expect("the parent reads");
    }
}
