//! Defects of the model, off by default. Each is found by a property, or the properties prove nothing.
//!
//! Most of them were defects of real servers, or of an earlier regrant.

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A replay opens its window anew: a thief keeps a spent token alive.
    SlidingWindow,
    /// The window of every former head counts from the last rotation.
    MergedClocks,
    /// A replay binds the grant to the key that it shows.
    ReplayBinds,
    /// The key of the grant is required of tokens that are older than the binding: the thief's key protects the thief.
    BindingCoversAncestors,
    /// An unbound former token is answered with a bound head.
    AncestorsStayAnswered,
    /// The root is not compared: a ring key alone makes a token ahead of the record.
    AnyRoot,
    /// Healing forgets the key of the token.
    HealUnbinds,
    /// A token that the record has forgotten is refused, and nothing else happens.
    ForgottenIsRefused,
    /// A reused token is refused, and nothing else happens.
    ReuseIsRefused,
    /// The generation is checked before the owner: a foreign client ends the session.
    ReuseBeforeOwner,
    /// The check of life is missing.
    RevokedIsRefreshed,
    /// A retry gets a successor of its own: both successors are current.
    RetryRotates,
    /// A bound token without its key counts as reuse: a thief ends the session.
    ProofIsReuse,
    /// A rotation in the future is over: a node that is behind takes a retry for theft.
    FutureIsSpent,
    /// A wrong verifier uses the code up.
    CodeIsBurnt,
    /// The second use of a code is refused, and nothing else happens.
    SecondUseIsRefused,
    /// The loser of a race is treated as a thief.
    LoserIsThief,
    /// The loser of a race answers its own successor.
    LoserAnswers,
    /// The answer leaves although the write failed, or before its outcome is known.
    AnswerBeforeSwap,
    /// After a conflict the call does not look whether the record is its own write.
    OwnConflictUnread,
    /// The store ignores the version.
    UnconditionalWrite,
    /// A write of unknown outcome is answered `invalid_grant`.
    OutageIsRefusal,
    /// A log-out that loses its race is answered, and forgotten.
    LogOutLost,
}

impl Fault {
    /// Every defect.
    pub const ALL: [Self; 23] = [
        Self::SlidingWindow,
        Self::MergedClocks,
        Self::ReplayBinds,
        Self::BindingCoversAncestors,
        Self::AncestorsStayAnswered,
        Self::AnyRoot,
        Self::HealUnbinds,
        Self::ForgottenIsRefused,
        Self::ReuseIsRefused,
        Self::ReuseBeforeOwner,
        Self::RevokedIsRefreshed,
        Self::RetryRotates,
        Self::ProofIsReuse,
        Self::FutureIsSpent,
        Self::CodeIsBurnt,
        Self::SecondUseIsRefused,
        Self::LoserIsThief,
        Self::LoserAnswers,
        Self::AnswerBeforeSwap,
        Self::OwnConflictUnread,
        Self::UnconditionalWrite,
        Self::OutageIsRefusal,
        Self::LogOutLost,
    ];

    /// Returns true for a defect of the decision, and false for one of the loop or the store.
    #[must_use]
    pub const fn is_in_the_rules(self) -> bool {
        !matches!(
            self,
            Self::LoserIsThief
                | Self::LoserAnswers
                | Self::AnswerBeforeSwap
                | Self::OwnConflictUnread
                | Self::UnconditionalWrite
                | Self::OutageIsRefusal
                | Self::LogOutLost
        )
    }
}
