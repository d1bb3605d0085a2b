use std::fmt;

use serde_json::Value;

/// An attribute of the export that does not simply hold here as it did in AM. Its `Display` is for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The attribute, with its group: `coreOAuth2Config.codeLifetime`.
    pub setting: String,
    /// What it says, shortened; never a secret.
    pub value: String,
    /// What that comes to.
    pub meaning: Meaning,
}

impl Finding {
    pub(super) fn new(setting: impl Into<String>, value: impl Into<String>, meaning: Meaning) -> Self {
        Self { setting: setting.into(), value: value.into(), meaning }
    }

    /// Whether nobody has to read it: the setting had no effect in AM either, or means nothing here.
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

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// Nothing is lost: it is AM's default, or it had no effect.
    Harmless(&'static str),
    /// There is no counterpart: what AM did because of it does not happen.
    Unsupported(&'static str),
    /// It is about something outside of the token lifecycle, which the host does or leaves.
    Host(&'static str),
    /// It is taken over, and yet not all is as it was.
    Differs(&'static str),
    /// Another value is in force.
    Replaced {
        /// The value in force.
        by: String,
        /// Why not the one of the export.
        why: &'static str,
    },
    /// The client inherits it from a group, which is not part of the export.
    Inherited(&'static str),
    /// What it is about is left out: an inactive client, a redirection URI that is none.
    LeftOut(&'static str),
    /// AM 7 is not known to have it. It is not taken over, and its value not shown.
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

/// How many characters of a text are shown.
const SHOWN: usize = 48;

/// A value in a few words, on one line whatever it holds.
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

/// The beginning of a text, with everything escaped that could break or fake a line of a log.
pub(super) fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(SHOWN).collect::<String>().escape_debug().collect();
    if text.chars().nth(SHOWN).is_some() {
        start.push_str("...");
    }
    format!("\"{start}\"")
}

/// What stands for a value that may be a secret.
pub(super) fn hidden(value: &Value) -> &'static str {
    match value {
        Value::Null => "not set",
        _ => "(not shown)",
    }
}
