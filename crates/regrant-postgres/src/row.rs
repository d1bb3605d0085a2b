//! Decoding of rows. A malformed row is an error; it is never skipped.

use std::error::Error;

use regrant::clock::Timestamp;
use regrant::store::{GrantRecord, StoreError, StoredGrant, Version};
use regrant::{ClientId, GrantId, InvalidValue, Subject};
#[cfg(feature = "sqlx")]
use sqlx_core::row::Row as _;
use tokio_postgres::types::FromSql;

/// A row, whichever driver has received it.
pub(crate) enum Row {
    Tokio(tokio_postgres::Row),
    #[cfg(feature = "sqlx")]
    Sqlx(sqlx_postgres::PgRow),
}

/// A type of columns that each driver decodes.
#[cfg(not(feature = "sqlx"))]
pub(crate) trait Column<'a>: FromSql<'a> {}

#[cfg(not(feature = "sqlx"))]
impl<'a, T: FromSql<'a>> Column<'a> for T {}

/// A type of columns that each driver decodes.
#[cfg(feature = "sqlx")]
pub(crate) trait Column<'a>:
    FromSql<'a> + sqlx_core::decode::Decode<'a, sqlx_postgres::Postgres> + sqlx_core::types::Type<sqlx_postgres::Postgres>
{
}

#[cfg(feature = "sqlx")]
impl<'a, T> Column<'a> for T where
    T: FromSql<'a>
        + sqlx_core::decode::Decode<'a, sqlx_postgres::Postgres>
        + sqlx_core::types::Type<sqlx_postgres::Postgres>
{
}

impl Row {
    /// Returns a column. A value of another type is an error.
    pub(crate) fn get<'a, T: Column<'a>>(&'a self, index: usize) -> Result<T, Box<dyn Error + Send + Sync>> {
        match self {
            Self::Tokio(row) => Ok(row.try_get(index)?),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(row) => Ok(row.try_get(index)?),
        }
    }
}

/// Decodes the grant in a row of a read, if there is one: see [`Queries`](crate::queries::Queries).
pub(crate) fn grant(row: &Row) -> Result<Option<(GrantId, StoredGrant)>, StoreError> {
    let Some(id) = column::<Option<&[u8]>>(row, 1)? else { return Ok(None) };
    let id = <[u8; 16]>::try_from(id).map_err(|_| damaged("its id does not have 16 bytes"))?;
    let record = GrantRecord {
        client_id: ClientId::new(column::<&str>(row, 3)?).map_err(invalid)?,
        subject: column::<Option<&str>>(row, 4)?.map(Subject::new).transpose().map_err(invalid)?,
        expires_at: column::<Option<i64>>(row, 5)?.map(Timestamp::from_millis),
        payload: column::<&[u8]>(row, 6)?.into(),
    };
    let version = Version(column::<i64>(row, 2)?.cast_unsigned());
    Ok(Some((GrantId::from_bytes(id), StoredGrant { version, record })))
}

/// Decodes the two counts of a purge.
pub(crate) fn counts(rows: &[Row]) -> Result<(usize, usize), StoreError> {
    let row = rows.first().ok_or_else(|| damaged("a count has no row"))?;
    let count = |index| column::<i64>(row, index).map(|count| usize::try_from(count).unwrap_or(0));
    Ok((count(0)?, count(1)?))
}

/// Returns a column. A value of another type is a damaged row.
pub(crate) fn column<'a, T: Column<'a>>(row: &'a Row, index: usize) -> Result<T, StoreError> {
    row.get(index).map_err(StoreError::corrupt)
}

fn invalid(error: InvalidValue) -> StoreError {
    StoreError::corrupt(error)
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::corrupt(Box::<dyn Error + Send + Sync>::from(what))
}
