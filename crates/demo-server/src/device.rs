//! The page where users of devices enter their code (RFC 8628 section 3.3).

use regrant::Approval;
use regrant::device::UserCode;
use regrant::host::Parameters;
use regrant::wire::{self, Request, Response};
use serde_json::json;

use crate::answer::Problem;
use crate::authorize::{current_session, is_browser, session};
use crate::password::AMR;
use crate::server::Server;
use crate::{pages, sign_in};

const UNKNOWN: &str = "No device waits for this user_code.";

/// `GET /oauth2/device/user`: asks for the code, and then for the decision. The user signs in first, so that strangers
/// cannot try codes, and the limit of the service slows down guessing (RFC 8628 section 5.1).
pub(crate) async fn page(server: &Server, request: &Request<'_>) -> Result<Response, Problem> {
    let parameters = wire::query(request)?;
    let Some(session) = current_session(server, request) else {
        return Ok(sign_in::form(server, request, sign_in::Target::Device));
    };
    let Some(typed) = parameters.get("user_code") else { return Ok(pages::user_code(server, None)) };
    let unknown = || pages::user_code(server, Some("No device waits for this code."));
    let Ok(user_code) = UserCode::parse(typed) else { return Ok(unknown()) };
    let service = server.service.for_peer(request.peer.cloned());
    let Some(asked) = service.device(&user_code).await? else { return Ok(unknown()) };
    Ok(pages::device(server, request, &asked.client_id, &asked.approval, typed, &session))
}

/// `POST /oauth2/device/user`: the decision of the user about the device that shows `user_code`.
pub(crate) async fn decide(server: &Server, request: &Request<'_>, form: &Parameters<'_>) -> Result<Response, Problem> {
    let session = session(server, request, form)?;
    let unknown = || Problem::invalid_request(UNKNOWN);
    let user_code = form.get("user_code").and_then(|typed| UserCode::parse(typed).ok()).ok_or_else(unknown)?;
    let service = server.service.for_peer(request.peer.cloned());
    let asked = service.device(&user_code).await?.ok_or_else(unknown)?;
    let is_allowed = form.get("decision") == Some("allow");
    if is_allowed {
        let approval = Approval::of(session.subject)
            .with_scope(asked.approval.scope)
            .with_resources(asked.approval.resources)
            .with_authentication(session.signed_in_at, None, vec![AMR.to_owned()]);
        service.approve_device(&user_code, approval).await?;
    } else {
        service.deny_device(&user_code).await?;
    }
    if is_browser(request) {
        return Ok(pages::decided(is_allowed));
    }
    Ok(Response::json(200, &json!({ "client_id": asked.client_id })))
}
