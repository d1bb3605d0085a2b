//! The forms of an export, invalid exports, and secrets in exports.

use regrant::GrantType;
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod as Method, IntrospectionAccess};
use regrant::policy::{Lifetime, SenderConstraint};
use regrant_am::{Credential, Export, Problem, PublicKeys};
use serde_json::{Value, json};

use crate::{
    CLIENT_TEMPLATE, CONFIDENTIAL, FLAT, FRODO_APPLICATIONS, FRODO_SERVICE, Fixture, LIST, MAPPED, MTLS,
    PRIVATE_KEY_JWT, PROVIDER, PROVIDER_TEMPLATE, client, import, parsed, warnings,
};

const ALL: [Fixture; 10] = [
    CLIENT_TEMPLATE,
    CONFIDENTIAL,
    FLAT,
    FRODO_APPLICATIONS,
    FRODO_SERVICE,
    LIST,
    MTLS,
    PRIVATE_KEY_JWT,
    PROVIDER,
    PROVIDER_TEMPLATE,
];

#[test]
fn a_provider_is_the_same_in_every_form() {
    let rest = import(&[PROVIDER]).provider;
    let amster = json!({ "metadata": { "entityType": "OAuth2Provider", "entityId": null }, "data": parsed(PROVIDER) });
    let amster = Export::default().document("amster", &amster.to_string()).unwrap().import().unwrap().provider;
    let mut flat = serde_json::Map::new();
    for (name, value) in parsed(PROVIDER).as_object().unwrap() {
        match value {
            Value::Object(group) if !name.starts_with('_') => flat.extend(group.clone()),
            other => drop(flat.insert(name.clone(), other.clone())),
        }
    }
    let flat = Export::default().document("flat", &Value::Object(flat).to_string()).unwrap().import().unwrap().provider;
    let (frodo, enclosed) = (import(&[FRODO_SERVICE]).provider, import(&[FRODO_APPLICATIONS]).provider);
    for other in [frodo, enclosed, amster, flat] {
        assert_eq!((&other.policy, &other.grant_types), (&rest.policy, &rest.grant_types));
    }
    assert_eq!(rest.grant_types.len(), 5);
    assert_ne!(rest.policy, regrant::Policy::am_7_5());
}

#[test]
fn clients_are_found_in_every_form() {
    let import = import(&[PROVIDER, CONFIDENTIAL, LIST, FRODO_APPLICATIONS, PRIVATE_KEY_JWT, MTLS, FLAT]);
    let ids: Vec<&str> = import.clients.iter().map(|registration| registration.client.id.as_str()).collect();
    assert_eq!(ids, ["bank", "batch-job", "legacy", "orders-spa", "orders-web", "tv"]);

    let spa = client(&import, "orders-spa");
    assert_eq!(spa.client.authentication_methods, AuthenticationMethods::Only(Method::None));
    assert_eq!(spa.client.policy.refresh_token_lifetime, Some(Lifetime::Never));
    assert_eq!(spa.client.policy.grace_period, Some(std::time::Duration::ZERO.into()));
    assert!(warnings(&spa.findings, "javascriptOrigins").contains("CORS"));

    let job = client(&import, "batch-job");
    assert_eq!(job.client.authentication_methods, AuthenticationMethods::Only(Method::PrivateKeyJwt));
    assert_eq!(job.client.introspection, IntrospectionAccess::Any);
    // The provider does not allow token exchange.
    assert_eq!(job.client.grant_types, [GrantType::ClientCredentials]);
    let Credential::PrivateKeyJwt { keys: Some(PublicKeys::Jwks(jwks)), algorithm } = &job.credential else { panic!() };
    assert!(algorithm == "ES256" && jwks.contains("batch-1"));

    let bank = client(&import, "bank");
    assert_eq!(bank.client.authentication_methods, AuthenticationMethods::Only(Method::TlsClientAuth));
    assert_eq!(bank.client.policy.sender_constraint, Some(SenderConstraint::Certificate));
    let Credential::TlsClientAuth { subject_dn } = &bank.credential else { panic!() };
    assert_eq!(subject_dn.as_deref(), Some("CN=bank,O=Example,C=DE"));

    let legacy = client(&import, "legacy");
    assert_eq!(legacy.client.scope.as_str(), "read write");
    assert_eq!(legacy.client.redirect_uris[1].as_str(), "https://legacy.example/cb2");
    assert_eq!(legacy.client.policy.access_token_lifetime, Some(std::time::Duration::from_secs(900)));
    let Credential::Secret(secret) = &legacy.credential else { panic!() };
    assert_eq!(secret.expose(), "kept-in-clear-4Xq");
    assert!(warnings(&legacy.findings, "setting").contains("not known"));
}

#[test]
fn certificates_bind_tokens_only_with_the_provider_s_support() {
    let off = parsed(PROVIDER)
        .to_string()
        .replace("\"tlsCertificateBoundAccessTokensEnabled\":true", "\"tlsCertificateBoundAccessTokensEnabled\":false");
    let export = Export::default().document("p", &off).unwrap().document("c", MTLS.1).unwrap();
    assert_eq!(export.import().unwrap().clients[0].client.policy.sender_constraint, None);
}

#[test]
fn an_inactive_client_is_left_out_and_reported() {
    let import = import(&[FRODO_APPLICATIONS]);
    assert!(import.clients.iter().all(|registration| registration.client.id.as_str() != "old-portal"));
    let printed: Vec<String> =
        import.findings.iter().filter(|finding| !finding.is_harmless()).map(ToString::to_string).collect();
    assert_eq!(printed, ["old-portal.status = \"Inactive\": left out: only clients whose status is Active are served"]);
}

#[test]
fn a_missing_provider_and_an_incomplete_list_are_reported() {
    let list = json!({ "result": [parsed(CLIENT_TEMPLATE)], "pagedResultsCookie": "Y29va2ll" }).to_string();
    let import = Export::default().document("list.json", &list).unwrap().import().unwrap();
    let printed: Vec<String> = import.findings.iter().map(ToString::to_string).collect();
    assert!(printed[0].starts_with("list.json, pagedResultsCookie = (not shown): left out"), "{printed:?}");
    assert!(printed[1].contains("no provider service"), "{printed:?}");
    assert_eq!(import.provider.policy, regrant::Policy::am_7_5());
}

#[test]
fn an_error_names_the_problem_and_the_place() {
    let out_of_range = Problem::Expected("0 to 2147483647 seconds");
    let twice = r#"{ "_id": "a", "clientType": "Public", "coreOAuth2ClientConfig": { "clientType": "Confidential" } }"#;
    let table = [
        ("", "", Problem::NotJson { line: 1, column: 0 }),
        ("{", "", Problem::NotJson { line: 1, column: 1 }),
        ("{\"codeLifetime\": 1,\n\"codeLifetime\": 2}", "", Problem::DuplicateMember { line: 2, column: 18 }),
        ("42", "", Problem::NotAnExport),
        ("{}", "", Problem::NotAnExport),
        (r#"{ "_id": "x", "_type": { "_id": "J2EEAgent" } }"#, "", Problem::NotAnExport),
        (r#"[{ "codeLifetime": 60 }, 7]"#, "[1]", Problem::NotAnExport),
        (
            r#"{ "service": { "oauth-oidc": { "codeLifetime": -5 } } }"#,
            "service.oauth-oidc.codeLifetime",
            out_of_range.clone(),
        ),
        (r#"{ "codeLifetime": 2147483648 }"#, "codeLifetime", out_of_range),
        (r#"{ "codeLifetime": 1.5 }"#, "codeLifetime", Problem::Expected("a whole number")),
        (r#"{ "codeLifetime": "soon" }"#, "codeLifetime", Problem::Expected("a whole number")),
        (r#"{ "codeLifetime": "&{code.lifetime|60}" }"#, "codeLifetime", Problem::Placeholder),
        (r#"{ "codeLifetime": { "$int": "&{code.lifetime}" } }"#, "codeLifetime", Problem::Placeholder),
        (r#"{ "issueRefreshToken": 1 }"#, "issueRefreshToken", Problem::Expected("true or false")),
        (
            r#"{ "codeLifetime": 60, "refreshTokenGracePeriod": -2 }"#,
            "refreshTokenGracePeriod",
            Problem::Expected("-1 to 2147483647 seconds"),
        ),
        (
            r#"{ "advancedOAuth2Config": { "codeVerifierEnforced": "maybe" } }"#,
            "advancedOAuth2Config.codeVerifierEnforced",
            Problem::Expected("true, public, passwordless or false"),
        ),
        (r#"{ "coreOAuth2Config": [] }"#, "coreOAuth2Config", Problem::Expected("an object")),
        (r#"{ "application": { "a": 1 } }"#, "application.a", Problem::Expected("an object")),
        (r#"{ "coreOAuth2ClientConfig": {} }"#, "_id", Problem::Expected("the client's id")),
        (r#"{ "_id": "a", "clientType": "Secret" }"#, "clientType", Problem::Expected("Confidential or Public")),
        (
            r#"{ "metadata": { "entityId": "a" }, "data": { "redirectionUris": ["x:y", "https://&{host}/"] } }"#,
            "data.redirectionUris[1]",
            Problem::Placeholder,
        ),
        (twice, "coreOAuth2ClientConfig.clientType", Problem::Contradiction),
    ];
    for (json, path, problem) in table {
        let error = Export::default().document("x.json", json).and_then(Export::import).unwrap_err();
        assert_eq!((error.document(), error.path(), error.problem()), ("x.json", path, &problem), "{json}");
        assert!(error.to_string().starts_with("x.json"), "{error}");
    }
    let method = r#"{ "_id": "a", "clientType": "Confidential", "tokenEndpointAuthMethod": "hunter2" }"#;
    let error = Export::default().document("x", method).and_then(Export::import).unwrap_err();
    assert!(matches!(error.problem(), Problem::Invalid(_)) && !error.to_string().contains("hunter2"), "{error}");
    let error = Export::default().document("x", r#"{ "_id": "caf\u00e9", "clientType": "Public" }"#).unwrap_err();
    assert_eq!(error.path(), "_id");
}

#[test]
fn duplicates_are_refused() {
    let second = |first: Fixture, second: Fixture| {
        let error = Export::default().document("1", first.1).unwrap().document("2", second.1).unwrap_err();
        error.problem().clone()
    };
    assert_eq!(second(PROVIDER, PROVIDER_TEMPLATE), Problem::SecondProvider);
    assert_eq!(second(MTLS, MTLS), Problem::SecondClient);
}

#[test]
fn no_value_of_any_attribute_causes_a_panic() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!("x\n\u{7f}\u{202e}"),
        json!("\u{e9}".repeat(5000)),
        json!([[1], null, "[9]=", "|"]),
        json!({}),
        json!({ "inherited": true }),
        json!({ "inherited": "x", "value": { "inherited": false } }),
    ];
    let flat = parsed(FLAT);
    let wrapped = [
        json!({ "meta": {}, "service": { "oauth-oidc": {}, "x": {} }, "application": { "app": flat } }),
        json!({ "metadata": { "entityId": "app" }, "data": flat }),
        json!({ "result": [flat], "pagedResultsCookie": null }),
    ];
    let mut refused = 0;
    for whole in wrapped.into_iter().chain([PROVIDER_TEMPLATE, CLIENT_TEMPLATE].map(parsed)) {
        // Attributes that are only reported are treated alike: one group of them is enough.
        let is_read = |path: &String| {
            let names = || path.split('/').skip(1);
            names().count() == 1 || path.starts_with("/consent/") || names().any(|name| MAPPED.contains(&name))
        };
        for path in paths(&whole, "").into_iter().filter(is_read) {
            for value in &odd {
                let mut changed = whole.clone();
                *changed.pointer_mut(&path).unwrap() = value.clone();
                match Export::default().document("x", &changed.to_string()).and_then(Export::import) {
                    Ok(import) => assert!(import.all_findings().all(|finding| !finding.to_string().contains('\n'))),
                    Err(error) => refused += usize::from(!error.to_string().contains('\n')),
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

/// The JSON pointers of all members, and of the first item of each list.
fn paths(value: &Value, base: &str) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.replace('/', "~1"), value)).collect(),
        Value::Array(items) => {
            items.iter().take(1).enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = members.into_iter().flat_map(|(name, value)| {
        let path = format!("{base}/{name}");
        let below = paths(value, &path);
        std::iter::once(path).chain(below)
    });
    below.collect()
}

#[test]
fn no_secret_of_an_export_appears_in_output() {
    const SECRETS: [&str; 5] = ["hunter2", "kept-in-clear", "n0tF0rAnyLog", "f83OJ3D2", "x_FEzRu9"];
    let mut seen = Vec::new();
    for fixture in ALL {
        let export = Export::default().document(fixture.0, fixture.1).unwrap();
        seen.push(format!("{export:?} {export:#?}"));
        let import = export.import().unwrap();
        seen.push(format!("{import:?} {import:#?}"));
        seen.extend(import.all_findings().map(|finding| finding.to_string()));
    }
    let seen = seen.join("\n");
    for secret in SECRETS {
        assert!(ALL.iter().any(|(_, json)| json.contains(secret)), "{secret} is in no fixture");
        assert!(!seen.contains(secret), "{secret} is shown");
    }
}
