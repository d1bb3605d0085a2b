//! A node in a process of its own, to kill at any time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use regrant::Refusal;
use regrant::clock::Timestamp;
use regrant_sqlite::SqliteStore;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::node::{Node, Reply, Request, ServiceNode};
use crate::specification::Windows;

/// The first argument of the process.
pub const SERVE: &str = "--serve";

/// The refusals that a node of these tests can answer with.
const REFUSALS: [Refusal; 7] = [
    Refusal::GrantUnknown,
    Refusal::RootMismatch,
    Refusal::GrantRevoked,
    Refusal::CodeReused,
    Refusal::CodeSpent,
    Refusal::RefreshTokenReused,
    Refusal::RefreshTokenForked,
];

/// A node in another process, on a file of SQLite.
#[derive(Debug)]
pub struct ProcessNode {
    program: PathBuf,
    arguments: [String; 3],
    running: AsyncMutex<Running>,
    pending: Arc<Pending>,
}

#[derive(Debug)]
struct Running {
    process: Child,
    requests: mpsc::UnboundedSender<String>,
    sent: u64,
}

/// The calls that wait for an answer, by the number of the request.
type Pending = Mutex<HashMap<u64, oneshot::Sender<Reply>>>;

impl ProcessNode {
    /// Starts a process of `program` that serves this file, with [`serve`].
    #[must_use]
    pub fn start(program: &Path, file: &Path, now: Timestamp, windows: Windows) -> Self {
        let windows = if windows == Windows::Open { "open" } else { "closed" };
        let arguments = [file.display().to_string(), now.as_millis().to_string(), windows.to_owned()];
        let pending = Arc::<Pending>::default();
        let running = AsyncMutex::new(Running::start(program, &arguments, &pending, 0));
        Self { program: program.to_owned(), arguments, running, pending }
    }

    /// Kills the process (SIGKILL) and starts another one. Calls that wait get no answer.
    pub async fn kill_and_restart(&self) {
        let mut running = self.running.lock().await;
        running.process.kill().await.expect("a process");
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *running = Running::start(&self.program, &self.arguments, &self.pending, running.sent);
    }
}

impl Running {
    fn start(program: &Path, arguments: &[String], pending: &Arc<Pending>, sent: u64) -> Self {
        let mut process = Command::new(program)
            .arg(SERVE)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program of this crate");
        let mut input = process.stdin.take().expect("is piped");
        let (requests, mut lines) = mpsc::unbounded_channel::<String>();
        // A caller that hangs up must not leave a part of a line.
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if input.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let mut replies = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let pending = Arc::clone(pending);
        tokio::spawn(async move {
            while let Ok(Some(line)) = replies.next_line().await {
                let Some((number, reply)) = parse_reply(&line) else { continue };
                let waiting = pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
                if let Some(waiting) = waiting {
                    drop(waiting.send(reply));
                }
            }
        });
        Self { process, requests, sent }
    }
}

#[async_trait]
impl Node for ProcessNode {
    async fn answer(&self, request: &Request) -> Reply {
        let reply = {
            let mut running = self.running.lock().await;
            running.sent += 1;
            let (answer, reply) = oneshot::channel();
            self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(running.sent, answer);
            let line = format!("{} {}\n", running.sent, print_request(request));
            drop(running.requests.send(line));
            reply
        };
        reply.await.unwrap_or(Reply::Failed)
    }

    fn heals(&self) -> usize {
        0
    }
}

/// Serves requests from the standard input until it ends.
///
/// # Panics
/// If an argument is missing or wrong.
pub async fn serve(arguments: &[String]) {
    let [file, now, windows] = arguments else { panic!("{arguments:?}") };
    let windows = if windows == "open" { Windows::Open } else { Windows::Closed };
    let now = Timestamp::from_millis(now.parse().expect("a time"));
    let store = SqliteStore::open(file).expect("a file of SQLite");
    let node = Arc::new(ServiceNode::new(store, now, windows));
    let output = Arc::new(AsyncMutex::new(tokio::io::stdout()));
    let mut requests = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = requests.next_line().await {
        let (node, output) = (Arc::clone(&node), Arc::clone(&output));
        tokio::spawn(async move {
            let (number, request) = parse_request(&line).expect("a request");
            let line = format!("{number} {}\n", print_reply(&node.answer(&request).await));
            let mut output = output.lock().await;
            output.write_all(line.as_bytes()).await.expect("the caller reads");
            output.flush().await.expect("the caller reads");
        });
    }
}

fn print_request(request: &Request) -> String {
    match request {
        Request::Authorize => "authorize".to_owned(),
        Request::Redeem(code) => format!("redeem {code}"),
        Request::Refresh(token) => format!("refresh {token}"),
        Request::Revoke(token) => format!("revoke {token}"),
        Request::Introspect(token) => format!("introspect {token}"),
        Request::Purge => "purge".to_owned(),
    }
}

fn parse_request(line: &str) -> Option<(u64, Request)> {
    let mut words = line.split(' ').map(str::to_owned);
    let (number, name) = (words.next()?.parse().ok()?, words.next()?);
    let request = match &*name {
        "authorize" => Request::Authorize,
        "redeem" => Request::Redeem(words.next()?),
        "refresh" => Request::Refresh(words.next()?),
        "revoke" => Request::Revoke(words.next()?),
        "introspect" => Request::Introspect(words.next()?),
        _ => Request::Purge,
    };
    Some((number, request))
}

fn print_reply(reply: &Reply) -> String {
    match reply {
        Reply::Code(code) => format!("code {code}"),
        Reply::Tokens(refresh, access) => format!("tokens {refresh} {access}"),
        Reply::Active(is_active) => format!("active {is_active}"),
        Reply::Done => "done".to_owned(),
        Reply::Refused(refusal) => format!("refused {refusal:?}"),
        Reply::Failed => "failed".to_owned(),
        Reply::Broken(error) => format!("broken {error}").replace('\n', " "),
    }
}

fn parse_reply(line: &str) -> Option<(u64, Reply)> {
    let mut words = line.split(' ');
    let (number, name) = (words.next()?.parse().ok()?, words.next()?);
    let reply = match name {
        "code" => Reply::Code(words.next()?.to_owned()),
        "tokens" => Reply::Tokens(words.next()?.to_owned(), words.next()?.to_owned()),
        "active" => Reply::Active(words.next()? == "true"),
        "done" => Reply::Done,
        "failed" => Reply::Failed,
        "refused" => {
            let word = words.next()?;
            let refusal = REFUSALS.into_iter().find(|refusal| format!("{refusal:?}") == word);
            refusal.map_or_else(|| Reply::Broken(line.to_owned()), Reply::Refused)
        }
        _ => Reply::Broken(line.to_owned()),
    };
    Some((number, reply))
}
