//! Encoding of a grant: a short header, then the record.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | `rgr` and the version of this layout |
//! | 8 | end of the index entry, ms |
//! | 8 | version of the record |
//! | 4 | length of the value |
//! | 1 | 1 if the record is known to be replicated |
//! | 1 + 8 | 1 if the record expires, and its expiry, ms |
//! | 1 + 1 | lengths of the names |
//! | | client id, subject, payload |
//!
//! Numbers are big-endian. The fields that a swap compares come first, so that the script compares them at once. The
//! scripts use these offsets, too.

use regrant::clock::Timestamp;
use regrant::store::{GrantRecord, StoredGrant, Version};
use regrant::{ClientId, Subject};

/// Times from here on count as never: about 285 thousand years, and the largest integer that Lua scripts represent
/// exactly.
pub(crate) const NEVER: i64 = 1 << 53;

/// A key expires this many milliseconds after its record, because the clocks of the application and of the servers may
/// differ.
const CLOCK_DIFFERENCE: i64 = 60_000;

const MAGIC: [u8; 4] = *b"rgr\x01";
const HEADER: usize = 36;
pub(crate) const UNSETTLED: u8 = 0;
pub(crate) const SETTLED: u8 = 1;

/// The value is not a record, or is one of a later release.
#[derive(Debug, thiserror::Error)]
#[error("the value at the grant's key is not a record of this release")]
pub(crate) struct Unreadable;

/// A decoded record.
pub(crate) struct Found {
    pub(crate) stored: StoredGrant,
    /// True if the record was known to be replicated when it was written or last read.
    pub(crate) is_settled: bool,
}

/// Beginning of a value with this version and reach.
pub(crate) fn beginning(reach: i64, version: Version) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..12].copy_from_slice(&reach.to_be_bytes());
    bytes[12..].copy_from_slice(&version.0.to_be_bytes());
    bytes
}

/// Encodes a record, unsettled as every new write. Returns `None` if it is larger than any server accepts.
pub(crate) fn encode(reach: i64, version: Version, record: &GrantRecord) -> Option<Vec<u8>> {
    let client_id = record.client_id.as_str().as_bytes();
    let subject = record.subject.as_ref().map_or(&[][..], |subject| subject.as_str().as_bytes());
    let length = HEADER + client_id.len() + subject.len() + record.payload.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(beginning(reach, version));
    bytes.extend(u32::try_from(length).ok()?.to_be_bytes());
    bytes.push(UNSETTLED);
    bytes.push(u8::from(record.expires_at.is_some()));
    bytes.extend(record.expires_at.unwrap_or_default().as_millis().to_be_bytes());
    bytes.push(u8::try_from(client_id.len()).ok()?);
    bytes.push(u8::try_from(subject.len()).ok()?);
    bytes.extend_from_slice(client_id);
    bytes.extend_from_slice(subject);
    bytes.extend_from_slice(&record.payload);
    Some(bytes)
}

/// Expiry of the key of a record in ms; `None` means never.
pub(crate) fn expiry(record: &GrantRecord) -> Option<i64> {
    record.expires_at.filter(|end| end.as_millis() < NEVER).map(expiry_at)
}

/// Expiry in ms of a key whose content expires at `end`.
pub(crate) fn expiry_at(end: Timestamp) -> i64 {
    // The server accepts no time before 1970; the key has expired all the same.
    end.as_millis().min(NEVER).saturating_add(CLOCK_DIFFERENCE).max(1)
}

/// End of the index entry of a record: its expiry, rounded up generously, so that few refreshes have to move it.
pub(crate) fn reach(record: &GrantRecord, now: Timestamp) -> i64 {
    let end = record.expires_at.map_or(NEVER, Timestamp::as_millis);
    // The step is as large as the remaining lifetime: a refresh crosses a step once or twice in that time.
    let life = u64::try_from(end.saturating_sub(now.as_millis())).unwrap_or(0).min(NEVER.unsigned_abs());
    let step = life.next_power_of_two().cast_signed();
    end.div_euclid(step).saturating_add(1).saturating_mul(step).clamp(1, NEVER)
}

pub(crate) fn decode(value: &[u8]) -> Result<Found, Unreadable> {
    let mut reader = Reader(value);
    let magic: [u8; 4] = reader.array()?;
    let _reach: [u8; 8] = reader.array()?;
    let version = Version(u64::from_be_bytes(reader.array()?));
    let length = u32::from_be_bytes(reader.array()?);
    if magic != MAGIC || length as usize != value.len() {
        return Err(Unreadable);
    }
    let [settled, ends] = reader.array()?;
    let end = Timestamp::from_millis(i64::from_be_bytes(reader.array()?));
    let [client_id, subject] = reader.array()?.map(usize::from);
    let client_id = ClientId::new(reader.text(client_id)?).map_err(|_| Unreadable)?;
    // A subject is never empty, so length 0 means that there is none.
    let subject = match reader.text(subject)? {
        "" => None,
        subject => Some(Subject::new(subject).map_err(|_| Unreadable)?),
    };
    let record = GrantRecord { payload: reader.0.into(), client_id, subject, expires_at: (ends != 0).then_some(end) };
    Ok(Found { stored: StoredGrant { version, record }, is_settled: settled == SETTLED })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*array)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Unreadable> {
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| Unreadable)
    }
}
