use std::fmt;

use serde_json::Value;

/// An attribute of the export that does not have the same effect as in AM. Its `Display` is for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The attribute, with its group: `coreOAuth2Config.codeLifetime`.
    pub setting: String,
    /// The value, shortened; never a secret.
    pub value: String,
    /// The effect.
    pub meaning: Meaning,
}

impl Finding {
    pub(super) fn new(setting: impl Into<String>, value: impl Into<String>, meaning: Meaning) -> Self {
        Self { setting: setting.into(), value: value.into(), meaning }
    }

    /// Returns true if the finding needs no attention: the setting had no effect in AM either, or has no meaning here.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        matches!(self.meaning, Meaning::Harmless(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.setting, self.value, self.meaning)
    }
}

/// The effect of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// Nothing is lost: the value is AM's default, or had no effect.
    Harmless(&'static str),
    /// Without counterpart: this behavior of AM is missing.
    Unsupported(&'static str),
    /// The setting is not about the token lifecycle. The host may implement it.
    Host(&'static str),
    /// The setting is imported, but its behavior differs in part.
    Differs(&'static str),
    /// Another value applies.
    Replaced {
        /// The value that applies.
        by: String,
        /// The reason why the value of the export does not apply.
        why: &'static str,
    },
    /// The client inherits the setting from a group, which is not part of the export.
    Inherited(&'static str),
    /// The item is left out: an inactive client, an invalid redirect URI.
    LeftOut(&'static str),
    /// Not a known attribute of AM 7. It is not imported, and its value is not shown.
    Unknown,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harmless(why) => write!(f, "nothing to do: {why}"),
            Self::Unsupported(what) => write!(f, "no counterpart: {what}"),
            Self::Host(what) => write!(f, "the host's to do: {what}"),
            Self::Differs(how) => write!(f, "taken over, but {how}"),
            Self::Replaced { by, why } => write!(f, "replaced by {by}: {why}"),
            Self::Inherited(how) => write!(f, "inherited from a group: {how}"),
            Self::LeftOut(why) => write!(f, "left out: {why}"),
            Self::Unknown => f.write_str("not known: not taken over"),
        }
    }
}

/// The number of characters of a text that are shown.
const SHOWN: usize = 48;

/// A short form of a value, always on one line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => excerpt(text),
        Value::Array(items) => match items.as_slice() {
            [] => "[]".to_owned(),
            [only] => format!("[{}]", shown(only)),
            several => format!("[{} values]", several.len()),
        },
        Value::Object(members) => format!("{{{} members}}", members.len()),
    }
}

/// The beginning of a text. Characters that could break or fake a log line are escaped.
pub(super) fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(SHOWN).collect::<String>().escape_debug().collect();
    if text.chars().nth(SHOWN).is_some() {
        start.push_str("...");
    }
    format!("\"{start}\"")
}

/// The placeholder for a value that may be a secret.
pub(super) fn hidden(value: &Value) -> &'static str {
    match value {
        Value::Null => "not set",
        _ => "(not shown)",
    }
}
