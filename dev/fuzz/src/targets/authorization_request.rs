//! Authorization requests. The first byte chooses the way: through the browser, or pushed by a public or a confidential
//! client, and the answer of the user. The rest is the query or the form.

use std::borrow::Cow;
use std::sync::Arc;

use fixtures::{
    APP, Auth, Config, ISSUER, OTHER, REDIRECT, Reply, SPA, START, Seeded, Server, StubRequestObjects, USER,
    WatchedStore, basic, form, ready, subject,
};
use regrant::event::ErrorCode;
use regrant::wire::{Ask, AuthorizationError, AuthorizationRequest, Endpoint, Endpoints, Paths, Request, Response};
use regrant::{Approval, RedirectUri};

use super::CANARY;
use crate::product;

type Asked = Result<Ask<WatchedStore>, AuthorizationError>;

/// The parameters of an answer.
type Told = Vec<(String, String)>;

const FORM: (&str, &[u8]) = ("Content-Type", b"application/x-www-form-urlencoded");

/// The URIs of every client.
const REGISTERED: [&str; 4] = [REDIRECT, "https://app.example/other", "com.example.app:/cb", "http://127.0.0.1/cb"];

pub(crate) fn run(input: &[u8]) {
    let Some((mode, text)) = input.split_first() else { return };
    let server = server();
    match mode % 4 {
        2 => pushed(&server, SPA, text),
        3 => pushed(&server, APP, text),
        _ => in_a_browser(&server, text, mode >> 2),
    }
}

fn server() -> Server {
    let config = [SPA, APP, OTHER].into_iter().fold(Config::default(), |config, auth| {
        config.with_client(auth, |client| {
            client
                .with_redirect_uris(REGISTERED.map(RedirectUri::from_static))
                .with_authorization_details_types(["account", "payment"])
        })
    });
    let endpoints = |endpoints: Endpoints<WatchedStore>| {
        let paths = Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() };
        endpoints.with_paths(paths).with_request_objects(StubRequestObjects)
    };
    Config { endpoints, entropy: Arc::new(Seeded::new(7)), ..config }.start()
}

/// The parameters are in the query or in a form: the judgement is the same.
fn in_a_browser(server: &Server, text: &[u8], choice: u8) {
    let headers = [FORM];
    let mut asked = ask(server, text.len(), &Request::new("POST", "/authorize", &headers, text));
    if let Ok(query) = std::str::from_utf8(text) {
        let get = Request::new("GET", "/authorize", &[], b"").with_query(query);
        let page = Request::new("POST", "/authorize", &headers, b"decision=allow&client_id=other").with_query(query);
        let by_query = ask(server, text.len(), &get);
        assert_eq!(verdict(&asked), verdict(&by_query));
        if !query.is_empty() {
            assert_eq!(verdict(&by_query), verdict(&ask(server, text.len(), &page)));
        }
        asked = by_query;
    }
    assert_eq!(server.store().calls(), 0, "nothing is read or written before the user decides");
    let told = match asked {
        Ok(ask) => decide(server, ask, choice),
        Err(error) => check(&error.response()),
    };
    // A page that stays here has no parameters.
    let is_known = parameter(text, "request").is_none() && !told.is_empty();
    assert!(!is_known || value(&told, "state") == parameter(text, "state").as_deref(), "{told:?}");
}

/// Asks, and requires that exactly the errors have an event.
fn ask(server: &Server, length: usize, request: &Request<'_>) -> Asked {
    server.config.events.take();
    let endpoints = &server.endpoints;
    let asked = product(length, || ready(endpoints.ask(&AuthorizationRequest::read(request, endpoints.body_limit()))));
    assert_eq!(server.config.events.take().len(), usize::from(asked.is_err()), "{asked:?}");
    asked
}

fn verdict(asked: &Asked) -> Result<(), ErrorCode> {
    asked.as_ref().map(|_| ()).map_err(AuthorizationError::code)
}

/// One of the answers of a host. Only an approval writes.
fn decide(server: &Server, ask: Ask<WatchedStore>, choice: u8) -> Told {
    assert!(ask.client().redirect_uris.iter().any(|uri| uri.admits(ask.redirect_uri())), "{ask:?}");
    assert!(ask.scope().is_subset_of(&ask.client().scope) && ask.resources().is_subset_of(&ask.client().resources));
    assert!(ask.nonce().is_none_or(|nonce| nonce.len() <= 255), "{ask:?}");
    let _ = (ask.prompt(), ask.max_age(), ask.login_hint(), ask.claims(), ask.acr_values().count());
    let _ = ask.requires_sign_in(START, Some("gold"));
    let writes = server.store().writes();
    let response = match choice % 6 {
        0 => ask.deny(),
        1 => ask.login_required(),
        2 => ask.consent_required(),
        3 => ask.account_selection_required(),
        4 => ask.interaction_required(),
        _ => return approve(server, ask),
    };
    assert_eq!(server.store().writes(), writes, "a denial wrote");
    check(&response)
}

/// A request that the user was asked about can be approved.
fn approve(server: &Server, ask: Ask<WatchedStore>) -> Told {
    let (writes, state) = (server.store().writes(), ask.state().map(str::to_owned));
    let details = ask.authorization_details().cloned();
    let approval = Approval::of(subject(USER)).with_authentication(START, None, vec![]);
    let response = ready(ask.approve(approval.with_authorization_details(details))).expect("a request without a fault");
    assert!(server.store().writes() > writes);
    let told = check(&response);
    assert!(value(&told, "code").is_some() && value(&told, "state") == state.as_deref(), "{told:?}");
    told
}

/// RFC 9126: what is accepted is accepted when it arrives, for its client, and used once.
fn pushed(server: &Server, auth: Auth<'_>, text: &[u8]) {
    let (id, authorization) = (auth.id(), auth.secret().map(|secret| basic(auth.id(), secret)));
    let mut headers = vec![FORM];
    headers.extend(authorization.as_ref().map(|header| ("Authorization", header.as_bytes())));
    let own = form(&[("client_id", id)]);
    let body = if auth.secret().is_some() { text.to_vec() } else { [text, b"&", own.as_bytes()].concat() };
    let request = Request::new("POST", "/oauth2/par", &headers, &body);
    let endpoint = Endpoint::PushedAuthorizationRequest;
    let response = product(body.len(), || ready(server.endpoints.handle(endpoint, &request)));
    let reply = Reply::checked(endpoint, &request, response);
    assert!([201, 400, 401, 413].contains(&reply.status()), "{reply:?}");
    assert!(!reply.json.to_string().contains(CANARY), "{reply:?}");
    assert_eq!(server.config.events.take().len(), 1, "{reply:?}");
    assert_eq!(server.store().calls(), usize::from(reply.status() == 201), "{reply:?}");
    if reply.status() != 201 {
        return;
    }
    // Nothing beside the reference counts.
    let noise = [("state", "beside"), ("scope", "admin"), ("redirect_uri", "https://evil.example/cb"), ("prompt", "x")];
    let arrive = |client_id| {
        let reference = [("client_id", client_id), ("request_uri", reply.text("request_uri"))];
        let query = form(&[&reference[..], &noise].concat());
        let request = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
        ask(server, query.len(), &request)
    };
    let of_other = arrive(OTHER.id());
    assert_eq!((verdict(&of_other), server.store().writes()), (Err(ErrorCode::InvalidRequestUri), 1));
    assert!(check(&of_other.expect_err("another client").response()).is_empty(), "sent to a URI of the request");
    arrive(id).expect("a request that was accepted");
    let ask = arrive(id).expect("a page may be loaded again");
    assert_eq!(server.store().writes(), 2, "the arrival is recorded once");
    let told = approve(server, ask);
    let is_known = parameter(text, "request").is_none();
    assert!(!is_known || value(&told, "state") == parameter(text, "state").as_deref(), "{told:?}");
    let writes = server.store().writes();
    let again = arrive(id);
    assert_eq!((verdict(&again), server.store().writes()), (Err(ErrorCode::InvalidRequestUri), writes), "used twice");
}

/// The rules of every response: it leads to a registered URI, has the parameters of the protocol alone, and repeats
/// nothing of the request but `state`. Returns the parameters; none for a page that stays here.
fn check(response: &Response) -> Told {
    for (name, value) in &response.headers {
        assert!(value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{name}: {value:?}");
    }
    let Some(parameters) = parameters(response) else {
        assert!([400, 405, 413].contains(&response.status), "{response:?}");
        assert!(!String::from_utf8_lossy(&response.body).contains(CANARY), "{response:?}");
        return Vec::new();
    };
    let has = |name: &str| value(&parameters, name).is_some();
    assert!(has("code") != has("error") && value(&parameters, "iss") == Some(ISSUER), "{parameters:?}");
    let known = ["code", "error", "error_description", "iss", "state"];
    for (index, (name, value)) in parameters.iter().enumerate() {
        assert!(known.contains(&name.as_str()) && !parameters[..index].iter().any(|(other, _)| other == name));
        assert!(name == "state" || !value.contains(CANARY), "{parameters:?}");
    }
    parameters
}

fn value<'t>(told: &'t [(String, String)], name: &str) -> Option<&'t str> {
    told.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// The parameters of a redirection, or of a page that posts a form. Returns `None` for a page that stays here.
fn parameters(response: &Response) -> Option<Told> {
    let header = |name: &str| response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value);
    if let Some(location) = header("location") {
        assert!(response.status == 303 && response.body.is_empty(), "{response:?}");
        let (uri, query) = location.split_once(['?', '#']).expect("parameters");
        assert!(is_registered(uri), "{location}");
        return Some(form_urlencoded::parse(query.as_bytes()).into_owned().collect());
    }
    if response.status != 200 {
        return None;
    }
    let page = std::str::from_utf8(&response.body).expect("UTF-8");
    let (_, action) = page.split_once("action=\"").expect("a form");
    let uri = unescaped(action.split('"').next().expect("a text"));
    assert!(is_registered(&uri), "{page}");
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    let inputs: Told = inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").expect("a value");
            (name.to_owned(), unescaped(rest.split('"').next().expect("a text")))
        })
        .collect();
    // The page has 18 tags besides the inputs: no text opens another one.
    assert_eq!(page.matches('<').count(), 18 + inputs.len(), "{page}");
    assert!(header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
    Some(inputs)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn is_registered(uri: &str) -> bool {
    RedirectUri::new(uri).is_ok_and(|uri| REGISTERED.iter().any(|own| RedirectUri::from_static(own).admits(&uri)))
}

/// A parameter, read by a lenient parser.
fn parameter(text: &[u8], name: &str) -> Option<String> {
    let mut all = form_urlencoded::parse(text).filter(|(own, value)| own == name && !value.is_empty());
    all.next().map(|(_, value)| Cow::into_owned(value))
}
