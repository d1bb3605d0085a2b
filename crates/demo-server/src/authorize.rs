//! The authorization endpoint (RFC 6749 section 3.1): the page for the user, and the decision.

use regrant::event::ErrorCode;
use regrant::host::Parameters;
use regrant::wire::{self, Request, Response};
use regrant::{AuthorizeRequest, TokenError};
use subtle::ConstantTimeEq as _;

use crate::answer::Problem;
use crate::authorization_request::{Ask, AuthorizationRequest, Prompt};
use crate::redirect::{Fault, Redirect};
use crate::server::Server;
use crate::session::Session;
use crate::{cookie, pages, password, sign_in};

/// `GET /oauth2/authorize`: the sign-in form, or the consent form of a user who is signed in.
pub(crate) fn page(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let parameters = wire::query(request)?;
    let asked = AuthorizationRequest::read(server, &parameters)?;
    let redirect = asked.redirect(server);
    let Ask { request: approved, prompt, max_age } = match asked.ask(server) {
        Ok(ask) => ask,
        Err(fault) => return Ok(redirect.with_error(fault)),
    };
    let session = current_session(server, request);
    // A user who has just signed in is not sent here with prompt=login again: see `sign_in::back`.
    let is_fresh = |session: &Session| {
        let age = server.service.now().since(session.signed_in_at).unwrap_or_default();
        prompt != Prompt::SignIn && max_age.is_none_or(|max_age| age <= max_age)
    };
    match session.filter(is_fresh) {
        None if prompt == Prompt::None => {
            Ok(redirect.with_error(Fault::new("login_required", "The user must sign in.")))
        }
        Some(_) if prompt == Prompt::None => {
            Ok(redirect.with_error(Fault::new("consent_required", "The user must consent.")))
        }
        None => Ok(sign_in::form(server, request, sign_in::Target::Authorize)),
        Some(session) => Ok(pages::consent(server, request, &asked, &approved.approval, &session)),
    }
}

/// `POST /oauth2/authorize`: the decision of the user, in the form of AM's consent page.
pub(crate) async fn decide(server: &Server, request: &Request<'_>, form: &Parameters<'_>) -> Result<Response, Problem> {
    let asked = AuthorizationRequest::read(server, form)?;
    let session = match session(server, request, form) {
        Ok(session) => session,
        // The session has ended, or the user has signed in again in another tab: the page asks again.
        Err(_) if is_browser(request) => {
            return Ok(sign_in::back(server, sign_in::Target::Authorize, &pages::query(form)));
        }
        Err(problem) => return Err(problem),
    };
    let redirect = asked.redirect(server);
    let ask = match asked.ask(server) {
        Ok(ask) => ask,
        Err(fault) => return Ok(redirect.with_error(fault)),
    };
    if form.get("decision") != Some("allow") {
        return Ok(redirect.with_error(ErrorCode::AccessDenied.into()));
    }
    match server.service.authorize(&asked.client, approved(ask.request, &session)).await {
        Ok(response) => Ok(redirect.with_code(response.code.expose(), asked.client.id.as_str())),
        Err(error) => refused(error, &redirect),
    }
}

/// The request with the facts of the session.
fn approved(mut request: AuthorizeRequest, session: &Session) -> AuthorizeRequest {
    request.approval.subject = Some(session.subject.clone());
    request.approval = request
        .approval
        .with_authentication(session.signed_in_at, None, vec![password::AMR.to_owned()])
        .with_session_id(Some(session.public_id.clone()));
    request
}

/// Refusals are sent to the client. An outage is not: the user can submit the form again.
fn refused(error: TokenError, redirect: &Redirect<'_>) -> Result<Response, Problem> {
    match error.code() {
        ErrorCode::TemporarilyUnavailable => Err(error.into()),
        _ => Ok(redirect.with_error(error.into())),
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

#[cfg(test)]
mod tests {
    use regrant::RedirectUri;
    use regrant::store::StoreError;

    use super::{Redirect, Response, TokenError, refused};

    #[test]
    fn an_outage_is_told_to_the_user_and_redirects_nowhere() {
        let redirect_uri = RedirectUri::new("https://app.example/cb").unwrap();
        let redirect = Redirect { redirect_uri: &redirect_uri, issuer: "https://as.example", state: None };
        for error in [TokenError::Contended, TokenError::Store(StoreError::unavailable("down"))] {
            let response: Response = refused(error, &redirect).unwrap_err().into();
            assert_eq!(response.status, 503);
            assert!(response.headers.contains(&("retry-after", "1".into())));
            assert!(!response.headers.iter().any(|(name, _)| *name == "location"));
        }
    }
}
