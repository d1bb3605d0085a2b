use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::{InvalidValue, Scope, Subject};

use crate::algorithm::Algorithm;
use crate::assertion::{Algorithms, Rules};
use crate::jws::Claims;
use crate::key::KeySource;

/// An issuer of assertions, with the limits of its trust.
pub struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) keys: KeySource,
    pub(super) subjects: Arc<dyn ResolveSubject>,
    pub(super) algorithms: Algorithms,
    pub(super) max_lifetime: Duration,
    scope: Option<Scope>,
    pub(super) requires_jti: bool,
}

/// Maps an assertion to a subject of the host. A closure from claims to `Option<Subject>` implements it, for hosts that
/// need no directory lookup.
#[async_trait]
pub trait ResolveSubject: Send + Sync {
    /// Returns the subject; `None` when there is none, or when this issuer may not speak for it.
    ///
    /// # Errors
    /// When the lookup fails for now. The client is asked to try again.
    async fn resolve(&self, claims: &Claims) -> Result<Option<Subject>, Box<dyn Error + Send + Sync>>;
}

impl TrustedIssuer {
    /// The default maximum lifetime of an assertion: one hour.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(3600);

    /// Accepts each assertion once if `iss` matches, `keys` verify it, and `subjects` maps it to a subject.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keys: impl Into<KeySource>, subjects: impl ResolveSubject + 'static) -> Self {
        Self {
            issuer: issuer.into(),
            keys: keys.into(),
            subjects: Arc::new(subjects),
            algorithms: Algorithms::asymmetric(),
            max_lifetime: Self::MAX_LIFETIME,
            scope: None,
            requires_jti: true,
        }
    }

    /// Accepts only these algorithms. Default: all with a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.limit_to(algorithms);
        self
    }

    /// Sets how far in the future `exp` may lie. Default: one hour. Maximum: one day (AM:
    /// `jwtTokenUnreasonableLifetime`).
    #[must_use]
    pub fn with_max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.max_lifetime = max_lifetime.min(Rules::LONGEST_LIFETIME);
        self
    }

    /// Sets the largest scope that an assertion of this issuer can obtain. A request for more is granted the part that
    /// is allowed. Default: no limit besides that of the client.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Accepts assertions without `jti`. Anyone who sees such an assertion can use it until it expires. Assertions with
    /// a `jti` are still accepted only once.
    #[must_use]
    pub const fn without_jti(mut self) -> Self {
        self.requires_jti = false;
        self
    }

    /// The part of the requested scope that this issuer may obtain.
    pub(super) fn narrow_scope(&self, asked: &Scope) -> Result<Scope, InvalidValue> {
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
