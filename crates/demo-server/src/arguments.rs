use std::path::PathBuf;

use clap::Parser;

use crate::http::HttpLibrary;

/// A demonstration authorization server: regrant at the paths of ForgeRock / Ping AM.
#[derive(Parser)]
pub(crate) struct Arguments {
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
    /// The store of grants: memory, sqlite:PATH, postgres://..., redis://..., redis-cluster://host:port,host:port.
    #[arg(long, value_name = "STORE", default_value = "memory")]
    pub(crate) store: String,
    /// For tests only: time stands still until /dev/clock moves it. Also enables /dev/purge, /dev/users and
    /// /dev/rotate-key.
    #[arg(long)]
    pub(crate) manual_clock: bool,
}
