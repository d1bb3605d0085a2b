use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::event::ErrorCode;
use regrant::grant::Confirmation;
use regrant::host::Parameters;
use regrant::wire::{Request, Response, requested_resources};
use regrant::{Approval, AuthorizeRequest, Client, ClientId, CodeChallenge, RedirectUri, Scope, TokenError};

use crate::answer::Problem;
use crate::password::AMR;
use crate::redirect::Redirect;
use crate::server::Server;
use crate::session::Session;

/// The session cookie, with AM's name.
const COOKIE: &str = "iPlanetDirectoryPro";

/// The longest nonce: it is stored in the grant and written with each refresh.
const MAX_NONCE: usize = 255;

/// `POST /oauth2/authorize`: the decision of the user, in the form of AM's consent page.
pub(crate) async fn authorize(
    server: &Server,
    request: &Request<'_>,
    form: &Parameters<'_>,
) -> Result<Response, Problem> {
    let client = client(server, form)?;
    let requested = redirect_uri(form)?;
    let unregistered = Problem::invalid_request("The redirect_uri is not registered for the client.");
    // No redirection before this point: the address could be an attacker's (RFC 6749 section 4.1.2.1).
    let redirect_uri = client.redirect_uri(requested.as_ref()).ok_or(unregistered)?;
    let session = session(server, request, form)?;

    let redirect = Redirect { redirect_uri, issuer: server.issuer.as_str(), state: form.get("state") };
    let request = match approved(&client, &session, form) {
        Ok(request) => request.with_redirect_uri(requested.clone()),
        Err(error) => return Ok(redirect.with_error(error)),
    };
    match server.service.authorize(&client, request).await {
        Ok(response) => Ok(redirect.with_code(response.code.expose(), client.id.as_str())),
        Err(error) => refused(error, &redirect),
    }
}

/// Refusals are sent to the client. An outage is not: the user can submit the form again.
fn refused(error: TokenError, redirect: &Redirect<'_>) -> Result<Response, Problem> {
    match error.code() {
        ErrorCode::TemporarilyUnavailable => Err(error.into()),
        code => Ok(redirect.with_error(code)),
    }
}

fn client(server: &Server, form: &Parameters<'_>) -> Result<Arc<Client>, Problem> {
    let client_id = form.get("client_id").and_then(|client_id| ClientId::new(client_id).ok());
    client_id
        .and_then(|client_id| server.clients.client(&client_id))
        .ok_or(Problem::invalid_request("The client is unknown."))
}

fn redirect_uri(form: &Parameters<'_>) -> Result<Option<RedirectUri>, Problem> {
    let malformed = Problem::invalid_request("The redirect_uri is malformed.");
    form.get("redirect_uri").map(RedirectUri::new).transpose().map_err(|_| malformed)
}

/// The session of the cookie. The form must contain its id too: another site can make a browser send the cookie, but
/// does not know its value.
pub(crate) fn session(server: &Server, request: &Request<'_>, form: &Parameters<'_>) -> Result<Session, Problem> {
    let no_session = Problem::new(401, "access_denied", "There is no session: authenticate first.");
    let id = cookie(request);
    let session = id.and_then(|id| server.sessions.find(id, server.service.now()));
    let session = session.filter(|session| server.users.is_enabled(&session.subject)).ok_or(no_session)?;
    if form.get("csrf") == id {
        Ok(session)
    } else {
        Err(Problem::new(400, "access_denied", "The parameter csrf does not match the session."))
    }
}

fn cookie<'a>(request: &Request<'a>) -> Option<&'a str> {
    let lines = request.header("cookie").filter_map(|line| std::str::from_utf8(line).ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, id)| id)
}

/// The approved scope, or the error for the client.
fn approved(client: &Client, session: &Session, form: &Parameters<'_>) -> Result<AuthorizeRequest, ErrorCode> {
    if form.get("response_type") != Some("code") {
        return Err(ErrorCode::UnsupportedResponseType);
    }
    if form.get("decision") != Some("allow") {
        return Err(ErrorCode::AccessDenied);
    }
    let nonce = form.get("nonce").map(str::to_owned);
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NONCE) {
        return Err(ErrorCode::InvalidRequest);
    }
    let challenge = match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (None, None) => None,
        (None, Some(_)) => return Err(ErrorCode::InvalidRequest),
        (Some(challenge), method) => {
            Some(CodeChallenge::from_request(challenge, method).map_err(|_| ErrorCode::InvalidRequest)?)
        }
    };
    let confirmation = form.get("dpop_jkt").map(dpop_key).transpose()?;
    let scope = match form.get("scope") {
        Some(scope) => Scope::new(scope).map_err(|_| ErrorCode::InvalidScope)?,
        None => client.scope_of(None).ok_or(ErrorCode::InvalidScope)?,
    };
    let resources = requested_resources(form, client).map_err(|_| ErrorCode::InvalidTarget)?;
    let approval = Approval::of(session.subject.clone())
        .with_scope(scope)
        .with_resources(resources)
        .with_authentication(session.signed_in_at, None, vec![AMR.to_owned()])
        .with_nonce(nonce)
        .with_session_id(Some(session.public_id.clone()));
    Ok(AuthorizeRequest::new(approval).with_code_challenge(challenge).with_confirmation(confirmation))
}

/// The DPoP key that must redeem the code (RFC 9449 section 10).
fn dpop_key(thumbprint: &str) -> Result<Confirmation, ErrorCode> {
    let bytes = URL_SAFE_NO_PAD.decode(thumbprint).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Confirmation::DpopKey).ok_or(ErrorCode::InvalidRequest)
}

#[cfg(test)]
mod tests {
    use regrant::store::StoreError;

    use super::{Redirect, RedirectUri, Response, TokenError, refused};

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
