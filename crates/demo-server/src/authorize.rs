//! The authorization endpoint (RFC 6749 section 3.1): the page for the user, and the decision. The library judges the
//! request and makes the answers.

use regrant::Approval;
use regrant::host::Parameters;
use regrant::wire::{Ask, AuthorizationError, AuthorizationRequest, Endpoints, Prompt, Request, Response};
use subtle::ConstantTimeEq as _;

use crate::answer::Problem;
use crate::server::Server;
use crate::session::Session;
use crate::store::SharedStore;
use crate::{cookie, pages, password, sign_in};

/// `GET /oauth2/authorize`: the sign-in form, or the consent form of a user who is signed in.
pub(crate) async fn page(
    server: &Server,
    endpoints: &Endpoints<SharedStore>,
    request: &Request<'_>,
) -> Result<Response, Problem> {
    let sent = AuthorizationRequest::read(request, endpoints.body_limit());
    let ask = match endpoints.ask(&sent).await {
        Ok(ask) => ask,
        Err(error) => return answered(error),
    };
    // The link of the consent page to another user. Beside a pushed request no other parameter counts.
    let is_switch = sent.parameter("prompt") == Some("login");
    let now = server.service.now();
    let is_fresh = |session: &Session| {
        session.is_for(request.query, now) || !(is_switch || ask.requires_sign_in(session.signed_in_at, None))
    };
    match current_session(server, request).filter(is_fresh) {
        None if ask.prompt().contains(&Prompt::None) => Ok(ask.login_required()),
        Some(_) if ask.prompt().contains(&Prompt::None) => Ok(ask.consent_required()),
        None => Ok(sign_in::form(server, request, sign_in::Target::Authorize)),
        Some(session) => Ok(pages::consent(server, request, &sent, &ask, &session)),
    }
}

/// `POST /oauth2/authorize`: the decision of the user. The request is in the query, or in the form as AM's consent page
/// has it.
pub(crate) async fn decide(
    server: &Server,
    endpoints: &Endpoints<SharedStore>,
    request: &Request<'_>,
) -> Result<Response, Problem> {
    let sent = AuthorizationRequest::read(request, endpoints.body_limit());
    let ask = match endpoints.ask(&sent).await {
        Ok(ask) => ask,
        Err(error) => return answered(error),
    };
    let form = sent.form().ok_or(Problem::invalid_request("The form is malformed."))?;
    let session = match session(server, request, form) {
        Ok(session) => session,
        // The session has ended, or the user has signed in again in another tab: the page asks again.
        Err(_) if is_browser(request) => {
            let query = sent.query_without(&["csrf", "decision"]);
            return Ok(sign_in::back(server, sign_in::Target::Authorize, &query));
        }
        Err(problem) => return Err(problem),
    };
    if form.get("decision") != Some("allow") {
        return Ok(ask.deny());
    }
    match approve(ask, session).await {
        Ok(response) => Ok(response),
        Err(error) => answered(error),
    }
}

/// AM tells the client its id, too.
async fn approve(ask: Ask<SharedStore>, session: Session) -> Result<Response, AuthorizationError> {
    let approval = Approval::of(session.subject)
        .with_authentication(session.signed_in_at, None, vec![password::AMR.to_owned()])
        .with_session_id(session.public_id);
    let client_id = ask.client().id.to_string();
    ask.with_response_parameter("client_id", client_id).approve(approval).await
}

fn answered(error: AuthorizationError) -> Result<Response, Problem> {
    match error {
        AuthorizationError::Redirect { response, .. } => Ok(response),
        AuthorizationError::Show(fault) => Err(fault.into()),
    }
}

/// The session of the cookie, if its user is still enabled.
pub(crate) fn current_session(server: &Server, request: &Request<'_>) -> Option<Session> {
    let session = cookie::read(request).and_then(|id| server.sessions.find(id, server.service.now()));
    session.filter(|session| server.users.is_enabled(&session.subject))
}

/// The session of the cookie, for a form. The form must contain the token of the page, or the id of the session as AM's
/// page has it: another site can make a browser send the cookie, but knows neither.
pub(crate) fn session(server: &Server, request: &Request<'_>, form: &Parameters<'_>) -> Result<Session, Problem> {
    let no_session = Problem::new(401, "access_denied", "There is no session: authenticate first.");
    let session = current_session(server, request).ok_or(no_session)?;
    let (id, token) = (cookie::read(request).unwrap_or_default(), form.get("csrf").unwrap_or_default());
    if id.as_bytes().ct_eq(token.as_bytes()).into() || server.csrf.accepts(id, token) {
        Ok(session)
    } else {
        Err(Problem::new(400, "access_denied", "The parameter csrf does not match the session."))
    }
}

/// Returns true if the answer is shown to a person. Programs do not ask for HTML.
pub(crate) fn is_browser(request: &Request<'_>) -> bool {
    request.header("accept").any(|accept| accept.windows(9).any(|part| part == b"text/html"))
}
