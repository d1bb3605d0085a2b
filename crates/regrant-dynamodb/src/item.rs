//! Attributes of items.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use regrant::clock::Timestamp;
use regrant::store::{GrantRecord, StoredGrant, Version};
use regrant::{ClientId, Subject};

use crate::key::{Item, PARTITION, SORT};

pub(crate) const VERSION: &str = "version";
pub(crate) const PAYLOAD: &str = "payload";
/// The time from which a record may be deleted, in ms.
pub(crate) const EXPIRES_AT: &str = "expires_at";
/// The time up to which the index entries of a grant last, in ms.
pub(crate) const REACH: &str = "reach";
/// The second from which DynamoDB may delete an item.
pub(crate) const TTL: &str = "ttl";
/// The second at which an index entry was made.
pub(crate) const MADE: &str = "made";
const CLIENT: &str = "client";
const SUBJECT: &str = "subject";

/// Times from here on count as never: about 285 thousand years.
const NEVER: i64 = 1 << 53;

/// An item may be deleted this many seconds after its end, because the clocks of the application and of AWS may differ.
const CLOCK_DIFFERENCE: i64 = 60;

/// First byte of a payload. It tells the layout, and a payload is never empty.
const LAYOUT: u8 = 1;

/// The item is not a record, or is one of a later release.
#[derive(Debug, thiserror::Error)]
#[error("the item at the grant's key is not a record of this release")]
pub(crate) struct Unreadable;

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn version(version: Version) -> AttributeValue {
    AttributeValue::N(version.0.to_string())
}

pub(crate) fn payload(record: &GrantRecord) -> AttributeValue {
    AttributeValue::B(Blob::new([&[LAYOUT][..], &*record.payload].concat()))
}

/// The end of a record as the index sees it: a record without an end ends at a time that never comes.
pub(crate) fn end(record: &GrantRecord) -> Timestamp {
    let never = Timestamp::from_millis(NEVER);
    record.expires_at.map_or(never, |end| end.min(never))
}

/// End of the index entries of a record: its own end, rounded up generously, so that few refreshes need new entries.
pub(crate) fn reach(record: &GrantRecord, now: Timestamp) -> Timestamp {
    let end = end(record).as_millis();
    // The step is as large as the remaining lifetime: a refresh crosses a step once or twice in that time.
    let life = u64::try_from(end.saturating_sub(now.as_millis())).unwrap_or(0).min(NEVER.unsigned_abs());
    let step = life.next_power_of_two().cast_signed();
    Timestamp::from_millis(end.div_euclid(step).saturating_add(1).saturating_mul(step).clamp(1, NEVER))
}

/// Second from which an item that ends at `end` may be deleted; `None` means never.
pub(crate) fn ttl(end: Timestamp, now: Timestamp) -> Option<AttributeValue> {
    // An item whose time is more than five years ago is never deleted, so an end in the past counts as now.
    let end = end.max(now).as_millis();
    let second = end.div_euclid(1000).saturating_add(i64::from(end.rem_euclid(1000) != 0));
    (end < NEVER).then(|| number(second.saturating_add(CLOCK_DIFFERENCE)))
}

/// Attributes of a new grant beside its key.
pub(crate) fn encode(record: &GrantRecord, next: Version, reach: Timestamp, now: Timestamp) -> Item {
    let attributes = [
        (VERSION, Some(version(next))),
        (CLIENT, Some(AttributeValue::S(record.client_id.as_str().to_owned()))),
        (SUBJECT, record.subject.as_ref().map(|subject| AttributeValue::S(subject.as_str().to_owned()))),
        (EXPIRES_AT, record.expires_at.map(|end| number(end.as_millis()))),
        (REACH, Some(number(reach.as_millis()))),
        (TTL, ttl(end(record), now)),
        (PAYLOAD, Some(payload(record))),
    ];
    present(attributes)
}

/// The attributes that have a value.
pub(crate) fn present<const N: usize>(attributes: [(&str, Option<AttributeValue>); N]) -> Item {
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub(crate) fn decode(item: &Item) -> Result<StoredGrant, Unreadable> {
    let payload = item.get(PAYLOAD).and_then(|value| value.as_b().ok()).ok_or(Unreadable)?;
    let (&LAYOUT, payload) = payload.as_ref().split_first().ok_or(Unreadable)? else { return Err(Unreadable) };
    let subject = match item.get(SUBJECT) {
        Some(_) => Some(Subject::new(text(item, SUBJECT)?).map_err(|_| Unreadable)?),
        None => None,
    };
    let expires_at = match item.get(EXPIRES_AT) {
        Some(_) => Some(Timestamp::from_millis(parsed(item, EXPIRES_AT)?)),
        None => None,
    };
    let client_id = ClientId::new(text(item, CLIENT)?).map_err(|_| Unreadable)?;
    let record = GrantRecord { payload: payload.into(), client_id, subject, expires_at };
    Ok(StoredGrant { version: Version(parsed(item, VERSION)?), record })
}

/// The partition key and the sort key of an item.
pub(crate) fn keys(item: &Item) -> Result<(&str, &str), Unreadable> {
    Ok((text(item, PARTITION)?, text(item, SORT)?))
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, Unreadable> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).ok_or(Unreadable)
}

pub(crate) fn parsed<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, Unreadable> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok()).ok_or(Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(expires_at: Option<i64>) -> Option<GrantRecord> {
        let expires_at = expires_at.map(Timestamp::from_millis);
        Some(GrantRecord { payload: [].into(), client_id: ClientId::new("app").ok()?, subject: None, expires_at })
    }

    #[test]
    fn entries_reach_beyond_the_end_whatever_it_is() {
        for now in [0, 1_800_000_000_000, 4_000_000_000_000].map(Timestamp::from_millis) {
            for end in [i64::MIN, -1, 0, 1, 999, 1_800_000_000_001, 1_802_592_000_000, 4_102_444_800_000, NEVER - 1] {
                let record = record(Some(end)).expect("a record");
                assert!(reach(&record, now).as_millis() > end, "{end} at {now}");
            }
            for end in [None, Some(NEVER), Some(i64::MAX)] {
                let record = record(end).expect("a record");
                assert_eq!(reach(&record, now).as_millis(), NEVER);
                assert_eq!(ttl(super::end(&record), now), None);
            }
        }
    }

    #[test]
    fn nothing_is_deleted_before_its_end_or_never_because_its_end_is_long_ago() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        for (end, second) in [
            (1_800_000_000_001, 1_800_000_061),
            (1_800_000_001_000, 1_800_000_061),
            (1_800_000_001_001, 1_800_000_062),
            (0, 1_800_000_060),
            (i64::MIN, 1_800_000_060),
        ] {
            assert_eq!(ttl(Timestamp::from_millis(end), now), Some(number(second)), "{end}");
        }
    }
}
