//! A grant takes the same memory after any number of rotations.

use std::time::Duration;

use redis::cmd;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, Swap, TokenStore as _};
use testbed::Redis;

use crate::support::{HOUR, ask, at, connected, key, record_until};

const ROTATIONS: usize = 10_000;

/// Memory of all keys, and their number.
fn memory(server: &Redis) -> (usize, usize) {
    let keys: Vec<Vec<u8>> = ask(server, cmd("KEYS").arg("*"));
    let sizes = keys.iter().map(|key| ask::<usize>(server, cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0)));
    (sizes.sum(), keys.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_takes_the_same_memory_after_10_000_rotations() {
    // Only memory is measured.
    let server = Redis::start_with(&["--appendonly", "no"]);
    let store = connected(at(server.url())).await;
    let start = SystemClock.now();
    // Each rotation moves the expiry, as a refresh does.
    let rotated =
        |rotation: usize| record_until(vec![0x5a; 400], Some(start + HOUR + Duration::from_secs(rotation as u64)));
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, rotated(0)).await.unwrap(), Swap::Stored);
    let mut after_one = None::<(usize, usize)>;
    for rotation in 1..=ROTATIONS {
        let version = store.load(&key(1)).await.unwrap().unwrap().version;
        let swap = store.compare_and_swap(&key(1), Expect::Version(version), rotated(rotation)).await;
        assert_eq!(swap.unwrap(), Swap::Stored);
        after_one.get_or_insert_with(|| memory(&server));
    }
    let after_all = memory(&server);
    println!("bytes and keys of a grant with a payload of 400 bytes: {after_one:?}, {after_all:?} after {ROTATIONS}");
    // The allocator of a server may round the sizes of equal values in different ways.
    assert!(after_one.is_some_and(|(bytes, keys)| after_all.0 <= bytes + bytes / 20 && after_all.1 == keys));
}
