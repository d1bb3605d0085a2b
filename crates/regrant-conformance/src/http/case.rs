use regrant::TokenServiceBuilder;
use regrant::host::Peer;
use regrant::proof::ClientCertificate;
use regrant::wire::{Endpoint, Endpoints};

use super::answer::{Answer, Body};
use super::harness::Connection;
use super::message::HttpRequest;
use super::server::{Given, Setting};
use super::store::WatchedStore;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Case {
    pub(super) name: String,
    pub(super) source: &'static str,
    pub(super) setting: Setting,
    /// The facts about the connection of the requests.
    pub(super) connection: Connection,
    pub(super) given: Vec<Given>,
    /// Requests sent through the adapter before the request, on the same connection.
    pub(super) earlier: Vec<HttpRequest>,
    pub(super) request: HttpRequest,
    pub(super) answer: Answer,
    pub(super) effect: Option<Effect>,
    pub(super) active: Vec<&'static str>,
    pub(super) inactive: Vec<&'static str>,
}

/// The effect of a request on the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Records change.
    Written,
    /// All records stay as they are, byte for byte.
    Unchanged,
    /// The store is not called.
    NotAsked,
}

impl Effect {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "then records of the store have changed",
            Self::Unchanged => "then no record of the store has changed",
            Self::NotAsked => "then the store was not called",
        }
    }
}

/// Creates a case: `request` is answered by `answer`. By default a refusal and an introspection change no record, and
/// any other success does.
pub(super) fn case(name: impl Into<String>, source: &'static str, request: HttpRequest, answer: Answer) -> Case {
    Case {
        name: name.into(),
        source,
        setting: Setting::default(),
        connection: Connection::default(),
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
    /// The claim of the case, in `snake_case`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The origin of the rule, several separated by `, `: a section of a specification (`RFC 7009 section 2.1`), an
    /// advisory (`CVE-2020-15223`) or an issue of another project (`owner/repository#1`). A case that fails prints
    /// their addresses.
    #[must_use]
    pub const fn source(&self) -> &str {
        self.source
    }

    /// Returns false for a request that no adapter sees: one that is not HTTP, or one to a path that is no endpoint.
    /// The server refuses it in its own words.
    #[must_use]
    pub const fn is_answered_by_the_adapter(&self) -> bool {
        !matches!(self.answer.body, Body::ServersOwn)
    }

    pub(super) fn given(mut self, given: impl IntoIterator<Item = Given>) -> Self {
        self.given.extend(given);
        self
    }

    pub(super) fn after(mut self, earlier: HttpRequest) -> Self {
        self.earlier.push(earlier);
        self
    }

    /// Sets the client certificate of the connection.
    pub(super) fn showing(mut self, certificate: &'static [u8]) -> Self {
        self.connection.certificate = Some(ClientCertificate::from_der(certificate));
        self
    }

    /// Sets the sender.
    pub(super) fn sent_by(mut self, peer: &str) -> Self {
        self.connection.peer = Some(Peer::new(peer).unwrap());
        self
    }

    /// Sets the issuer of the endpoints.
    pub(super) fn at_issuer(mut self, issuer: &'static str) -> Self {
        self.setting.issuer = issuer;
        self
    }

    /// Configures the endpoints.
    pub(super) fn with_endpoints(mut self, endpoints: fn(Endpoints<WatchedStore>) -> Endpoints<WatchedStore>) -> Self {
        self.setting.endpoints = endpoints;
        self
    }

    /// Configures the service.
    pub(super) fn with_service(
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

    /// Requires that these tokens are active afterwards.
    pub(super) fn active(mut self, tokens: &[&'static str]) -> Self {
        self.active.extend(tokens);
        self
    }

    /// Requires that these tokens are inactive afterwards.
    pub(super) fn inactive(mut self, tokens: &[&'static str]) -> Self {
        self.inactive.extend(tokens);
        self
    }

    pub(super) fn effect(&self) -> Effect {
        let writes = matches!(
            self.request.endpoint,
            Endpoint::Token
                | Endpoint::PushedAuthorizationRequest
                | Endpoint::Revocation
                | Endpoint::DeviceAuthorization
        );
        let default =
            if matches!(self.answer.status, 200 | 201) && writes { Effect::Written } else { Effect::Unchanged };
        self.effect.unwrap_or(default)
    }
}
