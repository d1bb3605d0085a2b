//! Short runs on each store: they check that a fill has the layout of the store, and that the run goes to its end.

use scaling::stores::{self, Results, Size};

const SIZE: Size = Size { grants: 400, sample: 100, seconds: 0.05, windows: 1 };

fn run(results: impl Future<Output = Results>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let results = runtime.block_on(results);
    let errors = results.phases.column("errors");
    assert!(results.phases.rows.len() >= 5, "{results:?}");
    assert!(results.phases.rows.iter().all(|row| row[errors] == "0"), "{results:?}");
}

#[test]
fn a_partitioned_table_of_postgres_is_filled_and_measured() {
    run(stores::postgres(SIZE, 4, &["shared_buffers=16MB".to_owned()]));
}

#[test]
fn a_cluster_of_redis_is_filled_and_measured() {
    run(stores::redis(SIZE));
}

#[test]
fn a_file_of_sqlite_is_filled_and_measured() {
    run(stores::sqlite(SIZE));
}
