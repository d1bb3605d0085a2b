//! `demo-server purge`: the deletion of all expired records.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::sync::Arc;

use regrant::clock::SystemClock;

use super::{Outcome, open};
use crate::arguments::Place;
use crate::progress::Progress;
use crate::{chain, counted};

pub(super) async fn run(place: &Place) -> Result<Outcome, Box<dyn Error>> {
    let server = open(place, None).await?;
    let progress = Progress::new("records deleted", Arc::new(SystemClock));
    let purged = server.purge_expired(|batch| progress.add(batch)).await;
    let deleted = counted(progress.done(), "record");
    drop(progress);
    // A purge that failed has deleted some, and the next one continues.
    purged.map_err(|error| format!("{deleted} deleted, and then: {}", chain(&error)))?;
    writeln!(stdout(), "{deleted} deleted")?;
    Ok(Outcome::Done)
}
