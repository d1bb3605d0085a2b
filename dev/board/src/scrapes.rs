//! Metrics as Prometheus scrapes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use regrant::clock::Timestamp;

/// The buckets that docs/operations.md recommends, in seconds.
const BUCKETS: [&str; 6] = ["0.001", "0.005", "0.025", "0.1", "0.5", "2.5"];

/// A recorder whose values are written down again and again, each time with the time.
#[derive(Clone, Debug, Default)]
pub struct Scrapes(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    values: BTreeMap<String, f64>,
    text: String,
}

struct Handle {
    scrapes: Scrapes,
    name: String,
    labels: Vec<String>,
}

impl Scrapes {
    /// Writes down all values.
    pub fn scrape(&self, at: Timestamp) {
        let State { values, text } = &mut *self.lock();
        for (series, value) in values {
            writeln!(text, "{series} {value} {}", at.as_secs()).expect("a string");
        }
    }

    /// Returns all scrapes in the text format of `OpenMetrics`.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().text.clone() + "# EOF\n"
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, key: &Key) -> Arc<Handle> {
        let labels = key.labels().map(|label| format!("{}=\"{}\"", label.key(), label.value())).collect();
        Arc::new(Handle { scrapes: self.clone(), name: key.name().to_owned(), labels })
    }
}

impl Handle {
    fn add(&self, suffix: &str, le: &str, value: f64) {
        let le = (!le.is_empty()).then(|| format!("le=\"{le}\""));
        let labels: Vec<&str> = self.labels.iter().chain(&le).map(String::as_str).collect();
        let series = format!("{}{suffix}{{{}}}", self.name, labels.join(","));
        *self.scrapes.lock().values.entry(series).or_default() += value;
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.add("", "", u32::try_from(value).map_or(f64::INFINITY, f64::from));
    }

    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Handle {
    fn record(&self, seconds: f64) {
        for le in BUCKETS {
            let is_within = le.parse().is_ok_and(|bound: f64| seconds <= bound);
            self.add("_bucket", le, f64::from(u8::from(is_within)));
        }
        self.add("_bucket", "+Inf", 1.0);
        self.add("_count", "", 1.0);
        self.add("_sum", "", seconds);
    }
}

impl Recorder for Scrapes {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}
