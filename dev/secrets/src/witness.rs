//! Everything that somebody might see besides the answers.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use regrant::event::{Event, EventSink, MetricsSink, OwnedEvent, TracingSink};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Keeps all texts.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Vec<u8>>>);

impl Witness {
    /// The witness of the process: everything that any crate logs by `tracing` or `log`, at level TRACE, and every
    /// panic message. The first call installs the witness.
    pub fn of_the_process() -> Self {
        static LOG: OnceLock<Witness> = OnceLock::new();
        let install = || {
            let witness = Self::default();
            let writer = witness.clone();
            let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
            subscriber.with_writer(move || writer.clone()).finish().init();
            log::set_boxed_logger(Box::new(witness.clone())).expect("the only logger");
            log::set_max_level(log::LevelFilter::Trace);
            let (panics, default) = (witness.clone(), std::panic::take_hook());
            std::panic::set_hook(Box::new(move |panic| {
                panics.note(&format!("PANIC {panic}"));
                default(panic);
            }));
            witness
        };
        LOG.get_or_init(install).clone()
    }

    pub fn note(&self, text: &str) {
        let mut seen = self.seen();
        seen.extend_from_slice(text.as_bytes());
        seen.push(b'\n');
    }

    pub fn debug(&self, value: &impl Debug) {
        self.note(&format!("{value:?} {value:#?}"));
    }

    /// Notes an error with all its sources.
    pub fn error(&self, error: &dyn Error) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.note(&format!("{error} {error:?} {error:#?}"));
            cause = error.source();
        }
    }

    /// Returns everything so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen().clone()
    }

    /// True if the text was seen.
    pub fn has(&self, text: &str) -> bool {
        self.seen().windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn seen(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Witness {
    fn record(&self, event: &Event<'_>) {
        self.debug(event);
        self.debug(&OwnedEvent::from(event));
        TracingSink.record(event);
        metrics::with_local_recorder(&Labels(self.clone()), || MetricsSink::new().record(event));
    }
}

impl std::io::Write for Witness {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.seen().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl log::Log for Witness {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.note(&format!("{} {} {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Notes the name and labels of every metric.
struct Labels(Witness);

impl metrics::Recorder for Labels {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        self.0.note(&format!("metric {key}"));
        metrics::Counter::noop()
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        self.0.note(&format!("metric {key}"));
        metrics::Gauge::noop()
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        self.0.note(&format!("metric {key}"));
        metrics::Histogram::noop()
    }
}
