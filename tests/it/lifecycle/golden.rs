//! Records of each release, kept as files and readable by every later one.
//!
//! `tests/golden/` holds a record of each kind as hex text, with the tokens that belong to it. A change that breaks one
//! of them breaks the grants of every user. When a layout with a new version is added, write *new* files beside the old
//! ones:
//!
//! ```text
//! REGRANT_WRITE_GOLDEN=1 cargo test --test it golden
//! ```
//!
//! writes those that are missing. It overwrites none: a released record never changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Once;

use regrant::authorization::{PushRequest, RequestUri};
use regrant::clock::Timestamp;
use regrant::device::UserCode;
use regrant::grant::{Actor, Confirmation, Grant};
use regrant::policy::{AccessTokenFormat, PreviousAccessToken};
use regrant::store::GrantRecord;
use regrant::token::TokenType;
use regrant::{
    Approval, AuthorizationDetails, AuthorizeRequest, GrantId, GrantType, IssueRequest, Policy, RedeemRequest,
    RefreshRequest, Refusal, TokenError,
};

use crate::lifecycle::node::{
    API, HOUR, MINUTE, Node, SECOND, START, Tokens, approval, client, public_client, refusal, resources, run, scope,
    subject,
};

/// The content of a golden file: lines of `name value`.
type Golden = BTreeMap<String, String>;

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"))
}

const EXTENSION: &str = "urn:example:params:vending-machine";

/// Everything optional, present.
fn full_approval() -> Approval {
    approval()
        .with_confirmation(Some(Confirmation::DpopKey([0xd0; 32])))
        .with_authentication(
            START,
            Some("urn:mace:incommon:iap:silver".to_owned()),
            vec!["pwd".to_owned(), "otp".to_owned()],
        )
        .with_nonce(Some("n-0S6_WzA2Mj".to_owned()))
        .with_data(b"{\"tenant\":7}\0\xff".to_vec())
}

const KEY: Confirmation = Confirmation::DpopKey([0xa1; 32]);
const OTHER_KEY: Confirmation = Confirmation::Certificate([0xa2; 32]);

/// The rest of what an approval can say.
fn fuller_approval() -> Approval {
    let actor = Actor::new(subject("billing"), Some(Actor::new(subject("orders"), None)));
    full_approval()
        .with_confirmation(None)
        .with_session_id(Some("08a5019c-17e1-4977-8f42-65a12843ea02".to_owned()))
        .with_actor(Some(actor))
        .with_may_act(Some(subject("shipping")))
}

/// The node that wrote a record, as it stood then, and its tokens by name.
fn write(name: &str) -> (Node, GrantId, Vec<(&'static str, String)>) {
    let policy = match name {
        "previous_access_token_revoked" => Policy::default().with_previous_access_token(PreviousAccessToken::Revoke),
        "absolute_end" => Policy::default().with_grant_lifetime((HOUR * 24 * 30).into()),
        _ => Policy::default(),
    };
    let seed = name.bytes().fold(7_u64, |seed, byte| (seed * 31 + u64::from(byte)) % (1 << 32));
    let node = Node::seeded(policy, seed).with_jwts();
    let of = named;
    match name {
        "awaiting_redemption" => {
            let (code, id) = node.authorize_plainly(approval());
            (node, id, vec![("code", code)])
        }
        "redeemed" => {
            let code = node.authorize();
            let tokens = node.redeem(&code).unwrap();
            (node, tokens.grant_id, [of(&tokens), vec![("code", code)]].concat())
        }
        "fresh" | "absolute_end" => {
            let tokens = node.issue();
            (node, tokens.grant_id, of(&tokens))
        }
        "rotated" | "previous_access_token_revoked" => {
            let chain = node.rotate(&node.issue(), 1, MINUTE);
            let named = [of(&chain[1]), vec![("spent", chain[0].refresh().to_owned())]].concat();
            (node, chain[0].grant_id, named)
        }
        "many_retired" => {
            let chain = node.rotate(&node.issue(), 12, SECOND);
            let former = |name, generation: usize| (name, chain[generation].refresh().to_owned());
            let named = [of(&chain[12]), vec![former("parallel", 5), former("spent", 0)]].concat();
            (node, chain[0].grant_id, named)
        }
        "narrowed_access_tokens" => {
            let first = node.issue();
            let read = node.refresh_scoped(first.refresh(), "read").unwrap();
            let api = RefreshRequest::new(read.refresh()).with_scope(scope("write")).with_resources(resources(&[API]));
            let last = node.refresh_with(&api).unwrap();
            (node, first.grant_id, [of(&last), vec![("also", read.access)]].concat())
        }
        "revoked" => {
            let chain = node.rotate(&node.issue(), 1, MINUTE);
            node.revoke(chain[1].refresh());
            let dead = vec![("dead", chain[1].refresh().to_owned())];
            (node, chain[0].grant_id, dead)
        }
        "client_credentials" => {
            let tokens = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
            (node, tokens.grant_id, of(&tokens))
        }
        "extension_with_everything" => {
            let extension: GrantType = EXTENSION.parse().unwrap();
            let node = node.acting_as(client("app").with_grant_types([extension.clone(), GrantType::RefreshToken]));
            let tokens = node.try_issue(extension, full_approval()).unwrap();
            (node, tokens.grant_id, of(&tokens))
        }
        _ => write_device_or_key(name, node),
    }
}

fn named(tokens: &Tokens) -> Vec<(&'static str, String)> {
    let mut named = vec![("access_token", tokens.access.clone())];
    named.extend(tokens.refresh.clone().map(|token| ("refresh_token", token)));
    named
}

/// The records of devices, and those with keys.
fn write_device_or_key(name: &str, node: Node) -> (Node, GrantId, Vec<(&'static str, String)>) {
    match name {
        "device_awaiting_approval" | "device_approved" | "device_denied" => {
            let device = node.authorize_device();
            node.advance(SECOND * 5);
            assert_eq!(refusal(node.poll(device.device_code.expose())), Refusal::AuthorizationPending);
            let (code, user_code) = (device.device_code.expose().to_owned(), device.user_code.expose());
            let tokens = vec![("device_code", code), ("user_code", user_code)];
            match name {
                "device_approved" => {
                    run(node.service.approve_device(&device.user_code, approval().with_resources(resources(&[]))))
                        .unwrap();
                }
                "device_denied" => run(node.service.deny_device(&device.user_code)).unwrap(),
                _ => {}
            }
            (node, device.grant_id, tokens)
        }
        "device_awaiting_redemption" => {
            let device = node.authorize_device();
            let approval = approval().with_resources(resources(&[]));
            let id = run(node.service.approve_device(&device.user_code, approval)).unwrap();
            (node, id, vec![("device_code", device.device_code.expose().to_owned())])
        }
        "code_bound_to_a_key" => {
            let request = AuthorizeRequest::new(approval()).with_confirmation(Some(KEY));
            let response = run(node.service.authorize(&node.client, request)).unwrap();
            (node, response.grant_id, vec![("code", response.code.expose().to_owned())])
        }
        "access_tokens_of_other_keys" => {
            let issue = IssueRequest::new(GrantType::Password, approval()).with_presented_keys(Some(KEY));
            let first = Tokens::from(run(node.service.issue(&node.client, issue)).unwrap());
            let request = RefreshRequest::new(first.refresh()).with_presented_keys(Some(OTHER_KEY));
            let second = node.refresh_with(&request).unwrap();
            let third = node.refresh(second.refresh()).unwrap();
            let tokens = [named(&third), vec![("of_key", first.access), ("of_certificate", second.access)]].concat();
            (node, third.grant_id, tokens)
        }
        "bound_late" => {
            let node = node.acting_as(public_client("app"));
            let first = node.issue();
            let request = RefreshRequest::new(first.refresh()).with_presented_keys(Some(KEY));
            let second = node.refresh_with(&request).unwrap();
            (node, first.grant_id, [named(&second), vec![("spent", first.refresh().to_owned())]].concat())
        }
        "jwt_access_token" => {
            let node = node.under(Policy::default().with_access_token_format(AccessTokenFormat::Jwt));
            let tokens = node.issue();
            (node, tokens.grant_id, named(&tokens))
        }
        "fuller_approval" => {
            let tokens = node.try_issue(GrantType::Password, fuller_approval()).unwrap();
            (node, tokens.grant_id, named(&tokens))
        }
        "fuller_approval_with_details" => {
            let node = node.acting_as(client("app").with_authorization_details_types(["a", "b"]));
            let approval = fuller_approval().with_authorization_details(details(BOTH));
            let first = node.try_issue(GrantType::Password, approval).unwrap();
            let narrow = RefreshRequest::new(first.refresh()).with_authorization_details(details(ONE));
            let second = node.refresh_with(&narrow).unwrap();
            (node, first.grant_id, [named(&second), vec![("whole", first.access)]].concat())
        }
        "pushed_request" | "pushed_request_arrived" | "pushed_request_used" => write_pushed_request(name, node),
        other => panic!("no such record: {other}"),
    }
}

fn write_pushed_request(name: &str, node: Node) -> (Node, GrantId, Vec<(&'static str, String)>) {
    let asked = AuthorizeRequest::new(approval()).with_confirmation(Some(KEY));
    let request = PushRequest::new(PARAMETERS, asked.clone());
    let response = run(node.service.push_authorization_request(&node.client, request)).unwrap();
    let request_uri = response.request_uri;
    node.advance(SECOND);
    match name {
        "pushed_request_arrived" => {
            run(node.service.pushed_request(&node.client, request_uri.expose())).unwrap();
        }
        "pushed_request_used" => {
            run(node.service.authorize(&node.client, asked.with_pushed_request(request_uri.clone()))).unwrap();
        }
        _ => {}
    }
    (node, response.grant_id, vec![("request_uri", request_uri.expose().to_owned())])
}

const PARAMETERS: &str = "response_type=code&state=af0ifjsldkj";
const BOTH: &str = r#"[{"actions":["list"],"type":"a"},{"amount":12.5,"type":"b"}]"#;
const ONE: &str = r#"[{"amount":12.5,"type":"b"}]"#;

fn details(text: &str) -> AuthorizationDetails {
    AuthorizationDetails::new(text).unwrap()
}

const ALL: [&str; 24] = [
    "awaiting_redemption",
    "redeemed",
    "fresh",
    "absolute_end",
    "rotated",
    "previous_access_token_revoked",
    "many_retired",
    "narrowed_access_tokens",
    "revoked",
    "client_credentials",
    "extension_with_everything",
    "device_awaiting_approval",
    "device_approved",
    "device_denied",
    "device_awaiting_redemption",
    "code_bound_to_a_key",
    "access_tokens_of_other_keys",
    "jwt_access_token",
    "fuller_approval",
    "bound_late",
    "fuller_approval_with_details",
    "pushed_request",
    "pushed_request_arrived",
    "pushed_request_used",
];
pub(crate) const VERSION: u8 = 1;

fn golden(name: &str) -> Golden {
    static MISSING: Once = Once::new();
    if std::env::var_os("REGRANT_WRITE_GOLDEN").is_some() {
        MISSING.call_once(|| ALL.into_iter().filter(|name| !path(name).exists()).for_each(write_golden));
    }
    let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, value)| (name.into(), value.into())).collect()
}

fn write_golden(name: &str) {
    let (node, id, tokens) = write(name);
    let record = hex(&node.bytes(id));
    let tokens: Vec<String> = tokens.into_iter().map(|(name, token)| format!("{name} {token}\n")).collect();
    let tokens = tokens.concat();
    let now = node.service.now().as_millis();
    std::fs::write(path(name), format!("now {now}\n{tokens}id {}\nrecord {record}\n", hex(id.as_bytes()))).unwrap();
}

/// A fresh service over the golden record alone, at the time it was written.
fn restored(name: &str) -> (Node, Golden) {
    let golden = golden(name);
    let node = Node::seeded(Policy::default(), 99).with_jwts();
    node.clock.set(Timestamp::from_millis(golden["now"].parse().unwrap()));
    let id = GrantId::from_bytes(unhex(&golden["id"]).try_into().unwrap());
    let record = GrantRecord {
        payload: unhex(&golden["record"]).into(),
        client_id: node.client.id.clone(),
        subject: Some(subject("demo")),
        expires_at: None,
    };
    node.store.overwrite(id, record);
    (node, golden)
}

/// The grant of a golden record, and the record.
fn read(name: &str) -> (Grant, Vec<u8>) {
    let golden = golden(name);
    let id = GrantId::from_bytes(unhex(&golden["id"]).try_into().unwrap());
    let bytes = unhex(&golden["record"]);
    let grant = Grant::decode(id, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    (grant, bytes)
}

#[test]
fn every_golden_record_is_read_and_written_back_to_the_same_bytes() {
    for name in ALL {
        let (grant, bytes) = read(name);
        assert_eq!(bytes[0], VERSION, "{name}");
        assert_eq!(hex(&grant.encode()), hex(&bytes), "{name}");
    }
}

#[test]
fn every_golden_file_is_tested() {
    golden(ALL[0]);
    let mut files: Vec<String> = std::fs::read_dir(path("x").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    let mut names: Vec<String> = ALL.into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn tokens_of_golden_records_are_served_as_they_were() {
    for name in ["redeemed", "fresh", "absolute_end", "rotated", "previous_access_token_revoked", "many_retired"] {
        let (node, golden) = restored(name);
        assert!(node.is_active(&golden["access_token"]), "{name}");
        assert!(node.is_active(&golden["refresh_token"]), "{name}");
        let next = node.refresh(&golden["refresh_token"]).unwrap();
        assert_eq!(node.refresh(&golden["refresh_token"]).unwrap(), next, "{name}");
        assert!(node.refresh(next.refresh()).is_ok(), "{name}");
    }
}

#[test]
fn a_golden_code_is_redeemed_once() {
    let (node, golden) = restored("awaiting_redemption");
    let request = RedeemRequest::new(&*golden["code"]);
    assert!(node.redeem_with(&request).is_ok());
    assert_eq!(refusal(node.redeem_with(&request)), Refusal::CodeReused);
    let (node, golden) = restored("redeemed");
    assert_eq!(refusal(node.redeem(&golden["code"])), Refusal::CodeReused);
    assert!(!node.is_active(&golden["access_token"]));
}

#[test]
fn a_golden_rotation_is_repeated_byte_for_byte_and_then_seen_as_reuse() {
    let (node, golden) = restored("rotated");
    let again = node.refresh(&golden["spent"]).unwrap();
    assert_eq!((again.refresh(), &*again.access), (&*golden["refresh_token"], &*golden["access_token"]));
    node.refresh(&golden["refresh_token"]).unwrap();
    node.advance(MINUTE);
    assert_eq!(refusal(node.refresh(&golden["spent"])), Refusal::RefreshTokenReused);
}

#[test]
fn golden_retired_tokens_lead_to_the_head_or_are_spent() {
    let (node, golden) = restored("many_retired");
    let again = node.refresh(&golden["parallel"]).unwrap();
    assert_eq!((again.refresh(), &*again.access), (&*golden["refresh_token"], &*golden["access_token"]));
    assert_eq!(refusal(node.refresh(&golden["spent"])), Refusal::RefreshTokenReused);
}

#[test]
fn a_golden_grant_that_was_bound_late_is_bound_from_there_on() {
    let (node, golden) = restored("bound_late");
    let node = node.acting_as(public_client("app"));
    assert_eq!(refusal(node.refresh(&golden["refresh_token"])), Refusal::ProofOfPossessionFailed);
    let request = RefreshRequest::new(&*golden["refresh_token"]).with_presented_keys(Some(KEY));
    assert!(node.refresh_with(&request).is_ok());
    assert_eq!(refusal(node.refresh(&golden["spent"])), Refusal::RefreshTokenReused);
}

#[test]
fn golden_access_tokens_keep_their_reach() {
    let (node, golden) = restored("narrowed_access_tokens");
    let last = node.introspect(&golden["access_token"]).unwrap();
    assert_eq!((last.scope, last.resources), (scope("write"), resources(&[API])));
    assert_eq!(node.introspect(&golden["also"]).unwrap().scope, scope("read"));
    assert_eq!(node.introspect(&golden["refresh_token"]).unwrap().scope, scope("read write"));
}

#[test]
fn a_golden_revocation_holds() {
    let (node, golden) = restored("revoked");
    assert!(!node.is_active(&golden["dead"]));
    assert_eq!(refusal(node.refresh(&golden["dead"])), Refusal::GrantRevoked);
}

#[test]
fn golden_client_credentials_are_the_clients_own() {
    let (node, golden) = restored("client_credentials");
    let active = node.introspect(&golden["access_token"]).unwrap();
    assert_eq!((active.approval, active.grant_type), (Approval::default(), GrantType::ClientCredentials));
}

#[test]
fn everything_that_was_approved_is_in_the_golden_record() {
    let (node, golden) = restored("extension_with_everything");
    let node = node.acting_as(client("app").with_grant_types([EXTENSION.parse().unwrap(), GrantType::RefreshToken]));
    let active = node.introspect(&golden["access_token"]).unwrap();
    assert_eq!((active.approval, active.grant_type.as_str()), (full_approval(), EXTENSION));
    let request = RefreshRequest::new(&*golden["refresh_token"]);
    assert_eq!(refusal(node.refresh_with(&request)), Refusal::ProofOfPossessionFailed);
    let request = request.with_presented_keys(Some(Confirmation::DpopKey([0xd0; 32])));
    assert!(node.refresh_with(&request).is_ok());
}

#[test]
fn a_golden_device_is_told_what_its_user_decided() {
    let (node, golden) = restored("device_awaiting_approval");
    assert_eq!(refusal(node.poll(&golden["device_code"])), Refusal::PolledTooFast, "it polled at that moment");
    let user_code = UserCode::parse(&golden["user_code"]).unwrap();
    run(node.service.approve_device(&user_code, approval().with_resources(resources(&[])))).unwrap();
    assert!(node.poll(&golden["device_code"]).unwrap().refresh.is_some());

    let (node, golden) = restored("device_denied");
    assert_eq!(refusal(node.poll(&golden["device_code"])), Refusal::DeniedByOwner);

    // The grant is another record, which is not there.
    let (node, golden) = restored("device_approved");
    assert_eq!(refusal(node.poll(&golden["device_code"])), Refusal::GrantUnknown);
    let again = run(node.service.deny_device(&UserCode::parse(&golden["user_code"]).unwrap()));
    assert!(again.is_err_and(|error| error.code().as_str() == "invalid_grant"), "it was decided");

    // Its device code names the device's record, the only way to this grant.
    let (node, golden) = restored("device_awaiting_redemption");
    assert_eq!(refusal(node.poll(&golden["device_code"])), Refusal::GrantUnknown);
}

#[test]
fn a_golden_code_that_is_bound_needs_its_key() {
    let (node, golden) = restored("code_bound_to_a_key");
    let request = RedeemRequest::new(&*golden["code"]);
    assert_eq!(refusal(node.redeem_with(&request)), Refusal::ProofOfPossessionFailed);
    let request = request.with_presented_keys(Some(KEY));
    assert!(node.redeem_with(&request).is_ok());
    assert_eq!(refusal(node.redeem_with(&request)), Refusal::CodeReused);
}

#[test]
fn golden_access_tokens_keep_their_own_keys() {
    let (node, golden) = restored("access_tokens_of_other_keys");
    for (name, key, token_type) in [
        ("of_key", Some(KEY), TokenType::Dpop),
        ("of_certificate", Some(OTHER_KEY), TokenType::Bearer),
        ("access_token", None, TokenType::Bearer),
    ] {
        let active = node.introspect(&golden[name]).unwrap();
        assert_eq!((active.confirmation, active.token_type), (key, Some(token_type)), "{name}");
    }
    assert_eq!(node.introspect(&golden["refresh_token"]).unwrap().confirmation, None);
}

#[test]
fn a_golden_jwt_is_known_by_its_record() {
    let (node, golden) = restored("jwt_access_token");
    assert_eq!(golden["access_token"].split('.').count(), 3);
    assert!(node.is_active(&golden["access_token"]));
    node.revoke(&golden["access_token"]);
    assert!(!node.is_active(&golden["access_token"]) && node.is_active(&golden["refresh_token"]));
}

#[test]
fn session_and_actors_are_in_the_golden_record() {
    let (node, golden) = restored("fuller_approval");
    assert_eq!(node.introspect(&golden["access_token"]).unwrap().approval, fuller_approval());
}

#[test]
fn golden_authorization_details_are_those_of_the_grant_or_of_the_token() {
    let (node, golden) = restored("fuller_approval_with_details");
    let told = |name: &str| node.introspect(&golden[name]).unwrap();
    assert_eq!(told("whole").approval, fuller_approval().with_authorization_details(details(BOTH)));
    assert_eq!(told("whole").authorization_details(), Some(&details(BOTH)));
    assert_eq!(told("access_token").authorization_details(), Some(&details(ONE)));
    assert_eq!(told("refresh_token").authorization_details(), Some(&details(BOTH)));
}

#[test]
fn a_golden_pushed_request_is_read_and_used_once() {
    for name in ["pushed_request", "pushed_request_arrived"] {
        let (node, golden) = restored(name);
        let request = run(node.service.pushed_request(&node.client, &golden["request_uri"])).unwrap();
        assert_eq!((request.parameters.as_slice(), request.confirmation), (PARAMETERS.as_bytes(), Some(KEY)));
        let approved = AuthorizeRequest::new(approval()).with_pushed_request(RequestUri::new(&*golden["request_uri"]));
        let code = run(node.service.authorize(&node.client, approved.clone())).unwrap().code;
        let redemption = RedeemRequest::new(code).with_presented_keys(Some(KEY));
        assert!(node.redeem_with(&redemption).is_ok());
        let again = run(node.service.authorize(&node.client, approved));
        assert!(matches!(again, Err(TokenError::Refused(Refusal::PushedRequestUsed))));
    }
    let (node, golden) = restored("pushed_request_used");
    let read = run(node.service.pushed_request(&node.client, &golden["request_uri"]));
    assert!(matches!(read, Err(TokenError::Refused(Refusal::PushedRequestUsed))));
}
