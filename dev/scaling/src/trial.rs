//! The phases of a run on one store, and its table.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use regrant::store::{PurgeExpired, TokenStore};

use crate::cpu::{Processes, machine_load, own_seconds};
use crate::load::{Mix, Traffic, Window};
use crate::table::Table;

/// Columns of the table of a run.
pub const COLUMNS: [&str; 20] = [
    "store",
    "grants",
    "phase",
    "refresh_percent",
    "purge",
    "offered_per_s",
    "answered_per_s",
    "p50_ms",
    "p99_ms",
    "p99_lowest_ms",
    "p99_highest_ms",
    "p999_ms",
    "requests",
    "errors",
    "store_cpu_us",
    "node_cpu_us",
    "disk_bytes_per_refresh",
    "log_bytes_per_refresh",
    "purged",
    "machine_load",
];

/// Tasks of a phase without a rate.
const TASKS: u64 = 32;

/// Latency above which a rate is not sustainable, in seconds.
const BOUND: f64 = 0.2;

/// The mix of the phases with a rate.
const MIX: Mix = Mix { refresh_percent: 50 };

/// A store under test.
pub struct Trial<'a, S> {
    /// Name of the store in the table.
    pub store: String,
    /// Number of grants.
    pub grants: u64,
    /// Sessions and the service.
    pub traffic: Arc<Traffic<S>>,
    /// Processes of the server; none for a store in this process.
    pub server: Processes,
    /// Returns the bytes that the server has written to its log; absent for a store without a server.
    pub log: Option<&'a (dyn Fn() -> f64 + Sync)>,
    /// True if the store deletes expired grants when it is asked to.
    pub purges: bool,
    /// Length of a window.
    pub window: Duration,
    /// Windows of a phase.
    pub windows: u64,
}

impl<S> fmt::Debug for Trial<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("store", &self.store).field("grants", &self.grants).finish_non_exhaustive()
    }
}

/// Load of a phase.
#[derive(Clone, Copy)]
enum Offer {
    /// As much as a number of tasks can send.
    Closed,
    /// Requests in a second.
    Rate(f64),
}

impl<S: TokenStore + PurgeExpired + 'static> Trial<'_, S> {
    /// Runs all phases and adds their rows to `table`.
    pub async fn run(&self, table: &mut Table) {
        for refresh_percent in [100, 0] {
            self.phase(table, "closed", Offer::Closed, Mix { refresh_percent }, false).await;
        }
        let highest = self.highest().await;
        for purge in [false, true] {
            for (phase, share) in [("1 %", 0.01), ("10 %", 0.1), ("100 %", 1.0)] {
                if !purge || self.purges {
                    self.phase(table, phase, Offer::Rate(highest * share), MIX, purge).await;
                }
            }
        }
    }

    /// Returns the highest rate, of some shares of what tasks without a rate achieve, that the store sustains for a
    /// window.
    async fn highest(&self) -> f64 {
        let most = self.traffic.closed(TASKS, self.window, MIX, 1).await.rate;
        let mut rate = most;
        for percent in [100, 90, 80, 70, 60, 50, 40, 30, 20, 10] {
            rate = most * f64::from(percent) / 100.0;
            let window = self.traffic.open(rate, self.window, MIX, 2).await;
            let is_sustained = window.errors == 0
                && !window.is_overloaded
                && window.rate >= 0.97 * rate
                && window.quantile(0.99).is_some_and(|p99| p99 <= BOUND);
            eprintln!("{rate:.0}/s: {} ({:.0} answered, p99 {:?})", is_sustained, window.rate, window.quantile(0.99));
            if is_sustained {
                break;
            }
        }
        rate
    }

    async fn phase(&self, table: &mut Table, phase: &str, offer: Offer, mix: Mix, purge: bool) {
        let purged = Arc::new(AtomicU64::new(0));
        let purging = purge.then(|| tokio::spawn(Arc::clone(&self.traffic).purge(Arc::clone(&purged))));
        let (server, own) = (self.server.seconds(), own_seconds());
        let (written, logged) = (self.written(), self.logged().await);
        let mut windows = Vec::new();
        for window in 0..self.windows {
            let seed = 100 + window;
            windows.push(match offer {
                Offer::Closed => self.traffic.closed(TASKS, self.window, mix, seed).await,
                // A window of a low rate is longer, so that its 99th percentile has a meaning.
                Offer::Rate(rate) => {
                    let length = self.window.as_secs_f64().max(1000.0 / rate).min(3.0 * self.window.as_secs_f64());
                    self.traffic.open(rate, Duration::from_secs_f64(length), mix, seed).await
                }
            });
        }
        let (server, own) = (self.server.seconds() - server, own_seconds() - own);
        let (written, logged) = (self.written() - written, self.logged().await - logged);
        if let Some(purging) = purging {
            purging.abort();
        }
        let count = |of: fn(&Window) -> u64| windows.iter().map(of).sum::<u64>();
        let (requests, refreshes) = (count(|window| window.latencies.len() as u64), count(|window| window.refreshes));
        let mut all: Vec<f64> = windows.iter().flat_map(|window| window.latencies.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        let all = Window { latencies: all, ..Window::default() };
        let over = |share: f64| sorted(windows.iter().filter_map(|window| window.quantile(share)).collect());
        let p99 = over(0.99);
        table.push(vec![
            self.store.clone(),
            self.grants.to_string(),
            phase.to_owned(),
            mix.refresh_percent.to_string(),
            if purge { "yes" } else { "no" }.to_owned(),
            if let Offer::Rate(rate) = offer { format!("{rate:.0}") } else { "-".to_owned() },
            format!("{:.0}", middle(&sorted(windows.iter().map(|window| window.rate).collect())).unwrap_or(0.0)),
            millis(middle(&over(0.5))),
            // The windows of a low rate have too few requests each.
            millis(middle(&p99).or_else(|| all.quantile(0.99))),
            millis(p99.first().copied()),
            millis(p99.last().copied()),
            millis(all.quantile(0.999)),
            requests.to_string(),
            count(|window| window.errors).to_string(),
            format!("{:.1}", server * 1e6 / requests as f64),
            format!("{:.1}", own * 1e6 / requests as f64),
            per(written, refreshes),
            if self.log.is_some() { per(logged, refreshes) } else { "-".to_owned() },
            purged.load(Ordering::Relaxed).to_string(),
            machine_load(),
        ]);
    }

    /// Bytes of the log. The statistics of a server are up to a second late.
    async fn logged(&self) -> f64 {
        let Some(log) = self.log else { return 0.0 };
        tokio::time::sleep(Duration::from_millis(1500)).await;
        log()
    }

    /// Bytes that the server, or this process, has given to the disk.
    fn written(&self) -> f64 {
        let own = Processes::new([std::process::id()]);
        self.server.written() + own.written()
    }
}

fn per(bytes: f64, refreshes: u64) -> String {
    if refreshes == 0 { "-".to_owned() } else { format!("{:.0}", bytes / refreshes as f64) }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn millis(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.2}", seconds * 1000.0))
}
