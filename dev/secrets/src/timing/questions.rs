//! Facts that no time may show, and two controls.

use std::hint::black_box;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::forge::{ACCESS, Content, Forger, REFRESH};
use fixtures::{Passwords, VERIFIER, basic, challenge, form, ready, scope};
use regrant::client::{ClientAuthenticationMethod as Method, IntrospectionAccess};
use regrant::clock::SystemClock;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, CodeVerifier, Entropy as _, GrantType, Issuer, Key, KeyRing,
    MemoryStore, SecretHash, SystemEntropy, TokenService,
};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::{Algorithm, JwkSet, PrivateKey, Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::timed;

/// The number of inputs of each class: few, as an attacker repeats a question. With many, the time of a known client
/// would be that of reading its registration from slow memory.
const INPUTS: usize = 16;
const KEY: [u8; 32] = *b"\xd1\x0c\x9e\x07\x42\xaa\xf3\x65\x18\x8b\xe0\x5d\x94\x2f\xc6\x71\x3a\xb7\x59\xed\x04\x83\xfc\x26\x9b\x60\xd5\x1e\x77\xc8\x32\xaf";

/// A question: do the two classes of inputs take the same time?
pub(super) struct Question {
    pub(super) name: &'static str,
    /// Handles an input of a class, by a random number, and returns the nanoseconds. Both classes are read from the
    /// same memory: an address that lies across two cache lines costs a part of a nanosecond, and millions of times
    /// show it.
    pub(super) ask: Box<dyn FnMut(usize, usize) -> u64>,
}

impl Question {
    fn new(name: &'static str, ask: impl FnMut(usize, usize) -> u64 + 'static) -> Self {
        Self { name, ask: Box::new(ask) }
    }
}

/// The values of both classes, which change places: the one that is asked for is always the first.
struct InOnePlace<T> {
    values: [T; 2],
    first: usize,
}

impl<T> InOnePlace<T> {
    const fn new(values: [T; 2]) -> Self {
        Self { values, first: 0 }
    }

    const fn of(&mut self, class: usize) -> &T {
        if self.first != class {
            let [first, second] = &mut self.values;
            std::mem::swap(first, second);
            self.first = class;
        }
        &self.values[0]
    }
}

/// The texts of both classes, which are copied to one place.
struct Texts {
    all: [Vec<String>; 2],
    text: String,
}

impl Texts {
    const fn new(all: [Vec<String>; 2]) -> Self {
        Self { all, text: String::new() }
    }

    fn of(&mut self, class: usize, number: usize) -> &str {
        let texts = &self.all[class];
        self.text.clone_from(&texts[number % texts.len()]);
        &self.text
    }
}

pub(super) fn all() -> Vec<Question> {
    vec![
        control_without_a_difference(),
        control_with_a_difference(),
        secrets(),
        digests(),
        verifiers(),
        clients("endpoint: unknown client | known client, wrong secret", "app", "guess-guess-guess-0000"),
        clients("endpoint: unknown client | public client, any secret", "spa", "guess-guess-guess-0000"),
        assertions("endpoint: unknown client | known client, forged ES256", Algorithm::Es256),
        assertions("endpoint: unknown client | known client, forged EdDSA", Algorithm::EdDsa),
        refresh_tokens(),
        access_tokens(),
    ]
}

/// Times of equal work: |t| is that of chance and of the machine.
fn control_without_a_difference() -> Question {
    let wrong = [SecretHash::sha256(&secret()), SecretHash::sha256(&secret())];
    verification("control: wrong secret | wrong secret", secret(), wrong)
}

/// `==` on bytes, one by one, stops at the first difference: |t| must be large.
fn control_with_a_difference() -> Question {
    let own = secret();
    let own = own.expose().as_bytes().to_vec();
    let mut last = own.clone();
    *last.last_mut().expect("a byte") ^= 1;
    let mut first = own.clone();
    first[0] ^= 1;
    let mut inputs = InOnePlace::new([first, last]);
    Question::new("control: first byte differs | last byte differs, with a loop", move |class, _| {
        let shown = black_box(inputs.of(class));
        timed(|| {
            black_box(own.iter().zip(shown).all(|(own, shown)| black_box(own) == black_box(shown)));
        })
    })
}

/// One secret is shown, and the stored hash differs. The time of the hash itself depends on the shown bytes only, which
/// the attacker knows.
fn secrets() -> Question {
    let shown = secret();
    let stored = [SecretHash::sha256(&secret()), SecretHash::sha256(&shown)];
    verification("secret: wrong | right", shown, stored)
}

/// As [`secrets`], with digests that agree in all bytes but the last one.
fn digests() -> Question {
    let shown = secret();
    let mut digest: [u8; 32] = Sha256::digest(shown.expose()).into();
    let far = digest.map(|byte| !byte);
    digest[31] ^= 1;
    let stored = [far, digest].map(SecretHash::from_sha256_digest);
    verification("secret: no byte of the digest agrees | all but the last one", shown, stored)
}

fn verification(name: &'static str, shown: ClientSecret, stored: [SecretHash; 2]) -> Question {
    let mut stored = InOnePlace::new(stored);
    Question::new(name, move |class, _| {
        let stored = stored.of(class);
        timed(|| {
            black_box(ready(stored.verify(&shown)));
        })
    })
}

fn verifiers() -> Question {
    let shown = CodeVerifier::new(VERIFIER);
    let mut stored = InOnePlace::new([challenge("another verifier, of the same length as it is"), challenge(VERIFIER)]);
    Question::new("PKCE verifier: wrong | right", move |class, _| {
        let stored = stored.of(class);
        timed(|| {
            black_box(stored.is_met_by(&shown));
        })
    })
}

/// The client id of the second class is registered; both are refused with the same bytes.
fn clients(name: &'static str, known: &str, secret: &str) -> Question {
    let endpoints = server().endpoints;
    let ids = |begin: &str| (0..INPUTS).map(|number| format!("{begin}-{number:06}")).collect::<Vec<_>>();
    let body = form(&[("grant_type", "client_credentials")]);
    let inputs = [ids("non"), ids(known)].map(|ids| ids.iter().map(|id| basic(id, secret)).collect());
    let mut inputs = Texts::new(inputs);
    Question::new(name, move |class, number| {
        let authorization = inputs.of(class, number).as_bytes();
        timed(|| assert_eq!(token(&endpoints, Some(authorization), &body), 401))
    })
}

/// Both classes show the same assertions, since the time of a verification depends on the bytes of the signature. Only
/// the parameter `client_id` differs: two ids, as an attacker repeats a question. The registry's stand-in for unknown
/// clients is the first client, so the known one is another.
fn assertions(name: &'static str, algorithm: Algorithm) -> Question {
    let endpoints = server().endpoints;
    let key = PrivateKey::generate(algorithm, &SystemEntropy).expect("a key");
    let forged = |number: usize| {
        let claims = json!({ "iss": "app", "sub": "app", "aud": fixtures::ISSUER, "jti": number, "exp": u32::MAX });
        let input = format!("{}.{}", encoded(&json!({ "alg": algorithm.as_str() })), encoded(&claims));
        let signature = ready(key.sign(input.as_bytes())).expect("a signature");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let forged: Vec<_> = (0..INPUTS).map(forged).collect();
    let body = |id: &str, number: usize| {
        form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &forged[number]),
        ])
    };
    let ids = ["non-000001", "jwt-000001"];
    let mut inputs = Texts::new(ids.map(|id| (0..INPUTS).map(|number| body(id, number)).collect()));
    Question::new(name, move |class, number| {
        let body = inputs.of(class, number);
        timed(|| assert_eq!(token(&endpoints, None, body), 400))
    })
}

/// Tokens that a thief of the ring key sealed. The second class names a grant that exists.
fn refresh_tokens() -> Question {
    let Server { endpoints, forger, refresh_token, .. } = server();
    let own = forger.open(REFRESH, &refresh_token);
    let forged = |class: usize| {
        let mut content = Content { lineage: Some((random(), [0; 11])), secret: random(), ..own.clone() };
        if class == 0 {
            content.grant_id = random();
        }
        let token = forger.seal(REFRESH, &content);
        form(&[("grant_type", "refresh_token"), ("refresh_token", &token)])
    };
    let mut inputs = Texts::new([0, 1].map(|class| (0..INPUTS).map(|_| forged(class)).collect()));
    let authorization = basic("app-000000", SECRET);
    Question::new("with the ring key: unknown grant | known grant, wrong root", move |class, number| {
        let body = inputs.of(class, number);
        timed(|| assert_eq!(token(&endpoints, Some(authorization.as_bytes()), body), 400))
    })
}

fn access_tokens() -> Question {
    let Server { endpoints, forger, access_token, .. } = server();
    let own = forger.open(ACCESS, &access_token);
    let forged = |class: usize| {
        let mut content = Content { secret: random(), ..own.clone() };
        if class == 0 {
            content.grant_id = random();
        }
        form(&[("token", &forger.seal(ACCESS, &content))])
    };
    let mut inputs = Texts::new([0, 1].map(|class| (0..INPUTS).map(|_| forged(class)).collect()));
    let authorization = basic("app-000000", SECRET);
    Question::new("with the ring key: unknown grant | known grant, wrong secret", move |class, number| {
        let body = inputs.of(class, number);
        timed(|| assert_eq!(post(&endpoints, Endpoint::Introspection, Some(authorization.as_bytes()), body), 200))
    })
}

struct Server {
    endpoints: Endpoints<MemoryStore>,
    forger: Forger,
    refresh_token: String,
    access_token: String,
}

const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";

/// A server with as many clients of each method as there are inputs, and one grant.
fn server() -> Server {
    let used = Arc::new(MemoryStore::new());
    let assertions = ClientAssertions::new(Issuer::from_static(fixtures::ISSUER), Arc::new(SystemClock), used);
    let mut clients = ClientRegistry::new();
    let keys = [Algorithm::Es256, Algorithm::EdDsa]
        .map(|algorithm| PrivateKey::generate(algorithm, &SystemEntropy).expect("a key").public_key());
    for number in 0..INPUTS {
        let client = |begin: &str, method| {
            Client::new(ClientId::new(format!("{begin}-{number:06}")).expect("an id"))
                .with_authentication_methods(method)
                .with_grant_types([GrantType::ClientCredentials, GrantType::Password, GrantType::RefreshToken])
                .with_introspection(IntrospectionAccess::Any)
                .with_scope(scope("read"))
        };
        let own = if number == 0 { ClientSecret::new(SECRET) } else { secret() };
        let keys: JwkSet = keys.iter().cloned().collect();
        clients = clients
            .register(client("app", Method::ClientSecretBasic), [SecretHash::sha256(&own)])
            .and_then(|clients| clients.register(client("spa", Method::None), []))
            .and_then(|clients| {
                let verifier = Arc::new(assertions.private_key_jwt(keys));
                clients.register_with_verifier(client("jwt", Method::PrivateKeyJwt), verifier)
            })
            .expect("clients");
    }
    let ring = KeyRing::new(Key::from_parts(1, KEY).expect("a key"));
    let service = TokenService::builder(MemoryStore::new(), clients, ring).build().expect("a policy");
    let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
        .expect("one issuer")
        .with_approver(GrantType::Password, Passwords);
    let password = form(&[("grant_type", "password"), ("username", fixtures::USER), ("password", fixtures::PASSWORD)]);
    let authorization = basic("app-000000", SECRET);
    let headers = headers(Some(authorization.as_bytes()));
    let request = Request::new("POST", "/oauth2/token", &headers, password.as_bytes());
    let response = ready(endpoints.handle(Endpoint::Token, &request));
    let body: Value = serde_json::from_slice(&response.body).expect("JSON");
    let member = |name: &str| body[name].as_str().expect("a token").to_owned();
    let (refresh_token, access_token) = (member("refresh_token"), member("access_token"));
    Server { endpoints, forger: Forger::new(1, &KEY), refresh_token, access_token }
}

fn token(endpoints: &Endpoints<MemoryStore>, authorization: Option<&[u8]>, body: &str) -> u16 {
    post(endpoints, Endpoint::Token, authorization, body)
}

fn post(endpoints: &Endpoints<MemoryStore>, endpoint: Endpoint, authorization: Option<&[u8]>, body: &str) -> u16 {
    let headers = headers(authorization);
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
    ready(endpoints.handle(endpoint, &request)).status
}

fn headers(authorization: Option<&[u8]>) -> Vec<(&str, &[u8])> {
    let form: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
    std::iter::once(form).chain(authorization.map(|value| ("authorization", value))).collect()
}

fn secret() -> ClientSecret {
    ClientSecret::new(random_text(22))
}

fn random_text(length: usize) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(random::<96>());
    text.truncate(length);
    text
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
