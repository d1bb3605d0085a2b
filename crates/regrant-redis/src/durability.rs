use std::time::Duration;

/// Condition under which a write counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a write waits for replicas or it does not")]
pub enum Durability {
    /// The primary has stored it. A failover may lose the last writes. A lost refresh heals when the client presents
    /// its newer token. A lost *revocation* leaves a revoked grant active. A lost *mark* allows a second use of a
    /// single-use id while it is valid.
    #[default]
    Acknowledged,
    /// At least `replicas` replicas of the primary have stored it, too (`WAIT`). If they do not confirm a write in
    /// time, the call fails as [transient](regrant::store::StoreError::is_transient): the write may be stored or not,
    /// and the client may retry. No answer is based on a record that they have not confirmed.
    ///
    /// Name as many replicas as each primary has: of two, a failover may choose the one that did not confirm. With a
    /// single replica, no write succeeds after a failover until the old primary is back as a replica.
    Replicated {
        /// Number of replicas, 1 or more.
        replicas: usize,
        /// Time to wait for them: 1 ms or more, and less than the deadline of a call.
        timeout: Duration,
    },
}
