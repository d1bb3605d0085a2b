//! The key that a token is bound to (RFC 7800).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The thumbprint of the key to which tokens are bound (`cnf`, RFC 7800).
///
/// A thumbprint is no secret. A thief of a bound token needs the private key, which never leaves the client. The serde
/// form is the value of `cnf` in introspection responses and JWTs:
///
/// ```
/// use regrant::grant::Confirmation;
///
/// let cnf = serde_json::to_string(&Confirmation::DpopKey([0; 32]))?;
/// assert_eq!(cnf, r#"{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Confirmation {
    /// SHA-256 thumbprint of a DPoP key (`jkt`, RFC 9449 section 6; computed as in RFC 7638).
    DpopKey([u8; 32]),
    /// SHA-256 thumbprint of a client certificate in DER (`x5t#S256`, RFC 8705 section 3.1). A renewed certificate has
    /// another thumbprint, even if it has the same key.
    Certificate([u8; 32]),
}

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
