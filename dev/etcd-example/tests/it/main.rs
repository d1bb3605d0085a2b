//! The store of docs/store-example-etcd.md, judged on a real etcd.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use std::process::ExitCode;

use etcd_example::EtcdStore;
use regrant::store::{Expect, Swap, TokenStore as _, Version};
use regrant_conformance::{Trial, run};
use serde_json::Value;
use testbed::{Etcd, key, record};

fn main() -> ExitCode {
    let test = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let own = [
        test("the_guide_shows_this_store", the_guide_shows_this_store),
        test("a_version_of_lost_history_is_a_conflict", a_version_of_lost_history_is_a_conflict),
    ];
    run(harness::trials().chain(own))
}

fn the_guide_shows_this_store() {
    let guide = include_str!("../../../../docs/store-example-etcd.md");
    let sources = [include_str!("../../src/lib.rs"), include_str!("harness.rs")];
    let pieces = sources.iter().flat_map(|source| source.split("// guide: ").skip(1));
    let pieces = pieces.filter_map(|piece| piece.split_once('\n')).filter(|(name, _)| *name != "end");
    let shown =
        pieces.inspect(|(name, piece)| assert!(guide.contains(piece.trim()), "the guide does not show: {name}"));
    assert_eq!(shown.count(), 9);
}

/// After a restore etcd counts the same revisions again, so a revision is no version.
#[tokio::main(flavor = "current_thread")]
async fn a_version_of_lost_history_is_a_conflict() {
    let etcd = Etcd::start();
    let store = EtcdStore::new(etcd.url());
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, record("0")).await.unwrap(), Swap::Stored);
    etcd.back_up();
    let version = replace(&store, "lost").await;
    let counted = revision(&etcd);
    etcd.restore();
    assert_eq!(*store.load(&key(1)).await.unwrap().unwrap().record.payload, *b"0");
    let found = replace(&store, "other").await;
    assert_eq!(revision(&etcd), counted, "one revision, two values");
    assert_ne!(found, version);
    let late = store.compare_and_swap(&key(1), Expect::Version(version), record("late")).await;
    assert_eq!(late.unwrap(), Swap::Conflict);
}

/// Replaces the grant and returns its version.
async fn replace(store: &EtcdStore, payload: &str) -> Version {
    let Version(version) = store.load(&key(1)).await.unwrap().unwrap().version;
    let swap = store.compare_and_swap(&key(1), Expect::Version(Version(version)), record(payload)).await;
    assert_eq!(swap.unwrap(), Swap::Stored);
    store.load(&key(1)).await.unwrap().unwrap().version
}

/// The revision of the last change of any key.
fn revision(etcd: &Etcd) -> String {
    let all = r#"{"key":"AA==","range_end":"AA==","sort_target":"MOD","sort_order":"DESCEND","limit":"1"}"#;
    let mut answer = ureq::post(format!("{}/v3/kv/range", etcd.url())).send(all).unwrap();
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    answer["kvs"][0]["mod_revision"].as_str().unwrap().to_owned()
}
