//! Decisions as values. A grant, a request, a policy, the time and randomness go in; the answer, the grant to commit and
//! the events come out. Nothing here awaits, reads a clock or knows a store.

mod access;
mod admit;
mod confirmation;
mod device;
mod exchange;
mod introspect;
mod issue;
mod redeem;
mod refresh;
mod request;
mod response;
mod revoke;

pub(crate) use admit::{admit, owned_by, presented_by};
pub(crate) use confirmation::{Shown, confirmation};
pub(crate) use device::{approve_device, authorize_device, decide_device, poll, redeem_device, undecided};
pub(crate) use exchange::exchange;
pub use introspect::ActiveToken;
pub(crate) use introspect::introspect;
pub(crate) use issue::{authorize, issue};
pub(crate) use redeem::redeem;
pub(crate) use refresh::refresh;
pub use request::{
    AuthorizeRequest, DeviceAuthorizationRequest, ExchangeRequest, IssueRequest, PollRequest, RedeemRequest,
    RefreshRequest,
};
pub use response::{AuthorizationCodeResponse, DeviceAuthorizationResponse, TokenResponse};
pub(crate) use revoke::{revoke, revoke_grant};

use crate::client::Client;
use crate::outcome::{EventKind, Refusal};
use crate::policy::Policy;
use crate::token::TokenFormat;
use crate::vocabulary::{Confirmation, Entropy, KeyId, Timestamp};

/// What a decision may look at besides the grant and the request.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "built by whoever drives the engine")]
pub(crate) struct Context<'a> {
    /// Who asks, already authenticated.
    pub client: &'a Client,
    /// The policy in force for this client and flow.
    pub policy: &'a Policy,
    /// How tokens are sealed.
    pub tokens: &'a TokenFormat,
    /// Where fresh secrets are drawn.
    pub entropy: &'a dyn Entropy,
    /// The time of the decision.
    pub now: Timestamp,
    /// The key that the request shows, verified and chosen by [`confirmation()`].
    pub confirmation: Option<Confirmation>,
    /// The key to sign new access tokens with, if they are to be JWTs. What is signed the response then has yet to be.
    pub signing_key: Option<&'a KeyId>,
    /// Whether this request has already lost a race for this grant.
    pub has_raced: bool,
}

/// What was decided about a grant.
#[derive(Debug)]
#[must_use = "a decision has no effect until its grant is committed"]
#[expect(clippy::exhaustive_structs, reason = "taken apart by whoever drives the engine")]
pub(crate) struct Decision<T> {
    /// The answer. It may leave only after the commit.
    pub outcome: Result<T, Refusal>,
    /// Whether the grant must be stored as the decision left it; otherwise forget it. A refusal that writes (reuse) is stored too, though the caller gets an error.
    pub commits: bool,
    /// What to tell the host once that is done.
    pub events: Vec<EventKind>,
}

impl<T> Decision<T> {
    const fn refuse(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), commits: false, events: Vec::new() }
    }

    /// A refusal that is stored all the same.
    const fn commit_refusal(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), commits: true, events: Vec::new() }
    }

    fn commit(answer: T, event: EventKind) -> Self {
        Self { outcome: Ok(answer), commits: true, events: vec![event] }
    }
}
