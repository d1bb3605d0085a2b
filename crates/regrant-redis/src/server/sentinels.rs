//! Sentinels: they decide which server is the primary.
//!
//! The module of the `redis` crate for sentinels is not used. It follows the first sentinel that answers. In a
//! partition that may be one which still names the former primary, and the former primary still calls itself one. Here
//! all sentinels are asked at once, and the highest epoch counts: a failover needs the votes of their majority, and
//! each one gets a higher epoch. That module also has timeouts of its own, which do not end with the call.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, ServerErrorKind, cmd, from_redis_value};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::connection::{client, connect, in_time};
use super::greeting::{Greeting, Mode, Role};

/// Time for which a primary counts without another question. Nothing else shows that it was replaced: for seconds after
/// a failover that an administrator asks for, and for as long as it is cut off from the sentinels, but not from this
/// process, a former primary still calls itself one and accepts writes.
const CONFIRMED_FOR: Duration = Duration::from_millis(250);

/// The sentinels of one primary.
pub(crate) struct Sentinels {
    sentinels: Vec<Arc<Sentinel>>,
    name: String,
    /// Credentials and TLS of the servers; the address is replaced.
    node: ConnectionInfo,
    root_certificate: Option<Vec<u8>>,
    known: Mutex<Known>,
}

struct Sentinel {
    client: Client,
    /// Kept from one question to the next.
    connection: tokio::sync::Mutex<Option<MultiplexedConnection>>,
}

/// Last answer that was followed, and time of the last question.
#[derive(Default)]
struct Known {
    primary: Option<Named>,
    asked_at: Option<Instant>,
}

/// A primary as a sentinel names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    host: String,
    port: u16,
    /// Number of the failover that made it the primary.
    epoch: u64,
}

/// Newest answer, and whether most sentinels have answered.
struct Answer {
    named: Named,
    is_of_majority: bool,
}

/// Primary of the open connections, in the view of the sentinels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Most sentinels have answered, and none names another one.
    Confirmed,
    /// Too few sentinels have answered, and none of them names another one.
    Unconfirmed,
    /// There is another primary.
    Replaced,
}

impl Sentinels {
    pub(crate) fn new(
        clients: Vec<Client>,
        name: String,
        node: ConnectionInfo,
        root_certificate: Option<Vec<u8>>,
    ) -> Self {
        let sentinel = |client| Arc::new(Sentinel { client, connection: tokio::sync::Mutex::default() });
        let sentinels = clients.into_iter().map(sentinel).collect();
        Self { sentinels, name, node, root_certificate, known: Mutex::default() }
    }

    /// True if the sentinels should be asked again about the primary of the open connections.
    pub(super) fn is_due(&self) -> bool {
        let known = self.known();
        known.primary.is_some() && known.asked_at.is_none_or(|asked_at| asked_at.elapsed() >= CONFIRMED_FOR)
    }

    /// Asks the sentinels about the primary of the open connections.
    pub(super) async fn standing(&self, limit: Duration) -> Standing {
        let Ok(answer) = self.ask(limit).await else { return Standing::Unconfirmed };
        let known = self.known();
        match &known.primary {
            Some(primary) if primary.is_older_than(&answer) => Standing::Replaced,
            Some(primary) if answer.is_of_majority && primary.is_at(&answer.named) => Standing::Confirmed,
            _ => Standing::Unconfirmed,
        }
    }

    /// Connects to the primary that the sentinels name. A sentinel may not know yet that this server was demoted, so
    /// the server is asked, too.
    pub(crate) async fn primary(&self, limit: Duration) -> Result<(Greeting, MultiplexedConnection), RedisError> {
        let answer = self.ask(limit).await?;
        let Named { host, port, .. } = &answer.named;
        if self.known().primary.as_ref().is_some_and(|last| last.epoch > answer.named.epoch && !answer.is_of_majority) {
            return Err((ErrorKind::Io, "the sentinels that answer know only a former primary").into());
        }
        let node = self.node.clone().set_addr(self.address(host, *port));
        let client = client(node, self.root_certificate.as_deref())?;
        let (greeting, connection) = connect(&client, limit).await.map_err(|error| match error.kind() {
            ErrorKind::Io => {
                let detail = format!("{host}:{port}: {error}");
                (ErrorKind::Io, "the primary that the sentinels name cannot be reached", detail).into()
            }
            _ => error,
        })?;
        if greeting.role == Role::Replica {
            let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
            return Err((kind, "the server that the sentinels name is a replica", format!("{host}:{port}")).into());
        }
        self.known().primary = Some(answer.named);
        Ok((greeting, connection))
    }

    /// Asks all sentinels and returns the newest answer as soon as most of them have answered, or all of them have
    /// answered or failed.
    async fn ask(&self, limit: Duration) -> Result<Answer, RedisError> {
        // Other calls go on meanwhile.
        self.known().asked_at = Some(Instant::now());
        let mut questions = JoinSet::new();
        for sentinel in &self.sentinels {
            let (sentinel, name) = (Arc::clone(sentinel), self.name.clone());
            questions.spawn(async move { in_time(timeout(limit, sentinel.primary(&name, limit)).await) });
        }
        let (mut answers, mut newest, mut failure) = (0, None::<Named>, None::<RedisError>);
        while let Some(reply) = questions.join_next().await {
            match reply.unwrap_or_else(|error| Err(io::Error::other(error).into())) {
                Ok(named) => {
                    answers += 1;
                    newest = Some(match newest {
                        Some(newest) if newest.epoch >= named.epoch => newest,
                        _ => named,
                    });
                }
                // A refusal says more than a silence.
                Err(error) if failure.as_ref().is_none_or(|failure| failure.kind() == ErrorKind::Io) => {
                    failure = Some(error);
                }
                Err(_) => {}
            }
            if 2 * answers > self.sentinels.len() {
                break;
            }
        }
        // The others keep their connections for the next question.
        questions.detach_all();
        match newest {
            Some(named) => Ok(Answer { named, is_of_majority: 2 * answers > self.sentinels.len() }),
            None => Err(failure.map_or_else(|| (ErrorKind::EmptySentinelList, "no sentinel is named").into(), spoken)),
        }
    }

    fn address(&self, host: &str, port: u16) -> ConnectionAddr {
        match self.node.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => {
                ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: *insecure, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sentinel {
    /// Asks for the primary of this name.
    async fn primary(&self, name: &str, limit: Duration) -> Result<Named, RedisError> {
        let question = cmd("SENTINEL").arg("MASTER").arg(name).take();
        let mut kept = self.connection.lock().await;
        // The kept connection may be dead: then a new one is opened.
        if let Some(mut connection) = kept.take()
            && let Ok(reply) = question.query_async(&mut connection).await
        {
            *kept = Some(connection);
            return Named::read(reply);
        }
        let (greeting, mut connection) = connect(&self.client, limit).await?;
        if greeting.mode != Mode::Sentinel {
            return Err((ErrorKind::EmptySentinelList, "the server is no sentinel").into());
        }
        let reply = question.query_async(&mut connection).await.map_err(|error: RedisError| match error.detail() {
            Some(detail) if detail.starts_with("No such master") => {
                (ErrorKind::MasterNameNotFoundBySentinel, "the sentinels know no primary of this name").into()
            }
            _ => error,
        })?;
        *kept = Some(connection);
        Named::read(reply)
    }
}

impl Named {
    fn read(reply: redis::Value) -> Result<Self, RedisError> {
        let mut fields: HashMap<String, String> = from_redis_value(reply)?;
        let number = |name: &str| fields.get(name).and_then(|number| number.parse::<u64>().ok());
        let (port, epoch) = (number("port").and_then(|port| port.try_into().ok()), number("config-epoch"));
        match (fields.remove("ip"), port, epoch) {
            (Some(host), Some(port), Some(epoch)) => Ok(Self { host, port, epoch }),
            _ => Err((ErrorKind::UnexpectedReturnType, "the sentinel names no address").into()),
        }
    }

    fn is_at(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }

    /// True if the answer names another primary and counts more. A lower epoch means that those sentinels do not know
    /// of a failover yet.
    fn is_older_than(&self, answer: &Answer) -> bool {
        let has_same_epoch = answer.named.epoch == self.epoch && answer.is_of_majority;
        !self.is_at(&answer.named) && (answer.named.epoch > self.epoch || has_same_epoch)
    }
}

/// Says of an error that a sentinel, not the primary, is its origin.
fn spoken(error: RedisError) -> RedisError {
    match error.kind() {
        ErrorKind::EmptySentinelList | ErrorKind::MasterNameNotFoundBySentinel => error,
        kind => (kind, "no sentinel names the primary", error.to_string()).into(),
    }
}
