//! Settings. A client overrides the provider; its overrides for one grant type override both.

mod choices;
mod error;
mod fields;
mod grace;
mod human;
pub(crate) mod settings;

pub use choices::{AccessTokenFormat, OnReuse, OnRollback, PreviousAccessToken, RequirePkce, SenderConstraint};
pub use error::PolicyError;
pub use grace::GracePeriod;
pub use human::{Lifetime, Limit};
pub use settings::ClientPolicy;
pub(crate) use settings::Policy;
