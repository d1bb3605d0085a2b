//! The attributes of AM without a counterpart in the library.

mod client;
mod provider;

pub(super) use client::{CLIENT, OVERRIDES};
pub(super) use provider::{GLOBAL, PROVIDER};

use serde_json::Value;

use super::finding::Meaning;

/// A group of attributes with one meaning.
pub(super) struct Known {
    pub(super) names: &'static [&'static str],
    /// The values without effect: AM's default, or the behavior of this library.
    usual: &'static [&'static str],
    matter: Matter,
}

#[derive(Clone, Copy)]
enum Matter {
    /// The attribute has no meaning here.
    Harmless(&'static str),
    /// The host may implement the attribute.
    Host(&'static str),
    /// The behavior is missing.
    Unsupported(&'static str),
}

const fn harmless(names: &'static [&'static str], why: &'static str) -> Known {
    Known { names, usual: &[], matter: Matter::Harmless(why) }
}

const fn host(names: &'static [&'static str], usual: &'static [&'static str], what: &'static str) -> Known {
    Known { names, usual, matter: Matter::Host(what) }
}

const fn unsupported(names: &'static [&'static str], usual: &'static [&'static str], what: &'static str) -> Known {
    Known { names, usual, matter: Matter::Unsupported(what) }
}

/// The meaning of an attribute that is not imported.
pub(super) fn meaning(tables: &[&[Known]], name: &str, value: &Value) -> Meaning {
    let Some(known) = tables.iter().copied().flatten().find(|known| known.names.contains(&name)) else {
        return if is_encrypted(name) {
            Meaning::Harmless("encrypted with AM's key, which stays there")
        } else {
            Meaning::Unknown
        };
    };
    match known.matter {
        Matter::Harmless(why) => Meaning::Harmless(why),
        _ if is_empty(value) => Meaning::Harmless("not set"),
        _ if is_one_of(known.usual, value) => Meaning::Harmless("as by default"),
        Matter::Host(what) => Meaning::Host(what),
        Matter::Unsupported(what) => Meaning::Unsupported(what),
    }
}

/// Returns true if the value must not be shown. Key sets are included: some contain symmetric keys.
pub(super) fn is_secret(name: &str) -> bool {
    const SECRETS: [&str; 6] =
        ["clientJwtPublicKey", "customProperties", "hashSalt", "jwkSet", "updateAccessToken", "userpassword"];
    is_encrypted(name) || SECRETS.contains(&name)
}

fn is_encrypted(name: &str) -> bool {
    name.ends_with("-encrypted")
}

/// `[Empty]` is AM's value for a choice that was not made.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || text == "[Empty]",
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_one_of(usual: &[&str], value: &Value) -> bool {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    usual.iter().any(|usual| usual.eq_ignore_ascii_case(&text))
}
