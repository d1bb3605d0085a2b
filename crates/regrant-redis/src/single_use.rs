//! Marks of what was used.

use redis::Value;
use regrant::clock::Timestamp;
use regrant::store::{StoreError, Use, UseId};
use regrant::{Entropy as _, SystemEntropy};

use crate::grants::Failure;
use crate::record;
use crate::script::USE;
use crate::server::Call;
use crate::store::Inner;

/// What a mark begins with; the last byte is the version of its layout.
const MAGIC: [u8; 4] = *b"rgu\x01";

#[derive(Debug, thiserror::Error)]
#[error("the value at the key of a mark is not a mark of this release")]
struct Unreadable;

impl Inner {
    pub(crate) async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let (name, mark, expiry) = (self.keys.used(id), draw(), record::expiry_at(expires_at).to_string());
        let (keys, arguments) = ([&*name], [&mark[..], expiry.as_bytes()]);
        let reply = self.server.execute(&Call::run(&USE, &keys, &arguments, self.wait())).await?;
        match reply.value {
            // It stays all the same: should it not be lost, whoever comes next is refused, and nobody was let in.
            Value::Int(1) if !reply.is_replicated => Err(StoreError::unavailable(Failure::NotReplicated)),
            Value::Int(1) => Ok(Use::First),
            // Another attempt's, also when this one was sent twice. Whether that one is replicated is not waited for: a
            // refusal that a failover undoes has let nobody in.
            Value::Int(0) => Ok(Use::Again),
            Value::Int(2) => Err(StoreError::corrupt(Unreadable)),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }
}

/// A mark that no other attempt writes: one that is sent again after a lost reply finds its own and knows it.
fn draw() -> [u8; 12] {
    let mut mark = [0; 12];
    mark[..4].copy_from_slice(&MAGIC);
    SystemEntropy.fill(&mut mark[4..]);
    mark
}
