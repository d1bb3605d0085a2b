//! The table: what is asked, in groups, and what is answered. Names of placeholders in it: `{old.refresh_token}` is what the
//! answer `old` brought, `{new.access_token}` what the answer to the case's own request brings.

mod assertions;
mod certificates;
mod client_authentication;
mod code;
mod content_type;
mod cors;
mod device;
mod dpop;
mod exchange;
mod form;
mod introspection;
mod keys;
mod metadata;
mod method;
mod not_http;
mod refresh;
mod revocation;
mod scope;
mod tokens;
mod transport;

use std::sync::LazyLock;

use regrant::wire::Endpoint::{self, Introspection, Revocation, Token};

use super::answer::{Answer, access_token_for, inactive, revoked};
use super::case::Case;
use super::cast::{Auth, SCOPE, post};
use super::message::HttpRequest;

/// The cases of one concern.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a list with a name")]
pub struct Group {
    /// The concern.
    pub name: &'static str,
    /// Its cases.
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
        group("scope", scope::cases()),
        group("revocation", revocation::cases()),
        group("introspection", introspection::cases()),
        group("client_authentication", client_authentication::cases()),
        group("method", method::cases()),
        group("content_type", content_type::cases()),
        group("form", form::cases()),
        group("transport", transport::cases()),
        group("not_http", not_http::cases()),
        group("code", code::cases()),
        group("metadata", metadata::cases()),
        group("keys", keys::cases()),
        group("dpop", dpop::cases()),
        group("assertions", assertions::cases()),
        group("certificates", certificates::cases()),
        group("device", device::cases()),
        group("exchange", exchange::cases()),
        group("cors", cors::cases()),
    ]
}

/// The endpoints that read a form.
const DOORS: [(&str, Endpoint); 3] = [("token", Token), ("revocation", Revocation), ("introspection", Introspection)];

/// Parameters that need nothing but a client to succeed, so that a refusal has the cause that its case names.
const fn sound(door: Endpoint) -> &'static [(&'static str, &'static str)] {
    match door {
        Token => &[("grant_type", "client_credentials")],
        _ => &[("token", "garbage")],
    }
}

/// A request of those.
fn sound_request(door: Endpoint, auth: Auth) -> HttpRequest {
    post(door, auth, sound(door))
}

/// Their answer.
fn sound_answer(door: Endpoint) -> Answer {
    match door {
        Token => access_token_for(SCOPE),
        Revocation => revoked(),
        _ => inactive(),
    }
}

impl Case {
    /// As [`sound_request`]s do: an issue writes, and garbage never reaches the store.
    fn like_a_sound_one(self) -> Self {
        if self.request.endpoint == Token { self.writing() } else { self.without_the_store() }
    }
}
