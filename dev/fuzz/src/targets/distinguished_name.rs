//! Registered names of certificates (RFC 4514). They come from the configuration, so their length is bounded by the
//! operator: 2 KB here.

use regrant_jose::certificate::DistinguishedName;

use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    let parse = |text: &str| product(text.len(), || text.parse::<DistinguishedName>()).ok();
    let (Some(one), Some(other)) = (parse(one), parse(other)) else { return };
    assert!(product(text.len(), || one == one.clone()));
    assert_eq!(one.eq(&other), other.eq(&one));
    let _ = (one.to_string(), format!("{other:?}"));
}
