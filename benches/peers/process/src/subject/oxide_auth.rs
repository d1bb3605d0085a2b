//! oxide-auth with its `TokenMap`. It hashes nothing, forgets spent tokens, and has no introspection endpoint:
//! `ResourceFlow` is what its resource servers call.

use std::time::{Duration, SystemTime};

use oxide_auth::endpoint::Scope;
use oxide_auth::frontends::simple::endpoint::{refresh_flow, resource_flow};
use oxide_auth::frontends::simple::request::{Request, Response};
use oxide_auth::primitives::generator::RandomGenerator;
use oxide_auth::primitives::grant::{Extensions, Grant};
use oxide_auth::primitives::issuer::{Issuer as _, TokenMap};
use oxide_auth::primitives::registrar::{Client, ClientMap, RegisteredUrl};

use super::Subject;
use crate::session::{JsonString, Sessions};
use crate::{CLIENT, SCOPE, Work, owner};

const CALLBACK: &str = "https://app.example/callback";

pub(crate) struct OxideAuth {
    registrar: ClientMap,
    issuer: TokenMap<RandomGenerator>,
    scopes: [Scope; 1],
    created: usize,
    sessions: Sessions,
    refresh_token: JsonString,
    access_token: JsonString,
}

impl OxideAuth {
    pub(crate) fn new(grants: usize) -> Self {
        let scope: Scope = SCOPE.parse().expect("a scope");
        let callback = RegisteredUrl::Semantic(CALLBACK.parse().expect("a URL"));
        let mut registrar = ClientMap::new();
        registrar.register_client(Client::public(CLIENT, callback, scope.clone()));
        let mut subject = Self {
            registrar,
            issuer: TokenMap::new(RandomGenerator::new(16)),
            scopes: [scope],
            created: 0,
            sessions: Sessions::default(),
            refresh_token: JsonString::after("\"refresh_token\":\""),
            access_token: JsonString::after("\"access_token\":\""),
        };
        for _ in 0..grants {
            let (refresh, access) = subject.issue();
            subject.sessions.push(&refresh, &access);
        }
        subject
    }

    fn issue(&mut self) -> (String, String) {
        let grant = Grant {
            owner_id: owner(self.created),
            client_id: CLIENT.to_owned(),
            scope: self.scopes[0].clone(),
            redirect_uri: CALLBACK.parse().expect("a URL"),
            until: (SystemTime::now() + Duration::from_secs(30 * 24 * 3600)).into(),
            extensions: Extensions::new(),
        };
        self.created += 1;
        let issued = self.issuer.issue(grant).expect("issued");
        (issued.refresh.expect("a refresh token"), issued.token)
    }

    fn execute(&mut self, request: Request) -> String {
        let response: Response = refresh_flow(&self.registrar, &mut self.issuer)
            .execute(request)
            .unwrap_or_else(|_| panic!("the flow fails"));
        match response.body {
            Some(oxide_auth::frontends::simple::request::Body::Json(json)) => json,
            _ => panic!("no JSON"),
        }
    }
}

impl Subject for OxideAuth {
    fn name(&self, work: Work) -> Option<&'static str> {
        match work {
            Work::Refresh | Work::RefreshForm | Work::Introspect | Work::Logout | Work::IssueRevoke => {
                Some("oxide-auth")
            }
            Work::RefreshBare | Work::IntrospectBare => Some("oxide-auth-issuer"),
            _ => None,
        }
    }

    fn prepare(&mut self, work: Work, places: &[usize], _: usize) {
        self.sessions.load(places);
        if work == Work::RefreshForm {
            for session in &mut self.sessions.slots {
                let token = session.refresh.clone();
                session.write_form("grant_type=refresh_token&client_id=app&refresh_token=", &token);
            }
        }
    }

    fn call(&mut self, work: Work, slot: usize) {
        match work {
            Work::Refresh => {
                let mut request = Request::default();
                request.urlbody.insert("grant_type".to_owned(), "refresh_token".to_owned());
                request.urlbody.insert("refresh_token".to_owned(), self.sessions.slots[slot].refresh.clone());
                let json = self.execute(request);
                let refresh = self.refresh_token.find(json.as_bytes());
                self.sessions.slots[slot].take(refresh, self.access_token.find(json.as_bytes()));
            }
            Work::RefreshForm => {
                let form = form_urlencoded::parse(&self.sessions.slots[slot].form);
                let request = Request { urlbody: form.into_owned().collect(), ..Request::default() };
                let json = self.execute(request).into_bytes();
                let session = &mut self.sessions.slots[slot];
                let token = self.refresh_token.find(&json);
                session.refresh.clear();
                session.refresh.push_str(token);
                session.write_form("grant_type=refresh_token&client_id=app&refresh_token=", token);
            }
            Work::RefreshBare => {
                let session = &mut self.sessions.slots[slot];
                let grant = self.issuer.recover_refresh(&session.refresh).expect("no failure").expect("a grant");
                let tokens = self.issuer.refresh(&session.refresh, grant).expect("refreshed");
                session.take(&tokens.refresh.expect("a refresh token"), &tokens.token);
            }
            Work::Introspect => {
                let auth = Some(format!("Bearer {}", self.sessions.slots[slot].access));
                let request = Request { auth, ..Request::default() };
                let granted = resource_flow(&mut self.issuer, &self.scopes).execute(request);
                assert!(granted.is_ok());
            }
            Work::IntrospectBare => {
                let recovered = self.issuer.recover_token(&self.sessions.slots[slot].access).expect("no failure");
                assert!(recovered.is_some());
            }
            Work::Logout => {
                let session = &self.sessions.slots[slot];
                self.issuer.revoke(&session.refresh);
                self.issuer.revoke(&session.access);
            }
            Work::IssueRevoke => {
                let (refresh, access) = self.issue();
                self.issuer.revoke(&refresh);
                self.issuer.revoke(&access);
            }
            _ => unreachable!("not named"),
        }
    }

    fn finish(&mut self, work: Work, places: &[usize]) {
        if work.scans() {
            for slot in 0..places.len() {
                let (refresh, access) = self.issue();
                self.sessions.slots[slot].take(&refresh, &access);
            }
        }
        if !matches!(work, Work::Introspect | Work::IntrospectBare) {
            self.sessions.save(places);
        }
    }

    fn client_bytes(&self) -> usize {
        self.sessions.bytes()
    }
}
