//! Histories that have an order, and histories that have none.

use histories::checker::{Verdict, check};
use histories::history::{Access, Answer, Call, Failover, History, NEVER, Operation, Refresh};
use histories::specification::{Loss, Windows};
use regrant::Refusal;

/// The refresh token of a generation; `mark` tells apart two of one generation.
const fn r(generation: u32, mark: u32) -> Refresh {
    Refresh { root: 7, generation, mark }
}

/// The answer with that refresh token, and the access token of its rotation.
const fn tokens(generation: u32, mark: u32) -> Answer {
    Answer::Tokens(r(generation, mark), Access(100 * mark + generation))
}

const fn op(interval: (u64, u64), call: Call, answer: Answer) -> Operation {
    Operation { call, answer: Some(answer), invoked: interval.0, returned: interval.1 }
}

const fn unknown(invoked: u64, call: Call) -> Operation {
    Operation { call, answer: None, invoked, returned: NEVER }
}

const fn refused(refusal: Refusal) -> Answer {
    Answer::Refused(refusal)
}

const ACTIVE: Answer = Answer::Active(true);
const INACTIVE: Answer = Answer::Active(false);

/// A session with its first tokens, then these calls from time 10 on.
fn session(operations: &[Operation]) -> History {
    let first = [op((1, 2), Call::Authorize, Answer::Done), op((3, 4), Call::Redeem, tokens(0, 1))];
    History { operations: [&first, operations].concat(), failovers: Vec::new() }
}

fn accepts(operations: &[Operation]) {
    let (history, windows) = (session(operations), Windows::Open);
    assert!(check(&history, windows).is_clean(), "{history}{:?}", check(&history, windows));
}

fn rejects(operations: &[Operation]) {
    let history = session(operations);
    let verdict = check(&history, Windows::Open);
    assert!(verdict.is_refuted(), "{history}{verdict:?}");
}

#[test]
fn calls_one_after_the_other_have_an_order() {
    accepts(&[
        op((10, 11), Call::Introspect(r(0, 1)), ACTIVE),
        op((12, 13), Call::Refresh(r(0, 1)), tokens(1, 1)),
        op((14, 15), Call::Refresh(r(0, 1)), tokens(1, 1)),
        op((16, 17), Call::Introspect(r(0, 1)), INACTIVE),
        op((18, 19), Call::IntrospectAccess(Access(100)), ACTIVE),
        op((20, 21), Call::RevokeAccess(Access(100)), Answer::Done),
        op((22, 23), Call::IntrospectAccess(Access(100)), INACTIVE),
        op((24, 25), Call::Revoke(r(0, 1)), Answer::Done),
        op((26, 27), Call::Refresh(r(1, 1)), refused(Refusal::GrantRevoked)),
        op((28, 29), Call::IntrospectAccess(Access(101)), INACTIVE),
    ]);
}

#[test]
fn calls_at_the_same_time_may_have_either_order() {
    let refresh = |interval| op(interval, Call::Refresh(r(0, 1)), tokens(1, 1));
    let revoke = op((11, 20), Call::Revoke(r(0, 1)), Answer::Done);
    accepts(&[refresh((10, 15)), revoke, op((21, 22), Call::Introspect(r(1, 1)), INACTIVE)]);
    accepts(&[op((10, 15), Call::Refresh(r(0, 1)), refused(Refusal::GrantRevoked)), revoke]);
    // But not after its end.
    rejects(&[revoke, refresh((21, 25))]);
}

#[test]
fn a_call_without_an_answer_takes_effect_at_any_time_or_never() {
    let lost = unknown(10, Call::Refresh(r(0, 1)));
    accepts(&[lost]);
    accepts(&[lost, op((50, 51), Call::Introspect(r(0, 1)), ACTIVE)]);
    accepts(&[
        lost,
        op((50, 51), Call::Introspect(r(0, 1)), ACTIVE),
        op((52, 53), Call::Introspect(r(0, 1)), INACTIVE),
        op((54, 55), Call::Refresh(r(0, 1)), tokens(1, 1)),
    ]);
    // Its effect is final, too.
    rejects(&[
        lost,
        op((50, 51), Call::Introspect(r(0, 1)), INACTIVE),
        op((52, 53), Call::Introspect(r(0, 1)), ACTIVE),
    ]);
    // And not before its request.
    rejects(&[op((5, 6), Call::Introspect(r(0, 1)), INACTIVE), lost]);
}

#[test]
fn the_tokens_of_a_call_without_an_answer_are_one_pair() {
    let lost = unknown(10, Call::Refresh(r(0, 1)));
    let replay = |interval, mark| op(interval, Call::Refresh(r(0, 1)), tokens(1, mark));
    accepts(&[lost, replay((20, 21), 1), replay((22, 23), 1)]);
    rejects(&[lost, replay((20, 21), 1), replay((22, 23), 2)]);
}

#[test]
fn a_late_revocation_may_end_the_grant_at_any_time() {
    accepts(&[
        unknown(10, Call::Revoke(r(0, 1))),
        op((20, 21), Call::Refresh(r(0, 1)), tokens(1, 1)),
        op((22, 23), Call::Refresh(r(1, 1)), refused(Refusal::GrantRevoked)),
    ]);
}

#[test]
fn a_second_redemption_revokes() {
    accepts(&[
        op((10, 11), Call::Redeem, refused(Refusal::CodeReused)),
        op((12, 13), Call::Introspect(r(0, 1)), INACTIVE),
    ]);
    rejects(&[
        op((10, 11), Call::Redeem, refused(Refusal::CodeReused)),
        op((12, 13), Call::Introspect(r(0, 1)), ACTIVE),
    ]);
    rejects(&[op((10, 11), Call::Redeem, tokens(0, 2))]);
}

#[test]
fn each_fault_in_words_has_no_order() {
    let rotated = op((10, 11), Call::Refresh(r(0, 1)), tokens(1, 1));
    let revoked = op((10, 11), Call::Revoke(r(0, 1)), Answer::Done);
    // A stale read.
    rejects(&[rotated, op((12, 13), Call::Introspect(r(0, 1)), ACTIVE)]);
    rejects(&[revoked, op((12, 13), Call::IntrospectAccess(Access(100)), ACTIVE)]);
    // A lost write that was acknowledged, in a store that cannot lose one.
    rejects(&[rotated, op((12, 13), Call::Refresh(r(0, 1)), tokens(1, 2))]);
    rejects(&[rotated, op((12, 13), Call::Refresh(r(1, 1)), refused(Refusal::RootMismatch))]);
    rejects(&[rotated, op((12, 13), Call::Refresh(r(1, 1)), refused(Refusal::GrantUnknown))]);
    // Two winners.
    rejects(&[rotated, op((10, 11), Call::Refresh(r(0, 1)), tokens(1, 2))]);
    // A revocation undone.
    rejects(&[revoked, op((12, 13), Call::Refresh(r(0, 1)), tokens(1, 1))]);
    // A fork: both go on.
    rejects(&[
        rotated,
        op((10, 12), Call::Refresh(r(0, 1)), tokens(1, 2)),
        op((14, 15), Call::Refresh(r(1, 1)), tokens(2, 1)),
        op((16, 17), Call::Refresh(r(1, 2)), tokens(2, 2)),
    ]);
    // A session that ends without a reason.
    rejects(&[rotated, op((12, 13), Call::Refresh(r(0, 1)), refused(Refusal::RefreshTokenReused))]);
    // A heal of a store that lost nothing.
    rejects(&[op((12, 13), Call::Refresh(r(3, 1)), tokens(4, 1))]);
}

#[test]
fn the_strict_policy_replays_nothing() {
    let rotated = op((10, 11), Call::Refresh(r(0, 1)), tokens(1, 1));
    let replayed = session(&[rotated, op((12, 13), Call::Refresh(r(0, 1)), tokens(1, 1))]);
    assert!(check(&replayed, Windows::Closed).is_refuted());
    let revoked = session(&[rotated, op((12, 13), Call::Refresh(r(0, 1)), refused(Refusal::RefreshTokenReused))]);
    assert!(check(&revoked, Windows::Closed).is_clean());
}

#[test]
fn a_ninth_former_token_is_spent() {
    let rotation = |generation: u32| {
        let at = 10 + 2 * u64::from(generation);
        op((at, at + 1), Call::Refresh(r(generation, 1)), tokens(generation + 1, 1))
    };
    let rotations: Vec<Operation> = (0..9).map(rotation).collect();
    let then = |call| [&rotations[..], &[call]].concat();
    accepts(&then(op((50, 51), Call::Refresh(r(1, 1)), tokens(9, 1))));
    rejects(&then(op((50, 51), Call::Refresh(r(0, 1)), tokens(9, 1))));
    accepts(&then(op((50, 51), Call::Refresh(r(0, 1)), refused(Refusal::RefreshTokenReused))));
}

/// A write that was stored, reported as failed, and overtaken before the service read back.
#[test]
fn a_call_may_decide_twice_only_where_nothing_else_explains_it() {
    let history = session(&[
        op((10, 20), Call::Refresh(r(0, 1)), refused(Refusal::GrantRevoked)),
        op((11, 15), Call::Refresh(r(0, 1)), refused(Refusal::RefreshTokenReused)),
    ]);
    let verdict = check(&history, Windows::Closed);
    assert!(matches!(&verdict, Verdict::Linearizable(losses, 1) if losses.is_empty()), "{verdict:?}");
    // The first decision comes before the second one.
    rejects(&[op((10, 11), Call::Refresh(r(0, 1)), tokens(1, 1)), op((12, 13), Call::Introspect(r(1, 1)), INACTIVE)]);
    // One call after the other cannot.
    let history = session(&[
        op((10, 20), Call::Refresh(r(0, 1)), refused(Refusal::GrantRevoked)),
        op((21, 25), Call::Refresh(r(0, 1)), refused(Refusal::RefreshTokenReused)),
    ]);
    assert!(check(&history, Windows::Closed).is_refuted());
}

mod failovers {
    use super::*;

    const FAILOVER: Failover = Failover { lags_from: 12, begins: 30, ends: 40 };

    fn with_failover(operations: &[Operation]) -> Verdict {
        let history = History { failovers: vec![FAILOVER], ..session(operations) };
        check(&history, Windows::Open)
    }

    fn loses(operations: &[Operation], expected: Loss) {
        let verdict = with_failover(operations);
        assert!(matches!(&verdict, Verdict::Linearizable(losses, 0) if *losses == [expected]), "{verdict:?}");
    }

    const BEFORE: Operation = op((10, 11), Call::Refresh(r(0, 1)), tokens(1, 1));
    const LOST: [Operation; 2] =
        [op((20, 21), Call::Refresh(r(1, 1)), tokens(2, 1)), op((22, 23), Call::Refresh(r(2, 1)), tokens(3, 1))];

    fn after(operations: &[Operation]) -> Vec<Operation> {
        [&[BEFORE][..], &LOST, operations].concat()
    }

    #[test]
    fn a_failover_need_not_lose_anything() {
        let verdict = with_failover(&after(&[op((50, 51), Call::Introspect(r(3, 1)), ACTIVE)]));
        assert!(verdict.is_clean(), "{verdict:?}");
    }

    #[test]
    fn a_suffix_of_the_rotations_may_be_lost_and_the_client_heals() {
        let healed = op((50, 51), Call::Refresh(r(3, 1)), tokens(4, 1));
        // An introspection in between shows the loss.
        loses(&after(&[op((42, 43), Call::Introspect(r(2, 1)), ACTIVE), healed]), Loss::Rotations(1));
        loses(&after(&[op((42, 43), Call::Introspect(r(1, 1)), ACTIVE), healed]), Loss::Rotations(2));
        // Predecessors of an adopted token are spent.
        loses(
            &after(&[
                op((42, 43), Call::Introspect(r(1, 1)), ACTIVE),
                healed,
                op((52, 53), Call::Refresh(r(3, 1)), tokens(4, 1)),
                op((54, 55), Call::Refresh(r(1, 1)), refused(Refusal::RefreshTokenReused)),
            ]),
            Loss::Rotations(2),
        );
    }

    #[test]
    fn a_revocation_may_come_undone() {
        let revoked = op((20, 21), Call::Revoke(r(1, 1)), Answer::Done);
        loses(&[BEFORE, revoked, op((50, 51), Call::Introspect(r(1, 1)), ACTIVE)], Loss::Revocation);
    }

    #[test]
    fn a_sign_in_may_be_lost() {
        let history = History {
            operations: vec![
                op((13, 14), Call::Authorize, Answer::Done),
                op((15, 16), Call::Redeem, tokens(0, 1)),
                op((50, 51), Call::Refresh(r(0, 1)), refused(Refusal::RootMismatch)),
            ],
            failovers: vec![FAILOVER],
        };
        let verdict = check(&history, Windows::Open);
        assert!(matches!(&verdict, Verdict::Linearizable(losses, 0) if *losses == [Loss::SignIn]), "{verdict:?}");
    }

    #[test]
    fn nothing_else_may_be_lost() {
        let refuted = |operations: &[Operation]| {
            let verdict = with_failover(operations);
            assert!(verdict.is_refuted(), "{verdict:?}");
        };
        // A write from before the lag.
        refuted(&after(&[op((50, 51), Call::Introspect(r(0, 1)), ACTIVE)]));
        // A write from the middle: the revocation of an access token, but not the rotation after it.
        refuted(&[
            BEFORE,
            op((18, 19), Call::RevokeAccess(Access(101)), Answer::Done),
            op((20, 21), Call::Refresh(r(1, 1)), tokens(2, 1)),
            op((50, 51), Call::Introspect(r(2, 1)), ACTIVE),
            op((52, 53), Call::IntrospectAccess(Access(101)), ACTIVE),
        ]);
        // A write from after the failover.
        refuted(&after(&[
            op((50, 51), Call::Refresh(r(3, 1)), tokens(4, 1)),
            op((52, 53), Call::Introspect(r(3, 1)), ACTIVE),
        ]));
        // Anything before the failover.
        refuted(&after(&[op((24, 25), Call::Introspect(r(1, 1)), ACTIVE)]));
        // Twice: back, and forth again.
        refuted(&after(&[
            op((42, 43), Call::Introspect(r(1, 1)), ACTIVE),
            op((44, 45), Call::Introspect(r(3, 1)), ACTIVE),
        ]));
        // Two heads of one generation.
        refuted(&after(&[
            op((42, 43), Call::Introspect(r(1, 1)), ACTIVE),
            op((50, 51), Call::Refresh(r(1, 1)), tokens(2, 2)),
            op((52, 53), Call::Refresh(r(2, 1)), tokens(3, 2)),
        ]));
    }
}
