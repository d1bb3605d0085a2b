//! An adapter in process, and the ways to break it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use regrant::host::Peer;
use regrant::wire::Endpoints;
use regrant_conformance::http::{
    Connection, Direct, Exchange, Framing, HttpHarness, HttpRequest, HttpResponse, WatchedStore,
};

/// The flaw of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    FirstHeaderLine,
    LastHeaderLine,
    JoinedHeaderLines,
    TextHeaders,
    KnownHeaders,
    LossyBody,
    MarklessBody,
    ReparsedBody,
    DecodedBody,
    HalfBody,
    HalfBodyUnanswered,
    UnchunkedBody,
    InflatedBody,
    LimitBelow,
    LimitAbove,
    QueryAsForm,
    NoQuery,
    FoldedMethod,
    MethodOfHeader,
    MethodOfForm,
    OwnOptions,
    PostAlone,
    NoHead,
    HeadWithContent,
    HeadOfNoLength,
    OwnPath,
    PathWithQuery,
    IssuerTwice,
    NoIssuerPath,
    NoCertificate,
    NoSender,
    OwnSender,
    AddedCharset,
    NoChallenge,
    OneAnswerLine,
    NoAllow,
    NoRetryAfter,
    NoNonce,
    Storable,
    Unstorable,
    CachedAnswers,
    RememberedClient,
    OwnErrorPages,
    ErrorsAs200,
    FailuresAs400,
    ByAccept,
    Compressed,
    NoEmptyObject,
    NoAnswer,
    /// No flaw: no answer to a body that breaks off.
    NoAnswerToHalf,
}

pub(crate) struct Broken(pub(crate) Flaw);

#[async_trait]
impl HttpHarness for Broken {
    async fn serve(&self, endpoints: Arc<Endpoints<WatchedStore>>, mut connection: Connection) -> Box<dyn Exchange> {
        match self.0 {
            Flaw::NoCertificate => connection.certificate = None,
            Flaw::NoSender => connection.peer = None,
            Flaw::OwnSender => connection.peer = Some(Peer::address([127, 0, 0, 1].into())),
            _ => {}
        }
        let correct = Direct.serve(endpoints, connection).await;
        Box::new(BrokenServer { flaw: self.0, correct, cache: Mutex::default(), client: Mutex::default() })
    }
}

struct BrokenServer {
    flaw: Flaw,
    correct: Box<dyn Exchange>,
    cache: Mutex<HashMap<Vec<u8>, HttpResponse>>,
    client: Mutex<Option<Vec<u8>>>,
}

#[async_trait]
impl Exchange for BrokenServer {
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        let mut responses = Vec::new();
        for request in requests {
            let answer = self.answer(request).await;
            let is_half = request.received().is_none();
            match self.flaw {
                Flaw::NoAnswer => break,
                Flaw::NoAnswerToHalf | Flaw::HalfBodyUnanswered if is_half => break,
                _ => responses.push(answer),
            }
        }
        responses
    }
}

impl BrokenServer {
    async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if let Some(own) = self.own_answer(request) {
            return own;
        }
        let mut broken = request.clone();
        self.break_request(&mut broken);
        let mut response = self.correct.exchange(&[broken]).await.remove(0);
        self.break_response(request, &mut response);
        self.cache.lock().unwrap().insert(request.body.clone(), response.clone());
        response
    }

    /// Returns an answer that regrant does not see.
    fn own_answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let plain = |status| Some(HttpResponse { status, headers: Vec::new(), content_length: None, body: Vec::new() });
        match self.flaw {
            Flaw::OwnOptions if request.method == "OPTIONS" => plain(204),
            Flaw::PostAlone if request.method == "GET" => plain(404),
            Flaw::NoHead if request.method == "HEAD" => plain(405),
            Flaw::LimitBelow if request.body.len() > 16 * 1024 => plain(413),
            Flaw::LimitAbove if request.body.len() > 2 * 1024 * 1024 => plain(413),
            Flaw::CachedAnswers => self.cache.lock().unwrap().get(&request.body).cloned(),
            Flaw::ByAccept => {
                let accepts = request.headers.iter().find(|(name, _)| name == "accept");
                accepts.filter(|(_, value)| value.starts_with(b"text/")).and_then(|_| plain(406))
            }
            _ => None,
        }
    }

    fn break_request(&self, request: &mut HttpRequest) {
        match self.flaw {
            Flaw::FirstHeaderLine => one_line_of_each(request, true),
            Flaw::LastHeaderLine => one_line_of_each(request, false),
            Flaw::JoinedHeaderLines => joined_lines(request),
            Flaw::TextHeaders => request.headers.retain(|(_, value)| value.is_ascii()),
            Flaw::KnownHeaders => {
                let known = ["authorization", "content-type", "origin"];
                request.headers.retain(|(name, _)| known.contains(&name.to_lowercase().as_str()));
            }
            Flaw::LossyBody => request.body = String::from_utf8_lossy(&request.body).into_owned().into_bytes(),
            Flaw::MarklessBody => {
                request.body = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body).to_vec();
            }
            Flaw::ReparsedBody => request.body = reparsed(&request.body),
            Flaw::DecodedBody => {
                request.body = String::from_utf8_lossy(&request.body).replace("%2B", "+").into_bytes();
            }
            Flaw::HalfBody | Flaw::HalfBodyUnanswered if request.received().is_none() => {
                request.framing = Framing::Whole;
            }
            Flaw::UnchunkedBody if matches!(request.framing, Framing::Chunked(_)) => request.body.clear(),
            Flaw::InflatedBody => inflate(request),
            Flaw::QueryAsForm => {
                if let Some((_, query)) = request.target.split_once('?') {
                    request.body.extend([b"&", query.as_bytes()].concat());
                    "POST".clone_into(&mut request.method);
                }
            }
            Flaw::NoQuery => request.target = request.path().to_owned(),
            Flaw::FoldedMethod => request.method.make_ascii_uppercase(),
            Flaw::MethodOfHeader => {
                let named = request.headers.iter().find(|(name, _)| name == "x-http-method-override");
                if let Some((_, method)) = named.cloned() {
                    request.method = String::from_utf8(method).unwrap();
                }
            }
            Flaw::MethodOfForm => {
                let first = String::from_utf8_lossy(&request.body).split('&').next().unwrap_or_default().to_owned();
                if let Some(method) = first.strip_prefix("_method=") {
                    request.method = method.to_uppercase();
                }
            }
            Flaw::IssuerTwice if request.target.starts_with("/tenant/") => {
                request.target = format!("/tenant{}", request.target);
            }
            Flaw::NoIssuerPath => {
                request.target = request.target.strip_prefix("/tenant").unwrap_or(&request.target).to_owned();
            }
            Flaw::OwnPath => request.target = HttpRequest::new("POST", request.endpoint).target,
            Flaw::PathWithQuery => request.target = request.target.replace('?', "%3F"),
            Flaw::RememberedClient => {
                let shown = request.headers.iter().find(|(name, _)| name == "authorization");
                let mut client = self.client.lock().unwrap();
                match (shown, &*client) {
                    (Some((_, value)), _) => *client = Some(value.clone()),
                    (None, Some(value)) => request.headers.push(("authorization".to_owned(), value.clone())),
                    (None, None) => {}
                }
            }
            _ => {}
        }
    }

    fn break_response(&self, request: &HttpRequest, response: &mut HttpResponse) {
        let is_document = request.method == "GET" && response.status == 200;
        match self.flaw {
            Flaw::AddedCharset => replace(response, "content-type", "application/json; charset=utf-8"),
            Flaw::NoChallenge => remove(response, "www-authenticate"),
            Flaw::OneAnswerLine => {
                let mut seen = HashSet::new();
                response.headers.retain(|(name, _)| seen.insert(name.clone()));
            }
            Flaw::NoAllow => remove(response, "allow"),
            Flaw::NoRetryAfter => remove(response, "retry-after"),
            Flaw::NoNonce => remove(response, "dpop-nonce"),
            Flaw::Storable => replace(response, "cache-control", "private"),
            Flaw::Unstorable if is_document => replace(response, "cache-control", "no-store"),
            Flaw::OwnErrorPages if response.status >= 400 => {
                replace(response, "content-type", "text/plain");
                response.body = b"Bad Request".to_vec();
            }
            Flaw::ErrorsAs200 if response.status == 400 => response.status = 200,
            Flaw::FailuresAs400 if response.status == 503 => response.status = 400,
            Flaw::HeadWithContent if request.method == "HEAD" => response.body = b"{}".to_vec(),
            Flaw::HeadOfNoLength if request.method == "HEAD" => response.content_length = Some(0),
            Flaw::Compressed if request.headers.iter().any(|(name, _)| name == "accept-encoding") => {
                response.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
            }
            Flaw::NoEmptyObject if response.body == b"{}" => response.body.clear(),
            _ => {}
        }
    }
}

/// As a framework does that undoes the coding of a body. The gzip files of the kit hold their text as it is, behind 15
/// bytes and before 8.
fn inflate(request: &mut HttpRequest) {
    if request.headers.iter().any(|(name, value)| name == "content-encoding" && value == b"gzip") {
        request.body = request.body[15..request.body.len() - 8].to_vec();
    }
}

fn one_line_of_each(request: &mut HttpRequest, first: bool) {
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in &request.headers {
        match lines.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(_) if first => {}
            Some((_, last)) => last.clone_from(value),
            None => lines.push((name.clone(), value.clone())),
        }
    }
    request.headers = lines;
}

fn joined_lines(request: &mut HttpRequest) {
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in &request.headers {
        match lines.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, joined)) => joined.extend([b", ", value.as_slice()].concat()),
            None => lines.push((name.clone(), value.clone())),
        }
    }
    request.headers = lines;
}

/// As a lenient form parser leaves it: the last of two equal parameters, without what cannot be decoded.
fn reparsed(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut pairs: Vec<&str> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.contains("=%") || pair.len() > 6) {
        let name = pair.split('=').next().unwrap_or_default();
        pairs.retain(|known| known.split('=').next() != Some(name));
        pairs.push(pair);
    }
    pairs.join("&").into_bytes()
}

fn remove(response: &mut HttpResponse, name: &str) {
    response.headers.retain(|(own, _)| own != name);
}

fn replace(response: &mut HttpResponse, name: &str, value: &str) {
    if let Some((_, own)) = response.headers.iter_mut().find(|(own, _)| own == name) {
        value.clone_into(own);
    }
}
