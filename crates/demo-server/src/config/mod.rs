//! The configuration file.

mod am;
mod client;
mod error;
mod jose;
mod ring;
mod setup;

pub(crate) use error::ConfigError;
pub(crate) use jose::SigningKeys;
pub(crate) use ring::Ring;
pub(crate) use setup::{Environment, Setup};

use std::collections::BTreeMap;

use regrant::{ClientId, Policy, Resource, Subject};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use client::ClientEntry;

/// The contents of the file, explained in `demo.toml`. Spans locate errors that are found after parsing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    issuer: Option<Spanned<String>>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    provider: Option<Spanned<Policy>>,
    default_audience: Option<Resource>,
    #[serde(default)]
    jwt: JwtEntry,
    #[serde(default)]
    dpop: DpopEntry,
    certificate_header: Option<String>,
    cors: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    cors_headers: Vec<Spanned<String>>,
    #[serde(default)]
    scopes: BTreeMap<String, String>,
    #[serde(default)]
    trusted_issuers: Vec<IssuerEntry>,
    #[serde(default)]
    clients: Vec<ClientEntry>,
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    am_secrets: BTreeMap<ClientId, Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct JwtEntry {
    #[serde(default)]
    keys: Vec<Spanned<KeyEntry>>,
}

/// A signing key: its PEM, or a table.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a key in PEM, or a table with pem, alg and kid")]
enum KeyEntry {
    Pem(String),
    Table(KeyTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    pem: String,
    alg: Option<String>,
    kid: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DpopEntry {
    #[serde(default)]
    nonces: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    issuer: String,
    jwks: Spanned<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    username: Spanned<Subject>,
    password: Spanned<String>,
    #[serde(default)]
    disabled: bool,
    claims: Option<Spanned<Map<String, Value>>>,
}
