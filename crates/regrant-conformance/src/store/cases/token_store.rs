//! The contract of `load` and `compare_and_swap`.

mod concurrency;

use std::collections::HashSet;

use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, StoredGrant, Swap, Version};

use super::support::{
    FAR, assert_record, create, ending, existing, id, key, load, owned_record, realm, record, refused, replace, swap,
};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    let mut cases = cases![
        a_key_that_was_never_written_has_no_record,
        a_record_comes_back_as_it_was_written,
        creating_twice_conflicts,
        swapping_what_is_not_there_conflicts,
        every_write_has_a_version_of_its_own,
        a_version_is_no_count_of_the_writes_of_its_record,
        a_stale_version_conflicts,
        a_conflict_changes_nothing,
        a_version_of_another_key_conflicts,
        each_write_is_seen_by_the_next_load,
        keys_are_compared_byte_for_byte,
        a_realm_is_part_of_the_key,
        payloads_of_any_bytes_and_of_0_to_64_kib,
        names_with_difficult_characters,
        ends_of_every_kind,
        the_end_may_move_either_way,
        a_record_past_its_end_may_vanish_but_never_returns
    ];
    cases.extend(concurrency::cases());
    cases
}

/// A missing record is `None`.
async fn a_key_that_was_never_written_has_no_record(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    assert_eq!(load(&*store, &key(1)).await, None);
    create(&*store, &key(1), record("one")).await;
    assert_eq!(load(&*store, &key(2)).await, None);
}

/// All fields, as they were.
async fn a_record_comes_back_as_it_was_written(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for (number, written) in [record("bytes"), owned_record("bytes", "robot", None)].into_iter().enumerate() {
        let key = key(number as u64);
        create(&*store, &key, written.clone()).await;
        assert_record(&existing(&*store, &key).await.record, &written);
        assert_eq!(existing(&*store, &key).await, existing(&*store, &key).await, "a load changes nothing");
    }
}

/// `Expect::Absent` holds once.
async fn creating_twice_conflicts(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), record("first")).await;
    // Also with the very same record: a creation repeated is no creation.
    for second in ["second", "first"] {
        refused(&*store, &key(1), Expect::Absent, record(second)).await;
    }
    assert_record(&existing(&*store, &key(1)).await.record, &record("first"));
}

/// `Expect::Version` does not create.
async fn swapping_what_is_not_there_conflicts(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let elsewhere = create(&*store, &key(1), record("elsewhere")).await;
    for version in [Version(0), Version(1), Version(u64::MAX), elsewhere] {
        refused(&*store, &key(2), Expect::Version(version), record("x")).await;
        assert_eq!(load(&*store, &key(2)).await, None);
    }
}

/// Also when the record is the same each time.
async fn every_write_has_a_version_of_its_own(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut version = create(&*store, &key(1), record("same")).await;
    let mut seen = HashSet::from([version]);
    for _ in 0..100 {
        version = replace(&*store, &key(1), version, record("same")).await;
        assert!(seen.insert(version), "{version:?} was used before");
    }
}

/// A count begins anew when a record was deleted, and repeats itself when a database was restored: then a slow writer
/// overwrites a record that it never read (ABA). It shows without a deletion: new records have the same version.
async fn a_version_is_no_count_of_the_writes_of_its_record(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut first = HashSet::new();
    for number in 0..4 {
        first.insert(create(&*store, &key(number), record("x")).await);
    }
    assert!(first.len() > 1, "each new record has {first:?}: draw versions, with `Version::random`");
}

/// A decision on an older record must be made again.
async fn a_stale_version_conflicts(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut versions = vec![create(&*store, &key(1), record("0")).await];
    for round in 1..5 {
        let current = versions[versions.len() - 1];
        versions.push(replace(&*store, &key(1), current, record(round.to_string())).await);
        for stale in &versions[..versions.len() - 1] {
            refused(&*store, &key(1), Expect::Version(*stale), record("stale")).await;
        }
    }
    assert_record(&existing(&*store, &key(1)).await.record, &record("4"));
}

/// A conflict changes neither the record, its version or its end, nor another record.
async fn a_conflict_changes_nothing(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let first = create(&*store, &key(1), record("first")).await;
    replace(&*store, &key(1), first, record("second")).await;
    create(&*store, &key(2), record("neighbour")).await;
    let before = (existing(&*store, &key(1)).await, existing(&*store, &key(2)).await);
    let other = || ending(owned_record("other", "other", Some("other")), Timestamp::from_millis(FAR.as_millis() + 1));
    refused(&*store, &key(1), Expect::Absent, other()).await;
    refused(&*store, &key(1), Expect::Version(first), other()).await;
    refused(&*store, &key(3), Expect::Version(first), other()).await;
    assert_eq!((existing(&*store, &key(1)).await, existing(&*store, &key(2)).await), before);
    assert_eq!(load(&*store, &key(3)).await, None);
    // The version is still current.
    replace(&*store, &key(1), before.0.version, record("third")).await;
}

/// A version belongs to its key.
async fn a_version_of_another_key_conflicts(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let first = create(&*store, &key(1), record("one")).await;
    let mut second = create(&*store, &key(2), record("two")).await;
    // A store that counts fails another case: here the two are led apart.
    if second == first {
        second = replace(&*store, &key(2), second, record("two")).await;
    }
    refused(&*store, &key(1), Expect::Version(second), record("crossed")).await;
    assert_record(&existing(&*store, &key(1)).await.record, &record("one"));
}

/// One after the other, on one handle.
async fn each_write_is_seen_by_the_next_load(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut version = create(&*store, &key(1), record("0")).await;
    for round in 1..100 {
        let written = record(round.to_string());
        assert_eq!(swap(&*store, &key(1), Expect::Version(version), written.clone()).await, Swap::Stored);
        let seen = existing(&*store, &key(1)).await;
        assert_record(&seen.record, &written);
        version = seen.version;
    }
}

/// Ids that differ in one bit, that text would cut short, that a collation would fold.
async fn keys_are_compared_byte_for_byte(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut ids: Vec<[u8; 16]> =
        vec![[0; 16], [0xff; 16], *b"aaaaaaaaaaaaaaaa", *b"AAAAAAAAAAAAAAAA", *b"a               "];
    ids.push(*b"a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    ids.push(*b"a\0b\0\0\0\0\0\0\0\0\0\0\0\0\0");
    for byte in 0..16 {
        let mut bytes = [0; 16];
        bytes[byte] = 1;
        ids.push(bytes);
        bytes[byte] = 0x80;
        ids.push(bytes);
    }
    let key = |bytes: &[u8; 16]| GrantKey { realm: realm(""), id: GrantId::from_bytes(*bytes) };
    for bytes in &ids {
        create(&*store, &key(bytes), record(bytes)).await;
    }
    for bytes in &ids {
        assert_record(&existing(&*store, &key(bytes)).await.record, &record(bytes));
    }
}

/// One id in many realms is many records. Realms of one tenant must not open another's.
async fn a_realm_is_part_of_the_key(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let long = "r".repeat(128);
    let names = [
        "",
        "alpha",
        "Alpha",
        "alpha ",
        " alpha",
        "alph\u{e4}",
        "alpha/beta",
        "{alpha}",
        "}",
        "%",
        "_",
        "'",
        "\\",
        &long,
    ];
    for name in names {
        let key = GrantKey { realm: realm(name), id: id(1) };
        assert_eq!(load(&*store, &key).await, None, "{name:?}");
        create(&*store, &key, record(name)).await;
    }
    for name in names {
        let key = GrantKey { realm: realm(name), id: id(1) };
        assert_record(&existing(&*store, &key).await.record, &record(name));
    }
}

/// The payload is opaque: no byte in it is special.
async fn payloads_of_any_bytes_and_of_0_to_64_kib(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..65_536_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let payloads = [vec![], vec![0], vec![0; 1000], b"\xff\xfe\xc3\x28'\"\\\r\n".to_vec(), every_byte, large];
    for (number, payload) in payloads.iter().enumerate() {
        let key = key(number as u64);
        let version = create(&*store, &key, record(payload.clone())).await;
        assert_record(&existing(&*store, &key).await.record, &record(payload.clone()));
        // And from any of them to any other.
        let next = &payloads[(number + 1) % payloads.len()];
        replace(&*store, &key, version, record(next.clone())).await;
        assert_record(&existing(&*store, &key).await.record, &record(next.clone()));
    }
}

/// Every character that a client id or a subject may have.
async fn names_with_difficult_characters(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let long = "n".repeat(255);
    let clients = ["a", "A", " ", "a b ", "it's", "\"x\"", "100%", "a_b", "back\\slash", "{x}", "a:b", "*", "~", &long];
    let subjects =
        ["demo", "Demo", "d\u{e9}mo", "de\u{301}mo", "\u{1f511}", "{demo}", "}{", "a:b", "*", "' OR 1=1 --", &long];
    for (number, client) in clients.iter().enumerate() {
        let written = owned_record("x", client, Some(subjects[number % subjects.len()]));
        create(&*store, &key(number as u64), written.clone()).await;
        assert_record(&existing(&*store, &key(number as u64)).await.record, &written);
    }
}

/// No end, a far end, and the largest timestamp.
async fn ends_of_every_kind(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let odd = Timestamp::from_millis(FAR.as_millis() + 1);
    let ends = [None, Some(FAR), Some(odd), Some(Timestamp::from_millis(i64::MAX))];
    for (number, expires_at) in ends.into_iter().enumerate() {
        let mut written = record("x");
        written.expires_at = expires_at;
        create(&*store, &key(number as u64), written.clone()).await;
        assert_record(&existing(&*store, &key(number as u64)).await.record, &written);
    }
}

/// A refresh moves the end later, a revocation may move it earlier, a policy may remove it.
async fn the_end_may_move_either_way(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut version = create(&*store, &key(1), record("x")).await;
    let near = Timestamp::from_millis(FAR.as_millis() - 1_000_000);
    let away = Timestamp::from_millis(FAR.as_millis() + 1_000_000);
    for expires_at in [Some(away), Some(near), None, Some(near), Some(away), None, Some(FAR)] {
        let mut moved = record("x");
        moved.expires_at = expires_at;
        version = replace(&*store, &key(1), version, moved.clone()).await;
        assert_eq!(existing(&*store, &key(1)).await, StoredGrant { version, record: moved });
    }
}

/// A store with a clock of its own may drop such a record at once. It must not bring the record back.
async fn a_record_past_its_end_may_vanish_but_never_returns(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let past = Timestamp::from_millis(1_000);
    let living = create(&*store, &key(1), record("living")).await;
    let ended = ending(record("ended"), past);
    assert_eq!(swap(&*store, &key(1), Expect::Version(living), ended.clone()).await, Swap::Stored);
    let mut is_there = true;
    for _ in 0..20 {
        match load(&*store, &key(1)).await {
            Some(stored) => {
                assert!(is_there, "it vanished and came back");
                assert_record(&stored.record, &ended);
            }
            None => is_there = false,
        }
        refused(&*store, &key(1), Expect::Version(living), record("stale")).await;
    }
    if !is_there {
        let anew = create(&*store, &key(1), record("anew")).await;
        assert_ne!(anew, living);
        refused(&*store, &key(1), Expect::Version(living), record("stale")).await;
    }
}
