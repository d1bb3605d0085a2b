use std::time::Duration;

/// When a write counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a write waits for replicas or it does not")]
pub enum Durability {
    /// When the primary has it. A failover may lose the writes of the last moments: a lost refresh heals itself when the
    /// client comes back with the newer token, a lost *revocation* lets a revoked grant live on, a lost *mark* lets what was
    /// used once be used once more while it is valid.
    #[default]
    Acknowledged,
    /// When `replicas` of the primary's replicas have it too (`WAIT`). A write that they do not confirm in time is
    /// [transient](regrant::store::StoreError::is_transient): it may hold or not, and the client may retry. Nothing is
    /// answered on the strength of a record that they have not confirmed.
    ///
    /// Name as many replicas as each primary has: of two, a failover may choose the one that was not waited for. With a
    /// single one, nothing can be written after a failover until the old primary is back as a replica.
    Replicated {
        /// How many replicas, 1 or more.
        replicas: usize,
        /// How long to wait for them, 1 ms or more and less than the deadline of a call.
        timeout: Duration,
    },
}
