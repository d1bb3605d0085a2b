use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::catalogue::{self, Known};
use super::error::{ImportError, Place, Problem};
use super::finding::{Finding, Meaning, excerpt, hidden, shown};

/// The tabs of AM's console, which appear as groups in an export. Older exports have no groups.
const GROUPS: [&str; 16] = [
    "advancedOAuth2ClientConfig",
    "advancedOAuth2Config",
    "advancedOIDCConfig",
    "cibaConfig",
    "clientDynamicRegistrationConfig",
    "consent",
    "coreOAuth2ClientConfig",
    "coreOAuth2Config",
    "coreOIDCConfig",
    "coreOpenIDClientConfig",
    "coreUmaClientConfig",
    // The global service keeps the initial values of new realms there.
    "defaults",
    "deviceCodeConfig",
    "overrideOAuth2ClientConfig",
    "pluginsConfig",
    "signEncOAuth2ClientConfig",
];

/// Members about the export itself. The caller reads the id.
const FRAME: [&str; 2] = ["_id", "_type"];

/// The attributes of a provider or a client. A mapped attribute is removed, and [`into_findings`](Self::into_findings)
/// reports all that are left, so none is forgotten.
pub(super) struct Attributes {
    place: Place,
    left: BTreeMap<String, Attribute>,
    /// The attributes that were taken, for findings and errors about them.
    taken: BTreeMap<&'static str, Taken>,
    findings: Vec<Finding>,
}

struct Attribute {
    place: Place,
    setting: String,
    value: Value,
    is_inherited: bool,
}

struct Taken {
    place: Place,
    setting: String,
    shown: String,
}

impl Attributes {
    pub(super) fn new(place: Place, members: Map<String, Value>) -> Result<Self, ImportError> {
        let mut attributes = Self { place, left: BTreeMap::new(), taken: BTreeMap::new(), findings: Vec::new() };
        attributes.add(&attributes.place.clone(), "", members)?;
        Ok(attributes)
    }

    fn add(&mut self, place: &Place, group: &str, members: Map<String, Value>) -> Result<(), ImportError> {
        for (name, value) in members.into_iter().filter(|(name, _)| !FRAME.contains(&name.as_str())) {
            let place = place.member(&name);
            let setting = if group.is_empty() { name.clone() } else { format!("{group}.{name}") };
            if GROUPS.contains(&name.as_str()) {
                let Value::Object(members) = value else { return Err(place.fault(Problem::Expected("an object"))) };
                self.add(&place, &setting, members)?;
                continue;
            }
            let (value, is_inherited) = unwrapped(value);
            match self.left.get(&name) {
                Some(other) if other.value == value => {}
                Some(_) => return Err(place.fault(Problem::Contradiction)),
                None => {
                    self.left.insert(name, Attribute { place, setting, value, is_inherited });
                }
            }
        }
        Ok(())
    }

    /// Adds a finding about an attribute that was taken, or about its absence.
    pub(super) fn report(&mut self, name: &'static str, meaning: Meaning) {
        let finding = match self.taken.get(name) {
            Some(taken) => Finding::new(&taken.setting, &taken.shown, meaning),
            None => Finding::new(name, "not set", meaning),
        };
        self.findings.push(finding);
    }

    /// Adds a finding about one item of a list.
    pub(super) fn report_item(&mut self, name: &'static str, item: &str, meaning: Meaning) {
        let setting = self.taken.get(name).map_or(name, |taken| &taken.setting);
        self.findings.push(Finding::new(setting, excerpt(item), meaning));
    }

    /// Returns an error about an attribute that was taken.
    pub(super) fn fault(&self, name: &str, problem: Problem) -> ImportError {
        self.taken.get(name).map_or(&self.place, |taken| &taken.place).clone().fault(problem)
    }

    pub(super) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, ImportError> {
        self.read(name, "a whole number", |value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(digits) => digits.parse().ok(),
            _ => None,
        })
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, ImportError> {
        self.read(name, "true or false", |value| match value {
            Value::Bool(value) => Some(*value),
            Value::String(word) => word.parse().ok(),
            _ => None,
        })
    }

    /// Takes a text; `None` when it is empty. Older versions have a switch in place of some texts: it is converted to a
    /// text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ImportError> {
        let text = self.read(name, "a text", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(word) => Some(word.to_string()),
            _ => None,
        })?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Takes a list, without the `[0]=` that older versions put before each item.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Option<Vec<String>>, ImportError> {
        let Some(Attribute { place, value, .. }) = self.take(name) else { return Ok(None) };
        let items = match value {
            Value::Array(items) => items,
            text @ Value::String(_) => vec![text],
            _ => return Err(place.fault(problem(&value, "a list of texts"))),
        };
        let items = items.iter().enumerate().filter(|(_, item)| !item.is_null());
        let texts = items.map(|(index, item)| match item {
            Value::String(text) if !is_placeholder(item) => Ok(unnumbered(text).to_owned()),
            _ => Err(place.item(index).fault(problem(item, "a text"))),
        });
        let texts = texts.filter(|text| !matches!(text, Ok(text) if text.is_empty()));
        texts.collect::<Result<_, _>>().map(Some)
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, ImportError> {
        let Some(Attribute { place, value, .. }) = self.take(name) else { return Ok(None) };
        let known = if is_placeholder(&value) { None } else { read(&value) };
        known.map(Some).ok_or_else(|| place.fault(problem(&value, expected)))
    }

    /// Takes an attribute; `None` when it has no value.
    fn take(&mut self, name: &'static str) -> Option<Attribute> {
        let attribute = self.left.remove(name)?;
        let shown = if catalogue::is_secret(name) { hidden(&attribute.value).into() } else { shown(&attribute.value) };
        let (place, setting) = (attribute.place.clone(), attribute.setting.clone());
        self.taken.insert(name, Taken { place, setting, shown });
        if attribute.is_inherited {
            let how = match attribute.value {
                Value::Null => "it is not part of the export, and no value is given: AM's default is taken",
                _ => "it is not part of the export; the value given is taken, and stays when the group changes",
            };
            self.report(name, Meaning::Inherited(how));
        }
        Some(attribute).filter(|attribute| !attribute.value.is_null())
    }

    /// Reports each remaining attribute in `names` as without effect, with the reason.
    pub(super) fn ignore<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, why: &'static str) {
        for name in names {
            if let Some(attribute) = self.left.remove(name) {
                self.findings.push(attribute.finding(name, Meaning::Harmless(why)));
            }
        }
    }

    /// Returns all findings, with those about the attributes that are left.
    pub(super) fn into_findings(mut self, known: &[&[Known]]) -> Vec<Finding> {
        for (name, attribute) in &self.left {
            let meaning = catalogue::meaning(known, name, &attribute.value);
            self.findings.push(attribute.finding(name, meaning));
        }
        self.findings.sort_by(|a, b| a.setting.cmp(&b.setting));
        self.findings
    }
}

impl Attribute {
    fn finding(&self, name: &str, meaning: Meaning) -> Finding {
        // An unknown attribute may be a secret.
        let is_hidden = meaning == Meaning::Unknown || catalogue::is_secret(name);
        let value = if is_hidden { hidden(&self.value).to_owned() } else { shown(&self.value) };
        Finding::new(self.setting.escape_debug().to_string(), value, meaning)
    }
}

/// The value of a client's attribute, and whether it is inherited from the client's group.
fn unwrapped(value: Value) -> (Value, bool) {
    match value {
        Value::Object(mut members) if is_wrapper(&members) => {
            let is_inherited = members.get("inherited") == Some(&Value::Bool(true));
            (members.remove("value").unwrap_or(Value::Null), is_inherited)
        }
        value => (value, false),
    }
}

fn is_wrapper(members: &Map<String, Value>) -> bool {
    members.get("inherited").is_some_and(Value::is_boolean)
        && members.keys().all(|name| matches!(name.as_str(), "inherited" | "value"))
}

fn problem(value: &Value, expected: &'static str) -> Problem {
    if is_placeholder(value) { Problem::Placeholder } else { Problem::Expected(expected) }
}

/// Returns true for `"&{name|default}"`, which is `{ "$int": "&{name}" }` for numbers and switches.
fn is_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("&{"),
        Value::Object(members) => members.len() == 1 && members.keys().all(|name| name.starts_with('$')),
        _ => false,
    }
}

fn unnumbered(item: &str) -> &str {
    let numbered = item.strip_prefix('[').and_then(|rest| rest.split_once("]="));
    match numbered {
        Some((number, text)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => text,
        _ => item,
    }
}
