//! Each setting of a client.

use std::time::Duration;

use fixtures::seconds;
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod as Method, IntrospectionAccess};
use regrant::policy::{AccessTokenFormat, ClientPolicy, GracePeriod, Lifetime};
use regrant::{GrantType, RedirectUri};
use regrant_am::{Credential, Export, Meaning, PublicKeys};
use serde_json::{Value, json};

use crate::{
    CLIENT_TEMPLATE, CONFIDENTIAL, LIST, PROVIDER, PROVIDER_TEMPLATE, client, client_with, find, import, warnings, with,
};

#[test]
fn each_setting_of_a_client_is_imported() {
    type Field = fn(&ClientPolicy) -> Option<Duration>;
    let code: Field = |policy| policy.authorization_code_lifetime;
    let access: Field = |policy| policy.access_token_lifetime;
    let refresh: Field = |policy| match policy.refresh_token_lifetime? {
        Lifetime::Of(span) => Some(span),
        Lifetime::Never => Some(Duration::MAX),
    };
    let grace: Field = |policy| match policy.grace_period? {
        GracePeriod::Of(span) => Some(span),
        GracePeriod::Auto | GracePeriod::UntilSuccessorUse => Some(Duration::MAX),
    };
    let id_token: Field = |policy| policy.id_token_lifetime;
    let table: Vec<(&str, Value, Field, Option<Duration>, &str)> = vec![
        ("authorizationCodeLifetime", json!(0), code, None, ""),
        ("authorizationCodeLifetime", json!(60), code, Some(seconds(60)), ""),
        ("authorizationCodeLifetime", json!(3600), code, Some(seconds(600)), "replaced by 600 s"),
        ("accessTokenLifetime", json!(0), access, None, ""),
        ("accessTokenLifetime", json!(300), access, Some(seconds(300)), ""),
        ("refreshTokenLifetime", json!(0), refresh, None, ""),
        ("refreshTokenLifetime", json!(-1), refresh, Some(Duration::MAX), ""),
        ("refreshTokenLifetime", json!(60), refresh, Some(seconds(60)), ""),
        ("refreshTokenGracePeriod", json!(0), grace, None, ""),
        ("refreshTokenGracePeriod", json!(-1), grace, Some(Duration::ZERO), ""),
        ("refreshTokenGracePeriod", json!(30), grace, Some(seconds(30)), ""),
        ("refreshTokenGracePeriod", json!(500), grace, Some(seconds(120)), "replaced by 120 s"),
        ("jwtTokenLifetime", json!(0), id_token, None, ""),
        ("jwtTokenLifetime", json!(60), id_token, Some(seconds(60)), ""),
    ];
    for (name, value, field, expected, warning) in table {
        let registration = client_with(&[(name, value.clone())]);
        assert_eq!(field(&registration.client.policy), expected, "{name} = {value}");
        let printed = warnings(&registration.findings, name);
        assert!(printed.contains(warning) && printed.is_empty() == warning.is_empty(), "{name} = {value}: {printed:?}");
    }
}

#[test]
fn the_uris_of_a_logout_are_imported() {
    let written = json!(["https://app.example/out", "[1]=app:/out", "/out", "https://app.example/#out"]);
    let registration = client_with(&[("postLogoutRedirectUri", written)]);
    let uris: Vec<&str> = registration.client.post_logout_redirect_uris.iter().map(RedirectUri::as_str).collect();
    assert_eq!(uris, ["https://app.example/out", "app:/out"]);
    assert!(warnings(&registration.findings, "postLogoutRedirectUri").contains("not an absolute URI"));
}

#[test]
fn the_form_of_the_userinfo_response_is_imported() {
    for (form, is_signed, warning) in [
        ("JSON", false, ""),
        ("SIGNED_JWT", true, "signed with the algorithm of the client's id_tokens"),
        ("ENCRYPTED_JWT", true, "signed, not encrypted"),
        ("SIGNED_THEN_ENCRYPTED_JWT", true, "signed, not encrypted"),
    ] {
        let registration = client_with(&[("userinfoResponseFormat", json!(form))]);
        assert_eq!(registration.client.userinfo_signed_response, is_signed, "{form}");
        let printed = warnings(&registration.findings, "userinfoResponseFormat");
        assert!(printed.contains(warning) && printed.is_empty() == warning.is_empty(), "{form}: {printed:?}");
    }
}

#[test]
fn scopes_are_read_in_each_form_that_am_writes() {
    let written =
        json!(["read|Read your data", "openid|", "[2]=write|en|Write", "plain", "not a scope", "caf\u{e9}", null]);
    let registration = client_with(&[("scopes", written.clone()), ("defaultScopes", written)]);
    assert_eq!(registration.client.scope.as_str(), "openid plain read write");
    let printed = warnings(&registration.findings, "scopes");
    assert!(printed.contains("\"not a scope\": left out") && printed.contains("consent page"), "{printed}");
    let narrower = client_with(&[("scopes", json!(["read", "write"])), ("defaultScopes", json!(["read"]))]);
    assert_eq!(narrower.client.scope_of(None).unwrap().as_str(), "read");
    let none = client_with(&[("scopes", json!(["read"])), ("defaultScopes", json!([]))]);
    assert_eq!(none.client.scope_of(None), None, "AM refuses a request that names no scope");
    let wider = client_with(&[("scopes", json!(["read"])), ("defaultScopes", json!(["read", "write"]))]);
    assert!(warnings(&wider.findings, "defaultScopes").contains("do not have the rest"));
    for scope in ["am-introspect-all-tokens", "am-introspect-all-tokens-any-realm"] {
        assert_eq!(client_with(&[("scopes", json!([scope]))]).client.introspection, IntrospectionAccess::Any);
    }
}

#[test]
fn redirection_uris_are_imported_unchanged_or_left_out() {
    let written = json!(["https://app.example/cb?x=1", "[1]=com.example.app:/cb", "/relative", "https://a.example/#f"]);
    let registration = client_with(&[("redirectionUris", written)]);
    let taken: Vec<&str> = registration.client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    assert_eq!(taken, ["https://app.example/cb?x=1", "com.example.app:/cb"]);
    assert_eq!(warnings(&registration.findings, "redirectionUris").matches("left out").count(), 2);

    // A wildcard port: `loopbackInterfaceRedirection`.
    let written =
        json!(["http://127.0.0.1:80*/cb", "http://[::1]:80?0/cb", "http://localhost:*/cb", "http://127.0.0.1:80/x"]);
    let wild = client_with(&[("redirectionUris", written.clone()), ("loopbackInterfaceRedirection", json!(true))]);
    let taken: Vec<&str> = wild.client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    assert_eq!(taken, ["http://127.0.0.1/cb", "http://[::1]/cb", "http://127.0.0.1:80/x"]);
    assert!(warnings(&wild.findings, "redirectionUris").contains("\"http://localhost:*/cb\": left out"));
    let tame = client_with(&[("redirectionUris", json!(["http://127.0.0.1:80/x"]))]);
    assert!(warnings(&tame.findings, "redirectionUris").contains("any port"));
}

#[test]
fn a_name_is_imported_without_its_language() {
    let name = |names: Value| {
        let registration = client_with(&[("clientName", names)]);
        (registration.client.name, warnings(&registration.findings, "clientName"))
    };
    assert_eq!(name(json!([])), (None, String::new()));
    assert_eq!(name(json!(["Orders"])), (Some("Orders".to_owned()), String::new()));
    assert_eq!(name(json!(["[0]=fr|Boutique"])), (Some("Boutique".to_owned()), String::new()));
    let (several, warning) = name(json!(["fr|Boutique", "Orders"]));
    assert_eq!(several.as_deref(), Some("Orders"));
    assert!(warning.contains("one name"), "{warning}");
    let import = import(&[PROVIDER, CONFIDENTIAL]);
    assert_eq!(client(&import, "orders-web").client.name.as_deref(), Some("Orders"));
}

#[test]
fn pushed_requests_and_authorization_details_are_imported() {
    let client = client_with(&[("require_pushed_authorization_requests", json!(true))]).client;
    assert_eq!(client.policy.require_pushed_authorization_requests, Some(true));
    let inherits = client_with(&[("require_pushed_authorization_requests", json!(false))]).client;
    assert_eq!(inherits.policy.require_pushed_authorization_requests, None);
    // AM 7.5 does not have it; later releases do.
    let later = r#"{ "_id": "app", "clientType": "Public", "authorizationDetailTypes": ["account", "[1]=payment"] }"#;
    let import = Export::default().document("client", later).unwrap().import().unwrap();
    assert_eq!(import.clients[0].client.authorization_details_types, ["account", "payment"]);
}

#[test]
fn grant_types_are_those_that_provider_and_client_both_have() {
    let import = import(&[PROVIDER, CONFIDENTIAL, LIST]);
    let expected = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Password];
    assert_eq!(client(&import, "orders-web").client.grant_types[..3], expected);
    assert_eq!(client_with(&[("grantTypes", json!([]))]).client.grant_types, [GrantType::AuthorizationCode]);

    let provider = with(PROVIDER_TEMPLATE, &[("grantTypes", json!(["refresh_token"]))]);
    let wanted = json!(["[0]=authorization_code", "refresh_token", "implicit", "magic", "refresh_token"]);
    let restricted = Export::default().document("p", &provider).unwrap();
    let restricted = restricted.document("c", &with(CLIENT_TEMPLATE, &[("grantTypes", wanted)])).unwrap();
    let registration = restricted.import().unwrap().clients.pop().unwrap();
    assert_eq!(registration.client.grant_types, [GrantType::RefreshToken]);
    let printed = warnings(&registration.findings, "grantTypes");
    for word in ["\"authorization_code\": left out", "\"implicit\": left out", "\"magic\": left out"] {
        assert!(printed.contains(word), "{printed}");
    }
    // An empty list of the provider counts as no list.
    let provider = with(PROVIDER_TEMPLATE, &[("grantTypes", json!([]))]);
    let nothing =
        Export::default().document("p", &provider).unwrap().document("c", CLIENT_TEMPLATE.1).unwrap().import().unwrap();
    assert!(nothing.provider.grant_types.is_empty() && nothing.clients[0].client.grant_types.is_empty());
}

#[test]
fn overrides_apply_as_a_whole_or_not_at_all() {
    let changed = [
        ("issueRefreshToken", json!(false)),
        ("issueRefreshTokenOnRefreshedToken", json!(false)),
        ("statelessTokensEnabled", json!(true)),
        ("tokenEncryptionEnabled", json!(true)),
    ];
    let off = client_with(&changed);
    assert_eq!(off.client.policy, ClientPolicy::default());
    assert!(changed.iter().all(|(name, _)| matches!(find(&off.findings, name)[0].meaning, Meaning::Harmless(_))));

    let on = client_with(&[&changed[..], &[("providerOverridesEnabled", json!(true))]].concat());
    assert_eq!(on.client.policy.issue_refresh_tokens, Some(false));
    assert_eq!(on.client.policy.issue_refresh_tokens_on_refresh, Some(false));
    assert_eq!(on.client.policy.access_token_format, Some(AccessTokenFormat::Jwt));
    assert!(warnings(&on.findings, "tokenEncryptionEnabled").contains("no counterpart"));

    // With the switch on, untouched settings override the provider too, even if the export omits them.
    let sparse = r#"{ "_id": "app", "overrideOAuth2ClientConfig": { "providerOverridesEnabled": true } }"#;
    let provider =
        with(PROVIDER_TEMPLATE, &[("issueRefreshToken", json!(false)), ("statelessTokensEnabled", json!(true))]);
    let import = Export::default().document("p", &provider).unwrap().document("c", sparse).unwrap().import().unwrap();
    let own = &import.clients[0].client.policy;
    assert_eq!(own.issue_refresh_tokens, Some(true));
    assert_eq!(own.issue_refresh_tokens_on_refresh, Some(true));
    assert_eq!(own.access_token_format, Some(AccessTokenFormat::Opaque));
}

#[test]
fn a_value_from_a_group_is_imported_and_the_group_reported() {
    let import = import(&[PROVIDER, CONFIDENTIAL]);
    let registration = client(&import, "orders-web");
    assert_eq!(registration.client.policy.refresh_token_lifetime, Some(seconds(43_200).into()));
    let [finding] = find(&registration.findings, "refreshTokenLifetime")[..] else { panic!("{registration:?}") };
    assert!(matches!(finding.meaning, Meaning::Inherited(_)));
    assert_eq!(finding.value, "43200");
    assert!(warnings(&registration.findings, "agentgroup").contains("web-apps"));
    let empty = r#"{ "_id": "app", "coreOAuth2ClientConfig": { "accessTokenLifetime": { "inherited": true } } }"#;
    let import = Export::default().document("c", empty).unwrap().import().unwrap();
    assert_eq!(import.clients[0].client.policy.access_token_lifetime, None);
    assert!(warnings(&import.clients[0].findings, "accessTokenLifetime").contains("AM's default"));
}

#[test]
fn a_client_authenticates_as_in_am_and_never_more_weakly() {
    let public = client_with(&[("clientType", json!("Public"))]);
    assert_eq!(public.client.authentication_methods, AuthenticationMethods::Only(Method::None));
    assert!(matches!(public.credential, Credential::None));
    assert!(warnings(&public.findings, "tokenEndpointAuthMethod").is_empty());

    let placeholder = client_with(&[("userpassword", json!("&{app.secret}"))]);
    assert!(matches!(placeholder.credential, Credential::SecretNeeded));

    let open = client_with(&[("tokenEndpointAuthMethod", json!("none"))]);
    assert_eq!(open.client.authentication_methods, AuthenticationMethods::Secret);
    assert!(warnings(&open.findings, "tokenEndpointAuthMethod").contains("replaced by a client secret"));

    let settings =
        [("tokenEndpointAuthMethod", json!("private_key_jwt")), ("tokenEndpointAuthSigningAlgorithm", json!("HS256"))];
    let mac = client_with(&settings);
    assert_eq!(mac.client.authentication_methods, AuthenticationMethods::Only(Method::ClientSecretJwt));
    assert!(matches!(mac.credential, Credential::SecretNeeded));

    let keyless = client_with(&[("tokenEndpointAuthMethod", json!("private_key_jwt"))]);
    let Credential::PrivateKeyJwt { keys: None, algorithm } = keyless.credential else { panic!("{keyless:?}") };
    assert_eq!(algorithm, "RS256");
    assert!(warnings(&keyless.findings, "jwksUri").contains("cannot authenticate"));

    let settings = [
        ("tokenEndpointAuthMethod", json!("self_signed_tls_client_auth")),
        ("publicKeyLocation", json!("x509")),
        ("mTLSTrustedCert", json!("-----BEGIN CERTIFICATE-----")),
    ];
    let Credential::SelfSignedTlsClientAuth { keys } = client_with(&settings).credential else { panic!() };
    assert_eq!(keys, Some(PublicKeys::Certificate("-----BEGIN CERTIFICATE-----".to_owned())));
}

// AM enforces the registered method only if the scope of the client has `openid`.
#[test]
fn the_registered_method_is_enforced_when_the_scope_has_openid() {
    use AuthenticationMethods::{Only, Secret};
    let of = |method: &str, scope: &str| {
        client_with(&[("tokenEndpointAuthMethod", json!(method)), ("scopes", json!([scope]))])
    };
    for (name, method) in
        [("client_secret_basic", Method::ClientSecretBasic), ("client_secret_post", Method::ClientSecretPost)]
    {
        for (scope, expected) in [("openid", Only(method)), ("read", Secret)] {
            let registration = of(name, scope);
            assert_eq!(registration.client.authentication_methods, expected, "{name} {scope}");
            assert!(warnings(&registration.findings, "tokenEndpointAuthMethod").is_empty(), "as in AM: {name} {scope}");
        }
    }
    // The library is stricter than AM, and reports it.
    let strict = of("private_key_jwt", "read");
    assert_eq!(strict.client.authentication_methods, Only(Method::PrivateKeyJwt));
    assert!(warnings(&strict.findings, "tokenEndpointAuthMethod").contains("no secret is accepted in its place"));
    let held = of("private_key_jwt", "openid");
    assert_eq!(held.client.authentication_methods, strict.client.authentication_methods);
    assert!(warnings(&held.findings, "tokenEndpointAuthMethod").is_empty());
}
