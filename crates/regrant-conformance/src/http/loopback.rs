use std::any::Any;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;

use super::harness::Exchange;
#[cfg(feature = "http2")]
use super::http2;
use super::message::{Framing, HttpRequest, HttpResponse};

/// The limit for a server that hangs; a busy machine stays far below it.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A server on the loopback interface. In HTTP/1.1 it is called with raw bytes, so that malformed requests can be sent.
#[expect(missing_debug_implementations, reason = "guards have nothing to show")]
pub struct Loopback {
    address: SocketAddr,
    protocol: Protocol,
    _guard: Box<dyn Any + Send + Sync>,
}

#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

impl Loopback {
    /// Creates a client of the HTTP/1.1 server at `address`, which runs until `guard` is dropped.
    pub fn new(address: SocketAddr, guard: impl Any + Send + Sync) -> Self {
        Self { address, protocol: Protocol::Http1, _guard: Box::new(guard) }
    }

    /// Creates a client of the HTTP/2 server at `address`, which runs until `guard` is dropped. The client has prior
    /// knowledge (RFC 9113 section 3.3): there is neither TLS nor an upgrade.
    ///
    /// Names of headers are sent in lower case. A case that HTTP/2 cannot express is shown as ignored, with the reason.
    #[cfg(feature = "http2")]
    pub fn http2(address: SocketAddr, guard: impl Any + Send + Sync) -> Self {
        Self { address, protocol: Protocol::Http2, _guard: Box::new(guard) }
    }
}

#[async_trait]
impl Exchange for Loopback {
    async fn exchange(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        match self.protocol {
            Protocol::Http1 => self.exchange_http1(requests).await,
            #[cfg(feature = "http2")]
            Protocol::Http2 => http2::exchange(self.address, requests).await,
        }
    }

    fn cannot_send(&self, request: &HttpRequest) -> Option<&'static str> {
        match self.protocol {
            Protocol::Http1 => {
                let _ = request;
                None
            }
            #[cfg(feature = "http2")]
            Protocol::Http2 => http2::cannot_send(request),
        }
    }
}

impl Loopback {
    async fn exchange_http1(&self, requests: &[HttpRequest]) -> Vec<HttpResponse> {
        let (read, mut write) = TcpStream::connect(self.address).await.unwrap().into_split();
        let mut read = BufReader::new(read);
        let mut responses = Vec::new();
        for request in requests {
            // Both at once: a server may answer and close before it has read the whole request.
            let turn = async { tokio::join!(send(&mut write, request), receive(&mut read, request)).1 };
            match tokio::time::timeout(TIME_LIMIT, turn).await.unwrap() {
                Some(response) => responses.push(response),
                None => break,
            }
        }
        responses
    }
}

/// A failed write does not stop the client from reading: a server may stop reading and still answer.
async fn send(to: &mut (impl AsyncWrite + Unpin), request: &HttpRequest) {
    let (bytes, ends) = request.bytes();
    let piece = if request.framing == Framing::Dribbled { 7 } else { bytes.len() };
    for piece in bytes.chunks(piece) {
        let _ = to.write_all(piece).await;
        let _ = to.flush().await;
        tokio::task::yield_now().await;
    }
    if ends {
        let _ = to.shutdown().await;
    }
}

/// Reads the answer, if one comes before the connection ends.
async fn receive(from: &mut (impl AsyncBufRead + Unpin), request: &HttpRequest) -> Option<HttpResponse> {
    loop {
        let (status, lines) = head(from).await?;
        // 100 (Continue) is not the answer.
        if status < 200 {
            continue;
        }
        let has = |name: &str| lines.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let content_length: Option<u64> = has("content-length").map(|length| length.parse().unwrap());
        // RFC 9112 section 6.3.
        let body = if request.method == "HEAD" || [204, 304].contains(&status) {
            Vec::new()
        } else if has("transfer-encoding").is_some() {
            chunked(from).await?
        } else if let Some(length) = content_length {
            exactly(from, usize::try_from(length).unwrap()).await?
        } else {
            let mut rest = Vec::new();
            from.read_to_end(&mut rest).await.ok()?;
            rest
        };
        let headers = lines.into_iter().filter(|(name, _)| !is_of_the_server(name)).collect();
        return Some(HttpResponse { status, headers, content_length, body });
    }
}

/// Returns true for headers that the server sets, and not the adapter.
pub(super) fn is_of_the_server(name: &str) -> bool {
    ["date", "connection", "content-length", "transfer-encoding"].contains(&name)
}

/// Reads status and header lines.
async fn head(from: &mut (impl AsyncBufRead + Unpin)) -> Option<(u16, Vec<(String, String)>)> {
    let first = line(from).await?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    // Content behind an answer to HEAD, or behind a 204, is taken for the next answer.
    let status =
        status.unwrap_or_else(|| panic!("an answer begins with {first:?}: did the one before it have content?"));
    let mut lines = Vec::new();
    loop {
        let line = line(from).await?;
        let Some((name, value)) = line.split_once(':') else { return Some((status, lines)) };
        lines.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = String::new();
    let read = from.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

async fn chunked(from: &mut (impl AsyncBufRead + Unpin)) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(from).await?, 16).unwrap();
        let chunk = exactly(from, size).await?;
        line(from).await?;
        if size == 0 {
            return Some(body);
        }
        body.extend(chunk);
    }
}

async fn exactly(from: &mut (impl AsyncRead + Unpin), length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}
