use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::grant::Approval;
use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, Resources, Scope, Subject, forward_to_arc};

/// Supplies claims that only the host knows: `email` for a scope, `roles`, `groups` (RFC 9068 section 2.2.3.1). Set it
/// with [`TokenServiceBuilder::claims`](crate::TokenServiceBuilder::claims).
///
/// One source serves all places in which a client or a resource server reads claims, see [`ClaimsTarget`].
///
/// # Contract
/// * **It is quick.** It is asked within the request.
/// * **No claim of the protocol is set** ([`ClaimsTarget::reserves`]). Otherwise the request fails with
///   [`ClaimsError::Reserved`] and nothing is issued: a source that sets `sub` or `exp` would make tokens of other
///   users, or tokens without end.
/// * **Equal requests get equal claims** while the account does not change. A replay within the grace period asks
///   again, and other claims make another text of the same access token.
/// * **Every holder of the token may read the claims.** Return what the scope permits, and no more.
/// * **A JWT access token stays small**, below 16 KiB as a whole. Readers refuse a longer one.
/// * **An outage is an error.** A client cannot distinguish missing claims from claims that the user does not have.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::host::{ClaimsRequest, ClaimsSource, ClaimsTarget, HostClaims, Unavailable};
///
/// # struct Directory;
/// # impl Directory { async fn email(&self, _: &str) -> Result<String, std::io::Error> { Ok(String::new()) } }
/// struct Profiles(Directory);
///
/// #[async_trait]
/// impl ClaimsSource for Profiles {
///     async fn claims(&self, request: &ClaimsRequest<'_>) -> Result<HostClaims, Unavailable> {
///         match (request.target, request.subject()) {
///             (ClaimsTarget::UserInfo, Some(user)) if request.scope.contains("email") => {
///                 Ok(HostClaims::from_iter([("email", self.0.email(user.as_str()).await?)]))
///             }
///             _ => Ok(HostClaims::default()),
///         }
///     }
///
///     fn claims_supported(&self) -> Vec<String> {
///         vec!["email".to_owned()]
///     }
/// }
/// ```
#[async_trait]
pub trait ClaimsSource: Send + Sync {
    /// Returns the claims for this target, client and resource owner. Empty if there are none.
    ///
    /// # Errors
    /// [`Unavailable`] when the claims cannot be read now. The client gets 503, and nothing is issued or used up.
    async fn claims(&self, request: &ClaimsRequest<'_>) -> Result<HostClaims, Unavailable>;

    /// Returns the names of the claims that the source may supply, for the metadata (`claims_supported`, OpenID Connect
    /// Discovery 1.0 section 3). The claims of the protocol are added.
    fn claims_supported(&self) -> Vec<String>;
}

forward_to_arc! {
    ClaimsSource {
        async fn claims(&self, request: &ClaimsRequest<'_>) -> Result<HostClaims, Unavailable>;
        fn claims_supported(&self) -> Vec<String>;
    }
}

/// The place where claims are read.
///
/// | target | asked |
/// |---|---|
/// | `AccessToken` | before a JWT is signed (RFC 9068), and at introspection of a JWT or an opaque token (RFC 7662) |
/// | `IdToken` | before an `id_token` is signed (OpenID Connect Core section 2) |
/// | `UserInfo` | at the userinfo endpoint (OpenID Connect Core section 5.3) |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the table above")]
pub enum ClaimsTarget {
    AccessToken,
    IdToken,
    UserInfo,
}

/// The claims by which a reader recognises a token, its issuer, its audience and its validity (RFC 7519, 7800, 8693,
/// 9068, 9701, OpenID Connect Core). In the wrong place each of them turns one kind of token into another (RFC 8725
/// section 2.8).
const OF_EVERY_TARGET: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "cnf",
    "client_id",
    "scope",
    "events",
    "token_introspection",
];

/// The facts of the authentication, and the actors (OpenID Connect Core section 2, RFC 8693 section 4).
const OF_TOKENS: [&str; 5] = ["auth_time", "acr", "amr", "act", "may_act"];

/// The members that an access token (RFC 9396 section 9.1) and an introspection response (RFC 7662 section 2.2) have in
/// addition.
const OF_ACCESS_TOKENS: [&str; 3] = ["authorization_details", "active", "token_type"];

impl ClaimsTarget {
    /// Returns true if the protocol owns the claim `name` here, so that a source must not set it.
    ///
    /// ```
    /// use regrant::host::ClaimsTarget;
    ///
    /// assert!(ClaimsTarget::UserInfo.reserves("sub"));
    /// assert!(ClaimsTarget::AccessToken.reserves("scope"));
    /// assert!(!ClaimsTarget::AccessToken.reserves("roles"));
    /// ```
    #[must_use]
    pub fn reserves(self, name: &str) -> bool {
        self.reserved().any(|reserved| reserved == name)
    }

    fn reserved(self) -> impl Iterator<Item = &'static str> {
        let (of_tokens, of_access_tokens): (&[_], &[_]) = match self {
            Self::AccessToken => (&OF_TOKENS, &OF_ACCESS_TOKENS),
            Self::IdToken => (&OF_TOKENS, &[]),
            Self::UserInfo => (&[], &[]),
        };
        OF_EVERY_TARGET.iter().chain(of_tokens).chain(of_access_tokens).copied()
    }
}

impl fmt::Display for ClaimsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessToken => "access tokens",
            Self::IdToken => "id_tokens",
            Self::UserInfo => "userinfo",
        })
    }
}

/// A question to the [`ClaimsSource`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClaimsRequest<'a> {
    /// The place where the claims will be read.
    pub target: ClaimsTarget,
    /// The client that the token was issued to.
    pub client_id: &'a ClientId,
    /// The approval behind the token, with the [bytes of the host](Approval::data).
    pub approval: &'a Approval,
    /// The scope of the access token, which may be narrower than the approved one. Claims follow the scope (OpenID
    /// Connect Core section 5.4).
    pub scope: &'a Scope,
    /// The audience of the access token (RFC 8707): its readers.
    pub resources: &'a Resources,
}

impl<'a> ClaimsRequest<'a> {
    /// A question about the whole scope and all resources of an approval, for tests of a [`ClaimsSource`].
    #[must_use]
    pub const fn new(target: ClaimsTarget, client_id: &'a ClientId, approval: &'a Approval) -> Self {
        Self { target, client_id, approval, scope: &approval.scope, resources: &approval.resources }
    }

    /// Returns the resource owner; `None` when the client acts for itself.
    #[must_use]
    pub const fn subject(&self) -> Option<&'a Subject> {
        self.approval.subject.as_ref()
    }
}

/// The claims of a host. `Debug` shows only their number: claims are personal data.
///
/// ```
/// use regrant::host::HostClaims;
/// use serde_json::json;
///
/// let claims = HostClaims::from_iter([("email", json!("demo@as.example")), ("roles", json!(["admin"]))]);
/// assert_eq!(claims["roles"][0], "admin");
/// assert_eq!(format!("{claims:?}"), "HostClaims(2)");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HostClaims(Map<String, Value>);

impl HostClaims {
    /// Returns the claims of a service without a source.
    pub(crate) fn none() -> &'static Self {
        static NONE: LazyLock<HostClaims> = LazyLock::new(HostClaims::default);
        &NONE
    }

    /// Returns the claims, owned.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Checks that no claim of the protocol is among them.
    ///
    /// # Errors
    /// [`ClaimsError::Reserved`].
    pub(crate) fn checked(self, target: ClaimsTarget) -> Result<Self, ClaimsError> {
        match target.reserved().find(|name| self.contains_key(*name)) {
            Some(claim) => Err(ClaimsError::Reserved { claim, target }),
            None => Ok(self),
        }
    }
}

impl From<Map<String, Value>> for HostClaims {
    fn from(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for HostClaims {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(claims: I) -> Self {
        Self(claims.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Deref for HostClaims {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for HostClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostClaims({})", self.0.len())
    }
}

/// The reason why there are no claims of the host. The client gets 503, or 500 for a failure that will repeat.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// The source cannot answer now.
    #[error("the claims source is unavailable")]
    Unavailable(#[source] Unavailable),
    /// The source set a claim that the protocol owns. Every request fails until the source is repaired.
    #[error("the claims source sets {claim}, which belongs to the protocol, for {target}")]
    Reserved {
        /// The claim.
        claim: &'static str,
        /// The target of the request.
        target: ClaimsTarget,
    },
}
