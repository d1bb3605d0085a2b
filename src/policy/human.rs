//! Durations and limits in configuration files: "90s", "10m", "7d", "never", "unlimited".

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::vocabulary::InvalidValue;

/// A lifetime, with or without an end. In a configuration file a time such as `"7d"`, or `"never"`.
///
/// ```
/// use std::time::Duration;
/// use regrant::policy::Lifetime;
///
/// assert_eq!("7d".parse(), Ok(Lifetime::Of(Duration::from_secs(7 * 24 * 3600))));
/// assert_eq!("1h 30m".parse(), Ok(Lifetime::Of(Duration::from_secs(90 * 60))));
/// assert_eq!("never".parse(), Ok(Lifetime::Never));
/// assert!(Lifetime::Never > Duration::from_secs(u64::MAX).into());
/// ```
///
/// Lifetimes are ordered by length, and `Never` is the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum Lifetime {
    /// Ends after this time.
    Of(Duration),
    /// Never ends (AM: -1).
    Never,
}

impl From<Duration> for Lifetime {
    fn from(span: Duration) -> Self {
        Self::Of(span)
    }
}

impl FromStr for Lifetime {
    type Err = InvalidValue;

    /// Parses `never`, or numbers with units, such as `500ms`, `90s` or `1day 12h`.
    ///
    /// # Errors
    /// [`InvalidValue`] for a number without a unit, such as `600`: it could be read as seconds or as milliseconds.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text == "never" { Ok(Self::Never) } else { parse::<Self>(text).map(Self::Of) }
    }
}

impl Written for Lifetime {
    const FORM: &'static str = "write it like \"90s\", \"10m\" or \"7d\", or as \"never\"";
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl From<Lifetime> for String {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.to_string()
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(span) => humantime::format_duration(*span).fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

/// A limit of a count. In a configuration file a whole number, or `"unlimited"`.
///
/// ```
/// use regrant::Policy;
/// use regrant::policy::Limit;
///
/// let policy: Policy = toml::from_str("max_replays = 3")?;
/// assert_eq!(policy.max_replays, Limit::AtMost(3));
/// let policy: Policy = toml::from_str("max_replays = \"unlimited\"")?;
/// assert_eq!(policy.max_replays, Limit::Unlimited);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a whole number or \"unlimited\"")]
pub enum Limit {
    /// At most this many. 0 means none at all.
    AtMost(u32),
    /// No limit.
    #[serde(with = "unlimited")]
    Unlimited,
}

impl Limit {
    /// Returns true if one more would exceed the limit.
    pub(crate) const fn is_reached_by(self, count: u32) -> bool {
        match self {
            Self::AtMost(most) => count >= most,
            Self::Unlimited => false,
        }
    }
}

mod unlimited {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("unlimited")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == "unlimited" { Ok(()) } else { Err(D::Error::custom("expected \"unlimited\"")) }
    }
}

/// A type that is a text in a configuration file.
pub(super) trait Written: FromStr<Err = InvalidValue> {
    /// The form of the text, for errors.
    const FORM: &'static str;
}

/// Parses a duration with units. The error repeats no text of the file: a secret may stand in the wrong line.
pub(super) fn parse<T: Written>(text: &str) -> Result<Duration, InvalidValue> {
    humantime::parse_duration(text).map_err(|_| InvalidValue::new("duration", T::FORM))
}

/// Reads a text. A number, such as `600`, is answered with the form that has a unit.
pub(super) fn read<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: Written> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a text with a unit: {}", T::FORM)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// A duration that always ends.
struct Span(Duration);

impl FromStr for Span {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        parse::<Self>(text).map(Self)
    }
}

impl Written for Span {
    const FORM: &'static str = "write it like \"90s\", \"10m\" or \"7d\"";
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*span))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Span::deserialize(deserializer).map(|Span(span)| span)
}

/// The serde form of a duration that may be absent.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, Span};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(in crate::policy) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(|span| humantime::format_duration(span).to_string()).serialize(serializer)
    }

    pub(in crate::policy) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Span>::deserialize(deserializer)?.map(|Span(span)| span))
    }
}
