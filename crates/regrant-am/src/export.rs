use std::collections::BTreeMap;

use serde_json::error::Category;
use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::client::{ClientRegistration, inactive};
use super::error::{ImportError, Place, Problem};
use super::finding::{Finding, Meaning, shown};
use super::provider::Provider;
use super::strict::Strict;
use regrant::ClientId;

/// Collects the documents that AM exported from one realm: the provider service and the clients, in any order and any
/// of the three forms.
#[derive(Default)]
pub struct Export {
    provider: Option<Entity>,
    /// The provider service within a client: Frodo repeats it in each.
    enclosed_provider: Option<Entity>,
    clients: BTreeMap<ClientId, Entity>,
    findings: Vec<Finding>,
    is_grace_cap_lifted: bool,
}

/// The result of [`Export::import`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Import {
    /// The settings for all clients.
    pub provider: Provider,
    /// The active clients, by id.
    pub clients: Vec<ClientRegistration>,
    /// Other findings: inactive clients, and parts of the documents that are neither the provider service nor a client.
    pub findings: Vec<Finding>,
}

impl Import {
    /// All findings. The settings of a client have its id as prefix.
    pub fn all_findings(&self) -> impl Iterator<Item = Finding> {
        let of_clients = self.clients.iter().flat_map(|registration| {
            registration.findings.iter().map(|finding| {
                let setting = format!("{}.{}", registration.client.id, finding.setting);
                Finding::new(setting, finding.value.clone(), finding.meaning.clone())
            })
        });
        self.findings.iter().chain(&self.provider.findings).cloned().chain(of_clients)
    }
}

/// A provider service or a client.
struct Entity {
    place: Place,
    members: Map<String, Value>,
}

impl Export {
    /// States that AM's server property `org.forgerock.openam.oauth2.client.graceperiod.disabled` is true, which is not
    /// part of a realm's export. Grace periods of more than 120 s then end with the first use of the successor, however
    /// late ([`GracePeriod::UntilSuccessorUse`](regrant::policy::GracePeriod::UntilSuccessorUse)).
    #[must_use]
    pub const fn with_grace_period_cap_lifted(mut self) -> Self {
        self.is_grace_cap_lifted = true;
        self
    }

    /// Adds a document. Errors show `name`, for example the name of its file.
    ///
    /// # Errors
    /// When the document is not JSON, contains neither a provider service nor a client, or repeats one.
    pub fn document(mut self, name: &str, json: &str) -> Result<Self, ImportError> {
        let place = Place::document(name);
        match serde_json::from_str(json) {
            Ok(Strict(value)) => self.read(&place, value)?,
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let is_data = error.classify() == Category::Data;
                return Err(place.fault(if is_data {
                    Problem::DuplicateMember { line, column }
                } else {
                    Problem::NotJson { line, column }
                }));
            }
        }
        Ok(self)
    }

    /// Converts the documents. Without a provider service, AM's defaults apply.
    ///
    /// # Errors
    /// The first value that AM does not allow.
    pub fn import(self) -> Result<Import, ImportError> {
        let mut findings = self.findings;
        if let (Some(_), Some(enclosed)) = (&self.provider, &self.enclosed_provider) {
            let why = Meaning::Harmless("the provider service that was exported by itself holds");
            findings.push(Finding::new(enclosed.place.to_string(), "(not shown)", why));
        }
        let provider = if let Some(Entity { place, members }) = self.provider.or(self.enclosed_provider) {
            Provider::from_attributes(Attributes::new(place, members)?, self.is_grace_cap_lifted)?
        } else {
            let why = Meaning::Replaced { by: "AM's defaults".to_owned(), why: "the export has no provider service" };
            findings.push(Finding::new("oauth-oidc", "not set", why));
            Provider::am_7_5(self.is_grace_cap_lifted)
        };
        let mut clients = Vec::new();
        for (id, Entity { place, members }) in self.clients {
            let mut attributes = Attributes::new(place, members)?;
            match inactive(&id, &mut attributes)? {
                Some(left_out) => findings.push(left_out),
                None => {
                    clients.push(ClientRegistration::from_attributes(id, attributes, &provider)?);
                }
            }
        }
        Ok(Import { provider, clients, findings })
    }

    fn read(&mut self, place: &Place, value: Value) -> Result<(), ImportError> {
        match value {
            Value::Array(items) => {
                items.into_iter().enumerate().try_for_each(|(index, item)| self.read(&place.item(index), item))
            }
            Value::Object(members) => self.read_object(place, members),
            _ => Err(place.clone().fault(Problem::NotAnExport)),
        }
    }

    fn read_object(&mut self, place: &Place, mut members: Map<String, Value>) -> Result<(), ImportError> {
        if members.get("result").is_some_and(Value::is_array) {
            if members.get("pagedResultsCookie").is_some_and(|cookie| !cookie.is_null()) {
                let why = Meaning::LeftOut("the list goes on: export its other pages too");
                self.findings.push(Finding::new(place.member("pagedResultsCookie").to_string(), "(not shown)", why));
            }
            let results = members.remove("result").unwrap_or_default();
            return self.read(&place.member("result"), results);
        }
        if members.get("metadata").is_some_and(Value::is_object)
            && let Some(Value::Object(mut data)) = members.remove("data")
        {
            let id = members.get("metadata").and_then(|metadata| metadata.get("entityId")).cloned();
            data.entry("_id").or_insert(id.unwrap_or_default());
            return self.read_entity(place.member("data"), data);
        }
        if !["service", "application"].into_iter().any(|name| members.get(name).is_some_and(Value::is_object)) {
            return self.read_entity(place.clone(), members);
        }
        for (name, value) in members {
            let place = place.member(&name);
            match (name.as_str(), value) {
                ("service", Value::Object(services)) => self.read_services(&place, services)?,
                ("application", Value::Object(clients)) => self.read_applications(&place, clients)?,
                ("meta", _) => {}
                (_, value) => self.findings.push(not_read(&place, &value)),
            }
        }
        Ok(())
    }

    fn read_services(&mut self, place: &Place, services: Map<String, Value>) -> Result<(), ImportError> {
        for (name, value) in services {
            let place = place.member(&name);
            match value {
                Value::Object(members) if name == "oauth-oidc" => self.add_provider(Entity { place, members })?,
                value => self.findings.push(not_read(&place, &value)),
            }
        }
        Ok(())
    }

    fn read_applications(&mut self, place: &Place, clients: Map<String, Value>) -> Result<(), ImportError> {
        for (id, value) in clients {
            let place = place.member(&id);
            let Value::Object(mut members) = value else { return Err(place.fault(Problem::Expected("an object"))) };
            members.entry("_id").or_insert(Value::String(id));
            self.add_client(place, members)?;
        }
        Ok(())
    }

    /// Reads an entity, whose kind follows from its members.
    fn read_entity(&mut self, place: Place, members: Map<String, Value>) -> Result<(), ImportError> {
        let kind = members.get("_type").and_then(|kind| kind.get("_id")).and_then(Value::as_str);
        let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
        match kind {
            Some("oauth-oidc") => self.add_provider(Entity { place, members }),
            Some("OAuth2Client") => self.add_client(place, members),
            None if has(&CLIENT_MARKS) => self.add_client(place, members),
            None if has(&PROVIDER_MARKS) => self.add_provider(Entity { place, members }),
            _ => Err(place.fault(Problem::NotAnExport)),
        }
    }

    fn add_provider(&mut self, entity: Entity) -> Result<(), ImportError> {
        match &self.provider {
            Some(known) if known.members != entity.members => Err(entity.place.fault(Problem::SecondProvider)),
            _ => {
                self.provider = Some(entity);
                Ok(())
            }
        }
    }

    fn add_client(&mut self, place: Place, mut members: Map<String, Value>) -> Result<(), ImportError> {
        if let Some(Value::Object(members)) = members.remove("_provider") {
            let entity = Entity { place: place.member("_provider"), members };
            match &self.enclosed_provider {
                Some(known) if known.members != entity.members => {
                    return Err(entity.place.fault(Problem::SecondProvider));
                }
                _ => self.enclosed_provider = Some(entity),
            }
        }
        let Some(Value::String(id)) = members.get("_id") else {
            return Err(place.member("_id").fault(Problem::Expected("the client's id")));
        };
        let id = ClientId::new(id).map_err(|error| place.member("_id").fault(Problem::Invalid(error)))?;
        if self.clients.contains_key(&id) {
            return Err(place.fault(Problem::SecondClient));
        }
        self.clients.insert(id, Entity { place, members });
        Ok(())
    }
}

/// Members that only a client has.
const CLIENT_MARKS: [&str; 7] = [
    "coreOAuth2ClientConfig",
    "advancedOAuth2ClientConfig",
    "signEncOAuth2ClientConfig",
    "coreOpenIDClientConfig",
    "overrideOAuth2ClientConfig",
    "clientType",
    "redirectionUris",
];

/// Members that only a provider has.
const PROVIDER_MARKS: [&str; 7] = [
    "coreOAuth2Config",
    "advancedOAuth2Config",
    "coreOIDCConfig",
    "deviceCodeConfig",
    "defaults",
    "codeLifetime",
    "issueRefreshToken",
];

fn not_read(place: &Place, value: &Value) -> Finding {
    Finding::new(place.to_string(), shown(value), Meaning::Harmless("neither the provider service nor a client"))
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clients: Vec<&ClientId> = self.clients.keys().collect();
        f.debug_struct("Export").field("clients", &clients).finish_non_exhaustive()
    }
}
