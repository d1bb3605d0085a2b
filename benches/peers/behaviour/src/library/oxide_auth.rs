use std::time::{Duration, SystemTime};

use oxide_auth::endpoint::Scope;
use oxide_auth::frontends::simple::endpoint::refresh_flow;
use oxide_auth::frontends::simple::request::{Body, Request, Response};
use oxide_auth::primitives::generator::RandomGenerator;
use oxide_auth::primitives::grant::{Extensions, Grant};
use oxide_auth::primitives::issuer::{Issuer as _, TokenMap};
use oxide_auth::primitives::registrar::{Client, ClientMap, RegisteredUrl};
use serde_json::Value;

use super::{CLIENT, Library, SCOPE, Tokens};

const CALLBACK: &str = "https://app.example/callback";

/// oxide-auth reads the clock of the machine, so no time passes. Its answers in these scenes do not depend on time: it
/// forgets a token with the refresh.
pub(crate) struct OxideAuth {
    registrar: ClientMap,
    issuer: TokenMap<RandomGenerator>,
}

impl OxideAuth {
    pub(crate) fn new() -> Self {
        let mut registrar = ClientMap::new();
        let callback = RegisteredUrl::Semantic(CALLBACK.parse().expect("a URL"));
        registrar.register_client(Client::public(CLIENT, callback, scope()));
        Self { registrar, issuer: TokenMap::new(RandomGenerator::new(16)) }
    }
}

impl Library for OxideAuth {
    fn sign_in(&mut self) -> String {
        let grant = Grant {
            owner_id: "demo".to_owned(),
            client_id: CLIENT.to_owned(),
            scope: scope(),
            redirect_uri: CALLBACK.parse().expect("a URL"),
            until: (SystemTime::now() + Duration::from_secs(365 * 24 * 3600)).into(),
            extensions: Extensions::new(),
        };
        self.issuer.issue(grant).expect("issued").refresh.expect("a refresh token")
    }

    fn refresh(&mut self, token: &str, scope: Option<&str>) -> Option<Tokens> {
        let mut request = Request::default();
        let parameters = [("grant_type", Some("refresh_token")), ("refresh_token", Some(token)), ("scope", scope)];
        for (name, value) in parameters {
            request.urlbody.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        let response: Response = refresh_flow(&self.registrar, &mut self.issuer).execute(request).ok()?;
        let Some(Body::Json(json)) = response.body else { return None };
        let members: Value = serde_json::from_str(&json).expect("JSON");
        let text = |name: &str| members[name].as_str().map(str::to_owned);
        Some(Tokens { refresh: text("refresh_token")?, access: text("access_token")?, scope: text("scope")? })
    }

    fn pass(&mut self, _: Duration) {}
}

fn scope() -> Scope {
    SCOPE.parse().expect("a scope")
}
