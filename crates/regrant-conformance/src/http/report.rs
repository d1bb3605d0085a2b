//! The text of a case that failed.

use std::fmt::Write as _;

use super::case::Case;
use super::comparison::Comparison;
use super::harness::Connection;
use super::message::HttpRequest;
use super::server::Server;
use super::source::links;

/// Returns everything that is needed to find the fault without the source of the kit.
pub(super) fn report(case: &Case, server: &Server, requests: &[HttpRequest], comparison: &Comparison) -> String {
    let mut report = format!("{}\n", case.source);
    for link in links(case.source) {
        writeln!(report, "  {link}").unwrap();
    }
    for (title, parts) in [("before", server.steps.clone()), ("the connection has", facts(&case.connection))] {
        if !parts.is_empty() {
            writeln!(report, "{title}:\n{}", indented(&parts.join("\n"))).unwrap();
        }
    }
    for (number, request) in requests.iter().enumerate() {
        let number = format!("request {} of {}", number + 1, requests.len());
        writeln!(report, "{number}:\n{}", indented(&request.to_string())).unwrap();
    }
    write!(report, "expected (-) and received (+) for the last request:\n{comparison}").unwrap();
    report
}

fn facts(connection: &Connection) -> Vec<String> {
    let certificate = connection.certificate.as_ref();
    let certificate = certificate.map(|shown| format!("the client certificate {:02x?} (DER)", shown.as_der()));
    let peer = connection.peer.as_ref().map(|peer| format!("the sender {}", peer.as_str()));
    certificate.into_iter().chain(peer).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
