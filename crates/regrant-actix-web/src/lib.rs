#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::future_not_send, reason = "actix-web answers a request on the thread that took it")]

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::{BodyStream, BoxBody, MessageBody as _, SizedStream};
use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Resource, Responder, ResponseError, Route};
use regrant::TokenError;
use regrant::host::{Parameters, Peer};
use regrant::proof::ClientCertificate;
use regrant::store::TokenStore;
use regrant::wire::{self, AuthorizationError, Endpoint, Endpoints, Handler, MalformedRequest};

/// Returns the configuration of all endpoints, each at its path of [`Endpoints::paths`], for `App::configure` or
/// `Scope::configure`.
///
/// A `{` in a path starts a pattern, as usual in actix-web.
pub fn configure<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        for (kind, path) in endpoints.paths().iter() {
            config.service(endpoint(Arc::clone(&endpoints), kind, path));
        }
    }
}

/// Returns one endpoint at a path of your choice. It accepts all methods: regrant answers the unsupported ones itself.
#[must_use]
pub fn endpoint<S: TokenStore + 'static>(endpoints: Arc<Endpoints<S>>, endpoint: Endpoint, path: &str) -> Resource {
    web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
        let endpoints = Arc::clone(&endpoints);
        async move {
            let limit = endpoints.body_limit();
            serve(request, payload.into_inner(), limit, async |request| endpoints.handle(endpoint, request).await).await
        }
    })
}

/// Returns an endpoint of the host, or several as `default_service`. It accepts all methods.
pub fn handler(handler: impl Handler + 'static) -> Route {
    let handler = Arc::new(handler);
    web::to(move |request: HttpRequest, payload: web::Payload| {
        let handler = Arc::clone(&handler);
        async move {
            let limit = handler.body_limit();
            serve(request, payload.into_inner(), limit, async |request| handler.respond(request).await).await
        }
    })
}

/// The parameters of a form, for endpoints of the host. An authorization endpoint needs the same strictness as the
/// token endpoint, and actix-web's own `Form` uses the last of two equal parameters. The limit is 64 KiB; only
/// `resource` and `audience` may repeat.
#[derive(Clone, Debug)]
pub struct Form(
    /// The parameters.
    pub Parameters<'static>,
);

impl FromRequest for Form {
    type Error = InternalError<MalformedRequest>;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let received = Received::read(request, payload, FORM_LIMIT).await;
            let headers = received.headers();
            let form = wire::form(&received.as_request(&headers), FORM_LIMIT);
            form.map(|form| Self(form.into_owned()))
                .map_err(|malformed| InternalError::from_response(malformed, send(malformed.response())))
        })
    }
}

/// The request to the authorization endpoint of the host, with the parameters of the query or of the form. Pass it to
/// [`Endpoints::ask`], which reports a malformed one: the extractor never fails. The limit of a form is 64 KiB.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest(
    /// The request.
    pub wire::AuthorizationRequest<'static>,
);

impl FromRequest for AuthorizationRequest {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Infallible>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let received = Received::read(request, payload, FORM_LIMIT).await;
            let headers = received.headers();
            let request = wire::AuthorizationRequest::read(&received.as_request(&headers), FORM_LIMIT);
            Ok(Self(request.into_owned()))
        })
    }
}

const FORM_LIMIT: usize = 64 * 1024;

/// A response of regrant, such as that of `Ask::approve`, from a handler of the host. An [`AuthorizationError`] and a
/// [`TokenError`] become one, so `?` is enough in a handler without pages for errors.
#[derive(Clone, Debug)]
pub struct Answer(
    /// The response.
    pub wire::Response,
);

impl From<wire::Response> for Answer {
    fn from(response: wire::Response) -> Self {
        Self(response)
    }
}

impl From<TokenError> for Answer {
    fn from(error: TokenError) -> Self {
        Self(error.into())
    }
}

impl From<AuthorizationError> for Answer {
    fn from(error: AuthorizationError) -> Self {
        Self(error.response())
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        send(self.0)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer has the status {}", self.0.status)
    }
}

impl ResponseError for Answer {
    fn error_response(&self) -> HttpResponse {
        send(self.0.clone())
    }
}

async fn serve(
    request: HttpRequest,
    payload: Payload,
    limit: usize,
    answer: impl AsyncFnOnce(&wire::Request<'_>) -> wire::Response,
) -> HttpResponse {
    let received = Received::read(request, payload, limit).await;
    let answer = answer(&received.as_request(&received.headers())).await;
    send(answer.for_method(received.head.method().as_str()))
}

/// A received request. The body may be incomplete.
struct Received {
    head: HttpRequest,
    body: Result<Bytes, MalformedRequest>,
    certificate: Option<ClientCertificate>,
    peer: Option<Peer>,
}

impl Received {
    async fn read(head: HttpRequest, payload: Payload, limit: usize) -> Self {
        let (certificate, peer) = (known(&head), known(&head));
        Self { head, body: read(payload, limit).await, certificate, peer }
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        self.head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    fn as_request<'a>(&'a self, headers: &'a [(&'a str, &'a [u8])]) -> wire::Request<'a> {
        let body = self.body.as_deref().map_err(|fault| *fault);
        wire::Request::received(self.head.method().as_str(), self.head.path(), headers, body)
            .with_query(self.head.uri().query())
            .with_client_certificate(self.certificate.as_ref())
            .with_peer(self.peer.as_ref())
    }
}

/// Returns a fact about the request or its connection, as the host has put it there.
fn known<T: Clone + 'static>(head: &HttpRequest) -> Option<T> {
    head.extensions().get().or_else(|| head.conn_data()).cloned()
}

/// Reads the body up to `limit`, with or without a content-length. The usual body has one frame and is not copied.
async fn read(payload: Payload, limit: usize) -> Result<Bytes, MalformedRequest> {
    let mut stream = BodyStream::new(payload);
    let Some(first) = next(&mut stream, limit).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut stream, limit - first.len()).await? else { return Ok(first) };
    let mut body = [first, second].concat();
    while let Some(data) = next(&mut stream, limit - body.len()).await? {
        body.extend_from_slice(&data);
    }
    Ok(body.into())
}

/// Reads the next frame, up to `limit`.
async fn next(stream: &mut BodyStream<Payload>, limit: usize) -> Result<Option<Bytes>, MalformedRequest> {
    match poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await.transpose() {
        Ok(Some(data)) if data.len() > limit => Err(MalformedRequest::TooLarge),
        Ok(data) => Ok(data),
        Err(_) => Err(MalformedRequest::Incomplete),
    }
}

#[expect(clippy::expect_used, reason = "regrant answers with statuses and headers that HTTP has")]
fn send(answer: wire::Response) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).expect("HTTP has this status"));
    let mut length = None;
    for (name, value) in answer.headers {
        if name == "content-length" {
            length = value.parse().ok();
            continue;
        }
        let value = match value {
            Cow::Borrowed(value) => Bytes::from_static(value.as_bytes()),
            Cow::Owned(value) => value.into(),
        };
        response.append_header((name, HeaderValue::from_maybe_shared(value).expect("HTTP has this value")));
    }
    // The response to HEAD: actix-web takes the length from a body, and sends nothing of it.
    let nothing: Payload = Payload::None;
    match length {
        Some(length) => response.body(SizedStream::new(length, nothing)),
        None => response.body(answer.body),
    }
}
