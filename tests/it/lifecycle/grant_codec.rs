//! The bytes of records: small, and never confused with other bytes.

use std::time::Duration;

use proptest::prelude::*;
use regrant::clock::Timestamp;
use regrant::grant::{Actor, Confirmation, Grant};
use regrant::policy::AccessTokenFormat;
use regrant::store::GrantRecord;
use regrant::{
    Approval, AuthorizationDetails, AuthorizeRequest, GrantId, GrantType, Policy, RedeemRequest, RedirectUri,
    RefreshRequest, Refusal, Scope,
};
use serde_json::{Value, json};

use crate::lifecycle::golden::VERSION;
use crate::lifecycle::node::{
    API, CALLBACK, MINUTE, Node, SECOND, START, cases, client, public_client, refusal, resources, run, scope, subject,
};

#[test]
fn a_record_is_small_and_stays_so() {
    // Under 512 bytes after 1 rotation and after 100 000.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let first = node.redeem(&code).unwrap();
    let mut last = first.clone();
    let size = || node.bytes(first.grant_id).len();
    node.advance(MINUTE * 30);
    last = node.refresh(last.refresh()).unwrap();
    let after_one = size();
    for _ in 1..100_000 {
        node.advance(MINUTE * 30);
        last = node.refresh(last.refresh()).unwrap();
    }
    let after_many = size();
    println!("a typical record has {after_one} bytes after 1 rotation and {after_many} after 100 000");
    assert!(after_one < 512 && after_many < 512, "{after_one}, {after_many}");
}

#[test]
fn no_policy_lets_a_record_grow_without_bound() {
    // Under AM's policy each refresh left 48 bytes: 286 kB after 6 000 of them.
    for (policy, most) in [(Policy::am_7_5(), 60_000), (Policy::default(), 1_500)] {
        let node = Node::new(policy);
        let first = node.issue();
        node.rotate(&first, 2_000, Duration::from_millis(10));
        let size = node.bytes(first.grant_id).len();
        assert!(size < most, "{size}");
    }
}

#[test]
fn a_record_under_another_key_is_no_record() {
    let node = Node::new(Policy::default());
    let (one, two) = (node.issue(), node.issue());
    let bytes = node.bytes(one.grant_id);
    assert!(Grant::decode(one.grant_id, &bytes).is_ok());
    assert!(Grant::decode(two.grant_id, &bytes).is_err());
    let mut near = *one.grant_id.as_bytes();
    near[15] ^= 1;
    assert!(Grant::decode(GrantId::from_bytes(near), &bytes).is_err());
}

#[test]
fn a_row_that_names_another_owner_does_not_change_whose_grant_it_is() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let record = node.store.record(first.grant_id).unwrap();
    let thief = public_client("thief");
    let row = GrantRecord { client_id: thief.id.clone(), subject: Some(subject("thief")), ..record.clone() };
    for row in [row, GrantRecord { subject: None, ..record.clone() }] {
        node.store.overwrite(first.grant_id, row);
        let refused = node.acting_as(thief.clone()).refresh(first.refresh());
        assert_eq!(refusal(refused), Refusal::OtherClient);
        let active = node.introspect(&first.access).unwrap();
        assert_eq!((active.client_id, active.approval.subject), (record.client_id.clone(), record.subject.clone()));
        assert!(node.refresh(first.refresh()).is_ok());
        let written = node.store.record(first.grant_id).unwrap();
        assert_eq!((written.client_id, written.subject), (record.client_id.clone(), record.subject.clone()));
        node.store.overwrite(first.grant_id, record.clone());
    }
}

#[test]
fn a_record_of_a_newer_release_is_told_from_a_damaged_one() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let mut bytes = node.bytes(tokens.grant_id);
    bytes[0] = VERSION + 1;
    let newer = Grant::decode(tokens.grant_id, &bytes).unwrap_err().to_string();
    bytes[0] = VERSION;
    bytes[20] ^= 1;
    let damaged = Grant::decode(tokens.grant_id, &bytes).unwrap_err().to_string();
    assert_ne!(newer, damaged);
    assert!(newer.contains("version"), "{newer}");
}

// Every writer to the database can compute a checksum.
#[test]
fn a_record_that_is_cut_or_continued_is_none_even_with_the_right_checksum() {
    let node = Node::new(Policy::default());
    let id = node.rotate(&node.issue(), 2, SECOND)[0].grant_id;
    let sealed = |content: &[u8]| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(id.as_bytes());
        hasher.update(content);
        [content, &hasher.finalize().to_be_bytes()].concat()
    };
    let bytes = node.bytes(id);
    let (content, _) = bytes.split_last_chunk::<4>().unwrap();
    assert_eq!(sealed(content), bytes);
    for length in 0..content.len() {
        assert!(Grant::decode(id, &sealed(&content[..length])).is_err(), "{length}");
    }
    assert!(Grant::decode(id, &sealed(&[content, &[0]].concat())).is_err());
}

/// A walk through the life of a grant.
#[derive(Clone, Debug)]
enum Step {
    Refresh(Option<&'static str>, Option<Confirmation>),
    /// For the first granted object alone.
    Narrow,
    Replay,
    RevokeAccess,
    Advance(u64),
    Revoke,
}

fn step() -> impl Strategy<Value = Step> {
    let wanted = prop_oneof![Just(None), Just(Some("read")), Just(Some("write")), Just(Some(""))];
    prop_oneof![
        8 => (wanted, any_key()).prop_map(|(wanted, key)| Step::Refresh(wanted, key)),
        2 => Just(Step::Narrow),
        2 => Just(Step::Replay),
        2 => Just(Step::RevokeAccess),
        4 => prop_oneof![0..2000_u64, 50_000..70_000_u64, 0..4_000_000_u64].prop_map(Step::Advance),
        1 => Just(Step::Revoke),
    ]
}

fn any_key() -> impl Strategy<Value = Option<Confirmation>> {
    proptest::option::of(any::<(bool, [u8; 32])>()).prop_map(|key| {
        key.map(
            |(is_key, thumbprint)| {
                if is_key { Confirmation::DpopKey(thumbprint) } else { Confirmation::Certificate(thumbprint) }
            },
        )
    })
}

type Addition = (Option<String>, Option<Actor>, Option<regrant::Subject>, Option<AuthorizationDetails>);

/// Session, actor, `may_act` and authorization details of an approval.
fn any_addition() -> impl Strategy<Value = Addition> {
    let name = || "[a-z]{1,8}".prop_map(|name| subject(&name));
    let actors = proptest::collection::vec(name(), 0..5)
        .prop_map(|chain| chain.into_iter().fold(None, |former, subject| Some(Actor::new(subject, former))));
    let details = proptest::collection::vec((any::<bool>(), any::<String>()), 1..4).prop_map(|objects| {
        let object = |(is_a, text)| json!({ "type": if is_a { "a" } else { "b" }, "text": text });
        AuthorizationDetails::try_from(objects.into_iter().map(object).collect::<Value>()).unwrap()
    });
    let session = proptest::option::of(any::<String>());
    (session, actors, proptest::option::of(name()), proptest::option::of(details))
}

fn any_approval() -> impl Strategy<Value = Approval> {
    let texts = (proptest::option::of(any::<String>()), proptest::option::of(any::<String>()));
    let amr = proptest::collection::vec(any::<String>(), 0..3);
    (any::<bool>(), any::<bool>(), any_key(), any::<i32>(), texts, amr, any::<Vec<u8>>(), any_addition()).prop_map(
        |(has_scope, has_resources, confirmation, ago, (acr, nonce), amr, data, (session, actor, may_act, details))| {
            let auth_time = Timestamp::from_millis(START.as_millis() - i64::from(ago));
            Approval::of(subject("demo"))
                .with_scope(if has_scope { scope("read write") } else { Scope::empty() })
                .with_resources(if has_resources { resources(&[API]) } else { resources(&[]) })
                .with_confirmation(confirmation)
                .with_authentication(auth_time, acr, amr)
                .with_nonce(nonce)
                .with_data(data)
                .with_session_id(session)
                .with_actor(actor)
                .with_may_act(may_act)
                .with_authorization_details(details)
        },
    )
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn whatever_happens_to_a_grant_its_record_can_be_read(
        approval in any_approval(),
        by_code in any::<bool>(),
        code_key in any_key(),
        format in prop_oneof![Just(AccessTokenFormat::Opaque), Just(AccessTokenFormat::Jwt)],
        steps in proptest::collection::vec(step(), 0..25),
    ) {
        let node = Node::new(Policy::default()).with_jwts().under(Policy::default().with_access_token_format(format));
        let node = node.acting_as(client("app").with_authorization_details_types(["a", "b"]));
        let key = approval.confirmation;
        let first = approval.authorization_details.as_ref().map(|details| json!([details.objects()[0]]));
        let granted = first.map(|first| AuthorizationDetails::try_from(first).unwrap());
        // Both must be shown at the code, so at most one of them can be there, or both are the same.
        let code_key = if key.is_some() { key } else { code_key };
        let mut last = if by_code {
            let request = AuthorizeRequest::new(approval)
                .with_confirmation(code_key)
                .with_redirect_uri(Some(RedirectUri::new(CALLBACK).unwrap()));
            let code = run(node.service.authorize(&node.client, request)).unwrap();
            check_record(&node, code.grant_id)?;
            let request =
                RedeemRequest::new(code.code).with_redirect_uri(CALLBACK).with_presented_keys(code_key);
            node.redeem_with(&request).unwrap()
        } else {
            node.try_issue(GrantType::Password, approval).unwrap()
        };
        let mut previous = last.clone();
        check_record(&node, last.grant_id)?;
        for step in steps {
            match step {
                Step::Advance(millis) => node.advance(Duration::from_millis(millis)),
                Step::Revoke => node.revoke(last.refresh()),
                Step::RevokeAccess => node.revoke(&last.access),
                Step::Replay => {
                    let request = RefreshRequest::new(previous.refresh()).with_presented_keys(key);
                    drop(node.refresh_with(&request));
                }
                Step::Narrow => {
                    let mut request = RefreshRequest::new(last.refresh()).with_presented_keys(key);
                    request.authorization_details = granted.clone();
                    if let Ok(next) = node.refresh_with(&request) {
                        previous = std::mem::replace(&mut last, next);
                    }
                }
                Step::Refresh(wanted, another) => {
                    let mut request = RefreshRequest::new(last.refresh()).with_presented_keys(key.or(another));
                    request.scope = wanted.map(scope);
                    if let Ok(next) = node.refresh_with(&request) {
                        previous = std::mem::replace(&mut last, next);
                    }
                }
            }
            check_record(&node, last.grant_id)?;
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_record_and_no_reason_to_panic(
        id in any::<[u8; 16]>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        prop_assert!(Grant::decode(GrantId::from_bytes(id), &bytes).is_err());
        for version in 1..=VERSION {
            let versioned = [&[version], &*bytes].concat();
            prop_assert!(Grant::decode(GrantId::from_bytes(id), &versioned).is_err());
        }
    }

    #[test]
    fn a_damaged_record_is_no_record(at in any::<prop::sample::Index>(), with in 1..=255_u8, extra in any::<Vec<u8>>()) {
        let node = Node::new(Policy::default());
        let chain = node.rotate(&node.issue(), 2, SECOND);
        let (id, whole) = (chain[0].grant_id, node.bytes(chain[0].grant_id));
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

fn check_record(node: &Node, id: GrantId) -> Result<(), TestCaseError> {
    let bytes = node.bytes(id);
    let grant = Grant::decode(id, &bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&*grant.encode(), bytes);
    prop_assert_eq!(Grant::decode(id, &grant.encode()).unwrap(), grant);
    Ok(())
}
