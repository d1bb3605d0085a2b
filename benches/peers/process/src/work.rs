//! The kinds of work.

/// The client of the grants: public clients refresh, confidential ones introspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Public,
    Confidential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One `refresh_token` grant with rotation, as a call of the library.
    Refresh,
    /// The same without the checks of the flow, where the library has such a call.
    RefreshBare,
    /// The bytes of the form in, the bytes of the JSON out.
    RefreshForm,
    /// The retry after a lost answer.
    Replay,
    /// A text that is no token.
    Garbage,
    /// A token with one character changed.
    Forged,
    /// One page of 100 grants of the client.
    Page,
    /// A grant created and revoked.
    IssueRevoke,
    /// The revocation of a refresh token (RFC 7009).
    Logout,
    /// A spent refresh token, presented after its successor was used: the grant is revoked.
    Theft,
    /// An opaque access token, as a call of the library.
    Introspect,
    /// The same without the flow, where the library has such a call.
    IntrospectBare,
    /// The bytes of the form with the client's secret in, the bytes of the JSON out.
    IntrospectForm,
}

impl Work {
    /// All works, in the order in which they are measured.
    pub const ALL: [Self; 13] = [
        Self::Refresh,
        Self::RefreshBare,
        Self::RefreshForm,
        Self::Replay,
        Self::Garbage,
        Self::Forged,
        Self::Page,
        Self::IssueRevoke,
        Self::Logout,
        Self::Theft,
        Self::Introspect,
        Self::IntrospectBare,
        Self::IntrospectForm,
    ];

    /// The name in tables. Calls of one library for the same work have the same name, and are subjects of their own.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refresh | Self::RefreshBare => "refresh",
            Self::RefreshForm => "refresh-form",
            Self::Replay => "replay",
            Self::Garbage => "garbage",
            Self::Forged => "forged",
            Self::IssueRevoke => "issue-revoke",
            Self::Page => "page",
            Self::Logout => "logout",
            Self::Theft => "theft",
            Self::Introspect | Self::IntrospectBare => "introspect",
            Self::IntrospectForm => "introspect-form",
        }
    }

    /// The first of the works that are measured together in a turn, so that their ratios count. They share grants;
    /// others get new ones, so that records which one work leaves behind do not slow down the next.
    #[must_use]
    pub const fn base(self) -> Self {
        match self {
            Self::RefreshBare | Self::RefreshForm => Self::Refresh,
            Self::IntrospectBare | Self::IntrospectForm => Self::Introspect,
            Self::Forged | Self::Page => Self::Garbage,
            Self::Theft => Self::Logout,
            other => other,
        }
    }

    /// The client whose grants the work is done on.
    #[must_use]
    pub const fn caller(self) -> Caller {
        match self {
            Self::Introspect | Self::IntrospectBare | Self::IntrospectForm => Caller::Confidential,
            _ => Caller::Public,
        }
    }

    /// True for work that ends grants, so that one grant does not suffice.
    #[must_use]
    pub const fn needs_many(self) -> bool {
        matches!(self, Self::Page | Self::Logout | Self::Theft | Self::IssueRevoke | Self::Replay)
    }

    /// True for work that some subject does by a scan of all grants.
    #[must_use]
    pub const fn scans(self) -> bool {
        matches!(self, Self::Logout | Self::Theft)
    }
}
