use regrant::Approval;
use regrant::device::UserCode;
use regrant::host::Parameters;
use regrant::wire::{Request, Response};
use serde_json::json;

use crate::answer::Problem;
use crate::authorize::session;
use crate::password::AMR;
use crate::server::Server;

/// `POST /oauth2/device/user`: the decision of the user about the device that shows `user_code`. A real page would
/// first show which client asks for which scope, and slow down guessing of codes (RFC 8628 section 5.1).
pub(crate) async fn decide(server: &Server, request: &Request<'_>, form: &Parameters<'_>) -> Result<Response, Problem> {
    let session = session(server, request, form)?;
    let unknown = || Problem::invalid_request("No device waits for this user_code.");
    let user_code = form.get("user_code").and_then(|typed| UserCode::parse(typed).ok()).ok_or_else(unknown)?;
    let asked = server.service.device(&user_code).await?.ok_or_else(unknown)?;
    if form.get("decision") == Some("allow") {
        let approval = Approval::of(session.subject)
            .with_scope(asked.approval.scope)
            .with_resources(asked.approval.resources)
            .with_authentication(session.signed_in_at, None, vec![AMR.to_owned()]);
        server.service.approve_device(&user_code, approval).await?;
    } else {
        server.service.deny_device(&user_code).await?;
    }
    Ok(Response::json(200, &json!({ "client_id": asked.client_id })))
}
