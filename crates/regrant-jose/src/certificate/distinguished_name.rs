use std::fmt;
use std::str::FromStr;

use x509_cert::attr::{AttributeTypeAndValue, AttributeValue};
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Tag, Tagged as _};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// The subject of a certificate (RFC 5280 section 4.1.2.6). The text form is that of RFC 4514: the most specific part
/// first, no space after the commas.
///
/// Two names are equal when they have the same parts in the same order, with the same attributes in each. The string
/// type (`UTF8String`, `PrintableString`, `IA5String`) makes no difference. Case and spaces do: this is stricter than
/// X.500, and an authority writes the name of a client the same way each time.
///
/// ```
/// use regrant_jose::certificate::DistinguishedName;
///
/// let name: DistinguishedName = "CN=app,OU=payments,O=Example\\, Inc.,C=DE".parse()?;
/// assert_eq!(name, "cn=app,ou=payments,o=Example\\2c Inc.,c=DE".parse()?);
/// assert_ne!(name, "C=DE,O=Example\\, Inc.,OU=payments,CN=app".parse()?);
/// # Ok::<(), regrant_jose::certificate::InvalidDistinguishedName>(())
/// ```
#[derive(Clone)]
pub struct DistinguishedName(Name);

/// An invalid distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a distinguished name (RFC 4514)")]
pub struct InvalidDistinguishedName;

impl DistinguishedName {
    pub(super) const fn new(name: Name) -> Self {
        Self(name)
    }
}

impl FromStr for DistinguishedName {
    type Err = InvalidDistinguishedName;

    fn from_str(text: &str) -> Result<Self, InvalidDistinguishedName> {
        // The parser silently drops an incomplete escape.
        if !has_valid_escapes(text.as_bytes()) {
            return Err(InvalidDistinguishedName);
        }
        text.parse().map(Self).map_err(|_| InvalidDistinguishedName)
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter_rdn().zip(other.0.iter_rdn()).all(|(own, other)| is_same(own, other))
    }
}

impl Eq for DistinguishedName {}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({})", self.0)
    }
}

/// Returns true if each backslash stands before a character that needs one, or before two hexadecimal digits (RFC 4514
/// section 3).
fn has_valid_escapes(mut text: &[u8]) -> bool {
    while let Some(at) = text.iter().position(|byte| *byte == b'\\') {
        text = match &text[at + 1..] {
            [b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b' ' | b'#' | b'=', rest @ ..] => rest,
            [one, other, rest @ ..] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit() => rest,
            _ => return false,
        };
    }
    true
}

/// Compares two parts as sets of attributes: DER sorts them by encoding, which must not matter.
fn is_same(one: &RelativeDistinguishedName, other: &RelativeDistinguishedName) -> bool {
    let holds = |set: &RelativeDistinguishedName, wanted: &AttributeTypeAndValue| {
        set.iter().any(|own| own.oid == wanted.oid && is_same_value(&own.value, &wanted.value))
    };
    one.len() == other.len() && one.iter().all(|own| holds(other, own)) && other.iter().all(|own| holds(one, own))
}

fn is_same_value(one: &AttributeValue, other: &AttributeValue) -> bool {
    one == other || matches!((text(one), text(other)), (Some(one), Some(other)) if one == other)
}

fn text(value: &AttributeValue) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|text| text.as_str()),
        _ => None,
    }
}
