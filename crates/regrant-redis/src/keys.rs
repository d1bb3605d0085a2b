//! Key names. The part in braces is the hash tag, which selects the cluster slot. Names are encoded, so they cannot
//! contain braces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::store::{GrantKey, GrantRecord, UseId};
use regrant::token::Realm;
use regrant::{ClientId, Subject};

/// Builds key names under one prefix.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: String,
}

/// Owner of the grants in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Subject(Subject),
    Client(ClientId),
}

/// The two sorted sets of an owner, in the same slot.
#[derive(Clone, Debug)]
pub(crate) struct IndexKeys {
    /// Ids with the second of their entry, ordered by id.
    pub(crate) ids: String,
    /// Ids ordered by the time until which their entry is kept.
    pub(crate) ends: String,
}

impl Keys {
    /// Returns `None` if the prefix contains braces: they would put all grants into one slot.
    pub(crate) fn new(prefix: String) -> Option<Self> {
        (!prefix.contains(['{', '}'])).then_some(Self { prefix })
    }

    pub(crate) fn grant(&self, key: &GrantKey) -> String {
        [self.prefix.as_str(), "g:{", &key.id.to_string(), "}:", key.realm.as_str()].concat()
    }

    pub(crate) fn used(&self, id: &UseId) -> String {
        format!("{}u:{{{}}}", self.prefix, URL_SAFE_NO_PAD.encode(id.as_bytes()))
    }

    /// Keys of a value and a sorted set in one slot, for the check of rights.
    pub(crate) fn probe(&self, slot: usize) -> [String; 2] {
        ["value", "set"].map(|name| format!("{}p:{{{slot}}}:{name}", self.prefix))
    }

    /// Pattern of all keys for `ACL SETUSER`.
    pub(crate) fn all(&self) -> String {
        format!("~{}*", self.prefix)
    }

    pub(crate) fn index(&self, realm: &Realm, owner: &Owner) -> IndexKeys {
        let (kind, name) = match owner {
            Owner::Subject(subject) => ('s', subject.as_str()),
            Owner::Client(client_id) => ('c', client_id.as_str()),
        };
        let [realm, name] = [realm.as_str(), name].map(|text| URL_SAFE_NO_PAD.encode(text));
        let base = format!("{}{kind}:{{{realm}.{name}}}", self.prefix);
        IndexKeys { ids: format!("{base}:ids"), ends: format!("{base}:ends") }
    }
}

impl Owner {
    pub(crate) fn owns(&self, record: &GrantRecord) -> bool {
        match self {
            Self::Subject(subject) => record.subject.as_ref() == Some(subject),
            Self::Client(client_id) => record.client_id == *client_id,
        }
    }
}
