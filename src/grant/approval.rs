use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::vocabulary::{Confirmation, Resources, Scope, Subject, Timestamp};

/// What was approved, by whom, and how they were authenticated: the same for the whole life of a grant.
///
/// ```
/// use regrant::{Approval, Scope, Subject};
///
/// let approval = Approval::of(Subject::new("demo")?).with_scope(Scope::new("read write")?);
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// The resource owner; absent when the client acts for itself.
    pub subject: Option<Subject>,
    /// What was consented to. It never shrinks and never grows.
    pub scope: Scope,
    /// The resources consented to (RFC 8707).
    pub resources: Resources,
    /// The key that whoever presents a code or refresh token must prove to possess. A host may set it, for any client.
    /// For a public client the first key that it shows when tokens are issued or rotated does (RFC 9449 section 5): it
    /// binds the refresh tokens issued from then on.
    pub confirmation: Option<Confirmation>,
    /// When the resource owner was authenticated (OpenID Connect `auth_time`).
    pub auth_time: Option<Timestamp>,
    /// How well (OpenID Connect `acr`).
    pub acr: Option<String>,
    /// By which methods (OpenID Connect `amr`).
    pub amr: Vec<String>,
    /// The `nonce` of the authentication request.
    pub nonce: Option<String>,
    /// The session at the authorization server in which it was approved (`sid` of an `id_token`).
    pub session_id: Option<String>,
    /// Who acts for the resource owner (`act`, RFC 8693 section 4.1); token exchange records it.
    pub actor: Option<Actor>,
    /// Who may become the actor by token exchange (`may_act`, RFC 8693 section 4.4); absent says nothing.
    pub may_act: Option<Subject>,
    /// Bytes of the host's own, carried along unread. Keep them few: they are read and written with every request.
    pub data: Vec<u8>,
}

impl Approval {
    /// The approval of a resource owner, of nothing yet.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Sets the scope consented to.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the resources consented to.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Sets the key that holders must prove to possess.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }

    /// Sets when, how well and by which methods the resource owner was authenticated.
    #[must_use]
    pub fn with_authentication(mut self, auth_time: Timestamp, acr: Option<String>, amr: Vec<String>) -> Self {
        self.auth_time = Some(auth_time);
        self.acr = acr;
        self.amr = amr;
        self
    }

    /// Sets the nonce of the authentication request.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<String>) -> Self {
        self.nonce = nonce;
        self
    }

    /// Sets the session in which it was approved.
    #[must_use]
    pub fn with_session_id(mut self, session_id: Option<String>) -> Self {
        self.session_id = session_id;
        self
    }

    /// Sets who acts for the resource owner.
    #[must_use]
    pub fn with_actor(mut self, actor: Option<Actor>) -> Self {
        self.actor = actor;
        self
    }

    /// Sets who may become the actor.
    #[must_use]
    pub fn with_may_act(mut self, may_act: Option<Subject>) -> Self {
        self.may_act = may_act;
        self
    }

    /// Sets the host's own bytes.
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }
}

/// Who acts for a resource owner, and for whom in turn that one acts (`act`, RFC 8693 section 4.1): the current actor
/// outermost, the first one innermost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    /// The actor: a resource owner, or a client by its id.
    pub subject: Subject,
    /// Who acted before.
    pub former: Option<Box<Self>>,
}

impl Actor {
    /// How long a chain may be. Each exchange adds one, and the whole chain is written into every token.
    pub(crate) const MAX_CHAIN: usize = 8;

    /// `subject` acting after `former`.
    #[must_use]
    pub fn new(subject: Subject, former: Option<Self>) -> Self {
        Self { subject, former: former.map(Box::new) }
    }

    /// The actors from the current one to the first.
    pub fn chain(&self) -> impl Iterator<Item = &Subject> {
        std::iter::successors(Some(self), |actor| actor.former.as_deref()).map(|actor| &actor.subject)
    }
}

impl Serialize for Actor {
    /// The value of `act` (RFC 8693 section 4.1): the current actor outside, former ones inside.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(1 + usize::from(self.former.is_some())))?;
        members.serialize_entry("sub", self.subject.as_str())?;
        if let Some(former) = &self.former {
            members.serialize_entry("act", former)?;
        }
        members.end()
    }
}
