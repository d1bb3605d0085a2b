use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::{
    AccessTokenClaims, Client, ClientId, Confirmation, IdTokenClaims, JwtIssuer, KeyId, SignError, Timestamp,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Makes JWTs whose signature is a hash, which is enough to tell its own from others.
#[derive(Clone)]
pub(crate) struct StubIssuer(Arc<Mutex<State>>);

struct State {
    key: &'static str,
    held: BTreeSet<&'static str>,
    is_down: bool,
    signed: usize,
}

impl Default for StubIssuer {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { key: "k1", held: ["k1"].into(), is_down: false, signed: 0 })))
    }
}

impl StubIssuer {
    /// From now on it signs with `key`, and holds the former ones.
    pub(crate) fn rotate(&self, key: &'static str) {
        let mut state = self.state();
        state.key = key;
        state.held.insert(key);
    }

    /// `key` leaked: it is gone.
    pub(crate) fn withdraw(&self, key: &str) {
        self.state().held.retain(|held| *held != key);
    }

    /// From now on signing fails, or works again.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// How many JWTs it has signed.
    pub(crate) fn signed(&self) -> usize {
        self.state().signed
    }

    /// An access token of somebody who has the signing key.
    pub(crate) fn forged(&self, claims: &Value) -> String {
        self.sign_now("at+jwt", claims).expect("signed")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under the lock")
    }

    fn sign(&self, typ: &str, kid: &str, claims: &Value) -> Result<String, SignError> {
        let mut state = self.state();
        if state.is_down {
            return Err(SignError::new("the key service is out of reach"));
        }
        if !state.held.contains(kid) {
            return Err(SignError::new("no such key"));
        }
        state.signed += 1;
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "typ": typ, "kid": kid })), encode(claims));
        Ok(format!("{signed}.{}", signature(&signed)))
    }

    fn sign_now(&self, typ: &str, claims: &Value) -> Result<String, SignError> {
        let key = self.state().key;
        self.sign(typ, key, claims)
    }
}

fn signature(signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("the key of the stub {signed}")))
}

/// The header of a JWT.
pub(crate) fn header(jwt: &str) -> Value {
    part(jwt, 0)
}

/// The claims of a JWT.
pub(crate) fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[async_trait]
impl JwtIssuer for StubIssuer {
    fn issuer(&self) -> &str {
        super::ISSUER
    }

    fn signing_key(&self, _: &Client, _: Timestamp) -> KeyId {
        KeyId::new(self.state().key).expect("kid")
    }

    fn holds(&self, key: &KeyId) -> bool {
        self.state().held.contains(key.as_str())
    }

    async fn access_token(&self, key: &KeyId, token: &AccessTokenClaims<'_>) -> Result<String, SignError> {
        let key_is_bound = |confirmation| matches!(confirmation, &Confirmation::DpopKey(_));
        let claims = json!({
            "iss": self.issuer(), "jti": token.jti, "client_id": token.client.id.as_str(),
            "sub": token.approval.subject.as_ref().map_or(token.client.id.as_str(), |subject| subject.as_str()),
            "scope": token.scope.as_str(), "iat": token.issued_at.as_secs(), "exp": token.expires_at.as_secs(),
            "aud": token.resources.iter().map(regrant::Resource::as_str).collect::<Vec<_>>(),
            "gty": token.grant_type.as_str(), "dpop": token.confirmation.is_some_and(key_is_bound),
        });
        self.sign("at+jwt", key.as_str(), &claims)
    }

    async fn id_token(&self, token: &IdTokenClaims<'_>) -> Result<String, SignError> {
        let mut claims = json!({
            "iss": self.issuer(), "sub": token.subject.as_str(), "aud": token.client.id.as_str(),
            "iat": token.issued_at.as_secs(), "exp": token.expires_at.as_secs(), "scope": token.scope.as_str(),
            "at_hash": signature(token.access_token),
        });
        if let Some(nonce) = token.nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(auth_time) = token.approval.auth_time {
            claims["auth_time"] = auth_time.as_secs().into();
        }
        if let Some(session) = &token.approval.session_id {
            claims["sid"] = session.as_str().into();
        }
        self.sign_now("JWT", &claims)
    }

    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, SignError> {
        let claims = json!({
            "iss": self.issuer(), "aud": caller.as_str(), "iat": now.as_secs(), "token_introspection": answer,
        });
        self.sign_now("token-introspection+jwt", &claims)
    }

    fn read_access_token(&self, jwt: &str) -> Option<String> {
        let (signed, own) = jwt.rsplit_once('.')?;
        if signature(signed) != own || header(jwt)["typ"] != "at+jwt" {
            return None;
        }
        let kid = header(jwt)["kid"].as_str()?.to_owned();
        self.state().held.contains(&*kid).then(|| claims(jwt)["jti"].as_str().map(str::to_owned))?
    }

    fn jwks(&self, _: Timestamp) -> Map<String, Value> {
        let keys: Vec<Value> = self.state().held.iter().map(|kid| json!({ "kty": "OKP", "kid": kid })).collect();
        Map::from_iter([("keys".to_owned(), keys.into())])
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["EdDSA"]
    }
}

/// Of a token whose `at_hash` is compared.
pub(crate) fn at_hash(access_token: &str) -> String {
    signature(access_token)
}
