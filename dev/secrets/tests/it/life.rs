//! The flows of the library over HTTP with real signatures, and all faults that a client or a store can make.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{PASSWORD, Passwords, REDIRECT, SCOPE, Secrets, USER, VERIFIER, basic, challenge, form, scope, subject};
use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess};
use regrant::clock::{Clock as _, ManualClock};
use regrant::device::UserCode;
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::store::{SingleUse, TokenStore};
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{
    Approval, AuthorizeRequest, Client, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, Key, KeyRing,
    SecretHash, TokenService,
};
use regrant_conformance::http::{Exchange, HttpRequest, Loopback};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::dpop::{DpopKey, DpopNonces};
use regrant_jose::{Algorithm, DpopVerifier, JwkSet, JwtTokens, KeySet, PrivateKey, Signer as _};
use secrets::recorder::{Recorder, Remembering};
use secrets::servers;
use secrets::witness::Witness;
use serde_json::{Value, json};

const ISSUER: &str = fixtures::ISSUER;
const KEYS: [(u8, [u8; 32]); 2] = [
    (1, *b"\xd1\x0c\x9e\x07\x42\xaa\xf3\x65\x18\x8b\xe0\x5d\x94\x2f\xc6\x71\x3a\xb7\x59\xed\x04\x83\xfc\x26\x9b\x60\xd5\x1e\x77\xc8\x32\xaf"),
    (2, *b"\x5f\x93\x0a\xe8\x6c\x21\xbd\x74\x09\xd6\x4a\xf1\x87\x3e\xc0\x58\xa5\x1b\x62\xdf\x90\x37\xee\x4c\x13\xba\x79\x06\xfd\x81\x2e\x95"),
];
const NONCE_KEY: [u8; 32] = *b"\x17\xe3\x4a\x90\xbc\x05\x6f\xd8\x21\xfa\x73\x8e\x4d\xc6\x19\xb0\x62\xed\x57\x0b\x98\xa1\x3c\xf4\x7e\x25\xd9\x80\x46\x1d\xcb\x6a";
const APP: (&str, &str) = ("app", "hD3kq0vX7ZrYc2LmN8sTpW");
const AUDITOR: (&str, &str) = ("auditor", "Ju4Cb9TfVi7oKx3PnZa2Wr");
const MAC_SECRET: &str = "w8Zq3Lk7-mac-secret-of-32-bytes-or-more-Tb5";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Names and values of a form.
type Form<'a> = &'a [(&'a str, &'a str)];

/// A server on a store, and the client that records everything.
pub(crate) struct Life<S> {
    endpoints: Arc<Endpoints<S>>,
    server: Loopback,
    clock: ManualClock,
    drawn: Remembering,
    recorder: Recorder,
    witness: Witness,
    proof_key: DpopKey,
    client_key: PrivateKey,
    token: String,
}

impl<S: TokenStore + SingleUse + Clone + 'static> Life<S> {
    pub(crate) async fn start(store: S, witness: Witness) -> Self {
        let (clock, drawn, mut recorder) =
            (ManualClock::starting_at(fixtures::START), Remembering::default(), Recorder::new(&KEYS));
        let [signing, proving, asserting] = [Algorithm::Es256, Algorithm::Es256, Algorithm::EdDsa]
            .map(|alg| PrivateKey::generate(alg, &drawn).unwrap());
        let signing = KeySet::new(signing.with_kid("k1"), Duration::from_secs(86_400)).unwrap();
        let used = Arc::new(store.clone());
        let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), used.clone());
        let public: JwkSet = [asserting.public_key()].into_iter().collect();
        let mac = assertions.client_secret_jwt(&ClientSecret::new(MAC_SECRET), Algorithm::Hs256).unwrap();
        witness.debug(&(&signing, &assertions, &proving, &mac));
        let registered = |(id, secret)| (client(id), [SecretHash::sha256(&ClientSecret::new(secret))]);
        let (app, app_secret) = registered(APP);
        let (auditor, auditor_secret) = registered(AUDITOR);
        let jwt = ClientPolicy::default().with_access_token_format(AccessTokenFormat::Jwt);
        let of = |id, method| client(id).with_authentication_methods(method);
        let clients = ClientRegistry::new()
            .register(app.with_policy(jwt), app_secret)
            .and_then(|clients| clients.register(auditor.with_introspection(IntrospectionAccess::Any), auditor_secret))
            .and_then(|clients| clients.register(of("spa", ClientAuthenticationMethod::None), []))
            .and_then(|clients| {
                let verifier = Arc::new(assertions.private_key_jwt(public));
                clients.register_with_verifier(of("robot", ClientAuthenticationMethod::PrivateKeyJwt), verifier)
            })
            .and_then(|clients| {
                clients.register_with_verifier(of("mac", ClientAuthenticationMethod::ClientSecretJwt), Arc::new(mac))
            })
            .unwrap();
        let [primary, former] = KEYS.map(|(id, key)| Key::from_parts(id, key).unwrap());
        let verifier = DpopVerifier::new(used).with_nonces(DpopNonces::new(&NONCE_KEY));
        let service = TokenService::builder(store, clients, KeyRing::new(primary).add_former(former).unwrap())
            .clock(clock.clone())
            .entropy(drawn.clone())
            .events(witness.clone())
            .jwt_issuer(JwtTokens::new(Issuer::from_static(ISSUER), signing))
            .proof_verifier(verifier)
            .build()
            .unwrap();
        let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER))
            .unwrap()
            .with_approver(GrantType::Password, Passwords)
            .with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
            .with_token_exchange();
        let endpoints = Arc::new(endpoints);
        witness.debug(&endpoints);
        let (address, server) = servers::axum(endpoints.clone()).await;
        recorder.secrets.add("secret of a MAC", MAC_SECRET);
        recorder.secrets.add("key of nonces", NONCE_KEY);
        let token = format!("{ISSUER}{}", endpoints.paths().token);
        let (server, proof_key) = (Loopback::new(address, server), DpopKey::new(proving).unwrap());
        Self { endpoints, server, clock, drawn, recorder, witness, proof_key, client_key: asserting, token }
    }

    /// All flows, with their refusals.
    pub(crate) async fn live(&mut self) {
        self.sign_in_and_rotate().await;
        self.redeem_bound().await;
        self.use_a_device().await;
        self.assert().await;
        self.be_robbed().await;
    }

    /// The same requests again, while the store fails.
    pub(crate) async fn suffer(&mut self) {
        let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
        let answer = self.post(Endpoint::Token, Some(APP), None, &password).await;
        assert_ne!(answer["error"], Value::Null, "the store works: {answer}");
        self.assert().await;
        let proof = self.proof(None).await;
        let refused = self.recorder.secrets.clone();
        let tokens = refused.iter().filter_map(|(_, secret)| std::str::from_utf8(secret).ok());
        for token in tokens.filter(|token| token.starts_with("rt_") || token.starts_with("ac_")).take(2) {
            self.refresh("spa", token, Some(&proof)).await;
            self.redeem(token, Some(&proof)).await;
            self.post(Endpoint::Introspection, Some(AUDITOR), None, &[("token", token)]).await;
            self.post(Endpoint::Revocation, Some(APP), None, &[("token", token)]).await;
        }
    }

    /// Returns the secrets of everything so far.
    pub(crate) fn secrets(mut self) -> Secrets {
        // Secrets of tokens and private keys; roots are in the tokens.
        for drawn in self.drawn.take(32) {
            self.recorder.secrets.add("32 drawn bytes", drawn);
        }
        self.recorder.secrets
    }

    async fn sign_in_and_rotate(&mut self) {
        let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
        let first = self.post(Endpoint::Token, Some(APP), None, &password).await;
        let mut tokens = first.clone();
        for _ in 0..3 {
            let presented = text(&tokens["refresh_token"]);
            let form = [("grant_type", "refresh_token"), ("refresh_token", &*presented)];
            tokens = self.post(Endpoint::Token, Some(APP), None, &form).await;
            let again = self.post(Endpoint::Token, Some(APP), None, &form).await;
            assert_eq!(again["refresh_token"], tokens["refresh_token"]);
        }
        for token in [&first["access_token"], &tokens["access_token"], &tokens["refresh_token"]] {
            let token = text(token);
            for caller in [AUDITOR, APP] {
                self.post(Endpoint::Introspection, Some(caller), None, &[("token", &token)]).await;
            }
        }
        let access_token = text(&tokens["access_token"]);
        let grant_type = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
        for subject_token in [&*access_token, "at_garbage-garbage-garbage"] {
            let form = [grant_type, ("subject_token", subject_token), ("subject_token_type", ACCESS_TOKEN)];
            self.post(Endpoint::Token, Some(APP), None, &form).await;
        }
        self.post(Endpoint::Revocation, Some(APP), None, &[("token", &access_token)]).await;
        for secret in ["wr0ng-S3cret-guess", MAC_SECRET] {
            self.post(Endpoint::Token, Some(("app", secret)), None, &password).await;
            self.post(Endpoint::Token, Some((secret, "app")), None, &password).await;
        }
        let wrong = [("grant_type", "password"), ("username", USER), ("password", "wr0ng-Passw0rd")];
        self.post(Endpoint::Token, Some(APP), None, &wrong).await;
    }

    async fn redeem_bound(&mut self) {
        let code = self.code().await;
        let proof = self.proof(None).await;
        let refused = self.redeem(&code, Some(&proof)).await;
        let nonce = text(&refused["nonce"]);
        let fresh = self.proof(Some(&nonce)).await;
        let bound = self.redeem(&code, Some(&fresh)).await;
        let fresh = self.proof(Some(&nonce)).await;
        let next = self.refresh("spa", &text(&bound["refresh_token"]), Some(&fresh)).await;
        assert!(next["refresh_token"].is_string(), "{next}");
        // Without the key, with a proof that was used, and with no proof at all.
        self.refresh("spa", &text(&next["refresh_token"]), None).await;
        self.refresh("spa", &text(&next["refresh_token"]), Some(&proof)).await;
        self.refresh("spa", &text(&next["refresh_token"]), Some("not.a.proof")).await;
        self.post(Endpoint::Introspection, Some(AUDITOR), None, &[("token", &text(&next["access_token"]))]).await;
    }

    async fn use_a_device(&mut self) {
        let device = self.post(Endpoint::DeviceAuthorization, None, None, &[("client_id", "spa")]).await;
        let device_code = text(&device["device_code"]);
        let poll = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &*device_code),
            ("client_id", "spa"),
        ];
        for _ in 0..2 {
            self.post(Endpoint::Token, None, None, &poll).await;
        }
        let typed = UserCode::parse(&text(&device["user_code"])).unwrap();
        let service = self.endpoints.service();
        self.witness.debug(&service.device(&typed).await.unwrap());
        service.approve_device(&typed, approval()).await.unwrap();
        self.witness.error(&service.approve_device(&typed, approval()).await.unwrap_err());
        self.clock.advance(Duration::from_secs(30));
        let tokens = self.post(Endpoint::Token, None, None, &poll).await;
        assert!(tokens["refresh_token"].is_string(), "{tokens}");
        self.post(Endpoint::Token, None, None, &poll).await;
    }

    /// Client assertions: right, used, forged, of another client, and with a MAC.
    async fn assert(&mut self) {
        let claims = |id: &str, jti: &str| {
            let exp = self.clock.now().as_secs() + 60;
            json!({ "iss": id, "sub": id, "aud": ISSUER, "jti": jti, "exp": exp })
        };
        let (good, other) = (claims("robot", "jti-1"), claims("app", "jti-2"));
        let (good, other) = (self.signed(&good).await, self.signed(&other).await);
        let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, URL_SAFE_NO_PAD.encode([7; 64]));
        for assertion in [&good, &good, &other, &forged] {
            for id in ["robot", "mac", "app", "unknown"] {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", id),
                    ("client_assertion_type", JWT_BEARER),
                    ("client_assertion", assertion),
                ];
                self.post(Endpoint::Token, None, None, &form).await;
            }
        }
    }

    async fn signed(&self, claims: &Value) -> String {
        let input = format!("{}.{}", encoded(&json!({ "alg": "EdDSA" })), encoded(claims));
        let signature = self.client_key.sign(input.as_bytes()).await.unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A stolen token and a stolen code are used twice.
    async fn be_robbed(&mut self) {
        let code = self.code().await;
        let first = self.redeem(&code, None).await;
        let first = text(&first["refresh_token"]);
        let second = self.refresh("spa", &first, None).await;
        self.refresh("spa", &text(&second["refresh_token"]), None).await;
        self.clock.advance(Duration::from_secs(3600));
        self.refresh("spa", &first, None).await;
        let code = self.code().await;
        self.redeem(&code, None).await;
        self.redeem(&code, None).await;
        self.refresh("app", &first, None).await;
        self.refresh(&first, &first, None).await;
        assert!(self.witness.has("ReuseDetected") && self.witness.has("CodeReuse"));
    }

    async fn code(&mut self) -> String {
        let request = AuthorizeRequest::new(approval())
            .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
            .with_code_challenge(Some(challenge(VERIFIER)));
        let spa = client("spa").with_authentication_methods(ClientAuthenticationMethod::None);
        let code = self.endpoints.service().authorize(&spa, request).await.unwrap();
        self.recorder.value("code", code.code.expose());
        code.code.expose().to_owned()
    }

    async fn redeem(&mut self, code: &str, proof: Option<&str>) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", "spa"),
        ];
        self.post(Endpoint::Token, None, proof, &form).await
    }

    async fn refresh(&mut self, id: &str, token: &str, proof: Option<&str>) -> Value {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id)];
        self.post(Endpoint::Token, None, proof, &form).await
    }

    async fn proof(&self, nonce: Option<&str>) -> String {
        let proof = self.proof_key.proof("POST", &self.token).with_nonce(nonce);
        proof.sign(self.clock.now(), &self.drawn).await.unwrap()
    }

    async fn post(
        &mut self,
        endpoint: Endpoint,
        auth: Option<(&str, &str)>,
        proof: Option<&str>,
        parameters: Form<'_>,
    ) -> Value {
        let mut request = HttpRequest::new("POST", endpoint);
        if endpoint == Endpoint::DeviceAuthorization {
            request.target = self.endpoints.paths().device_authorization.clone();
        }
        request.body = form(parameters).into_bytes();
        request.headers.push(("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec()));
        request.headers.extend(auth.map(|(id, secret)| ("authorization".to_owned(), basic(id, secret).into_bytes())));
        request.headers.extend(proof.map(|proof| ("dpop".to_owned(), proof.as_bytes().to_vec())));
        self.recorder.sent(&request);
        let answer = self.server.exchange(std::slice::from_ref(&request)).await.remove(0);
        self.recorder.exchanged(&request, &answer);
        self.witness.note(&format!("{} {:?}", answer.status, answer.headers));
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status != 200 {
            self.witness.note(&String::from_utf8_lossy(&answer.body));
        }
        body["nonce"] = answer.header("dpop-nonce").into();
        body
    }
}

fn client(id: &str) -> Client {
    Client::new(ClientId::new(id).unwrap())
        .with_redirect_uris([REDIRECT.parse().unwrap()])
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

fn approval() -> Approval {
    Approval::of(subject(USER)).with_scope(scope(SCOPE))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
