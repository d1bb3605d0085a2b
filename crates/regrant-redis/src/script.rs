//! Lua scripts. Each decision is one script, because a script is atomic and a sequence of commands is not.

use std::sync::LazyLock;

/// A script and its digest, by which a server knows it.
pub(crate) struct Script {
    pub(crate) source: &'static str,
    pub(crate) digest: String,
}

impl Script {
    fn new(source: &'static str) -> Self {
        Self { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }
}

pub(crate) static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/swap.lua")));
pub(crate) static MARK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/mark.lua")));
pub(crate) static USE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/use.lua")));
pub(crate) static ENTER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/enter.lua")));
pub(crate) static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/leave.lua")));
pub(crate) static PROBE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/probe.lua")));
