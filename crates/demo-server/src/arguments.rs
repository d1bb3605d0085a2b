use std::path::PathBuf;

use clap::Parser;

use crate::http::HttpLibrary;

/// A demonstration authorization server: regrant behind the paths of ForgeRock / Ping AM.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// The configuration (TOML). Without one: client myClient / forgerock, user demo / changeit.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What ForgeRock / Ping AM exported as JSON: its OAuth 2 provider service and clients, in one file or several.
    /// The secrets of the clients are in the configuration, under `[am_secrets]`.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "config")]
    pub(crate) am_config: Vec<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// What carries HTTP.
    #[arg(long, value_name = "LIBRARY", value_enum, default_value = "axum")]
    pub(crate) http: HttpLibrary,
    /// Where grants are kept: memory, sqlite:PATH, postgres://..., redis://..., redis-cluster://host:port,host:port.
    #[arg(long, value_name = "STORE", default_value = "memory")]
    pub(crate) store: String,
    /// For tests only: time stands still until /dev/clock moves it; /dev/purge, /dev/users and /dev/rotate-key are served too.
    #[arg(long)]
    pub(crate) manual_clock: bool,
}
