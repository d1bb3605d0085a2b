use regrant::wire::{MalformedRequest, Request, Response};
use regrant::{Resource, Scope};
use serde_json::{Map, Value, json};

/// The path of the document for a resource without a path (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of a protected resource (RFC 9728 section 2). A client that gets a 401 finds the authorization server
/// here; MCP clients know no other way.
///
/// Give it to [`ResourceServer::with_metadata`](crate::ResourceServer::with_metadata), which adds the members that
/// follow from its settings and names the URL of the document in its challenges. Serve it with
/// [`ResourceServer::metadata`](crate::ResourceServer::metadata), with the layer of `regrant-tower`, or with the route
/// of `regrant-axum`.
///
/// ```
/// use regrant::{Resource, Scope};
/// use regrant_jose::resource_server::ResourceMetadata;
///
/// let metadata = ResourceMetadata::new(&Resource::from_static("https://api.example/orders"))?
///     .with_authorization_servers(["https://as.example"])
///     .with_scope(&Scope::from_static("read write"))
///     .with_member("resource_name", "Orders");
/// assert_eq!(metadata.url(), "https://api.example/.well-known/oauth-protected-resource/orders");
/// assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/orders");
/// # Ok::<(), regrant_jose::resource_server::NoDocumentUrl>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResourceMetadata {
    origin: String,
    path: String,
    /// With its question mark.
    query: String,
    members: Map<String, Value>,
}

impl ResourceMetadata {
    /// Describes `resource`, the name of the resource server in requests and in the audience of tokens.
    ///
    /// # Errors
    /// When the resource is no `https` or `http` URL: the document has its URL from it (RFC 9728 section 3.1).
    pub fn new(resource: &Resource) -> Result<Self, NoDocumentUrl> {
        let text = resource.as_str();
        let scheme =
            ["https://", "http://"].into_iter().find(|scheme| text.starts_with(*scheme)).ok_or(NoDocumentUrl)?;
        let rest = &text[scheme.len()..];
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(NoDocumentUrl);
        }
        // Section 3.1: a slash behind the host is no path.
        let path = if path == "/" { "" } else { path };
        Ok(Self {
            origin: format!("{scheme}{authority}"),
            path: format!("{WELL_KNOWN}{path}"),
            query: query.to_owned(),
            members: Map::from_iter([("resource".to_owned(), text.into())]),
        })
    }

    /// Sets the authorization servers whose tokens are accepted, by their issuers.
    #[must_use]
    pub fn with_authorization_servers<I: Into<String>>(self, issuers: impl IntoIterator<Item = I>) -> Self {
        let issuers: Vec<String> = issuers.into_iter().map(Into::into).collect();
        self.with_member("authorization_servers", issuers)
    }

    /// Sets the scopes that are of use here (`scopes_supported`).
    #[must_use]
    pub fn with_scope(self, scope: &Scope) -> Self {
        self.with_member("scopes_supported", scope.iter().collect::<Vec<_>>())
    }

    /// Adds a member of RFC 9728 section 2, such as `resource_name` or `tls_client_certificate_bound_access_tokens`.
    /// `resource` cannot be replaced: clients compare it with the URL that they asked (section 3.3).
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if name != "resource" {
            self.members.insert(name, value.into());
        }
        self
    }

    /// Returns the URL of the document (RFC 9728 section 3.1).
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}{}", self.origin, self.path, self.query)
    }

    /// Returns the path at which the document is served.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Responds to a request for the document. `algorithms` are those of DPoP proofs. Pages of every origin may read
    /// the document, since it is the same for everyone.
    pub(super) fn respond(&self, request: &Request<'_>, algorithms: &[&str]) -> Response {
        let response = match request.method {
            "GET" | "HEAD" => self.document(algorithms),
            "OPTIONS" if request.header("access-control-request-method").next().is_some() => preflight(),
            _ => MalformedRequest::Method("GET, HEAD").response(),
        };
        response.with_header("access-control-allow-origin", "*")
    }

    fn document(&self, algorithms: &[&str]) -> Response {
        let mut members = self.members.clone();
        members.insert("bearer_methods_supported".to_owned(), json!(["header"]));
        if !algorithms.is_empty() {
            members.insert("dpop_signing_alg_values_supported".to_owned(), json!(algorithms));
        }
        let response =
            Response { status: 200, headers: Vec::new(), body: Value::Object(members).to_string().into_bytes() };
        response.with_header("content-type", "application/json").with_header("cache-control", "public, max-age=3600")
    }
}

/// MCP clients ask with `MCP-Protocol-Version`, and the document is the same whatever headers a request has.
fn preflight() -> Response {
    Response { status: 204, headers: Vec::new(), body: Vec::new() }
        .with_header("access-control-allow-methods", "GET, HEAD")
        .with_header("access-control-allow-headers", "*, authorization")
        .with_header("access-control-max-age", "7200")
}

/// The resource is no URL, so its metadata have none either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource with metadata must be an https URL")]
pub struct NoDocumentUrl;
