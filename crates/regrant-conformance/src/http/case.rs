use regrant::TokenServiceBuilder;
use regrant::wire::{Endpoint, Endpoints};

use super::answer::{Answer, Body};
use super::message::HttpRequest;
use super::store::WatchedStore;
use super::world::{Given, Setting};

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Case {
    pub(super) name: String,
    pub(super) source: &'static str,
    pub(super) setting: Setting,
    pub(super) given: Vec<Given>,
    /// Sent through the adapter before the request, on the same connection.
    pub(super) earlier: Vec<HttpRequest>,
    pub(super) request: HttpRequest,
    pub(super) answer: Answer,
    pub(super) effect: Option<Effect>,
    pub(super) active: Vec<&'static str>,
    pub(super) inactive: Vec<&'static str>,
}

/// What a request does to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It writes.
    Written,
    /// All records stay as they are, byte for byte.
    Unchanged,
    /// The store is not even asked.
    NotAsked,
}

/// A case: `request` is answered by `answer`. Unless said otherwise, a refusal changes nothing, nor does an introspection;
/// an issue and a revocation do.
pub(super) fn case(name: impl Into<String>, source: &'static str, request: HttpRequest, answer: Answer) -> Case {
    Case {
        name: name.into(),
        source,
        setting: Setting::default(),
        given: Vec::new(),
        earlier: Vec::new(),
        request,
        answer,
        effect: None,
        active: Vec::new(),
        inactive: Vec::new(),
    }
}

impl Case {
    /// What it says, in `snake_case`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from: a section of a specification, the number of an attack (`A35`), or of a behaviour that the tests of other
    /// servers hold (`C108`).
    #[must_use]
    pub const fn source(&self) -> &str {
        self.source
    }

    /// Whether the answer is the adapter's: what is not HTTP never reaches it.
    #[must_use]
    pub const fn is_answered_by_the_adapter(&self) -> bool {
        !matches!(self.answer.body, Body::Foreign)
    }

    pub(super) fn given(mut self, given: impl IntoIterator<Item = Given>) -> Self {
        self.given.extend(given);
        self
    }

    pub(super) fn after(mut self, earlier: HttpRequest) -> Self {
        self.earlier.push(earlier);
        self
    }

    /// At endpoints of this kind.
    pub(super) fn at(mut self, endpoints: fn(Endpoints<WatchedStore>) -> Endpoints<WatchedStore>) -> Self {
        self.setting.endpoints = endpoints;
        self
    }

    /// Of a service of this kind.
    pub(super) fn of(
        mut self,
        service: fn(TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore>,
    ) -> Self {
        self.setting.service = service;
        self
    }

    pub(super) fn writing(mut self) -> Self {
        self.effect = Some(Effect::Written);
        self
    }

    pub(super) fn changing_nothing(mut self) -> Self {
        self.effect = Some(Effect::Unchanged);
        self
    }

    pub(super) fn without_the_store(mut self) -> Self {
        self.effect = Some(Effect::NotAsked);
        self
    }

    /// Afterwards these tokens are active.
    pub(super) fn active(mut self, tokens: &[&'static str]) -> Self {
        self.active.extend(tokens);
        self
    }

    /// Afterwards these are not.
    pub(super) fn inactive(mut self, tokens: &[&'static str]) -> Self {
        self.inactive.extend(tokens);
        self
    }

    pub(super) fn effect(&self) -> Effect {
        let writes =
            matches!(self.request.endpoint, Endpoint::Token | Endpoint::Revocation | Endpoint::DeviceAuthorization);
        let default = if self.answer.status == 200 && writes { Effect::Written } else { Effect::Unchanged };
        self.effect.unwrap_or(default)
    }
}
