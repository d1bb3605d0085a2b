//! Decisions as values. A grant, a request, a policy, the time and randomness go in. The response, the grant to commit
//! and the events come out. No function here awaits, reads a clock or calls a store.
//!
//! ```text
//!   grant ---+                        +--> outcome: response or refusal
//!   request -+--> check_owner, admit, |
//!   Context -+    refresh ...       --+--> commits: store the grant, or discard it
//!                                     |
//!                                     +--> events to report after the commit
//! ```
//!
//! The service repeats a decision with the grant that won a race, so a decision must depend on its inputs alone.
//!
//! The order of checks is that of ARCHITECTURE.md. A check that could reveal whether a token exists comes after the
//! check of the owner, and no check before the generation can revoke a grant.

mod access;
mod admit;
mod device;
mod exchange;
mod introspect;
mod issue;
mod redeem;
mod refresh;
mod request;
mod response;
mod revoke;
#[cfg(test)]
mod tests;
mod verified_keys;

pub(crate) use access::AccessTokenForm;
pub(crate) use admit::{Admitted, admit, check_owner, owned_by};
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
pub(crate) use response::UnsignedResponse;
pub use response::{AuthorizationCodeResponse, DeviceAuthorizationResponse, TokenResponse};
pub(crate) use revoke::{revoke, revoke_grant};
pub(crate) use verified_keys::{VerifiedKeys, choose_key};

use crate::client::Client;
use crate::outcome::{EventKind, Refusal};
use crate::policy::Policy;
use crate::token::TokenFormat;
use crate::vocabulary::{Confirmation, Entropy, KeyId, Timestamp};

/// The inputs of a decision besides the grant and the request. The service makes one for each decision, so that `now`
/// is the time of the decision and not that of the request.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The client of the request, already authenticated.
    pub(crate) client: &'a Client,
    /// The policy in force for this client and flow.
    pub(crate) policy: &'a Policy,
    /// The format in which tokens are sealed.
    pub(crate) tokens: &'a TokenFormat,
    /// The source of fresh secrets.
    pub(crate) entropy: &'a dyn Entropy,
    /// The time of the decision.
    pub(crate) now: Timestamp,
    /// The key that the request proves, as [`choose_key`] chose it.
    pub(crate) key: Option<Confirmation>,
    /// The key that signs new access tokens; `None` when they are opaque.
    pub(crate) signing_key: Option<&'a KeyId>,
    /// True when this request has already lost a race for this grant.
    pub(crate) has_raced: bool,
}

/// A decision about a grant.
#[derive(Debug)]
#[must_use = "a decision has no effect until its grant is committed"]
pub(crate) struct Decision<T> {
    /// The response or the refusal. It may leave the service only after the commit.
    pub(crate) outcome: Result<T, Refusal>,
    /// True when the grant must be stored as the decision left it; otherwise it is discarded. Some refusals are stored
    /// too: reuse of a refresh token revokes the grant although the caller gets an error.
    pub(crate) commits: bool,
    /// The events to report after the commit.
    pub(crate) events: Vec<EventKind>,
}

impl<T> Decision<T> {
    const fn refuse(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), commits: false, events: Vec::new() }
    }

    fn commit(response: T, event: EventKind) -> Self {
        Self { outcome: Ok(response), commits: true, events: vec![event] }
    }
}
