//! Terms of the protocol, each a type. A value is checked when it is constructed and never again.
//!
//! Text types have two constructors: `new` for text from outside, which returns [`InvalidValue`] for malformed text,
//! and `from_static` for a literal in the code, which panics instead.
//!
//! Identifiers and secrets are different types. An identifier has `Display` and serde: it may appear in logs and
//! records. A secret has neither, and its `Debug` is redacted, so it cannot get into a log by accident.
//!
//! Identifiers are not normalized: text that differs is another value. Otherwise a check in this library and a
//! comparison in another system could disagree about the same text. There are three exceptions: a scope is a set, so
//! its tokens are sorted; a user code is typed by people, so case and spaces are ignored; and a requested resource is
//! compared in its normal form, but tokens have the registered spelling.
//!
//! Time and randomness belong here too, as the traits [`clock::Clock`] and [`Entropy`]. Both are arguments of a
//! decision, so a decision can be repeated with the same result.

mod authorization_details;
pub mod clock;
mod confirmation;
mod entropy;
mod forward;
mod grant_id;
mod grant_type;
mod ids;
mod issuer;
mod key_id;
mod parameters;
mod peer;
mod pkce;
mod presented_keys;
mod resource;
mod scope;
mod secret;
mod strict_json;
mod token_type;
mod uri;
mod user_code;

pub use authorization_details::AuthorizationDetails;
pub(crate) use clock::{Clock, SystemClock, Timestamp};
pub use confirmation::Confirmation;
pub(crate) use entropy::draw;
pub use entropy::{Entropy, SystemEntropy};
pub(crate) use forward::forward_to_arc;
pub use grant_id::GrantId;
pub use grant_type::{ExtensionUri, GrantType};
pub use ids::{ClientId, InvalidValue, Realm, RedirectUri, Registration, Subject};
pub(crate) use ids::{literal, text_type};
pub use issuer::Issuer;
pub use key_id::KeyId;
pub(crate) use parameters::Text;
pub use parameters::{MissingParameter, Parameters};
pub use peer::Peer;
pub use pkce::CodeChallenge;
pub use presented_keys::{ClientCertificate, DpopProof, PresentedKeys};
pub use resource::{Resource, Resources};
pub use scope::Scope;
pub(crate) use scope::sorted_subset;
pub use secret::{
    AccessToken, AuthorizationCode, ClientAssertion, ClientSecret, CodeVerifier, DeviceCode, IdToken, RefreshToken,
    RequestUri,
};
pub(crate) use secret::{Digest, SecretBytes};
pub use strict_json::json_object;
pub(crate) use strict_json::strict_json;
pub use token_type::TokenType;
pub(crate) use uri::{absolute_uri, normal_form};
pub use user_code::UserCode;
