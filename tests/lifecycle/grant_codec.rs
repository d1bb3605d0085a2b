//! The bytes of records: read for ever, small, and nothing else is taken for one.
//!
//! `tests/golden/` holds a record of each kind as hex text, with the tokens that belong to it. They are what some release
//! wrote; this one must read them. When a layout with a new version is added, write *new* files beside the old ones:
//!
//! ```text
//! REGRANT_WRITE_GOLDEN=1 cargo test --test lifecycle golden
//! ```
//!
//! writes those that are missing. It overwrites none: a released record never changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Once;

use proptest::prelude::*;
use regrant::store::GrantRecord;
use regrant::{
    Approval, AuthorizeRequest, Confirmation, Grant, GrantId, GrantType, Policy, PreviousAccessToken, RedeemRequest,
    RedirectUri, RefreshRequest, Refusal, Scope, Timestamp,
};

use crate::world::{
    API, CALLBACK, HOUR, MINUTE, SECOND, START, Tokens, World, approval, cases, client, refusal, resources, run, scope,
    subject,
};

/// What a golden file holds: lines of `name value`.
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

/// The world that wrote a record, as it stood then, and its tokens by name.
fn write(name: &str) -> (World, GrantId, Vec<(&'static str, String)>) {
    let policy = match name {
        "previous_access_token_revoked" => Policy::default().with_previous_access_token(PreviousAccessToken::Revoke),
        "absolute_end" => Policy::default().with_grant_lifetime((HOUR * 24 * 30).into()),
        _ => Policy::default(),
    };
    let seed = name.bytes().fold(7_u64, |seed, byte| (seed * 31 + u64::from(byte)) % (1 << 32));
    let world = World::seeded(policy, seed);
    let of = |tokens: &Tokens| {
        let mut named = vec![("access_token", tokens.access.clone())];
        named.extend(tokens.refresh.clone().map(|token| ("refresh_token", token)));
        named
    };
    match name {
        "awaiting_redemption" => {
            let (code, id) = world.authorize_plainly(approval());
            (world, id, vec![("code", code)])
        }
        "redeemed" => {
            let code = world.authorize();
            let tokens = world.redeem(&code).unwrap();
            (world, tokens.grant_id, [of(&tokens), vec![("code", code)]].concat())
        }
        "fresh" | "absolute_end" => {
            let tokens = world.issue();
            (world, tokens.grant_id, of(&tokens))
        }
        "rotated" | "previous_access_token_revoked" => {
            let chain = world.rotate(&world.issue(), 1, MINUTE);
            let named = [of(&chain[1]), vec![("spent", chain[0].refresh().to_owned())]].concat();
            (world, chain[0].grant_id, named)
        }
        "many_retired" => {
            let chain = world.rotate(&world.issue(), 12, SECOND);
            let named = [of(&chain[12]), vec![("parallel", chain[0].refresh().to_owned())]].concat();
            (world, chain[0].grant_id, named)
        }
        "narrowed_access_tokens" => {
            let first = world.issue();
            let read = world.refresh_scoped(first.refresh(), "read").unwrap();
            let api = RefreshRequest::new(read.refresh()).with_scope(scope("write")).with_resources(resources(&[API]));
            let last = world.refresh_with(&api).unwrap();
            (world, first.grant_id, [of(&last), vec![("also", read.access)]].concat())
        }
        "revoked" => {
            let chain = world.rotate(&world.issue(), 1, MINUTE);
            world.revoke(chain[1].refresh());
            let dead = vec![("dead", chain[1].refresh().to_owned())];
            (world, chain[0].grant_id, dead)
        }
        "client_credentials" => {
            let tokens = world.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
            (world, tokens.grant_id, of(&tokens))
        }
        "extension_with_everything" => {
            let extension: GrantType = EXTENSION.parse().unwrap();
            let world = world.acting_as(client("app").with_grant_types([extension.clone(), GrantType::RefreshToken]));
            let tokens = world.try_issue(extension, full_approval()).unwrap();
            (world, tokens.grant_id, of(&tokens))
        }
        other => panic!("no such record: {other}"),
    }
}

const NAMES: [&str; 11] = [
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
];

fn golden(name: &str) -> Golden {
    static MISSING: Once = Once::new();
    if std::env::var_os("REGRANT_WRITE_GOLDEN").is_some() {
        MISSING.call_once(|| NAMES.into_iter().filter(|name| !path(name).exists()).for_each(write_golden));
    }
    let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, value)| (name.into(), value.into())).collect()
}

fn write_golden(name: &str) {
    let (world, id, tokens) = write(name);
    let record = hex(&world.bytes(id));
    let tokens: Vec<String> = tokens.into_iter().map(|(name, token)| format!("{name} {token}\n")).collect();
    let tokens = tokens.concat();
    let now = world.service.now().as_millis();
    std::fs::write(path(name), format!("now {now}\n{tokens}id {}\nrecord {record}\n", hex(id.as_bytes()))).unwrap();
}

/// A fresh service over the golden record alone, at the time it was written.
fn restored(name: &str) -> (World, Golden) {
    let golden = golden(name);
    let world = World::seeded(Policy::default(), 99);
    world.clock.set(Timestamp::from_millis(golden["now"].parse().unwrap()));
    let id = GrantId::from_bytes(unhex(&golden["id"]).try_into().unwrap());
    let record = GrantRecord {
        payload: unhex(&golden["record"]),
        client_id: world.client.id.clone(),
        subject: Some(subject("demo")),
        expires_at: None,
    };
    world.store.overwrite(id, record);
    (world, golden)
}

#[test]
fn every_golden_record_is_read_and_written_back_to_the_same_bytes() {
    for name in NAMES {
        let golden = golden(name);
        let id = GrantId::from_bytes(unhex(&golden["id"]).try_into().unwrap());
        let bytes = unhex(&golden["record"]);
        let grant = Grant::decode(id, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hex(&grant.encode()), golden["record"], "{name}");
    }
}

#[test]
fn every_golden_file_is_tested() {
    golden(NAMES[0]);
    let mut files: Vec<String> = std::fs::read_dir(path("x").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    let mut names = NAMES.map(str::to_owned);
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn tokens_of_golden_records_are_served_as_they_were() {
    for name in ["redeemed", "fresh", "absolute_end", "rotated", "previous_access_token_revoked", "many_retired"] {
        let (world, golden) = restored(name);
        assert!(world.is_active(&golden["access_token"]), "{name}");
        assert!(world.is_active(&golden["refresh_token"]), "{name}");
        let next = world.refresh(&golden["refresh_token"]).unwrap();
        assert_eq!(world.refresh(&golden["refresh_token"]).unwrap(), next, "{name}");
        assert!(world.refresh(next.refresh()).is_ok(), "{name}");
    }
}

#[test]
fn a_golden_code_is_redeemed_once() {
    let (world, golden) = restored("awaiting_redemption");
    let request = RedeemRequest::new(&*golden["code"]);
    assert!(world.redeem_with(&request).is_ok());
    assert_eq!(refusal(world.redeem_with(&request)), Refusal::CodeReused);
    let (world, golden) = restored("redeemed");
    assert_eq!(refusal(world.redeem(&golden["code"])), Refusal::CodeReused);
    assert!(!world.is_active(&golden["access_token"]));
}

#[test]
fn a_golden_rotation_is_repeated_byte_for_byte_and_then_seen_as_reuse() {
    let (world, golden) = restored("rotated");
    let again = world.refresh(&golden["spent"]).unwrap();
    assert_eq!((again.refresh(), &*again.access), (&*golden["refresh_token"], &*golden["access_token"]));
    world.advance(MINUTE);
    assert_eq!(refusal(world.refresh(&golden["spent"])), Refusal::RefreshTokenReused);
    assert!(!world.is_active(&golden["refresh_token"]));
}

#[test]
fn golden_retired_tokens_are_refused_without_harm() {
    let (world, golden) = restored("many_retired");
    assert_eq!(refusal(world.refresh(&golden["parallel"])), Refusal::SuccessorUsed);
    assert!(world.is_active(&golden["refresh_token"]));
}

#[test]
fn golden_access_tokens_keep_their_reach() {
    let (world, golden) = restored("narrowed_access_tokens");
    let last = world.introspect(&golden["access_token"]).unwrap();
    assert_eq!((last.scope, last.resources), (scope("write"), resources(&[API])));
    assert_eq!(world.introspect(&golden["also"]).unwrap().scope, scope("read"));
    assert_eq!(world.introspect(&golden["refresh_token"]).unwrap().scope, scope("read write"));
}

#[test]
fn a_golden_revocation_holds() {
    let (world, golden) = restored("revoked");
    assert!(!world.is_active(&golden["dead"]));
    assert_eq!(refusal(world.refresh(&golden["dead"])), Refusal::GrantRevoked);
}

#[test]
fn golden_client_credentials_are_the_clients_own() {
    let (world, golden) = restored("client_credentials");
    let active = world.introspect(&golden["access_token"]).unwrap();
    assert_eq!((active.approval, active.grant_type), (Approval::default(), GrantType::ClientCredentials));
}

#[test]
fn everything_that_was_approved_is_in_the_golden_record() {
    let (world, golden) = restored("extension_with_everything");
    let world = world.acting_as(client("app").with_grant_types([EXTENSION.parse().unwrap(), GrantType::RefreshToken]));
    let active = world.introspect(&golden["access_token"]).unwrap();
    assert_eq!((active.approval, active.grant_type.as_str()), (full_approval(), EXTENSION));
    let request = RefreshRequest::new(&*golden["refresh_token"]);
    assert_eq!(refusal(world.refresh_with(&request)), Refusal::ProofOfPossessionFailed);
    let request = request.with_confirmation(Some(Confirmation::DpopKey([0xd0; 32])));
    assert!(world.refresh_with(&request).is_ok());
}

#[test]
fn a_record_is_small_and_stays_so() {
    // DESIGN section 2: under 512 bytes after 1 rotation as after 100 000.
    let world = World::new(Policy::default());
    let code = world.authorize();
    let first = world.redeem(&code).unwrap();
    let mut last = first.clone();
    let size = || world.bytes(first.grant_id).len();
    world.advance(MINUTE * 30);
    last = world.refresh(last.refresh()).unwrap();
    let after_one = size();
    for _ in 1..100_000 {
        world.advance(MINUTE * 30);
        last = world.refresh(last.refresh()).unwrap();
    }
    let after_many = size();
    println!("a typical record has {after_one} bytes after 1 rotation and {after_many} after 100 000");
    assert!(after_one < 512 && after_many < 512, "{after_one}, {after_many}");
}

#[test]
fn a_record_under_another_key_is_no_record() {
    let world = World::new(Policy::default());
    let (one, two) = (world.issue(), world.issue());
    let bytes = world.bytes(one.grant_id);
    assert!(Grant::decode(one.grant_id, &bytes).is_ok());
    assert!(Grant::decode(two.grant_id, &bytes).is_err());
    let mut near = *one.grant_id.as_bytes();
    near[15] ^= 1;
    assert!(Grant::decode(GrantId::from_bytes(near), &bytes).is_err());
}

#[test]
fn a_record_of_a_newer_release_is_told_from_a_damaged_one() {
    let world = World::new(Policy::default());
    let tokens = world.issue();
    let mut bytes = world.bytes(tokens.grant_id);
    bytes[0] = 2;
    let newer = Grant::decode(tokens.grant_id, &bytes).unwrap_err().to_string();
    bytes[0] = 1;
    bytes[20] ^= 1;
    let damaged = Grant::decode(tokens.grant_id, &bytes).unwrap_err().to_string();
    assert_ne!(newer, damaged);
    assert!(newer.contains("version"), "{newer}");
}

/// A walk through the life of a grant.
#[derive(Clone, Debug)]
enum Step {
    Refresh(Option<&'static str>),
    Replay,
    RevokeAccess,
    Advance(u64),
    Revoke,
}

fn step() -> impl Strategy<Value = Step> {
    let wanted = prop_oneof![Just(None), Just(Some("read")), Just(Some("write")), Just(Some(""))];
    prop_oneof![
        8 => wanted.prop_map(Step::Refresh),
        2 => Just(Step::Replay),
        2 => Just(Step::RevokeAccess),
        4 => prop_oneof![0..2000_u64, 50_000..70_000_u64, 0..4_000_000_u64].prop_map(Step::Advance),
        1 => Just(Step::Revoke),
    ]
}

fn any_approval() -> impl Strategy<Value = Approval> {
    let confirmation = proptest::option::of(any::<(bool, [u8; 32])>());
    let texts = (proptest::option::of(any::<String>()), proptest::option::of(any::<String>()));
    let amr = proptest::collection::vec(any::<String>(), 0..3);
    (any::<bool>(), any::<bool>(), confirmation, any::<i32>(), texts, amr, any::<Vec<u8>>()).prop_map(
        |(has_scope, has_resources, confirmation, ago, (acr, nonce), amr, data)| {
            let confirmation = confirmation.map(|(is_key, thumbprint)| {
                if is_key { Confirmation::DpopKey(thumbprint) } else { Confirmation::Certificate(thumbprint) }
            });
            let auth_time = Timestamp::from_millis(START.as_millis() - i64::from(ago));
            Approval::of(subject("demo"))
                .with_scope(if has_scope { scope("read write") } else { Scope::empty() })
                .with_resources(if has_resources { resources(&[API]) } else { resources(&[]) })
                .with_confirmation(confirmation)
                .with_authentication(auth_time, acr, amr)
                .with_nonce(nonce)
                .with_data(data)
        },
    )
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn whatever_happens_to_a_grant_its_record_can_be_read(
        approval in any_approval(),
        by_code in any::<bool>(),
        steps in proptest::collection::vec(step(), 0..25),
    ) {
        let world = World::new(Policy::default());
        let key = approval.confirmation;
        let mut last = if by_code {
            let request = AuthorizeRequest::new(approval)
                .with_redirect_uri(Some(RedirectUri::new(CALLBACK).unwrap()));
            let code = run(world.service.authorize(&world.client, request)).unwrap();
            check_record(&world, code.grant_id)?;
            let request =
                RedeemRequest::new(code.code).with_redirect_uri(CALLBACK).with_confirmation(key);
            world.redeem_with(&request).unwrap()
        } else {
            world.try_issue(GrantType::Password, approval).unwrap()
        };
        let mut previous = last.clone();
        check_record(&world, last.grant_id)?;
        for step in steps {
            match step {
                Step::Advance(millis) => world.advance(std::time::Duration::from_millis(millis)),
                Step::Revoke => world.revoke(last.refresh()),
                Step::RevokeAccess => world.revoke(&last.access),
                Step::Replay => {
                    let request = RefreshRequest::new(previous.refresh()).with_confirmation(key);
                    drop(world.refresh_with(&request));
                }
                Step::Refresh(wanted) => {
                    let mut request = RefreshRequest::new(last.refresh()).with_confirmation(key);
                    request.scope = wanted.map(scope);
                    if let Ok(next) = world.refresh_with(&request) {
                        previous = std::mem::replace(&mut last, next);
                    }
                }
            }
            check_record(&world, last.grant_id)?;
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_record_and_no_reason_to_panic(
        id in any::<[u8; 16]>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        prop_assert!(Grant::decode(GrantId::from_bytes(id), &bytes).is_err());
        let versioned = [&[1], &*bytes].concat();
        prop_assert!(Grant::decode(GrantId::from_bytes(id), &versioned).is_err());
    }

    #[test]
    fn a_damaged_record_is_no_record(at in any::<prop::sample::Index>(), with in 1..=255_u8, extra in any::<Vec<u8>>()) {
        let world = World::new(Policy::default());
        let chain = world.rotate(&world.issue(), 2, SECOND);
        let (id, whole) = (chain[0].grant_id, world.bytes(chain[0].grant_id));
        let mut changed = whole.clone();
        changed[at.index(whole.len())] ^= with;
        prop_assert!(Grant::decode(id, &changed).is_err());
        prop_assert!(Grant::decode(id, &whole[..at.index(whole.len())]).is_err());
        if !extra.is_empty() {
            prop_assert!(Grant::decode(id, &[&*whole, &*extra].concat()).is_err());
            prop_assert!(Grant::decode(id, &[&*extra, &*whole].concat()).is_err());
        }
    }
}

fn check_record(world: &World, id: GrantId) -> Result<(), TestCaseError> {
    let bytes = world.bytes(id);
    let grant = Grant::decode(id, &bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(grant.encode(), bytes);
    prop_assert_eq!(Grant::decode(id, &grant.encode()).unwrap(), grant);
    Ok(())
}
