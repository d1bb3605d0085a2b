//! The whole expectation of a case beside what was received.

use std::fmt;

use super::answer::{Answer, Body};
use super::message::{HttpResponse, text};
use super::variables::Variables;

/// Lines of an expectation, each with what was received in its place.
#[derive(Debug, Default)]
pub(super) struct Comparison(Vec<Row>);

#[derive(Debug)]
enum Row {
    Same(String),
    Different { expected: String, received: String },
}

impl Comparison {
    pub(super) fn is_equal(&self) -> bool {
        self.0.iter().all(|row| matches!(row, Row::Same(_)))
    }

    pub(super) fn row(&mut self, is_same: bool, expected: &str, received: &str) {
        let (expected, received) = (expected.to_owned(), received.to_owned());
        self.0.push(if is_same { Row::Same(received) } else { Row::Different { expected, received } });
    }

    /// Compares an answer with that of its case.
    pub(super) fn answer(&mut self, expected: &Answer, received: &HttpResponse, variables: &mut Variables) {
        let status = |status: u16| format!("status {status}");
        self.row(received.status == expected.status, &status(expected.status), &status(received.status));
        self.headers(&expected.headers, &received.headers);
        let body = text(&received.body);
        match &expected.body {
            Body::Exactly(exactly) => self.row(received.body == exactly.as_bytes(), exactly, &body),
            Body::Empty => {
                let body = if body.is_empty() { "no body" } else { &body };
                self.row(received.body.is_empty(), "no body", body);
            }
            Body::Json(json) => {
                let is_same = serde_json::from_slice(&received.body).is_ok_and(|body| variables.agree("", json, &body));
                self.row(is_same, &json.to_string(), &body);
            }
            Body::ServersOwn => {}
        }
    }

    fn headers(&mut self, expected: &[(&'static str, &'static str)], received: &[(String, String)]) {
        let line = |(name, value): (&str, &str)| format!("{name}: {value}");
        let mut received: Vec<_> = received.iter().map(|(name, value)| line((name, value))).collect();
        received.sort();
        for expected in expected.iter().copied().map(line) {
            match received.iter().position(|received| *received == expected) {
                Some(at) => self.row(true, &expected, &received.remove(at)),
                None => self.row(false, &expected, ""),
            }
        }
        for received in received {
            self.row(false, "", &received);
        }
    }

    /// Accepts no answer at all, or one in the words of the server that is no success.
    pub(super) fn refusal(&mut self, least: u16, answers: &[HttpResponse]) {
        let expected = format!("no answer, or one in the server's own words with a status of at least {least}");
        for answer in answers {
            self.row(answer.status >= least, &expected, &answer.to_string());
        }
    }
}

/// Lines that are only expected begin with `-`, lines that were only received with `+`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |f: &mut fmt::Formatter<'_>, mark: char, text: &str| {
            text.lines().try_for_each(|line| writeln!(f, "  {mark} {line}"))
        };
        self.0.iter().try_for_each(|row| match row {
            Row::Same(text) => lines(f, ' ', text),
            Row::Different { expected, received } => {
                lines(f, '-', expected)?;
                lines(f, '+', received)
            }
        })
    }
}
