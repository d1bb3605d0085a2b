mod access_token;
mod id_token;
mod introspection;
mod user_info;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::host::Unavailable;
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, IdTokenHint, JwtIssuer, KeyId, UserInfoClaims};
use regrant::{Client, ClientId, Issuer, Subject};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::Jwk;
use crate::jws::{Claims, Jws};
use crate::key::{KeySet, ScheduledKey};

/// The `typ` of an access token (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN: &str = "at+jwt";
/// The `typ` of an `id_token`, and of a userinfo answer: clients know no other one for it.
const ID_TOKEN: &str = "JWT";
const INTROSPECTION: &str = "token-introspection+jwt";

/// Issues the JWTs of a server: access tokens (RFC 9068), `id_token`s (OpenID Connect Core section 2), introspection
/// answers (RFC 9701), userinfo answers (OpenID Connect Core section 5.3.2).
///
/// ```
/// use std::time::Duration;
/// use regrant::jwt::JwtIssuer;
/// use regrant::{Issuer, SystemEntropy};
/// use regrant_jose::{Algorithm, JwtTokens, KeySet, PrivateKey};
///
/// let key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy)?;
/// let keys = KeySet::new(key, Duration::from_secs(3600))?;
/// let tokens = JwtTokens::new(Issuer::from_static("https://as.example"), keys);
/// assert_eq!(tokens.algorithms(), ["EdDSA"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JwtTokens {
    issuer: Issuer,
    keys: KeySet,
    client_algorithm: Box<AlgorithmOf>,
}

type AlgorithmOf = dyn Fn(&ClientId) -> Option<Algorithm> + Send + Sync;

impl JwtTokens {
    /// Issues tokens of `issuer`, signed with `keys`. The endpoints must have the same issuer.
    #[must_use]
    pub fn new(issuer: Issuer, keys: KeySet) -> Self {
        Self { issuer, keys, client_algorithm: Box::new(|_| None) }
    }

    /// Sets the signing algorithm for each client (AM: ID Token Signing Algorithm). `None`, and an algorithm without a
    /// key in the set, mean the default: compare with [`algorithms`](JwtIssuer::algorithms) when a client registers.
    #[must_use]
    pub fn with_client_algorithm(
        mut self,
        algorithm_of: impl Fn(&ClientId) -> Option<Algorithm> + Send + Sync + 'static,
    ) -> Self {
        self.client_algorithm = Box::new(algorithm_of);
        self
    }

    /// Returns the claims of a token of this type that was signed with a key of the set, expired or not.
    fn read(&self, typ: &str, jwt: &str) -> Option<Claims> {
        let jws = Jws::parse(jwt).ok().filter(|jws| jws.is_typ(typ))?;
        let claims = jws.verify(&self.keys.key(jws.kid()?)?.public).ok()?;
        (claims.text("iss").ok()? == self.issuer.as_str()).then_some(claims)
    }

    fn key_for(&self, client: &ClientId, now: Timestamp) -> Result<Arc<ScheduledKey>, Unavailable> {
        self.keys.in_use((self.client_algorithm)(client), now).ok_or_else(|| Unavailable::new("no key is in use"))
    }
}

#[async_trait]
impl JwtIssuer for JwtTokens {
    fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    fn max_token_lifetime(&self) -> Option<Duration> {
        Some(self.keys.max_token_lifetime())
    }

    #[expect(
        clippy::expect_used,
        reason = "a key set begins with a key of the default algorithm and drops none but followed ones"
    )]
    fn signing_key(&self, client: &Client, now: Timestamp) -> KeyId {
        self.key_for(&client.id, now).expect("a key is in use").id.clone()
    }

    fn holds(&self, key: &KeyId) -> bool {
        self.keys.key(key.as_str()).is_some()
    }

    async fn access_token(&self, key: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable> {
        let key = self.keys.key(key.as_str()).ok_or_else(|| Unavailable::new("the key is no longer held"))?;
        let token = access_token::payload(self, claims)?;
        let token = sign(&key, ACCESS_TOKEN, &token).await?;
        // The claims of the host may exceed the limits of readers, ours included: introspection would report the token
        // as inactive.
        match Jws::parse(&token) {
            Err(error) if !claims.host_claims.is_empty() => Err(Unavailable::new(error)),
            _ => Ok(token),
        }
    }

    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, Unavailable> {
        let key = self.key_for(&claims.client.id, claims.issued_at)?;
        sign(&key, ID_TOKEN, &id_token::payload(self, claims, key.public.algorithm())?).await
    }

    async fn introspection(
        &self,
        caller: &ClientId,
        answer: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, Unavailable> {
        let key = self.key_for(caller, now)?;
        sign(&key, INTROSPECTION, &introspection::payload(self, caller, answer, now)?).await
    }

    async fn user_info(&self, claims: &UserInfoClaims<'_>) -> Result<String, Unavailable> {
        let key = self.key_for(&claims.client.id, claims.issued_at)?;
        sign(&key, ID_TOKEN, &user_info::payload(self, claims)?).await
    }

    fn read_access_token(&self, jwt: &str) -> Option<String> {
        self.read(ACCESS_TOKEN, jwt)?.text("jti").ok().map(str::to_owned)
    }

    fn read_id_token(&self, jwt: &str) -> Option<IdTokenHint> {
        let claims = self.read(ID_TOKEN, jwt)?;
        // A userinfo answer has no `exp`.
        claims.time("exp").ok()?;
        let client_id = ClientId::new(claims.text("aud").ok()?).ok()?;
        let subject = Subject::new(claims.text("sub").ok()?).ok()?;
        let session_id = claims.optional_text("sid").ok()?.map(str::to_owned);
        Some(IdTokenHint::new(client_id, subject, session_id))
    }

    fn jwks(&self, now: Timestamp) -> Map<String, Value> {
        let keys = self.keys.public_keys(now).iter().map(Jwk::to_value).collect();
        Map::from_iter([("keys".to_owned(), Value::Array(keys))])
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.keys.algorithms().into_iter().map(Algorithm::as_str).collect()
    }
}

impl fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtTokens").field("issuer", &self.issuer).field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

async fn sign(key: &ScheduledKey, typ: &str, payload: &[u8]) -> Result<String, Unavailable> {
    let header = json(&Header { alg: key.public.algorithm().as_str(), typ, kid: key.id.as_str() })?;
    // base64url makes four characters of three bytes. An Ed25519 or ES256 signature takes 86, an RSA signature more.
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 96);
    base64url::encode_into(header, &mut token);
    token.push('.');
    base64url::encode_into(payload, &mut token);
    let signature = key.signer.sign(token.as_bytes()).await?;
    token.push('.');
    base64url::encode_into(signature, &mut token);
    Ok(token)
}

fn json(claims: &impl Serialize) -> Result<Vec<u8>, Unavailable> {
    serde_json::to_vec(claims).map_err(Unavailable::new)
}
