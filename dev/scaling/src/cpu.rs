//! Processor time of processes, from `/proc`.

use std::fs;

/// Ticks in a second: `USER_HZ`, which is 100 on every architecture of Linux in use.
const TICKS: f64 = 100.0;

/// Processes whose time is counted together.
#[derive(Clone, Debug, Default)]
pub struct Processes(Vec<u32>);

impl Processes {
    /// These processes and their children.
    #[must_use]
    pub fn new(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().collect())
    }

    /// Returns the seconds that the processes and their living and ended children have run.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let seconds = |id: u32| {
            let Times { parent, own, ended } = Times::of(id)?;
            let counts = self.0.contains(&id).then_some(own + ended);
            counts.or_else(|| self.0.contains(&parent).then_some(own))
        };
        living().filter_map(seconds).sum()
    }

    /// Returns the bytes that the living processes and their children have given to the disk.
    #[must_use]
    pub fn written(&self) -> f64 {
        let is_counted =
            |id: &u32| self.0.contains(id) || Times::of(*id).is_some_and(|times| self.0.contains(&times.parent));
        let written = |id| {
            let text = fs::read_to_string(format!("/proc/{id}/io")).ok()?;
            text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse::<f64>().ok()
        };
        living().filter(is_counted).filter_map(written).sum()
    }
}

fn living() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns the seconds that this process has run.
#[must_use]
pub fn own_seconds() -> f64 {
    Times::of(std::process::id()).map_or(0.0, |times| times.own)
}

/// Returns the average number of processes that wanted to run in the last minute.
#[must_use]
pub fn machine_load() -> String {
    let text = fs::read_to_string("/proc/loadavg").expect("Linux");
    text.split(' ').next().unwrap_or_default().to_owned()
}

struct Times {
    parent: u32,
    own: f64,
    ended: f64,
}

impl Times {
    /// Reads the times of a process, which may have ended.
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may hold spaces.
        let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |place: usize| words.get(place)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
        Some(Self { parent: words.get(1)?.parse().ok()?, own: ticks(11)? + ticks(12)?, ended: ticks(13)? + ticks(14)? })
    }
}
