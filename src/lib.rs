#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod approver;
mod authenticator;
mod client;
mod clock;
pub mod compat;
pub mod engine;
mod entropy;
mod error_code;
mod event;
mod gate;
mod grant;
mod grant_id;
mod grant_type;
mod jwt;
mod key_id;
mod malformed;
mod parameters;
mod pkce;
mod policy;
mod possession;
mod proof;
mod refusal;
mod resource;
mod scope;
mod secret;
mod service;
pub mod sink;
pub mod store;
mod timings;
mod token;
mod user_code;
mod vocabulary;
pub mod wire;

pub use approver::{ApproveError, ApproveRequest, GrantApprover};
pub use authenticator::{
    AssertionFault, AuthenticateError, AuthenticatedClient, CertificateFault, ClientAuthenticator, ClientCredentials,
    ClientRegistry, CredentialError, CredentialRefusal, RegistryError, SecretHash, VerifyCredentials, VerifySecret,
};
pub use client::{AuthenticationMethods, Client, ClientAuthenticationMethod, IntrospectionAccess};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use engine::{
    ActiveToken, AuthorizationCodeResponse, AuthorizeRequest, DeviceAuthorizationRequest, DeviceAuthorizationResponse,
    ExchangeRequest, IssueRequest, PollRequest, RedeemRequest, RefreshRequest, TokenResponse, TokenType,
};
pub use entropy::{Entropy, SystemEntropy};
pub use error_code::ErrorCode;
pub use event::{Event, EventKind, EventSink, Failure, Operation, OwnedEvent, OwnedFailure, Port, ReplayCause};
pub use gate::{EverySubject, SubjectGate};
pub use grant::{Actor, Approval, Confirmation, CorruptRecord, Grant, GrantSummary, RevocationReason};
pub use grant_id::GrantId;
pub use grant_type::{ExtensionUri, GrantType};
pub use jwt::{AccessTokenClaims, IdTokenClaims, JwtIssuer, SignError};
pub use key_id::KeyId;
pub use parameters::{MissingParameter, Parameters};
pub use pkce::CodeChallenge;
pub use policy::{
    AccessTokenFormat, ClientPolicy, GracePeriod, Lifetime, Limit, OnReuse, OnRollback, Policy, PolicyError,
    PreviousAccessToken, RequirePkce, SenderConstraint,
};
pub use possession::{ClientCertificate, DpopProof, Possession};
pub use proof::{ProofError, ProofFault, ProofVerifier};
pub use refusal::Refusal;
pub use resource::{Resource, Resources};
pub use scope::Scope;
pub use secret::{
    AccessToken, AuthorizationCode, ClientAssertion, ClientSecret, CodeVerifier, DeviceCode, IdToken, RefreshToken,
};
pub use service::{GrantPage, TokenError, TokenService, TokenServiceBuilder};
pub use store::{GrantOwner, MemoryStore};
pub use timings::{StoreCall, Timed, Timings};
pub use token::{Key, KeyRing, KeyRingError, Opened, TokenFormat, TokenKind, TokenPrefixes};
pub use user_code::UserCode;
pub use vocabulary::{ClientId, InvalidValue, Realm, RedirectUri, Registration, Subject};
