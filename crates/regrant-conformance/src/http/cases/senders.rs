//! RFC 6585 section 4: attempts are counted by their sender, which only the host can tell.

use regrant::TokenServiceBuilder;

use super::{ENDPOINTS, valid_answer, valid_request};
use crate::http::answer::too_many_attempts;
use crate::http::case::{Case, case};
use crate::http::clients::APP;
use crate::http::ports::Senders;
use crate::http::store::WatchedStore;

const SENDER: &str = "192.0.2.7";
const OTHER: &str = "2001:db8:1:2::/64";
const SOURCE: &str = "RFC 6585 section 4";

pub(super) fn cases() -> Vec<Case> {
    ENDPOINTS
        .into_iter()
        .flat_map(|(name, endpoint)| {
            let valid = |what: &str| {
                let name = format!("{what}_is_served_at_{name}");
                case(name, SOURCE, valid_request(endpoint, APP), valid_answer(endpoint)).like_a_valid_one()
            };
            let limited = |what: &str| {
                let name = format!("{what}_is_limited_at_{name}");
                case(name, SOURCE, valid_request(endpoint, APP), too_many_attempts("60")).without_the_store()
            };
            // Headers are what a client claims: the host reads those that its proxies set.
            let claimed = limited("a_sender_that_the_request_claims");
            let request =
                claimed.request.clone().header("x-forwarded-for", SENDER).header("forwarded", "for=192.0.2.7");
            let claimed = Case { request, ..claimed };
            let known = [
                valid("the_sender_that_is_admitted").sent_by(SENDER),
                limited("another_sender").sent_by(OTHER),
                limited("a_request_without_a_sender"),
                claimed,
            ]
            .map(|case| case.with_service(admitting_one));
            // An adapter that makes up a sender takes all clients behind a proxy for one.
            let unknown = valid("a_request_without_a_sender").with_service(admitting_none);
            known.into_iter().chain([unknown])
        })
        .collect()
}

fn admitting_one(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.rate_limit(Senders(Some(SENDER)))
}

fn admitting_none(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.rate_limit(Senders(None))
}
