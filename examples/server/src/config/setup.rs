use std::fs;
use std::path::Path;

use regrant::{ClientRegistry, Key, KeyRing, Policy, SystemEntropy};
use toml::Spanned;
use tracing::warn;

use super::error::{ConfigError, Fault};
use super::{ConfigFile, UserEntry};
use crate::users::Users;

const DEMO: &str = include_str!("../../demo.toml");

/// What the configuration amounts to.
pub(crate) struct Setup {
    pub(crate) issuer: Option<String>,
    pub(crate) keys: KeyRing,
    pub(crate) policy: Policy,
    pub(crate) clients: ClientRegistry,
    pub(crate) users: Users,
}

impl Setup {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => Err(ConfigError::unreadable(&file, &error)),
        }
    }

    pub(crate) fn built_in() -> Result<Self, ConfigError> {
        Self::parse("demo.toml (built in)", DEMO)
    }

    fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(Fault::from).and_then(Self::of).map_err(|fault| fault.in_file(file, text))
    }

    fn of(file: ConfigFile) -> Result<Self, Fault> {
        let issuer = file.issuer.map(issuer).transpose()?;
        let policy = match file.provider {
            Some(policy) => {
                policy.get_ref().validate().map_err(|error| Fault::at(&policy, "provider", error))?;
                policy.into_inner()
            }
            None => Policy::default(),
        };
        let register = |registry, client: super::ClientEntry| client.register(registry, &policy);
        let clients = file.clients.into_iter().try_fold(ClientRegistry::new(), register)?;
        Ok(Self { issuer, keys: keys(&file.keys)?, policy, clients, users: users(&file.users)? })
    }
}

/// The endpoints are right behind the host, so an issuer with a path would promise them elsewhere.
fn issuer(issuer: Spanned<String>) -> Result<String, Fault> {
    let url = issuer.get_ref();
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
        return Err(Fault::at(&issuer, "issuer", "must be http(s)://host[:port], with nothing behind it"));
    }
    Ok(issuer.into_inner())
}

fn keys(keys: &[Spanned<String>]) -> Result<KeyRing, Fault> {
    let Some((primary, former)) = keys.split_first() else {
        warn!("no keys configured: all tokens die with this process");
        return Ok(KeyRing::generate(&SystemEntropy));
    };
    let key =
        |text: &Spanned<String>| Key::from_base64url(text.get_ref()).map_err(|error| Fault::at(text, "keys", error));
    former.iter().try_fold(KeyRing::new(key(primary)?), |ring, text| {
        ring.with_former(key(text)?).map_err(|error| Fault::at(text, "keys", error))
    })
}

fn users(entries: &[UserEntry]) -> Result<Users, Fault> {
    let users = Users::default();
    for UserEntry { username, password, disabled } in entries {
        if password.get_ref().is_empty() {
            return Err(Fault::at(password, "users.password", "must not be empty"));
        }
        if !users.add(username.get_ref().clone(), password.get_ref(), *disabled) {
            return Err(Fault::at(username, "users.username", "there is a user of this name already"));
        }
    }
    Ok(users)
}
