//! The suite of the HTTP kit: exceptions, and the text of a case that fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Arguments, Conclusion};
use regrant_conformance::Trial;
use regrant_conformance::http::{Direct, HttpHarness, Suite, Verdict, judge};

use crate::http_mutants::broken::{Broken, Flaw};
use crate::http_mutants::named;

const TESTS: [(&str, fn()); 7] = [
    ("an_excepted_case_that_fails_is_shown_with_its_reason", an_excepted_case_that_fails_is_shown_with_its_reason),
    ("an_excepted_case_that_passes_fails_the_run", an_excepted_case_that_passes_fails_the_run),
    ("an_exception_holds_for_one_case_alone", an_exception_holds_for_one_case_alone),
    ("an_exception_of_an_unknown_name_fails_the_run", an_exception_of_an_unknown_name_fails_the_run),
    ("a_case_that_cannot_be_sent_is_shown_with_the_reason", a_case_that_cannot_be_sent_is_shown_with_the_reason),
    ("a_failing_case_shows_all_that_is_needed", a_failing_case_shows_all_that_is_needed),
    ("a_failing_case_shows_facts_of_the_connection", a_failing_case_shows_facts_of_the_connection),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    TESTS.into_iter().map(|(name, test)| crate::test(format!("http_suite::{name}"), test))
}

const DROPPED: &str = "method::put_is_refused_with_allow_at_token";

/// Runs one case, and returns what was printed.
fn run<H: HttpHarness + 'static>(suite: Suite<H>, case: &str) -> (Conclusion, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let logfile = Some(log.path().to_str().unwrap().to_owned());
    let arguments = Arguments { filter: Some(case.to_owned()), exact: true, logfile, ..Arguments::default() };
    let conclusion = libtest_mimic::run(&arguments, suite.into_iter().collect());
    (conclusion, std::fs::read_to_string(log.path()).unwrap())
}

fn an_excepted_case_that_fails_is_shown_with_its_reason() {
    let suite = Suite::new(Broken(Flaw::NoAllow)).except(DROPPED, "the framework drops it");
    let (conclusion, printed) = run(suite, DROPPED);
    assert!(!conclusion.has_failed() && conclusion.num_ignored == 1, "{printed}");
    assert!(printed.contains("exception: the framework drops it"), "{printed}");
}

fn an_excepted_case_that_passes_fails_the_run() {
    let (conclusion, printed) = run(Suite::new(Direct).except(DROPPED, "it drops it"), DROPPED);
    assert_eq!(conclusion.num_failed, 1, "{printed}");
    assert!(printed.contains("the case passes: remove its exception"), "{printed}");
}

fn an_exception_holds_for_one_case_alone() {
    let suite = Suite::new(Broken(Flaw::NoAllow)).except(DROPPED, "the framework drops it");
    let (conclusion, printed) = run(suite, "method::put_is_refused_with_allow_at_revocation");
    assert_eq!(conclusion.num_failed, 1, "{printed}");
}

fn an_exception_of_an_unknown_name_fails_the_run() {
    for name in
        ["put_is_refused_with_allow_at_token", "method::no_such_case", "form::put_is_refused_with_allow_at_token"]
    {
        assert!(catch_unwind(AssertUnwindSafe(|| Suite::new(Direct).except(name, "why"))).is_err(), "{name}");
    }
}

fn a_case_that_cannot_be_sent_is_shown_with_the_reason() {
    let (conclusion, printed) = run(Suite::new(Direct), "not_http::another_protocol_reaches_nobody");
    assert!(!conclusion.has_failed() && conclusion.num_ignored == 1, "{printed}");
    assert!(printed.contains("no HTTP server is involved"), "{printed}");
}

fn report(flaw: Flaw, case: &str) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(judge(&Broken(flaw), named(case))) {
        Verdict::Failed(report) => report,
        verdict => format!("{verdict:?}"),
    }
}

fn a_failing_case_shows_all_that_is_needed() {
    let report = report(Flaw::HalfBody, "transport::a_chunked_refresh_that_breaks_off_consumes_nothing");
    for part in [
        "RFC 9110 section 15.5.14",
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14",
        // The state before it.
        "before:\n    POST /oauth2/token\n",
        "grant_type=password&username=demo&",
        "=> 200\n",
        // The request.
        "request 1 of 1:\n    POST /oauth2/token\n    content-type: application/x-www-form-urlencoded\n",
        "the client stops before the last chunk",
        "grant_type=refresh_token&refresh_token=rt_",
        // The expectation beside the answer.
        "  - status 400\n  + status 200\n",
        "    cache-control: no-store\n",
        "  - {\"error\":\"invalid_request\",\"error_description\":\"The body is incomplete.\"}\n  + {\"access_token\":",
        "  - then the store was not called\n  + then records of the store have changed\n",
    ] {
        assert!(report.contains(part), "{part:?} is missing in\n{report}");
    }
}

fn a_failing_case_shows_facts_of_the_connection() {
    let of_certificate = report(Flaw::NoCertificate, "connection_certificates::a_certificate_is_accepted_at_token");
    assert!(of_certificate.contains("the client certificate [30, 03, 02, 01, 2a] (DER)"), "{of_certificate}");
    let of_sender = report(Flaw::NoSender, "senders::the_sender_that_is_admitted_is_served_at_token");
    assert!(of_sender.contains("the sender 192.0.2.7"), "{of_sender}");
}
