//! "My sessions" and the page of administrators: who may see and end which grants.

use regrant::store::GrantOwner;
use regrant::wire::{AuthorizationRequest, Response};
use regrant::{ClientId, Subject};

use super::state::{Host, Session, Visitor};
use super::{Failed, pages};

type Request<'a> = AuthorizationRequest<'a>;

/// The page where users see which apps have access.
pub(crate) async fn sessions(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    let Some(session) = visitor.session else { return Ok(pages::redirect("/sign-in")) };
    let owner = GrantOwner::Subject(session.user.clone());
    let after = request.parameter("after");
    let access = host.access(&owner, after).await?;
    Ok(pages::sessions(&session, &access, after.is_some(), request.parameter("done").is_some()))
}

/// The question before one app or all of them lose their access. A GET ends nothing.
pub(crate) async fn ask_to_end(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    let Some(session) = visitor.session else { return Ok(pages::redirect("/sign-in")) };
    let grant = request.parameter("grant").unwrap_or_default();
    if grant == "all" {
        return Ok(pages::confirm_all("Sign out everywhere?", "/sessions", "/sessions"));
    }
    let mut access = host.grant(grant).await?;
    // The id comes from the browser. Nothing of another user's grant is shown.
    access.grants.retain(|grant| grant.approval.subject.as_ref() == Some(&session.user));
    Ok(pages::confirm(&access, "/sessions", "/sessions"))
}

/// Ends what the form of the page names.
pub(crate) async fn end(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    let Some(session) = visitor.session.filter(|_| visitor.is_own_form) else {
        return Ok(pages::redirect("/sessions"));
    };
    let grant = request.form().and_then(|form| form.get("grant")).unwrap_or_default();
    if grant == "all" {
        host.end_all(&session.user).await?;
    } else if let Ok(grant) = grant.parse() {
        // The id comes from the browser. The call ends only a grant of this user.
        host.endpoints.service().revoke_grant_of(&session.user, grant).await?;
    }
    Ok(pages::redirect("/sessions?done=1"))
}

/// The page of administrators: the grants of a user, of a client, of both, or the one with an id from a log.
pub(crate) async fn admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    let session = match administrator(visitor.session) {
        Ok(session) => session,
        Err(other) => return Ok(other),
    };
    let search = Search::of(request);
    let access = match (search.id, search.owner()) {
        ("", Some(owner)) => Some(host.access(&owner, Some(search.after)).await?),
        ("", None) if search.is_empty() => None,
        (id, _) => Some(host.grant(id).await?),
    };
    let is_done = request.parameter("done").is_some();
    Ok(pages::admin(&session, &search, access.as_ref(), &host.audit(), is_done))
}

/// The question before an administrator ends a grant, or all of a user.
pub(crate) async fn ask_admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    if let Err(other) = administrator(visitor.session) {
        return Ok(other);
    }
    let back = format!("/admin?{}", Search::of(request).query);
    match (request.parameter("grant").unwrap_or_default(), request.parameter("user")) {
        ("all", Some(user)) => Ok(pages::confirm_all(&format!("End all access of {user}?"), &back, &back)),
        (grant, _) => Ok(pages::confirm(&host.grant(grant).await?, &back, &back)),
    }
}

/// Ends what an administrator names, and writes down who did it.
pub(crate) async fn end_for_admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Response, Failed> {
    let session = match administrator(visitor.session) {
        Ok(session) if visitor.is_own_form => session,
        Ok(_) => return Ok(pages::redirect("/admin")),
        Err(other) => return Ok(other),
    };
    let grant = request.form().and_then(|form| form.get("grant")).unwrap_or_default();
    if grant == "all" {
        // In the query, beside the button: the user whose grants the page has listed.
        if let Some(user) = request.parameter("user").and_then(|user| Subject::new(user).ok()) {
            host.record(&session, format!("ends all access of {user}"));
            host.end_all(&user).await?;
        }
    } else {
        for grant in host.grant(grant).await?.grants {
            let user = grant.approval.subject.as_ref().map_or("no user", Subject::as_str);
            host.record(&session, format!("ends grant {} of {user} at {}", grant.id, grant.client_id));
            host.endpoints.service().revoke_grant(grant.id).await?;
        }
    }
    let query = Search::of(request).query;
    Ok(pages::redirect(if query.is_empty() { "/admin?done=1".to_owned() } else { format!("/admin?{query}&done=1") }))
}

/// Returns the session of an administrator, or the answer to everybody else.
fn administrator(session: Option<Session>) -> Result<Session, Response> {
    match session {
        Some(session) if session.is_admin => Ok(session),
        Some(session) => Err(pages::forbidden(&session)),
        None => Err(pages::redirect("/sign-in")),
    }
}

/// The fields of the search, and the query that leads back to the same page of its result.
pub(crate) struct Search<'a> {
    pub(crate) user: &'a str,
    pub(crate) client: &'a str,
    pub(crate) id: &'a str,
    pub(crate) after: &'a str,
    pub(crate) query: String,
    /// The query of the first page.
    pub(crate) first: String,
}

impl<'a> Search<'a> {
    fn of(request: &'a Request<'_>) -> Self {
        let field = |name| request.parameter(name).unwrap_or_default().trim();
        Self {
            user: field("user"),
            client: field("client"),
            id: field("id"),
            after: field("after"),
            query: request.query_without(&["grant", "done"]),
            first: request.query_without(&["grant", "done", "after"]),
        }
    }

    const fn is_empty(&self) -> bool {
        self.user.is_empty() && self.client.is_empty() && self.id.is_empty()
    }

    /// Returns the owner that the fields name. A name that cannot exist finds nothing: ignored, it would widen the
    /// search.
    fn owner(&self) -> Option<GrantOwner> {
        let user = || Subject::new(self.user).ok();
        let client = || ClientId::new(self.client).ok();
        match (self.user, self.client) {
            ("", "") => None,
            (_, "") => user().map(GrantOwner::Subject),
            ("", _) => client().map(GrantOwner::Client),
            (_, _) => Some(GrantOwner::SubjectAndClient(user()?, client()?)),
        }
    }
}
