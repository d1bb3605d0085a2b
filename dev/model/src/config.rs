//! The configurations that are explored: each is a policy, a client, the means of the thief, and bounds.

use crate::properties::Landmark;
use crate::rules::{Grace, Rules};
use crate::state::Ticks;

/// A tick is the tolerated difference of clocks, and the deadline of a call: 5 s.
pub const DEADLINE: Ticks = 1;

/// The key of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKey {
    Never,
    /// From the issue on.
    Always,
    /// From a moment on that the explorer chooses.
    Late,
}

impl OwnerKey {
    /// Returns true when the request for the first token proves the key.
    #[must_use]
    pub const fn is_shown_at_issue(self) -> bool {
        matches!(self, Self::Always)
    }
}

/// The means of the thief. Without any there is no thief.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means {
    /// Copies the credential that the owner holds, once, at any moment.
    pub token: bool,
    /// Knows the code verifier too.
    pub verifier: bool,
    /// Has a key of his own to prove.
    pub own_key: bool,
    /// Has the secret of the client.
    pub client_secret: bool,
    /// Has a key of the ring: makes tokens of any content.
    pub ring_key: bool,
}

/// The faults of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFaults {
    Never,
    /// Writes fail, lose their acknowledgement, or are sent twice by a client library. The store can be read afterwards.
    Readable,
    /// The same, and writes arrive late, and the store cannot be read afterwards.
    Any,
}

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub name: &'static str,
    pub rules: Rules,
    pub owner_key: OwnerKey,
    pub means: Means,
    /// The lead of the clocks of nodes A and B.
    pub skews: [Ticks; 2],
    /// The number of nodes. With one, calls do not overlap.
    pub nodes: usize,
    /// Tokens from this generation on are not presented.
    pub generations: u8,
    pub starts_with_code: bool,
    /// The owner may log out.
    pub logs_out: bool,
    /// The owner may stop to wait for an answer, and try again while its first request is still under way.
    pub gives_up: bool,
    /// Nodes may crash, and answers may be lost.
    pub crashes: bool,
    pub store: StoreFaults,
    /// The number of requests that the network may repeat.
    pub repeats: u8,
    /// The number of failovers to a replica that may lag behind.
    pub failovers: u8,
    /// Events that must be reachable: otherwise the configuration proves nothing.
    pub expects: &'static [Landmark],
}

impl Config {
    /// Returns the age from which on no rule and no property distinguishes two ages.
    #[must_use]
    pub fn oldest(&self) -> Ticks {
        let grace = self.rules.retry_window(false).unwrap_or(0);
        grace.max(self.rules.walk_window()).max(self.rules.code_lifetime) + self.rules.lead
    }

    /// Returns true when a request may wait at its node before the record is loaded. Otherwise such a wait is the same as
    /// a request that is sent later.
    #[must_use]
    pub const fn delays_requests(&self) -> bool {
        self.gives_up || self.repeats > 0
    }

    /// Returns the configurations, each of which `cargo run -p model` explores completely.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use Landmark as L;
        let rules = Rules {
            is_confidential: false,
            grace: Grace::Auto(5),
            catch_up: 4,
            lead: 1,
            code_lifetime: 2,
            heals: true,
            fault: None,
        };
        let confidential = Rules { is_confidential: true, ..rules };
        let calm = Self {
            name: "",
            rules,
            owner_key: OwnerKey::Never,
            means: Means::default(),
            skews: [0, 0],
            nodes: 2,
            generations: 3,
            starts_with_code: false,
            logs_out: false,
            gives_up: false,
            crashes: true,
            store: StoreFaults::Never,
            repeats: 0,
            failovers: 0,
            expects: &[],
        };
        let token = Means { token: true, ..Means::default() };
        vec![
            Self {
                name: "faults, public bearer",
                generations: 2,
                skews: [0, 1],
                store: StoreFaults::Any,
                repeats: 1,
                expects: &[
                    L::Replayed,
                    L::WalkedTwoSteps,
                    L::DecidedAgain,
                    L::OwnWriteRead,
                    L::Unknown,
                    L::LateWrite,
                    L::FutureIsNow,
                ],
                ..calm
            },
            Self {
                name: "faults, authenticating client",
                rules: confidential,
                skews: [0, -1],
                store: StoreFaults::Any,
                repeats: 1,
                generations: 2,
                expects: &[
                    L::Replayed,
                    L::WalkedTwoSteps,
                    L::DecidedAgain,
                    L::OwnWriteRead,
                    L::LateWrite,
                    L::FutureIsNow,
                ],
                ..calm
            },
            Self {
                name: "faults, no grace",
                rules: Rules { grace: Grace::Of(0), ..rules },
                crashes: false,
                store: StoreFaults::Readable,
                logs_out: true,
                expects: &[L::OwnWriteRead, L::LoggedOut],
                ..calm
            },
            Self {
                name: "theft, public bearer",
                generations: 2,
                means: Means { own_key: true, ..token },
                skews: [0, 1],
                expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief, L::BoundLate, L::OtherClient],
                ..calm
            },
            Self {
                name: "theft, repeated requests",
                generations: 2,
                means: token,
                skews: [0, -1],
                repeats: 1,
                expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief],
                ..calm
            },
            Self {
                name: "theft of token and client secret",
                generations: 2,
                rules: confidential,
                means: Means { client_secret: true, own_key: true, ..token },
                skews: [0, 1],
                expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief],
                ..calm
            },
            Self {
                name: "theft of the token of an authenticating client",
                rules: confidential,
                means: token,
                gives_up: true,
                repeats: 1,
                expects: &[L::OtherClient],
                ..calm
            },
            Self {
                name: "theft of a bound token",
                owner_key: OwnerKey::Always,
                means: Means { own_key: true, ..token },
                skews: [0, 1],
                repeats: 1,
                expects: &[L::ProofFailed, L::Replayed],
                ..calm
            },
            Self {
                name: "theft, the owner's key comes late",
                generations: 2,
                owner_key: OwnerKey::Late,
                means: Means { own_key: true, ..token },
                expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief, L::BoundLate, L::ProofFailed],
                ..calm
            },
            Self {
                name: "ring key",
                means: Means { ring_key: true, own_key: true, ..Means::default() },
                repeats: 1,
                gives_up: true,
                expects: &[L::RootMissing, L::Replayed],
                ..calm
            },
            Self {
                name: "ring key and token",
                crashes: false,
                generations: 2,
                means: Means { ring_key: true, own_key: true, ..token },
                expects: &[L::ForgedAdopted, L::TheftFoundByOwner, L::TheftFoundByThief],
                ..calm
            },
            Self {
                name: "ring key and bound token",
                generations: 2,
                owner_key: OwnerKey::Always,
                means: Means { ring_key: true, own_key: true, ..token },
                expects: &[L::ForkRefused, L::ProofFailed],
                ..calm
            },
            Self {
                name: "ring key and token, without healing",
                generations: 2,
                rules: Rules { heals: false, ..rules },
                means: Means { ring_key: true, ..token },
                expects: &[L::AheadRefused, L::TheftFoundByOwner],
                ..calm
            },
            Self {
                name: "failover, public bearer",
                failovers: 1,
                gives_up: true,
                repeats: 1,
                generations: 2,
                expects: &[L::WritesLost, L::Healed, L::ForkMade, L::ForkRefused],
                ..calm
            },
            Self {
                name: "log-out and failover",
                rules: confidential,
                logs_out: true,
                failovers: 1,
                generations: 2,
                store: StoreFaults::Readable,
                expects: &[L::LoggedOut, L::WritesLost, L::Healed, L::RevocationUndone, L::OwnWriteRead],
                ..calm
            },
            Self {
                name: "log-out and theft",
                rules: confidential,
                means: Means { client_secret: true, ..token },
                logs_out: true,
                store: StoreFaults::Any,
                generations: 1,
                expects: &[L::LoggedOut, L::ThiefAnswered, L::LateWrite],
                ..calm
            },
            Self {
                name: "three rotations",
                skews: [0, 1],
                gives_up: true,
                expects: &[L::WalkedTwoSteps, L::DecidedAgain],
                ..calm
            },
            Self {
                name: "three rotations and a thief",
                means: token,
                crashes: false,
                expects: &[L::WalkedTwoSteps, L::TheftFoundByOwner, L::TheftFoundByThief],
                ..calm
            },
            Self {
                name: "failover, late writes",
                rules: confidential,
                failovers: 1,
                store: StoreFaults::Any,
                generations: 2,
                expects: &[L::WritesLost, L::Healed, L::LateWrite],
                ..calm
            },
            Self {
                name: "failover and theft, late key",
                nodes: 1,
                owner_key: OwnerKey::Late,
                means: Means { own_key: true, ..token },
                failovers: 1,
                generations: 2,
                expects: &[L::WritesLost, L::Healed, L::BoundLate, L::TheftFoundByOwner, L::RevocationUndone],
                ..calm
            },
            Self {
                name: "code",
                starts_with_code: true,
                repeats: 1,
                skews: [0, 1],
                generations: 1,
                means: token,
                store: StoreFaults::Any,
                expects: &[L::CodeReused, L::Replayed],
                ..calm
            },
            Self {
                name: "theft of code and verifier",
                starts_with_code: true,
                generations: 2,
                means: Means { own_key: true, verifier: true, ..token },
                expects: &[L::CodeReused, L::ThiefAnswered, L::BoundLate],
                ..calm
            },
        ]
    }
}
