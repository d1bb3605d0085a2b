//! Histories: the calls about one grant, with the times of their requests and answers.

use std::fmt;

use regrant::Refusal;

/// The time of an answer that never came: the call may take effect at any later time, or never.
pub const NEVER: u64 = u64::MAX;

/// A refresh token, as the holder of the ring's key reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "tests build histories")]
pub struct Refresh {
    /// The first bytes of the root: all refresh tokens of one redemption have the same.
    pub root: u32,
    /// The generation.
    pub generation: u32,
    /// The first bytes of the secret.
    pub mark: u32,
}

/// An access token, by the first bytes of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "tests build histories")]
pub struct Access(pub u32);

/// A call about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification matches every call")]
pub enum Call {
    /// Issues the code.
    Authorize,
    /// Redeems the code.
    Redeem,
    /// Refreshes with this token.
    Refresh(Refresh),
    /// Revokes the grant by this token.
    Revoke(Refresh),
    /// Revokes this access token.
    RevokeAccess(Access),
    /// Introspects this refresh token.
    Introspect(Refresh),
    /// Introspects this access token.
    IntrospectAccess(Access),
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification matches every answer")]
pub enum Answer {
    /// Acknowledged: a code was issued, or nothing is left to revoke.
    Done,
    /// New tokens, or the current ones again.
    Tokens(Refresh, Access),
    /// The result of an introspection.
    Active(bool),
    /// Refused for good.
    Refused(Refusal),
}

/// A call with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests build histories")]
pub struct Operation {
    /// The call.
    pub call: Call,
    /// The answer; `None` if there was none.
    pub answer: Option<Answer>,
    /// The time of the request.
    pub invoked: u64,
    /// The time of the answer, or [`NEVER`].
    pub returned: u64,
}

/// A failover that may lose acknowledged writes. All times are those of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests build histories")]
pub struct Failover {
    /// The time from which writes may be lost: the replica that takes over has everything from before.
    pub lags_from: u64,
    /// The time from which the replica may have taken over.
    pub begins: u64,
    /// The time at which the replica has taken over.
    pub ends: u64,
}

/// The calls about one grant, and the failovers of the server that keeps the grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests build histories")]
pub struct History {
    /// The calls, in any order.
    pub operations: Vec<Operation>,
    /// The failovers, in order. Their intervals do not overlap.
    pub failovers: Vec<Failover>,
}

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}:{:04x}", self.generation, self.mark & 0xffff)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{:04x}", self.0 & 0xffff)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize => f.write_str("authorize"),
            Self::Redeem => f.write_str("redeem"),
            Self::Refresh(token) => write!(f, "refresh {token}"),
            Self::Revoke(token) => write!(f, "revoke {token}"),
            Self::RevokeAccess(token) => write!(f, "revoke {token}"),
            Self::Introspect(token) => write!(f, "introspect {token}"),
            Self::IntrospectAccess(token) => write!(f, "introspect {token}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, answer, invoked, returned } = self;
        match answer {
            None => write!(f, "[{invoked}, -] {call}: no answer"),
            Some(answer) => {
                write!(f, "[{invoked}, {returned}] {call}: ")?;
                match answer {
                    Answer::Done => f.write_str("done"),
                    Answer::Tokens(refresh, access) => write!(f, "{refresh} {access}"),
                    Answer::Active(true) => f.write_str("active"),
                    Answer::Active(false) => f.write_str("not active"),
                    Answer::Refused(refusal) => write!(f, "refused, {refusal:?}"),
                }
            }
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut operations = self.operations.clone();
        operations.sort_by_key(|operation| operation.invoked);
        for operation in &operations {
            writeln!(f, "  {operation}")?;
        }
        for Failover { lags_from, begins, ends } in &self.failovers {
            writeln!(f, "  [{begins}, {ends}] failover, which may lose writes from {lags_from} on")?;
        }
        Ok(())
    }
}
