//! What AM's attributes are about that have no counterpart in the library.

mod client;
mod provider;

pub(super) use client::{CLIENT, OVERRIDES};
pub(super) use provider::{GLOBAL, PROVIDER};

use serde_json::Value;

use super::finding::Meaning;

/// Attributes that are about one thing.
pub(super) struct Known {
    pub(super) names: &'static [&'static str],
    /// The values that ask for nothing: AM's default, or what is so here too.
    usual: &'static [&'static str],
    matter: Matter,
}

#[derive(Clone, Copy)]
enum Matter {
    /// It means nothing here, whatever its value.
    Harmless(&'static str),
    /// It is the host's to do.
    Host(&'static str),
    /// Nothing does it.
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

/// What an attribute that nobody mapped comes to.
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

/// Whether nobody may see the value of this attribute. Key sets count: some have symmetric keys in them.
pub(super) fn is_secret(name: &str) -> bool {
    const SECRETS: [&str; 6] =
        ["clientJwtPublicKey", "customProperties", "hashSalt", "jwkSet", "updateAccessToken", "userpassword"];
    is_encrypted(name) || SECRETS.contains(&name)
}

fn is_encrypted(name: &str) -> bool {
    name.ends_with("-encrypted")
}

/// `[Empty]` is AM's word for a choice that was not made.
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
