use std::error::Error;

use redis::{ErrorKind, RedisError};

/// Why a store could not be opened. No URL and no password is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none, or the nodes of a cluster do not agree on password or TLS.
    #[error("not the URL of a Redis server or cluster: {0}")]
    Url(String),
    /// An option makes no sense.
    #[error("the option `{name}` {why}")]
    #[expect(missing_docs, reason = "the message names them")]
    Option { name: &'static str, why: &'static str },
    /// No server answered.
    #[error("no server can be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered and refused: user or password are wrong.
    #[error("the server refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The user lacks rights that the store needs.
    #[error("the user lacks rights: ACL SETUSER ... {missing}")]
    MissingPermission {
        /// Those that were found to be missing, in the words of `ACL SETUSER`. Without `+eval` or the keys, the
        /// commands of the scripts cannot be tried.
        missing: String,
    },
    /// The server does not have all commands that are needed.
    #[error("the server is too old: at least Redis 6.2 is needed")]
    TooOld,
    /// The server takes no writes, and its reads are late.
    #[error("the server is a replica: name the primary")]
    Replica,
    /// The server is a node of a cluster, and was addressed as a single one.
    #[error("the server is a node of a cluster: use `redis-cluster://` or `RedisStore::cluster`")]
    ClusterNode,
    /// The server is not a node of a cluster, and was addressed as one.
    #[error("the server is not a node of a cluster: use `redis://`")]
    NotACluster,
    /// The server is a sentinel: it knows where the primary is and holds no data.
    #[error("the server is a sentinel: name the primary")]
    Sentinel,
    /// Under memory pressure the server would delete grants: users are logged out, and evidence of theft is forgotten.
    #[error("the server's maxmemory-policy is {0}: it must be noeviction")]
    Evicts(String),
    /// The server does not tell its `maxmemory-policy`.
    #[error("the server does not tell its maxmemory-policy: allow INFO, or use `assume_noeviction`")]
    PolicyUnknown,
}

impl OpenError {
    pub(crate) fn from_error(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Unreachable(error.into()),
            ErrorKind::RESP3NotSupported => Self::TooOld,
            ErrorKind::InvalidClientConfig => Self::Url(error.to_string()),
            _ => Self::Refused(error.into()),
        }
    }
}
