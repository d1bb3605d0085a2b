//! The configurations that are explored: each is a policy, a client, the means of the thief, and bounds.

use crate::properties::Landmark as L;
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
#[derive(Clone, Copy, Debug)]
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
    /// Writes fail, lose their acknowledgement, or are sent twice by a client library. The store can be read
    /// afterwards.
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
    pub expects: &'static [L],
}

impl Config {
    /// Returns the age from which on no rule and no property distinguishes two ages.
    #[must_use]
    pub fn oldest(&self) -> Ticks {
        let grace = self.rules.retry_window(false).unwrap_or(0);
        grace.max(self.rules.walk_window()).max(self.rules.code_lifetime) + self.rules.lead
    }

    /// Returns true when a request may wait at its node before the record is loaded. Otherwise such a wait is the same
    /// as a request that is sent later.
    #[must_use]
    pub const fn delays_requests(&self) -> bool {
        self.gives_up || self.repeats > 0
    }

    /// Returns the configuration with wider bounds: three rotations, and owners that give up. Too many states to
    /// explore all of them.
    #[must_use]
    pub fn wide(self) -> Self {
        Self { generations: 3, gives_up: self.rules.grace != Grace::Of(0), expects: &[], ..self }
    }

    /// Returns the configurations, each of which `cargo run -p model` explores completely.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let groups = [faults(), theft_from_public_client(), theft(), ring_key(), failover(), code()];
        groups.concat()
    }
}

/// The windows, in ticks. Only their order matters: `lead` < `catch_up` < grace, with room for a call between.
const RULES: Rules = Rules {
    is_confidential: false,
    grace: Grace::Auto(5),
    catch_up: 4,
    lead: 1,
    code_lifetime: 2,
    heals: true,
    fault: None,
};

const CONFIDENTIAL: Rules = Rules { is_confidential: true, ..RULES };

const NO_THIEF: Means = Means { token: false, verifier: false, own_key: false, client_secret: false, ring_key: false };

const TOKEN: Means = Means { token: true, ..NO_THIEF };

/// A public client, a store without faults, no thief.
const CALM: Config = Config {
    name: "",
    rules: RULES,
    owner_key: OwnerKey::Never,
    means: NO_THIEF,
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

/// No thief: no fault ends a session.
fn faults() -> Vec<Config> {
    vec![
        Config {
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
            ..CALM
        },
        Config {
            name: "faults, authenticating client",
            rules: CONFIDENTIAL,
            skews: [0, -1],
            store: StoreFaults::Any,
            repeats: 1,
            generations: 2,
            expects: &[L::Replayed, L::WalkedTwoSteps, L::DecidedAgain, L::OwnWriteRead, L::LateWrite, L::FutureIsNow],
            ..CALM
        },
        Config {
            name: "faults, no grace",
            rules: Rules { grace: Grace::Of(0), ..RULES },
            crashes: false,
            store: StoreFaults::Readable,
            logs_out: true,
            expects: &[L::OwnWriteRead, L::LoggedOut],
            ..CALM
        },
        Config {
            name: "three rotations",
            skews: [0, 1],
            gives_up: true,
            expects: &[L::WalkedTwoSteps, L::DecidedAgain],
            ..CALM
        },
    ]
}

/// A thief of the bearer token of a public client.
fn theft_from_public_client() -> Vec<Config> {
    vec![
        Config {
            name: "theft, public bearer",
            generations: 2,
            means: Means { own_key: true, ..TOKEN },
            skews: [0, 1],
            expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief, L::BoundLate, L::OtherClient],
            ..CALM
        },
        Config {
            name: "theft, repeated requests",
            generations: 2,
            means: TOKEN,
            skews: [0, -1],
            repeats: 1,
            expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief],
            ..CALM
        },
        Config {
            name: "three rotations and a thief",
            means: TOKEN,
            crashes: false,
            expects: &[L::WalkedTwoSteps, L::TheftFoundByOwner, L::TheftFoundByThief],
            ..CALM
        },
    ]
}

/// A thief of other tokens.
fn theft() -> Vec<Config> {
    vec![
        Config {
            name: "theft of token and client secret",
            generations: 2,
            rules: CONFIDENTIAL,
            means: Means { client_secret: true, own_key: true, ..TOKEN },
            skews: [0, 1],
            expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief],
            ..CALM
        },
        Config {
            name: "theft of the token of an authenticating client",
            rules: CONFIDENTIAL,
            means: TOKEN,
            gives_up: true,
            repeats: 1,
            expects: &[L::OtherClient],
            ..CALM
        },
        Config {
            name: "theft of a bound token",
            owner_key: OwnerKey::Always,
            means: Means { own_key: true, ..TOKEN },
            skews: [0, 1],
            repeats: 1,
            expects: &[L::ProofFailed, L::Replayed],
            ..CALM
        },
        Config {
            name: "theft, the owner's key comes late",
            generations: 2,
            owner_key: OwnerKey::Late,
            means: Means { own_key: true, ..TOKEN },
            expects: &[L::ThiefAnswered, L::TheftFoundByOwner, L::TheftFoundByThief, L::BoundLate, L::ProofFailed],
            ..CALM
        },
        Config {
            name: "log-out and theft",
            rules: CONFIDENTIAL,
            means: Means { client_secret: true, ..TOKEN },
            logs_out: true,
            store: StoreFaults::Any,
            generations: 1,
            expects: &[L::LoggedOut, L::ThiefAnswered, L::LateWrite],
            ..CALM
        },
    ]
}

/// A thief with a key of the ring.
fn ring_key() -> Vec<Config> {
    vec![
        Config {
            name: "ring key",
            means: Means { ring_key: true, own_key: true, ..NO_THIEF },
            repeats: 1,
            gives_up: true,
            expects: &[L::RootMissing, L::Replayed],
            ..CALM
        },
        Config {
            name: "ring key and token",
            crashes: false,
            generations: 2,
            means: Means { ring_key: true, own_key: true, ..TOKEN },
            expects: &[L::ForgedAdopted, L::TheftFoundByOwner, L::TheftFoundByThief],
            ..CALM
        },
        Config {
            name: "ring key and bound token",
            generations: 2,
            owner_key: OwnerKey::Always,
            means: Means { ring_key: true, own_key: true, ..TOKEN },
            expects: &[L::ForkRefused, L::ProofFailed],
            ..CALM
        },
        Config {
            name: "ring key and token, without healing",
            generations: 2,
            rules: Rules { heals: false, ..RULES },
            means: Means { ring_key: true, ..TOKEN },
            expects: &[L::AheadRefused, L::TheftFoundByOwner],
            ..CALM
        },
    ]
}

/// A store that loses acknowledged writes.
fn failover() -> Vec<Config> {
    vec![
        Config {
            name: "failover, public bearer",
            failovers: 1,
            gives_up: true,
            repeats: 1,
            generations: 2,
            expects: &[L::WritesLost, L::Healed, L::ForkMade, L::ForkRefused],
            ..CALM
        },
        Config {
            name: "log-out and failover",
            rules: CONFIDENTIAL,
            logs_out: true,
            failovers: 1,
            generations: 2,
            store: StoreFaults::Readable,
            expects: &[L::LoggedOut, L::WritesLost, L::Healed, L::RevocationUndone, L::OwnWriteRead],
            ..CALM
        },
        Config {
            name: "failover, late writes",
            rules: CONFIDENTIAL,
            failovers: 1,
            store: StoreFaults::Any,
            generations: 2,
            expects: &[L::WritesLost, L::Healed, L::LateWrite],
            ..CALM
        },
        Config {
            name: "failover and theft, late key",
            nodes: 1,
            owner_key: OwnerKey::Late,
            means: Means { own_key: true, ..TOKEN },
            failovers: 1,
            generations: 2,
            expects: &[L::WritesLost, L::Healed, L::BoundLate, L::TheftFoundByOwner, L::RevocationUndone],
            ..CALM
        },
    ]
}

/// Authorization codes.
fn code() -> Vec<Config> {
    vec![
        Config {
            name: "code",
            starts_with_code: true,
            repeats: 1,
            skews: [0, 1],
            generations: 1,
            store: StoreFaults::Any,
            expects: &[L::CodeReused, L::Replayed],
            ..CALM
        },
        Config {
            name: "theft of the code alone",
            starts_with_code: true,
            means: TOKEN,
            repeats: 1,
            generations: 1,
            expects: &[L::CodeReused],
            ..CALM
        },
        Config {
            name: "theft of code and verifier",
            starts_with_code: true,
            generations: 1,
            means: Means { own_key: true, verifier: true, ..TOKEN },
            expects: &[L::CodeReused, L::ThiefAnswered, L::BoundLate],
            ..CALM
        },
    ]
}
