//! The form of a request: the first byte chooses the content type, the others are the body.

use std::borrow::Cow;

use regrant::wire::{Request, form};

use crate::product;

/// The last one is malformed.
const CONTENT_TYPES: [&[u8]; 6] = [
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded;charset=UTF-8",
    b"Application/X-WWW-Form-URLEncoded ; charset=\"utf-8\" ; x",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"multipart/form-data; boundary=x",
    b"\xff\xfe",
];

pub(crate) fn run(input: &[u8]) {
    let Some((first, body)) = input.split_first() else { return };
    let content_type = CONTENT_TYPES[usize::from(*first) % CONTENT_TYPES.len()];
    let headers = [("Content-Type", content_type)];
    let request = Request::new("POST", "/oauth2/token", &headers, body);
    let Ok(parameters) = product(input.len(), || form(&request, 65536)) else { return };
    // A lenient parser reads the same from a body that the strict one accepts.
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
    assert!(pairs.len() <= 64, "{} parameters", pairs.len());
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let again = Request::new("POST", "/oauth2/token", &headers, encoded.as_bytes());
    let again = form(&again, usize::MAX).expect("encoded");
    for (name, _) in &pairs {
        let named = || pairs.iter().filter(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| &**value);
        assert!(parameters.all(name).eq(named()), "{name}");
        assert!(again.all(name).eq(named()), "{name}");
        let may_repeat = matches!(&**name, "resource" | "audience");
        assert!(may_repeat || pairs.iter().filter(|(own, _)| own == name).count() == 1, "{name} is repeated");
    }
}
