//! Decoding of rows. A malformed row is an error; it is never skipped. No error has a value of the row.

use std::error::Error;

use mysql_async::{Row, Value};
use regrant::clock::Timestamp;
use regrant::store::{GrantRecord, StoreError, StoredGrant, Version};
use regrant::{ClientId, GrantId, InvalidValue, Subject};

/// Decodes the grant in a row of a read, if there is one: see [`Queries`](crate::queries::Queries).
pub(crate) fn grant(row: &Row) -> Result<Option<(GrantId, StoredGrant)>, StoreError> {
    let Some(id) = bytes(row, 1)? else { return Ok(None) };
    let id = <[u8; 16]>::try_from(id).map_err(|_| damaged("its id does not have 16 bytes"))?;
    let record = GrantRecord {
        client_id: ClientId::new(present(text(row, 3)?)?).map_err(invalid)?,
        subject: text(row, 4)?.map(Subject::new).transpose().map_err(invalid)?,
        expires_at: integer(row, 5)?.map(Timestamp::from_millis),
        payload: present(bytes(row, 6)?)?.into(),
    };
    let version = Version(present(integer(row, 2)?)?.cast_unsigned());
    Ok(Some((GrantId::from_bytes(id), StoredGrant { version, record })))
}

/// Returns an integer, or `None` for NULL.
pub(crate) fn integer(row: &Row, column: usize) -> Result<Option<i64>, StoreError> {
    match row.as_ref(column) {
        Some(Value::NULL) => Ok(None),
        Some(Value::Int(number)) => Ok(Some(*number)),
        Some(Value::UInt(number)) => i64::try_from(*number).map(Some).map_err(|_| damaged("a number is too large")),
        _ => Err(damaged("a column has another type")),
    }
}

/// Returns text, or `None` for NULL.
pub(crate) fn text(row: &Row, column: usize) -> Result<Option<&str>, StoreError> {
    bytes(row, column)?.map(str::from_utf8).transpose().map_err(|_| damaged("a text is not UTF-8"))
}

/// Returns the value of a column that has one.
pub(crate) fn present<T>(value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| damaged("a value is missing"))
}

fn bytes(row: &Row, column: usize) -> Result<Option<&[u8]>, StoreError> {
    match row.as_ref(column) {
        Some(Value::NULL) => Ok(None),
        Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
        _ => Err(damaged("a column has another type")),
    }
}

fn invalid(error: InvalidValue) -> StoreError {
    StoreError::corrupt(error)
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::corrupt(Box::<dyn Error + Send + Sync>::from(what))
}
