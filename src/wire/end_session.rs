//! The end session endpoint (OpenID Connect RP-Initiated Logout 1.0): a client sends the browser of a user here to sign
//! the user out.
//!
//! Three parties end something:
//!
//! | ends | by | when |
//! |---|---|---|
//! | the grants of the session (`sid`) | this endpoint | the hint is genuine, or the host names the session |
//! | the session in the browser | the host, in [`EndSession`] | it decides, or its user does |
//! | the session at the client | the client | it is redirected to, or before |
//!
//! The parameters come through the browser, so anyone may have written them. Without a genuine hint nothing is revoked
//! and nobody is redirected until the host has named the session that it ended. A URI that is not registered is never
//! redirected to (open redirector, RFC 9700 section 4.11.2), and an unknown client has the answer of a client without
//! such a URI.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use super::failure::Failure;
use super::{Endpoint, Endpoints, MalformedRequest, Request, Response, form, location, query};
use crate::client::Client;
use crate::outcome::Refusal;
use crate::ports::Unavailable;
use crate::ports::jwt::IdTokenHint;
use crate::ports::store::{GrantIndex, TokenStore};
use crate::service::{TokenError, TokenService};
use crate::vocabulary::{ClientId, Parameters, RedirectUri, Subject, forward_to_arc};

/// Ends the session in the browser, which belongs to the host: its cookie, and its pages. Set it with
/// [`Endpoints::with_end_session`].
///
/// # Contract
/// * **The user is asked, unless the hint is of the session in the browser** (RP-Initiated Logout 1.0 section 2).
///   Otherwise any page could sign the user out, by a link with a hint of its own.
/// * **The page that asks cannot be submitted by another site.** Its form has a secret of the session, and its headers
///   forbid framing.
/// * **A session is named only after it has ended**, by [`EndedSession::with_session`]: its grants are revoked then.
/// * **An outage is an error.** The user tries again.
///
/// ```
/// use async_trait::async_trait;
/// use regrant::Subject;
/// use regrant::host::Unavailable;
/// use regrant::wire::{EndSession, EndSessionRequest, EndSessionResponse, EndedSession, Response};
///
/// # struct Session { subject: Subject, id: String }
/// # trait Sessions: Send + Sync {
/// #     fn of(&self, request: &regrant::wire::Request<'_>) -> Option<Session>;
/// #     fn end(&self, session: &Session);
/// # }
/// # fn signed_out() -> Response { Response::json(200, &"Signed out.") }
/// # fn confirmation(_: &Session) -> Response { Response::json(200, &"Sign out?") }
/// struct Browser<S>(S);
///
/// #[async_trait]
/// impl<S: Sessions> EndSession for Browser<S> {
///     async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable> {
///         let Some(session) = self.0.of(request.http) else {
///             return Ok(EndedSession::new(signed_out()).into()); // nothing to end
///         };
///         if request.hint.and_then(|hint| hint.session_id.as_ref()) != Some(&session.id) {
///             return Ok(EndSessionResponse::Page(confirmation(&session)));
///         }
///         self.0.end(&session);
///         let ended = EndedSession::new(signed_out()).with_header("set-cookie", "session=; Max-Age=0; Path=/");
///         Ok(ended.with_session(session.subject, session.id).into())
///     }
/// }
/// ```
#[async_trait]
pub trait EndSession: Send + Sync {
    /// Ends the session in the browser, or returns the page that asks the user.
    ///
    /// # Errors
    /// [`Unavailable`] when the session cannot be ended now. The answer is 503, and no grant was revoked.
    async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable>;
}

forward_to_arc! {
    EndSession {
        async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable>;
    }
}

/// A request to sign a user out (RP-Initiated Logout 1.0 section 2).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EndSessionRequest<'a> {
    /// The client, the user and the session of a genuine `id_token_hint`, which may have expired. Absent without a
    /// hint, with one that this server did not sign, and with one of another client than `client_id`.
    pub hint: Option<&'a IdTokenHint>,
    /// The client of the hint, or the one that the `client_id` of the request names. The latter proves nothing: anyone
    /// can write a client id.
    pub client: Option<&'a Client>,
    /// The `post_logout_redirect_uri`, if it is registered for the client. The endpoint redirects to it, so the page of
    /// an [`EndedSession`] is not shown.
    pub redirect_uri: Option<&'a RedirectUri>,
    /// All parameters, such as `logout_hint` and `ui_locales`, and those of the host's own form.
    pub parameters: &'a Parameters<'a>,
    /// The HTTP request, with the cookies of the browser.
    pub http: &'a Request<'a>,
}

/// The answer of the host to a request to sign a user out.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session has ended, or it has not")]
pub enum EndSessionResponse {
    /// The session has ended, or there was none.
    Ended(EndedSession),
    /// A page that asks the user, or an error page. Nothing is revoked, and the browser is not redirected.
    Page(Response),
}

impl From<EndedSession> for EndSessionResponse {
    fn from(ended: EndedSession) -> Self {
        Self::Ended(ended)
    }
}

/// A session in the browser that has ended. `Debug` shows no header: cookies are secrets.
#[derive(Clone)]
pub struct EndedSession {
    page: Response,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    session: Option<(Subject, String)>,
}

impl EndedSession {
    /// An ended session, and the page to show when there is no URI to redirect to.
    #[must_use]
    pub const fn new(page: Response) -> Self {
        Self { page, headers: Vec::new(), session: None }
    }

    /// Adds a header to the response, be it the page or the redirection: `set-cookie`, which deletes the cookie of the
    /// session, or `clear-site-data`. The name is in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Names the session that has ended ([`Approval::session_id`](crate::Approval::session_id)), so that its grants are
    /// revoked. Those of a genuine hint are revoked in any case.
    #[must_use]
    pub fn with_session(mut self, subject: Subject, session_id: impl Into<String>) -> Self {
        self.session = Some((subject, session_id.into()));
        self
    }
}

impl fmt::Debug for EndedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndedSession").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The host's part of the endpoint, and the revocation of grants. The latter needs an index, which not every store of
/// an [`Endpoints`] has.
pub(super) struct EndSessions<S> {
    host: Arc<dyn EndSession>,
    revoke: for<'a> fn(&'a TokenService<S>, &'a Subject, &'a str) -> Revocation<'a>,
}

type Revocation<'a> = Pin<Box<dyn Future<Output = Result<usize, TokenError>> + Send + 'a>>;

fn revoke<'a, S: TokenStore + GrantIndex>(
    service: &'a TokenService<S>,
    subject: &'a Subject,
    session_id: &'a str,
) -> Revocation<'a> {
    Box::pin(service.revoke_session(subject, session_id))
}

impl<S: TokenStore + GrantIndex> Endpoints<S> {
    /// Serves logout requests of clients (OpenID Connect RP-Initiated Logout 1.0) at
    /// [`Paths::end_session`](super::Paths::end_session). Default: not served, and not announced.
    ///
    /// `host` ends the session in the browser. The endpoint verifies the `id_token_hint`, revokes the grants of the
    /// session at all clients ([`TokenService::revoke_session`]), and redirects to a registered
    /// `post_logout_redirect_uri`.
    #[must_use]
    pub fn with_end_session(mut self, host: impl EndSession + 'static) -> Self {
        self.end_sessions = Some(EndSessions { host: Arc::new(host), revoke: revoke::<S> });
        self
    }
}

impl<S: TokenStore> Endpoints<S> {
    /// Signs a user out. The order of the steps: the parameters, the hint, the host, the grants, the redirection. A
    /// host that refuses or fails leaves the grants alive; a store that fails leaves the browser where it is, and the
    /// user repeats the request.
    pub(super) async fn end_session(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let sessions = self.end_sessions.as_ref().ok_or(MalformedRequest::UnknownEndpoint)?;
        let parameters = match request.method {
            "GET" => query(request)?,
            "POST" => form(request, self.body_limit())?,
            _ => return Err(MalformedRequest::Method(Endpoint::EndSession.methods()).into()),
        };
        let named = parameters.get("client_id").map(ClientId::new).transpose();
        let named = named.map_err(|_| MalformedRequest::ClientId)?;
        let hint = self.hint(&parameters, named.as_ref());
        // A hint that was not accepted makes the whole request suspicious, its `client_id` included.
        let is_suspicious = hint.is_none() && parameters.get("id_token_hint").is_some();
        let client_id = hint.as_ref().map(|hint| &hint.client_id).or(named.as_ref()).filter(|_| !is_suspicious);
        let client = match client_id {
            Some(client_id) => self.service.find_client_for_logout(client_id).await?,
            None => None,
        };
        let redirect_uri = self.redirect_uri(&parameters, client.as_deref());
        let asked = EndSessionRequest {
            hint: hint.as_ref(),
            client: client.as_deref(),
            redirect_uri,
            parameters: &parameters,
            http: request,
        };
        let answer = sessions.host.end_session(&asked).await;
        let ended = match answer.map_err(|outage| self.service.fail_end_session(outage))? {
            EndSessionResponse::Ended(ended) => ended,
            EndSessionResponse::Page(page) => return Ok(page),
        };
        let hinted = hint.as_ref().and_then(|hint| Some((&hint.subject, hint.session_id.as_deref()?)));
        let own = ended.session.as_ref().map(|(subject, id)| (subject, id.as_str()));
        for (subject, session_id) in hinted.into_iter().chain(own.filter(|own| Some(*own) != hinted)) {
            (sessions.revoke)(&self.service, subject, session_id).await?;
        }
        let is_legitimate = hint.is_some() || ended.session.is_some();
        let response = match redirect_uri.filter(|_| is_legitimate) {
            Some(uri) => redirection(uri, parameters.get("state")),
            None => ended.page,
        };
        Ok(ended.headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value)))
    }

    /// Reads the `id_token_hint`. A hint that is not accepted is reported to the host, and counts as none.
    fn hint(&self, parameters: &Parameters<'_>, named: Option<&ClientId>) -> Option<IdTokenHint> {
        let text = parameters.get("id_token_hint")?;
        let refused = match self.service.read_id_token_hint(text) {
            Some(hint) if named.is_none_or(|named| *named == hint.client_id) => return Some(hint),
            // RP-Initiated Logout 1.0 section 2: the `client_id` must be the audience of the hint.
            Some(_) => Refusal::OtherClient,
            None => Refusal::IdTokenHintInvalid,
        };
        self.service.refuse_logout(None, refused);
        None
    }

    /// Returns the registered URI that equals the requested one, character for character.
    fn redirect_uri<'c>(&self, parameters: &Parameters<'_>, client: Option<&'c Client>) -> Option<&'c RedirectUri> {
        let requested = parameters.get("post_logout_redirect_uri")?;
        let registered = client.into_iter().flat_map(|client| &client.post_logout_redirect_uris);
        let uri = registered.into_iter().find(|uri| uri.as_str() == requested);
        if uri.is_none() {
            self.service.refuse_logout(client, Refusal::PostLogoutRedirectUriNotRegistered);
        }
        uri
    }
}

/// Redirects the browser with a GET (RFC 9110 section 15.4.4), whatever the method of the request was. The URL of this
/// page may have a hint in it, so the next page must not learn the URL.
fn redirection(uri: &RedirectUri, state: Option<&str>) -> Response {
    let state = state.map(|state| ("state", state));
    let location = location::with_parameters(uri.as_str(), '?', state.as_slice());
    let response = Response::empty(303).with_header("location", location).not_stored();
    response.with_header("referrer-policy", "no-referrer")
}
