use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{AssertionFault, CredentialError, VerifyRequestObject};
use regrant::clock::{Clock, Timestamp};
use regrant::host::Unavailable;
use regrant::{Client, ClientId, Issuer};
use serde_json::{Map, Value};

use super::REQUEST_OBJECT;
use crate::algorithm::Algorithm;
use crate::assertion::{self, Algorithms, Audience, Rules};
use crate::jwk::JwkSet;
use crate::jws::Claims;
use crate::key::KeySource;

/// Verifies request objects (RFC 9101), by the rules of FAPI 2.0 Message Signing section 5.3.1.
///
/// * The key is one of the client's own, and the algorithm has a key pair.
/// * `iss` is the client id, and `aud` contains the issuer.
/// * `exp` is required and at most [`max_lifetime`](Self::with_max_lifetime) away, counted from `nbf` if there is one.
/// * `nbf` is at most as old as that, and not in the future. FAPI 2.0 [requires](Self::with_nbf_required) it.
/// * `typ` is `oauth-authz-req+jwt`, `JWT` or missing.
///
/// Encrypted objects (JWE) are refused. An object may be sent twice: it only starts an authorization, which the user
/// decides.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant::{ClientId, Issuer};
/// use regrant_jose::request_object::RequestObjects;
/// use regrant_jose::{JwkSet, KeySource};
///
/// # fn example(jwks: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
/// // The same keys may verify the assertions of the client: `ClientAssertions::private_key_jwt(keys.clone())`.
/// let keys = KeySource::from(JwkSet::from_value(jwks)?);
/// let clients = HashMap::from([(ClientId::new("payments")?, keys)]);
/// let issuer = Issuer::from_static("https://as.example");
/// let request_objects = RequestObjects::new(issuer, Arc::new(SystemClock), clients).with_nbf_required();
/// # Ok(())
/// # }
/// ```
pub struct RequestObjects {
    keys: Box<dyn FindClientKeys>,
    rules: Rules,
    algorithms: Algorithms,
    requires_nbf: bool,
    clock: Arc<dyn Clock>,
}

/// Finds the registered keys of clients, for [`RequestObjects`]. A map from client ids is enough for clients that are
/// known at start-up; [`RegisteredKeys`](crate::RegisteredKeys) finds those of a directory.
///
/// # Contract
/// * The keys are those that the client registered (`jwks` or `jwks_uri`), and not those of a header or a parameter of
///   the request.
/// * Each call for a client returns a clone of one [`KeySource`]. A new source for each request fetches the keys for
///   each request.
#[async_trait]
pub trait FindClientKeys: Send + Sync {
    /// Returns the keys of the client. `None` if it has registered none: its request objects are refused.
    ///
    /// # Errors
    /// [`Unavailable`] when the directory cannot be read now.
    async fn keys_of(&self, client: &Client) -> Result<Option<KeySource>, Unavailable>;
}

#[async_trait]
impl<S: BuildHasher + Send + Sync> FindClientKeys for HashMap<ClientId, KeySource, S> {
    async fn keys_of(&self, client: &Client) -> Result<Option<KeySource>, Unavailable> {
        Ok(self.get(&client.id).cloned())
    }
}

#[async_trait]
impl<K: FindClientKeys + ?Sized> FindClientKeys for Arc<K> {
    async fn keys_of(&self, client: &Client) -> Result<Option<KeySource>, Unavailable> {
        (**self).keys_of(client).await
    }
}

impl RequestObjects {
    /// The default maximum lifetime of a request object: one hour, the longest one of FAPI 2.0.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);
    /// The default tolerance for the clocks of clients: ten seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts request objects for `issuer`, the value in the metadata, signed with a key of the client.
    #[must_use]
    pub fn new(issuer: Issuer, clock: Arc<dyn Clock>, keys: impl FindClientKeys + 'static) -> Self {
        let audience = Audience::Any(vec![issuer.into()]);
        let rules = Rules { audience, max_lifetime: Self::MAX_LIFETIME, leeway: Self::LEEWAY };
        Self { keys: Box::new(keys), rules, algorithms: Algorithms::asymmetric(), requires_nbf: false, clock }
    }

    /// Accepts only these algorithms (`request_object_signing_alg`, RFC 9101 section 10.5). Default: all with a key
    /// pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.limit_to(algorithms);
        self
    }

    /// Sets the longest lifetime. Default: one hour. Maximum: one day.
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

    /// Refuses request objects without `nbf`, as FAPI 2.0 Message Signing does: `exp` alone does not tell when the
    /// object was signed.
    #[must_use]
    pub const fn with_nbf_required(mut self) -> Self {
        self.requires_nbf = true;
        self
    }

    fn check_claims(&self, claims: &Claims, client: &Client, now: Timestamp) -> Result<(), AssertionFault> {
        if claims.text("iss").map_err(|_| AssertionFault::Malformed)? != client.id.as_str() {
            return Err(AssertionFault::Issuer);
        }
        self.rules.accepted_until(claims, now)?;
        let time = |name| claims.optional_time(name).map_err(|_| AssertionFault::Malformed);
        let Some(begins) = time("nbf")? else {
            return if self.requires_nbf { Err(AssertionFault::Malformed) } else { Ok(()) };
        };
        let Rules { max_lifetime, leeway, .. } = self.rules;
        if now >= begins + max_lifetime + leeway {
            Err(AssertionFault::Expired)
        } else if time("exp")?.is_some_and(|end| end > begins + max_lifetime) {
            Err(AssertionFault::Lifetime)
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl VerifyRequestObject for RequestObjects {
    async fn verify(&self, client: &Client, request_object: &str) -> Result<Map<String, Value>, CredentialError> {
        let jws = assertion::parse(request_object, REQUEST_OBJECT)?;
        if !self.algorithms.allows(jws.alg()) {
            return Err(AssertionFault::Algorithm.into());
        }
        let keys = self.keys.keys_of(client).await?.ok_or(AssertionFault::Key)?;
        let now = self.clock.now();
        let find = |keys: &JwkSet| assertion::verify(&jws, keys);
        let claims = keys.find(now, find).await.map_err(CredentialError::unavailable)??;
        self.check_claims(&claims, client, now)?;
        Ok(claims.into_map())
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.algorithms.names()
    }
}

impl fmt::Debug for RequestObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithms, requires_nbf, .. } = self;
        f.debug_struct("RequestObjects")
            .field("algorithms", algorithms)
            .field("requires_nbf", requires_nbf)
            .finish_non_exhaustive()
    }
}
