//! `demo-server revoke`: the end of one grant, or of all grants of a subject or client.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::sync::Arc;

use regrant::clock::SystemClock;
use regrant::event::{Event, EventKind, EventSink};
use regrant::store::GrantOwner;
use regrant::{ClientId, GrantId, Subject, TokenError};

use super::{Outcome, open};
use crate::arguments::{Revoke, Target};
use crate::progress::{self, Progress};
use crate::server::Server;
use crate::{chain, counted};

/// The records that one call of the store reads for the count.
const PAGE: usize = 1000;

pub(super) async fn run(arguments: Revoke) -> Result<Outcome, Box<dyn Error>> {
    let meant = Meant::of(arguments.target).ok_or("--grant, --subject or --client is needed")?;
    let has_terminal = stdin().is_terminal() && stderr().is_terminal();
    if !(arguments.yes || has_terminal) {
        return Err("there is no terminal to ask on: add --yes to revoke without a question".into());
    }
    let progress = Arc::new(Progress::new("grants revoked", Arc::new(SystemClock)));
    let server = open(&arguments.place, Some(Arc::new(Revocations(Arc::clone(&progress))))).await?;
    if !arguments.yes {
        let (question, total) = meant.question(&server).await?;
        if !is_answered_with_yes(&question)? {
            eprintln!("nothing was revoked");
            return Ok(Outcome::Declined);
        }
        progress.expect(total);
    }
    let result = meant.revoke(&server).await;
    progress::erase();
    let revoked = result.map_err(|error| {
        let revoked = counted(progress.done(), "grant");
        format!("{revoked} revoked; run the command again for the others: {}", chain(&error))
    })?;
    writeln!(stdout(), "{} revoked", counted(revoked, "grant"))?;
    Ok(Outcome::Done)
}

/// The grants to revoke.
enum Meant {
    Grant(GrantId),
    Subject(Subject),
    Client(ClientId),
}

impl Meant {
    /// Returns the one that was given; clap refuses none and two.
    fn of(target: Target) -> Option<Self> {
        let Target { grant, subject, client } = target;
        grant.map(Self::Grant).or(subject.map(Self::Subject)).or(client.map(Self::Client))
    }

    /// Returns the question to the operator, and the number of live grants.
    async fn question(&self, server: &Server) -> Result<(String, usize), TokenError> {
        let (owner, whose) = match self {
            Self::Grant(id) => {
                // A code or device that waits is no live grant, and is revoked all the same.
                return Ok(match server.service.grant(*id).await? {
                    Some(grant) => {
                        let subject = grant.approval.subject.map(|subject| format!(", subject {subject}"));
                        let (client, subject) = (grant.client_id, subject.unwrap_or_default());
                        (format!("Revoke the grant {id} of client {client}{subject}?"), 1)
                    }
                    None => (format!("Revoke the grant {id}, which is not live?"), 0),
                });
            }
            Self::Subject(subject) => (GrantOwner::Subject(subject.clone()), format!("subject {subject}")),
            Self::Client(client) => (GrantOwner::Client(client.clone()), format!("client {client}")),
        };
        let live = count(server, &owner).await?;
        Ok((format!("Revoke all grants of {whose} ({live} live)?"), live))
    }

    /// Calls the library, which also revokes the codes and devices that wait, and continues after a failure. Returns
    /// the number of grants that were alive.
    async fn revoke(&self, server: &Server) -> Result<usize, TokenError> {
        match self {
            Self::Grant(id) => server.service.revoke_grant(*id).await.map(usize::from),
            Self::Subject(subject) => server.service.revoke_subject(subject).await,
            Self::Client(client) => server.service.revoke_client(client).await,
        }
    }
}

async fn count(server: &Server, owner: &GrantOwner) -> Result<usize, TokenError> {
    let progress = Progress::new("grants counted", Arc::new(SystemClock));
    let mut after = None;
    loop {
        let page = server.service.grants(owner, after, PAGE).await?;
        progress.add(page.grants.len());
        after = page.next;
        if after.is_none() {
            return Ok(progress.done());
        }
    }
}

fn is_answered_with_yes(question: &str) -> Result<bool, Box<dyn Error>> {
    write!(stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(&*answer.trim().to_ascii_lowercase(), "y" | "yes"))
}

/// Counts each grant whose revocation was stored: the library returns no number before the last one.
struct Revocations(Arc<Progress>);

impl EventSink for Revocations {
    fn record(&self, event: &Event<'_>) {
        if matches!(event.kind, EventKind::GrantRevoked(_)) {
            self.0.add(1);
        }
    }
}
