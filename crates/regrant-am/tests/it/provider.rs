//! Each setting of the provider service.

use fixtures::seconds;
use regrant::Policy;
use regrant::policy::{AccessTokenFormat, GracePeriod, Lifetime, RequirePkce};
use regrant_am::{Export, Meaning};
use serde_json::{Value, json};

use crate::{CLIENT_TEMPLATE, PROVIDER_TEMPLATE, parsed, provider_with, set, warnings, with};

#[test]
fn an_unknown_attribute_is_reported_without_its_value() {
    let mut provider = parsed(PROVIDER_TEMPLATE);
    provider["coreOAuth2Config"]["brandNew"] = json!("hunter2");
    provider["someGroup"] = json!({ "secret": "hunter2" });
    provider["new\nline"] = json!(1);
    let import = Export::default().document("p", &provider.to_string()).unwrap().import().unwrap();
    let unknown = import.provider.findings.iter().filter(|finding| finding.meaning == Meaning::Unknown);
    let lines: Vec<String> = unknown.map(ToString::to_string).collect();
    let expected = ["coreOAuth2Config.brandNew", "new\\nline", "someGroup"]
        .map(|setting| format!("{setting} = (not shown): not known: not taken over"));
    assert_eq!(lines, expected);
}

#[test]
fn each_setting_of_the_provider_becomes_part_of_the_policy() {
    let am = Policy::am_7_5;
    let table: Vec<(&str, Value, Policy, &str)> = vec![
        ("codeLifetime", json!(60), am().with_authorization_code_lifetime(seconds(60)), ""),
        ("codeLifetime", json!(600), am().with_authorization_code_lifetime(seconds(600)), ""),
        ("codeLifetime", json!(601), am().with_authorization_code_lifetime(seconds(600)), "= 601: replaced by 600 s"),
        ("codeLifetime", json!(0), am().with_authorization_code_lifetime(seconds(1)), "= 0: replaced by 1 s"),
        ("parRequestUriLifetime", json!(60), am().with_pushed_request_lifetime(seconds(60)), ""),
        ("parRequestUriLifetime", json!(4), am().with_pushed_request_lifetime(seconds(5)), "= 4: replaced by 5 s"),
        ("parRequestUriLifetime", json!(601), am().with_pushed_request_lifetime(seconds(600)), "replaced by 600 s"),
        ("requirePushedAuthorizationRequests", json!(true), am().with_require_pushed_authorization_requests(true), ""),
        ("accessTokenLifetime", json!(600), am().with_access_token_lifetime(seconds(600)), ""),
        ("accessTokenLifetime", json!("600"), am().with_access_token_lifetime(seconds(600)), ""),
        ("accessTokenLifetime", json!(0), am().with_access_token_lifetime(seconds(1)), "= 0: replaced by 1 s"),
        ("accessTokenLifetime", Value::Null, am(), ""),
        ("refreshTokenLifetime", json!(86_400), am().with_refresh_token_lifetime(seconds(86_400).into()), ""),
        ("refreshTokenLifetime", json!(-1), am().with_refresh_token_lifetime(Lifetime::Never), ""),
        ("refreshTokenLifetime", json!(0), am().with_refresh_token_lifetime(seconds(1).into()), "replaced by 1 s"),
        ("issueRefreshToken", json!(false), am().with_issue_refresh_tokens(false), ""),
        ("issueRefreshTokenOnRefreshedToken", json!(false), am().with_issue_refresh_tokens_on_refresh(false), ""),
        ("refreshTokenGracePeriod", json!(120), am().with_grace_period(seconds(120).into()), ""),
        (
            "refreshTokenGracePeriod",
            json!(121),
            am().with_grace_period(seconds(120).into()),
            "= 121: replaced by 120 s",
        ),
        ("refreshTokenGracePeriod", json!(-1), am(), "= -1: replaced by 0 s"),
        ("statelessTokensEnabled", json!(true), am().with_access_token_format(AccessTokenFormat::Jwt), "RFC 9068"),
        ("jwtTokenLifetime", json!(900), am().with_id_token_lifetime(seconds(900)), ""),
        ("jwtTokenLifetime", json!(0), am().with_id_token_lifetime(seconds(1)), "replaced by 1 s"),
        ("codeVerifierEnforced", json!("true"), am().with_require_pkce(RequirePkce::Everybody), ""),
        ("codeVerifierEnforced", json!(true), am().with_require_pkce(RequirePkce::Everybody), ""),
        ("codeVerifierEnforced", json!("public"), am().with_require_pkce(RequirePkce::PublicClients), ""),
        (
            "codeVerifierEnforced",
            json!("passwordless"),
            am().with_require_pkce(RequirePkce::PublicClients),
            "all of them",
        ),
        ("deviceCodeLifetime", json!(600), am().with_device_code_lifetime(seconds(600)), ""),
        ("deviceCodeLifetime", json!(7200), am().with_device_code_lifetime(seconds(3600)), "replaced by 3600 s"),
        ("devicePollInterval", json!(10), am().with_device_poll_interval(seconds(10)), ""),
        ("devicePollInterval", json!(90), am().with_device_poll_interval(seconds(60)), "replaced by 60 s"),
        ("tokenEncryptionEnabled", json!(true), am(), "no counterpart: JWTs are signed"),
        ("macaroonTokensEnabled", json!(true), am(), "no counterpart"),
        ("persistentClaims", json!(["tier"]), am(), "= [\"tier\"]: no counterpart"),
        ("validateScopeScript", json!("5cd3a2a1-0f0c-4b3e-9a55-6f1f4ea0c8d7"), am(), "no counterpart: no plugins"),
        ("clientsCanSkipConsent", json!(true), am(), "the host's to do"),
        ("hashSalt", json!("n0tF0rAnyLog"), am(), "= (not shown): the host's to do"),
        ("storeOpsTokens", json!(false), am(), ""),
    ];
    for (name, value, policy, warning) in table {
        let import = provider_with(&[(name, value.clone())]);
        assert_eq!(import.provider.policy, policy, "{name} = {value}");
        let printed = warnings(&import.provider.findings, name);
        assert!(printed.contains(warning) && printed.is_empty() == warning.is_empty(), "{name} = {value}: {printed:?}");
        assert!(policy.validate().is_ok(), "{name} = {value}");
    }
}

#[test]
fn a_grace_period_that_am_grants_to_some_tokens_only_is_reported() {
    let stateless = ("statelessTokensEnabled", json!(true));
    let import = provider_with(&[("refreshTokenGracePeriod", json!(30)), stateless]);
    assert_eq!(import.provider.policy.grace_period, seconds(30).into());
    assert!(warnings(&import.provider.findings, "refreshTokenGracePeriod").contains("server-side tokens"));

    let mut global = json!({ "defaults": parsed(PROVIDER_TEMPLATE), "storageScheme": "CTS_GRANT_SET_MODEL" });
    set(&mut global["defaults"], "refreshTokenGracePeriod", &json!(30));
    let import = Export::default().document("global", &global.to_string()).unwrap().import().unwrap();
    assert_eq!(import.provider.policy.grace_period, seconds(30).into());
    assert!(warnings(&import.provider.findings, "refreshTokenGracePeriod").contains("one-to-one"));
}

#[test]
fn with_a_lifted_cap_the_use_of_the_successor_ends_a_long_grace_period() {
    let (provider, client) = (with(PROVIDER_TEMPLATE, &[("refreshTokenGracePeriod", json!(300))]), CLIENT_TEMPLATE);
    let client = with(client, &[("refreshTokenGracePeriod", json!(3600))]);
    let export = Export::default().with_grace_period_cap_lifted();
    let import = export.document("p", &provider).unwrap().document("c", &client).unwrap().import().unwrap();
    assert_eq!(import.provider.policy.grace_period, GracePeriod::UntilSuccessorUse);
    let own = &import.clients[0].client.policy;
    assert_eq!(own.grace_period, Some(GracePeriod::UntilSuccessorUse));
    assert!(own.validate(&import.provider.policy).is_ok());
    assert!(warnings(&import.clients[0].findings, "refreshTokenGracePeriod").contains("first use"));
}
