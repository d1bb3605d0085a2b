use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::{InvalidValue, Scope, Subject};

use crate::algorithm::Algorithm;
use crate::assertion::{Algorithms, KeySource, Rules};
use crate::claims::Claims;

/// An issuer of assertions, and what it is trusted with.
pub struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) keys: KeySource,
    pub(super) subjects: Arc<dyn ResolveSubject>,
    pub(super) algorithms: Algorithms,
    pub(super) max_lifetime: Duration,
    scope: Option<Scope>,
    pub(super) requires_jti: bool,
}

/// Who is the subject of an assertion, in the host's own words. A closure from claims to `Option<Subject>` will do where no
/// directory has to be asked.
#[async_trait]
pub trait ResolveSubject: Send + Sync {
    /// The subject; `None` when there is none, or none for whom this issuer may speak.
    ///
    /// # Errors
    /// When that cannot be told now.
    async fn resolve(&self, claims: &Claims) -> Result<Option<Subject>, Box<dyn Error + Send + Sync>>;
}

impl TrustedIssuer {
    /// How long an assertion may live by default.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);

    /// Trusts assertions with this `iss`, of these keys, for those whom `subjects` knows: each once.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keys: impl Into<KeySource>, subjects: impl ResolveSubject + 'static) -> Self {
        Self {
            issuer: issuer.into(),
            keys: keys.into(),
            subjects: Arc::new(subjects),
            algorithms: Algorithms::of_key_pairs(),
            max_lifetime: Self::MAX_LIFETIME,
            scope: None,
            requires_jti: true,
        }
    }

    /// Accepts these algorithms alone. Default all that use a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.among(algorithms);
        self
    }

    /// Sets how far in the future `exp` may lie. Default one hour; at most one day (AM: `jwtTokenUnreasonableLifetime`).
    #[must_use]
    pub fn with_max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.max_lifetime = max_lifetime.min(Rules::LONGEST_LIFETIME);
        self
    }

    /// Sets the scope that its assertions are good for; of a request for more, the rest is granted. Default whatever the client
    /// may be granted.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Accepts assertions without `jti`, which whoever sees one can use until it expires. Those that have one are still good
    /// for one use.
    #[must_use]
    pub const fn without_jti(mut self) -> Self {
        self.requires_jti = false;
        self
    }

    /// What is granted of the scope asked for.
    pub(super) fn narrowed(&self, asked: &Scope) -> Result<Scope, InvalidValue> {
        let Some(allowed) = &self.scope else { return Ok(asked.clone()) };
        Scope::new(&asked.iter().filter(|token| allowed.contains(token)).collect::<Vec<_>>().join(" "))
    }
}

#[async_trait]
impl<F> ResolveSubject for F
where
    F: Fn(&Claims) -> Option<Subject> + Send + Sync,
{
    async fn resolve(&self, claims: &Claims) -> Result<Option<Subject>, Box<dyn Error + Send + Sync>> {
        Ok(self(claims))
    }
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer").field("issuer", &self.issuer).field("keys", &self.keys).finish_non_exhaustive()
    }
}
