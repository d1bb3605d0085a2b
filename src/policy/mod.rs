//! Settings of the provider and of clients: lifetimes, rotation, grace, reuse, sender constraints.
//!
//! A policy has three levels. The more specific one takes precedence, field by field:
//!
//! | level | type | absent fields |
//! |---|---|---|
//! | provider | [`Policy`] | have the [default](crate::Policy::default) |
//! | client | [`ClientPolicy`], in [`Client::policy`](crate::Client::policy) | are those of the provider |
//! | flow of the client | [`ClientPolicy::grant_types`] | are those of the client |
//!
//! The flow is the grant type that created the grant. A refresh therefore has the policy of, for example,
//! `authorization_code`, and an entry for `refresh_token` is an error.
//!
//! The combined policy is validated, not each level alone, because a field of the client can contradict another field
//! of the provider. The service validates when it is built, and again for clients that are looked up at run time. A
//! client with a wrong policy is not served (event `policy_invalid`).
//!
//! A change applies to existing grants at their next request. A stricter policy shortens the lifetimes of a grant and
//! its refresh token at once. A more generous one extends nothing that was issued before.
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
//! assert_eq!(policy.grace_period, Duration::from_secs(30).into());
//! assert!(toml::from_str::<Policy>("access_token_life = '10m'").is_err()); // an unknown key
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choices;
mod error;
mod fields;
mod grace;
mod human;
mod presets;
pub(crate) mod settings;

pub use choices::{
    AccessTokenFormat, OnReuse, OnRollback, OnUnknownScope, PreviousAccessToken, RefreshTokenExpiration, RequirePkce,
    SenderConstraint,
};
pub use error::PolicyError;
pub use grace::GracePeriod;
pub use human::{Lifetime, Limit};
pub use settings::ClientPolicy;
pub(crate) use settings::{Policy, Ports};
