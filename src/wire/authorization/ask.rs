use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{AuthorizationError, described};
use super::redirection::{Redirection, ResponseMode};
use crate::client::Client;
use crate::engine::AuthorizeRequest;
use crate::grant::Approval;
use crate::outcome::{ErrorCode, Operation, Refusal};
use crate::ports::store::TokenStore;
use crate::service::TokenService;
use crate::vocabulary::{AuthorizationDetails, Parameters, RedirectUri, Resources, Scope, Timestamp};
use crate::wire::Response;

/// An authorization request that the user can be asked about: everything about it is checked, up to the refusals of the
/// service. Each answer consumes it.
///
/// [`Endpoints::ask`](crate::wire::Endpoints::ask) makes one. A host that shows pages asks again when the form comes
/// back, so the page needs to keep nothing but the URL.
pub struct Ask<S> {
    pub(super) service: TokenService<S>,
    pub(super) client: Arc<Client>,
    pub(super) redirection: Redirection,
    /// The request without a resource owner.
    pub(super) request: AuthorizeRequest,
    pub(super) parameters: Parameters<'static>,
    pub(super) prompt: BTreeSet<Prompt>,
    pub(super) max_age: Option<Duration>,
    pub(super) added: Vec<(&'static str, String)>,
}

/// A value of `prompt` (OpenID Connect Core section 3.1.2.1). Unknown values are ignored, as that section recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Prompt {
    /// The client wants no page. It is the only value then. Without a session, or without a consent that the host
    /// remembers, the answer is [`Ask::login_required`] or its like.
    None,
    /// The user signs in, even in a session.
    Login,
    /// The user is asked for consent, even if the host remembers one.
    Consent,
    /// The user chooses an account.
    SelectAccount,
}

impl Prompt {
    /// The names of all values, for the metadata (`prompt_values_supported`).
    pub(in crate::wire) const NAMES: [&'static str; 4] = ["none", "login", "consent", "select_account"];

    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "login" => Some(Self::Login),
            "consent" => Some(Self::Consent),
            "select_account" => Some(Self::SelectAccount),
            _ => None,
        }
    }
}

impl<S> Ask<S> {
    /// Returns the client that asks. It has not authenticated: anyone can send a user here with its id.
    #[must_use]
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Returns the scope to ask the user for: the requested one, or the default of the client.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.request.approval.scope
    }

    /// Returns the resources to ask the user for (RFC 8707).
    #[must_use]
    pub const fn resources(&self) -> &Resources {
        &self.request.approval.resources
    }

    /// Returns the authorization details to ask the user for (RFC 9396). The client is registered for their types; the
    /// host checks their members.
    #[must_use]
    pub const fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.request.approval.authorization_details.as_ref()
    }

    /// Returns the registered URI to which the answer goes. Show its host to the user of a client that anyone can
    /// register.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirection.redirect_uri
    }

    /// Returns the place of the parameters in the answer.
    #[must_use]
    pub const fn response_mode(&self) -> ResponseMode {
        self.redirection.mode
    }

    /// Returns the `state`, which every answer repeats.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.redirection.state.as_deref()
    }

    /// Returns the `nonce`, at most 255 bytes, which the `id_token` repeats.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.request.approval.nonce.as_deref()
    }

    /// Returns the values of `prompt`; empty for a request without any.
    #[must_use]
    pub const fn prompt(&self) -> &BTreeSet<Prompt> {
        &self.prompt
    }

    /// Returns the `max_age`: the maximum time since the user signed in. The approval of such a request needs
    /// [`with_authentication`](Approval::with_authentication) (OpenID Connect Core section 3.1.2.1).
    #[must_use]
    pub const fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Returns the `login_hint`: the name that the user may want to sign in with. Anyone may have written it.
    #[must_use]
    pub fn login_hint(&self) -> Option<&str> {
        self.parameter("login_hint")
    }

    /// Returns the `acr_values`: the wanted strengths of the authentication, in the order of preference.
    pub fn acr_values(&self) -> impl Iterator<Item = &str> {
        self.parameter("acr_values").unwrap_or_default().split(' ').filter(|value| !value.is_empty())
    }

    /// Returns the `claims` (OpenID Connect Core section 5.5) as they were sent: a text that should be a JSON object.
    /// The library does not read them. A host that does announces it with `claims_parameter_supported`
    /// ([`with_metadata`](crate::wire::Endpoints::with_metadata)).
    #[must_use]
    pub fn claims(&self) -> Option<&str> {
        self.parameter("claims")
    }

    /// Returns any other parameter of the request, such as `ui_locales`; that of a signed or pushed request comes from
    /// there.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    /// Returns true if a user who signed in at `signed_in_at`, with the strength `acr`, must sign in again: for
    /// [`Prompt::Login`] and [`Prompt::SelectAccount`], after `max_age`, and if `acr` is not one of the
    /// [`acr_values`](Self::acr_values). A host that knows none of these values passes `None` for `acr`: they are
    /// wishes (OpenID Connect Core section 5.5.1.1).
    ///
    /// Do not ask the user who has just signed in for this request: `prompt=login` and `max_age=0` would ask for ever.
    /// Let that end after some minutes. Otherwise the same request, sent again, is answered whatever its `max_age` is.
    #[must_use]
    pub fn requires_sign_in(&self, signed_in_at: Timestamp, acr: Option<&str>) -> bool {
        let is_wanted = [Prompt::Login, Prompt::SelectAccount].iter().any(|value| self.prompt.contains(value));
        // A session from the future is of now: clocks of nodes differ.
        let age = self.service.now().since(signed_in_at).unwrap_or_default();
        let is_old = self.max_age.is_some_and(|max_age| age > max_age);
        let mut values = self.acr_values().peekable();
        let is_weak = acr.is_some_and(|acr| values.peek().is_some() && values.all(|value| value != acr));
        is_wanted || is_old || is_weak
    }

    /// Adds a parameter to the response of [`approve`](Self::approve), such as `session_state` (OpenID Connect Session
    /// Management). The names of the protocol are taken: `code`, `state`, `iss`.
    #[must_use]
    pub fn with_response_parameter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.added.push((name, value.into()));
        self
    }

    /// Answers `access_denied`: the user does not consent. The event is a [`Refusal::DeniedByOwner`].
    #[must_use]
    pub fn deny(self) -> Response {
        let _ = self.service.refuse_authorization(Operation::Authorize, &self.client, Refusal::DeniedByOwner);
        self.error(ErrorCode::AccessDenied)
    }

    /// Answers `login_required` to a request with [`Prompt::None`]: nobody is signed in, or the user
    /// [must sign in again](Self::requires_sign_in).
    #[must_use]
    pub fn login_required(self) -> Response {
        self.error(ErrorCode::LoginRequired)
    }

    /// Answers `consent_required` to a request with [`Prompt::None`]: the user must be asked.
    #[must_use]
    pub fn consent_required(self) -> Response {
        self.error(ErrorCode::ConsentRequired)
    }

    /// Answers `account_selection_required` to a request with [`Prompt::None`]: the user has several sessions.
    #[must_use]
    pub fn account_selection_required(self) -> Response {
        self.error(ErrorCode::AccountSelectionRequired)
    }

    /// Answers `interaction_required` to a request with [`Prompt::None`]: a page is needed for another reason.
    #[must_use]
    pub fn interaction_required(self) -> Response {
        self.error(ErrorCode::InteractionRequired)
    }

    fn error(self, code: ErrorCode) -> Response {
        self.redirection.error(code, code.description())
    }
}

impl<S: TokenStore> Ask<S> {
    /// Answers with an authorization code: the user consents.
    ///
    /// An empty scope or empty resources in `approval` mean those that were asked for; otherwise those of `approval`
    /// count, which may be fewer. Authorization details are granted only if `approval` has them, since nobody but the
    /// host can check them. The nonce, the key and the challenge are always those of the request.
    ///
    /// # Errors
    /// [`AuthorizationError`]: a refusal for the client, or an outage that the user is told of. No code was issued;
    /// after an outage the user sends the form again.
    pub async fn approve(self, approval: Approval) -> Result<Response, AuthorizationError> {
        let Self { service, client, redirection, mut request, added, .. } = self;
        let asked = std::mem::replace(&mut request.approval, approval);
        let approval = &mut request.approval;
        if approval.scope.is_empty() {
            approval.scope = asked.scope;
        }
        if approval.resources.is_empty() {
            approval.resources = asked.resources;
        }
        approval.nonce = asked.nonce;
        match service.authorize(&client, request).await {
            Ok(response) => {
                let added = added.iter().map(|(name, value)| (*name, value.as_str()));
                let parameters: Vec<_> = [("code", response.code.expose())].into_iter().chain(added).collect();
                Ok(redirection.send(&parameters))
            }
            Err(error) => Err(AuthorizationError::of(described(error), Some(&redirection))),
        }
    }
}

impl<S> fmt::Debug for Ask<S> {
    /// Shows no parameter: a `login_hint` names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("client", &self.client.id)
            .field("scope", self.scope())
            .field("resources", self.resources())
            .finish_non_exhaustive()
    }
}
