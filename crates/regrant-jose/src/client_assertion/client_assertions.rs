use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{AssertionFault, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{Clock, Timestamp};
use regrant::store::{SingleUse, Use, UseId};
use regrant::token::Realm;
use regrant::{Client, ClientCredentials, ClientId, ClientSecret, Issuer};

use super::decoy;
use crate::algorithm::Algorithm;
use crate::assertion::{self, Algorithms, Audience, Rules, jti, remembered_until};
use crate::jwk::{Jwk, JwkSet};
use crate::jws::Claims;
use crate::key::KeyError;
use crate::key::KeySource;

/// Verifies client assertions. It holds the settings that all clients share; [`private_key_jwt`](Self::private_key_jwt)
/// and [`client_secret_jwt`](Self::client_secret_jwt) add those of one client.
///
/// An assertion is accepted once, and only from its own client: `iss` and `sub` must be the client id. An assertion
/// that is refused is not used up.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Client, ClientId, ClientRegistry, Issuer, MemoryStore};
/// use regrant::client::ClientAuthenticationMethod;
/// use regrant::clock::SystemClock;
/// use regrant_jose::client_assertion::ClientAssertions;
/// use regrant_jose::JwkSet;
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::from_static("https://as.example");
/// let assertions = ClientAssertions::new(issuer, Arc::new(SystemClock), Arc::new(MemoryStore::new()))
///     .with_audiences(["https://as.example/oauth2/token"]);
/// let client = Client::new(ClientId::new("payments")?)
///     .with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
/// let verifier = assertions.private_key_jwt(JwkSet::from_value(jwks)?);
/// let clients = ClientRegistry::new().register_with_verifier(client, Arc::new(verifier))?;
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
    /// The default maximum lifetime of an assertion: one hour.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);
    /// The default tolerance for the clocks of clients: ten seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts assertions for `issuer`, the value in the metadata. `used` remembers each assertion until it has
    /// expired.
    #[must_use]
    pub fn new(issuer: Issuer, clock: Arc<dyn Clock>, used: Arc<dyn SingleUse>) -> Self {
        let issuer = String::from(issuer);
        let audience = Audience::Any(vec![issuer.clone()]);
        let rules = Rules { audience, max_lifetime: Self::MAX_LIFETIME, leeway: Self::LEEWAY };
        Self { issuer, rules, realm: Realm::default(), clock, used }
    }

    /// Also accepts these audiences, for example the URLs of the endpoints, which many clients send. Take them from
    /// configuration, never from a `Host` header, which the client chooses.
    #[must_use]
    pub fn with_audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        if let Audience::Any(accepted) = &mut self.rules.audience {
            accepted.extend(audiences.into_iter().map(Into::into));
        }
        self
    }

    /// Accepts only the issuer as a single string in `aud`, as FAPI 2.0 requires. An assertion with another audience
    /// may have been made for a malicious server.
    #[must_use]
    pub fn with_issuer_as_only_audience(mut self) -> Self {
        self.rules.audience = Audience::Only(self.issuer.clone());
        self
    }

    /// Sets how far in the future `exp` may lie. Default: one hour, which common clients ask for (Authlib). Maximum:
    /// one day, AM's `jwtTokenUnreasonableLifetime`. An assertion is remembered until it expires.
    #[must_use]
    pub fn with_max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.rules.max_lifetime = max_lifetime.min(Rules::LONGEST_LIFETIME);
        self
    }

    /// Sets the tolerance for the clocks of clients, in both directions. Default: ten seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Sets the realm of the service. An assertion that was used in one realm counts as unused in another.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Returns the verifier of a `private_key_jwt` client with these keys.
    #[must_use]
    pub fn private_key_jwt(&self, keys: impl Into<KeySource>) -> AssertionVerifier {
        AssertionVerifier {
            assertions: self.clone(),
            method: ClientAuthenticationMethod::PrivateKeyJwt,
            keys: keys.into(),
            algorithms: Algorithms::asymmetric(),
        }
    }

    /// Returns the verifier of a `client_secret_jwt` client. HMAC needs the secret itself; its hash is not enough. The
    /// secret must be at least as long as the hash of `algorithm`: 32 bytes for HS256 (RFC 7518 section 3.2).
    ///
    /// # Errors
    /// When the secret is too short, or `algorithm` is not symmetric.
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

    /// Checks the claims. Returns the end of the time in which the assertion is accepted, and its `jti`. `named` is the
    /// client id of the request. It differs from the id of `client` when a registry verifies for an unknown client, to
    /// spend the same time.
    fn check_claims<'a>(
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
    /// Narrows the accepted algorithms to these (`token_endpoint_auth_signing_alg`, RFC 7591 section 2). Default: all
    /// with a key pair for `private_key_jwt`, and the given algorithm for `client_secret_jwt`.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.limit_to(algorithms);
        self
    }

    /// Returns the claims of the assertion if a key of the client signed it. Exactly one signature is verified, even
    /// when there is no key for it: otherwise the time of the answer would show which keys a client has.
    async fn verify_signature(&self, assertion: &str, now: Timestamp) -> Result<Claims, CredentialError> {
        // RFC 7523bis names the type.
        let jws = assertion::parse(assertion, "client-authentication+jwt")?;
        let verified = if self.algorithms.allows(jws.alg()) {
            let find = |keys: &JwkSet| assertion::verify(&jws, keys);
            self.keys.find(now, find).await.map_err(CredentialError::unavailable)?
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
        let claims = self.verify_signature(assertion.expose(), now).await?;
        let (end, jti) = self.assertions.check_claims(&claims, client, named, now)?;
        // Comes last: a client may send an assertion again after any other failure.
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
