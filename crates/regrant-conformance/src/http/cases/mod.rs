//! The table of requests and answers, in groups. Placeholders: `{old.refresh_token}` is a value of the earlier answer
//! `old`, `{new.access_token}` one of the answer to the case's own request.

mod assertions;
mod audience;
mod certificates;
mod client_authentication;
mod code;
mod content_type;
mod cors;
mod details;
mod device;
mod dpop;
mod end_session;
mod exchange;
mod expiration;
mod form;
mod introspection;
mod keys;
mod metadata;
mod method;
mod not_http;
mod offline_access;
mod path;
mod pushed;
mod rate_limit;
mod refresh;
mod registration;
mod revocation;
mod scope;
mod senders;
mod tokens;
mod transport;
mod userinfo;

use std::sync::LazyLock;

use regrant::wire::Endpoint::{self, Introspection, Revocation, Token};

use super::answer::{Answer, access_token_for, inactive, revoked};
use super::case::Case;
use super::clients::{Auth, SCOPE, post};
use super::message::HttpRequest;

/// The cases of one concern.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a list with a name")]
pub struct Group {
    /// The concern.
    pub name: &'static str,
    /// The cases.
    pub cases: Vec<Case>,
}

/// All cases.
#[must_use]
pub fn cases() -> &'static [Group] {
    static CASES: LazyLock<Vec<Group>> = LazyLock::new(groups);
    &CASES
}

fn groups() -> Vec<Group> {
    let group = |name, cases| Group { name, cases };
    vec![
        group("tokens", tokens::cases()),
        group("refresh", refresh::cases()),
        group("expiration", expiration::cases()),
        group("offline_access", offline_access::cases()),
        group("scope", scope::cases()),
        group("audience", audience::cases()),
        group("revocation", revocation::cases()),
        group("introspection", introspection::cases()),
        group("client_authentication", client_authentication::cases()),
        group("rate_limit", rate_limit::cases()),
        group("senders", senders::cases()),
        group("method", method::cases()),
        group("content_type", content_type::cases()),
        group("form", form::cases()),
        group("transport", transport::cases()),
        group("not_http", not_http::cases()),
        group("path", path::cases()),
        group("code", code::cases()),
        group("metadata", metadata::cases()),
        group("keys", keys::cases()),
        group("dpop", dpop::cases()),
        group("assertions", assertions::cases()),
        group("certificates", certificates::cases()),
        group("connection_certificates", certificates::of_the_connection()),
        group("device", device::cases()),
        group("exchange", exchange::cases()),
        group("cors", cors::cases()),
        group("userinfo", userinfo::cases()),
        group("end_session", end_session::cases()),
        group("pushed", pushed::cases()),
        group("details", details::cases()),
        group("registration", registration::cases()),
    ]
}

/// The endpoints that read a form.
const ENDPOINTS: [(&str, Endpoint); 3] =
    [("token", Token), ("revocation", Revocation), ("introspection", Introspection)];

/// Parameters that need only a client to succeed, so that a refusal has the cause that its case names.
const fn valid(endpoint: Endpoint) -> &'static [(&'static str, &'static str)] {
    match endpoint {
        Token => &[("grant_type", "client_credentials")],
        _ => &[("token", "garbage")],
    }
}

/// A request with [`valid`] parameters.
fn valid_request(endpoint: Endpoint, auth: Auth) -> HttpRequest {
    post(endpoint, auth, valid(endpoint))
}

/// The answer to a [`valid_request`].
fn valid_answer(endpoint: Endpoint) -> Answer {
    match endpoint {
        Token => access_token_for(SCOPE),
        Revocation => revoked(),
        _ => inactive(),
    }
}

impl Case {
    /// Sets the effect of a [`valid_request`]: an issue writes, and garbage never reaches the store.
    fn like_a_valid_one(self) -> Self {
        if self.request.endpoint == Token { self.writing() } else { self.without_the_store() }
    }
}
