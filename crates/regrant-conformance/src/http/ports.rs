//! Ports of the host, without cryptography: the cases test the way from the wire to these ports. A proof is a line of
//! text, a signature is the word `right`.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::authenticator::{
    AssertionFault, CertificateFault, CredentialError, CredentialRefusal, VerifyCredentials, VerifyRequestObject,
};
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;
use regrant::host::{
    Admission, Attempt, AttemptOutcome, ClaimsRequest, ClaimsSource, ClaimsTarget, HostClaims, Peer, RateLimit,
    Unavailable,
};
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, IdTokenHint, JwtIssuer, KeyId, UserInfoClaims};
use regrant::proof::{ClientCertificate, DpopProof, ProofError, ProofFault, ProofVerifier};
use regrant::wire::{EndSession, EndSessionRequest, EndSessionResponse, EndedSession, Response};
use regrant::{AccessToken, Client, ClientCredentials, ClientId, Issuer, Subject};
use serde_json::{Map, Value, json};

/// The origin of the endpoints, for proofs.
const ORIGIN: &str = "https://as.example";

/// A proof: a key of one letter, method and URL, a number used once, an optional nonce.
pub(super) fn proof(key: char, path: &str, number: u32) -> String {
    proof_of_method(key, "POST", path, number)
}

pub(super) fn proof_of_method(key: char, method: &str, path: &str, number: u32) -> String {
    format!("{key} {method} {ORIGIN}{path} {number}")
}

/// A verifier of [`proof`]s.
#[derive(Default)]
pub(super) struct Proofs {
    nonce: Option<&'static str>,
    used: Mutex<HashSet<String>>,
}

impl Proofs {
    pub(super) fn with_nonce(nonce: &'static str) -> Self {
        Self { nonce: Some(nonce), used: Mutex::default() }
    }
}

#[async_trait]
impl ProofVerifier for Proofs {
    async fn verify(&self, proof: &DpopProof, _: Timestamp) -> Result<Confirmation, ProofError> {
        let parts: Vec<&str> = proof.jwt.split(' ').collect();
        let (&[key, method, url, number], nonce) = parts.split_at_checked(4).ok_or(ProofFault::Malformed)? else {
            return Err(ProofFault::Malformed.into());
        };
        if key == "unreachable" {
            return Err(ProofError::Unavailable(Unavailable::new("the store of used proofs is out of reach")));
        }
        if method != proof.method || url != proof.url || key.len() != 1 {
            return Err(ProofFault::Url.into());
        }
        if self.nonce.is_some_and(|expected| nonce != [expected]) {
            return Err(ProofError::NonceRequired);
        }
        let is_new = self.used.lock().unwrap().insert(format!("{key} {number}"));
        if is_new { Ok(Confirmation::DpopKey([key.as_bytes()[0]; 32])) } else { Err(ProofFault::Used.into()) }
    }

    /// A proof for a protected resource names the access token at its end.
    async fn verify_at_resource(
        &self,
        proof: &DpopProof,
        access_token: &AccessToken,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        let (jwt, token) = proof.jwt.rsplit_once(' ').ok_or(ProofFault::Malformed)?;
        if token != access_token.expose() {
            return Err(ProofFault::AccessToken.into());
        }
        if jwt.bytes().next() != Some(jkt[0]) && !jwt.starts_with("unreachable") {
            return Err(ProofFault::OtherKey.into());
        }
        self.verify(&DpopProof { jwt: jwt.to_owned(), ..proof.clone() }, now).await.map(|_| ())
    }

    fn nonce(&self, _: Timestamp) -> Option<String> {
        self.nonce.map(str::to_owned)
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

/// A client assertion in the form of a JWT.
pub(super) fn assertion(subject: &str, number: u32, signature: &str) -> String {
    format!("e30.{}.{signature}", encoded(&json!({ "sub": subject, "jti": number })))
}

fn encoded(payload: &Value) -> String {
    URL_SAFE_NO_PAD.encode(payload.to_string())
}

/// A verifier that accepts each [`assertion`] once.
#[derive(Default)]
pub(super) struct Assertions(Mutex<HashSet<String>>);

#[async_trait]
impl VerifyCredentials for Assertions {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let ClientCredentials::Assertion(_, assertion) = credentials else {
            return Err(CredentialRefusal::MethodNotRegistered.into());
        };
        let text = assertion.expose();
        let (payload, signature) = text.rsplit_once('.').ok_or(AssertionFault::Malformed)?;
        if signature == "unreachable" {
            return Err(CredentialError::unavailable("the keys are out of reach"));
        }
        let payload = payload.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
        let payload: Option<Value> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let is_of_client = payload.is_some_and(|payload| payload["sub"] == client.id.as_str());
        match (signature == "right", is_of_client) {
            (false, _) => Err(AssertionFault::Signature.into()),
            (true, false) => Err(AssertionFault::Issuer.into()),
            (true, true) if self.0.lock().unwrap().insert(text.to_owned()) => Ok(()),
            (true, true) => Err(AssertionFault::Used.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

/// The certificate of the client that has one, and a certificate of no client.
pub(super) const CERTIFICATE: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x2a];
pub(super) const OTHER_CERTIFICATE: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x2b];

/// A verifier that accepts [`CERTIFICATE`].
pub(super) struct Certificates;

#[async_trait]
impl VerifyCredentials for Certificates {
    async fn verify(&self, _: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let registered = ClientCertificate::from_der(CERTIFICATE);
        let is_shown = matches!(credentials, ClientCredentials::Certificate(_, shown) if *shown == registered);
        if is_shown { Ok(()) } else { Err(CertificateFault::Unregistered.into()) }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// A limit that admits the attempts of one sender alone, or those without a sender.
pub(super) struct Senders(pub(super) Option<&'static str>);

#[async_trait]
impl RateLimit for Senders {
    async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable> {
        let is_admitted = attempt.peer.map(Peer::as_str) == self.0;
        let refused = Admission::Refused { retry_after: Duration::from_secs(60) };
        Ok(if is_admitted { Admission::Admitted } else { refused })
    }

    async fn settle(&self, _: &Attempt<'_>, _: AttemptOutcome) {}
}

/// A request object: its signature, the client that signed it, and its claims with spaces between them.
pub(super) fn object(signature: &str, signer: &str, claims: &str) -> String {
    format!("{signature} {signer} {claims}")
}

/// A verifier of [`object`]s.
pub(super) struct Objects;

#[async_trait]
impl VerifyRequestObject for Objects {
    async fn verify(&self, client: &Client, request_object: &str) -> Result<Map<String, Value>, CredentialError> {
        let mut parts = request_object.split(' ');
        match parts.next() {
            Some("right") => {}
            Some("unreachable") => return Err(CredentialError::unavailable("the keys are out of reach")),
            _ => return Err(AssertionFault::Signature.into()),
        }
        if parts.next() != Some(client.id.as_str()) {
            return Err(AssertionFault::Issuer.into());
        }
        let claims = parts.filter_map(|claim| claim.split_once('='));
        Ok(claims.map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

/// An issuer whose signature is a word.
pub(super) struct Jwts(Issuer);

impl Jwts {
    pub(super) fn of(issuer: &'static str) -> Self {
        Self(Issuer::from_static(issuer))
    }
}

#[async_trait]
impl JwtIssuer for Jwts {
    fn issuer(&self) -> &Issuer {
        &self.0
    }

    fn signing_key(&self, _: &Client, _: Timestamp) -> KeyId {
        KeyId::new("1").unwrap()
    }

    fn holds(&self, _: &KeyId) -> bool {
        true
    }

    async fn access_token(&self, _: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable> {
        Ok(format!("at_e30.{}.right", encoded(&json!({ "jti": claims.jti }))))
    }

    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, Unavailable> {
        Ok(format!("e30.{}.right", encoded(&json!({ "sub": claims.subject.as_str() }))))
    }

    async fn user_info(&self, claims: &UserInfoClaims<'_>) -> Result<String, Unavailable> {
        let sub = claims.subject.as_str();
        Ok(format!("e30.{}.right", encoded(&json!({ "aud": claims.client.id.as_str(), "sub": sub }))))
    }

    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        _: Timestamp,
    ) -> Result<String, Unavailable> {
        Ok(format!("e30.{}.right", encoded(&json!({ "aud": caller.as_str(), "active": answer["active"] }))))
    }

    fn read_access_token(&self, jwt: &str) -> Option<String> {
        let payload = jwt.strip_prefix("at_e30.")?.strip_suffix(".right")?;
        let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        payload["jti"].as_str().map(str::to_owned)
    }

    /// A hint names client, user and session.
    fn read_id_token(&self, jwt: &str) -> Option<IdTokenHint> {
        let [client_id, subject, session_id] =
            jwt.strip_prefix("hint ")?.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let hint = IdTokenHint::new(ClientId::new(client_id).ok()?, Subject::new(subject).ok()?, session_id.to_owned());
        Some(hint)
    }

    fn jwks(&self, _: Timestamp) -> Map<String, Value> {
        Map::from_iter([("keys".to_owned(), json!([{ "kty": "OKP", "kid": "1" }]))])
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["EdDSA"]
    }
}

/// A source that knows an address.
pub(super) struct UserClaims;

#[async_trait]
impl ClaimsSource for UserClaims {
    async fn claims(&self, request: &ClaimsRequest<'_>) -> Result<HostClaims, Unavailable> {
        match request.target {
            ClaimsTarget::UserInfo => Ok(HostClaims::from_iter([("email", "demo@as.example")])),
            _ => Ok(HostClaims::default()),
        }
    }

    fn claims_supported(&self) -> Vec<String> {
        vec!["email".to_owned()]
    }
}

/// The sessions of a host, by a cookie that says what happens.
pub(super) struct Browser;

#[async_trait]
impl EndSession for Browser {
    async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable> {
        let page = |text: &str| Response {
            status: 200,
            headers: vec![("content-type", "text/plain".into())],
            body: text.as_bytes().to_vec(),
        };
        let ended = EndedSession::new(page("signed out")).with_header("set-cookie", "session=; Max-Age=0");
        match request.http.header("cookie").next() {
            Some(b"session=unreachable") => Err(Unavailable::new("the sessions are out of reach")),
            Some(b"session=asks") => Ok(EndSessionResponse::Page(page("sign out?"))),
            Some(b"session=confirmed") => Ok(ended.with_session(Subject::new("demo").unwrap(), "laptop").into()),
            _ => Ok(ended.into()),
        }
    }
}
