use regrant::wire::{Endpoint, Paths};

/// A request as it is put on the wire, or handed over in process.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "broken adapters change it")]
pub struct HttpRequest {
    /// Where it goes to.
    pub endpoint: Endpoint,
    /// The method, as it is sent.
    pub method: String,
    /// The request target: path and query.
    pub target: String,
    /// The header lines in their order, without those of the framing.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// How the end of the body is told.
    pub framing: Framing,
}

/// How a body is put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "exchanges of other kinds must know all")]
pub enum Framing {
    /// With its `content-length`.
    Whole,
    /// With its `content-length`, a few bytes at a time.
    Dribbled,
    /// In chunks of this many bytes, without a `content-length`.
    Chunked(usize),
    /// With this `content-length`, which is not the body's. If more is announced than comes, the client then stops sending.
    Announced(usize),
    /// In chunks of this many bytes without the last one; the client then stops sending.
    Broken(usize),
    /// With neither `content-length` nor chunks, which means that there is none (RFC 9112 section 6.3).
    Untold,
    /// Not well-formed HTTP: these bytes are the whole request.
    Raw(&'static [u8]),
}

/// An answer as it came off the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "broken adapters change it")]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The header lines in their order, names in lower case, without `date`, `connection`, `content-length` and
    /// `transfer-encoding`: those are the server's own.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A request to `endpoint` with nothing in it.
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

    /// The body as the framing tells it; `None` when it breaks off.
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

    /// The bytes on the wire, and whether the client stops sending behind them.
    pub(super) fn bytes(&self) -> (Vec<u8>, bool) {
        if let Framing::Raw(bytes) = self.framing {
            return (bytes.to_vec(), true);
        }
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: as.example\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let chunks = |size| self.body.chunks(size).flat_map(chunk_of).collect::<Vec<u8>>();
        let (told, body, ends) = match self.framing {
            Framing::Whole | Framing::Dribbled if self.body.is_empty() => (String::new(), Vec::new(), false),
            Framing::Whole | Framing::Dribbled => (content_length(self.body.len()), self.body.clone(), false),
            Framing::Announced(length) => (content_length(length), self.body.clone(), true),
            Framing::Chunked(size) => (CHUNKED.to_owned(), [chunks(size), chunk_of(b"")].concat(), false),
            Framing::Broken(size) => (CHUNKED.to_owned(), chunks(size), true),
            Framing::Untold | Framing::Raw(_) => (String::new(), self.body.clone(), true),
        };
        bytes.extend(told.as_bytes());
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

    /// What is to be the same behind every adapter: headers have no order among each other.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut normalized = self.clone();
        normalized.headers.sort();
        normalized
    }
}
