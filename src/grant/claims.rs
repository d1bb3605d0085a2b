//! How what a grant says of keys and actors is written into tokens and answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{Actor, Confirmation};

impl Serialize for Confirmation {
    /// The value of `cnf` (RFC 9449 section 6.1, RFC 8705 section 3.1).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (member, thumbprint) = match self {
            Self::DpopKey(thumbprint) => ("jkt", thumbprint),
            Self::Certificate(thumbprint) => ("x5t#S256", thumbprint),
        };
        let mut members = serializer.serialize_map(Some(1))?;
        members.serialize_entry(member, &URL_SAFE_NO_PAD.encode(thumbprint))?;
        members.end()
    }
}

impl Serialize for Actor {
    /// The value of `act` (RFC 8693 section 4.1): the current actor outside, former ones inside.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(1 + usize::from(self.former.is_some())))?;
        members.serialize_entry("sub", self.subject.as_str())?;
        if let Some(former) = &self.former {
            members.serialize_entry("act", former)?;
        }
        members.end()
    }
}
