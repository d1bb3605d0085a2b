use std::fmt;
use std::sync::Arc;

use regrant::clock::Timestamp;
use regrant::grant::{Actor, Confirmation};
use regrant::{ClientId, Scope, Subject};
use serde_json::{Map, Value};

use crate::base64url;
use crate::claims::Claims;
use crate::error::JwsError;

/// A good access token: who may do what, until when, in the words of its issuer. Clones share it.
///
/// It cannot be built but by verification, so whatever takes one as its argument has been authorized.
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
    /// What the claims of a token, or the members of an introspection answer, say.
    pub(super) fn of(claims: Claims) -> Result<Self, JwsError> {
        let parsed = Statement {
            subject: parsed(&claims, "sub", |sub| Subject::new(sub).ok())?,
            client_id: parsed(&claims, "client_id", |client_id| ClientId::new(client_id).ok())?,
            scope: parsed(&claims, "scope", |scope| Scope::new(scope).ok())?.unwrap_or_default(),
            expires_at: claims.optional_time("exp")?,
            confirmation: member(&claims, "cnf", confirmation)?,
            actor: member(&claims, "act", actor)?,
            claims,
        };
        parsed.claims.optional_text("iss")?;
        parsed.claims.optional_time("iat")?;
        parsed.claims.optional_time("nbf")?;
        parsed.claims.value("aud").map(|_| parsed.claims.audience()).transpose()?;
        Ok(Self(Arc::new(parsed)))
    }

    /// For whom the client acts (`sub`). When it acts for itself this is the client id in a JWT (RFC 9068 section 2.2) and
    /// absent in an introspection answer of regrant: compare with [`client_id`](Self::client_id) where it matters, and see
    /// RFC 9700 section 4.15 for why subjects must not look like client ids.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.0.subject.as_ref()
    }

    /// The client that it was issued to. A JWT always has it, an introspection answer need not.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        self.0.client_id.as_ref()
    }

    /// What it is good for; empty when nothing was said.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The resource servers that it is for; empty when none was named.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.0.claims.audience().unwrap_or_default()
    }

    /// When it expires. A JWT always tells, an introspection answer need not.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// The key it is bound to. The request has shown possession of it.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.0.confirmation.as_ref()
    }

    /// Who acts for the subject, after a token exchange (`act`, RFC 8693 section 4.1).
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.0.actor.as_ref()
    }

    /// Who issued it. A JWT always tells, an introspection answer need not.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.claims.optional_text("iss").ok().flatten()
    }

    /// All that is said of it: `auth_time`, `acr`, and whatever else the issuer adds.
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

fn parsed<T>(claims: &Claims, name: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, JwsError> {
    claims.optional_text(name)?.map(|text| parse(text).ok_or(JwsError::Claim(name))).transpose()
}

fn member<T>(
    claims: &Claims,
    name: &'static str,
    read: fn(&Map<String, Value>) -> Option<T>,
) -> Result<Option<T>, JwsError> {
    let read = |value: &Value| value.as_object().and_then(read).ok_or(JwsError::Claim(name));
    claims.value(name).map(read).transpose()
}

/// A binding that is not understood, or to two keys of which only one would be asked for, must not make a bearer token.
fn confirmation(cnf: &Map<String, Value>) -> Option<Confirmation> {
    let thumbprint = |value: &Value| base64url::decode_array(value.as_str()?);
    match (cnf.get("jkt"), cnf.get("x5t#S256")) {
        (Some(jkt), None) => thumbprint(jkt).map(Confirmation::DpopKey),
        (None, Some(x5t)) => thumbprint(x5t).map(Confirmation::Certificate),
        _ => None,
    }
}

/// No deeper than the JSON was allowed to be.
fn actor(act: &Map<String, Value>) -> Option<Actor> {
    let subject = Subject::new(act.get("sub")?.as_str()?).ok()?;
    let former = match act.get("act") {
        Some(former) => Some(actor(former.as_object()?)?),
        None => None,
    };
    Some(Actor::new(subject, former))
}
