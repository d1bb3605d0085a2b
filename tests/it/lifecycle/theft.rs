//! Thieves who hold a key of the ring, the whole database, tokens of other kinds or a key of their own, and patient
//! ones.

use std::time::Duration;

use regrant::event::EventKind;
use regrant::grant::{Confirmation, RevocationReason};
use regrant::policy::{AccessTokenFormat, OnRollback};
use regrant::store::GrantRecord;
use regrant::token::KeyRingError;
use regrant::{Approval, GrantId, GrantType, Key, Policy, RedeemRequest, RefreshRequest, Refusal};

use crate::lifecycle::node::{
    Answer, DAY, HOUR, MINUTE, Node, SECOND, Tokens, approval, client, public_client, refusal, ring_secret, run,
};
use fixtures::forge::{ACCESS, CODE, Content, DEVICE, Forger, JWT_ID, REFRESH};
use fixtures::jwt::StubIssuer;

const THIEFS: Confirmation = Confirmation::DpopKey([0xee; 32]);
const OWNERS: Confirmation = Confirmation::DpopKey([0x0a; 32]);

fn forger() -> Forger {
    Forger::new(1, &ring_secret(1))
}

fn id(grant_id: GrantId) -> [u8; 16] {
    *grant_id.as_bytes()
}

fn with_key(node: &Node, token: &str, key: Confirmation) -> Answer {
    node.refresh_with(&RefreshRequest::new(token).with_presented_keys(Some(key)))
}

#[test]
fn the_forger_speaks_the_format() {
    // Otherwise the tests below would pass for the wrong reason: a real token, opened and sealed again, is the same
    // token.
    let node = Node::new(Policy::default());
    let (code, tokens) = (node.authorize(), node.issue());
    for (kind, token) in [(CODE, &*code), (ACCESS, &*tokens.access), (REFRESH, tokens.refresh())] {
        let content = forger().open(kind, token);
        assert_eq!(forger().seal(kind, &content), token);
    }
    assert_eq!(forger().open(REFRESH, tokens.refresh()).grant_id, id(tokens.grant_id));
}

#[test]
fn a_key_and_the_id_of_a_grant_make_no_token_that_it_accepts_and_kill_no_grant() {
    for policy in [Policy::default(), Policy::am_7_5(), Policy::default().with_on_rollback(OnRollback::Refuse)] {
        let node = Node::new(policy);
        let owner = node.rotate(&node.issue(), 3, MINUTE).pop().unwrap();
        // The id is inside every access token, and the primary key of every row.
        let grant_id = forger().open(ACCESS, &owner.access).grant_id;
        let before = node.bytes(owner.grant_id);
        for number in [0, 2, 3, 4, 9, u32::MAX] {
            let forged = forger().refresh_token(grant_id, number);
            node.events.take();
            assert_eq!(refusal(node.refresh(&forged)), Refusal::RootMismatch, "generation {number}");
            assert_eq!(node.events.kinds(), [EventKind::Refused(Refusal::RootMismatch)]);
            node.revoke(&forged);
            assert!(!node.is_active(&forged));
        }
        assert_eq!(Refusal::RootMismatch.code().as_str(), "invalid_grant");
        assert_eq!(node.bytes(owner.grant_id), before, "nothing changed");
        assert!(node.refresh(owner.refresh()).is_ok());
    }
}

#[test]
fn neither_a_code_nor_a_device_code_becomes_a_refresh_token() {
    let node = Node::new(Policy::default());
    let (code, waiting) = node.authorize_plainly(approval());
    let device = node.authorize_device();
    let approved = node.authorize_device();
    let grant = run(node.service.approve_device(&approved.user_code, Approval::default())).unwrap();
    assert_eq!(forger().open(CODE, &code).grant_id, id(waiting));
    assert_eq!(forger().open(DEVICE, device.device_code.expose()).grant_id, id(device.grant_id));
    for grant_id in [waiting, device.grant_id, grant, approved.grant_id] {
        for number in [0, 1, 9] {
            let forged = forger().refresh_token(id(grant_id), number);
            let before = node.bytes(grant_id);
            assert_eq!(refusal(node.refresh(&forged)), Refusal::RootMismatch);
            node.revoke(&forged);
            assert_eq!(node.bytes(grant_id), before);
        }
    }
    assert!(node.redeem_with(&RedeemRequest::new(code)).is_ok(), "PKCE, redirect URI and key still stand before it");
    assert!(node.poll(approved.device_code.expose()).is_ok());
}

#[test]
fn a_key_makes_no_access_token_no_code_and_no_device_code_either() {
    let node = Node::new(Policy::default());
    let (code, owner) = (node.authorize(), node.issue());
    let device = node.authorize_device();
    let grant = run(node.service.approve_device(&device.user_code, Approval::default())).unwrap();
    let ids = [(CODE, &*code), (ACCESS, &*owner.access), (DEVICE, device.device_code.expose())];
    for (kind, token) in ids {
        let forged = forger().seal(kind, &Content { secret: [9; 32], ..forger().open(kind, token) });
        assert!(!node.is_active(&forged));
        assert_eq!(refusal(node.redeem(&forged)), Refusal::TokenUnrecognized);
        assert_eq!(refusal(node.poll(&forged)), Refusal::TokenUnrecognized);
        node.revoke(&forged);
    }
    assert!(node.is_active(&owner.access) && node.redeem(&code).is_ok());
    assert_eq!(node.poll(device.device_code.expose()).unwrap().grant_id, grant);
}

#[test]
fn the_keys_and_the_whole_database_and_every_other_token_make_none() {
    // A thief of everything but a refresh token can try ids, digests and salts from the records, secrets of access
    // tokens and codes, as secrets and as roots.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    let chain = node.rotate(&node.redeem(&code).unwrap(), 2, MINUTE);
    let owner = chain.last().unwrap();
    let record = node.bytes(owner.grant_id);
    let mut secrets: Vec<[u8; 32]> = record.windows(32).map(|window| window.try_into().unwrap()).collect();
    secrets.extend(chain.iter().map(|tokens| forger().open(ACCESS, &tokens.access).secret));
    secrets.push(forger().open(CODE, &code).secret);
    let mut roots: Vec<[u8; 16]> = record.windows(16).map(|window| window.try_into().unwrap()).collect();
    roots.push(id(owner.grant_id));
    for (index, secret) in secrets.iter().enumerate() {
        for number in [1, 2, 3] {
            let root = roots[index % roots.len()];
            let lineage = Some((root, [0; 11]));
            let content = Content { grant_id: id(owner.grant_id), number, secret: *secret, lineage };
            assert_eq!(refusal(node.refresh(&forger().seal(REFRESH, &content))), Refusal::RootMismatch);
        }
    }
    for root in roots {
        let content =
            Content { grant_id: id(owner.grant_id), number: 9, secret: [9; 32], lineage: Some((root, [0; 11])) };
        assert_eq!(refusal(node.refresh(&forger().seal(REFRESH, &content))), Refusal::RootMismatch);
    }
    assert_eq!(node.bytes(owner.grant_id), record);
}

#[test]
fn a_key_that_was_never_drawn_is_refused() {
    for byte in [0, 1, 0xff] {
        assert_eq!(Key::new([byte; 32]).map(drop).unwrap_err(), KeyRingError::NotRandom);
        assert_eq!(Key::from_parts(7, [byte; 32]).map(drop).unwrap_err(), KeyRingError::NotRandom);
    }
    let zeros = "A".repeat(43);
    assert_eq!(Key::from_base64url(&zeros).map(drop).unwrap_err(), KeyRingError::NotRandom);
}

#[test]
fn first_tokens_salts_and_grant_ids_come_of_the_entropy_source_and_of_nothing_else() {
    let life = |seed| {
        let node = Node::seeded(Policy::default(), seed);
        let (code, first) = (node.authorize(), node.issue());
        (code, node.bytes(first.grant_id), node.refresh(first.refresh()).unwrap(), first)
    };
    let (one, other) = (life(1), life(2));
    assert_eq!(one, life(1));
    assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2 && one.3 != other.3);
}

#[test]
fn the_root_of_one_grant_opens_no_other() {
    let node = Node::new(Policy::default());
    let (own, other) = (node.issue(), node.issue());
    let content = Content { grant_id: id(other.grant_id), number: 5, ..forger().open(REFRESH, own.refresh()) };
    assert_eq!(refusal(node.refresh(&forger().seal(REFRESH, &content))), Refusal::RootMismatch);
    assert!(node.refresh(other.refresh()).is_ok());
}

#[test]
fn a_key_and_a_real_refresh_token_give_its_grant_and_the_owner_finds_out() {
    // SECURITY.md says so: this is what the two together are worth.
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    let stolen = forger().open(REFRESH, chain[0].refresh());
    let forged = forger().seal(REFRESH, &Content { number: 7, secret: [7; 32], ..stolen });
    node.advance(MINUTE);
    let thief = node.refresh(&forged).unwrap();
    assert_eq!(refusal(node.refresh(chain[2].refresh())), Refusal::RefreshTokenReused, "the owner's next refresh");
    assert!(!node.is_any_active(&[thief]));
}

#[test]
fn where_no_rollback_is_healed_a_key_and_a_spent_token_only_end_the_grant() {
    let node = Node::new(Policy::default().with_on_rollback(OnRollback::Refuse));
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    let stolen = forger().open(REFRESH, chain[0].refresh());
    let forged = |number| forger().seal(REFRESH, &Content { number, secret: [7; 32], ..stolen.clone() });
    let before = node.bytes(chain[0].grant_id);
    assert_eq!(refusal(node.refresh(&forged(7))), Refusal::RefreshTokenAhead);
    assert_eq!(node.bytes(chain[0].grant_id), before);
    assert_eq!(refusal(node.refresh(&forged(2))), Refusal::RefreshTokenForked);
    assert!(!node.is_any_active(&chain));
}

#[test]
fn a_key_a_record_and_a_token_that_it_remembers_give_the_current_one() {
    // The derivation is keyed by the ring, and the salt is in the record. SECURITY.md says so.
    let node = Node::new(Policy::default().with_on_rollback(OnRollback::Refuse));
    let chain = node.rotate(&node.issue(), 1, MINUTE);
    let spent = forger().open(REFRESH, chain[0].refresh());
    let record = node.bytes(chain[0].grant_id);
    let derived = record.windows(16).any(|salt| {
        let secret = forger().successor(&spent.secret, salt, 1);
        forger().seal(REFRESH, &Content { number: 1, secret, ..spent.clone() }) == chain[1].refresh()
    });
    assert!(derived);
}

#[test]
fn a_record_rolled_back_to_before_its_redemption_is_refused() {
    // The record has no root, so the owner's token cannot be distinguished from a forged one.
    let node = Node::new(Policy::default());
    let (code, id) = node.authorize_plainly(approval());
    let old = node.store.record(id).unwrap();
    let tokens = node.redeem_with(&RedeemRequest::new(&*code)).unwrap();
    node.store.overwrite(id, old.clone());
    assert_eq!(refusal(node.refresh(tokens.refresh())), Refusal::RootMismatch);
    assert_eq!(node.store.record(id), Some(old));
}

fn late_key() -> (Node, Node, Tokens) {
    let owner = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = owner.issue();
    (owner.clone(), owner, first)
}

#[test]
fn a_key_shown_late_does_not_shield_a_thief() {
    // The grant was bound to the thief's key, and the owner was refused for ever before reuse was looked at.
    for age in [Duration::ZERO, MINUTE + SECOND, HOUR, DAY, DAY * 6] {
        let (owner, thief, first) = late_key();
        let stolen = with_key(&thief, first.refresh(), THIEFS).unwrap();
        owner.advance(age);
        owner.events.take();
        assert_eq!(refusal(owner.refresh(first.refresh())), Refusal::RefreshTokenReused, "after {age:?}");
        assert!(owner.events.kinds().contains(&EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse)));
        assert_eq!(refusal(with_key(&thief, stolen.refresh(), THIEFS)), Refusal::GrantRevoked);
        let (owner, thief, first) = late_key();
        with_key(&thief, first.refresh(), THIEFS).unwrap();
        owner.advance(age);
        assert_eq!(
            refusal(with_key(&owner, first.refresh(), OWNERS)),
            Refusal::RefreshTokenReused,
            "an own key neither"
        );
    }
}

#[test]
fn a_key_shown_in_a_replay_does_not_shield_a_thief_either() {
    let (owner, thief, first) = late_key();
    let second = owner.refresh(first.refresh()).unwrap();
    let theirs = with_key(&thief, first.refresh(), THIEFS).unwrap();
    assert_eq!(theirs.refresh, second.refresh, "inside grace, byte for byte");
    // In either order, the second of the two is found to hold the same chain.
    let third = with_key(&thief, second.refresh(), THIEFS).unwrap();
    assert_eq!(refusal(owner.refresh(second.refresh())), Refusal::RefreshTokenReused);
    assert!(refusal(with_key(&thief, third.refresh(), THIEFS)) == Refusal::GrantRevoked);

    let (owner, thief, first) = late_key();
    let second = owner.refresh(first.refresh()).unwrap();
    with_key(&thief, first.refresh(), THIEFS).unwrap();
    assert!(owner.refresh(second.refresh()).is_ok(), "the owner's token was never bound");
}

#[test]
fn an_owner_who_turns_to_dpop_is_bound_from_the_next_token_on() {
    let (owner, thief, first) = late_key();
    let second = with_key(&owner, first.refresh(), OWNERS).unwrap();
    // The retry of the same request, with its key, is answered.
    assert_eq!(with_key(&owner, first.refresh(), OWNERS).unwrap().refresh, second.refresh);
    // Bound tokens shown without the key, or with another, say nothing.
    let before = owner.bytes(first.grant_id);
    assert_eq!(refusal(thief.refresh(second.refresh())), Refusal::ProofOfPossessionFailed);
    assert_eq!(refusal(with_key(&thief, second.refresh(), THIEFS)), Refusal::ProofOfPossessionFailed);
    assert_eq!(owner.bytes(first.grant_id), before);
    let third = with_key(&owner, second.refresh(), OWNERS).unwrap();
    owner.advance(MINUTE * 2);
    assert_eq!(refusal(thief.refresh(second.refresh())), Refusal::ProofOfPossessionFailed, "spent, and still bound");
    assert!(with_key(&owner, third.refresh(), OWNERS).is_ok());
}

#[test]
fn a_rhythm_hides_no_theft() {
    // The clock of merged entries slid: refreshing every 7 s hid any theft, for ever.
    for (pause, rotations) in [(SECOND * 7, 2_000), (SECOND * 8, 200), (SECOND / 2, 200), (MINUTE, 20)] {
        let node = Node::new(Policy::default());
        let stolen = node.issue();
        let thief = node.rotate(&stolen, rotations, pause).pop().unwrap();
        assert_eq!(refusal(node.refresh(stolen.refresh())), Refusal::RefreshTokenReused, "every {pause:?}");
        assert!(!node.is_any_active(&[thief]));
    }
}

#[test]
fn two_quick_refreshes_before_the_owners_hide_no_theft() {
    // A refusal without a reaction would make the owner's client drop its token, and the theft would never be found.
    // When both are answered, both hold the current token, and the later one shows a spent token after the next
    // rotation.
    let node = Node::new(Policy::default());
    let stolen = node.issue();
    node.advance(HOUR - SECOND * 4);
    let thief = node.rotate(&stolen, 2, SECOND).pop().unwrap();
    node.advance(SECOND * 2);
    let owner = node.refresh(stolen.refresh()).unwrap();
    assert_eq!(owner.refresh, thief.refresh, "the current head, not a fork");
    for owner_first in [true, false] {
        let node = node.under(Policy::default());
        let backup: GrantRecord = node.store.record(stolen.grant_id).unwrap();
        node.advance(HOUR);
        let next = node.refresh(owner.refresh()).unwrap();
        node.advance(HOUR);
        node.refresh(next.refresh()).unwrap();
        // The other of the two still holds the token that both got.
        node.advance(HOUR);
        assert_eq!(refusal(node.refresh(thief.refresh())), Refusal::RefreshTokenReused, "{owner_first}");
        node.store.overwrite(stolen.grant_id, backup);
    }
}

#[test]
fn a_rollback_to_before_a_binding_does_not_unbind() {
    // The record does not know the key any more, but the token does.
    let owner = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = owner.issue();
    let unbound = owner.store.record(first.grant_id).unwrap();
    let second = with_key(&owner, first.refresh(), OWNERS).unwrap();
    owner.store.overwrite(first.grant_id, unbound.clone());
    assert_eq!(refusal(owner.refresh(second.refresh())), Refusal::ProofOfPossessionFailed);
    assert_eq!(refusal(with_key(&owner, second.refresh(), THIEFS)), Refusal::ProofOfPossessionFailed);
    assert_eq!(owner.store.record(first.grant_id), Some(unbound));
    let third = with_key(&owner, second.refresh(), OWNERS).unwrap();
    assert_eq!(refusal(owner.refresh(third.refresh())), Refusal::ProofOfPossessionFailed, "bound again");
    assert!(with_key(&owner, second.refresh(), OWNERS).is_ok(), "a retry");
    assert!(with_key(&owner, third.refresh(), OWNERS).is_ok());
}

#[test]
fn a_key_shown_with_a_bearer_token_that_heals_does_not_shield_a_thief() {
    let (owner, thief, first) = late_key();
    let second = owner.rolled_back(first.grant_id, || owner.refresh(first.refresh()).unwrap());
    with_key(&thief, second.refresh(), THIEFS).unwrap();
    assert_eq!(refusal(owner.refresh(second.refresh())), Refusal::RefreshTokenReused);
}

#[test]
fn a_rollback_heals_only_what_the_client_may_still_do() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let old = node.store.record(first.grant_id).unwrap();
    let second = node.refresh(first.refresh()).unwrap();
    node.store.overwrite(first.grant_id, old.clone());
    let plain = node.acting_as(client("app").with_grant_types([GrantType::Password]));
    assert_eq!(refusal(plain.refresh(second.refresh())), Refusal::GrantTypeNotAllowed);
    assert_eq!(node.store.record(first.grant_id), Some(old));
}

#[test]
fn two_nodes_whose_keys_differ_under_one_id_give_no_second_successor() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    // The other node has the right key for what is presented, and another secret under the id of the new primary key.
    let answer = node.with_keys(&[2, 1]).refresh(first.refresh()).unwrap();
    let other = node.with_ring(&[(2, ring_secret(9)), (1, ring_secret(1))]);
    let before = node.bytes(first.grant_id);
    node.events.take();
    crate::lifecycle::node::assert_retryable(other.refresh(first.refresh()));
    assert_eq!(node.events.kinds(), [EventKind::Refused(Refusal::SuccessorMismatch)]);
    assert_eq!(node.bytes(first.grant_id), before);
    // The right node answers, and the session goes on.
    let right = node.with_keys(&[2, 1]);
    assert_eq!(right.refresh(first.refresh()).unwrap(), answer);
    assert!(right.refresh(answer.refresh()).is_ok());
}

#[test]
fn a_spent_token_ends_what_is_left_of_a_grant_whose_refresh_token_is_over() {
    // The idle time of refresh tokens is shorter than the life of an access token.
    let node = Node::new(Policy::default().with_refresh_token_lifetime((MINUTE * 10).into()));
    let stolen = node.issue();
    let thief = node.rotate(&stolen, 2, MINUTE).pop().unwrap();
    node.advance(MINUTE * 10);
    assert!(node.is_active(&thief.access));
    assert_eq!(refusal(node.refresh(stolen.refresh())), Refusal::RefreshTokenReused);
    assert!(!node.is_active(&thief.access));
}

#[test]
fn after_a_lost_write_a_thiefs_key_does_not_shield_him() {
    // The write that spent T0 is lost, and the thief rotates T0 with a key of his own. The owner's tokens are of the
    // lost line: two hold the chain, whatever the record says of keys.
    for ahead in [1, 2, 5] {
        let owner = Node::new(Policy::default()).acting_as(public_client("app"));
        let first = owner.issue();
        let owners = owner.rolled_back(first.grant_id, || owner.rotate(&first, ahead, MINUTE).pop().unwrap());
        let thief = with_key(&owner, first.refresh(), THIEFS).unwrap();
        owner.advance(HOUR);
        owner.events.take();
        let answer = owner.refresh(owners.refresh());
        assert!(!owner.is_any_active(&[thief]), "{ahead} ahead: {answer:?}, {:?}", owner.events.kinds());
    }
}

#[test]
fn after_a_lost_write_a_thiefs_key_does_not_shield_him_from_an_owner_with_a_key() {
    for ahead in [1, 3] {
        let owner = Node::new(Policy::default()).acting_as(public_client("app"));
        let first = owner.issue();
        let old = owner.store.record(first.grant_id).unwrap();
        let mut owners = first.clone();
        for _ in 0..ahead {
            owners = with_key(&owner, owners.refresh(), OWNERS).unwrap();
        }
        owner.store.overwrite(first.grant_id, old);
        let thief = with_key(&owner, first.refresh(), THIEFS).unwrap();
        owner.advance(HOUR);
        let answer = with_key(&owner, owners.refresh(), OWNERS);
        assert!(!owner.is_any_active(&[thief]), "{ahead} ahead: {answer:?}");
    }
}

#[test]
fn the_last_generation_of_all_panics_nowhere() {
    let node = Node::new(Policy::default());
    let real = node.issue();
    let content = Content { number: u32::MAX - 1, secret: [7; 32], ..forger().open(REFRESH, real.refresh()) };
    let token = forger().seal(REFRESH, &content);
    let last = node.refresh(&token).unwrap();
    assert_eq!(node.refresh(&token).unwrap(), last, "a retry");
    assert_eq!(refusal(node.refresh(last.refresh())), Refusal::GrantExhausted);
}

#[test]
fn a_client_that_became_confidential_keeps_the_binding_through_a_rollback() {
    // Bound while the client was public; the binding is lost with the last writes; the token says whose it is.
    let public = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = public.issue();
    let bound = public.rolled_back(first.grant_id, || with_key(&public, first.refresh(), OWNERS).unwrap());
    let confidential = public.acting_as(client("app"));
    let next = with_key(&confidential, bound.refresh(), OWNERS).unwrap();
    assert_eq!(refusal(confidential.refresh(next.refresh())), Refusal::ProofOfPossessionFailed);
}

#[test]
fn a_withdrawn_signing_key_ends_what_it_signed_for_a_thief_of_the_ring_too() {
    // SECURITY.md: "`KeySet::withdraw` ends all that a leaked key signed". The reference in a JWT, sealed anew as an
    // opaque token, is taken for one.
    let jwts = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let issuer = StubIssuer::default();
    let node = Node::new(Policy::default()).with_issuer(&issuer).under(jwts);
    let stolen = node.issue();
    issuer.rotate("k2");
    issuer.withdraw("k1");
    assert!(!node.is_active(&stolen.access));
    let jti = format!("ji_{}", fixtures::jwt::claims(&stolen.access)["jti"].as_str().unwrap());
    let opaque = forger().seal(ACCESS, &forger().open(JWT_ID, &jti));
    assert!(!node.is_active(&opaque), "active again");
}

#[test]
fn an_owner_whose_binding_was_lost_finds_the_thief_of_an_older_token() {
    // The owner turned to DPoP in the lost writes; a thief of the bearer token before them comes first, without a key.
    let owner = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = owner.issue();
    let second = owner.rolled_back(first.grant_id, || with_key(&owner, first.refresh(), OWNERS).unwrap());
    let thief = owner.rotate(&first, 3, MINUTE).pop().unwrap();
    let answer = with_key(&owner, second.refresh(), OWNERS);
    assert!(!owner.is_any_active(&[thief]), "{answer:?}");
}
