use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{AssertionFault, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{Clock, Timestamp};
use regrant::store::{SingleUse, Use, UseId};
use regrant::token::Realm;
use regrant::{Client, ClientCredentials, ClientId, ClientSecret};

use super::{Algorithms, Audience, KeySource, Rules, decoy, jti, remembered_until};
use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::error::{JwsError, KeyError};
use crate::jwk::{Jwk, JwkSet};
use crate::jws::Jws;

/// How client assertions are verified, the same for all clients; [`private_key_jwt`](Self::private_key_jwt) and
/// [`client_secret_jwt`](Self::client_secret_jwt) add what is of one client.
///
/// An assertion is accepted once, from its client alone (`iss` and `sub` are the client id), and only when everything else about
/// it is right: what is refused uses nothing up.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Client, ClientId, ClientRegistry, MemoryStore};
/// use regrant::client::ClientAuthenticationMethod;
/// use regrant::clock::SystemClock;
/// use regrant_jose::{ClientAssertions, JwkSet};
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let assertions = ClientAssertions::new("https://as.example", Arc::new(SystemClock), Arc::new(MemoryStore::new()))
///     .with_audiences(["https://as.example/oauth2/token"]);
/// let client = Client::new(ClientId::new("payments")?)
///     .with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
/// let verifier = assertions.private_key_jwt(JwkSet::from_value(jwks)?);
/// let clients = ClientRegistry::new().with_verifier(client, Arc::new(verifier))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientAssertions {
    issuer: String,
    rules: Rules,
    realm: Realm,
    clock: Arc<dyn Clock>,
    used: Arc<dyn SingleUse>,
}

impl ClientAssertions {
    /// How long an assertion may live by default.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);
    /// How far the clock of a client may be off by default.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts assertions for this `issuer`, the one of the metadata. `used` remembers them until they have expired.
    #[must_use]
    pub fn new(issuer: impl Into<String>, clock: Arc<dyn Clock>, used: Arc<dyn SingleUse>) -> Self {
        let issuer = issuer.into();
        let audience = Audience::Any(vec![issuer.clone()]);
        let rules = Rules { audience, max_lifetime: Self::MAX_LIFETIME, leeway: Self::LEEWAY };
        Self { issuer, rules, realm: Realm::default(), clock, used }
    }

    /// Accepts these audiences besides the issuer: the URLs of the endpoints, as many clients send them. They come from
    /// configuration, never from a `Host` header, which is the client's to choose.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        if let Audience::Any(accepted) = &mut self.rules.audience {
            accepted.extend(audiences.into_iter().map(Into::into));
        }
        self
    }

    /// Accepts nothing but the issuer as a single string in `aud`, as FAPI 2.0 wants: an assertion that names anything else may
    /// have been made for a server that only pretends to be this one.
    #[must_use]
    pub fn with_issuer_as_only_audience(mut self) -> Self {
        self.rules.audience = Audience::Only(self.issuer.clone());
        self
    }

    /// Sets how far in the future `exp` may lie. Default one hour, which is what common clients ask for (Authlib); at most one
    /// day, which is AM's `jwtTokenUnreasonableLifetime`. An assertion is remembered for as long as it lives.
    #[must_use]
    pub fn with_max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.rules.max_lifetime = max_lifetime.min(Rules::LONGEST_LIFETIME);
        self
    }

    /// Sets how far the clocks of clients may be off. Default ten seconds, either way.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Sets the realm: that of the service. An assertion used in one realm is not used in another.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// For a client of `private_key_jwt` with these keys.
    #[must_use]
    pub fn private_key_jwt(&self, keys: impl Into<KeySource>) -> AssertionVerifier {
        AssertionVerifier {
            assertions: self.clone(),
            method: ClientAuthenticationMethod::PrivateKeyJwt,
            keys: keys.into(),
            algorithms: Algorithms::of_key_pairs(),
        }
    }

    /// For a client of `client_secret_jwt` with this secret, which must be as long as the hash of `algorithm`: 32 bytes for
    /// HS256 (RFC 7518 section 3.2). Here the secret itself is needed, its hash does not do.
    ///
    /// # Errors
    /// When the secret is too short, or `algorithm` is none with a secret.
    pub fn client_secret_jwt(
        &self,
        secret: &ClientSecret,
        algorithm: Algorithm,
    ) -> Result<AssertionVerifier, KeyError> {
        let key = Jwk::from_secret(secret.expose().as_bytes(), algorithm)?;
        Ok(AssertionVerifier {
            assertions: self.clone(),
            method: ClientAuthenticationMethod::ClientSecretJwt,
            keys: JwkSet::from_iter([key]).into(),
            algorithms: Algorithms::only(algorithm),
        })
    }

    /// Until when the assertion of `client` with these claims is accepted, and its `jti`. `named` is the client that
    /// the request is of: another one, when a registry asks on behalf of a client that is unknown.
    fn accepted<'a>(
        &self,
        claims: &'a Claims,
        client: &Client,
        named: &ClientId,
        now: Timestamp,
    ) -> Result<(Timestamp, &'a str), AssertionFault> {
        for name in ["iss", "sub"] {
            let text = claims.text(name).map_err(|_| AssertionFault::Malformed)?;
            if text != client.id.as_str() || *named != client.id {
                return Err(AssertionFault::Issuer);
            }
        }
        Ok((self.rules.accepted_until(claims, now)?, jti(claims).ok_or(AssertionFault::Malformed)?))
    }
}

/// Verifies the assertions of one client.
pub struct AssertionVerifier {
    assertions: ClientAssertions,
    method: ClientAuthenticationMethod,
    keys: KeySource,
    algorithms: Algorithms,
}

impl AssertionVerifier {
    /// Accepts, of what it accepts, these algorithms alone (`token_endpoint_auth_signing_alg`, RFC 7591 section 2). Default all
    /// that use a key pair for `private_key_jwt`; never more than that one for `client_secret_jwt`.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.among(algorithms);
        self
    }

    /// Returns the claims of the assertion, if it is of the client's key. One signature is verified, whatever is wrong
    /// with the key: somebody who does not hold it learns nothing of which keys there are.
    async fn verified(&self, assertion: &str, now: Timestamp) -> Result<Claims, CredentialError> {
        let jws = Jws::parse(assertion).map_err(|error| match error {
            JwsError::UnsupportedAlgorithm => AssertionFault::Algorithm,
            _ => AssertionFault::Malformed,
        })?;
        // 7523bis names the type; before, it was `JWT` or left out. Any other type is a token for something else.
        if jws.typ().is_some() && !jws.is_typ("JWT") && !jws.is_typ("client-authentication+jwt") {
            return Err(AssertionFault::Type.into());
        }
        let verify = |keys: &JwkSet| {
            let key = keys.find(jws.kid(), jws.alg()).ok_or(AssertionFault::Key)?;
            jws.verify(key).map_err(|_| AssertionFault::Signature)
        };
        let verified = if self.algorithms.accept(jws.alg()) {
            self.keys.find(now, verify).await.map_err(CredentialError::unavailable)?
        } else {
            Err(AssertionFault::Algorithm)
        };
        if let Err(AssertionFault::Algorithm | AssertionFault::Key) = verified {
            decoy::verify(&jws);
        }
        Ok(verified?)
    }
}

#[async_trait]
impl VerifyCredentials for AssertionVerifier {
    async fn verify(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), CredentialError> {
        let ClientCredentials::Assertion(named, assertion) = credentials else {
            return Err(CredentialRefusal::MethodNotRegistered.into());
        };
        if !client.authentication_methods.contains(self.method) {
            return Err(CredentialRefusal::MethodNotRegistered.into());
        }
        let ClientAssertions { clock, used, realm, .. } = &self.assertions;
        let now = clock.now();
        let claims = self.verified(assertion.expose(), now).await?;
        let (end, jti) = self.assertions.accepted(&claims, client, named, now)?;
        // Last: whatever else is wrong with it, the client may send it again.
        let id = UseId::new(realm, "client_assertion", client.id.as_str(), jti);
        match used.use_once(&id, remembered_until(end)).await.map_err(CredentialError::unavailable)? {
            Use::First => Ok(()),
            Use::Again => Err(AssertionFault::Used.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.algorithms.names()
    }
}

impl fmt::Debug for ClientAssertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertions").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for AssertionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, keys, algorithms, .. } = self;
        f.debug_struct("AssertionVerifier")
            .field("method", method)
            .field("keys", keys)
            .field("algorithms", algorithms)
            .finish_non_exhaustive()
    }
}
