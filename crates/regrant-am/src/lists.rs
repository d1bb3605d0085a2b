use super::attributes::Attributes;
use super::error::ImportError;
use super::finding::Meaning;
use regrant::client::IntrospectionAccess;
use regrant::{GrantType, RedirectUri, Scope};

/// The scopes that allow a client of AM to introspect all tokens.
const INTROSPECT_ALL: [&str; 2] = ["am-introspect-all-tokens", "am-introspect-all-tokens-any-realm"];

impl Attributes {
    /// Takes `grantTypes`, without those that have no meaning here.
    pub(super) fn grant_types(&mut self) -> Result<Option<Vec<GrantType>>, ImportError> {
        let name = "grantTypes";
        let Some(items) = self.list(name)? else { return Ok(None) };
        let mut grant_types = Vec::new();
        for item in items {
            match item.parse() {
                Ok(grant_type) if grant_types.contains(&grant_type) => {}
                Ok(grant_type) => grant_types.push(grant_type),
                Err(_) => self.report_item(name, &item, Meaning::LeftOut("no grant type of this name is known")),
            }
        }
        Ok(Some(grant_types))
    }

    /// Takes a list of scopes: `read`, `read|Read your data` or `read|en|Read your data`.
    pub(super) fn scopes(&mut self, name: &'static str) -> Result<Scope, ImportError> {
        let mut tokens: Vec<String> = Vec::new();
        let mut is_described = false;
        for item in self.list(name)?.unwrap_or_default() {
            let (token, description) = item.split_once('|').unwrap_or((&item, ""));
            is_described |= !description.is_empty();
            match Scope::new(token) {
                Ok(scope) if scope.iter().count() == 1 => tokens.push(token.to_owned()),
                _ => self.report_item(name, &item, Meaning::LeftOut("not a scope (RFC 6749 section 3.3)")),
            }
        }
        if is_described {
            self.report(name, Meaning::Host("the texts for the consent page; the scopes themselves are taken over"));
        }
        // Each token is valid by itself, so together they are a valid scope.
        Ok(Scope::new(&tokens.join(" ")).unwrap_or_default())
    }

    /// Takes `redirectionUris`.
    pub(super) fn redirect_uris(&mut self) -> Result<Vec<RedirectUri>, ImportError> {
        let name = "redirectionUris";
        let any_port = self.boolean("loopbackInterfaceRedirection")?.unwrap_or(false);
        let mut uris = Vec::new();
        for item in self.list(name)?.unwrap_or_default() {
            match (wildcard_port(&item), RedirectUri::new(&item)) {
                (Some(port), _) if any_port => match RedirectUri::new(item.replacen(port, "", 1)) {
                    Ok(uri) if is_loopback(&uri) => {
                        let why = "loopback addresses are open to any port (RFC 8252 section 7.3)";
                        self.report_item(name, &item, Meaning::Replaced { by: uri.to_string(), why });
                        uris.push(uri);
                    }
                    _ => {
                        let why =
                            "wildcards are for the ports of http://127.0.0.1 and http://[::1] only: register each URI";
                        self.report_item(name, &item, Meaning::LeftOut(why));
                    }
                },
                (_, Ok(uri)) => {
                    if is_loopback(&uri) && !any_port {
                        let how = "any port of the loopback address is accepted (RFC 8252 section 7.3)";
                        self.report_item(name, &item, Meaning::Differs(how));
                    }
                    uris.push(uri);
                }
                (_, Err(_)) => {
                    let why = "not an absolute URI without a fragment (RFC 6749 section 3.1.2)";
                    self.report_item(name, &item, Meaning::LeftOut(why));
                }
            }
        }
        Ok(uris)
    }

    /// Takes `postLogoutRedirectUri`.
    pub(super) fn post_logout_redirect_uris(&mut self) -> Result<Vec<RedirectUri>, ImportError> {
        let name = "postLogoutRedirectUri";
        let mut uris = Vec::new();
        for item in self.list(name)?.unwrap_or_default() {
            match RedirectUri::new(&item) {
                Ok(uri) => uris.push(uri),
                Err(_) => self.report_item(name, &item, Meaning::LeftOut("not an absolute URI without a fragment")),
            }
        }
        Ok(uris)
    }
}

/// The tokens that a client of `scope` may introspect.
pub(super) fn introspection(scope: &Scope) -> IntrospectionAccess {
    if INTROSPECT_ALL.into_iter().any(|token| scope.contains(token)) {
        IntrospectionAccess::Any
    } else {
        IntrospectionAccess::Own
    }
}

/// The port of a URI, with its colon, if it is a pattern: `*`, `80?0`, `80[8-9]0`.
fn wildcard_port(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split('/').next()?;
    let behind_host = authority.rfind("]:").map_or_else(|| authority.find(':'), |bracket| Some(bracket + 1))?;
    let port = authority.get(behind_host..)?;
    port.contains(['*', '?', '[']).then_some(port)
}

fn is_loopback(uri: &RedirectUri) -> bool {
    let behind = |origin| uri.as_str().strip_prefix(origin);
    let rest = behind("http://127.0.0.1").or_else(|| behind("http://[::1]"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '?']))
}
