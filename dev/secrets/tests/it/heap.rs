//! Copies of secrets in the memory of a process, after all requests were answered.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::forge::derived_keys;
use fixtures::{PASSWORD, REDIRECT, Secrets, USER, VERIFIER, basic, form};
use regrant::wire::Endpoint;
use regrant::{Entropy as _, SystemEntropy};
use regrant_conformance::http::{Exchange as _, HttpRequest, HttpResponse, Loopback};
use secrets::memory::{Copy, copies};
use secrets::recorder::Recorder;
use serde_json::Value;
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

type Form<'a> = &'a [(&'a str, &'a str)];

/// A process whose memory is searched, and its client.
struct Searched {
    process: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// For a process that serves HTTP.
    http: Option<(Runtime, SocketAddr)>,
    recorder: Recorder,
    /// Derived from the key of the ring: in memory as long as the ring is.
    derived: Secrets,
    secret: String,
}

impl Searched {
    fn start(kind: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_secrets"))
            .args(["child", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take(), process.stdout.take().unwrap());
        let (mut key, mut secret) = ([0; 32], [0; 24]);
        SystemEntropy.fill(&mut key);
        SystemEntropy.fill(&mut secret);
        let derived = derived(&key);
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let (recorder, http) = (Recorder::new(&[(1, key)]), None);
        let mut searched = Self { process, input, output, http, recorder, derived, secret };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let digest = Sha256::digest(&searched.secret);
        searched.write(&[&key[..], &digest, challenge.as_bytes()].concat());
        if kind != "wire" {
            let port = u16::from_be_bytes(searched.read().try_into().unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            searched.http = Some((runtime, SocketAddr::from(([127, 0, 0, 1], port))));
        }
        searched
    }

    /// Sends requests of every flow, right and wrong ones.
    fn live(&mut self) {
        let secret = self.secret.clone();
        let app = Some(("app", &*secret));
        let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
        let mut tokens = self.post(Endpoint::Token, app, &password);
        for _ in 0..3 {
            let presented = text(&tokens, "refresh_token");
            let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*presented)];
            tokens = self.post(Endpoint::Token, app, &refresh);
            self.post(Endpoint::Token, app, &refresh);
            self.post(
                Endpoint::Token,
                None,
                &[&refresh[..], &[("client_id", "app"), ("client_secret", &secret)]].concat(),
            );
        }
        let access_token = text(&tokens, "access_token");
        let exchange = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &*access_token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        self.post(Endpoint::Token, app, &exchange);
        self.post(Endpoint::Introspection, app, &[("token", &access_token)]);
        self.post(Endpoint::Token, app, &[("grant_type", "client_credentials")]);
        let device = self.post(Endpoint::DeviceAuthorization, app, &[]);
        let device_code = text(&device, "device_code");
        let poll = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        self.post(Endpoint::Token, app, &[poll, ("device_code", &device_code)]);
        if self.http.is_none() {
            self.write(b"code");
            let code = String::from_utf8(self.read()).unwrap();
            self.recorder.value("code", &code);
            let redeem = [
                ("grant_type", "authorization_code"),
                ("code", &*code),
                ("redirect_uri", REDIRECT),
                ("client_id", "spa"),
                ("code_verifier", VERIFIER),
            ];
            self.post(Endpoint::Token, None, &redeem);
            self.post(Endpoint::Token, None, &redeem);
        }
        // Refused: unknown, malformed, repeated, not decodable.
        for wrong in ["wr0ng-S3cret-guess-of-a-client", &access_token] {
            self.post(Endpoint::Token, Some(("app", wrong)), &password);
            self.post(Endpoint::Token, app, &[("grant_type", "refresh_token"), ("refresh_token", wrong)]);
            self.post(Endpoint::Token, app, &[&password[..], &password[..]].concat());
        }
        for end in ["&a=%zz", "&a=%ff", "&a=%00", "&=&="] {
            self.post_body(Endpoint::Token, app, form(&password) + end);
        }
        self.post(Endpoint::Revocation, app, &[("token", &text(&tokens, "refresh_token"))]);
    }

    fn copies(&self) -> Vec<Copy> {
        copies(self.process.id(), &self.recorder.secrets)
    }

    /// Returns the copies outside of the stack of the only thread. The compiler moves and spills values there; later
    /// calls overwrite them.
    fn heap_copies(&self) -> Vec<Copy> {
        let (stack, left): (Vec<_>, Vec<_>) = self.copies().into_iter().partition(|copy| copy.region == "[stack]");
        println!("{} copies on the stack\n{}", stack.len(), listed(&stack));
        left
    }

    fn post(&mut self, endpoint: Endpoint, auth: Option<(&str, &str)>, parameters: Form<'_>) -> Value {
        self.post_body(endpoint, auth, form(parameters))
    }

    fn post_body(&mut self, endpoint: Endpoint, auth: Option<(&str, &str)>, body: String) -> Value {
        let authorization = auth.map(|(id, secret)| basic(id, secret)).unwrap_or_default();
        let mut request = HttpRequest::new("POST", endpoint);
        request.body = body.into_bytes();
        request.headers.push(("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec()));
        request.headers.extend(auth.map(|_| ("authorization".to_owned(), authorization.clone().into_bytes())));
        let response = if let Some((runtime, address)) = &self.http {
            let connection = Loopback::new(*address, ());
            runtime.block_on(connection.exchange(std::slice::from_ref(&request))).remove(0)
        } else {
            let frame = [request.target.as_bytes(), authorization.as_bytes(), &request.body].join(&0);
            self.write(&frame);
            HttpResponse { status: 0, headers: Vec::new(), content_length: None, body: self.read() }
        };
        self.recorder.sent(&request);
        self.recorder.exchanged(&request, &response);
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    fn write(&mut self, frame: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(&u32::try_from(frame.len()).unwrap().to_be_bytes()).unwrap();
        input.write_all(frame).unwrap();
    }

    fn read(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).unwrap();
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.output.read_exact(&mut frame).unwrap();
        frame
    }
}

impl Drop for Searched {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

const DERIVED: [&str; 3] = ["key of the synthetic IV", "key of the stream", "state of the derivation"];

/// Returns what a ring holds of its key: the first round key of each key schedule is the key itself, and the key of the
/// derivation was hashed.
fn derived(key: &[u8; 32]) -> Secrets {
    let [seal, derive] = derived_keys(key);
    let (mut block, mut state) = ([0; 64], INITIAL);
    block[..32].copy_from_slice(&derive);
    compress256(&mut state, &[block]);
    let mut secrets = Secrets::default();
    let values = [seal[..16].to_vec(), seal[16..].to_vec(), state.map(u32::to_ne_bytes).concat()];
    for (name, value) in DERIVED.into_iter().zip(values) {
        secrets.add(name, value);
    }
    secrets
}

/// The state of SHA-256 before the first block (FIPS 180-4 section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Lists copies by secret, region and length.
fn listed(copies: &[Copy]) -> String {
    let mut groups: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    for copy in copies {
        let Copy { secret, spelling, region, .. } = copy;
        groups.entry(format!("{secret}, {spelling}, in {region}")).or_insert((0, &copy.around)).0 += 1;
    }
    let lines = groups.iter().map(|(group, (count, around))| format!("{count:4} of {group}\n     {around}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_library_leaves_no_copy_of_a_secret_in_memory() {
    let mut searched = Searched::start("wire");
    searched.live();
    let secrets = searched.recorder.secrets.iter().count();
    assert!(secrets > 20, "{secrets} secrets");
    let left = searched.heap_copies();
    assert!(left.is_empty(), "{} copies while the service lives:\n{}", left.len(), listed(&left));
    let derived = copies(searched.process.id(), &searched.derived);
    let found = |name| derived.iter().any(|copy| copy.secret == name);
    assert!(DERIVED.into_iter().all(found), "the search does not even find the keys of the ring: {derived:?}");

    searched.write(&[]);
    searched.read();
    searched.recorder.secrets.extend(searched.derived.clone());
    let left = searched.heap_copies();
    assert!(left.is_empty(), "{} copies after the service was dropped:\n{}", left.len(), listed(&left));
}

// The rest of the process belongs to others: SECURITY.md, memory and timing, lists what they keep.
#[test]
fn an_http_server_keeps_only_copies_of_what_was_sent() {
    for kind in ["axum", "actix-web"] {
        let mut searched = Searched::start(kind);
        searched.live();
        let left = searched.copies();
        println!("{kind}: {} copies\n{}", left.len(), listed(&left));
        let own = |copy: &&Copy| copy.secret.starts_with("secret of") || ["root", "ring key"].contains(&&*copy.secret);
        let own: Vec<_> = left.iter().filter(own).filter(|copy| copy.region == "[heap]").collect();
        assert!(own.is_empty(), "{kind} keeps what only the library handles: {own:?}");
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("{member} in {answer}")).to_owned()
}
