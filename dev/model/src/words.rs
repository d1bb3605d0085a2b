//! Traces in words.

use std::fmt::Write as _;

use crate::config::Config;
use crate::state::{Answer, Call, Caller, Client, FORGED, Held, Key, Message, Phase, Request, Stage, State, Token};
use crate::step::{Action, Write};

/// Returns one line for each step, with the time.
#[must_use]
pub fn story(config: &Config, trace: &[Action]) -> String {
    let mut state = State::first(config);
    let (mut text, mut now) = (String::new(), 0);
    for (number, action) in (1..).zip(trace) {
        let after = state.after(action, config);
        now += u32::from(*action == Action::Tick);
        let said = sentence(&state, action, &after);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{number:>4}. {said} [{} s]", 5 * now);
        state = after;
        state.settle();
        state.normalize();
    }
    text
}

fn sentence(state: &State, action: &Action, after: &State) -> String {
    let call = |node: usize| state.nodes[node].as_ref().map_or_else(String::new, describe_call);
    match *action {
        Action::OwnerSends { node, message } => {
            let key = if state.shows_key { " with its key" } else { "" };
            format!("the owner {}{key} at node {}", describe(&message), name(node))
        }
        Action::OwnerShowsKey => "the owner shows its key from now on".into(),
        Action::OwnerGivesUp { node } => format!("the owner waits no longer for {} at node {}", call(node), name(node)),
        Action::ThiefSteals => match state.held {
            Held::Token(token) => format!("the thief copies {}", token_name(&token)),
            Held::Code | Held::Nothing => "the thief copies the code".into(),
        },
        Action::ThiefSends { node, request } => {
            let Request { message, client, key } = request;
            let key = if key == Some(Key::Thief) { " with his own key" } else { "" };
            let client = if client == Client::Other { " as another client" } else { "" };
            format!("the thief {}{key}{client} at node {}", describe(&message), name(node))
        }
        Action::NetworkRepeats { node } => {
            format!("the network repeats {} at node {}", call(node), name(1 - node))
        }
        Action::Loads { node } => format!("node {} loads the record for {}", name(node), call(node)),
        Action::Decides { node } => {
            format!("node {} decides about {}: {}", name(node), call(node), result(after, node))
        }
        Action::Swaps { node, write } => {
            let fate = match write {
                Write::Answered => "",
                Write::Repeated => ", twice",
                Write::Unacknowledged => "; the acknowledgement is lost",
                Write::Failed => "; the write fails",
                Write::Late => "; the write times out and is still under way",
            };
            let stored = if after.record.version == state.record.version { "nothing stored" } else { "stored" };
            format!("node {} swaps for {}{fate}: {stored}, {}", name(node), call(node), result(after, node))
        }
        Action::ReadsBack { node, is_answered: true } => {
            format!("node {} reads back for {}: {}", name(node), call(node), result(after, node))
        }
        Action::ReadsBack { node, is_answered: false } => {
            format!("node {} cannot read back for {}: {}", name(node), call(node), result(after, node))
        }
        Action::Answers { node } => format!("the answer to {} arrives: {}", call(node), result(state, node)),
        Action::Crashes { node } => format!("{} ends without an answer at node {}", call(node), name(node)),
        Action::LateWriteArrives => "the late write arrives".into(),
        Action::Replicates => "the replica catches up".into(),
        Action::FailsOver => {
            let phase = if after.record.phase == Phase::Revoked { "revoked" } else { "not revoked" };
            format!("a failover: the record is {phase} at generation {} again", after.record.generation)
        }
        Action::Tick => "time passes".into(),
    }
}

fn result(state: &State, node: usize) -> String {
    match state.nodes[node].as_ref().map(|call| &call.stage) {
        Some(Stage::Swap { answer: Answer::Refused(refusal), .. }) => format!("{refusal:?}, revoke the grant"),
        Some(Stage::Swap { answer, .. }) => format!("write, then {}", answer_text(*answer)),
        Some(Stage::ReadBack { .. }) => "read back".into(),
        Some(Stage::Decide(_)) => "decide again".into(),
        Some(Stage::Answer(answer)) => answer_text(*answer),
        Some(Stage::Load) | None => String::new(),
    }
}

fn answer_text(answer: Answer) -> String {
    match answer {
        Answer::Tokens(token) => format!("answer {}", token_name(&token)),
        Answer::Done => "answer that it is done".into(),
        Answer::Refused(refusal) => format!("refuse with {refusal:?}"),
        Answer::Unavailable => "answer 503".into(),
    }
}

fn describe_call(call: &Call) -> String {
    let caller = match call.caller {
        Caller::Owner => "the owner's",
        Caller::Abandoned => "the owner's abandoned",
        Caller::Thief => "the thief's",
    };
    match &call.request.message {
        Message::Redeem { .. } => format!("{caller} redemption"),
        Message::Refresh(token) => format!("{caller} refresh of {}", token_name(token)),
        Message::Revoke(token) => format!("{caller} log-out with {}", token_name(token)),
    }
}

fn describe(message: &Message) -> String {
    match message {
        Message::Redeem { is_complete: true } => "redeems the code".into(),
        Message::Redeem { is_complete: false } => "redeems the code without its verifier".into(),
        Message::Refresh(token) => format!("refreshes {}", token_name(token)),
        Message::Revoke(token) => format!("logs out with {}", token_name(token)),
    }
}

/// Returns `T1`, or `T1'` for a second token of generation 1, with its key.
#[must_use]
pub fn token_name(token: &Token) -> String {
    let prime = if token.secret == FORGED { String::new() } else { "'".repeat(token.secret.into()) };
    let forged = match (token.secret == FORGED, token.has_root) {
        (true, true) => "forged ",
        (true, false) => "forged rootless ",
        (false, _) => "",
    };
    let key = match token.key {
        Some(Key::Owner) => " (bound to the owner's key)",
        Some(Key::Thief) => " (bound to the thief's key)",
        None => "",
    };
    format!("{forged}T{}{prime}{key}", token.generation)
}

const fn name(node: usize) -> char {
    if node == 0 { 'A' } else { 'B' }
}
