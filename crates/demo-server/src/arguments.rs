use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use regrant::store::GrantOwner;
use regrant::{ClientId, GrantId, Subject};

use crate::http::HttpLibrary;

/// A demonstration authorization server: regrant at the paths of ForgeRock / Ping AM.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// The address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_ADDRESS)]
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
    /// /dev/rotate-ring, /dev/rotate-key, /dev/store and /dev/rollback, and with them every button of the live page.
    #[arg(long)]
    pub(crate) manual_clock: bool,
}

pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// The status of the process, for scripts. `commands::Outcome` and clap have these numbers.
const STATUS: &str = "Status: 0 done; 1 failed, with the reason on the standard error; 2 the command line is wrong; \
                      3 inspect: no token of this server; 4 revoke: the question was not answered with yes";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Explains a token, without using it: its grant, and the answer that a refresh would get now. Writes nothing.
    #[command(after_help = STATUS)]
    Inspect(Inspect),
    /// Lists the live grants of a subject or a client, one line each, as they are read.
    Grants(Grants),
    /// Revokes grants with all their tokens, after a question.
    #[command(after_help = STATUS)]
    Revoke(Revoke),
    /// Deletes the records of grants whose time is over, until none is left. The record of a revoked grant stays until
    /// then.
    Purge(Place),
    /// Reads the configuration and reports the first fault, as --check does. The store is not opened.
    Check {
        #[command(flatten)]
        configured: Configured,
        /// Accepted as by the other commands, and not opened.
        #[arg(long = "store", value_name = "STORE")]
        _store: Option<String>,
    },
    /// Prints new secret keys, as the configuration has them: a key that seals tokens, and a key that signs JWTs.
    Keygen {
        /// The algorithm of the key that signs: RS256, PS256, ES256, EdDSA or Ed25519.
        #[arg(long, value_name = "ALGORITHM", default_value = DEFAULT_ALGORITHM)]
        alg: String,
    },
}

#[derive(Args)]
pub(crate) struct Configured {
    /// The configuration (TOML). Default: client myClient / forgerock, user demo / changeit.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Exports of ForgeRock / Ping AM in JSON: its OAuth 2 provider service and clients, in one or several files. The
    /// secrets of the clients are in the configuration, under `[am_secrets]`.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "config")]
    pub(crate) am_config: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Place {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// The store that the servers use, as in their own --store. It must exist.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: String,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// The token: a refresh token, an access token or a code. Absent or `-`: the first line of the standard input,
    /// which is in no shell history and in no list of processes.
    pub(crate) token: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct Grants {
    #[command(flatten)]
    pub(crate) owner: Owner,
    /// Prints one JSON object for each grant, on a line of its own.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Owner {
    /// The resource owner whose grants are listed.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<Subject>,
    /// The client whose grants are listed.
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
}

impl Owner {
    /// Returns the one that was given; clap refuses none and both.
    pub(crate) fn into_owner(self) -> Option<GrantOwner> {
        self.subject.map(GrantOwner::Subject).or(self.client.map(GrantOwner::Client))
    }
}

#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Revokes without a question. Needed where no terminal can be asked.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The one grant, by the id that `inspect`, `grants` and the log show.
    // An id is base64url, so one of 64 begins with a hyphen.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) grant: Option<GrantId>,
    /// All grants of this resource owner.
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<Subject>,
    /// All grants of this client.
    #[arg(long, value_name = "CLIENT_ID")]
    pub(crate) client: Option<ClientId>,
}

/// Clients at large expect RS256 (OpenID Connect Core section 15.1). It needs the feature `aws-lc-rs`.
const DEFAULT_ALGORITHM: &str = if cfg!(feature = "aws-lc-rs") { "RS256" } else { "ES256" };
