//! Terms of the protocol, each a type. A value is checked when it is constructed and never again.
//!
//! Text types have two constructors: `new` for text from outside, which returns [`InvalidValue`] for malformed text,
//! and `from_static` for a literal in the code, which panics instead.

pub mod clock;
mod confirmation;
mod entropy;
mod forward;
mod grant_id;
mod grant_type;
mod ids;
mod key_id;
mod parameters;
mod pkce;
mod presented_keys;
mod resource;
mod scope;
mod secret;
mod token_type;
mod user_code;

pub(crate) use clock::{Clock, SystemClock, Timestamp};
pub use confirmation::Confirmation;
pub(crate) use entropy::draw;
pub use entropy::{Entropy, SystemEntropy};
pub(crate) use forward::forward_to_arc;
pub use grant_id::GrantId;
pub use grant_type::{ExtensionUri, GrantType};
pub use ids::{ClientId, InvalidValue, Realm, RedirectUri, Registration, Subject};
pub(crate) use ids::{absolute_uri, literal, text_type};
pub use key_id::KeyId;
pub(crate) use parameters::Pair;
pub use parameters::{MissingParameter, Parameters};
pub use pkce::CodeChallenge;
pub use presented_keys::{ClientCertificate, DpopProof, PresentedKeys};
pub use resource::{Resource, Resources};
pub use scope::Scope;
pub(crate) use scope::sorted_subset;
pub(crate) use secret::Digest;
pub use secret::{
    AccessToken, AuthorizationCode, ClientAssertion, ClientSecret, CodeVerifier, DeviceCode, IdToken, RefreshToken,
};
pub use token_type::TokenType;
pub use user_code::UserCode;
