//! The paths of the server: AM's, below the path of the issuer.

use std::collections::HashMap;

use regrant::Issuer;
use regrant::wire::{Endpoint, Paths};

/// A page or operation of the host. The endpoints of the library are [`Endpoint`]s.
#[derive(Clone, Copy)]
pub(crate) enum Page {
    Authenticate,
    SignIn,
    Authorize,
    Device,
}

/// The answer to a path.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    Endpoint(Endpoint),
    Page(Page),
}

/// Returns the paths for the metadata.
pub(crate) fn paths(issuer: &Issuer) -> Paths {
    Paths::am_7_5().under(issuer)
}

/// Returns the path of the sign-in form, beside the authorization endpoint.
pub(crate) fn sign_in(paths: &Paths) -> String {
    let authorize = paths.authorization.as_deref().unwrap_or_default();
    format!("{}/sign-in", authorize.trim_end_matches("/authorize"))
}

/// Returns the routes by path: the paths of the metadata, and AM's other spellings of them for the root realm.
pub(crate) fn routes(issuer: &Issuer) -> HashMap<String, Route> {
    let also = Paths {
        token: "/oauth2/token".to_owned(),
        openid_configuration: "/oauth2/.well-known/openid-configuration".to_owned(),
        ..Paths::am_7_5()
    };
    let authenticate = ["/json/authenticate", "/json/realms/root/authenticate"];
    let mut routes = HashMap::from(authenticate.map(|path| (path.to_owned(), Route::Page(Page::Authenticate))));
    for paths in [also, in_root_realm(), Paths::am_7_5()].map(|paths| paths.under(issuer)) {
        routes.insert(sign_in(&paths), Route::Page(Page::SignIn));
        routes.extend(paths.iter().map(|(endpoint, path)| (path.to_owned(), Route::Endpoint(endpoint))));
        routes.extend(paths.authorization.map(|path| (path, Route::Page(Page::Authorize))));
        routes.extend(paths.device_verification.map(|path| (path, Route::Page(Page::Device))));
    }
    routes
}

/// Returns the URLs at which clients authenticate. Their assertions may name each of them as the audience.
pub(crate) fn audiences(issuer: &Issuer) -> Vec<String> {
    let paths = [Paths::am_7_5(), in_root_realm()].map(|paths| paths.under(issuer));
    let of = |paths: Paths| {
        let pushed = paths.pushed_authorization_request;
        [paths.token, pushed, paths.revocation, paths.introspection, paths.device_authorization]
    };
    paths.into_iter().flat_map(of).map(|path| format!("{}{path}", issuer.origin())).collect()
}

fn in_root_realm() -> Paths {
    let below = |path: String| path.replacen("/oauth2/", "/oauth2/realms/root/", 1);
    let am = Paths::am_7_5();
    Paths {
        token: below(am.token),
        pushed_authorization_request: below(am.pushed_authorization_request),
        revocation: below(am.revocation),
        introspection: below(am.introspection),
        device_authorization: below(am.device_authorization),
        userinfo: below(am.userinfo),
        end_session: below(am.end_session),
        registration: below(am.registration),
        jwks: below(am.jwks),
        metadata: am.metadata,
        openid_configuration: "/oauth2/realms/root/.well-known/openid-configuration".to_owned(),
        authorization: am.authorization.map(below),
        device_verification: am.device_verification.map(below),
    }
}
