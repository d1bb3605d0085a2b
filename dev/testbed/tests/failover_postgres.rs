//! A standby that is promoted has forgotten what its primary acknowledged last; nobody is logged out for it, but what was used
//! once can be used once more.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

use std::time::Duration;

use regrant_postgres::PostgresStore;
use testbed::{Load, Postgres, Random, Report, until};

/// A store that finds the primary among the two.
async fn store(primary: &Postgres, standby: &Postgres) -> PostgresStore {
    let both = format!("{},{}", primary.address(), standby.address());
    let url = primary.url().replace(&primary.address().to_string(), &both);
    let builder = PostgresStore::builder(&url).unwrap().deadline(Duration::from_secs(1));
    builder.migrate().await.unwrap();
    builder.open().await.unwrap()
}

/// Kills the primary under load, and promotes the standby that lags or does not.
async fn failover(lag: impl FnOnce(&Postgres)) -> Report {
    let primary = Postgres::start();
    let standby = primary.standby();
    let store = store(&primary, &standby).await;
    let mut load = Load::begin(&store, 4, &mut Random::seeded());
    load.rounds(100).await;
    lag(&standby);
    load.rounds(50).await;
    primary.kill();
    standby.promote();
    load.rounds(100).await;
    let report = load.end().await;
    println!("{report}");
    assert_eq!((report.lost_sessions, report.forks), (0, 0), "{report}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_follows_takes_over_and_nobody_is_logged_out() {
    failover(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_lagged_takes_over_and_sessions_heal() {
    let report = failover(stop_following).await;
    assert!(report.heals > 0 && report.double_uses > 0, "{report}");
}

/// All that is acknowledged from now on will be lost.
fn stop_following(standby: &Postgres) {
    standby.execute("ALTER SYSTEM SET primary_conninfo = ''");
    standby.execute("SELECT pg_reload_conf()");
    until("a standby that follows no more", || standby.execute("SELECT count(*) FROM pg_stat_wal_receiver") == "0");
}
