//! The user, who signs in and allows the request of a link, and the HTTP connection of clients in Rust.

use oauth2::http::request::Builder;
use oauth2::http::{Request, Response};
use oauth2::url::Url;
use oauth2::{CsrfToken, HttpRequest, HttpResponse};
use serde_json::Value;
use ureq::Agent;

pub(crate) const WEB_CALLBACK: &str = "https://client.example/callback";
pub(crate) const NATIVE_CALLBACK: &str = "http://127.0.0.1/callback";

/// The HTTP client of `oauth2` and `openidconnect`. It never uses TLS, even if the library insists on https.
pub(crate) fn insecure(mut request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    *request.uri_mut() = request.uri().to_string().replace("https:", "http:").parse().unwrap();
    send(request)
}

/// The address in the form for libraries that insist on https.
pub(crate) fn secure(address: &str) -> String {
    address.replace("http:", "https:")
}

/// Sends a request. Any status is an answer.
pub(crate) fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    let (parts, mut body) = Agent::from(agent).run(request)?.into_parts();
    Ok(Response::from_parts(parts, body.read_to_vec()?))
}

/// Follows a link to the authorization endpoint and allows the request. Returns the redirection.
pub(crate) fn allow(link: &Url) -> Url {
    let parameters: Vec<_> = link.query_pairs().collect();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    let response = decide(link, &parameters);
    let body = String::from_utf8_lossy(response.body());
    assert_eq!(response.status(), 303, "{body}");
    response.headers()["location"].to_str().unwrap().parse().unwrap()
}

/// The code of a redirection, whose state must match.
pub(crate) fn code(redirection: &Url, state: &CsrfToken) -> String {
    let parameter = |name| redirection.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    assert_eq!(&parameter("state"), state.secret());
    parameter("code")
}

/// Enters the code of the device, and allows the request.
pub(crate) fn allow_device(verification_uri: &Url, user_code: &str) {
    let response = decide(verification_uri, &[("user_code", user_code)]);
    assert!(!response.status().is_client_error(), "{}", String::from_utf8_lossy(response.body()));
}

fn decide(endpoint: &Url, parameters: &[(&str, &str)]) -> HttpResponse {
    let sign_in = Request::post(endpoint.join("/json/authenticate").unwrap().as_str())
        .header("X-OpenAM-Username", "demo")
        .header("X-OpenAM-Password", "changeit");
    let session: Value = serde_json::from_slice(send(sign_in.body(Vec::new()).unwrap()).unwrap().body()).unwrap();
    let session = session["tokenId"].as_str().unwrap();

    let mut endpoint = endpoint.clone();
    endpoint.set_query(None);
    let decision = Request::post(endpoint.as_str()).header("cookie", format!("iPlanetDirectoryPro={session}"));
    send(form(decision, &[parameters, &[("csrf", session), ("decision", "allow")]].concat())).unwrap()
}

/// A request with a form as its body.
pub(crate) fn form(request: Builder, parameters: &[(&str, &str)]) -> HttpRequest {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body.into_bytes()).unwrap()
}
