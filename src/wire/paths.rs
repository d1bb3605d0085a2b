//! The paths of the endpoints, and the methods that each of them allows. A path is compared as it is, without decoding
//! or normalization: two spellings of one path would be two `htu` values of a DPoP proof.
//!
//! One rule holds for every path of the library, in [`Paths`] as in a request: it is what follows the host and port in
//! the URL that the client knows, from the slash to the query. So a URL is the origin of the issuer and the path, and
//! an issuer with a path of its own is in the paths already.

use crate::outcome::Operation;
use crate::ports::host::AttemptKind;
use crate::vocabulary::Issuer;

/// The endpoints that [`Endpoints`](super::Endpoints) serves. A host with a router of its own maps its routes to them:
///
/// ```
/// use regrant::wire::{Endpoint, Paths};
///
/// let routes: Vec<(Endpoint, String)> =
///     Paths::default().iter().map(|(endpoint, path)| (endpoint, path.to_owned())).collect();
/// assert!(routes.contains(&(Endpoint::Revocation, "/oauth2/revoke".to_owned())));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
    /// The pushed authorization request endpoint (RFC 9126).
    PushedAuthorizationRequest,
    /// The revocation endpoint (RFC 7009).
    Revocation,
    /// The introspection endpoint (RFC 7662).
    Introspection,
    /// The device authorization endpoint (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// The userinfo endpoint (OpenID Connect Core section 5.3).
    UserInfo,
    /// The end session endpoint (OpenID Connect RP-Initiated Logout 1.0).
    EndSession,
    /// The client registration endpoint (RFC 7591 section 3).
    Registration,
    /// The signing keys (RFC 7517 section 5).
    Jwks,
    /// Authorization server metadata (RFC 8414).
    Metadata,
    /// The metadata in the form of OpenID Connect Discovery 1.0.
    OpenIdConfiguration,
}

impl Endpoint {
    /// Returns the allowed methods, as the value of the header `Allow`.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Token
            | Self::PushedAuthorizationRequest
            | Self::Revocation
            | Self::Introspection
            | Self::DeviceAuthorization
            | Self::Registration => "POST",
            Self::UserInfo => "GET, HEAD, POST",
            // Not HEAD: a program that checks links must not sign a user out.
            Self::EndSession => "GET, POST",
            Self::Jwks | Self::Metadata | Self::OpenIdConfiguration => "GET, HEAD",
        }
    }

    /// Returns the kind of an attempt to authenticate a client here. The endpoints of the last line authenticate none.
    pub(super) const fn attempt_kind(self) -> AttemptKind {
        match self {
            Self::Token => AttemptKind::Token,
            Self::Revocation => AttemptKind::Revocation,
            Self::Introspection => AttemptKind::Introspection,
            Self::DeviceAuthorization => AttemptKind::DeviceAuthorization,
            Self::PushedAuthorizationRequest => AttemptKind::PushedAuthorizationRequest,
            Self::Registration => AttemptKind::Registration,
            Self::UserInfo | Self::EndSession | Self::Jwks | Self::Metadata | Self::OpenIdConfiguration => {
                AttemptKind::Client
            }
        }
    }

    /// Returns the operation for the event of a malformed request.
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::Token => Operation::Token,
            Self::PushedAuthorizationRequest => Operation::PushAuthorizationRequest,
            Self::Revocation => Operation::Revoke,
            Self::Introspection => Operation::Introspect,
            Self::DeviceAuthorization => Operation::AuthorizeDevice,
            Self::UserInfo => Operation::UserInfo,
            Self::EndSession => Operation::EndSession,
            Self::Registration => Operation::RegisterClient,
            Self::Jwks | Self::Metadata | Self::OpenIdConfiguration => Operation::Publish,
        }
    }
}

/// The paths of the endpoints. A path is what follows the host (and port) in the URL that clients know: it begins with
/// `/` and has no query. For the endpoint `https://as.example/tenant/oauth2/token` it is `/tenant/oauth2/token`, with
/// any issuer. [`under`](Self::under) adds the path of an issuer.
///
/// ```
/// use regrant::wire::{Endpoint, Paths};
///
/// let mut paths = Paths::default();
/// paths.device_verification = Some("/device".to_owned()); // serves the device flow
/// assert_eq!(paths.endpoint("/oauth2/token"), Some(Endpoint::Token));
/// assert_eq!(paths.endpoint("/device"), None); // a page of the host
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "hosts fill it in")]
pub struct Paths {
    /// The token endpoint.
    pub token: String,
    /// The pushed authorization request endpoint. Served only with an [`authorization`](Self::authorization).
    pub pushed_authorization_request: String,
    /// The revocation endpoint.
    pub revocation: String,
    /// The introspection endpoint.
    pub introspection: String,
    /// The device authorization endpoint. Served only with a [`device_verification`](Self::device_verification).
    pub device_authorization: String,
    /// The userinfo endpoint. It appears in the OpenID Connect document.
    pub userinfo: String,
    /// The end session endpoint. Served only with [`Endpoints::with_end_session`](super::Endpoints::with_end_session).
    pub end_session: String,
    /// The client registration endpoint. Served only with
    /// [`Endpoints::with_registration`](super::Endpoints::with_registration).
    pub registration: String,
    /// The signing keys. Served only if the service has a [`JwtIssuer`](crate::jwt::JwtIssuer).
    pub jwks: String,
    /// The metadata document. Clients look for it between the host and the path of the issuer (RFC 8414 section 3.1).
    pub metadata: String,
    /// The discovery document of OpenID Connect. Clients look for it below the path of the issuer (OpenID Connect
    /// Discovery 1.0 section 4.1). Served only if the service has a [`JwtIssuer`](crate::jwt::JwtIssuer).
    pub openid_configuration: String,
    /// The host's own authorization endpoint, if it has one. The path appears in the metadata; the host serves it, with
    /// [`Endpoints::ask`](super::Endpoints::ask).
    pub authorization: Option<String>,
    /// The host's own page where users of devices enter their code, if it has one. Devices show its URL; the host
    /// serves it.
    pub device_verification: Option<String>,
}

impl Default for Paths {
    /// `/oauth2/token`, `/oauth2/par`, `/oauth2/revoke`, `/oauth2/introspect`, `/oauth2/device_authorization`,
    /// `/oauth2/userinfo`, `/oauth2/end_session`, `/oauth2/register`, `/oauth2/jwks`,
    /// `/.well-known/oauth-authorization-server`, `/.well-known/openid-configuration`.
    fn default() -> Self {
        Self {
            token: "/oauth2/token".to_owned(),
            pushed_authorization_request: "/oauth2/par".to_owned(),
            revocation: "/oauth2/revoke".to_owned(),
            introspection: "/oauth2/introspect".to_owned(),
            device_authorization: "/oauth2/device_authorization".to_owned(),
            userinfo: "/oauth2/userinfo".to_owned(),
            end_session: "/oauth2/end_session".to_owned(),
            registration: "/oauth2/register".to_owned(),
            jwks: "/oauth2/jwks".to_owned(),
            metadata: "/.well-known/oauth-authorization-server".to_owned(),
            openid_configuration: "/.well-known/openid-configuration".to_owned(),
            authorization: None,
            device_verification: None,
        }
    }
}

impl Paths {
    /// The paths of ForgeRock / Ping AM 7.5, so that clients keep their configuration when a server moves to this
    /// library. AM's own issuer has a path: give it to [`under`](Self::under).
    ///
    /// ```
    /// use regrant::wire::{Endpoint, Paths};
    ///
    /// assert_eq!(Paths::am_7_5().endpoint("/oauth2/access_token"), Some(Endpoint::Token));
    /// ```
    #[must_use]
    pub fn am_7_5() -> Self {
        Self {
            token: "/oauth2/access_token".to_owned(),
            revocation: "/oauth2/token/revoke".to_owned(),
            device_authorization: "/oauth2/device/code".to_owned(),
            end_session: "/oauth2/connect/endSession".to_owned(),
            jwks: "/oauth2/connect/jwk_uri".to_owned(),
            authorization: Some("/oauth2/authorize".to_owned()),
            device_verification: Some("/oauth2/device/user".to_owned()),
            ..Self::default()
        }
    }

    /// Moves all paths below the path of `issuer`, and the two documents to where clients look for them. For an issuer
    /// without a path nothing changes.
    ///
    /// If the path of the issuer has the first segment of an endpoint already, that segment is not repeated. AM's
    /// issuers have `oauth2` in their path, and so have its endpoints.
    ///
    /// ```
    /// use regrant::Issuer;
    /// use regrant::wire::Paths;
    ///
    /// let paths = Paths::default().under(&Issuer::from_static("https://as.example/tenant"));
    /// assert_eq!(paths.token, "/tenant/oauth2/token");
    /// assert_eq!(paths.metadata, "/.well-known/oauth-authorization-server/tenant");
    /// assert_eq!(paths.openid_configuration, "/tenant/.well-known/openid-configuration");
    ///
    /// let realm = Issuer::from_static("https://am.example/am/oauth2/realms/root/realms/orders");
    /// let paths = Paths::am_7_5().under(&realm);
    /// assert_eq!(paths.token, "/am/oauth2/realms/root/realms/orders/access_token");
    /// ```
    #[must_use]
    pub fn under(self, issuer: &Issuer) -> Self {
        let base = issuer.path();
        let below = |path: String| {
            let first = path.bytes().skip(1).position(|byte| byte == b'/').map_or(path.len(), |at| at + 1);
            let is_repeated = first < path.len() && base.split('/').any(|segment| segment == &path[1..first]);
            format!("{base}{}", if is_repeated { &path[first..] } else { &path })
        };
        Self {
            token: below(self.token),
            pushed_authorization_request: below(self.pushed_authorization_request),
            revocation: below(self.revocation),
            introspection: below(self.introspection),
            device_authorization: below(self.device_authorization),
            userinfo: below(self.userinfo),
            end_session: below(self.end_session),
            registration: below(self.registration),
            jwks: below(self.jwks),
            metadata: format!("{}{base}", self.metadata),
            openid_configuration: format!("{base}{}", self.openid_configuration),
            authorization: self.authorization.map(below),
            device_verification: self.device_verification.map(below),
        }
    }

    /// Returns the endpoint at `path`; `None` for a path of the host, which the server answers with 404 if nothing else
    /// does.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Option<Endpoint> {
        self.iter().find(|(_, own)| *own == path).map(|(endpoint, _)| endpoint)
    }

    /// Returns all endpoints with their paths.
    pub fn iter(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        [
            (Endpoint::Token, self.token.as_str()),
            (Endpoint::PushedAuthorizationRequest, &self.pushed_authorization_request),
            (Endpoint::Revocation, &self.revocation),
            (Endpoint::Introspection, &self.introspection),
            (Endpoint::DeviceAuthorization, &self.device_authorization),
            (Endpoint::UserInfo, &self.userinfo),
            (Endpoint::EndSession, &self.end_session),
            (Endpoint::Registration, &self.registration),
            (Endpoint::Jwks, &self.jwks),
            (Endpoint::Metadata, &self.metadata),
            (Endpoint::OpenIdConfiguration, &self.openid_configuration),
        ]
        .into_iter()
    }
}

/// Returns the URL of a path. A DPoP proof must name the same URL (`htu`), so both come from one setting.
pub(super) fn url(issuer: &Issuer, path: &str) -> String {
    format!("{}{path}", issuer.origin())
}
