use std::error::Error;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Reason that a store could not be opened. Never contains a URL or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid, or the nodes of a cluster differ in password or TLS.
    #[error("not a URL of a Redis server or cluster: {0}")]
    Url(String),
    /// An option is invalid.
    #[error("the option `{name}` {why}")]
    #[expect(missing_docs, reason = "the message names them")]
    Option { name: &'static str, why: &'static str },
    /// No server answered.
    #[error("no server can be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The server refused the connection: the user or password is wrong.
    #[error("the server refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The user lacks rights that the store needs.
    #[error("the user lacks rights: ACL SETUSER ... {missing}")]
    MissingPermission {
        /// The missing rights in the syntax of `ACL SETUSER`. Without `+eval` or access to the keys, the commands of
        /// the scripts cannot be checked.
        missing: String,
    },
    /// The server lacks commands that the store needs.
    #[error("the server is too old: at least Redis 6.2 is needed")]
    TooOld,
    /// The server is a replica: it accepts no writes, and its reads may be old.
    #[error("the server is a replica: name the primary")]
    Replica,
    /// The server is a node of a cluster but was addressed as a single server.
    #[error("the server is a node of a cluster: use `redis-cluster://` or `RedisStore::cluster`")]
    ClusterNode,
    /// The server is not a node of a cluster but was addressed as one.
    #[error("the server is not a node of a cluster: use `redis://`")]
    NotACluster,
    /// The server is a sentinel, but was addressed as one that holds data.
    #[error("the server is a sentinel: use `redis-sentinel://`")]
    Sentinel,
    /// The server is no sentinel, but was addressed as one.
    #[error("the server is not a sentinel: use `redis://`")]
    NotASentinel,
    /// The sentinels know no primary of the name in the URL.
    #[error("the sentinels know no primary of this name")]
    UnknownPrimary,
    /// Under memory pressure the server would delete grants: users are logged out, and the evidence of token theft is
    /// lost.
    #[error("the server's maxmemory-policy is {0}: it must be noeviction")]
    Evicts(String),
    /// The server does not report its `maxmemory-policy`.
    #[error("the server does not report its maxmemory-policy: allow INFO, or use `assume_noeviction`")]
    PolicyUnknown,
}

impl OpenError {
    pub(crate) fn from_error(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Unreachable(error.into()),
            ErrorKind::RESP3NotSupported => Self::TooOld,
            ErrorKind::InvalidClientConfig => Self::Url(error.to_string()),
            ErrorKind::EmptySentinelList => Self::NotASentinel,
            ErrorKind::MasterNameNotFoundBySentinel => Self::UnknownPrimary,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Self::Replica,
            _ => Self::Refused(error.into()),
        }
    }
}
