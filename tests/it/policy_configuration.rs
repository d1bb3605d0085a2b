//! The policy: defaults, AM's defaults, configuration files, rejected values, and overrides.

use std::time::Duration;

use fixtures::{APP, Config, OTHER, Server, StubIssuer, client, seconds};
use regrant::event::EventKind;
use regrant::policy::{
    AccessTokenFormat, ClientPolicy, GracePeriod, Lifetime, Limit, OnReuse, OnRollback, OnUnknownScope,
    PreviousAccessToken, RefreshTokenExpiration, RequirePkce, SenderConstraint,
};
use regrant::{
    AuthenticatedClient, Client, ClientRegistry, ClientSecret, GrantType, IssueRequest, Key, KeyRing, MemoryStore,
    Policy, SecretHash, TokenService,
};
use serde_json::json;

const MINUTE: Duration = seconds(60);
const HOUR: Duration = seconds(3600);
const DAY: Duration = seconds(24 * 3600);
const MILLISECOND: Duration = Duration::from_millis(1);

// The defaults of the table in the documentation of `Policy`.
#[test]
fn the_defaults_are_those_of_the_table() {
    let policy = Policy::default();
    assert_eq!(policy.authorization_code_lifetime, seconds(120));
    assert_eq!((policy.pushed_request_lifetime, policy.require_pushed_authorization_requests), (MINUTE, false));
    assert!(!policy.require_signed_request_object);
    assert_eq!(policy.access_token_lifetime, HOUR);
    assert_eq!(policy.refresh_token_lifetime, Lifetime::Of(7 * DAY));
    assert_eq!(policy.grant_lifetime, Lifetime::Never);
    assert_eq!(policy.access_token_lifetime_jitter, Duration::ZERO);
    assert!(policy.issue_refresh_tokens);
    assert!(!policy.require_offline_access);
    assert_eq!(policy.refresh_token_expiration, RefreshTokenExpiration::None);
    assert!(policy.issue_refresh_tokens_on_refresh);
    assert!(policy.extend_on_use);
    assert_eq!(policy.grace_period, GracePeriod::Auto);
    assert_eq!(policy.catch_up_window, seconds(10));
    assert_eq!(policy.max_replays, Limit::Unlimited);
    assert_eq!(policy.on_reuse, OnReuse::Revoke);
    assert_eq!(policy.previous_access_token, PreviousAccessToken::Keep);
    assert_eq!(policy.on_rollback, OnRollback::Heal);
    assert_eq!(policy.max_live_access_tokens, 16);
    assert_eq!(policy.id_token_lifetime, HOUR);
    assert_eq!(policy.require_pkce, RequirePkce::PublicClients);
    assert_eq!(policy.validate(), Ok(()));
}

// The defaults of AM 7.5.
#[test]
fn the_defaults_of_am_are_those_of_the_table() {
    let policy = Policy::am_7_5();
    assert_eq!(policy.authorization_code_lifetime, seconds(120));
    assert_eq!((policy.pushed_request_lifetime, policy.require_pushed_authorization_requests), (seconds(90), false));
    assert_eq!(policy.access_token_lifetime, HOUR);
    assert_eq!(policy.refresh_token_lifetime, Lifetime::Of(7 * DAY));
    assert_eq!(policy.grant_lifetime, Lifetime::Never);
    assert_eq!(policy.access_token_lifetime_jitter, Duration::ZERO);
    assert!(policy.issue_refresh_tokens);
    assert!(!policy.require_offline_access);
    assert_eq!(policy.refresh_token_expiration, RefreshTokenExpiration::None);
    assert!(policy.issue_refresh_tokens_on_refresh);
    assert!(!policy.extend_on_use);
    assert_eq!(policy.grace_period, GracePeriod::Of(Duration::ZERO));
    assert_eq!(policy.catch_up_window, seconds(120));
    assert_eq!(policy.max_replays, Limit::Unlimited);
    assert_eq!(policy.on_reuse, OnReuse::Refuse);
    assert_eq!(policy.previous_access_token, PreviousAccessToken::Keep);
    assert_eq!(policy.max_live_access_tokens, 1000);
    assert_eq!(policy.id_token_lifetime, HOUR);
    assert_eq!(policy.require_pkce, RequirePkce::Nobody);
    assert_eq!(policy.validate(), Ok(()));
}

const EVERY_FIELD: &str = r#"
authorization_code_lifetime = "90s"
pushed_request_lifetime = "2m"
require_pushed_authorization_requests = true
require_signed_request_object = true
access_token_lifetime = "10m"
access_token_lifetime_jitter = "1m"
refresh_token_lifetime = "30d"
grant_lifetime = "never"
issue_refresh_tokens = false
require_offline_access = true
refresh_token_expiration = "draft"
issue_refresh_tokens_on_refresh = false
extend_on_use = false
grace_period = "2s"
catch_up_window = "1m"
max_replays = 3
on_reuse = "refuse"
previous_access_token = "revoke"
on_rollback = "refuse"
max_live_access_tokens = 99
id_token_lifetime = "1h 30m"
access_token_format = "jwt"
device_code_lifetime = "10m"
device_poll_interval = "2s"
sender_constraint = "either"
require_asymmetric_authentication = true
require_pkce = "everybody"
on_unknown_scope = "ignore"
"#;

#[test]
fn a_configuration_file_sets_every_field_in_words_for_people() {
    let policy: Policy = toml::from_str(EVERY_FIELD).unwrap();
    let expected = Policy::default()
        .with_authorization_code_lifetime(seconds(90))
        .with_pushed_request_lifetime(2 * MINUTE)
        .with_require_pushed_authorization_requests(true)
        .with_require_signed_request_object(true)
        .with_access_token_lifetime(10 * MINUTE)
        .with_access_token_lifetime_jitter(MINUTE)
        .with_refresh_token_lifetime((30 * DAY).into())
        .with_grant_lifetime(Lifetime::Never)
        .with_issue_refresh_tokens(false)
        .with_require_offline_access(true)
        .with_refresh_token_expiration(RefreshTokenExpiration::Draft)
        .with_issue_refresh_tokens_on_refresh(false)
        .with_extend_on_use(false)
        .with_grace_period(seconds(2).into())
        .with_catch_up_window(seconds(60))
        .with_max_replays(Limit::AtMost(3))
        .with_on_reuse(OnReuse::Refuse)
        .with_previous_access_token(PreviousAccessToken::Revoke)
        .with_on_rollback(OnRollback::Refuse)
        .with_max_live_access_tokens(99)
        .with_id_token_lifetime(90 * MINUTE)
        .with_access_token_format(AccessTokenFormat::Jwt)
        .with_device_code_lifetime(10 * MINUTE)
        .with_device_poll_interval(seconds(2))
        .with_sender_constraint(SenderConstraint::Either)
        .with_require_asymmetric_authentication(true)
        .with_require_pkce(RequirePkce::Everybody)
        .with_on_unknown_scope(OnUnknownScope::Ignore);
    assert_eq!(policy, expected);
    // Each line changes something, except the one that repeats the default.
    let fields = serde_json::to_value(&policy).unwrap();
    assert_eq!(fields.as_object().unwrap().len(), EVERY_FIELD.lines().filter(|line| !line.is_empty()).count());
}

#[test]
fn what_a_file_leaves_out_has_its_default() {
    assert_eq!(toml::from_str::<Policy>("").unwrap(), Policy::default());
    let policy: Policy = toml::from_str("grace_period = \"30s\"").unwrap();
    assert_eq!(policy, Policy::default().with_grace_period(seconds(30).into()));
    assert_eq!(toml::from_str::<ClientPolicy>("").unwrap(), ClientPolicy::default());
}

#[test]
fn the_same_length_of_time_may_be_written_in_several_ways() {
    for (text, expected) in [
        ("90s", seconds(90)),
        ("1m 30s", seconds(90)),
        ("1m30s", seconds(90)),
        ("90000ms", seconds(90)),
        ("2h", 2 * HOUR),
        ("7d", 7 * DAY),
        ("1w", 7 * DAY),
        ("30days", 30 * DAY),
    ] {
        assert_eq!(text.parse::<Lifetime>(), Ok(Lifetime::Of(expected)), "{text}");
        let policy: Policy = toml::from_str(&format!("access_token_lifetime = \"{text}\"")).unwrap();
        assert_eq!(policy.access_token_lifetime, expected, "{text}");
    }
}

// A contradictory policy is rejected when the service is built.
#[test]
fn a_file_with_anything_else_in_it_is_refused() {
    for text in [
        "grace_periode = \"30s\"",
        "refreshTokenGracePeriod = 30",
        "grace_period = 30",
        "grace_period = \"30\"",
        "grace_period = \"-1s\"",
        "grace_period = \"\"",
        "grace_period = \"soon\"",
        "grace_period = \"never\"",
        "access_token_lifetime = \"never\"",
        "access_token_lifetime = \"999999999999999999999y\"",
        "refresh_token_lifetime = -1",
        "refresh_token_lifetime = \"Never\"",
        "refresh_token_lifetime = \"-1\"",
        "grant_lifetime = \"unlimited\"",
        "grace_period = \"Auto\"",
        "grace_period = 60",
        "catch_up_window = \"auto\"",
        "on_reuse = \"ignore\"",
        "on_rollback = \"fork\"",
        "previous_access_token = true",
        "max_replays = -1",
        "max_replays = \"3\"",
        "max_replays = \"never\"",
        "max_replays = 4294967296",
        "max_live_access_tokens = 1.5",
        "max_live_access_tokens = \"unlimited\"",
        "issue_refresh_tokens = \"yes\"",
        "require_offline_access = \"yes\"",
        "refresh_token_expiration = true",
        "refresh_token_expiration = \"rfc\"",
        "access_token_lifetime_jitter = 60",
        "access_token_lifetime_jitter = \"never\"",
        "require_pkce = \"confidential_clients\"",
        "[grant_types.password]\ngrace_period = \"30s\"",
    ] {
        assert!(toml::from_str::<Policy>(text).is_err(), "{text}");
        if !text.contains("grant_types") {
            assert!(toml::from_str::<ClientPolicy>(text).is_err(), "client: {text}");
        }
    }
    for text in
        ["[grant_types.vending_machine]\ngrace_period = \"30s\"", "[grant_types.password]\ngrace_periode = \"30s\""]
    {
        assert!(toml::from_str::<ClientPolicy>(text).is_err(), "{text}");
    }
}

#[test]
fn a_number_without_a_unit_is_answered_with_the_form_that_has_one() {
    for field in ["grace_period", "access_token_lifetime", "refresh_token_lifetime", "access_token_lifetime_jitter"] {
        let error = toml::from_str::<Policy>(&format!("{field} = 600")).unwrap_err().to_string();
        assert!(error.contains("a text with a unit: write it like \""), "{error}");
    }
}

#[test]
fn a_policy_that_is_written_and_read_again_is_the_same() {
    let by_file: Policy = toml::from_str(EVERY_FIELD).unwrap();
    let odd = Policy::default()
        .with_access_token_lifetime(Duration::from_millis(61_001))
        .with_grant_lifetime((400 * DAY).into());
    for policy in [Policy::default(), Policy::am_7_5(), by_file, odd] {
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy, "{text}");
    }
    assert_eq!(serde_json::to_value(Policy::default()).unwrap()["refresh_token_lifetime"], "7days");
    assert_eq!(serde_json::to_value(Limit::Unlimited).unwrap(), json!("unlimited"));
    assert_eq!(serde_json::to_value(Limit::AtMost(3)).unwrap(), json!(3));
    assert_eq!(serde_json::to_value(Lifetime::Never).unwrap(), json!("never"));
}

// A host keeps the registrations of its clients somewhere.
#[test]
fn a_client_policy_that_is_written_and_read_again_is_the_same() {
    let mut by_flow =
        ClientPolicy::default().with_grace_period(GracePeriod::Of(seconds(10))).with_grant_lifetime(Lifetime::Of(DAY));
    by_flow
        .grant_types
        .insert(GrantType::ClientCredentials, ClientPolicy::default().with_access_token_lifetime(MINUTE));
    by_flow.grant_types.insert("urn:example:vending-machine".parse().unwrap(), ClientPolicy::default());
    for policy in [ClientPolicy::default(), by_flow] {
        let text = serde_json::to_string(&policy).unwrap();
        let read = serde_json::from_str::<ClientPolicy>(&text);
        assert_eq!(read.map_err(|error| format!("{error}: {text}")), Ok(policy));
    }
}

/// Returns true when the service starts with `policy`, which must equal the validity of the policy.
fn starts(policy: &Policy) -> Result<(), String> {
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let built = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).policy(policy.clone()).build();
    let built = built.map(drop).map_err(|error| error.to_string());
    assert_eq!(built, policy.validate().map_err(|error| error.to_string()), "{policy:?}");
    built
}

// Each range at its boundaries.
#[test]
fn a_value_out_of_its_range_keeps_the_service_from_starting_and_is_named() {
    let base = Policy::default;
    // FAPI 2.0 Security Profile section 5.3.2.1: a server that rotates lets clients retry.
    let rotating_fapi2 = || Policy::fapi2().with_issue_refresh_tokens_on_refresh(true);
    let cases = [
        ("authorization_code_lifetime", base().with_authorization_code_lifetime(Duration::from_millis(999)), false),
        ("authorization_code_lifetime", base().with_authorization_code_lifetime(seconds(1)), true),
        ("authorization_code_lifetime", base().with_authorization_code_lifetime(10 * MINUTE), true),
        ("authorization_code_lifetime", base().with_authorization_code_lifetime(10 * MINUTE + MILLISECOND), false),
        ("pushed_request_lifetime", base().with_pushed_request_lifetime(seconds(5) - MILLISECOND), false),
        ("pushed_request_lifetime", base().with_pushed_request_lifetime(seconds(5)), true),
        ("pushed_request_lifetime", base().with_pushed_request_lifetime(seconds(5) + MILLISECOND), false),
        ("pushed_request_lifetime", base().with_pushed_request_lifetime(10 * MINUTE), true),
        ("pushed_request_lifetime", base().with_pushed_request_lifetime(10 * MINUTE + seconds(1)), false),
        ("access_token_lifetime", base().with_access_token_lifetime(Duration::ZERO), false),
        ("access_token_lifetime", base().with_access_token_lifetime(Duration::from_millis(999)), false),
        ("access_token_lifetime", base().with_access_token_lifetime(seconds(1)), true),
        ("access_token_lifetime", base().with_access_token_lifetime(1000 * DAY), true),
        ("access_token_lifetime_jitter", base().with_access_token_lifetime_jitter(HOUR - seconds(1)), true),
        ("access_token_lifetime_jitter", base().with_access_token_lifetime_jitter(HOUR), false),
        ("access_token_lifetime_jitter", base().with_access_token_lifetime_jitter(Duration::MAX), false),
        ("access_token_lifetime_jitter", base().with_access_token_lifetime_jitter(MILLISECOND), false),
        (
            "access_token_lifetime_jitter",
            base().with_access_token_lifetime(seconds(2) - MILLISECOND).with_access_token_lifetime_jitter(seconds(1)),
            false,
        ),
        ("refresh_token_lifetime", base().with_refresh_token_lifetime(Duration::ZERO.into()), false),
        ("refresh_token_lifetime", base().with_refresh_token_lifetime(seconds(1).into()), true),
        ("refresh_token_lifetime", base().with_refresh_token_lifetime(Lifetime::Never), true),
        ("grant_lifetime", base().with_grant_lifetime(Duration::ZERO.into()), false),
        ("grant_lifetime", base().with_grant_lifetime(seconds(1).into()), true),
        ("grant_lifetime", base().with_grant_lifetime(Lifetime::Never), true),
        ("grace_period", base().with_grace_period(Duration::ZERO.into()), true),
        ("grace_period", base().with_grace_period(seconds(120).into()), true),
        ("grace_period", base().with_grace_period((seconds(120) + MILLISECOND).into()), false),
        ("grace_period", Policy::am_7_5().with_grace_period((seconds(120) + MILLISECOND).into()), false),
        ("grace_period", base().with_grace_period(GracePeriod::UntilSuccessorUse), true),
        ("grace_period", Policy::fapi2().with_grace_period(Duration::ZERO.into()), true),
        ("grace_period", rotating_fapi2().with_grace_period(Duration::ZERO.into()), false),
        ("grace_period", rotating_fapi2().with_grace_period(MILLISECOND.into()), true),
        ("grace_period", rotating_fapi2(), true),
        ("max_replays", Policy::fapi2().with_max_replays(Limit::AtMost(0)), true),
        ("max_replays", rotating_fapi2().with_max_replays(Limit::AtMost(0)), false),
        ("max_replays", rotating_fapi2().with_max_replays(Limit::AtMost(1)), true),
        ("catch_up_window", base().with_catch_up_window(Duration::ZERO), true),
        ("catch_up_window", base().with_catch_up_window(HOUR), true),
        ("catch_up_window", base().with_catch_up_window(HOUR + MILLISECOND), false),
        ("max_live_access_tokens", base().with_max_live_access_tokens(0), false),
        ("max_live_access_tokens", base().with_max_live_access_tokens(1), true),
        ("max_live_access_tokens", base().with_max_live_access_tokens(1000), true),
        ("max_live_access_tokens", base().with_max_live_access_tokens(1001), false),
        ("max_replays", base().with_max_replays(Limit::AtMost(0)), true),
        ("id_token_lifetime", base().with_id_token_lifetime(Duration::ZERO), false),
        ("id_token_lifetime", base().with_id_token_lifetime(seconds(1)), true),
    ];
    for (field, policy, is_valid) in cases {
        let started = starts(&policy);
        assert_eq!(started.is_ok(), is_valid, "{field}: {policy:?}");
        assert!(started.is_ok() || started.is_err_and(|message| message.contains(field)), "{field}");
    }
}

// A directory of clients may be unable to list them.
#[test]
fn a_policy_that_needs_a_missing_port_keeps_the_service_from_starting_even_without_clients() {
    for (field, policy) in [
        ("access_token_format", Policy::default().with_access_token_format(AccessTokenFormat::Jwt)),
        ("sender_constraint", Policy::default().with_sender_constraint(SenderConstraint::Dpop)),
    ] {
        let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
        let built = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).policy(policy).build();
        assert!(built.is_err_and(|error| error.to_string().contains(field)), "{field}");
    }
}

fn starts_with_client(provider: &Policy, policy: ClientPolicy) -> Result<(), String> {
    let hash = SecretHash::sha256(&ClientSecret::new("secret"));
    let registry = ClientRegistry::new().register(client(APP), [hash.clone()]);
    let registry = registry.and_then(|registry| registry.register(client(OTHER).with_policy(policy), [hash])).unwrap();
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let built = TokenService::builder(MemoryStore::new(), registry, keys).policy(provider.clone()).build();
    built.map(drop).map_err(|error| error.to_string())
}

// A contradiction between two layers is rejected when the service is built.
#[test]
fn a_contradiction_in_a_registered_clients_policy_keeps_the_service_from_starting() {
    let strict = Policy::fapi2().with_grace_period(Duration::ZERO.into());
    let for_password = |policy: ClientPolicy| {
        let mut outer = ClientPolicy::default();
        outer.grant_types.insert(GrantType::Password, policy);
        outer
    };
    let rotating = ClientPolicy::default().with_issue_refresh_tokens_on_refresh(true);
    let mut for_refreshing = ClientPolicy::default();
    for_refreshing.grant_types.insert(GrantType::RefreshToken, ClientPolicy::default());
    let nested = for_password(for_password(ClientPolicy::default()));
    let cases = [
        ("nothing overridden", &strict, ClientPolicy::default(), None),
        ("a client that rotates and may not retry", &strict, rotating.clone(), Some("grace_period")),
        ("the same for one flow", &strict, for_password(rotating.clone()), Some("grace_period")),
        ("and with a grace period", &strict, rotating.clone().with_grace_period(GracePeriod::Of(MINUTE)), None),
        (
            "a client that is fine, with a flow that is not",
            &strict,
            {
                let mut outer = rotating.clone().with_grace_period(GracePeriod::Of(MINUTE));
                let too_long = ClientPolicy::default().with_grace_period(GracePeriod::Of(seconds(121)));
                outer.grant_types.insert(GrantType::Password, too_long);
                outer
            },
            Some("grace_period"),
        ),
        (
            "out of range",
            &Policy::default(),
            ClientPolicy::default().with_access_token_lifetime(Duration::ZERO),
            Some("access_token_lifetime"),
        ),
        (
            "out of range for one flow",
            &Policy::default(),
            for_password(ClientPolicy::default().with_max_live_access_tokens(0)),
            Some("max_live_access_tokens"),
        ),
        ("nested", &Policy::default(), nested, Some("grant_types")),
        // A grant goes by the flow that created it, so an override for this one would never apply.
        ("for refresh_token", &Policy::default(), for_refreshing, Some("grant_types")),
    ];
    for (name, provider, policy, expected) in cases {
        // A host that registers clients while it runs asks the policy itself.
        let validated = policy.validate(provider).map_err(|error| error.to_string());
        for outcome in [validated, starts_with_client(provider, policy)] {
            match expected {
                None => assert_eq!(outcome, Ok(()), "{name}"),
                Some(field) => assert!(outcome.is_err_and(|message| message.contains(field)), "{name}"),
            }
        }
    }
}

// A key that is no longer published makes its valid tokens worthless.
#[tokio::test]
async fn a_policy_with_longer_jwts_than_the_issuer_keeps_keys_for_is_refused() {
    let jwt = || Policy::default().with_access_token_format(AccessTokenFormat::Jwt).with_id_token_lifetime(MINUTE);
    let for_code = |policy: ClientPolicy| {
        let mut outer = ClientPolicy::default();
        outer.grant_types.insert(GrantType::AuthorizationCode, policy);
        outer
    };
    let long = || ClientPolicy::default().with_access_token_lifetime(11 * MINUTE);
    let ten = |policy: Policy| policy.with_access_token_lifetime(10 * MINUTE);
    for (name, provider, client_policy, expected) in [
        ("as long", ten(jwt()), ClientPolicy::default(), None),
        (
            "longer",
            jwt().with_access_token_lifetime(11 * MINUTE),
            ClientPolicy::default(),
            Some("access_token_lifetime"),
        ),
        ("opaque and longer", Policy::default().with_id_token_lifetime(MINUTE), ClientPolicy::default(), None),
        (
            "id_token",
            ten(jwt()).with_id_token_lifetime(11 * MINUTE),
            ClientPolicy::default(),
            Some("id_token_lifetime"),
        ),
        ("of a client", ten(jwt()), long(), Some("access_token_lifetime")),
        ("of a flow", ten(jwt()), for_code(long()), Some("access_token_lifetime")),
        ("opaque of a client", ten(jwt()), long().with_access_token_format(AccessTokenFormat::Opaque), None),
        (
            "id_token of a flow",
            ten(jwt()),
            for_code(ClientPolicy::default().with_id_token_lifetime(HOUR)),
            Some("id_token_lifetime"),
        ),
    ] {
        let hash = SecretHash::sha256(&ClientSecret::new("secret"));
        let registry = ClientRegistry::new().register(client(APP).with_policy(client_policy), [hash]).unwrap();
        let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
        let built = TokenService::builder(MemoryStore::new(), registry, keys)
            .policy(provider)
            .jwt_issuer(StubIssuer::keeping_keys_for(10 * MINUTE))
            .build();
        assert_eq!(built.err().map(|error| error.field()), expected, "{name}");
    }
    // The row of a client that is looked up later: an event, and a server error.
    let config = Config { jwt_issuer: Some(StubIssuer::keeping_keys_for(10 * MINUTE)), ..Config::default() };
    let server = config.policy(ten(jwt())).start();
    let row = AuthenticatedClient::assertion(client(APP).with_policy(long()).into());
    let request = IssueRequest::client_credentials("read".parse().unwrap());
    let error = server.service().issue(&row, request).await.err().unwrap();
    assert_eq!((error.code().status(), error.code().as_str()), (500, "server_error"));
    assert!(server.config.events.kinds().contains(&EventKind::PolicyInvalid));
}

// Provider, then client, then grant type: the most specific setting wins, field by field.
#[test]
fn the_most_specific_word_wins_field_by_field() {
    let provider = Policy::default()
        .with_access_token_lifetime(HOUR)
        .with_grace_period(seconds(30).into())
        .with_id_token_lifetime(HOUR);
    let policy: ClientPolicy = toml::from_str(
        r#"
        access_token_lifetime = "30m"
        grace_period = "20s"

        [grant_types.password]
        access_token_lifetime = "10m"

        [grant_types."urn:ietf:params:oauth:grant-type:device_code"]
        grace_period = "0s"
        "#,
    )
    .unwrap();
    for (grant_type, access, grace) in [
        (GrantType::AuthorizationCode, 30 * MINUTE, seconds(20)),
        (GrantType::Password, 10 * MINUTE, seconds(20)),
        (GrantType::DeviceCode, 30 * MINUTE, Duration::ZERO),
    ] {
        let effective = provider.for_client(&policy, &grant_type).unwrap();
        let expected = provider.clone().with_access_token_lifetime(access).with_grace_period(grace.into());
        assert_eq!(effective, expected, "{grant_type}");
    }
    let inherited = provider.for_client(&ClientPolicy::default(), &GrantType::Password).unwrap();
    assert_eq!(inherited, provider, "what a client leaves out is the provider's");
}

// Each field can be overridden, with its false or never too: `None` alone means inherit.
#[test]
fn a_client_can_override_every_field() {
    let mut fields = serde_json::to_value(Policy::default()).unwrap();
    let all: Policy = toml::from_str(EVERY_FIELD).unwrap();
    let differing = all.with_grant_lifetime(DAY.into());
    let overridden = serde_json::to_value(&differing).unwrap();
    for (name, value) in fields.as_object_mut().unwrap() {
        let client: ClientPolicy = serde_json::from_value(json!({ name: overridden[name] })).unwrap();
        *value = overridden[name].clone();
        let expected: Policy = serde_json::from_value(json!({ name: value })).unwrap();
        let effective = Policy::default().for_client(&client, &GrantType::Password).unwrap();
        assert_eq!(effective, expected, "{name}");
        assert_ne!(effective, Policy::default(), "{name}");
    }
}

// A client of another kind than most: it has its policy whole.
#[test]
fn a_client_can_have_a_policy_of_its_own_whatever_the_provider_s_is() {
    let by_file: Policy = toml::from_str(EVERY_FIELD).unwrap();
    let policies = [Policy::default(), Policy::am_7_5(), Policy::browser(), Policy::fapi2(), by_file];
    for provider in &policies {
        for own in &policies {
            let client = ClientPolicy::from(own.clone());
            assert_eq!(client.validate(provider), Ok(()));
            assert_eq!(provider.for_client(&client, &GrantType::DeviceCode).as_ref(), Ok(own));
        }
    }
}

// RFC 6749 section 5.1: `expires_in` follows the policy in each flow, and at refresh.
#[tokio::test]
async fn expires_in_follows_provider_client_and_flow() {
    let mut policy = ClientPolicy::default().with_access_token_lifetime(30 * MINUTE);
    policy.grant_types.insert(GrantType::ClientCredentials, ClientPolicy::default().with_access_token_lifetime(MINUTE));
    let app: Client = client(APP).with_policy(policy);
    let provider = Policy::default().with_access_token_lifetime(2 * HOUR);
    let server = Config::default().policy(provider).client(app, APP).start();

    let credentials = [("grant_type", "client_credentials")];
    assert_eq!(server.token(APP, &credentials).await.json["expires_in"], 60, "flow");
    let tokens = server.sign_in(APP).await;
    assert_eq!(server.refresh(APP, &tokens.refresh).await.json["expires_in"], 1800, "client");
    assert_eq!(server.token(OTHER, &credentials).await.json["expires_in"], 7200, "provider");
}

// The flow of a grant is the one that created it, also when it is refreshed.
#[tokio::test]
async fn an_override_for_a_flow_governs_the_refreshes_of_its_grants() {
    let mut policy = ClientPolicy::default();
    let no_rotation = ClientPolicy::default().with_issue_refresh_tokens_on_refresh(false);
    policy.grant_types.insert(GrantType::Password, no_rotation);
    let server = Config::default().client(client(APP).with_policy(policy), APP).start();
    let by_password = server.sign_in(APP).await;
    let code = server.code(APP).await;
    let by_code = server.redeem(APP, &code).await.tokens();
    assert_eq!(server.refresh(APP, &by_password.refresh).await.json.get("refresh_token"), None);
    assert!(server.refresh(APP, &by_code.refresh).await.json.get("refresh_token").is_some());
}

// A shortened policy applies to existing grants at their next request. A lengthened one does not lengthen them.
#[tokio::test]
async fn a_changed_policy_applies_to_living_grants_and_lengthens_none() {
    let server = Server::with_policy(Policy::default().with_grant_lifetime(HOUR.into()));
    let tokens = server.sign_in(APP).await;
    server.advance(59 * MINUTE);
    let longer = server.restarted(|config| config.policy(Policy::default().with_grant_lifetime(Lifetime::Never)));
    assert_eq!(longer.refresh(APP, &tokens.refresh).await.json["expires_in"], 60, "the absolute end stands");

    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    server.advance(HOUR);
    let shorter = server.restarted(|config| config.policy(Policy::default().with_grant_lifetime(HOUR.into())));
    assert_eq!(shorter.refresh(APP, &tokens.refresh).await.outcome(), (400, "invalid_grant"));
}

// A lifetime of ages saturates; it must not wrap into the past.
#[tokio::test]
async fn a_lifetime_beyond_all_time_neither_overflows_nor_expires() {
    let ages = Duration::from_secs(u64::MAX);
    let policy = Policy::default()
        .with_access_token_lifetime(ages)
        .with_refresh_token_lifetime(ages.into())
        .with_grant_lifetime(ages.into());
    let server = Server::with_policy(policy);
    let first = server.sign_in(APP).await;
    server.advance(1000 * 365 * DAY);
    assert!(server.is_active(&first.access).await);
    let second = server.refresh(APP, &first.refresh).await.tokens();
    assert!(server.is_active(&second.refresh).await);
}
