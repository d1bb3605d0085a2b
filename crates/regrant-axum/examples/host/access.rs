//! "My sessions" and the page of administrators: who may see and end which grants. The examples for axum and actix-web
//! share this file.

use regrant::store::GrantOwner;
use regrant::wire::AuthorizationRequest;
use regrant::{ClientId, Subject, TokenError};

use super::pages::{self, Shown};
use super::state::{Host, Session, Visitor};

/// A request of a browser. [`AuthorizationRequest`] reads the query and the form of any page: no parameter twice.
type Request<'a> = AuthorizationRequest<'a>;

/// The page where users see which apps have access.
pub(crate) async fn sessions(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    let Some(session) = visitor.session else { return Ok(Shown::to("/sign-in")) };
    let owner = GrantOwner::Subject(session.user.clone());
    let access = host.access(&owner, request.parameter("after")).await?;
    let is_done = request.parameter("done").is_some();
    Ok(Shown::page("My sessions", &pages::sessions(&session, &access, is_done)))
}

/// The question before one app or all of them lose their access. A GET ends nothing.
pub(crate) async fn ask_to_end(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    let Some(session) = visitor.session else { return Ok(Shown::to("/sign-in")) };
    let grant = request.parameter("grant").unwrap_or_default();
    let mut access = host.grant(grant).await?;
    // The id comes from the browser. Nothing of another user's grant is shown.
    access.grants.retain(|grant| grant.approval.subject.as_ref() == Some(&session.user));
    if access.grants.is_empty() && grant != "all" {
        return Ok(Shown::to("/sessions"));
    }
    Ok(Shown::page("End the access?", &pages::confirm(&access, "/sessions", "/sessions", grant)))
}

/// Ends what the form of the page names.
pub(crate) async fn end(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    let Some(session) = visitor.session.filter(|_| visitor.is_own_form) else { return Ok(Shown::to("/sessions")) };
    let grant = request.form().and_then(|form| form.get("grant")).unwrap_or_default();
    if grant == "all" {
        host.end_all(&session.user).await?;
    } else if let Ok(grant) = grant.parse() {
        // The id comes from the browser. The call ends only a grant of this user.
        host.endpoints.service().revoke_grant_of(&session.user, grant).await?;
    }
    Ok(Shown::to("/sessions?done=1"))
}

/// The page of administrators: the grants of a user, of a client, of both, or the one with an id from a log.
pub(crate) async fn admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    if let Err(other) = administrator(visitor.session) {
        return Ok(other);
    }
    let search = Search::of(request);
    let access = match (search.id, search.owner()) {
        ("", Some(owner)) => Some(host.access(&owner, Some(search.after)).await?),
        ("", None) => None,
        (id, _) => Some(host.grant(id).await?),
    };
    let is_done = request.parameter("done").is_some();
    Ok(Shown::page("Administration", &pages::admin(&search, access.as_ref(), &host.audit(), is_done)))
}

/// The question before an administrator ends a grant, or all of a user.
pub(crate) async fn ask_admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    if let Err(other) = administrator(visitor.session) {
        return Ok(other);
    }
    let back = format!("/admin?{}", Search::of(request).query);
    let grant = request.parameter("grant").unwrap_or_default();
    let access = host.grant(grant).await?;
    match (request.parameter("user"), access.grants.is_empty()) {
        (Some(user), true) if grant == "all" => {
            Ok(Shown::page(&format!("End all access of {user}?"), &pages::confirm(&access, &back, &back, grant)))
        }
        (_, true) => Ok(Shown::to(back)),
        (_, false) => Ok(Shown::page("End the access?", &pages::confirm(&access, &back, &back, grant))),
    }
}

/// Ends what an administrator names, and writes down who did it.
pub(crate) async fn end_for_admin(host: &Host, visitor: Visitor, request: &Request<'_>) -> Result<Shown, TokenError> {
    let session = match administrator(visitor.session) {
        Ok(session) if visitor.is_own_form => session,
        Ok(_) => return Ok(Shown::to("/admin")),
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
    Ok(Shown::to(if query.is_empty() { "/admin?done=1".to_owned() } else { format!("/admin?{query}&done=1") }))
}

/// Returns the session of an administrator, or the answer to everybody else.
fn administrator(session: Option<Session>) -> Result<Session, Shown> {
    match session {
        Some(session) if session.is_admin => Ok(session),
        Some(_) => Err(Shown::Forbidden(pages::forbidden())),
        None => Err(Shown::to("/sign-in")),
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
        let field = |name| request.parameter(name).unwrap_or_default();
        Self {
            user: field("user"),
            client: field("client"),
            id: field("id"),
            after: field("after"),
            query: request.query_without(&["grant", "done"]),
            first: request.query_without(&["grant", "done", "after"]),
        }
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
