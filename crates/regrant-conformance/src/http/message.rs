use regrant::wire::{Endpoint, Paths};

/// A request on the wire or in process.
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

/// The framing of a body on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "exchanges of other kinds must know all")]
pub enum Framing {
    /// One piece with its `content-length`.
    Whole,
    /// A few bytes at a time, with the `content-length`.
    Dribbled,
    /// Chunks of this many bytes, without a `content-length`.
    Chunked(usize),
    /// This `content-length`, which is not that of the body. When more is announced than sent, the client then stops.
    Announced(usize),
    /// Chunks of this many bytes without the last one. The client then stops sending.
    Broken(usize),
    /// Neither `content-length` nor chunks, which means an empty body (RFC 9112 section 6.3).
    Untold,
    /// These bytes, which are not well-formed HTTP.
    Raw(&'static [u8]),
}

/// An answer as received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "broken adapters change it")]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The header lines in their order, names in lower case, without those of the server: `date`, `connection`,
    /// `content-length` and `transfer-encoding`.
    pub headers: Vec<(String, String)>,
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

    /// Returns the response with sorted headers, since their order may differ between adapters.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut normalized = self.clone();
        normalized.headers.sort();
        normalized
    }
}
