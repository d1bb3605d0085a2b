//! Authorization details (RFC 9396): two JSON texts, separated by the byte 0x1e. A lenient parser says what must be
//! accepted.

use regrant::AuthorizationDetails;
use serde_json::{Map, Value};

use crate::product;

type Object = Map<String, Value>;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (one, other) = text.split_once('\u{1e}').unwrap_or((text, text));
    let (Some(left), Some(right)) = (details(one), details(other)) else { return };
    let [own, others] = [&left, &right].map(AuthorizationDetails::objects);
    let length = one.len() + other.len();
    let is_subset = product(length, || left.is_subset_of(&right));
    assert_eq!(is_subset, own.iter().all(|object| others.contains(object)));
    let both = product(length, || left.intersection(&right));
    let expected: Vec<&Object> = own.iter().filter(|object| others.contains(object)).collect();
    assert!(objects(both.as_ref()).iter().eq(expected));
    assert!(both.is_none_or(|both| both.is_subset_of(&left) && both.is_subset_of(&right)));
    let of_types = product(length, || left.of_types(&right.types()));
    let is_wanted = |object: &&Object| others.iter().any(|other| other["type"] == object["type"]);
    assert!(objects(of_types.as_ref()).iter().eq(own.iter().filter(is_wanted)));
}

fn objects(details: Option<&AuthorizationDetails>) -> Vec<Object> {
    details.map(AuthorizationDetails::objects).unwrap_or_default()
}

/// Parses details, and compares them with those of the lenient parser.
fn details(text: &str) -> Option<AuthorizationDetails> {
    let details = product(text.len(), || AuthorizationDetails::new(text).ok());
    let expected = serde_json::from_str(text).ok().filter(|value| is_admitted(value, text));
    assert_eq!(details.is_some(), expected.is_some(), "{text:?}");
    let details = details?;
    // The text is canonical: a client may send it back, and gets the same.
    let printed = details.as_str();
    assert_eq!(AuthorizationDetails::new(printed).as_ref(), Ok(&details));
    assert_eq!(serde_json::from_str::<Value>(printed).map(|value| value.to_string()).ok().as_deref(), Some(printed));
    assert_eq!(serde_json::to_value(&details).ok(), expected);
    assert!(details.is_subset_of(&details));
    assert_eq!(details.intersection(&details).as_ref(), Some(&details));
    assert_eq!(details.of_types(&details.types()).as_ref(), Some(&details));
    assert_eq!(format!("{details:?}"), format!("AuthorizationDetails({} bytes)", printed.len()));
    Some(details)
}

/// The grammar and the bounds that the documentation of the type states.
fn is_admitted(value: &Value, text: &str) -> bool {
    let Some(objects) = value.as_array() else { return false };
    let has_type = |object: &Value| object["type"].as_str().is_some_and(|own| !own.is_empty());
    text.len() <= 4096
        && value.to_string().len() <= 4096
        && (1..=32).contains(&objects.len())
        && objects.iter().all(has_type)
        && depth(value) <= 8
        && values(value) <= 512
        && names_each_member_once(text, value)
}

/// The lenient parser has dropped a member that is named twice; the text still has its colon.
pub(super) fn names_each_member_once(text: &str, value: &Value) -> bool {
    colons(text) == members(value)
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

fn depth(value: &Value) -> usize {
    let is_nested = value.is_array() || value.is_object();
    usize::from(is_nested) + children(value).into_iter().map(depth).max().unwrap_or_default()
}

fn values(value: &Value) -> usize {
    1 + children(value).into_iter().map(values).sum::<usize>()
}

fn members(value: &Value) -> usize {
    value.as_object().map_or(0, Map::len) + children(value).into_iter().map(members).sum::<usize>()
}

/// The number of colons outside of the texts of a JSON document.
fn colons(text: &str) -> usize {
    let (mut count, mut is_inside, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_inside,
            b'"' => is_inside = !is_inside,
            b':' if !is_inside => count += 1,
            _ => {}
        }
    }
    count
}
