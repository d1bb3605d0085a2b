//! Terms of the protocol: parsed once, trusted afterwards.

pub mod clock;
mod confirmation;
mod entropy;
mod grant_id;
mod grant_type;
mod ids;
mod key_id;
mod parameters;
mod pkce;
mod possession;
mod resource;
mod scope;
mod secret;
mod token_type;
mod user_code;

pub(crate) use clock::{Clock, SystemClock, Timestamp};
pub use confirmation::Confirmation;
pub(crate) use entropy::draw;
pub use entropy::{Entropy, SystemEntropy};
pub use grant_id::GrantId;
pub use grant_type::{ExtensionUri, GrantType};
pub use ids::{ClientId, InvalidValue, Realm, RedirectUri, Registration, Subject};
pub(crate) use ids::{absolute_uri, text_type};
pub use key_id::KeyId;
pub use parameters::{MissingParameter, Parameters};
pub use pkce::CodeChallenge;
pub use possession::{ClientCertificate, DpopProof, Possession};
pub use resource::{Resource, Resources};
pub use scope::Scope;
pub(crate) use scope::sorted_subset;
pub(crate) use secret::Digest;
pub use secret::{
    AccessToken, AuthorizationCode, ClientAssertion, ClientSecret, CodeVerifier, DeviceCode, IdToken, RefreshToken,
};
pub use token_type::TokenType;
pub use user_code::UserCode;
