//! Single-use marks.

use redis::Value;
use regrant::clock::Timestamp;
use regrant::store::{StoreError, Use, UseId};
use regrant::{Entropy as _, SystemEntropy};

use crate::grants::Failure;
use crate::record;
use crate::script::USE;
use crate::server::Call;
use crate::store::Inner;

/// First bytes of a mark; the last one is the version of the layout.
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
            // The mark stays. If it survives, the next use is refused, and this use was not accepted.
            Value::Int(1) if !reply.is_replicated => Err(StoreError::unavailable(Failure::NotReplicated)),
            Value::Int(1) => Ok(Use::First),
            // Already used, by another attempt. No need to wait for replication: losing this refusal in a failover is
            // harmless.
            Value::Int(0) => Ok(Use::Again),
            Value::Int(2) => Err(StoreError::corrupt(Unreadable)),
            _ => Err(StoreError::rejected(Failure::Unexpected)),
        }
    }
}

/// Draws a mark that is unique to this attempt: if it is sent again after a lost reply, the script recognises it.
fn draw() -> [u8; 12] {
    let mut mark = [0; 12];
    mark[..4].copy_from_slice(&MAGIC);
    SystemEntropy.fill(&mut mark[4..]);
    mark
}
