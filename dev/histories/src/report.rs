//! The result of a run, and the table of all runs.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use crate::checker::{Verdict, check};
use crate::history::{Failover, History};
use crate::recorder::Id;
use crate::specification::{Loss, Windows};
use crate::traffic::Record;

/// The result of the runs on a store.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Runs.
    pub runs: usize,
    /// Calls.
    pub calls: usize,
    /// Calls with an unknown outcome.
    pub unknown: usize,
    /// Faults: disturbed requests, kills, failovers.
    pub faults: usize,
    /// Histories that were checked.
    pub histories: usize,
    /// Refresh tokens ahead of their record, as the nodes reported them.
    pub heals: usize,
    /// Revoked grants that were active again.
    pub revocations: usize,
    /// Heads that went back.
    pub rotations: usize,
    /// Grants or redemptions that were forgotten.
    pub sign_ins: usize,
    /// Access tokens whose issue or revocation was undone.
    pub access_tokens: usize,
    /// Calls whose first write was overtaken before its outcome was known, and that decided again.
    pub decided_twice: usize,
    /// Histories whose search was too long.
    pub undecided: usize,
    /// Histories without an order, in words.
    pub refuted: Vec<String>,
}

impl Report {
    /// Checks all histories of a run. `failovers` returns those of the server that keeps a grant.
    #[must_use]
    pub fn of(record: &Record, windows: Windows, faults: usize, failovers: impl Fn(&Id) -> Vec<Failover>) -> Self {
        let mut report = Self {
            runs: 1,
            calls: record.calls,
            unknown: record.unknown,
            faults: faults + record.disturbed,
            histories: record.operations.len(),
            heals: record.heals,
            ..Self::default()
        };
        for (id, operations) in &record.operations {
            let history = History { operations: operations.clone(), failovers: failovers(id) };
            match check(&history, windows) {
                Verdict::Linearizable(losses, twice) => {
                    for loss in losses {
                        report.count(loss);
                    }
                    report.decided_twice += twice;
                }
                Verdict::Undecided => report.undecided += 1,
                Verdict::Refuted(refutation) => {
                    report.refuted.push(format!("windows {windows:?}\n{history}{refutation}"));
                }
            }
        }
        report
    }

    /// True if every history has an order that needs no loss.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.is_linearizable() && self.revocations + self.rotations + self.sign_ins + self.access_tokens == 0
    }

    /// True if every history has an order, perhaps after losses in a failover.
    #[must_use]
    pub const fn is_linearizable(&self) -> bool {
        self.refuted.is_empty() && self.undecided == 0
    }

    const fn count(&mut self, loss: Loss) {
        match loss {
            Loss::Revocation => self.revocations += 1,
            Loss::Rotations(_) => self.rotations += 1,
            Loss::SignIn => self.sign_ins += 1,
            Loss::AccessToken => self.access_tokens += 1,
        }
    }
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.calls += other.calls;
        self.unknown += other.unknown;
        self.faults += other.faults;
        self.histories += other.histories;
        self.heals += other.heals;
        self.revocations += other.revocations;
        self.rotations += other.rotations;
        self.sign_ins += other.sign_ins;
        self.access_tokens += other.access_tokens;
        self.decided_twice += other.decided_twice;
        self.undecided += other.undecided;
        self.refuted.extend(other.refuted);
    }
}

/// Reports by store and scenario.
#[derive(Clone, Debug, Default)]
pub struct Table(BTreeMap<&'static str, Report>);

impl Table {
    /// Adds the report of a run.
    pub fn add(&mut self, name: &'static str, report: Report) {
        *self.0.entry(name).or_default() += report;
    }

    /// True if every history of every run has an order.
    #[must_use]
    pub fn is_linearizable(&self) -> bool {
        self.0.values().all(Report::is_linearizable)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for refuted in self.0.values().flat_map(|report| &report.refuted) {
            writeln!(f, "{refuted}")?;
        }
        let columns = ["runs", "calls", "unknown", "faults", "histories", "decided twice", "heals"];
        let losses = ["revocations", "rotations", "sign-ins", "access tokens"];
        write!(f, "{:38}", "")?;
        for column in columns.iter().chain(&losses) {
            write!(f, "{column:>14}")?;
        }
        writeln!(f, "  verdict")?;
        for (name, report) in &self.0 {
            let Report { runs, calls, unknown, faults, histories, decided_twice, heals, .. } = report;
            let Report { revocations, rotations, sign_ins, access_tokens, .. } = report;
            write!(f, "{name:38}")?;
            for count in [runs, calls, unknown, faults, histories, decided_twice, heals] {
                write!(f, "{count:>14}")?;
            }
            for count in [revocations, rotations, sign_ins, access_tokens] {
                write!(f, "{count:>14}")?;
            }
            writeln!(f, "  {}", report.verdict())?;
        }
        Ok(())
    }
}

impl Report {
    fn verdict(&self) -> String {
        match (self.refuted.len(), self.undecided) {
            (0, 0) if self.is_clean() => "linearizable".to_owned(),
            (0, 0) => "linearizable but for the losses".to_owned(),
            (refuted, undecided) => format!("NOT LINEARIZABLE: {refuted}; undecided: {undecided}"),
        }
    }
}
