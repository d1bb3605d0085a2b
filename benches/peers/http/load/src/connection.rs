//! One keep-alive connection and its token chains.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::pace::Pace;
use crate::{Work, now};

/// The client `api` with its secret, see `servers/src/seed.rs`.
const BASIC: &str = "authorization: Basic YXBpOmhEM2txMHZYN1pyWWMyTG1OOHNUcFc=\r\n";

/// The end of a run of one connection.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// After this number of requests.
    Requests(usize),
    /// At this time, but not before this number of requests.
    Time(Instant, usize),
}

pub(crate) struct Connection {
    stream: TcpStream,
    work: Work,
    /// The current token of each chain.
    chains: Vec<String>,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, work: Work, chains: Vec<String>) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP option");
        Self { stream, work, chains, request: Vec::new(), response: Vec::with_capacity(4096) }
    }

    /// Walks all chains in turn. Returns the tokens at the end, and the latency of each request.
    pub(crate) async fn run(mut self, limit: Limit, mut pace: Option<Pace>) -> (Vec<String>, Vec<Duration>) {
        let mut latencies = Vec::new();
        let mut chain = 0;
        loop {
            self.prepare(chain);
            let begin = pace.as_mut().map_or_else(now, Pace::next);
            let is_over = match limit {
                Limit::Requests(requests) => latencies.len() >= requests,
                Limit::Time(end, least) => begin >= end && latencies.len() >= least,
            };
            if is_over {
                return (self.chains, latencies);
            }
            if let Some(pace) = &pace {
                pace.until(begin).await;
            }
            self.stream.write_all(&self.request).await.expect("the server reads");
            let body = self.receive().await;
            latencies.push(begin.elapsed());
            self.keep(chain, body);
            chain = (chain + 1) % self.chains.len();
        }
    }

    fn prepare(&mut self, chain: usize) {
        let token = form_encoded(&self.chains[chain]);
        let (path, authorization, form) = match self.work {
            Work::Refresh => ("/token", "", format!("grant_type=refresh_token&client_id=app&refresh_token={token}")),
            Work::Introspect => ("/introspect", BASIC, format!("token={token}")),
        };
        let length = form.len();
        self.request = format!(
            "POST {path} HTTP/1.1\r\nhost: as.example\r\naccept: application/json\r\n{authorization}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
        )
        .into_bytes();
    }

    /// Reads a response and returns the start of its body in the buffer.
    async fn receive(&mut self) -> usize {
        self.response.clear();
        let mut length = None;
        loop {
            let read = self.stream.read_buf(&mut self.response).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection: {}", text(&self.response));
            length = length.or_else(|| head(&self.response));
            match length {
                Some((body, length)) if self.response.len() >= body + length => return body,
                _ => {}
            }
        }
    }

    /// Keeps the new token of the chain.
    fn keep(&mut self, chain: usize, body: usize) {
        let body = &self.response[body..];
        match self.work {
            Work::Refresh => {
                let tokens: Tokens<'_> = serde_json::from_slice(body).expect("a token response");
                self.chains[chain].clear();
                self.chains[chain].push_str(&tokens.refresh_token);
            }
            Work::Introspect => {
                let introspection: Introspection = serde_json::from_slice(body).expect("an introspection response");
                assert!(introspection.active, "the token is active");
            }
        }
    }
}

/// Encodes a value of a form: the tokens of `oxide-auth` have `+` and `/`.
fn form_encoded(value: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    if value.bytes().all(is_plain) {
        return value.into();
    }
    let mut encoded = String::new();
    for byte in value.bytes() {
        if is_plain(byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("a string grows");
        }
    }
    encoded.into()
}

#[derive(Deserialize)]
struct Tokens<'a> {
    #[serde(borrow)]
    refresh_token: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
}

/// Returns the start of the body and its length, when the head is complete. Anything but a 200 with a length is an
/// error.
fn head(response: &[u8]) -> Option<(usize, usize)> {
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = text(&response[..end]);
    assert!(head.starts_with("HTTP/1.1 200 "), "{}", text(response));
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((end, length.unwrap_or_else(|| panic!("no content-length: {head}"))))
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
