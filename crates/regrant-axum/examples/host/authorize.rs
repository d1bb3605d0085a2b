//! The authorization endpoint. The library judges the request and makes the answers to the client; the page decides
//! only who the user is, and yes or no.

use std::time::Duration;

use regrant::Approval;
use regrant::wire::{AuthorizationRequest, Prompt, Response};

use super::state::{Host, Session, Visitor};
use super::{Failed, pages};

pub(crate) async fn authorize(
    host: &Host,
    visitor: Visitor,
    request: &AuthorizationRequest<'_>,
) -> Result<Response, Failed> {
    let ask = host.endpoints.ask(request).await?;
    let query = request.query_without(&[]);
    let is_silent = ask.prompt().contains(&Prompt::None); // the client wants no page
    // The link to another account. Beside a pushed request, `ask` reads no other parameter.
    let is_switch = request.parameter("prompt") == Some("login");
    let age = |own: &Session| host.endpoints.service().now().since(own.signed_in_at);
    let is_new = |own: &Session| own.signed_in_for == query && age(own) < Some(Duration::from_secs(300));
    let is_fresh = |own: &Session| is_new(own) || !(is_switch || ask.requires_sign_in(own.signed_in_at, None));
    let Some(session) = visitor.session.filter(is_fresh) else {
        let sign_in = pages::redirect(format!("/sign-in?{query}"));
        return Ok(if is_silent { ask.login_required() } else { sign_in });
    };
    // The answer is that of the account on the page: meanwhile, another one may have signed in, in another tab.
    let form = request.form().filter(|form| visitor.is_own_form && form.get("session") == Some(&session.id));
    match form.and_then(|form| form.get("decision")) {
        Some("allow") => {
            let approval = Approval::of(session.user)
                .with_authentication(session.signed_in_at, None, vec!["pwd".to_owned()])
                .with_session_id(Some(session.id))
                .with_data(visitor.device.into_bytes());
            Ok(ask.approve(approval).await?)
        }
        Some(_) => Ok(ask.deny()),
        None if is_silent => Ok(ask.consent_required()),
        None => Ok(pages::consent(&ask, &session, &query, &request.query_without(&["prompt"]))),
    }
}
