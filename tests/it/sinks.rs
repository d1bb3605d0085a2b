//! Events and durations as hosts see them: log lines, metrics, several sinks.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use fixtures::{APP, Events, ready};
use regrant::event::{Operation, StoreCall, Timed, Timings};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};
use regrant::{
    Approval, AuthenticatedClient, ClientRegistry, GrantId, GrantType, IssueRequest, Key, KeyRing, RefreshRequest,
    TokenService, TokenServiceBuilder,
};

fn builder<S: TokenStore>(store: S) -> TokenServiceBuilder<S> {
    TokenService::builder(
        store,
        ClientRegistry::new(),
        KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
    )
}

/// A clock that moves by a millisecond whenever it is read.
#[derive(Clone, Default)]
struct Stopwatch {
    millis: Arc<AtomicU64>,
    taken: Arc<Mutex<Vec<(Timed, u64)>>>,
}

impl Stopwatch {
    fn taken(&self) -> Vec<(Timed, u64)> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

impl Timings for Stopwatch {
    fn now(&self) -> Duration {
        Duration::from_millis(self.millis.fetch_add(1, Ordering::Relaxed))
    }

    fn took(&self, what: Timed, took: Duration) {
        self.taken.lock().unwrap().push((what, took.as_millis().try_into().unwrap()));
    }
}

#[test]
fn every_sink_is_told_every_event() {
    let (one, two) = (Events::default(), Events::default());
    let service = builder(regrant::MemoryStore::new()).events(one.clone()).events(two.clone()).build().unwrap();
    let app = AuthenticatedClient::assertion(fixtures::client(APP).into());
    ready(service.issue(&app, IssueRequest::client_credentials(fixtures::scope("read")))).unwrap();
    let told = one.take();
    assert_eq!(told.len(), 1);
    assert_eq!(two.take(), told);
}

#[test]
fn a_call_and_its_store_calls_are_timed_once_each() {
    let timings = Stopwatch::default();
    let service = builder(regrant::MemoryStore::new()).timings(timings.clone()).build().unwrap();
    let app = AuthenticatedClient::assertion(fixtures::client(APP).into());
    let approval = Approval::of(fixtures::subject("demo")).with_scope(fixtures::scope("read"));
    let first = ready(service.issue(&app, IssueRequest::new(GrantType::Password, approval))).unwrap();
    let (load, swap) = (Timed::Store(StoreCall::Load), Timed::Store(StoreCall::CompareAndSwap));
    assert_eq!(timings.taken(), [(swap, 1), (Timed::Operation(Operation::Issue), 3)]);

    ready(service.refresh(&app, &RefreshRequest::new(first.refresh_token.unwrap()))).unwrap();
    assert_eq!(timings.taken(), [(load, 1), (swap, 1), (Timed::Operation(Operation::Refresh), 5)]);

    // Failures count too.
    assert!(ready(service.refresh(&app, &RefreshRequest::new("garbage"))).is_err());
    assert_eq!(timings.taken(), [(Timed::Operation(Operation::Refresh), 1)]);
    assert_eq!(ready(service.purge_expired(10)).unwrap(), 0);
    let purge = [Timed::Store(StoreCall::PurgeExpired), Timed::Operation(Operation::PurgeExpired)];
    assert_eq!(timings.taken().into_iter().map(|(what, _)| what).collect::<Vec<_>>(), purge);
}

/// Never answers.
struct Silent;

#[async_trait]
impl TokenStore for Silent {
    async fn load(&self, _: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        std::future::pending().await
    }

    async fn compare_and_swap(&self, _: &GrantKey, _: Expect, _: GrantRecord) -> Result<Swap, StoreError> {
        std::future::pending().await
    }
}

#[test]
fn a_call_that_the_host_gave_up_is_timed_until_then() {
    let timings = Stopwatch::default();
    let service = builder(Silent).timings(timings.clone()).build().unwrap();
    {
        let call = pin!(service.revoke_grant(GrantId::from_bytes([7; 16])));
        assert!(matches!(call.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        assert!(timings.taken().is_empty());
    }
    assert_eq!(timings.taken(), [(Timed::Store(StoreCall::Load), 1), (Timed::Operation(Operation::RevokeGrant), 3)]);
}

/// Each short name is that of its variant, so that dashboards and code speak of one thing by one name.
#[test]
fn every_short_name_is_that_of_its_variant_in_snake_case() {
    let sources = [
        include_str!("../../src/outcome/event.rs"),
        include_str!("../../src/outcome/refusal.rs"),
        include_str!("../../src/outcome/malformed.rs"),
        include_str!("../../src/outcome/error_code.rs"),
        include_str!("../../src/outcome/timings.rs"),
        include_str!("../../src/grant/summary.rs"),
    ];
    let mut names = 0;
    for line in sources.iter().flat_map(|source| source.lines()) {
        let Some((variant, name)) = line.trim().strip_prefix("Self::").and_then(|rest| rest.split_once(" => \""))
        else {
            continue;
        };
        let name = name.trim_end_matches("\",");
        if name.contains(' ') {
            continue;
        }
        let variant = variant.split([' ', '(']).next().unwrap();
        let snake = variant.char_indices().fold(String::new(), |snake, (at, letter)| {
            let border = if letter.is_uppercase() && at > 0 { "_" } else { "" };
            format!("{snake}{border}{}", letter.to_lowercase())
        });
        assert_eq!(name, snake);
        names += 1;
    }
    assert!(names > 120, "{names}");
}

/// A server with what `configure` adds.
#[cfg(any(feature = "tracing", feature = "metrics"))]
fn server(
    configure: impl FnOnce(TokenServiceBuilder<fixtures::WatchedStore>) -> TokenServiceBuilder<fixtures::WatchedStore>,
) -> fixtures::Server {
    let config = fixtures::Config::default();
    let service = TokenService::builder(
        config.store.clone(),
        config.registry(),
        KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
    )
    .clock(config.clock.clone())
    .proof_verifier(fixtures::StubVerifier::default());
    fixtures::Server {
        endpoints: regrant::wire::Endpoints::new(
            configure(service).build().unwrap(),
            regrant::Issuer::from_static(fixtures::ISSUER),
        )
        .unwrap()
        .with_approver(GrantType::Password, fixtures::Passwords),
        config,
    }
}

#[cfg(feature = "tracing")]
mod log {
    use fixtures::SPA;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        /// The lines since the last call, each without its time.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap();
            text.lines().map(str::trim).map(str::to_owned).collect()
        }

        /// Asserts that there is a line of this level and kind with all of `fields`.
        fn expect(&self, beginning: &str, fields: &[&str]) {
            let lines = self.lines();
            let fits = |line: &String| line.starts_with(beginning) && fields.iter().all(|field| line.contains(field));
            assert!(lines.iter().any(fits), "no {beginning:?} with {fields:?} in {lines:#?}");
        }
    }

    /// The only test of this file that logs: what a callsite may say is settled by the first thread that comes by.
    #[tokio::test]
    async fn what_looks_like_theft_or_lost_writes_is_a_warning_and_a_failure_an_error_with_its_causes() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).without_time();
        let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
        let server = server(|service| service.events(regrant::event::TracingSink));

        let first = server.sign_in(APP).await;
        let second = server.refresh(APP, &first.refresh).await.tokens();
        log.expect("DEBUG regrant: rotated", &["operation=\"refresh\"", "generation=1", "client_id=\"app\""]);
        server.refresh(APP, &first.refresh).await.tokens();
        log.expect("DEBUG regrant: replayed", &["cause=\"lost_response\"", "steps=1"]);
        server.refresh(APP, "garbage").await;
        log.expect("INFO regrant: refused", &["kind=\"refused\"", "cause=\"token_unrecognized\""]);
        server.token(APP, &[("grant_type", "refresh_token")]).await;
        log.expect("INFO regrant: malformed", &["operation=\"token\"", "cause=\"missing\""]);

        // A thief.
        let third = server.refresh(APP, &second.refresh).await.tokens();
        server.advance(Duration::from_secs(3600));
        server.refresh(APP, &first.refresh).await;
        log.expect("WARN regrant: reuse_detected", &["cause=\"refresh_token_reused\"", "subject=\"demo\""]);
        server.revoke(APP, &third.refresh).await;
        assert!(log.lines().is_empty(), "to log out what is dead is no refusal");
        let code = server.code(APP).await;
        server.redeem(APP, &code).await;
        server.redeem(APP, &code).await;
        log.expect("WARN regrant: grant_revoked", &["cause=\"code_reuse\""]);
        let sign_in = [("grant_type", "password"), ("username", fixtures::USER), ("password", fixtures::PASSWORD)];
        let bound = server.token_with(SPA, "A.1", &sign_in).await.tokens();
        server.refresh_with(SPA, "B.2", &bound.refresh).await;
        log.expect("WARN regrant: refused", &["cause=\"proof_of_possession_failed\""]);

        // A store that lost writes.
        let first = server.sign_in(APP).await;
        let written = server.store().written();
        let second = server.refresh(APP, &first.refresh).await.tokens();
        let old = |key: &GrantKey| written.iter().rev().find(|(own, _)| own == key).unwrap().1.clone();
        server.store().overwrite_all(|key, _| old(key));
        server.refresh(APP, &second.refresh).await.tokens();
        log.expect("WARN regrant: healed", &["generation=1"]);

        // Failures.
        server.store().set_down(true);
        server.refresh(APP, &second.refresh).await;
        log.expect(
            "ERROR regrant: unavailable",
            &["port=\"store\"", "transient=true", "error=the store is unavailable: connection refused", "grant_id="],
        );
        server.store().calm();
        server.store().overwrite_all(|_, record| GrantRecord { payload: [7; 9].into(), ..record });
        server.refresh(APP, &second.refresh).await;
        log.expect("ERROR regrant: record_corrupt", &["port=\"store\"", "transient=false", "grant_id=", "unreadable"]);
        server.store().reject();
        server.refresh(APP, &second.refresh).await;
        log.expect("ERROR regrant: rejected", &["transient=false", "permission denied for table grants"]);
    }
}

#[cfg(feature = "metrics")]
mod metering {
    use std::collections::BTreeMap;

    use metrics::{
        Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };
    use regrant::event::MetricsSink;

    use super::*;

    /// The number of writes of each metric, and the help texts.
    #[derive(Clone, Default)]
    struct Board(Arc<Mutex<BTreeMap<String, u64>>>, Arc<Mutex<BTreeMap<String, String>>>);

    struct Needle(Board, String);

    impl CounterFn for Needle {
        fn increment(&self, value: u64) {
            *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
        }

        fn absolute(&self, _: u64) {}
    }

    impl HistogramFn for Needle {
        fn record(&self, seconds: f64) {
            assert!(seconds >= 0.0);
            self.increment(1);
        }
    }

    impl Board {
        fn needle(&self, key: &Key) -> Arc<Needle> {
            let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            Arc::new(Needle(self.clone(), format!("{} {}", key.name(), labels.join(" "))))
        }

        fn help(&self, name: &KeyName, text: &SharedString) {
            self.1.lock().unwrap().insert(name.as_str().to_owned(), text.to_string());
        }
    }

    impl Recorder for Board {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
            self.help(&name, &text);
        }

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
            assert_eq!(unit, Some(Unit::Seconds));
            self.help(&name, &text);
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.needle(key))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.needle(key))
        }
    }

    #[tokio::test]
    async fn events_are_counted_and_calls_measured_under_names_that_have_a_help_text() {
        let board = Board::default();
        let _guard = metrics::set_default_local_recorder(&board);
        let sink = MetricsSink::new();
        let server = server(|service| service.events(sink.clone()).timings(sink));
        let first = server.sign_in(APP).await;
        server.refresh(APP, &first.refresh).await.tokens();
        server.refresh(APP, &first.refresh).await.tokens();
        server.store().set_down(true);
        server.refresh(APP, &first.refresh).await;
        let counts = board.0.lock().unwrap().clone();
        for (metric, count) in [
            ("regrant_events_total operation=refresh kind=rotated cause=", 1),
            ("regrant_events_total operation=refresh kind=replayed cause=lost_response", 1),
            ("regrant_events_total operation=refresh kind=unavailable cause=store", 1),
            ("regrant_operation_duration_seconds operation=issue", 1),
            ("regrant_operation_duration_seconds operation=refresh", 3),
            ("regrant_operation_duration_seconds operation=authenticate", 4),
            ("regrant_store_duration_seconds call=load", 3),
            ("regrant_store_duration_seconds call=compare_and_swap", 2),
        ] {
            assert_eq!(counts.get(metric), Some(&count), "{metric} in {counts:#?}");
        }
        let help = board.1.lock().unwrap();
        let described = counts.keys().all(|metric| help.contains_key(metric.split(' ').next().unwrap()));
        assert!(described, "{help:?}");
    }
}
