//! One request: from the types of `http` to those of `regrant::wire`, and back.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http::{Extensions, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body;
use regrant::host::Parameters;
use regrant::wire::{self, AuthorizationRequest, MalformedRequest};

/// The limit of a form of the host, in bytes.
const FORM_LIMIT: usize = 64 * 1024;

/// Reads a form, for endpoints of the host, as strictly as the token endpoint does. The limit is 64 KiB; only
/// `resource` and `audience` may repeat.
///
/// # Errors
/// As for [`wire::form`]. The answer is [`MalformedRequest::response`], as a [`response`] of `http`.
pub async fn form<B: Body>(request: Request<B>) -> Result<Parameters<'static>, MalformedRequest> {
    let (parts, body) = request.into_parts();
    let body = read(body, FORM_LIMIT).await;
    wire::form(&as_request(&parts, &headers(&parts), &body), FORM_LIMIT).map(Parameters::into_owned)
}

/// Reads the request to the authorization endpoint of the host, with the parameters of the query or of the form. Pass
/// it to [`Endpoints::ask`](wire::Endpoints::ask), which reports a malformed one. The limit of a form is 64 KiB.
pub async fn authorization_request<B: Body>(request: Request<B>) -> AuthorizationRequest<'static> {
    let (parts, body) = request.into_parts();
    let body = read(body, FORM_LIMIT).await;
    AuthorizationRequest::read(&as_request(&parts, &headers(&parts), &body), FORM_LIMIT).into_owned()
}

/// Returns a response of regrant as one of `http`, with any body that bytes turn into. Nothing is copied.
///
/// # Panics
/// When a handler of the host has made a status or a header that HTTP does not have. The library makes none.
#[must_use]
#[expect(clippy::expect_used, reason = "regrant answers with statuses and headers that HTTP has")]
pub fn response<R: From<Vec<u8>>>(answer: wire::Response) -> Response<R> {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("HTTP has this status");
    for (name, value) in answer.headers {
        let value = match value {
            Cow::Borrowed(value) => Bytes::from_static(value.as_bytes()),
            Cow::Owned(value) => value.into(),
        };
        let value = HeaderValue::from_maybe_shared(value).expect("HTTP has this value");
        response.headers_mut().append(HeaderName::try_from(name).expect("HTTP has this name"), value);
    }
    response
}

/// Reads a request with a body of at most `limit` bytes, and sends the answer. Never fails: the error is that of a
/// service. The request is moved once and borrowed from then on, since each move of it is a copy of 250 bytes.
pub(crate) async fn exchange<B: Body, R: From<Vec<u8>>, E>(
    request: Request<B>,
    limit: usize,
    answer: impl AsyncFnOnce(&wire::Request<'_>) -> wire::Response,
) -> Result<Response<R>, E> {
    let (parts, body) = request.into_parts();
    let body = read(body, limit).await;
    let answer = answer(&as_request(&parts, &headers(&parts), &body)).await;
    Ok(response(answer.for_method(parts.method.as_str())))
}

/// Returns the URI as it was sent. A nested router of axum has removed a part of the path.
pub(crate) fn sent<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    let _ = extensions;
    uri
}

pub(crate) fn headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

pub(crate) fn as_request<'a>(
    parts: &'a Parts,
    headers: &'a [(&'a str, &'a [u8])],
    body: &'a Result<Bytes, MalformedRequest>,
) -> wire::Request<'a> {
    let uri = sent(&parts.uri, &parts.extensions);
    let body = body.as_deref().map_err(|fault| *fault);
    wire::Request::received(parts.method.as_str(), uri.path(), headers, body)
        .with_query(uri.query())
        .with_client_certificate(parts.extensions.get())
        .with_peer(parts.extensions.get())
}

/// Reads a body up to `limit`, with or without a content-length. The usual body has one frame and is not copied.
async fn read<B: Body>(body: B, limit: usize) -> Result<Bytes, MalformedRequest> {
    let mut stream = pin!(body);
    let Some(first) = next(stream.as_mut(), limit).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(stream.as_mut(), limit - first.len()).await? else { return Ok(first) };
    let mut body = [first, second].concat();
    while let Some(data) = next(stream.as_mut(), limit - body.len()).await? {
        body.extend_from_slice(&data);
    }
    Ok(body.into())
}

/// Reads the next frame with data, up to `limit`.
async fn next<B: Body>(mut stream: Pin<&mut B>, limit: usize) -> Result<Option<Bytes>, MalformedRequest> {
    while let Some(frame) = poll_fn(|cx| stream.as_mut().poll_frame(cx)).await {
        match frame.map_err(|_| MalformedRequest::Incomplete)?.into_data() {
            Ok(data) if data.remaining() > limit => return Err(MalformedRequest::TooLarge),
            Ok(mut data) => return Ok(Some(data.copy_to_bytes(data.remaining()))),
            Err(_trailers) => {}
        }
    }
    Ok(None)
}
