//! The scenes. Each one begins with a sign-in, and says what happened in a few words.

use std::time::Duration;

use crate::library::Library;

/// A scene, and the cell of the table for it.
type Play = fn(&mut dyn Library) -> String;

pub(crate) const SCENES: [(&str, Play); 7] = [
    ("a response gets lost, and the client sends the request again", |library| lost_response(library, SECOND)),
    ("the same, 30 s later", |library| lost_response(library, 30 * SECOND)),
    ("a response gets lost twice", lost_twice),
    ("five tabs refresh with one token at once", tabs),
    ("a thief shows a spent token an hour later", |library| theft(library, 1)),
    ("a thief shows a spent token after 40 days, with a refresh every two days", |library| theft(library, 20)),
    ("a refresh for less scope, then one for all of it", narrowed),
];

const SECOND: Duration = Duration::from_secs(1);

fn lost_response(library: &mut dyn Library, later: Duration) -> String {
    let first = library.sign_in();
    let lost = library.refresh(&first, None);
    library.pass(later);
    let again = library.refresh(&first, None);
    let is_same = lost.is_some() && again == lost;
    let answer = match &again {
        Some(_) if is_same => "same tokens",
        Some(_) => "other tokens",
        None => "refused",
    };
    format!("{answer}; {}", fate(library, again.or(lost).map(|tokens| tokens.refresh)))
}

fn lost_twice(library: &mut dyn Library) -> String {
    let first = library.sign_in();
    let answers: Vec<_> = (0..3).map(|_| library.refresh(&first, None)).collect();
    let served = answers.iter().flatten().count();
    format!(
        "{served} of 3 answered; {}",
        fate(library, answers.into_iter().flatten().last().map(|tokens| tokens.refresh))
    )
}

fn tabs(library: &mut dyn Library) -> String {
    let first = library.sign_in();
    let answers: Vec<_> = (0..5).map(|_| library.refresh(&first, None)).collect();
    let served = answers.iter().flatten().count();
    format!(
        "{served} of 5 answered; {}",
        fate(library, answers.into_iter().flatten().last().map(|tokens| tokens.refresh))
    )
}

fn theft(library: &mut dyn Library, refreshes: u32) -> String {
    let stolen = library.sign_in();
    let mut own = stolen.clone();
    for _ in 0..refreshes {
        library.pass(2 * 24 * 3600 * SECOND);
        let Some(tokens) = library.refresh(&own, None) else { return "the session ended before".to_owned() };
        own = tokens.refresh;
    }
    library.pass(3600 * SECOND);
    match library.refresh(&stolen, None) {
        Some(_) => "**answered**".to_owned(),
        None => format!("refused; {}", fate(library, Some(own))),
    }
}

fn narrowed(library: &mut dyn Library) -> String {
    let first = library.sign_in();
    let Some(narrow) = library.refresh(&first, Some("read")) else { return "refused".to_owned() };
    library.pass(3600 * SECOND);
    match library.refresh(&narrow.refresh, None) {
        Some(whole) => format!("`{}`, then `{}`", narrow.scope, whole.scope),
        None => format!("`{}`, then refused", narrow.scope),
    }
}

/// Returns what became of the session: its newest token is presented, after the time of every window.
fn fate(library: &mut dyn Library, newest: Option<String>) -> &'static str {
    library.pass(120 * SECOND);
    match newest.and_then(|token| library.refresh(&token, None)) {
        Some(_) => "the session lives",
        None => "the session is over",
    }
}
