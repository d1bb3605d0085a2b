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
    Client, ClientId, ClientRegistry, ClientSecret, CodeVerifier, Entropy as _, GrantType, Key, KeyRing, MemoryStore,
    SecretHash, SystemEntropy, TokenService,
};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::{Algorithm, JwkSet, PrivateKey, Signer as _};
use serde_json::{Value, json};

/// The number of inputs of each class.
const INPUTS: usize = 256;
const KEY: [u8; 32] = *b"\xd1\x0c\x9e\x07\x42\xaa\xf3\x65\x18\x8b\xe0\x5d\x94\x2f\xc6\x71\x3a\xb7\x59\xed\x04\x83\xfc\x26\x9b\x60\xd5\x1e\x77\xc8\x32\xaf";

/// A question: do the two classes of inputs take the same time?
pub(super) struct Question {
    pub(super) name: &'static str,
    /// Handles an input of a class, by a random number.
    pub(super) ask: Box<dyn FnMut(usize, usize)>,
}

impl Question {
    fn new(name: &'static str, ask: impl FnMut(usize, usize) + 'static) -> Self {
        Self { name, ask: Box::new(ask) }
    }
}

pub(super) fn all() -> Vec<Question> {
    vec![
        control_without_a_difference(),
        control_with_a_difference(),
        wrong_secrets(),
        right_secret(),
        verifiers(),
        clients("endpoint: unknown client | known client, wrong secret", "app", "guess-guess-guess-0000"),
        clients("endpoint: unknown client | public client, any secret", "spa", "guess-guess-guess-0000"),
        assertions("endpoint: unknown client | known client, forged ES256", Algorithm::Es256),
        assertions("endpoint: unknown client | known client, forged EdDSA", Algorithm::EdDsa),
        refresh_tokens(),
        access_tokens(),
    ]
}

/// Times of equal inputs: |t| is that of chance and of the machine.
fn control_without_a_difference() -> Question {
    let (hash, inputs) = (SecretHash::sha256(&secret()), [secrets(), secrets()]);
    Question::new("control: wrong secret | wrong secret", move |class, number| {
        black_box(ready(hash.verify(&inputs[class][number % INPUTS])));
    })
}

/// `==` on bytes, one by one, stops at the first difference: |t| must be large.
fn control_with_a_difference() -> Question {
    let own = secret();
    let own = own.expose().as_bytes().to_vec();
    let mut last = own.clone();
    *last.last_mut().expect("a byte") ^= 1;
    let mut first = own.clone();
    first[0] ^= 1;
    let inputs = [first, last];
    Question::new("control: first byte differs | last byte differs, with a loop", move |class, _| {
        let shown = black_box(&inputs[class]);
        black_box(own.iter().zip(shown).all(|(own, shown)| black_box(own) == black_box(shown)));
    })
}

/// A guess that is nearly right takes as long as any other.
fn wrong_secrets() -> Question {
    let own = secret();
    let hash = SecretHash::sha256(&own);
    let nearly = |number: usize| {
        let mut text = own.expose().as_bytes().to_vec();
        let last = text.len() - 1;
        text[last] = if text[last] == b'A' { b'B' } else { b'A' };
        text[last - 1 - number % 8] ^= 1;
        ClientSecret::new(String::from_utf8_lossy(&text))
    };
    let inputs = [secrets(), (0..INPUTS).map(nearly).collect()];
    Question::new("secret: random guess | guess with the right beginning", move |class, number| {
        black_box(ready(hash.verify(&inputs[class][number % INPUTS])));
    })
}

fn right_secret() -> Question {
    let own = secret();
    let hash = SecretHash::sha256(&own);
    let inputs = [secrets(), (0..INPUTS).map(|_| own.clone()).collect()];
    Question::new("secret: wrong | right", move |class, number| {
        black_box(ready(hash.verify(&inputs[class][number % INPUTS])));
    })
}

fn verifiers() -> Question {
    let challenge = challenge(VERIFIER);
    let inputs: [Vec<CodeVerifier>; 2] = [
        (0..INPUTS).map(|_| CodeVerifier::new(random_text(43))).collect(),
        (0..INPUTS).map(|_| CodeVerifier::new(VERIFIER)).collect(),
    ];
    Question::new("PKCE verifier: wrong | right", move |class, number| {
        black_box(challenge.is_met_by(&inputs[class][number % INPUTS]));
    })
}

/// The client id of the second class is registered; both are refused with the same bytes.
fn clients(name: &'static str, known: &str, secret: &str) -> Question {
    let endpoints = server().endpoints;
    let ids = |begin: &str| (0..INPUTS).map(|number| format!("{begin}-{number:06}")).collect::<Vec<_>>();
    let body = form(&[("grant_type", "client_credentials")]);
    let inputs = [ids("non"), ids(known)].map(|ids| ids.iter().map(|id| basic(id, secret)).collect::<Vec<_>>());
    Question::new(name, move |class, number| {
        let authorization = inputs[class][number % INPUTS].as_bytes();
        assert_eq!(token(&endpoints, Some(authorization), &body), 401);
    })
}

fn assertions(name: &'static str, algorithm: Algorithm) -> Question {
    let endpoints = server().endpoints;
    let forged = |id: String| {
        let claims = json!({ "iss": id, "sub": id, "aud": fixtures::ISSUER, "jti": id, "exp": 4_000_000_000_u32 });
        let input = format!("{}.{}", encoded(&json!({ "alg": algorithm.as_str() })), encoded(&claims));
        // A signature of another key: well-formed, so that the whole work is done.
        let key = PrivateKey::generate(algorithm, &SystemEntropy).expect("a key");
        let signature = ready(key.sign(input.as_bytes())).expect("a signature");
        let assertion = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        form(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ])
    };
    let inputs = ["non", "jwt"]
        .map(|begin| (0..INPUTS).map(|number| forged(format!("{begin}-{number:06}"))).collect::<Vec<_>>());
    Question::new(name, move |class, number| {
        assert_eq!(token(&endpoints, None, &inputs[class][number % INPUTS]), 400);
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
    let inputs = [0, 1].map(|class| (0..INPUTS).map(|_| forged(class)).collect::<Vec<_>>());
    let authorization = basic("app-000000", SECRET);
    Question::new("with the ring key: unknown grant | known grant, wrong root", move |class, number| {
        assert_eq!(token(&endpoints, Some(authorization.as_bytes()), &inputs[class][number % INPUTS]), 400);
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
    let inputs = [0, 1].map(|class| (0..INPUTS).map(|_| forged(class)).collect::<Vec<_>>());
    let authorization = basic("app-000000", SECRET);
    Question::new("with the ring key: unknown grant | known grant, wrong secret", move |class, number| {
        let body = &inputs[class][number % INPUTS];
        assert_eq!(post(&endpoints, Endpoint::Introspection, Some(authorization.as_bytes()), body), 200);
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
    let assertions = ClientAssertions::new(fixtures::ISSUER, Arc::new(SystemClock), used);
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
    let endpoints = Endpoints::new(service, fixtures::ISSUER).with_approver(GrantType::Password, Passwords);
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

fn secrets() -> Vec<ClientSecret> {
    (0..INPUTS).map(|_| secret()).collect()
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
