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
//! # How a decision is made and driven
//!
//! 1. The service opens the presented token with the key ring and loads the grant.
//! 2. [`check_owner`] returns an `Owned` token: the grant belongs to the client and issued the token.
//! 3. The service verifies the key proofs of the request, and [`choose_key`] picks the key that counts.
//! 4. [`admit()`] returns an [`Admitted`] token: the request proves the key of the token, and the grant is alive.
//! 5. A decision, such as [`refresh()`], changes its copy of the grant and returns a [`Decision`].
//! 6. The service signs the response, stores the grant if the decision commits, reports the events, and only then
//!    answers.
//!
//! A flow that creates a grant presents no token. [`authorize`], [`issue()`], [`exchange()`], [`authorize_device`] and
//! [`push()`] return the new grant together with its response, or a refusal.
//!
//! The order of checks is that of ARCHITECTURE.md. A check that could reveal whether a token exists comes after the
//! check of the owner, and no check before the generation can revoke a grant.
//!
//! # Why decisions are values
//!
//! * **Races.** Two calls may decide about one version of a grant. The store lets one of them win, and the other one
//!   decides again with the grant of the winner. So a decision depends on its inputs alone and leaves no trace outside
//!   of the grant: a counter or a cache would also count the attempt that was lost.
//! * **Dropped calls.** No decision awaits, so a call that is cancelled leaves no grant that is half changed.
//! * **Time.** One decision sees one time. If the clock were read twice, a token could pass one check and expire before
//!   the next one.
//! * **Tests.** A test passes a grant and a time, and compares response, record and events. It needs no store and never
//!   sleeps.

mod access;
mod admit;
mod device;
mod exchange;
mod inspect;
mod introspect;
mod issue;
mod push;
mod redeem;
mod refresh;
mod request;
mod response;
mod revoke;
#[cfg(test)]
mod tests;
mod user_info;
mod verified_keys;

pub(crate) use access::{AccessTokenForm, known_scope};
pub(crate) use admit::{Admitted, admit, check_owner, owned_by};
pub(crate) use device::{approve_device, authorize_device, decide_device, poll, redeem_device, undecided};
pub(crate) use exchange::exchange;
pub use inspect::{
    AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection, RefreshAnswer,
    RefreshRefusal, ReplayWindow,
};
pub(crate) use inspect::{describe, predict};
pub use introspect::ActiveToken;
pub(crate) use introspect::{FoundToken, introspect};
pub(crate) use issue::{authorize, issue};
pub use push::{PushRequest, PushedRequest, PushedRequestResponse};
pub(crate) use push::{arrive, check_push, pending, push, use_up};
pub(crate) use redeem::redeem;
pub(crate) use refresh::refresh;
pub use request::{
    AuthorizeRequest, DeviceAuthorizationRequest, ExchangeRequest, IssueRequest, PollRequest, RedeemRequest,
    RefreshRequest,
};
pub use response::{AuthorizationCodeResponse, DeviceAuthorizationResponse, TokenResponse};
pub(crate) use response::{ResponseFacts, UnsignedResponse};
pub(crate) use revoke::{revoke, revoke_grant, revoke_grant_of};
pub use user_info::{UserInfoRequest, UserInfoResponse};
pub(crate) use verified_keys::{VerifiedKeys, choose_key};

use smallvec::{SmallVec, smallvec};

use crate::client::Client;
use crate::outcome::{EventKind, Refusal};
use crate::policy::Policy;
use crate::token::TokenFormat;
use crate::vocabulary::{Confirmation, Entropy, KeyId, Resource, Timestamp};

/// The inputs of a decision besides the grant and the request. The service makes one for each decision, so that `now`
/// is the time of the decision and not that of the request.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The client of the request, already authenticated.
    pub(crate) client: &'a Client,
    /// The policy in force for this client and flow.
    pub(crate) policy: &'a Policy,
    /// The audience of requests that name no resource, for this client.
    pub(crate) default_audience: Option<&'a Resource>,
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
    ///
    /// Only the event differs: a token that lost a race was not lost on the way to the client.
    pub(crate) has_raced: bool,
}

/// A decision about a grant.
#[derive(Debug)]
#[must_use = "a decision has no effect until its grant is committed"]
pub(crate) struct Decision<T> {
    /// The response or the refusal. It may leave the service only after the commit.
    ///
    /// The loser of a race discards it. Otherwise two callers could hold different tokens of one generation.
    pub(crate) outcome: Result<T, Refusal>,
    /// True when the grant must be stored as the decision left it; otherwise it is discarded. Some refusals are stored
    /// too: reuse of a refresh token revokes the grant although the caller gets an error.
    ///
    /// A flag and not a comparison of the grants: `mint` and other steps change the grant before a later step refuses.
    pub(crate) commits: bool,
    /// The events to report after the commit.
    ///
    /// A decision that is repeated after a lost race returns its events again, so none is reported twice.
    pub(crate) events: Events,
}

/// The events of a decision. None has more than two, so the list is not allocated.
type Events = SmallVec<[EventKind; 2]>;

impl<T> Decision<T> {
    /// Refuses without a trace: the grant is discarded. The service reports the refusal itself, as the only event.
    fn refuse(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), commits: false, events: Events::new() }
    }

    /// Answers with a response that leaves after the grant is stored, together with one event.
    fn commit(response: T, event: EventKind) -> Self {
        Self { outcome: Ok(response), commits: true, events: smallvec![event] }
    }
}
