use std::path::PathBuf;

use clap::Parser;

/// A demonstration authorization server: regrant behind the paths of ForgeRock / Ping AM.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// The configuration (TOML). Without one: client myClient / forgerock, user demo / changeit.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// Where grants are kept: memory, sqlite:PATH, postgres://..., redis://..., redis-cluster://host:port,host:port.
    #[arg(long, value_name = "STORE", default_value = "memory")]
    pub(crate) store: String,
    /// For tests only: time stands still until /dev/clock moves it; /dev/purge and /dev/users are served too.
    #[arg(long)]
    pub(crate) manual_clock: bool,
}
