//! The configuration file.

mod client;
mod error;
mod setup;

pub(crate) use setup::Setup;

use regrant::{Policy, Subject};
use serde::Deserialize;
use toml::Spanned;

use client::ClientEntry;

/// What the file may say; `demo.toml` explains it. Spans tell in which line something is wrong that only shows later.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    issuer: Option<Spanned<String>>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    provider: Option<Spanned<Policy>>,
    #[serde(default)]
    clients: Vec<ClientEntry>,
    #[serde(default)]
    users: Vec<UserEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    username: Spanned<Subject>,
    password: Spanned<String>,
    #[serde(default)]
    disabled: bool,
}
