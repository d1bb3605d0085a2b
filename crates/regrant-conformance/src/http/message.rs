use std::fmt;

use regrant::wire::{Endpoint, Paths};

/// A request on the wire or in process. `Display` shows all of it: the secrets of the kit are test secrets.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "broken adapters change it")]
pub struct HttpRequest {
    /// The endpoint that is meant.
    pub endpoint: Endpoint,
    /// The method as sent.
    pub method: String,
    /// The request target: path and query.
    pub target: String,
    /// The header lines in their order, without those of the framing.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// The framing of the body.
    pub framing: Framing,
}

/// The framing of a body on the wire. HTTP/2 sends a body in `DATA` frames: a chunk is a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "exchanges of other kinds must know all")]
pub enum Framing {
    /// One piece with its `content-length`.
    Whole,
    /// A few bytes at a time, with the `content-length`.
    Dribbled,
    /// Chunks of this many bytes, without a `content-length`.
    Chunked(usize),
    /// This `content-length`, which is not that of the body. When more is announced than sent, the client then stops:
    /// it ends its half of the connection, or its stream.
    Announced(usize),
    /// Chunks of this many bytes without the last one. The client then stops sending. In HTTP/2 it resets the stream.
    Broken(usize),
    /// Neither `content-length` nor chunks, which means an empty body (RFC 9112 section 6.3).
    Untold,
    /// These bytes, which are not well-formed HTTP.
    Raw(&'static [u8]),
}

/// An answer as received. `Display` shows all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "broken adapters change it")]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The header lines in their order, names in lower case, without those of the server: `date`, `connection`,
    /// `content-length` and `transfer-encoding`.
    pub headers: Vec<(String, String)>,
    /// The `content-length`, if the answer has one. In an answer to `HEAD` it is that of the answer to `GET` (RFC 9110
    /// section 8.6).
    pub content_length: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// Creates an empty request to `endpoint`.
    #[must_use]
    pub fn new(method: &str, endpoint: Endpoint) -> Self {
        let paths = Paths::default();
        let path = paths.iter().find(|(own, _)| *own == endpoint).map(|(_, path)| path);
        Self {
            endpoint,
            method: method.to_owned(),
            target: path.unwrap_or_default().to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Whole,
        }
    }

    /// The path of the target.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body as framed; `None` when it is truncated.
    #[must_use]
    pub fn received(&self) -> Option<&[u8]> {
        match self.framing {
            Framing::Whole | Framing::Dribbled | Framing::Chunked(_) => Some(&self.body),
            Framing::Announced(length) => self.body.get(..length),
            Framing::Broken(_) | Framing::Raw(_) => None,
            Framing::Untold => Some(&[]),
        }
    }

    /// Returns true when the client stops before its message is complete. The server may answer, or close the
    /// connection (RFC 9112 section 8).
    pub(super) fn breaks_off(&self) -> bool {
        self.received().is_none() && !matches!(self.framing, Framing::Raw(_))
    }

    /// Adds a header line.
    #[must_use]
    pub(super) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Removes all header lines of this name.
    #[must_use]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    #[must_use]
    pub(super) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    #[must_use]
    pub(super) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Sets the path, with its query.
    #[must_use]
    pub(super) fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    #[must_use]
    pub(super) fn query(mut self, query: &str) -> Self {
        self.target = format!("{}?{query}", self.target);
        self
    }

    #[must_use]
    pub(super) fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Returns the bytes on the wire, and true when the client stops sending after them.
    pub(super) fn bytes(&self) -> (Vec<u8>, bool) {
        if let Framing::Raw(bytes) = self.framing {
            return (bytes.to_vec(), true);
        }
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: as.example\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let chunks = |size| self.body.chunks(size).flat_map(chunk_of).collect::<Vec<u8>>();
        let (framing, body, ends) = match self.framing {
            Framing::Whole | Framing::Dribbled if self.body.is_empty() => (String::new(), Vec::new(), false),
            Framing::Whole | Framing::Dribbled => (content_length(self.body.len()), self.body.clone(), false),
            Framing::Announced(length) => (content_length(length), self.body.clone(), true),
            Framing::Chunked(size) => (CHUNKED.to_owned(), [chunks(size), chunk_of(b"")].concat(), false),
            Framing::Broken(size) => (CHUNKED.to_owned(), chunks(size), true),
            Framing::Untold | Framing::Raw(_) => (String::new(), self.body.clone(), true),
        };
        bytes.extend(framing.as_bytes());
        bytes.extend(b"\r\n");
        bytes.extend(body);
        (bytes, ends)
    }
}

const CHUNKED: &str = "transfer-encoding: chunked\r\n";

fn content_length(length: usize) -> String {
    format!("content-length: {length}\r\n")
}

fn chunk_of(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

impl HttpResponse {
    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the response with sorted headers and without its `content-length`: their order, and the framing, may
    /// differ between adapters.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut normalized = Self { content_length: None, ..self.clone() };
        normalized.headers.sort();
        normalized
    }
}

impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Framing::Raw(bytes) = self.framing {
            return f.write_str(&text(bytes));
        }
        writeln!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", text(value))?;
        }
        let length = self.body.len();
        match self.framing {
            Framing::Whole if self.body.is_empty() => return f.write_str("(no body)"),
            Framing::Whole => writeln!(f, "(content-length: {length}, in one piece)")?,
            Framing::Dribbled => writeln!(f, "(content-length: {length}, a few bytes at a time)")?,
            Framing::Chunked(size) => writeln!(f, "({length} bytes in chunks of at most {size}, no content-length)")?,
            Framing::Announced(other) => writeln!(f, "(content-length: {other}, but {length} bytes are sent)")?,
            Framing::Broken(_) => {
                writeln!(f, "({length} bytes in chunks, but the client stops before the last chunk)")?;
            }
            Framing::Untold => writeln!(f, "({length} bytes without content-length and chunks)")?,
            Framing::Raw(_) => {}
        }
        f.write_str(&text(&self.body))
    }
}

impl fmt::Display for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, "\n{name}: {value}")?;
        }
        if self.body.is_empty() { f.write_str("\n(no body)") } else { write!(f, "\n{}", text(&self.body)) }
    }
}

/// The bytes of a body of which a report shows all.
const SHOWN: usize = 2048;

/// Returns bytes as text: what is not printable is escaped, and a long text ends early.
pub(super) fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let is_printable = |text: &&str| !text.chars().any(char::is_control);
    let text = match std::str::from_utf8(shown).ok().filter(is_printable) {
        Some(text) => text.to_owned(),
        None => shown.escape_ascii().to_string(),
    };
    if bytes.len() > SHOWN { format!("{text}... ({} bytes)", bytes.len()) } else { text }
}
