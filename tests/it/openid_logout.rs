//! The end session endpoint (OpenID Connect RP-Initiated Logout 1.0), and the end of a session at all clients.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{
    APP, Auth, Config, ISSUER, OTHER, Reply, Server, StubIssuer, USER, WatchedStore, client, encode, scope, seconds,
    subject,
};
use regrant::event::{EventKind, Operation, Port};
use regrant::grant::RevocationReason;
use regrant::host::Unavailable;
use regrant::store::StoreError;
use regrant::wire::{
    EndSession, EndSessionRequest, EndSessionResponse, EndedSession, Endpoint, Endpoints, MalformedRequest, Request,
    Response,
};
use regrant::{
    Approval, AuthenticatedClient, GrantType, IssueRequest, Issuer, RedirectUri, Refusal, TokenError, TokenResponse,
};

const DONE: &str = "https://app.example/signed-out";
const COOKIE: (&str, &str) = ("set-cookie", "session=; Max-Age=0; Path=/");

/// The browser session of a host: `decide` is its whole logic.
struct Host {
    decide: Decide,
    seen: Arc<Mutex<Vec<String>>>,
}

type Decide = fn() -> Result<EndSessionResponse, Unavailable>;

#[async_trait]
impl EndSession for Host {
    async fn end_session(&self, request: &EndSessionRequest<'_>) -> Result<EndSessionResponse, Unavailable> {
        let session = request.hint.map(|hint| (hint.subject.as_str(), hint.session_id.as_deref().unwrap_or("-")));
        let seen = format!(
            "hint {:?} client {:?} to {:?} hint for people {:?} cookie {:?}",
            session,
            request.client.map(|client| client.id.as_str()),
            request.redirect_uri.map(RedirectUri::as_str),
            request.parameters.get("logout_hint"),
            request.http.header("cookie").next().map(String::from_utf8_lossy),
        );
        self.seen.lock().unwrap().push(seen);
        (self.decide)()
    }
}

fn page(text: &str) -> Response {
    Response { status: 200, headers: vec![("content-type", "text/html".into())], body: text.as_bytes().to_vec() }
}

/// Ends whatever there is.
const ENDS: Decide = || Ok(EndedSession::new(page("signed out")).with_header(COOKIE.0, COOKIE.1).into());

/// Ends the session `laptop` of the browser.
const ENDS_LAPTOP: Decide = || {
    let ended = EndedSession::new(page("signed out")).with_header(COOKIE.0, COOKIE.1);
    Ok(ended.with_session(subject(USER), "laptop").into())
};

const ASKS: Decide = || Ok(EndSessionResponse::Page(page("really?")));

struct Logout {
    server: Server,
    endpoints: Endpoints<WatchedStore>,
    seen: Arc<Mutex<Vec<String>>>,
    issuer: StubIssuer,
}

impl Logout {
    /// A server whose host decides so. The client `app` may be redirected to [`DONE`].
    fn with(decide: Decide) -> Self {
        let (issuer, seen) = (StubIssuer::default(), Arc::default());
        let config = Config { jwt_issuer: Some(issuer.clone()), ..Config::default() };
        let done = || [RedirectUri::new(DONE).unwrap(), RedirectUri::new("https://app.example/?a=b").unwrap()];
        let server = config.with_client(APP, |client| client.with_post_logout_redirect_uris(done())).start();
        let host = Host { decide, seen: Arc::clone(&seen) };
        let endpoints = Endpoints::new(server.service().clone(), Issuer::from_static(ISSUER)).unwrap();
        let endpoints = endpoints.with_end_session(host);
        Self { server, endpoints, seen, issuer }
    }

    /// Tokens of a client that were approved in this session.
    async fn signed_in(&self, auth: Auth<'_>, session: Option<&str>) -> TokenResponse {
        let client = AuthenticatedClient::assertion(client(auth).into());
        let approval = Approval::of(subject(USER)).with_scope(scope("openid read"));
        let approval = approval.with_session_id(session.map(str::to_owned));
        self.server.service().issue(&client, IssueRequest::new(GrantType::Password, approval)).await.unwrap()
    }

    async fn get(&self, parameters: &[(&str, &str)]) -> Reply {
        let query = fixtures::form(parameters);
        let headers: [(&str, &[u8]); 1] = [("cookie", b"session=x")];
        let request = Request::new("GET", "/oauth2/end_session", &headers, b"").with_query(query.as_str());
        Reply::checked(Endpoint::EndSession, &request, self.endpoints.handle(Endpoint::EndSession, &request).await)
    }

    async fn is_active(&self, tokens: &TokenResponse) -> bool {
        let (access, refresh) = (tokens.access_token.expose(), tokens.refresh_token.as_ref().unwrap().expose());
        let (access, refresh) = (self.server.is_active(access).await, self.server.is_active(refresh).await);
        assert_eq!(access, refresh);
        access
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Operation and kind of the events since the last call.
    fn told(&self) -> Vec<(Operation, EventKind)> {
        self.server.config.events.operations()
    }
}

fn hint(tokens: &TokenResponse) -> &str {
    tokens.id_token.as_ref().unwrap().expose()
}

#[tokio::test]
async fn a_logout_revokes_the_grants_of_the_session_at_all_clients_and_redirects() {
    let logout = Logout::with(ENDS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let at_other = logout.signed_in(OTHER, Some("laptop")).await;
    let phone = logout.signed_in(APP, Some("phone")).await;
    let without = logout.signed_in(APP, None).await;
    logout.told();
    let state = "a&b=c d/\u{e9}";
    let reply =
        logout.get(&[("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE), ("state", state)]).await;
    assert_eq!(reply.status(), 303);
    assert_eq!(reply.header("location"), Some("https://app.example/signed-out?state=a%26b%3Dc%20d%2F%C3%A9"));
    assert_eq!(
        (reply.header("cache-control"), reply.header("referrer-policy")),
        (Some("no-store"), Some("no-referrer"))
    );
    assert_eq!(reply.header("set-cookie"), Some(COOKIE.1), "the header of the host");
    assert!(reply.response.body.is_empty());
    assert_eq!(
        logout.seen(),
        [format!(
            "hint Some((\"{USER}\", \"laptop\")) client Some(\"app\") to Some(\"{DONE}\") hint for people None \
         cookie Some(\"session=x\")"
        )]
    );
    let revoked = (Operation::RevokeGrant, EventKind::GrantRevoked(RevocationReason::HostRequest));
    assert_eq!(logout.told(), [revoked, revoked]);
    assert!(!logout.is_active(&laptop).await && !logout.is_active(&at_other).await);
    assert!(logout.is_active(&phone).await && logout.is_active(&without).await);
    // Again: nothing is left to revoke, and the browser is redirected as before.
    let reply = logout.get(&[("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!((reply.status(), reply.header("location")), (303, Some(DONE)));
    assert_eq!(logout.told(), []);
}

#[tokio::test]
async fn a_post_is_read_from_its_body_and_redirected_with_a_get() {
    let logout = Logout::with(ENDS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let parameters = [
        ("id_token_hint", hint(&laptop)),
        ("client_id", "app"),
        ("post_logout_redirect_uri", "https://app.example/?a=b"),
        ("state", "1"),
    ];
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let body = fixtures::form(&parameters);
    let request = Request::new("POST", "/oauth2/end_session", &headers, body.as_bytes()).with_query("state=2");
    let response = logout.endpoints.handle(Endpoint::EndSession, &request).await;
    assert_eq!(response.status, 303);
    assert!(response.headers.contains(&("location", "https://app.example/?a=b&state=1".into())));
    assert!(!logout.is_active(&laptop).await);
}

// Section 2: without a redirect URI the user stays here.
#[tokio::test]
async fn without_a_registered_uri_the_page_of_the_host_is_shown() {
    let logout = Logout::with(ENDS);
    for uri in [
        None,
        Some("https://evil.example/"),
        Some("https://app.example/signed-out/"),
        Some("https://app.example/signed-out?x"),
        Some("https://APP.example/signed-out"),
        Some("https://app.example:443/signed-out"),
        Some("https://app.example/cb"),
        Some("//evil.example"),
        Some("garbage"),
    ] {
        let laptop = logout.signed_in(APP, Some("laptop")).await;
        logout.told();
        let hint = [("id_token_hint", hint(&laptop))];
        let uri: Vec<_> = uri.map(|uri| ("post_logout_redirect_uri", uri)).into_iter().collect();
        let reply = logout.get(&[&hint, uri.as_slice()].concat()).await;
        assert_eq!((reply.status(), reply.header("location")), (200, None), "{uri:?}");
        assert_eq!(reply.response.body, b"signed out");
        assert_eq!(reply.header("set-cookie"), Some(COOKIE.1));
        let refused = EventKind::Refused(Refusal::PostLogoutRedirectUriNotRegistered);
        let told = logout.told().contains(&(Operation::EndSession, refused));
        assert_eq!(told, !uri.is_empty(), "{uri:?}");
        assert!(!logout.is_active(&laptop).await, "the logout itself succeeds");
    }
}

// The parameters come through a browser, so anyone may have written them.
#[tokio::test]
async fn without_a_genuine_hint_nothing_is_revoked_and_nobody_is_redirected() {
    let logout = Logout::with(ENDS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let forged = logout.issuer.forged(&serde_json::json!({ "sub": USER, "aud": "app", "sid": "laptop", "exp": 1 }));
    let genuine = hint(&laptop).to_owned();
    let (signed, _) = genuine.rsplit_once('.').unwrap();
    let altered = format!("{signed}.AAAA");
    let access_token = laptop.access_token.expose().to_owned();
    let before = logout.server.store().snapshot();
    for (parameters, refusal) in [
        (vec![], None),
        (vec![("client_id", "app")], None),
        (vec![("client_id", "unknown")], None),
        (vec![("id_token_hint", altered.as_str())], Some(Refusal::IdTokenHintInvalid)),
        (vec![("id_token_hint", altered.as_str()), ("client_id", "app")], Some(Refusal::IdTokenHintInvalid)),
        (vec![("id_token_hint", forged.as_str())], Some(Refusal::IdTokenHintInvalid)),
        (vec![("id_token_hint", access_token.as_str())], Some(Refusal::IdTokenHintInvalid)),
        (vec![("id_token_hint", "garbage")], Some(Refusal::IdTokenHintInvalid)),
        (vec![("id_token_hint", genuine.as_str()), ("client_id", "other")], Some(Refusal::OtherClient)),
    ] {
        logout.told();
        let uri = [("post_logout_redirect_uri", DONE), ("logout_hint", "demo@as.example")];
        let reply = logout.get(&[parameters.as_slice(), &uri].concat()).await;
        assert_eq!((reply.status(), reply.header("location")), (200, None), "{parameters:?}");
        assert_eq!(reply.response.body, b"signed out");
        let told = logout.told();
        let told = told.first().map(|(_, kind)| *kind).filter(|_| refusal.is_some());
        assert_eq!(told, refusal.map(EventKind::Refused), "{parameters:?}");
        let seen = logout.seen().remove(0);
        assert!(seen.starts_with("hint None") && seen.contains("Some(\"demo@as.example\")"), "{seen}");
        let is_named = parameters == [("client_id", "app")];
        assert_eq!(seen.contains("client Some"), is_named, "{seen}");
    }
    assert_eq!(logout.server.store().snapshot(), before);
    assert!(logout.is_active(&laptop).await);
}

// Nothing tells an unknown client from one without the URI.
#[tokio::test]
async fn an_unknown_client_is_answered_as_a_known_one_without_the_uri() {
    let logout = Logout::with(ASKS);
    let answers = ["app", "other", "unknown"].map(|client_id| {
        let asked = [("client_id", client_id), ("post_logout_redirect_uri", "https://evil.example/")];
        fixtures::ready(logout.get(&asked)).response
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_page_that_asks_changes_nothing_even_with_a_hint() {
    let logout = Logout::with(ASKS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let before = logout.server.store().snapshot();
    let reply = logout.get(&[("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!((reply.status(), reply.response.body.as_slice()), (200, &b"really?"[..]));
    assert_eq!(logout.server.store().snapshot(), before);
    assert!(logout.is_active(&laptop).await);
}

// The user confirmed on the page of the host, and the host names the session that it ended.
#[tokio::test]
async fn a_session_that_the_host_ended_loses_its_grants_and_is_redirected_without_a_hint() {
    let logout = Logout::with(ENDS_LAPTOP);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let phone = logout.signed_in(APP, Some("phone")).await;
    let reply = logout.get(&[("client_id", "app"), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!((reply.status(), reply.header("location")), (303, Some(DONE)));
    assert!(!logout.is_active(&laptop).await && logout.is_active(&phone).await);
    // The session of the hint and that of the browser differ: both have ended.
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    assert_eq!(logout.get(&[("id_token_hint", hint(&phone))]).await.status(), 200);
    assert!(!logout.is_active(&laptop).await && !logout.is_active(&phone).await);
}

// Section 4: an expired hint is accepted, one of a withdrawn key is not.
#[tokio::test]
async fn an_expired_hint_is_accepted_as_long_as_its_key_is_held() {
    let logout = Logout::with(ENDS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    logout.server.advance(seconds(7200));
    logout.issuer.rotate("k2");
    assert!(logout.server.is_active(laptop.refresh_token.as_ref().unwrap().expose()).await);
    let reply = logout.get(&[("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!(reply.status(), 303);
    assert!(!logout.server.is_active(laptop.refresh_token.as_ref().unwrap().expose()).await);

    let phone = logout.signed_in(APP, Some("phone")).await;
    logout.issuer.withdraw("k2");
    let reply = logout.get(&[("id_token_hint", hint(&phone)), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!((reply.status(), reply.header("location")), (200, None));
}

#[tokio::test]
async fn a_hint_without_a_session_revokes_nothing_and_redirects() {
    let logout = Logout::with(ENDS);
    let tokens = logout.signed_in(APP, None).await;
    let reply = logout.get(&[("id_token_hint", hint(&tokens)), ("post_logout_redirect_uri", DONE)]).await;
    assert_eq!(reply.status(), 303);
    assert!(logout.is_active(&tokens).await);
}

#[tokio::test]
async fn malformed_requests_reach_neither_the_host_nor_the_store() {
    let logout = Logout::with(ENDS);
    let calls = logout.server.store().calls();
    let form: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let json: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
    let get = |query| Request::new("GET", "/oauth2/end_session", &[], b"").with_query(query);
    for (request, malformed) in [
        (get("state=1&state=2"), MalformedRequest::Repeated),
        (get("state=%zz"), MalformedRequest::Encoding),
        (get("state=%ff"), MalformedRequest::Encoding),
        (get("client_id=caf%C3%A9"), MalformedRequest::ClientId),
        (Request::new("POST", "/oauth2/end_session", &json, b"{}"), MalformedRequest::ContentType),
        (Request::new("POST", "/oauth2/end_session", &[], b""), MalformedRequest::ContentType),
        (Request::new("POST", "/oauth2/end_session", &form, b"state=1&state=2"), MalformedRequest::Repeated),
        (
            Request::received("POST", "/oauth2/end_session", &form, Err(MalformedRequest::Incomplete)),
            MalformedRequest::Incomplete,
        ),
    ] {
        logout.told();
        let response = logout.endpoints.handle(Endpoint::EndSession, &request).await;
        let reply = Reply::checked(Endpoint::EndSession, &request, response);
        assert_eq!(reply.outcome(), (400, "invalid_request"), "{malformed:?}");
        assert_eq!(logout.told(), [(Operation::EndSession, EventKind::Malformed(malformed))]);
    }
    // A program that checks links must not sign a user out.
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "get"] {
        let request = Request::new(method, "/oauth2/end_session", &[], b"");
        let response = logout.endpoints.handle(Endpoint::EndSession, &request).await;
        let reply = Reply::checked(Endpoint::EndSession, &request, response);
        assert_eq!((reply.status(), reply.header("allow")), (405, Some("GET, POST")), "{method}");
    }
    assert_eq!((logout.seen().len(), logout.server.store().calls()), (0, calls));
}

#[tokio::test]
async fn a_host_that_fails_leaves_the_grants_alive_and_is_named() {
    let outages: [(Decide, (u16, &str), EventKind); 2] = [
        (
            || Err(Unavailable::new("no route to the sessions")),
            (503, "temporarily_unavailable"),
            EventKind::Unavailable,
        ),
        (|| Err(StoreError::rejected("no such table").into()), (500, "server_error"), EventKind::Rejected),
    ];
    for (decide, answer, kind) in outages {
        let logout = Logout::with(decide);
        let laptop = logout.signed_in(APP, Some("laptop")).await;
        logout.told();
        let reply = logout.get(&[("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE)]).await;
        assert_eq!(reply.outcome(), answer);
        let event = logout.server.config.events.take().remove(0);
        assert_eq!((event.operation, event.kind), (Operation::EndSession, kind));
        assert_eq!(event.failure.unwrap().port, Port::EndSession);
        assert!(logout.is_active(&laptop).await);
    }
}

// The user repeats the request, and the hint is as good as before.
#[tokio::test]
async fn a_store_that_fails_is_asked_again_with_the_same_request() {
    let logout = Logout::with(ENDS);
    let laptop = logout.signed_in(APP, Some("laptop")).await;
    let request = [("id_token_hint", hint(&laptop)), ("post_logout_redirect_uri", DONE)];
    logout.server.store().set_down(true);
    let reply = logout.get(&request).await;
    assert_eq!((reply.outcome(), reply.header("location")), ((503, "temporarily_unavailable"), None));
    logout.server.store().set_down(false);
    assert!(logout.is_active(&laptop).await);
    assert_eq!(logout.get(&request).await.status(), 303);
    assert!(!logout.is_active(&laptop).await);
}

#[tokio::test]
async fn one_unreadable_grant_keeps_no_other_grant_of_the_session_alive() {
    let logout = Logout::with(ENDS);
    let sessions = [logout.signed_in(APP, Some("laptop")).await, logout.signed_in(OTHER, Some("laptop")).await];
    let broken = logout.server.store().record(sessions[0].grant_id).unwrap();
    let damaged = regrant::store::GrantRecord { payload: Arc::from(*b"no record"), ..broken.clone() };
    logout.server.store().overwrite(sessions[0].grant_id, damaged);
    let service = logout.server.service();
    let error = service.revoke_session(&subject(USER), "laptop").await.unwrap_err();
    assert!(matches!(&error, TokenError::Store(error) if error.is_corrupt()), "{error:?}");
    assert!(!logout.is_active(&sessions[1]).await);
    logout.server.store().overwrite(sessions[0].grant_id, broken);
    assert_eq!(service.revoke_session(&subject(USER), "laptop").await.unwrap(), 1);
}

// A code that was not redeemed yet belongs to the session too.
#[tokio::test]
async fn a_code_of_the_session_is_revoked_with_it() {
    let logout = Logout::with(ENDS);
    let approval = Approval::of(subject(USER)).with_scope(scope("openid")).with_session_id("laptop".to_owned());
    let request =
        regrant::AuthorizeRequest::new(approval).with_redirect_uri(fixtures::REDIRECT.parse::<RedirectUri>().unwrap());
    let code = logout.server.service().authorize(&client(APP), request).await.unwrap().code;
    assert_eq!(logout.server.service().revoke_session(&subject(USER), "laptop").await.unwrap(), 1);
    assert_eq!(logout.server.redeem(APP, code.expose()).await.outcome(), (400, "invalid_grant"));
}

#[tokio::test]
async fn the_endpoint_is_served_and_announced_when_the_host_has_sessions() {
    let logout = Logout::with(ENDS);
    let document = |endpoints: &Endpoints<WatchedStore>, endpoint| {
        let request = Request::new("GET", "/", &[], b"");
        let response = fixtures::ready(endpoints.handle(endpoint, &request));
        serde_json::from_slice::<serde_json::Value>(&response.body).unwrap()
    };
    let openid = document(&logout.endpoints, Endpoint::OpenIdConfiguration);
    assert_eq!(openid["end_session_endpoint"], "https://as.example/oauth2/end_session");
    assert!(document(&logout.endpoints, Endpoint::Metadata).get("end_session_endpoint").is_none());
    let without = &logout.server.endpoints;
    assert!(document(without, Endpoint::OpenIdConfiguration).get("end_session_endpoint").is_none());
    let reply = logout.server.raw(Endpoint::EndSession, "GET", &[], "").await;
    assert_eq!(reply.outcome(), (404, "invalid_request"));
}

// Cookies are secrets of the browser, and hints are personal data.
#[test]
fn the_answer_of_the_host_shows_no_cookie_in_debug_output() {
    let ended = EndedSession::new(page("signed out")).with_header("set-cookie", "session=secret");
    let shown = format!("{ended:?} {:?}", EndSessionResponse::from(ended.clone()));
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(encode("a"), "a");
}
