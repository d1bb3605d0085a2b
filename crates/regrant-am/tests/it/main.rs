//! Imports of AM exports: each setting, and the behavior on the wire. The fixtures are complete exports in the three
//! forms of AM.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "client.rs"]
mod client_settings;
mod forms;
#[path = "provider.rs"]
mod provider_settings;
mod wire;

use std::collections::BTreeSet;

use regrant::client::{AuthenticationMethods, IntrospectionAccess};
use regrant::policy::ClientPolicy;
use regrant::{GrantType, Policy};
use regrant_am::{ClientRegistration, Credential, Export, Finding, Import};
use serde_json::{Value, json};

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../exports/", $name)))
    };
}

pub(crate) type Fixture = (&'static str, &'static str);

pub(crate) const PROVIDER_TEMPLATE: Fixture = fixture!("provider-template.json");
pub(crate) const CLIENT_TEMPLATE: Fixture = fixture!("client-template.json");
pub(crate) const PROVIDER: Fixture = fixture!("provider.json");
pub(crate) const FRODO_SERVICE: Fixture = fixture!("frodo-service.json");
pub(crate) const FRODO_APPLICATIONS: Fixture = fixture!("frodo-applications.json");
pub(crate) const CONFIDENTIAL: Fixture = fixture!("rest-confidential.json");
pub(crate) const LIST: Fixture = fixture!("rest-list.json");
pub(crate) const PRIVATE_KEY_JWT: Fixture = fixture!("amster-private-key-jwt.json");
pub(crate) const MTLS: Fixture = fixture!("amster-mtls.json");
pub(crate) const FLAT: Fixture = fixture!("flat-client.json");

/// The attributes that become part of the policy or of a client, and are reported only for unusual values.
pub(crate) const MAPPED: [&str; 30] = [
    "accessTokenLifetime",
    "authorizationCodeLifetime",
    "clientName",
    "clientType",
    "codeLifetime",
    "codeVerifierEnforced",
    "defaultScopes",
    "deviceCodeLifetime",
    "devicePollInterval",
    "grantTypes",
    "issueRefreshToken",
    "issueRefreshTokenOnRefreshedToken",
    "jwtTokenLifetime",
    "loopbackInterfaceRedirection",
    "mTLSCertificateBoundAccessTokens",
    "parRequestUriLifetime",
    "postLogoutRedirectUri",
    "providerOverridesEnabled",
    "redirectionUris",
    "refreshTokenGracePeriod",
    "refreshTokenLifetime",
    "requirePushedAuthorizationRequests",
    "require_pushed_authorization_requests",
    "scopes",
    "statelessTokensEnabled",
    "status",
    "tlsCertificateBoundAccessTokensEnabled",
    "tokenEndpointAuthMethod",
    "userinfoResponseFormat",
    "userpassword",
];

pub(crate) fn import(documents: &[Fixture]) -> Import {
    let export = documents.iter().fold(Export::default(), |export, (name, json)| export.document(name, json).unwrap());
    export.import().unwrap()
}

pub(crate) fn parsed(fixture: Fixture) -> Value {
    serde_json::from_str(fixture.1).unwrap()
}

/// Sets an attribute in whichever group it is.
pub(crate) fn set(entity: &mut Value, name: &str, value: &Value) {
    let mut groups = entity.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut);
    let slot = groups.find_map(|group| group.get_mut(name)).unwrap_or_else(|| panic!("no {name}"));
    *slot = if slot.get("inherited").is_some() { json!({ "inherited": false, "value": value }) } else { value.clone() };
}

/// The template with some attributes set.
pub(crate) fn with(template: Fixture, settings: &[(&str, Value)]) -> String {
    let mut entity = parsed(template);
    for (name, value) in settings {
        set(&mut entity, name, value);
    }
    entity.to_string()
}

pub(crate) fn provider_with(settings: &[(&str, Value)]) -> Import {
    Export::default().document("provider", &with(PROVIDER_TEMPLATE, settings)).unwrap().import().unwrap()
}

pub(crate) fn client_with(settings: &[(&str, Value)]) -> ClientRegistration {
    let export = Export::default().document("client", &with(CLIENT_TEMPLATE, settings)).unwrap();
    export.import().unwrap().clients.pop().unwrap()
}

pub(crate) fn client<'a>(import: &'a Import, id: &str) -> &'a ClientRegistration {
    import.clients.iter().find(|registration| registration.client.id.as_str() == id).unwrap()
}

pub(crate) fn find<'a>(findings: &'a [Finding], name: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.setting.rsplit('.').next() == Some(name)).collect()
}

/// The findings about one attribute that need attention, as text; empty if there are none.
pub(crate) fn warnings(findings: &[Finding], name: &str) -> String {
    let lines: Vec<String> =
        find(findings, name).iter().filter(|f| !f.is_harmless()).map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn the_provider_template_is_am_7_5_without_warnings() {
    let import = import(&[PROVIDER_TEMPLATE]);
    assert_eq!(import.provider.policy, Policy::am_7_5());
    assert_eq!(import.provider.grant_types.len(), 11);
    let to_read: Vec<_> = import.all_findings().filter(|finding| !finding.is_harmless()).collect();
    assert_eq!(to_read, []);
}

#[test]
fn the_client_template_has_the_defaults_of_am() {
    let registration = client_with(&[]);
    assert_eq!(registration.client.authentication_methods, AuthenticationMethods::Secret);
    assert_eq!(registration.client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(registration.client.policy, ClientPolicy::default());
    assert_eq!(registration.client.introspection, IntrospectionAccess::Own);
    assert!(registration.client.scope.is_empty() && registration.client.redirect_uris.is_empty());
    assert!(matches!(registration.credential, Credential::SecretNeeded));
    let to_read: Vec<_> = registration.findings.iter().filter(|finding| !finding.is_harmless()).collect();
    assert!(to_read.is_empty(), "{to_read:?}");
}

#[test]
fn each_attribute_is_imported_or_reported_and_is_in_the_guide() {
    let guide = include_str!("../../../../docs/from-am.md");
    let mut seen = 0;
    for fixture in [PROVIDER_TEMPLATE, CLIENT_TEMPLATE] {
        let import = import(&[fixture]);
        let settings: BTreeSet<String> = import.all_findings().map(|finding| finding.setting).collect();
        for (group, attributes) in parsed(fixture).as_object().unwrap() {
            for name in attributes.as_object().into_iter().flatten().map(|(name, _)| name) {
                if group.starts_with('_') {
                    continue;
                }
                let setting = format!("{group}.{name}");
                let is_reported = settings.iter().any(|own| own.ends_with(&setting));
                assert!(is_reported || MAPPED.contains(&name.as_str()), "{setting} is dropped");
                assert!(guide.contains(&format!("`{name}`")), "{name} is not in docs/from-am.md");
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
}
