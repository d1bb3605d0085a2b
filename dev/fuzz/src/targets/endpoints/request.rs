//! One request of a sequence, built from the input.

use std::sync::LazyLock;

use fixtures::{
    APP, AUDITOR, Auth, BILLING, CHALLENGE, ISSUER, ORDERS, ORDERS_API, OTHER, PASSWORD, POSTER, REDIRECT, SPA, USER,
    VERIFIER, basic, form,
};
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint;
use serde_json::json;

use super::session::Session;
use crate::Input;
use crate::targets::CANARY;
use crate::targets::jose::{Kind, TOKEN_ENDPOINT, encoded, key, public_key, sign};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// The authorization details that users grant.
pub(super) const DETAILS: &str = r#"[{"type":"account","actions":["read"]},{"type":"payment","amount":1}]"#;

/// Details that requests name: granted ones in another spelling, others, and malformed ones.
const NAMED: [&str; 6] = [
    DETAILS,
    r#"[{"actions": ["read"], "type": "account"}]"#,
    r#"[{"type":"payment","amount":2}]"#,
    r#"[{"type":"admin"}]"#,
    r#"[{"type":"account","type":"payment"}]"#,
    "[]",
];

/// The usual authorization request, without the client.
pub(super) const ASKED: [(&str, &str); 5] = [
    ("redirect_uri", REDIRECT),
    ("response_type", "code"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("state", "a state"),
];

/// A self-signed certificate of `CN=tls`.
static CERTIFICATE: LazyLock<ClientCertificate> =
    LazyLock::new(|| ClientCertificate::from_der(&include_bytes!("tls.der")[..]));

pub(super) struct Draft {
    pub(super) endpoint: Endpoint,
    pub(super) method: String,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) certificate: Option<ClientCertificate>,
}

impl Draft {
    fn new(endpoint: Endpoint, parameters: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            endpoint,
            method: "POST".to_owned(),
            parameters: parameters.iter().map(owned).collect(),
            headers: vec![("Content-Type".to_owned(), FORM.to_vec())],
            body: Vec::new(),
            certificate: None,
        }
    }

    /// A request of one of the flows.
    pub(super) fn flow(session: &mut Session, choice: usize, input: &mut Input<'_>) -> Self {
        let token = session.token(input);
        let token = token.as_str();
        let mut draft = match choice {
            0 => Self::new(Endpoint::Token, &[("grant_type", "refresh_token"), ("refresh_token", token)]),
            1 => Self::new(Endpoint::Introspection, &[("token", token)]),
            2 => Self::new(Endpoint::Revocation, &[("token", token)]),
            3 => Self::new(
                Endpoint::Token,
                &[("grant_type", "authorization_code"), ("code", token), ("redirect_uri", REDIRECT)],
            ),
            4 => Self::new(Endpoint::Token, &[("grant_type", DEVICE_CODE), ("device_code", token)]),
            5 => Self::new(
                Endpoint::Token,
                &[("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)],
            ),
            6 => Self::new(Endpoint::Token, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]),
            7 => Self::new(Endpoint::Token, &[("grant_type", "client_credentials"), ("scope", "read")]),
            9 => Self::new(Endpoint::PushedAuthorizationRequest, &ASKED),
            _ => Self::new(Endpoint::DeviceAuthorization, &[]),
        };
        let flags = input.byte();
        if choice == 3 && flags & 1 != 0 {
            draft.add("code_verifier", VERIFIER);
        }
        match session.registered.clone().filter(|_| flags & 32 != 0) {
            Some((id, Some(secret))) => draft.add_basic(&id, &secret),
            Some((id, None)) => draft.add("client_id", id),
            None => draft.authenticate(session, input),
        }
        if flags & 16 != 0 {
            draft.add("authorization_details", input.pick(&NAMED));
        }
        if flags & 2 != 0 {
            draft.prove(session, input);
        }
        if flags & 4 != 0 {
            draft.certificate = Some(certificate(input));
        }
        if flags & 8 != 0 {
            draft.headers.push(("Accept".to_owned(), b"application/token-introspection+jwt".to_vec()));
        }
        for _ in 0..flags >> 6 {
            draft.extra(session, input);
        }
        draft.body = draft.encoded();
        draft
    }

    /// A registration (RFC 7591).
    pub(super) fn registration(input: &mut Input<'_>) -> Self {
        let mut draft = Self::new(Endpoint::Registration, &[]);
        draft.headers = vec![("Content-Type".to_owned(), b"application/json".to_vec())];
        let method = input.pick(&["none", "client_secret_basic", "client_secret_post", "private_key_jwt", ""]);
        let uri = input.pick(&[REDIRECT, "com.example.app:/cb", "javascript:alert(1)", "http://localhost:1/cb", ""]);
        let mut metadata = json!({ "redirect_uris": [uri], "scope": input.pick(&["read", "read write", "admin"]) });
        if !method.is_empty() {
            metadata["token_endpoint_auth_method"] = method.into();
        }
        if input.below(4) == 3 {
            metadata[text(input)] = text(input).into();
        }
        draft.body = metadata.to_string().into_bytes();
        draft
    }

    /// A request of arbitrary bytes.
    pub(super) fn raw(session: &mut Session, input: &mut Input<'_>) -> Self {
        let endpoint = input.pick(&[
            Endpoint::Token,
            Endpoint::Revocation,
            Endpoint::Introspection,
            Endpoint::DeviceAuthorization,
            Endpoint::Jwks,
            Endpoint::Metadata,
            Endpoint::OpenIdConfiguration,
            Endpoint::PushedAuthorizationRequest,
            Endpoint::Registration,
            Endpoint::UserInfo,
        ]);
        let mut draft = Self::new(endpoint, &[]);
        let method = input.pick(&["POST", "GET", "HEAD", "OPTIONS", "post", ""]);
        draft.method = if method.is_empty() { text(input) } else { method.to_owned() };
        if input.below(4) == 3 {
            draft.headers.clear();
        }
        for _ in 0..input.below(4) {
            let names = ["Authorization", "DPoP", "Client-Cert", "Content-Type", "Origin", "Accept", "x"];
            let name = input.pick(&names).to_owned();
            let value = if input.below(2) == 0 { session.token(input).into_bytes() } else { input.bytes().to_vec() };
            draft.headers.push((name, value));
        }
        let repeats = usize::from(input.byte());
        let piece = [CANARY.as_bytes(), input.bytes()].concat();
        draft.body = piece.repeat(if repeats > 240 { repeats * 32 } else { repeats % 4 });
        draft
    }

    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.parameters.push((name.to_owned(), value.into()));
    }

    fn add_basic(&mut self, id: &str, secret: &str) {
        self.headers.push(("Authorization".to_owned(), basic(id, secret).into_bytes()));
    }

    fn authenticate(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let auth = match input.below(16) {
            0..6 => APP,
            6 | 7 => SPA,
            8 => OTHER,
            9 => POSTER,
            10 => ORDERS_API,
            11 => AUDITOR,
            12 => return self.assertion(session, input),
            13 => {
                self.certificate = Some(certificate(input));
                Auth::Public("tls")
            }
            14 => return self.headers.push(("Authorization".to_owned(), input.bytes().to_vec())),
            _ => Auth::Basic("app", "wrong-c4n4ryQ7x"),
        };
        match auth {
            Auth::Basic(id, secret) => self.add_basic(id, secret),
            Auth::Post(id, secret) => {
                self.add("client_id", id);
                self.add("client_secret", secret);
            }
            Auth::Public(id) => self.add("client_id", id),
            Auth::Missing => {}
        }
    }

    /// An assertion of the client `jwt`, well-formed or with a changed part.
    fn assertion(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let now = session.now();
        let claims = format!(
            r#"{{"iss":"jwt","sub":"jwt","aud":"{ISSUER}","jti":"{}","exp":{}}}"#,
            session.serial(),
            now + 60 - i64::from(input.below(4) == 3) * 120
        );
        self.add("client_assertion_type", JWT_BEARER);
        self.add("client_assertion", sign(key(Kind::EdDsa), r#"{"alg":"EdDSA"}"#, &claims));
    }

    /// A proof of one of two keys: fresh, a former one, or arbitrary.
    fn prove(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let choice = input.below(8);
        let kind = if choice & 1 == 0 { Kind::EdDsa } else { Kind::Es256 };
        let proof = match choice {
            0..4 if session.has_jose() => {
                let key = key(kind);
                let public = public_key(kind);
                let (alg, jwk) = (public.algorithm().as_str(), public.to_value());
                let header = format!(r#"{{"typ":"dpop+jwt","alg":"{alg}","jwk":{jwk}}}"#);
                let nonce = session.nonce().map(|nonce| format!(r#","nonce":"{nonce}""#)).unwrap_or_default();
                let (jti, iat) = (session.serial(), session.now());
                let claims = format!(r#"{{"jti":"{jti}","htm":"POST","htu":"{TOKEN_ENDPOINT}","iat":{iat}{nonce}}}"#);
                sign(key, &header, &claims).into_bytes()
            }
            0..4 => format!("{}.{}", if kind == Kind::EdDsa { "a" } else { "b" }, session.serial()).into_bytes(),
            4 | 5 => session.last_proof.clone(),
            6 => text(input).into_bytes(),
            _ => {
                self.headers.push(("DPoP".to_owned(), session.last_proof.clone()));
                session.last_proof.clone()
            }
        };
        session.last_proof.clone_from(&proof);
        self.headers.push(("DPoP".to_owned(), proof));
    }

    /// One more parameter.
    fn extra(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let name = input.pick(&[
            "scope",
            "resource",
            "audience",
            "redirect_uri",
            "code_verifier",
            "client_id",
            "client_secret",
            "actor_token",
            "actor_token_type",
            "requested_token_type",
            "token_type_hint",
            "grant_type",
            "username",
            "",
        ]);
        let value = match input.below(12) {
            0 => "read".to_owned(),
            1 => "openid read write".to_owned(),
            2 => ORDERS.to_owned(),
            3 => BILLING.to_owned(),
            4 => ACCESS_TOKEN.to_owned(),
            5 => "app".to_owned(),
            6 => String::new(),
            7 | 8 => session.token(input),
            _ => text(input),
        };
        let name = if name.is_empty() { text(input) } else { name.to_owned() };
        self.add(&name, value);
    }

    fn encoded(&self) -> Vec<u8> {
        let borrowed: Vec<_> = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form(&borrowed).into_bytes()
    }
}

fn certificate(input: &mut Input<'_>) -> ClientCertificate {
    match input.below(4) {
        0..3 => CERTIFICATE.clone(),
        _ => ClientCertificate::from_der(input.bytes()),
    }
}

/// A text of the input with the [`CANARY`] in front.
pub(super) fn text(input: &mut Input<'_>) -> String {
    let bytes = input.bytes();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoded(bytes),
    };
    format!("{CANARY}{text}")
}
