//! The clients of all cases, so that a case names only its subject.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod, IntrospectionAccess};
use regrant::policy::{ClientPolicy, GracePeriod};
use regrant::wire::Endpoint;
use regrant::{Client, ClientId, ClientRegistry, ClientSecret, GrantType, RedirectUri, Resources, SecretHash};

use super::message::HttpRequest;
use super::ports::{Assertions, Certificates};
use super::variables::{Form, encode, form};

pub(super) const ISSUER: &str = "https://as.example";
pub(super) const REDIRECT: &str = "https://app.example/cb";
/// The page to which a logout may lead.
pub(super) const SIGNED_OUT: &str = "https://app.example/signed-out";
pub(super) const SCOPE: &str = "openid read write";
pub(super) const ORDERS: &str = "https://api.example/orders";
pub(super) const BILLING: &str = "https://api.example/billing";
pub(super) const USER: &str = "demo";
pub(super) const PASSWORD: &str = "Ch4ngeItNow-pw";
/// RFC 7636 appendix B: 43 characters, the minimum.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The client authentication of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Auth {
    Basic(&'static str, &'static str),
    Post(&'static str, &'static str),
    Public(&'static str),
    Missing,
}

pub(super) const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";
/// A confidential client with every grant type.
pub(super) const APP: Auth = Auth::Basic("app", SECRET);
/// Another client with the same rights.
pub(super) const OTHER: Auth = Auth::Basic("other", "Qx81LwPz-5nVbRt_0KdYgE");
/// A client that authenticates in the body.
pub(super) const POSTER: Auth = Auth::Post("poster", "mZ7uTc3JfW9eXh2SaB4vQy");
/// A client registered for both secret methods, using each.
pub(super) const EITHER: [Auth; 2] =
    [Auth::Basic("either", "bT4Hn8VxKe2Wq6ZsLr0Yc5"), Auth::Post("either", "bT4Hn8VxKe2Wq6ZsLr0Yc5")];
/// A public client.
pub(super) const SPA: Auth = Auth::Public("spa");
/// A resource server of the audience [`ORDERS`].
pub(super) const ORDERS_API: Auth = Auth::Basic("orders-api", "pR6kDs1Nq8GyLw0HzXe5Mu");
/// A client that may introspect every token.
pub(super) const AUDITOR: Auth = Auth::Basic("auditor", "Ju4Cb9TfVi7oKx3PnZa2Wr");
/// A resource server of the same audience that exchanges the tokens of its callers.
pub(super) const GATEWAY: Auth = Auth::Basic("gateway", "Fs3Dg6Hj9Kl2Qw5Er8Ty1U");
/// A client whose refresh tokens are not rotated.
pub(super) const KEEPER: Auth = Auth::Basic("keeper", "Vn2Bm7Xc4Zl9Kj6Hg1FdSa");
/// A client whose refresh tokens have no grace period.
pub(super) const STRICT: Auth = Auth::Basic("strict", "Po8Iu3Yt6Re1Wq5Lk2Jh7G");
/// A client whose refresh tokens need the scope `offline_access`.
pub(super) const ABSENTEE: Auth = Auth::Basic("absentee", "Rm4Tg9Yb2Nh7Uj5Mk8Il3O");
pub(super) const OFFLINE_SCOPE: &str = "offline_access openid read write";
/// A client that acts only for itself; its access tokens live for 60 s.
pub(super) const ROBOT: Auth = Auth::Basic("robot", "Zx5Cv8Bn1Mq4We7Rt2Yu9I");
/// A device: a public client.
pub(super) const DEVICE: Auth = Auth::Public("tv");
/// A client that signs assertions, and one with a certificate. Neither has a secret.
pub(super) const ASSERTING: &str = "asserting";
pub(super) const CERTIFIED: &str = "certified";
/// A client with types of authorization details.
pub(super) const BANK: Auth = Auth::Basic("bank", "Ke7Rw2Zt9Xc4Vb1Nm6Qa8P");
/// A client of one API. It calls its resource an audience.
pub(super) const ONE_API: Auth = Auth::Basic("one-api", "Lm3Np6Qr9St2Uv5Wx8Yz1A");
/// A client that is registered for signed userinfo.
pub(super) const SIGNED: Auth = Auth::Basic("signed", "Ty4Ui9Op2As7Df5Gh3Jk8L");
/// A client whose secret is being replaced: both work.
pub(super) const OLD_SECRET: Auth = Auth::Basic("renewing", "Gh7Kt2Xq9WzPb4LmNv6Rc1");
pub(super) const NEW_SECRET: Auth = Auth::Basic("renewing", "Dy5Sf8Jo3VxUe0TiQa2Bz6");

/// Ids and secrets that the encoding of RFC 6749 section 2.3.1 changes.
pub(super) const DIFFICULT: [(&str, Auth); 7] = [
    ("a_secret_with_a_space", Auth::Basic("difficult-1", "with space")),
    ("a_secret_with_percent_and_plus", Auth::Basic("difficult-2", "100%+more")),
    ("a_secret_like_a_form", Auth::Basic("difficult-3", "a&b=c")),
    ("a_secret_with_colons", Auth::Basic("difficult-4", "colon:and:colon")),
    ("a_secret_that_is_not_ascii", Auth::Basic("difficult-5", "Zur\u{fc}ck-\u{20ac}-\u{1f511}")),
    ("an_id_that_is_a_url", Auth::Basic("https://app.example/?x=1", "s3cr3t")),
    ("an_id_with_a_colon", Auth::Basic("a:b", "c:d")),
];

impl Auth {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Basic(id, _) | Self::Post(id, _) | Self::Public(id) => id,
            Self::Missing => "",
        }
    }

    pub(super) const fn secret(self) -> Option<&'static str> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret),
            Self::Public(_) | Self::Missing => None,
        }
    }

    const fn method(self) -> ClientAuthenticationMethod {
        match self {
            Self::Basic(..) => ClientAuthenticationMethod::ClientSecretBasic,
            Self::Post(..) => ClientAuthenticationMethod::ClientSecretPost,
            Self::Public(_) | Self::Missing => ClientAuthenticationMethod::None,
        }
    }
}

/// A Basic header (RFC 7617) with form-encoded id and secret (RFC 6749 section 2.3.1).
pub(super) fn basic(id: &str, secret: &str) -> String {
    basic_of(format!("{}:{}", encode(id), encode(secret)))
}

/// A Basic header of any bytes.
pub(super) fn basic_of(pair: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

pub(super) fn registry() -> ClientRegistry {
    let plain = [APP, OTHER, POSTER, SPA, DEVICE].map(|auth| (client(auth), vec![auth]));
    let difficult = DIFFICULT.map(|(_, auth)| (client(auth), vec![auth]));
    let orders = IntrospectionAccess::Audiences(resources(&[ORDERS]));
    let unrotated = ClientPolicy::default().with_issue_refresh_tokens_on_refresh(false);
    let without_grace = ClientPolicy::default().with_grace_period(GracePeriod::Of(Duration::ZERO));
    let with_offline_access = ClientPolicy::default().with_require_offline_access(true);
    let absentee = client(ABSENTEE).with_scope(OFFLINE_SCOPE.parse().unwrap()).with_policy(with_offline_access);
    let short = ClientPolicy::default().with_access_token_lifetime(Duration::from_secs(60));
    let special = [
        (client(ORDERS_API).with_grant_types([]).with_introspection(orders.clone()), vec![ORDERS_API]),
        (client(GATEWAY).with_introspection(orders), vec![GATEWAY]),
        (client(AUDITOR).with_grant_types([]).with_introspection(IntrospectionAccess::Any), vec![AUDITOR]),
        (client(KEEPER).with_policy(unrotated), vec![KEEPER]),
        (client(STRICT).with_policy(without_grace), vec![STRICT]),
        (client(ROBOT).with_grant_types([GrantType::ClientCredentials]).with_policy(short), vec![ROBOT]),
        (absentee, vec![ABSENTEE]),
        (client(BANK).with_authorization_details_types(["account_information", "payment_initiation"]), vec![BANK]),
        (client(ONE_API).with_resources(resources(&[ORDERS])).with_accepts_audience(true), vec![ONE_API]),
        (client(OLD_SECRET), vec![OLD_SECRET, NEW_SECRET]),
        (client(SIGNED).with_userinfo_signed_response(true), vec![SIGNED]),
        (client(EITHER[0]).with_authentication_methods(AuthenticationMethods::Secret), vec![EITHER[0]]),
    ];
    let everybody = plain.into_iter().chain(difficult).chain(special);
    let registry = everybody.fold(ClientRegistry::new(), |registry, (client, secrets)| {
        let hashes = secrets.into_iter().filter_map(Auth::secret).map(ClientSecret::new);
        registry.register(client, hashes.map(|secret| SecretHash::sha256(&secret))).unwrap()
    });
    let of = |id, method| client(Auth::Public(id)).with_authentication_methods(method);
    let asserting = of(ASSERTING, ClientAuthenticationMethod::PrivateKeyJwt);
    let certified = of(CERTIFIED, ClientAuthenticationMethod::TlsClientAuth);
    let registry = registry.register_with_verifier(asserting, Arc::new(Assertions::default())).unwrap();
    registry.register_with_verifier(certified, Arc::new(Certificates)).unwrap()
}

/// The registration of [`APP`], [`OTHER`], [`POSTER`] and [`SPA`], which differ only in id and method.
pub(super) fn client(auth: Auth) -> Client {
    Client::new(ClientId::new(auth.id()).unwrap())
        .with_authentication_methods(auth.method())
        .with_redirect_uris([RedirectUri::new(REDIRECT).unwrap()])
        .with_post_logout_redirect_uris([RedirectUri::new(SIGNED_OUT).unwrap()])
        .with_grant_types([
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
            GrantType::Password,
            GrantType::DeviceCode,
            GrantType::TokenExchange,
        ])
        .with_scope(SCOPE.parse().unwrap())
        .with_resources(resources(&[ORDERS, BILLING]))
}

fn resources(uris: &[&str]) -> Resources {
    uris.iter().map(|uri| uri.parse().unwrap()).collect()
}

/// A form, sent as `auth`.
pub(super) fn post(endpoint: Endpoint, auth: Auth, parameters: Form<'_>) -> HttpRequest {
    let request = HttpRequest::new("POST", endpoint).header("content-type", "application/x-www-form-urlencoded");
    let with = |own: Form<'_>| form(&[parameters, own].concat());
    match auth {
        Auth::Basic(id, secret) => request.header("authorization", basic(id, secret)).body(with(&[])),
        Auth::Post(id, secret) => request.body(with(&[("client_id", id), ("client_secret", secret)])),
        Auth::Public(id) => request.body(with(&[("client_id", id)])),
        Auth::Missing => request.body(with(&[])),
    }
}
