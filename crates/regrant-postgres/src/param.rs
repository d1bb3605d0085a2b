use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, WrongType};

/// Parameter of a statement. Its `Debug` hides payloads: a driver logs the parameters of every statement at debug
/// level.
#[derive(Clone, Copy)]
pub(crate) enum Param<'a> {
    Bytes(&'a [u8]),
    /// Payload of a record.
    Payload(&'a [u8]),
    Text(Option<&'a str>),
    Int(Option<i64>),
}

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Payload(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Text(text) => text.fmt(f),
            Self::Int(number) => number.fmt(f),
        }
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Bytes(bytes) | Self::Payload(bytes) => bytes.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Int(number) => number.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        <&[u8]>::accepts(ty) || <&str>::accepts(ty) || i64::accepts(ty)
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let is_accepted = match self {
            Self::Bytes(_) | Self::Payload(_) => <&[u8]>::accepts(ty),
            Self::Text(_) => <&str>::accepts(ty),
            Self::Int(_) => i64::accepts(ty),
        };
        if is_accepted { self.to_sql(ty, out) } else { Err(WrongType::new::<Self>(ty.clone()).into()) }
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Param<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Param<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}
