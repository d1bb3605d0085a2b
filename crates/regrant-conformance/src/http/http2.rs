//! HTTP/2 over one TCP connection, with prior knowledge.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::loopback::{TIME_LIMIT, is_of_the_server};
use super::message::{Framing, HttpRequest, HttpResponse};

/// Sends `requests` one after the other, each in a stream of its own.
pub(super) async fn exchange(address: SocketAddr, requests: &[HttpRequest]) -> Vec<HttpResponse> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, mut connection) = h2::client::handshake(stream).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let mut responses = Vec::new();
    for request in requests {
        match tokio::time::timeout(TIME_LIMIT, turn(&client, &mut pings, request)).await.unwrap() {
            Some(response) => responses.push(response),
            None => break,
        }
    }
    responses
}

/// Returns the reason why HTTP/2 has no such request.
pub(super) fn cannot_send(request: &HttpRequest) -> Option<&'static str> {
    if request.headers.iter().any(|(_, value)| value.trim_ascii() != value.as_slice()) {
        return Some("HTTP/2: no white space around the value of a field (RFC 9113 section 8.2.1)");
    }
    match request.framing {
        Framing::Raw(_) => Some("these bytes are not HTTP/2"),
        Framing::Untold => Some("HTTP/2: frames say where a body ends (RFC 9113 section 8.1)"),
        _ => None,
    }
}

async fn turn(client: &SendRequest<Bytes>, pings: &mut PingPong, request: &HttpRequest) -> Option<HttpResponse> {
    let mut client = received(client.clone().ready().await)?;
    let is_whole = request.body.is_empty() && !request.breaks_off();
    let (response, stream) = client.send_request(head(request), is_whole).unwrap();
    if !is_whole {
        send(stream, pings, request).await;
    }
    receive(response).await
}

fn head(request: &HttpRequest) -> http::Request<()> {
    let target = format!("http://as.example{}", request.target);
    let mut head = http::Request::builder().version(http::Version::HTTP_2).method(&*request.method).uri(target);
    for (name, value) in &request.headers {
        head = head.header(name, value.as_slice());
    }
    let length = match request.framing {
        Framing::Whole | Framing::Dribbled => Some(request.body.len()).filter(|length| *length > 0),
        Framing::Announced(length) => Some(length),
        _ => None,
    };
    length.into_iter().fold(head, |head, length| head.header("content-length", length)).body(()).unwrap()
}

/// Sends the body. A failed write does not stop the client from reading: a server may stop reading and still answer.
async fn send(mut stream: SendStream<Bytes>, pings: &mut PingPong, request: &HttpRequest) {
    let size = match request.framing {
        Framing::Dribbled => 7,
        Framing::Chunked(size) | Framing::Broken(size) => size,
        _ => request.body.len().max(1),
    };
    let breaks = matches!(request.framing, Framing::Broken(_));
    let mut frames = request.body.chunks(size).peekable();
    while let Some(frame) = frames.next() {
        let ends = frames.peek().is_none() && !request.breaks_off();
        let _ = stream.send_data(Bytes::copy_from_slice(frame), ends);
        tokio::task::yield_now().await;
    }
    if breaks {
        // A reset discards the frames that wait to be written. The answer to a ping says that none does.
        let _ = pings.ping(Ping::opaque()).await;
        stream.send_reset(Reason::CANCEL);
        // A ping may overtake the reset. The second one is written after the first was answered, so behind the reset:
        // its answer says that the server has read the reset.
        let _ = pings.ping(Ping::opaque()).await;
        let _ = pings.ping(Ping::opaque()).await;
    } else if request.body.is_empty() || request.breaks_off() {
        // Apart from the data: a server that finds the length wrong drops the frame in which it does.
        let _ = stream.send_data(Bytes::new(), true);
    }
}

async fn receive(response: ResponseFuture) -> Option<HttpResponse> {
    let (head, mut stream) = received(response.await)?.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = stream.data().await {
        // RFC 9113 section 8.1: a server that has answered may ask the client to stop sending.
        if frame.as_ref().is_err_and(|error| error.reason() == Some(Reason::NO_ERROR)) {
            break;
        }
        let frame = received(frame)?;
        let _ = stream.flow_control().release_capacity(frame.len());
        body.extend(frame);
    }
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let content_length = head.headers.get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
    let headers = headers.filter(|(name, _)| !is_of_the_server(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(HttpResponse { status: head.status.as_u16(), headers, content_length, body })
}

/// Returns `None` when the server has ended the stream or the connection.
fn received<T>(result: Result<T, h2::Error>) -> Option<T> {
    match result {
        Ok(received) => Some(received),
        // The client itself has found the fault.
        Err(error) if error.is_library() => panic!(
            "the server breaks the rules of HTTP/2 ({error}): has an answer to HEAD content, or an answer another length \
             than announced, or is this no HTTP/2 server?"
        ),
        Err(_) => None,
    }
}
