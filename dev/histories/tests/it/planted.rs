//! Faults that are planted into recorded histories, and into a store, are found.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use histories::checker::check;
use histories::faulty::{Faulty, Flaw};
use histories::history::{Access, Answer, Call, History, Operation, Refresh};
use histories::node::{Node, ServiceNode};
use histories::scenarios::{Plan, memory};
use histories::specification::Windows;
use histories::traffic::Traffic;
use regrant::clock::Timestamp;
use testbed::Random;

/// A fault of a store, as a call at the end of a history or beside one of its calls.
type Plant = fn(&History) -> Option<Operation>;

/// Each fault in words; `None` where a history has no place for the fault.
const FAULTS: [(&str, Plant); 5] = [
    ("a stale read", |history| {
        let (token, _) = rotation(history)?;
        Some(at_the_end(history, Call::Introspect(token), Answer::Active(true)))
    }),
    ("a lost write that was acknowledged", |history| {
        let (token, next) = rotation(history)?;
        Some(at_the_end(history, Call::Refresh(token), Answer::Tokens(other(next), Access(1))))
    }),
    ("two winners", |history| {
        let (token, next) = rotation(history)?;
        let is_winner = |operation: &&Operation| operation.call == Call::Refresh(token) && operation.answer.is_some();
        let winner = history.operations.iter().find(is_winner)?;
        Some(Operation { answer: Some(Answer::Tokens(other(next), Access(1))), ..*winner })
    }),
    ("a revocation undone", |history| {
        let revoked = |operation: &&Operation| matches!(operation.call, Call::Revoke(_)) && operation.answer.is_some();
        let Call::Revoke(token) = history.operations.iter().find(revoked)?.call else { return None };
        let next = Refresh { generation: token.generation + 1, ..other(token) };
        Some(at_the_end(history, Call::Refresh(token), Answer::Tokens(next, Access(1))))
    }),
    ("a fork", |history| {
        let (_, next) = rotation(history)?;
        let forked = Refresh { generation: next.generation + 1, ..other(next) };
        Some(at_the_end(history, Call::Refresh(other(next)), Answer::Tokens(forked, Access(1))))
    }),
];

#[tokio::test]
async fn each_fault_that_is_planted_into_a_recorded_history_is_found() {
    let mut random = Random::seeded();
    let mut planted = [0; FAULTS.len()];
    for history in recorded(&mut random).await {
        assert!(!check(&history, Windows::Open).is_refuted(), "{history}");
        for ((name, plant), count) in FAULTS.iter().zip(&mut planted) {
            let Some(fault) = plant(&history) else { continue };
            let mut faulty = history.clone();
            faulty.operations.push(fault);
            assert!(check(&faulty, Windows::Open).is_refuted(), "{name}\n{faulty}");
            *count += 1;
        }
    }
    println!("planted and found: {planted:?}");
    assert!(planted.iter().all(|count| *count > 3), "{planted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_flaw_of_a_store_is_found() {
    let plan = Plan { calls: 60, program: PathBuf::new() };
    let flaws = [
        Flaw::StaleRead,
        Flaw::LostWrite,
        Flaw::TwoWinners,
        Flaw::RevocationUndone,
        Flaw::AbsentOnError,
        Flaw::StoredOnError,
        Flaw::EarlyPurge,
    ];
    for flaw in flaws {
        let report = memory(flaw, &plan, &mut Random::new(7)).await;
        println!("{flaw:?}: {} of {} histories have no order", report.refuted.len(), report.histories);
        assert!(!report.refuted.is_empty(), "{flaw:?} is not found");
    }
}

/// Histories on a store that only fails.
async fn recorded(random: &mut Random) -> Vec<History> {
    let store = Faulty::new(Flaw::None, random.fork());
    let now = Timestamp::from_millis(1_800_000_000_000);
    let node = || Arc::new(ServiceNode::new(store.clone(), now, Windows::Open)) as Arc<dyn Node>;
    let mut traffic = Traffic::begin(vec![node(), node()], Vec::new(), Duration::ZERO, 4, random);
    traffic.calls(600).await;
    let operations = traffic.end().await.operations;
    operations.into_values().map(|operations| History { operations, failovers: Vec::new() }).collect()
}

/// The last rotation with an answer.
fn rotation(history: &History) -> Option<(Refresh, Refresh)> {
    let rotations = history.operations.iter().filter_map(|operation| match (operation.call, operation.answer) {
        (Call::Refresh(token), Some(Answer::Tokens(next, _))) if next.generation == token.generation + 1 => {
            Some((token, next))
        }
        _ => None,
    });
    rotations.max_by_key(|(token, _)| token.generation)
}

/// Another token of the same generation.
const fn other(token: Refresh) -> Refresh {
    Refresh { mark: !token.mark, ..token }
}

fn at_the_end(history: &History, call: Call, answer: Answer) -> Operation {
    let times = history.operations.iter().map(|operation| operation.invoked.max(operation.returned.wrapping_add(1)));
    let end = times.max().unwrap_or(0) + 1;
    Operation { call, answer: Some(answer), invoked: end, returned: end + 1 }
}
