#![doc = include_str!("lib.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod client;
mod engine;
pub mod grant;
mod outcome;
pub mod policy;
mod ports;
mod service;
pub mod token;
mod vocabulary;
pub mod wire;

pub use client::metadata::Client;
pub use engine::{
    ActiveToken, AuthorizationCodeResponse, AuthorizeRequest, ExchangeRequest, IssueRequest, RedeemRequest,
    RefreshRequest, TokenResponse,
};
pub use grant::approval::Approval;
pub use outcome::refusal::Refusal;
pub use policy::settings::Policy;
pub use ports::authenticator::credentials::{AuthenticatedClient, ClientCredentials};
pub use ports::authenticator::registry::ClientRegistry;
pub use ports::authenticator::secret_hash::SecretHash;
pub use ports::store::memory::MemoryStore;
pub use ports::{authenticator, host, jwt, proof, store};
pub use service::{GrantPage, TokenError, TokenService, TokenServiceBuilder};
pub use token::keys::{Key, KeyRing};
pub use vocabulary::{
    AccessToken, AuthorizationCode, AuthorizationDetails, ClientId, ClientSecret, CodeChallenge, CodeVerifier, Entropy,
    GrantId, GrantType, InvalidValue, Issuer, RedirectUri, RefreshToken, Resource, Resources, Scope, Subject,
    SystemEntropy, clock,
};

/// Events for audit logs and counters, durations of calls, error codes, and sinks for `tracing` and `metrics`.
///
/// The service emits an event for every change of a grant, every refusal and every failure. Add a sink with
/// [`TokenServiceBuilder::events`].
pub mod event {
    #[cfg(feature = "metrics")]
    pub use crate::outcome::MetricsSink;
    #[cfg(feature = "tracing")]
    pub use crate::outcome::TracingSink;
    pub use crate::outcome::{
        ErrorCode, Event, EventKind, EventSink, Failure, Operation, OwnedEvent, OwnedFailure, Port, ReplayCause,
        StoreCall, Timed, Timings,
    };
}

/// Pushed authorization requests (RFC 9126).
///
/// The client pushes a request with [`TokenService::push_authorization_request`]. The authorization endpoint reads it
/// with [`TokenService::pushed_request`], and uses it up with [`TokenService::authorize`].
pub mod authorization {
    pub use crate::engine::{PushRequest, PushedRequest, PushedRequestResponse};
    pub use crate::vocabulary::RequestUri;
}

/// Requests and responses of the device flow (RFC 8628), for devices without a browser.
///
/// The device calls [`TokenService::authorize_device`] and then [`TokenService::poll`]. The page where the user
/// enters the code calls [`TokenService::device`], and [`approve_device`](TokenService::approve_device) or
/// [`deny_device`](TokenService::deny_device).
pub mod device {
    pub use crate::engine::{DeviceAuthorizationRequest, DeviceAuthorizationResponse, PollRequest};
    pub use crate::vocabulary::{DeviceCode, UserCode};
}

/// Explanations of tokens and grants for operators.
///
/// [`TokenService::inspect`] and [`TokenService::inspect_grant`] return them.
pub mod inspection {
    pub use crate::engine::{
        AccessTokenInspection, FormerInspection, GrantInspection, GrantPhase, HeadInspection, Inspection,
        RefreshAnswer, RefreshRefusal, ReplayWindow,
    };
}

/// Userinfo (OpenID Connect Core section 5.3) and logout (OpenID Connect RP-Initiated Logout 1.0), for hosts that serve
/// these endpoints themselves.
///
/// [`Endpoints`](wire::Endpoints) serve both. A host with endpoints of its own calls [`TokenService::user_info`] and
/// [`TokenService::revoke_session`].
pub mod openid {
    pub use crate::engine::{UserInfoRequest, UserInfoResponse};
}

/// The example of the README compiles as it is pasted from the page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The example of the manual compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/manual/choose-your-policy.md")]
struct Manual;
