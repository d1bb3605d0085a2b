//! The properties find the defects of the model, and each property finds one.

use model::config::Config;
use model::explore::explore_up_to;
use model::fault::Fault;
use model::properties::Property as P;
use model::rules::Rules;
use model::words::story;

/// The property that finds each defect, and the configuration.
const FOUND: [(Fault, P, &str); 23] = [
    (Fault::SlidingWindow, P::TheftIsFound, "three rotations and a thief"),
    (Fault::MergedClocks, P::TheftIsFound, "three rotations and a thief"),
    (Fault::ReplayBinds, P::OneAnswer, "theft, public bearer"),
    (Fault::BindingCoversAncestors, P::TheftIsFound, "theft, public bearer"),
    (Fault::AncestorsStayAnswered, P::BoundNeedsKey, "theft, the owner's key comes late"),
    (Fault::AnyRoot, P::NothingBeyondMeans, "ring key"),
    (Fault::HealUnbinds, P::BindingStays, "failover and theft, late key"),
    (Fault::ForgottenIsRefused, P::TheftIsFound, "three rotations and a thief"),
    (Fault::ReuseIsRefused, P::TheftIsFound, "theft, public bearer"),
    (Fault::ReuseBeforeOwner, P::NothingBeyondMeans, "theft of the token of an authenticating client"),
    (Fault::RevokedIsRefreshed, P::NoResurrection, "log-out and theft"),
    (Fault::RetryRotates, P::OneHead, "faults, public bearer"),
    (Fault::ProofIsReuse, P::NothingBeyondMeans, "theft of a bound token"),
    (Fault::FutureIsSpent, P::NoSessionLost, "faults, public bearer"),
    (Fault::CodeIsBurnt, P::RefusedWritesNothing, "theft of the code alone"),
    (Fault::SecondUseIsRefused, P::TheftIsFound, "theft of code and verifier"),
    (Fault::LoserIsThief, P::NoSessionLost, "faults, public bearer"),
    (Fault::LoserAnswers, P::OneAnswer, "faults, public bearer"),
    (Fault::AnswerBeforeSwap, P::StoredBeforeAnswered, "faults, public bearer"),
    (Fault::OwnConflictUnread, P::NoSessionLost, "faults, no grace"),
    (Fault::UnconditionalWrite, P::OneAnswer, "log-out and theft"),
    (Fault::OutageIsRefusal, P::NoSessionLost, "faults, public bearer"),
    (Fault::LogOutLost, P::LogOutRevokes, "log-out and theft"),
];

/// The number of states within which each defect is found.
const STATES: usize = 50_000;

#[test]
fn each_defect_is_found_by_the_property_that_it_breaks() {
    let configs = Config::all();
    for fault in Fault::ALL {
        let (_, property, name) = FOUND.into_iter().find(|(of, ..)| *of == fault).expect("a line for each defect");
        let config = *configs.iter().find(|config| config.name == name).expect("a configuration");
        let broken = Config { rules: Rules { fault: Some(fault), ..config.rules }, ..config };
        let report = explore_up_to(STATES, &broken);
        let failure = report.failure.unwrap_or_else(|| panic!("{fault:?} was not found in {STATES} states"));
        println!("| `{fault:?}` | `{:?}` | {name} | {} | {} |", failure.property, failure.trace.len(), report.states);
        let story = story(&broken, &failure.trace);
        assert_eq!(failure.property, property, "{fault:?}:\n{story}");
    }
}

#[test]
fn each_property_finds_a_defect() {
    for property in P::ALL {
        assert!(FOUND.iter().any(|(_, by, _)| *by == property), "{property:?} proves nothing");
    }
}
