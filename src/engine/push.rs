//! Pushed authorization requests (RFC 9126): a client sends the parameters of an authorization request to the service,
//! and the reference to them, the `request_uri`, through the browser.
//!
//! ```text
//!   client                  service                                     authorization endpoint of the host
//!     | push --------------> record of the request, pushed
//!     |                      arrived: the user has time to decide <------ the browser brings the request_uri |
//!     |                      grant created, request used up <------------ the user approves |
//! ```
//!
//! The `request_uri` is sealed, so that an invented one costs no I/O. The record holds a digest of its secret, and the
//! parameters until a code was issued.
//!
//! # Why the arrival is recorded
//!
//! The `request_uri` expires within a minute, and a user needs longer to sign in. RFC 9126 section 4 allows a reload of
//! the page, so the request is used up by the approval and not by its first sight. Without a record of the arrival,
//! either an old `request_uri` would begin an authorization, or a user who takes his time would fail at the end.

use std::fmt;
use std::time::Duration;

use super::issue::issue_code;
use super::{AuthorizeRequest, Context, Decision, Events, owned_by};
use crate::client::Client;
use crate::grant::{Approval, Grant, PendingRequest, Phase, Progress};
use crate::outcome::Refusal;
use crate::ports::proof::ProofFault;
use crate::token::{Claims, Opened, TokenKind, TokenSecret};
use crate::vocabulary::{Confirmation, GrantId, GrantType, PresentedKeys, RequestUri, Timestamp, draw};

/// The maximum length of the parameters. They are kept in a record, and a public client needs no secret to push them.
const MAX_PARAMETERS: usize = 16 * 1024;

/// The time that a user has to sign in and to decide, from the arrival of the browser on.
const TIME_TO_DECIDE: Duration = Duration::from_secs(30 * 60);

/// A pushed authorization request (RFC 9126 section 2.1), of a client that has authenticated. See
/// [`TokenService::push_authorization_request`](crate::TokenService::push_authorization_request).
///
/// `Debug` shows no parameter: a `login_hint` is personal data.
#[derive(Clone)]
#[non_exhaustive]
pub struct PushRequest {
    /// The parameters of the authorization request, form-encoded: at most 16 KiB. The service keeps them unread, and
    /// hands them to the authorization endpoint. Leave out the credentials of the client: stores keep them in plain
    /// text.
    pub parameters: Vec<u8>,
    /// The authorization that the parameters ask for, as far as it is known before the user decides. Its approval needs
    /// no resource owner. The service refuses now what it would refuse then.
    pub asked: AuthorizeRequest,
    /// The key proofs of the request. A DPoP proof binds the code to its key, as `dpop_jkt` does (RFC 9449 section
    /// 10.1).
    pub presented_keys: PresentedKeys,
}

impl PushRequest {
    /// Returns a request without key proofs.
    #[must_use]
    pub fn new(parameters: impl Into<Vec<u8>>, asked: AuthorizeRequest) -> Self {
        Self { parameters: parameters.into(), asked, presented_keys: PresentedKeys::none() }
    }

    /// Sets the key proofs of the request.
    #[must_use]
    pub fn with_presented_keys(mut self, presented_keys: impl Into<PresentedKeys>) -> Self {
        self.presented_keys = presented_keys.into();
        self
    }
}

impl fmt::Debug for PushRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushRequest").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// The reference to a pushed authorization request (RFC 9126 section 2.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushedRequestResponse {
    /// The reference. It works for one authorization of this client.
    pub request_uri: RequestUri,
    /// The time in which the browser must bring the reference
    /// ([`pushed_request_lifetime`](crate::Policy::pushed_request_lifetime)), in whole seconds.
    pub expires_in: Duration,
    /// The id of the record of the request. For the host.
    pub grant_id: GrantId,
}

/// A pushed authorization request, as the authorization endpoint reads it. `Debug` shows no parameter.
#[derive(Clone)]
#[non_exhaustive]
pub struct PushedRequest {
    /// The parameters, form-encoded as they were pushed. Only these count: parameters beside the `request_uri` are
    /// ignored, except for `client_id` (RFC 9126 section 4).
    pub parameters: Vec<u8>,
    /// The key that the client proved or named. [`authorize`](crate::TokenService::authorize) binds the code to it.
    pub confirmation: Option<Confirmation>,
}

impl fmt::Debug for PushedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedRequest").field("confirmation", &self.confirmation).finish_non_exhaustive()
    }
}

/// Accepts an authorization request, and returns the record to store. The key of the context is the one that the
/// request proves.
///
/// # Errors
/// [`ProofFault::OtherKey`] when `dpop_jkt` names another key than the proof has (RFC 9449 section 10.1).
pub(crate) fn push(request: PushRequest, ctx: &Context<'_>) -> Result<(Grant, PushedRequestResponse), Refusal> {
    let confirmation = match (ctx.key, request.asked.confirmation) {
        (Some(proven), Some(named)) if proven != named => return Err(Refusal::ProofInvalid(ProofFault::OtherKey)),
        (proven, named) => proven.or(named),
    };
    let secret = TokenSecret::random(ctx.entropy);
    let phase = Phase::AwaitingAuthorization(Box::new(PendingRequest {
        digest: secret.digest(),
        confirmation,
        expires_at: ctx.now + ctx.policy.pushed_request_lifetime,
        progress: Progress::Pushed(request.parameters),
    }));
    let id = GrantId::from_bytes(draw(ctx.entropy));
    let (flow, approval) = (GrantType::AuthorizationCode, Approval::default());
    let grant = Grant::new(id, ctx.client, flow, approval, phase, ctx.policy, ctx.now);
    let claims = Claims { grant_id: &id, number: 0, secret: &secret, lineage: None };
    let request_uri = ctx.tokens.seal(TokenKind::RequestUri, ctx.tokens.ring().primary(), &claims);
    let expires_in = ctx.policy.pushed_request_lifetime;
    Ok((grant, PushedRequestResponse { request_uri: RequestUri::new(request_uri), expires_in, grant_id: id }))
}

/// Judges a request before its proof is verified, which uses up the proof.
///
/// # Errors
/// [`Refusal::PushedRequestTooLarge`], and the refusals of [`authorize`](super::authorize).
pub(crate) fn check_push(request: &PushRequest, ctx: &Context<'_>) -> Result<(), Refusal> {
    if request.parameters.len() > MAX_PARAMETERS {
        return Err(Refusal::PushedRequestTooLarge);
    }
    issue_code(request.asked.clone(), ctx).map(drop)
}

/// Returns the request that `presented` refers to, and the parameters of it.
///
/// # Errors
/// The first check that fails: [`Refusal::PushedRequestOfOtherClient`], [`Refusal::PushedRequestUnknown`],
/// [`Refusal::PushedRequestExpired`] or [`Refusal::PushedRequestUsed`]. All of them have one error code: a stranger who
/// found a `request_uri` learns nothing from it.
pub(crate) fn pending<'g>(
    record: &'g Grant,
    presented: &Opened,
    client: &Client,
    now: Timestamp,
) -> Result<(&'g PendingRequest, &'g [u8]), Refusal> {
    owned_by(client, record).map_err(|_| Refusal::PushedRequestOfOtherClient)?;
    let request = match record.phase() {
        Phase::AwaitingAuthorization(request) if request.digest == presented.secret.digest() => request,
        _ => return Err(Refusal::PushedRequestUnknown),
    };
    match &request.progress {
        _ if request.expires_at <= now => Err(Refusal::PushedRequestExpired),
        Progress::Pushed(parameters) | Progress::Arrived(parameters) => Ok((request, parameters)),
        Progress::Used => Err(Refusal::PushedRequestUsed),
    }
}

/// Returns the request to the authorization endpoint. The first time is recorded: from then on the user has time.
pub(crate) fn arrive(
    record: &mut Grant,
    presented: &Opened,
    client: &Client,
    now: Timestamp,
) -> Decision<PushedRequest> {
    let (request, parameters) = match pending(record, presented, client, now) {
        Ok(pending) => pending,
        Err(refusal) => return Decision::refuse(refusal),
    };
    let commits = matches!(request.progress, Progress::Pushed(_));
    let found = PushedRequest { parameters: parameters.to_vec(), confirmation: request.confirmation };
    record.arrive(now + TIME_TO_DECIDE);
    Decision { outcome: Ok(found), commits, events: Events::new() }
}

/// Uses up the request, once. Of two approvals one gets its code: the store lets one of them write, and the other one
/// decides again about a used request.
pub(crate) fn use_up(record: &mut Grant, presented: &Opened, client: &Client, now: Timestamp) -> Decision<()> {
    if let Err(refusal) = pending(record, presented, client, now) {
        return Decision::refuse(refusal);
    }
    record.use_up();
    // The code is reported with the grant that it belongs to.
    Decision { outcome: Ok(()), commits: true, events: Events::new() }
}
