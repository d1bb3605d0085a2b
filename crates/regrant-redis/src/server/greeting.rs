//! Greeting of a server. `HELLO` needs no permission.

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Value, cmd};

/// Kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Standalone,
    Cluster,
    Sentinel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    Replica,
}

pub(crate) struct Greeting {
    pub(crate) mode: Mode,
    pub(crate) role: Role,
    /// Major and minor version.
    pub(crate) version: (u32, u32),
}

pub(crate) async fn greet(connection: &mut MultiplexedConnection) -> Result<Greeting, RedisError> {
    let Value::Map(fields) = cmd("HELLO").arg("3").query_async(connection).await? else {
        return Ok(Greeting { mode: Mode::Standalone, role: Role::Primary, version: (0, 0) });
    };
    let field = |name: &str| {
        let value = fields.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value);
        value.and_then(text).unwrap_or_default()
    };
    Ok(Greeting {
        mode: match field("mode") {
            "cluster" => Mode::Cluster,
            "sentinel" => Mode::Sentinel,
            _ => Mode::Standalone,
        },
        role: if matches!(field("role"), "replica" | "slave") { Role::Replica } else { Role::Primary },
        version: version(field("version")),
    })
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Text of a reply, if it is text.
pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}
