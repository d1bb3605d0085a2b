use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::http::HttpLibrary;

/// A demonstration authorization server: regrant at the paths of ForgeRock / Ping AM.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The configuration (TOML). Default: client myClient / forgerock, user demo / changeit.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Exports of ForgeRock / Ping AM in JSON: its OAuth 2 provider service and clients, in one or several files. The
    /// secrets of the clients are in the configuration, under `[am_secrets]`.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "config")]
    pub(crate) am_config: Vec<PathBuf>,
    /// The address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// The HTTP library.
    #[arg(long, value_name = "LIBRARY", value_enum, default_value = "axum")]
    pub(crate) http: HttpLibrary,
    /// Reads the configuration, reports the first fault, and ends: 0 without a fault, otherwise 1. Neither the store
    /// nor the address is opened.
    #[arg(long)]
    pub(crate) check: bool,
    /// The store of grants: memory, sqlite:PATH, postgres://..., mysql://..., redis://..., redis-sentinel://...,
    /// redis-cluster://host:port,host:port.
    #[arg(long, value_name = "STORE", default_value = "memory")]
    pub(crate) store: String,
    /// Opens the live page in the browser of the desktop.
    #[arg(long)]
    pub(crate) open: bool,
    /// For tests only: time stands still until /dev/clock moves it. Also enables /dev/purge, /dev/users,
    /// /dev/rotate-key, /dev/store and /dev/rollback, and with them every button of the live page.
    #[arg(long)]
    pub(crate) manual_clock: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prints new secret keys, as the configuration has them: a key that seals tokens, and a key that signs JWTs.
    Keygen {
        /// The algorithm of the key that signs: RS256, PS256, ES256, EdDSA or Ed25519.
        #[arg(long, value_name = "ALGORITHM", default_value = DEFAULT_ALGORITHM)]
        alg: String,
    },
}

/// Clients at large expect RS256 (OpenID Connect Core section 15.1). It needs the feature `aws-lc-rs`.
const DEFAULT_ALGORITHM: &str = if cfg!(feature = "aws-lc-rs") { "RS256" } else { "ES256" };
