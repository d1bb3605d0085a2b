//! A demonstration authorization server: regrant behind the paths of ForgeRock / Ping AM.
//!
//! ```text
//! cargo run --release -p demo-server
//! listening on http://127.0.0.1:8080
//! ```
//!
//! `docs/walk-through.md` shows requests with curl. `demo.toml`, beside this directory, is the default configuration
//! and an example of the format.
//!
//! Its sub-commands are for operators: they look into the store of a server, and revoke.
//!
//! The host parts are minimal: users, sessions, and pages for sign-in and consent. One limit slows down guessing of
//! passwords, client secrets and user codes.

mod answer;
mod app;
mod arguments;
mod authenticate;
mod authorize;
mod check;
mod commands;
mod config;
mod cookie;
mod csrf;
mod dev;
mod device;
mod html;
mod http;
mod inspection;
mod keygen;
mod live;
mod logout;
mod open;
mod pages;
mod password;
mod paths;
mod profile;
mod progress;
mod server;
mod session;
mod shutdown;
mod sign_in;
mod store;
mod users;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Stderr, Write as _, stderr, stdout};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use regrant::clock::{Clock, ManualClock, SystemClock};
use tokio::time::sleep;
use tracing::{Level, warn};

use app::App;
use arguments::{Arguments, Configured};
use commands::Outcome;
use config::{ConfigError, Environment, Setup};
use live::LiveStore;
use server::Server;
use shutdown::StopSignal;
use store::SharedStore;

/// The time that open requests get after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(5);

const PURGE_INTERVAL: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // An operator at a terminal has the bar; a log of a script or a unit has each event, such as a revocation.
    let is_quiet = arguments.command.is_some() && stderr().is_terminal();
    let level = if is_quiet { Level::WARN } else { Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_writer(log).init();
    match run(arguments).await {
        Ok(outcome) => outcome.into(),
        // `demo-server grants | head` has what it wants.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            progress::erase();
            eprintln!("demo-server: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The place of the log. A bar there makes room for the line.
fn log() -> Stderr {
    progress::erase();
    stderr()
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(arguments: Arguments) -> Result<Outcome, Box<dyn Error>> {
    match arguments.command {
        Some(command) => commands::run(command).await,
        None if arguments.check => commands::check(&arguments.configured, &arguments.listen),
        None => serve(&arguments).await.map(|()| Outcome::Done),
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let store = store::open(&arguments.store).await.map_err(|error| format!("--store: {}", chain(&*error)))?;
    let listener = TcpListener::bind(&arguments.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let address = listener.local_addr()?;
    let hand = arguments.manual_clock.then(|| ManualClock::starting_at(SystemClock.now()));
    let live_store = hand.is_some().then(|| LiveStore::new(store.clone()));
    let store: SharedStore = match &live_store {
        Some(live_store) => Arc::new(live_store.clone()),
        None => store,
    };
    let clock: Arc<dyn Clock> = match &hand {
        Some(hand) => Arc::new(hand.clone()),
        None => Arc::new(SystemClock),
    };
    let environment = Environment { url: format!("http://{address}"), clock: clock.clone(), used: store.clone() };
    let setup = setup(&arguments.configured, &environment)?;
    let server = Server::new(setup, store, clock, None)?.with_live_store(live_store);
    if hand.is_some() {
        warn!(
            "--manual-clock: TIME STANDS STILL; anybody may move it, and switch users and the store off. Only for tests."
        );
    } else {
        tokio::spawn(server.service.clone().purge_continuously(PURGE_INTERVAL, sleep));
    }
    let app = Arc::new(App::new(server, hand)?);

    // Both listen before the server reports that it is ready, so that an early signal is not lost.
    let (stop, mut stopped) = (StopSignal::new()?, StopSignal::new()?);
    writeln!(stdout(), "listening on http://{address}")?;
    stdout().flush()?;
    if arguments.open {
        open::open(&format!("http://{address}/"));
    }
    let out_of_patience = async {
        stopped.received().await;
        sleep(PATIENCE).await;
    };
    tokio::select! {
        result = arguments.http.serve(listener, app, stop) => result?,
        () = out_of_patience => warn!("stopped with requests still open"),
    }
    Ok(())
}

pub(crate) fn setup(configured: &Configured, environment: &Environment) -> Result<Setup, ConfigError> {
    match &configured.config {
        Some(path) => Setup::read(path, &configured.am_config, environment),
        None => Setup::built_in(environment),
    }
}

/// An error with its causes, without repetitions.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let news = error.to_string();
        if !text.ends_with(&news) {
            text = format!("{text}: {news}");
        }
        cause = error.source();
    }
    text
}

/// Returns a number with its noun, "1 grant" or "2 grants".
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    if number == N::from(1) { format!("{number} {noun}") } else { format!("{number} {noun}s") }
}
