//! Authorization details (RFC 9396): the content of an authorization, where a scope is too coarse.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::vocabulary::{InvalidValue, literal, strict_json};

/// The maximum length of the text. A JWT access token with it still fits into the 8 KiB of headers that most servers
/// accept.
const MAX_LENGTH: usize = 4096;
const MAX_OBJECTS: usize = 32;
/// The maximum depth, the array included.
const MAX_DEPTH: usize = 8;
/// The maximum number of values at all depths. Readers of JWTs have such a limit too.
const MAX_VALUES: usize = 512;

/// Authorization details (RFC 9396 section 2): a JSON array of 1 to 32 objects, each with a `type`. At most 4096 bytes,
/// 8 levels and 512 values. No object names a member twice.
///
/// The text is kept without spaces between the values. Two details are the same if they have the same members,
/// whatever the order. The library compares them and does not understand them: the host checks the members of each type
/// when it asks the user (RFC 9396 section 5).
///
/// `Debug` shows the length only: details can name accounts and amounts.
///
/// ```
/// use regrant::AuthorizationDetails;
///
/// let granted = AuthorizationDetails::new(
///     r#"[{"type": "account_information", "actions": ["list_accounts"]},
///         {"type": "payment_initiation", "instructedAmount": {"currency": "EUR", "amount": "123.50"}}]"#,
/// )?;
/// assert_eq!(granted.types(), ["account_information", "payment_initiation"]);
///
/// let accounts = AuthorizationDetails::new(r#"[{"actions":["list_accounts"],"type":"account_information"}]"#)?;
/// assert!(accounts.is_subset_of(&granted));
/// assert_eq!(accounts.objects()[0]["actions"][0], "list_accounts");
/// assert!(AuthorizationDetails::new(r#"[{"actions":[]}]"#).is_err()); // no type
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AuthorizationDetails(
    // A pointer of one word. Most grants have no details, and their values are moved with each request.
    Arc<String>,
);

impl AuthorizationDetails {
    /// Parses the JSON text, such as the parameter `authorization_details`.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text violates the grammar above, or is too long.
    pub fn new(json: impl AsRef<str>) -> Result<Self, InvalidValue> {
        let objects = parse(json.as_ref())?;
        let text = serde_json::to_string(&objects).map_err(|_| INVALID)?;
        if text.len() > MAX_LENGTH { Err(TOO_LONG) } else { Ok(Self(Arc::new(text))) }
    }

    /// Parses a literal in the code.
    ///
    /// # Panics
    /// Panics if the text is not valid. Use [`new`](Self::new) for text from outside.
    #[must_use]
    pub fn from_static(json: &'static str) -> Self {
        literal(Self::new(json), json)
    }

    /// Takes the text of a record as it is: a later release may write a number in another way.
    pub(crate) fn stored(json: &str) -> Result<Self, InvalidValue> {
        parse(json).map(|_| Self(Arc::new(json.to_owned())))
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the objects, in order.
    #[must_use]
    pub fn objects(&self) -> Vec<Map<String, Value>> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Returns the `type` of each object, in order.
    #[must_use]
    pub fn types(&self) -> Vec<String> {
        self.objects().iter().filter_map(type_of).map(str::to_owned).collect()
    }

    /// Returns true if each object of `self` is also one of `other`, with all its members and no more.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        let others = other.objects();
        self == other || self.objects().iter().all(|object| others.contains(object))
    }

    /// Returns the objects that are also in `other`; `None` if there are none.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let others = other.objects();
        self.retained(|object| others.contains(object))
    }

    /// Returns the objects of one of these types; `None` if there are none.
    #[must_use]
    pub fn of_types(&self, types: &[String]) -> Option<Self> {
        self.retained(|object| type_of(object).is_some_and(|own| types.iter().any(|admitted| admitted == own)))
    }

    /// Keeps the text if every object is kept, so that equal choices have equal texts.
    fn retained(&self, is_kept: impl Fn(&Map<String, Value>) -> bool) -> Option<Self> {
        let mut objects = self.objects();
        let before = objects.len();
        objects.retain(is_kept);
        match objects.len() {
            0 => None,
            kept if kept == before => Some(self.clone()),
            _ => serde_json::to_string(&objects).ok().map(|text| Self(Arc::new(text))),
        }
    }
}

const INVALID: InvalidValue =
    InvalidValue::new("authorization_details", "must be a JSON array of 1 to 32 objects with a type");
const TOO_LONG: InvalidValue = InvalidValue::new("authorization_details", "must be at most 4096 bytes long");

fn type_of(object: &Map<String, Value>) -> Option<&str> {
    object.get("type")?.as_str()
}

fn parse(json: &str) -> Result<Vec<Map<String, Value>>, InvalidValue> {
    if json.len() > MAX_LENGTH {
        return Err(TOO_LONG);
    }
    let objects: Vec<Map<String, Value>> = strict_json(json.as_bytes(), MAX_DEPTH, MAX_VALUES).ok_or(INVALID)?;
    let has_type = |object: &Map<String, Value>| type_of(object).is_some_and(|own| !own.is_empty());
    if (1..=MAX_OBJECTS).contains(&objects.len()) && objects.iter().all(has_type) { Ok(objects) } else { Err(INVALID) }
}

impl FromStr for AuthorizationDetails {
    type Err = InvalidValue;

    fn from_str(json: &str) -> Result<Self, InvalidValue> {
        Self::new(json)
    }
}

impl TryFrom<Value> for AuthorizationDetails {
    type Error = InvalidValue;

    /// Takes a JSON value, for a host that composes the details itself.
    fn try_from(value: Value) -> Result<Self, InvalidValue> {
        Self::new(value.to_string())
    }
}

impl Serialize for AuthorizationDetails {
    /// Writes the JSON array, as in token responses, introspection responses and JWTs.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.objects().serialize(serializer)
    }
}

impl fmt::Debug for AuthorizationDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationDetails({} bytes)", self.0.len())
    }
}
