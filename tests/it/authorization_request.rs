//! The authorization request at the authorization endpoint of a host (RFC 6749 section 4.1.1, OpenID Connect Core
//! section 3.1.2).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{
    APP, CHALLENGE, Config, ISSUER, ORDERS, REDIRECT, SCOPE, SPA, Server, StubVerifier, USER, WatchedStore, resources,
    scope, seconds, subject,
};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator};
use regrant::event::{ErrorCode, EventKind, Operation, Port};
use regrant::grant::Confirmation;
use regrant::host::Unavailable;
use regrant::policy::RequirePkce;
use regrant::wire::{
    Ask, AuthorizationError, AuthorizationRequest, Endpoints, MalformedRequest, Prompt, Request, Response, form,
};
use regrant::{
    Approval, AuthenticatedClient, AuthorizationDetails, Client, ClientCredentials, ClientId, ClientRegistry,
    GrantType, Issuer, Key, KeyRing, Policy, RedirectUri, Refusal, TokenService,
};

/// A request of the public client, with `own` in place of the usual parameters. An empty value leaves one out.
pub(crate) fn with<'a>(own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("client_id", "spa"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "x y"),
    ];
    let usual = usual.into_iter().filter(|(name, _)| own.iter().all(|(replaced, _)| replaced != name));
    usual.chain(own.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

pub(crate) type Asked = Result<Ask<WatchedStore>, AuthorizationError>;

/// A GET with these parameters in the query.
pub(crate) async fn ask(server: &Server, parameters: &[(&str, &str)]) -> Asked {
    ask_raw(&server.endpoints, &fixtures::form(parameters)).await
}

pub(crate) async fn ask_raw(endpoints: &Endpoints<WatchedStore>, query: &str) -> Asked {
    let request = Request::new("GET", "/authorize", &[], b"").with_query(query);
    endpoints.ask(&AuthorizationRequest::read(&request, 1024)).await
}

pub(crate) fn demo() -> Approval {
    Approval::of(subject(USER))
}

pub(crate) fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value)
}

/// The parameters behind the redirect URI, which must be the registered one.
pub(crate) fn parameters(response: &Response) -> Vec<(String, String)> {
    assert_eq!(response.status, 303, "{:?}", response.headers);
    assert!(response.body.is_empty());
    let location = header(response, "location").unwrap();
    assert!(location.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{location}");
    for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "no-referrer")] {
        assert_eq!(header(response, name), Some(value));
    }
    let query = location.strip_prefix(REDIRECT).unwrap().strip_prefix(['?', '#']).unwrap();
    decoded(query)
}

pub(crate) fn decoded(query: &str) -> Vec<(String, String)> {
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let parameters = form(&Request::new("POST", "/", &headers, query.as_bytes()), usize::MAX).unwrap();
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(crate) fn value(response: &Response, name: &str) -> String {
    let found = parameters(response).into_iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

/// The error that the client gets, with `state` and `iss` beside it.
pub(crate) fn redirected(error: AuthorizationError) -> (ErrorCode, String) {
    let AuthorizationError::Redirect { code, response } = error else { panic!("shown to the user: {error}") };
    assert_eq!(value(&response, "error"), code.as_str());
    assert_eq!((value(&response, "state"), value(&response, "iss")), ("x y".to_owned(), ISSUER.to_owned()));
    assert!(value(&response, "code").is_empty());
    (code, value(&response, "error_description"))
}

/// Status, code and text of an error that the user gets. The plain response says no more.
pub(crate) fn shown(error: &AuthorizationError) -> (u16, ErrorCode, String) {
    let AuthorizationError::Show(fault) = error else { panic!("sent to the client: {error}") };
    let response = fault.response();
    assert_eq!(header(&response, "location"), None);
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        (response.status, String::from_utf8(response.body).unwrap()),
        (fault.status(), format!("{}\n", fault.description()))
    );
    (fault.status(), fault.code(), fault.description().into_owned())
}

#[tokio::test]
async fn an_approved_request_gets_a_code_at_its_redirect_uri() {
    let server = Server::start();
    let ask = ask(&server, &with(&[("scope", "read"), ("nonce", "n-0S6")])).await.unwrap();
    assert_eq!((ask.client().id.as_str(), ask.scope().as_str(), ask.nonce()), ("spa", "read", Some("n-0S6")));
    assert_eq!((ask.redirect_uri().as_str(), ask.state()), (REDIRECT, Some("x y")));
    assert_eq!(server.store().calls(), 0, "nothing is stored before the user decides");
    let response = ask.approve(demo()).await.unwrap();
    let names: Vec<String> = parameters(&response).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["code", "iss", "state"]);
    assert_eq!((value(&response, "iss").as_str(), value(&response, "state").as_str()), (ISSUER, "x y"));

    let redemption = server.redeem_with(SPA, "", &value(&response, "code")).await;
    assert_eq!((redemption.status(), redemption.text("scope")), (200, "read"), "{redemption:?}");
}

// RFC 6749 section 4.1.2.1: no redirection, unless client and URI are known. RFC 9700 section 4.11.2.
#[tokio::test]
async fn nobody_is_redirected_to_a_uri_that_is_not_registered() {
    let two = [RedirectUri::from_static(REDIRECT), RedirectUri::from_static("https://app.example/other")];
    let server = Config::default().with_client(APP, |client| client.with_redirect_uris(two.clone())).start();
    let evil = "https://evil.example/cb";
    let mut texts = Vec::new();
    for (own, refusal) in [
        (&[("client_id", "nobody")][..], Refusal::ClientUnknown),
        (&[("client_id", "nobody"), ("redirect_uri", evil)], Refusal::ClientUnknown),
        (&[("redirect_uri", evil)], Refusal::RedirectUriNotRegistered),
        (&[("redirect_uri", "https://app.example/cb/")], Refusal::RedirectUriNotRegistered),
        (&[("redirect_uri", "https://app.example/cb?a=b")], Refusal::RedirectUriNotRegistered),
        (&[("redirect_uri", "https://app.example.evil.example/cb")], Refusal::RedirectUriNotRegistered),
        // Of two registered ones the request must name one.
        (&[("client_id", "app"), ("redirect_uri", "")], Refusal::RedirectUriNotRegistered),
        // Whatever else is wrong with the request.
        (&[("redirect_uri", evil), ("response_type", "token"), ("scope", "admin")], Refusal::RedirectUriNotRegistered),
    ] {
        let error = ask(&server, &with(own)).await.unwrap_err();
        let (status, code, text) = shown(&error);
        assert_eq!((status, code), (400, ErrorCode::InvalidRequest), "{own:?}");
        texts.push(text);
        assert_eq!(server.config.events.operations(), [(Operation::Authorize, EventKind::Refused(refusal))]);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "an unknown client and an unknown URI are told alike: {texts:?}");
    for (own, malformed) in [
        (&[("client_id", "")][..], MalformedRequest::Missing("client_id")),
        (&[("client_id", "a\u{e9}\n")], MalformedRequest::ClientId),
        (&[("redirect_uri", "not a uri")], MalformedRequest::RedirectUri),
        (&[("redirect_uri", "https://app.example/cb#top")], MalformedRequest::RedirectUri),
        (&[("redirect_uri", "//evil.example")], MalformedRequest::RedirectUri),
        (&[("state", "a"), ("state", "b")], MalformedRequest::Repeated),
    ] {
        let error = ask(&server, &with(own)).await.unwrap_err();
        assert_eq!(shown(&error), (400, ErrorCode::InvalidRequest, malformed.to_string()));
        assert_eq!(server.config.events.operations(), [(Operation::Authorize, EventKind::Malformed(malformed))]);
    }
    assert_eq!(server.store().calls(), 0);
}

#[tokio::test]
async fn the_client_learns_of_its_mistake_before_the_user_is_asked() {
    let only_machine = |client: Client| client.with_grant_types([GrantType::ClientCredentials]);
    let server = Config::default().with_client(APP, only_machine).start();
    let long = "n".repeat(256);
    for (own, code, named) in [
        (&[("response_type", "")][..], ErrorCode::InvalidRequest, "response_type"),
        (&[("response_type", "token")], ErrorCode::UnsupportedResponseType, "response_type"),
        (&[("response_type", "code id_token")], ErrorCode::UnsupportedResponseType, "response_type"),
        (&[("response_mode", "web_message")], ErrorCode::InvalidRequest, "response_mode"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], ErrorCode::InvalidRequest, "code_challenge"),
        (&[("code_challenge", "")], ErrorCode::InvalidRequest, "code_challenge"),
        (&[("code_challenge", "short")], ErrorCode::InvalidRequest, "code_challenge"),
        (&[("code_challenge_method", "plain")], ErrorCode::InvalidRequest, "S256"),
        (&[("code_challenge_method", "")], ErrorCode::InvalidRequest, "S256"),
        (&[("scope", "read  write")], ErrorCode::InvalidScope, "scope"),
        (&[("scope", "admin")], ErrorCode::InvalidScope, "scope"),
        (&[("resource", "nonsense")], ErrorCode::InvalidTarget, "resource"),
        (&[("resource", "https://api.example/salaries")], ErrorCode::InvalidTarget, "resource"),
        (&[("authorization_details", "{}")], ErrorCode::InvalidAuthorizationDetails, "authorization_details"),
        (&[("authorization_details", r#"[{"type":"payment"}]"#)], ErrorCode::InvalidAuthorizationDetails, "details"),
        (&[("nonce", long.as_str())], ErrorCode::InvalidRequest, "nonce"),
        (&[("prompt", "none login")], ErrorCode::InvalidRequest, "prompt"),
        (&[("max_age", "soon")], ErrorCode::InvalidRequest, "max_age"),
        (&[("max_age", "+1")], ErrorCode::InvalidRequest, "max_age"),
        (&[("max_age", "99999999999")], ErrorCode::InvalidRequest, "max_age"),
        (&[("dpop_jkt", "short")], ErrorCode::InvalidRequest, "dpop_jkt"),
        (&[("request", "e30.e30.")], ErrorCode::RequestNotSupported, "request"),
        (&[("request_uri", "https://app.example/r")], ErrorCode::RequestUriNotSupported, "request_uri"),
        (&[("request", "e30.e30."), ("request_uri", "urn:x:y")], ErrorCode::InvalidRequest, "request_uri"),
        (&[("registration", "{}")], ErrorCode::RegistrationNotSupported, "registration"),
        (&[("client_id", "app")], ErrorCode::UnauthorizedClient, "client"),
    ] {
        let (told, text) = redirected(ask(&server, &with(own)).await.unwrap_err());
        assert_eq!(told, code, "{own:?}");
        assert!(text.contains(named), "{own:?}: {text}");
        let events = server.config.events.operations();
        assert!(
            matches!(events[..], [(Operation::Authorize, EventKind::Refused(_) | EventKind::Malformed(_))]),
            "{events:?}"
        );
    }
    let longest = &long[1..];
    assert_eq!(ask(&server, &with(&[("nonce", longest)])).await.unwrap().nonce(), Some(longest));
    assert_eq!(server.store().calls(), 0);
    let without_challenge = [("code_challenge", ""), ("code_challenge_method", "")];
    redirected(ask(&server, &with(&without_challenge)).await.unwrap_err());
    assert_eq!(server.config.events.kinds(), [EventKind::Refused(Refusal::CodeChallengeRequired)]);
}

/// Asks with this request.
async fn sent(server: &Server, request: &Request<'_>) -> Asked {
    server.endpoints.ask(&AuthorizationRequest::read(request, 1024)).await
}

#[tokio::test]
async fn the_request_is_read_from_the_query_or_from_the_form() {
    let server = Server::start();
    let encoded = fixtures::form(&with(&[]));
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    for method in ["GET", "HEAD"] {
        let request = Request::new(method, "/authorize", &[], b"ignored=body").with_query(encoded.as_str());
        assert!(AuthorizationRequest::read(&request, 1024).form().is_none());
        assert!(sent(&server, &request).await.is_ok());
    }
    let post = Request::new("POST", "/authorize", &headers, encoded.as_bytes());
    assert!(sent(&server, &post).await.is_ok());
    let read = AuthorizationRequest::read(&post, 1024);
    assert_eq!(read.form().and_then(|form| form.get("client_id")), Some("spa"));

    // The form of a page of the host: its fields are no parameters of the request, whatever their names.
    let fields = b"decision=allow&client_id=other&redirect_uri=https://evil.example";
    let page = Request::new("POST", "/authorize", &headers, fields).with_query(encoded.as_str());
    let read = AuthorizationRequest::read(&page, 1024).into_owned();
    assert_eq!((read.parameter("client_id"), read.parameter("decision")), (Some("spa"), None));
    assert_eq!(read.form().and_then(|form| form.get("decision")), Some("allow"));
    let ask = server.endpoints.ask(&read).await.unwrap();
    assert_eq!((ask.client().id.as_str(), ask.redirect_uri().as_str()), ("spa", REDIRECT));
    assert_eq!(decoded(&read.query_without(&["state"])), decoded(&fixtures::form(&with(&[("state", "")]))));

    let too_large = vec![b'a'; 1025];
    for (request, status, malformed) in [
        (Request::new("PUT", "/authorize", &headers, b""), 405, MalformedRequest::Method("GET, HEAD, POST")),
        (Request::new("POST", "/authorize", &[], b""), 400, MalformedRequest::ContentType),
        (Request::new("POST", "/authorize", &headers, &too_large), 413, MalformedRequest::TooLarge),
        (Request::new("POST", "/authorize", &headers, b"a=%ff"), 400, MalformedRequest::Encoding),
        (
            Request::new("POST", "/authorize", &headers, b"a=1&a=2").with_query(encoded.as_str()),
            400,
            MalformedRequest::Repeated,
        ),
        (
            Request::received("POST", "/authorize", &headers, Err(MalformedRequest::Incomplete)),
            400,
            MalformedRequest::Incomplete,
        ),
        (Request::new("GET", "/authorize", &[], b"").with_query("a=%zz"), 400, MalformedRequest::Encoding),
        (Request::new("GET", "/authorize", &[], b""), 400, MalformedRequest::Missing("client_id")),
    ] {
        server.config.events.take();
        let error = sent(&server, &request).await.unwrap_err();
        assert_eq!(shown(&error), (status, ErrorCode::InvalidRequest, malformed.to_string()));
        let allowed = header(&error.response(), "allow").map(str::to_owned);
        assert_eq!(allowed.as_deref(), (status == 405).then_some("GET, HEAD, POST"));
        assert_eq!(server.config.events.kinds(), [EventKind::Malformed(malformed)]);
    }
}

#[tokio::test]
async fn an_approval_is_of_what_was_asked_unless_it_says_less() {
    let server = Server::start();
    let own = [("scope", "read write"), ("resource", ORDERS), ("nonce", "of the request")];
    let granted = async |approval: Approval| {
        let response = ask(&server, &with(&own)).await.unwrap().approve(approval).await.unwrap();
        server.redeem_with(SPA, "", &value(&response, "code")).await
    };
    let whole = granted(demo()).await;
    assert_eq!(whole.text("scope"), "read write");
    let fewer = granted(demo().with_scope(scope("read")).with_nonce("of the host".to_owned())).await;
    assert_eq!(fewer.text("scope"), "read");
    let audience = server.introspect(fixtures::AUDITOR, fewer.text("access_token")).await;
    assert_eq!(audience.json["aud"], ORDERS);
    // The scope that the request left out is the registered one.
    let asked = ask(&server, &with(&[])).await.unwrap();
    assert_eq!((asked.scope().as_str(), asked.resources().is_empty()), (SCOPE, true));
    let refused = asked.approve(demo().with_scope(scope("admin"))).await.unwrap_err();
    assert_eq!(redirected(refused).0, ErrorCode::InvalidScope);
    let narrow = ask(&server, &with(&[])).await.unwrap().approve(demo().with_resources(resources(&[ORDERS]))).await;
    assert!(narrow.is_ok());
}

#[tokio::test]
async fn nonce_key_and_challenge_are_always_those_of_the_request() {
    let config = Config {
        jwt_issuer: Some(fixtures::StubIssuer::default()),
        proof_verifier: Some(StubVerifier::default()),
        ..Config::default()
    };
    let server = config.start();
    let Confirmation::DpopKey(key) = StubVerifier::confirmation("k") else { panic!("a DPoP key") };
    let jkt = URL_SAFE_NO_PAD.encode(key);
    let own = [("dpop_jkt", jkt.as_str()), ("nonce", "of the request"), ("scope", "openid")];
    let code = async || {
        let approval = demo().with_nonce("of the host".to_owned());
        value(&ask(&server, &with(&own)).await.unwrap().approve(approval).await.unwrap(), "code")
    };
    assert_eq!(server.redeem_with(SPA, "", &code().await).await.outcome(), (400, "invalid_grant"));
    assert_eq!(
        server.redeem_with(SPA, &StubVerifier::proof("l"), &code().await).await.outcome(),
        (400, "invalid_grant")
    );
    let without_verifier = [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT)];
    let code_of = code().await;
    let parameters = [&without_verifier[..], &[("code", code_of.as_str())]].concat();
    assert_eq!(server.token_with(SPA, &StubVerifier::proof("k"), &parameters).await.outcome(), (400, "invalid_grant"));
    let tokens = server.redeem_with(SPA, &StubVerifier::proof("k"), &code().await).await;
    assert_eq!(tokens.status(), 200, "{tokens:?}");
    assert_eq!(fixtures::claims(tokens.text("id_token"))["nonce"], "of the request");
}

#[tokio::test]
async fn authorization_details_are_granted_only_by_the_host() {
    let registered = |client: Client| client.with_authorization_details_types(["payment"]);
    let server = Config::default().with_client(SPA, registered).start();
    let details = r#"[{"amount":"1.00","type":"payment"}]"#;
    let asked = async || ask(&server, &with(&[("authorization_details", details)])).await.unwrap();
    assert_eq!(asked().await.authorization_details().map(AuthorizationDetails::as_str), Some(details));
    let own = AuthorizationDetails::new(details).unwrap();
    for (approval, granted) in [(demo(), None), (demo().with_authorization_details(own), Some(details))] {
        let response = asked().await.approve(approval).await.unwrap();
        let tokens = server.redeem_with(SPA, "", &value(&response, "code")).await;
        assert_eq!(
            tokens.json.get("authorization_details").map(ToString::to_string).as_deref().map(decode_json),
            granted.map(decode_json)
        );
    }
}

fn decode_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

// OpenID Connect Core section 3.1.2.1, RFC 9470 section 5.
#[tokio::test]
async fn prompt_max_age_and_acr_values_decide_whether_a_user_signs_in_again() {
    let server = Server::start();
    let now = server.service().now();
    let ago = |age: u64| regrant::clock::Timestamp::from_millis(now.as_millis() - i64::try_from(age).unwrap());
    for (own, signed_in_at, acr, expected) in [
        (&[][..], ago(1_000_000), None, false),
        (&[("prompt", "login")], now, None, true),
        (&[("prompt", "consent select_account")], now, None, true),
        (&[("prompt", "consent")], ago(1_000_000), None, false),
        (&[("prompt", "create")], now, None, false),
        (&[("max_age", "60")], ago(60_000), None, false),
        (&[("max_age", "60")], ago(60_001), None, true),
        (&[("max_age", "0")], now, None, false),
        (&[("max_age", "0")], ago(1), None, true),
        (&[("max_age", "60")], now + seconds(5), None, false),
        (&[("acr_values", "gold  silver")], now, None, false),
        (&[("acr_values", "gold  silver")], now, Some("silver"), false),
        (&[("acr_values", "gold  silver")], now, Some("bronze"), true),
        (&[], now, Some("bronze"), false),
    ] {
        let ask = ask(&server, &with(own)).await.unwrap();
        assert_eq!(ask.requires_sign_in(signed_in_at, acr), expected, "{own:?} {signed_in_at} {acr:?}");
    }
    let own = [("prompt", "select_account consent x"), ("max_age", "60"), ("acr_values", "gold  silver")];
    let asked = ask(&server, &with(&own)).await.unwrap();
    assert!(asked.prompt().iter().eq([&Prompt::Consent, &Prompt::SelectAccount]));
    assert_eq!(asked.max_age(), Some(Duration::from_secs(60)));
    assert!(asked.acr_values().eq(["gold", "silver"]));
    assert!(ask(&server, &with(&[("prompt", "none")])).await.unwrap().prompt().iter().eq([&Prompt::None]));
    assert!(ask(&server, &with(&[])).await.unwrap().prompt().is_empty());
}

#[tokio::test]
async fn the_pages_of_the_host_see_every_parameter_and_logs_see_none() {
    let server = Server::start();
    let own = [("login_hint", "zo\u{eb}@app.example"), ("ui_locales", "fr"), ("claims", r#"{"userinfo":{}}"#)];
    let asked = ask(&server, &with(&own)).await.unwrap();
    assert_eq!(asked.login_hint(), Some("zo\u{eb}@app.example"));
    assert_eq!((asked.parameter("ui_locales"), asked.claims()), (Some("fr"), Some(r#"{"userinfo":{}}"#)));
    let debug = format!("{asked:?}");
    assert!(debug.contains("spa") && !debug.contains("app.example") && !debug.contains("x y"), "{debug}");
    let query = fixtures::form(&with(&own));
    let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
    let debug = format!("{:?}", AuthorizationRequest::read(&request, 0));
    assert!(!debug.contains("spa") && !debug.contains("x y"), "{debug}");
}

/// A directory that can be out of reach.
struct Directory {
    clients: ClientRegistry,
    is_down: Arc<Mutex<bool>>,
}

#[async_trait]
impl ClientAuthenticator for Directory {
    async fn authenticate(&self, credentials: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        self.clients.authenticate(credentials).await
    }

    async fn find_client(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        if *self.is_down.lock().unwrap() {
            return Err(Unavailable::new("no route to the directory"));
        }
        Ok(self.clients.client(client_id))
    }
}

#[tokio::test]
async fn an_outage_is_told_to_the_user_and_redirects_nowhere() {
    let config = Config::default();
    let is_down = Arc::new(Mutex::new(false));
    let directory = Directory { clients: config.registry(), is_down: Arc::clone(&is_down) };
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(config.store.clone(), directory, keys)
        .clock(config.clock.clone())
        .events(config.events.clone())
        .build()
        .unwrap();
    let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap();
    let server = Server { endpoints, config };

    *is_down.lock().unwrap() = true;
    let error = ask(&server, &with(&[])).await.unwrap_err();
    assert_eq!((shown(&error).0, shown(&error).1), (503, ErrorCode::TemporarilyUnavailable));
    assert_eq!(header(&error.response(), "retry-after"), Some("1"));
    let events = server.config.events.take();
    assert_eq!((events.len(), events[0].operation, events[0].kind), (1, Operation::Authorize, EventKind::Unavailable));
    assert_eq!(events[0].failure.as_ref().map(|failure| failure.port), Some(Port::Authenticator));
    *is_down.lock().unwrap() = false;

    server.store().set_down(true);
    let error = ask(&server, &with(&[])).await.unwrap().approve(demo()).await.unwrap_err();
    assert_eq!((shown(&error).0, shown(&error).1), (503, ErrorCode::TemporarilyUnavailable));
    let ports = server.config.events.take().into_iter().map(|event| event.failure.map(|failure| failure.port));
    assert!(ports.eq([Some(Port::Store)]));
    server.store().calm();
    assert!(ask(&server, &with(&[])).await.unwrap().approve(demo()).await.is_ok(), "the form can be sent again");

    // A failure that a retry does not mend is for the client (RFC 6749 section 4.1.2.1).
    server.store().reject();
    let error = ask(&server, &with(&[])).await.unwrap().approve(demo()).await.unwrap_err();
    assert_eq!(redirected(error).0, ErrorCode::ServerError);
}

#[tokio::test]
async fn a_policy_that_requires_pkce_is_told_before_the_user_is_asked() {
    let strict = Policy::default().with_require_pkce(RequirePkce::Everybody);
    let server = Config::default().policy(strict).start();
    let own = [("client_id", "app"), ("code_challenge", ""), ("code_challenge_method", "")];
    let (code, text) = redirected(ask(&server, &with(&own)).await.unwrap_err());
    assert!(code == ErrorCode::InvalidRequest && text.contains("code_challenge"), "{text}");
    assert!(ask(&Server::start(), &with(&own)).await.is_ok());
}

#[tokio::test]
async fn an_audience_counts_for_a_client_that_calls_its_resources_so() {
    let server = Config::default().with_client(SPA, |client| client.with_accepts_audience(true)).start();
    let asked = ask(&server, &with(&[("audience", ORDERS)])).await.unwrap();
    assert_eq!(*asked.resources(), resources(&[ORDERS]));
    let ignored = ask(&Server::start(), &with(&[("audience", ORDERS)])).await.unwrap();
    assert!(ignored.resources().is_empty());
}
