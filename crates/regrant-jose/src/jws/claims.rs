use std::fmt;

use regrant::clock::Timestamp;
use serde_json::{Map, Value};

use super::JwsError;

/// The last second of the year 9999, the end of many calendars.
const LAST_SECOND: i64 = 253_402_300_799;

/// The claims of a token (RFC 7519 section 4). The accessors fail closed: a claim of the wrong type counts as missing,
/// and is never converted.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Returns the claim, of any type.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns a string claim.
    ///
    /// # Errors
    /// When the claim is missing or of another type.
    pub fn text(&self, name: &'static str) -> Result<&str, JwsError> {
        self.optional_text(name)?.ok_or(JwsError::Claim(name))
    }

    /// Returns a string claim, if present.
    ///
    /// # Errors
    /// When the claim is of another type, `null` included.
    pub fn optional_text(&self, name: &'static str) -> Result<Option<&str>, JwsError> {
        self.value(name).map(|value| value.as_str().ok_or(JwsError::Claim(name))).transpose()
    }

    /// Returns a `NumericDate` claim: seconds since the Unix epoch, fractions allowed, from 1970 to 9999.
    ///
    /// # Errors
    /// When the claim is missing, out of range, or not a number.
    pub fn time(&self, name: &'static str) -> Result<Timestamp, JwsError> {
        self.optional_time(name)?.ok_or(JwsError::Claim(name))
    }

    /// Returns a `NumericDate` claim, if present.
    ///
    /// # Errors
    /// When the claim is out of range or not a number.
    pub fn optional_time(&self, name: &'static str) -> Result<Option<Timestamp>, JwsError> {
        self.value(name).map(|value| numeric_date(value).ok_or(JwsError::Claim(name))).transpose()
    }

    /// Returns `aud`: one string or several (RFC 7519 section 4.1.3), never an empty list.
    ///
    /// # Errors
    /// When the claim is missing or of another type.
    pub fn audience(&self) -> Result<Vec<&str>, JwsError> {
        let audience = match self.value("aud") {
            Some(Value::String(one)) => Some(vec![one.as_str()]),
            Some(Value::Array(several)) if !several.is_empty() => several.iter().map(Value::as_str).collect(),
            _ => None,
        };
        audience.ok_or(JwsError::Claim("aud"))
    }

    /// Returns all claims.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns all claims, owned.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl fmt::Debug for Claims {
    /// Prints only the count; claims may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.0.len())
    }
}

fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return (0..=LAST_SECOND).contains(&seconds).then(|| Timestamp::from_millis(seconds * 1000));
    }
    #[expect(clippy::cast_precision_loss, reason = "a double is exact far beyond the year 9999")]
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND as f64).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "in range, and below a millisecond nothing counts")]
    Some(Timestamp::from_millis((seconds * 1000.0) as i64))
}
