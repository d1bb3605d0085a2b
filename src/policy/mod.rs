//! Settings of the provider and of clients: lifetimes, rotation, grace, reuse, sender constraints.
//!
//! A [`ClientPolicy`] overrides the provider's [`Policy`] field by field. The client's overrides for
//! one grant type take precedence over both.
//!
//! All settings can be read from a configuration file:
//!
//! ```
//! use std::time::Duration;
//! use regrant::policy::ClientPolicy;
//! use regrant::{GrantType, Policy};
//!
//! let provider: Policy = toml::from_str("access_token_lifetime = '10m'")?;
//! let client: ClientPolicy = toml::from_str(
//!     "grace_period = '30s'
//!      [grant_types.client_credentials]
//!      access_token_lifetime = '1m'",
//! )?;
//! let policy = provider.for_client(&client, &GrantType::ClientCredentials)?;
//! assert_eq!(policy.access_token_lifetime, Duration::from_secs(60));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
