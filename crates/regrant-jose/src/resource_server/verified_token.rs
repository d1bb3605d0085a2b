use std::fmt;
use std::sync::Arc;

use regrant::clock::Timestamp;
use regrant::grant::{Actor, Confirmation};
use regrant::{ClientId, Scope, Subject};
use serde_json::{Map, Value};

use crate::base64url;
use crate::jws::Claims;
use crate::jws::JwsError;

/// A valid access token: its subject, client, scope and expiry as stated by the issuer. Clones share the data.
///
/// Only verification creates one, so a function that takes one knows that the token was verified.
#[derive(Clone)]
pub struct VerifiedToken(Arc<Statement>);

struct Statement {
    subject: Option<Subject>,
    client_id: Option<ClientId>,
    scope: Scope,
    expires_at: Option<Timestamp>,
    confirmation: Option<Confirmation>,
    actor: Option<Actor>,
    claims: Claims,
}

impl VerifiedToken {
    /// Reads the claims of a JWT, or the members of an introspection response.
    pub(super) fn from_claims(claims: Claims) -> Result<Self, JwsError> {
        let parsed = Statement {
            subject: parse_text(&claims, "sub", |sub| Subject::new(sub).ok())?,
            client_id: parse_text(&claims, "client_id", |client_id| ClientId::new(client_id).ok())?,
            scope: parse_text(&claims, "scope", |scope| Scope::new(scope).ok())?.unwrap_or_default(),
            expires_at: claims.optional_time("exp")?,
            confirmation: parse_object(&claims, "cnf", confirmation)?,
            actor: parse_object(&claims, "act", actor)?,
            claims,
        };
        match parsed.claims.value("authorization_details") {
            Some(details) if !are_details(details) => return Err(JwsError::Claim("authorization_details")),
            _ => {}
        }
        parsed.claims.optional_text("iss")?;
        parsed.claims.optional_time("iat")?;
        parsed.claims.optional_time("nbf")?;
        parsed.claims.value("aud").map(|_| parsed.claims.audience()).transpose()?;
        Ok(Self(Arc::new(parsed)))
    }

    /// The subject for whom the client acts (`sub`). If the client acts for itself, this is the client id in a JWT (RFC
    /// 9068 section 2.2), and absent in an introspection response of regrant. Compare it with
    /// [`client_id`](Self::client_id) where it matters; RFC 9700 section 4.15 explains why subjects must not look like
    /// client ids.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.0.subject.as_ref()
    }

    /// The client to which the token was issued. Always present in a JWT, optional in an introspection response.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        self.0.client_id.as_ref()
    }

    /// The scope; empty if the issuer stated none.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The resource servers for which the token is valid; empty if the issuer stated none.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.0.claims.audience().unwrap_or_default()
    }

    /// The expiry. Always present in a JWT, optional in an introspection response.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// The key that the token is bound to. The request has proved possession of it.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.0.confirmation.as_ref()
    }

    /// The actor after a token exchange (`act`, RFC 8693 section 4.1).
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.0.actor.as_ref()
    }

    /// The authorization details (RFC 9396 section 9): objects with a `type` each; empty if the token has none. Each
    /// object grants what its type defines, beside the scope.
    ///
    /// ```
    /// # use regrant_jose::resource_server::VerifiedToken;
    /// fn may_read(token: &VerifiedToken, account: &str) -> bool {
    ///     token.authorization_details().iter().any(|detail| detail["type"] == "account" && detail["iban"] == account)
    /// }
    /// ```
    #[must_use]
    pub fn authorization_details(&self) -> &[Value] {
        self.0.claims.value("authorization_details").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The authentication context class of the user's authentication (`acr`, RFC 9068 section 2.2.1).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.0.claims.optional_text("acr").ok().flatten()
    }

    /// The time at which the user signed in (`auth_time`, RFC 9068 section 2.2.1).
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.0.claims.optional_time("auth_time").ok().flatten()
    }

    /// The issuer. Always present in a JWT, optional in an introspection response.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.claims.optional_text("iss").ok().flatten()
    }

    /// All claims, with those that the issuer adds.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("client_id", &self.0.client_id)
            .field("scope", &self.0.scope)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

/// RFC 9396 section 2: an array of objects, each with a string `type`. Anything else could be read in two ways.
fn are_details(value: &Value) -> bool {
    let has_type = |detail: &Value| detail.get("type").is_some_and(Value::is_string);
    value.as_array().is_some_and(|details| details.iter().all(has_type))
}

fn parse_text<T>(claims: &Claims, name: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, JwsError> {
    claims.optional_text(name)?.map(|text| parse(text).ok_or(JwsError::Claim(name))).transpose()
}

fn parse_object<T>(
    claims: &Claims,
    name: &'static str,
    read: fn(&Map<String, Value>) -> Option<T>,
) -> Result<Option<T>, JwsError> {
    let read = |value: &Value| value.as_object().and_then(read).ok_or(JwsError::Claim(name));
    claims.value(name).map(read).transpose()
}

/// An unknown binding, or one to two keys of which only one would be checked, is an error: it must not result in a
/// bearer token.
fn confirmation(cnf: &Map<String, Value>) -> Option<Confirmation> {
    let thumbprint = |value: &Value| base64url::decode_array(value.as_str()?);
    match (cnf.get("jkt"), cnf.get("x5t#S256")) {
        (Some(jkt), None) => thumbprint(jkt).map(Confirmation::DpopKey),
        (None, Some(x5t)) => thumbprint(x5t).map(Confirmation::Certificate),
        _ => None,
    }
}

/// The recursion is limited by the depth of the JSON.
fn actor(act: &Map<String, Value>) -> Option<Actor> {
    let subject = Subject::new(act.get("sub")?.as_str()?).ok()?;
    let former = match act.get("act") {
        Some(former) => Some(actor(former.as_object()?)?),
        None => None,
    };
    Some(Actor::new(subject, former))
}
