//! The commands of an operator. Each reads the configuration of a server and opens its store, beside the running ones.
//!
//! The standard output has the result alone, so that scripts can read it. Progress, questions and errors are on the
//! standard error.

mod grants;
mod inspect;
mod purge;
mod revoke;

use std::error::Error;
use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use regrant::MemoryStore;
use regrant::clock::{Clock, SystemClock, Timestamp};
use regrant::event::EventSink;

use crate::app::App;
use crate::arguments::{Command, Configured, DEFAULT_ADDRESS, Place};
use crate::config::Environment;
use crate::server::Server;
use crate::{chain, keygen, setup, store};

/// The result of a command, as the status of the process. An error is 1, and a wrong command line is 2.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    Done,
    /// The token is none of this server.
    NoToken,
    /// The operator did not answer the question with yes.
    Declined,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::NoToken => Self::from(3),
            Outcome::Declined => Self::from(4),
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Outcome, Box<dyn Error>> {
    match command {
        Command::Inspect(arguments) => inspect::run(arguments).await,
        Command::Grants(arguments) => grants::run(arguments).await,
        Command::Revoke(arguments) => revoke::run(arguments).await,
        Command::Purge(place) => purge::run(&place).await,
        Command::Check { configured, .. } => check(&configured, DEFAULT_ADDRESS),
        Command::Keygen { alg } => {
            stdout().write_all(keygen::keys(&alg)?.as_bytes())?;
            Ok(Outcome::Done)
        }
    }
}

/// Builds everything that follows from the configuration, and drops it.
pub(crate) fn check(configured: &Configured, address: &str) -> Result<Outcome, Box<dyn Error>> {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(SystemClock));
    let environment = Environment { url: format!("http://{address}"), clock: clock.clone(), used: store.clone() };
    let server = Server::new(setup(configured, &environment)?, store, clock, None)?;
    App::new(server, None)?;
    writeln!(stdout(), "the configuration has no fault")?;
    Ok(Outcome::Done)
}

/// Builds the service of a server over its store. `events` are reported besides the log.
async fn open(place: &Place, events: Option<Arc<dyn EventSink>>) -> Result<Server, Box<dyn Error>> {
    let store = store::open_existing(&place.store).await.map_err(|error| format!("--store: {}", chain(&*error)))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = format!("http://{DEFAULT_ADDRESS}");
    let environment = Environment { url, clock: clock.clone(), used: store.clone() };
    Ok(Server::new(setup(&place.configured, &environment)?, store, clock, events)?)
}

/// Rounds down to a second: people compare these times with a log.
pub(crate) fn to_second(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_secs().saturating_mul(1000))
}

/// Returns an end in words.
fn end(at: Option<Timestamp>) -> String {
    at.map_or("never".to_owned(), |at| to_second(at).to_string())
}
