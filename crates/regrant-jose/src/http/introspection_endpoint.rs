use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use hyper::header::HeaderValue;
use hyper::http::request::Builder;
use hyper::{Request, Uri, header};
use regrant::clock::Clock;
use regrant::{ClientId, ClientSecret, Entropy};
use zeroize::Zeroizing;

use super::client::Answer;
use super::{HttpClient, HttpError, HttpSetupError};
use crate::client_assertion::ClientKey;
use crate::resource_server::{Introspect, IntrospectionResponse};

/// The longest answer that is read, in bytes. [`IntrospectionVerifier`](crate::resource_server::IntrospectionVerifier)
/// accepts no longer one.
const MAX_LENGTH: usize = 16 * 1024;

/// The introspection endpoint of an authorization server (RFC 7662), asked by this resource server. Each call is a
/// request: [`IntrospectionVerifier`](crate::resource_server::IntrospectionVerifier) caches for some seconds.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant::{ClientId, SystemEntropy};
/// use regrant_jose::PrivateKey;
/// use regrant_jose::client_assertion::ClientKey;
/// use regrant_jose::http::{ClientAuthentication, HttpClient, IntrospectionEndpoint};
/// use regrant_jose::resource_server::IntrospectionVerifier;
///
/// # fn example(pem: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let key = ClientKey::new(ClientId::new("api")?, PrivateKey::from_pem(pem)?.with_kid("2026-11"))?;
/// let authentication = ClientAuthentication::private_key_jwt(
///     key,
///     "https://as.example",
///     Arc::new(SystemClock),
///     Arc::new(SystemEntropy),
/// );
/// let url = "https://as.example/oauth2/introspect";
/// let endpoint = IntrospectionEndpoint::new(url, &HttpClient::new()?, authentication)?;
/// let verifier = IntrospectionVerifier::new(endpoint);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IntrospectionEndpoint {
    url: Uri,
    http: HttpClient,
    authentication: ClientAuthentication,
}

/// The way in which a resource server authenticates at the introspection endpoint (RFC 7662 section 2.1).
#[derive(Clone)]
pub struct ClientAuthentication(Method);

#[derive(Clone)]
enum Method {
    Basic(ClientId, ClientSecret),
    Post(ClientId, ClientSecret),
    PrivateKeyJwt(Arc<Assertions>),
}

struct Assertions {
    key: ClientKey,
    audience: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl IntrospectionEndpoint {
    /// Asks the endpoint at `url` with `http`.
    ///
    /// # Errors
    /// When `url` is not `https`, or `http` to this machine, or has a user name, a password or a fragment.
    pub fn new(url: &str, http: &HttpClient, authentication: ClientAuthentication) -> Result<Self, HttpSetupError> {
        Ok(Self { url: http.parse(url)?, http: http.clone(), authentication })
    }
}

impl ClientAuthentication {
    /// The id and the secret in the header (`client_secret_basic`, RFC 6749 section 2.3.1).
    #[must_use]
    pub const fn basic(client_id: ClientId, secret: ClientSecret) -> Self {
        Self(Method::Basic(client_id, secret))
    }

    /// The id and the secret in the form (`client_secret_post`, RFC 6749 section 2.3.1).
    #[must_use]
    pub const fn post(client_id: ClientId, secret: ClientSecret) -> Self {
        Self(Method::Post(client_id, secret))
    }

    /// An assertion that `key` signs for each request (`private_key_jwt`, RFC 7523 section 2.2). `audience` is the
    /// issuer of the authorization server.
    #[must_use]
    pub fn private_key_jwt(
        key: ClientKey,
        audience: impl Into<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self(Method::PrivateKeyJwt(Arc::new(Assertions { key, audience: audience.into(), clock, entropy })))
    }

    /// Adds the credentials to the request or to its form.
    async fn add(&self, request: Builder, form: &mut String) -> Result<Builder, Box<dyn Error + Send + Sync>> {
        match &self.0 {
            Method::Basic(client_id, secret) => Ok(request.header(header::AUTHORIZATION, basic(client_id, secret)?)),
            Method::Post(client_id, secret) => {
                append(form, &[("client_id", client_id.as_str()), ("client_secret", secret.expose())]);
                Ok(request)
            }
            Method::PrivateKeyJwt(assertions) => {
                let Assertions { key, audience, clock, entropy } = &**assertions;
                let assertion = key.assertion(audience).sign(clock.now(), &**entropy).await?;
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                append(form, &[("client_assertion_type", kind), ("client_assertion", assertion.expose())]);
                Ok(request)
            }
        }
    }
}

/// Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1): either may have a colon.
fn basic(client_id: &ClientId, secret: &ClientSecret) -> Result<HeaderValue, Box<dyn Error + Send + Sync>> {
    let encode = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new([&encode(client_id.as_str()), ":", &encode(secret.expose())].concat());
    let header = Zeroizing::new(["Basic ", &Zeroizing::new(BASE64_STANDARD.encode(&*pair))].concat());
    let mut value = HeaderValue::from_str(&header)?;
    value.set_sensitive(true);
    Ok(value)
}

fn append(form: &mut String, pairs: &[(&str, &str)]) {
    *form = Serializer::new(std::mem::take(form)).extend_pairs(pairs).finish();
}

#[async_trait]
impl Introspect for IntrospectionEndpoint {
    async fn introspect(&self, form: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        // Room for an assertion: a form that grew would leave a copy of the token behind.
        let mut body = Zeroizing::new(String::with_capacity(form.len() + 4096));
        body.push_str(form);
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        let request = self.authentication.add(request, &mut body).await.map_err(HttpError::Request)?;
        let body = Bytes::from_owner(Form(body));
        let Answer { status, body, .. } = self.http.send(request, body, MAX_LENGTH).await?;
        match status {
            300..400 => Err(HttpError::Redirect(status).into()),
            _ => Ok(IntrospectionResponse { status, body }),
        }
    }
}

/// The bytes of a form, zeroed when they have been sent.
struct Form(Zeroizing<String>);

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, client_id) = match &self.0 {
            Method::Basic(client_id, _) => ("client_secret_basic", client_id),
            Method::Post(client_id, _) => ("client_secret_post", client_id),
            Method::PrivateKeyJwt(assertions) => ("private_key_jwt", assertions.key.client_id()),
        };
        f.debug_struct("ClientAuthentication").field("method", &method).field("client_id", client_id).finish()
    }
}
