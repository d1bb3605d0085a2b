use std::time::Duration;

use async_trait::async_trait;

use crate::ports::Unavailable;
use crate::vocabulary::{ClientId, Peer, Timestamp, forward_to_arc};

/// Limits the attempts to guess a credential. [`AttemptLimit`](super::AttemptLimit) is an implementation in memory.
///
/// The limit is asked before a credential is checked, and told the outcome. A refused attempt is answered 429 with
/// `Retry-After` (RFC 6585 section 4), for a right credential as for a wrong one. It costs no call of the store and of
/// the authenticator. A malformed request is no attempt.
///
/// Limit what people choose or type: user codes (RFC 8628 section 5.1), passwords (RFC 6749 section 4.3.2), and client
/// secrets that were not drawn at random (section 10.10). The tokens of this library have 256 random bits, so nobody
/// can guess them, and presenting one is no attempt.
///
/// # Contract
/// * **Attempts are counted by who makes them.** A limit by the client alone lets a stranger lock the client out: a
///   client id is no secret.
/// * **An admitted attempt counts until it is settled.** Otherwise an attacker makes a thousand attempts at once, all
///   of them admitted before the first one fails.
/// * **A future may be dropped between the two calls**, when the client closes the connection. Such an attempt was
///   checked or not, so it counts as failed. A lock or a counter of open attempts that only [`settle`](Self::settle)
///   releases would stay for ever.
/// * **It is quick.** Both calls are made within the request.
/// * **An outage is an error**, and the request is answered 503. An implementation that prefers to serve without a
///   limit returns [`Admission::Admitted`].
/// * **[`Attempt::client_id`] is a claim.** It may be a mistyped secret: do not log it.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::host::{Admission, Attempt, AttemptLimit, AttemptOutcome, RateLimit, Unavailable};
///
/// /// Lets the monitoring of the host through.
/// struct Limits(AttemptLimit);
///
/// #[async_trait]
/// impl RateLimit for Limits {
///     async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable> {
///         if attempt.peer.is_some_and(|peer| peer.as_str() == "192.0.2.1") {
///             return Ok(Admission::Admitted);
///         }
///         self.0.admit(attempt).await
///     }
///
///     async fn settle(&self, attempt: &Attempt<'_>, outcome: AttemptOutcome) {
///         self.0.settle(attempt, outcome).await;
///     }
/// }
/// ```
#[async_trait]
pub trait RateLimit: Send + Sync {
    /// Decides whether the credential of `attempt` is checked.
    ///
    /// # Errors
    /// [`Unavailable`] when the limit cannot decide. The answer is 503, and nothing was checked.
    async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable>;

    /// Takes note of the outcome of an admitted attempt.
    async fn settle(&self, attempt: &Attempt<'_>, outcome: AttemptOutcome);
}

forward_to_arc! {
    RateLimit {
        async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, Unavailable>;
        async fn settle(&self, attempt: &Attempt<'_>, outcome: AttemptOutcome);
    }
}

/// A credential that is about to be checked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The kind of the credential, and the endpoint to which it was sent.
    pub kind: AttemptKind,
    /// The client that the request claims to come from. Nothing is verified yet.
    pub client_id: Option<&'a ClientId>,
    /// The sender, if the host names it: [`Request::with_peer`](crate::wire::Request::with_peer),
    /// [`TokenService::for_peer`](crate::TokenService::for_peer).
    pub peer: Option<&'a Peer>,
    /// The time, by the clock of the service. The same in both calls about one attempt.
    pub at: Timestamp,
}

impl<'a> Attempt<'a> {
    /// An attempt without a client and a sender, for checks of the host's own.
    #[must_use]
    pub const fn new(kind: AttemptKind, at: Timestamp) -> Self {
        Self { kind, client_id: None, peer: None, at }
    }

    /// Sets the client that the request claims to come from.
    #[must_use]
    pub fn with_client_id(mut self, client_id: impl Into<Option<&'a ClientId>>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// Sets the sender.
    #[must_use]
    pub fn with_peer(mut self, peer: impl Into<Option<&'a Peer>>) -> Self {
        self.peer = peer.into();
        self
    }
}

/// The kind of a credential, and the endpoint to which it was sent.
///
/// The first seven are client authentication. Count them together: an attacker takes the endpoint that is limited
/// least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptKind {
    /// Client authentication at the token endpoint.
    Token,
    /// Client authentication at the revocation endpoint.
    Revocation,
    /// Client authentication at the introspection endpoint.
    Introspection,
    /// Client authentication at the device authorization endpoint.
    DeviceAuthorization,
    /// Client authentication at the endpoint for pushed authorization requests (RFC 9126).
    PushedAuthorizationRequest,
    /// The initial access token of a client registration (RFC 7591 section 3).
    Registration,
    /// Client authentication by a direct call of
    /// [`TokenService::authenticate`](crate::TokenService::authenticate).
    Client,
    /// The credentials of a resource owner, or an assertion, that a [`GrantApprover`](super::GrantApprover) decides
    /// about.
    Approval,
    /// A user code (RFC 8628 section 5.1).
    UserCode,
    /// A check of the host's own, such as the password on its sign-in page. The library makes none of this kind.
    SignIn,
}

/// The decision about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an attempt is admitted or not")]
pub enum Admission {
    /// The credential is checked.
    Admitted,
    /// The credential is not checked.
    Refused {
        /// The time after which another attempt may be admitted. The client is told whole seconds, rounded up, at least
        /// one.
        retry_after: Duration,
    },
}

/// The outcome of an admitted attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a credential is right or wrong, or nobody knows")]
pub enum AttemptOutcome {
    /// The credential was right.
    Right,
    /// The credential was wrong, or belongs to nobody.
    Wrong,
    /// The credential could not be checked: an outage.
    Unknown,
}
