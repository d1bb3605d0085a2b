//! A process that is killed while it uses a SQLite file has lost no acknowledged write.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse as _, Use, UseId};
use regrant::token::Realm;
use regrant_sqlite::SqliteStore;
use testbed::{LONG, Random, RetryingClient};

const KILLS: usize = 100;
const CLIENTS: usize = 8;

/// Environment variable for the process that is killed: file, time and seed.
const CHILD: &str = "REGRANT_KILLED_CHILD";

#[tokio::test]
async fn every_acknowledged_write_survives_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.db");
    let (mut random, mut now) = (Random::seeded(), SystemClock.now());
    let (mut held, mut revoked, mut acknowledged) = (Held::default(), Vec::new(), 0);
    let mut used = Vec::new();
    for kill in 0..KILLS {
        now = now + Duration::from_secs(10);
        let output = work_until_killed(&file, now, &mut random, &held);
        acknowledged += output.iter().filter(|line| line.is_acknowledgement()).count();
        let interrupted = update(&output, &mut held, &mut revoked);

        let store = open(&file);
        let used_now = output.iter().filter_map(Line::used);
        used.extend(used_now.clone().map(str::to_owned));
        for jti in used_now {
            assert_eq!(use_once(&store, jti, now).await, Use::Again, "kill {kill}: a use was lost");
        }
        let service_client = RetryingClient::new(store, now);
        for (client, token) in interrupted {
            service_client.revoke(&token).await;
            held.remove(&client);
            revoked.push(token);
        }
        for (client, token) in &mut held {
            // A client whose refresh was interrupted sends it again.
            let next = service_client.refresh(token).await;
            *token = next.unwrap_or_else(|refusal| panic!("kill {kill}: client {client} is logged out: {refusal}"));
            assert!(service_client.is_active(token).await, "kill {kill}: client {client} does not hold the head");
        }
        for token in &revoked {
            assert!(!service_client.is_active(token).await, "kill {kill}: a revocation was lost");
            assert!(service_client.refresh(token).await.is_err(), "kill {kill}: a revocation was lost");
        }
        assert_eq!(service_client.heals(), 0, "kill {kill}: a refresh was lost");
    }
    let store = open(&file);
    for jti in &used {
        assert_eq!(use_once(&store, jti, now).await, Use::Again, "a use was lost");
    }
    println!(
        "{KILLS} kills, {acknowledged} writes of grants acknowledged, {} of them revocations, and {} uses; none was lost",
        revoked.len(),
        used.len()
    );
    assert!(acknowledged > KILLS && !revoked.is_empty() && used.len() > KILLS);
}

/// Opens the file with a deadline that holds on a busy machine.
fn open(file: impl AsRef<Path>) -> SqliteStore {
    SqliteStore::builder().deadline(LONG).open(file).unwrap()
}

async fn use_once(store: &SqliteStore, jti: &str, now: Timestamp) -> Use {
    let id = UseId::new(&Realm::default(), "client_assertion", "app", jti);
    store.use_once(&id, now + Duration::from_secs(3600)).await.unwrap()
}

/// Refresh token of each client that has a session.
type Held = BTreeMap<usize, String>;

/// Output of the process before and after each write.
enum Line {
    Begun(usize, String),
    Refreshed(usize, String),
    Revoking(usize),
    Revoked(usize),
    Used(String),
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (what, client) = (words.next()?, words.next()?.parse().ok()?);
        Some(match what {
            "begun" => Self::Begun(client, words.next()?.to_owned()),
            "refreshed" => Self::Refreshed(client, words.next()?.to_owned()),
            "revoking" => Self::Revoking(client),
            "revoked" => Self::Revoked(client),
            "used" => Self::Used(words.next()?.to_owned()),
            _ => return None,
        })
    }

    /// True for a write of a grant.
    const fn is_acknowledgement(&self) -> bool {
        matches!(self, Self::Begun(..) | Self::Refreshed(..) | Self::Revoked(_))
    }

    fn used(&self) -> Option<&str> {
        match self {
            Self::Used(jti) => Some(jti),
            _ => None,
        }
    }
}

/// Starts the process and kills it after a random number of acknowledged writes.
fn work_until_killed(file: &Path, now: Timestamp, random: &mut Random, held: &Held) -> Vec<Line> {
    let seed = random.below(u64::MAX);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "kill_sqlite::child_that_works_until_it_is_killed"])
        .env(CHILD, format!("{} {} {seed}", file.display(), now.as_millis()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut sessions = child.stdin.take().unwrap();
    for (client, token) in held {
        writeln!(sessions, "begun {client} {token}").unwrap();
    }
    drop(sessions);

    let mut wanted = 1 + random.below(40);
    let mut output = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    while wanted > 0 {
        let line = lines.next().expect("the process died by itself");
        output.extend(Line::parse(&line));
        wanted -= u64::from(Line::parse(&line).is_some_and(|line| line.is_acknowledgement()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Writes acknowledged before the kill count, too, even if they were not read yet.
    output.extend(lines.filter_map(|line| Line::parse(&line)));
    output
}

/// Updates the sessions. Returns those whose revocation was requested and not acknowledged.
fn update(output: &[Line], held: &mut Held, revoked: &mut Vec<String>) -> Held {
    let mut requested = Held::new();
    for line in output {
        match line {
            Line::Begun(client, token) | Line::Refreshed(client, token) => {
                held.insert(*client, token.clone());
            }
            Line::Revoking(client) => {
                requested.insert(*client, held[client].clone());
            }
            Line::Revoked(client) => {
                requested.remove(client);
                revoked.extend(held.remove(client));
            }
            Line::Used(_) => {}
        }
    }
    requested
}

/// Not a test of its own: the process that the test above kills.
#[tokio::test]
async fn child_that_works_until_it_is_killed() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let [file, now, seed] = order.split(' ').collect::<Vec<_>>()[..] else { panic!("{order}") };
    let (store, now) = (open(file), Timestamp::from_millis(now.parse().unwrap()));
    let mut random = Random::new(seed.parse().unwrap());
    let mut sessions = String::new();
    std::io::stdin().read_to_string(&mut sessions).unwrap();
    let mut held: Held = sessions
        .lines()
        .map(|line| match Line::parse(line) {
            Some(Line::Begun(client, token)) => (client, token),
            _ => panic!("{line}"),
        })
        .collect();
    // The test harness has left a line unfinished.
    println!();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(work(client, held.remove(&client), RetryingClient::new(store.clone(), now), random.fork()));
        clients.spawn(use_ids(client, store.clone(), now, random.fork()));
    }
    clients.join_all().await;
}

/// Uses one new id after the other.
async fn use_ids(client: usize, store: SqliteStore, now: Timestamp, mut random: Random) {
    loop {
        let jti = random.below(u64::MAX).to_string();
        assert_eq!(use_once(&store, &jti, now).await, Use::First);
        println!("used {client} {jti}");
    }
}

/// One client: its writes and their acknowledgements.
async fn work(
    client: usize,
    mut held: Option<String>,
    service_client: RetryingClient<SqliteStore>,
    mut random: Random,
) {
    loop {
        held = match held {
            None => {
                let token = service_client.sign_in().await;
                println!("begun {client} {token}");
                Some(token)
            }
            Some(token) if random.below(12) == 0 => {
                println!("revoking {client}");
                service_client.revoke(&token).await;
                println!("revoked {client}");
                None
            }
            Some(token) => {
                let token = service_client.refresh(&token).await.unwrap();
                println!("refreshed {client} {token}");
                Some(token)
            }
        };
    }
}
