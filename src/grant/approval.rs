use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::vocabulary::{AuthorizationDetails, Confirmation, Resources, Scope, Subject, Timestamp};

/// An approval: its subject, its content, and the authentication behind it. The same for the whole life of a grant.
///
/// The host makes one after the resource owner consented, and gives it to the service in an
/// [`AuthorizeRequest`](crate::AuthorizeRequest) or [`IssueRequest`](crate::IssueRequest). Access tokens, `id_token`s
/// and introspection repeat its facts.
///
/// | field | access token (RFC 9068) | `id_token` | introspection (RFC 7662) |
/// |---|---|---|---|
/// | `subject` | `sub` | `sub` | `sub` |
/// | `scope` | `scope`, as far as requested | | `scope` |
/// | `resources` | `aud`, as far as requested | | `aud` |
/// | `authorization_details` | the same, as far as requested | | the same |
/// | `auth_time`, `acr`, `amr` | the same names | the same names | the same names |
/// | `nonce` | | `nonce`, at redemption | |
/// | `session_id` | | `sid` | |
/// | `actor`, `may_act` | `act`, `may_act` | | `act`, `may_act` |
///
/// The facts describe the moment of consent and are not updated. An account that was closed since is refused by the
/// [`SubjectGate`](crate::host::SubjectGate).
///
/// ```
/// use regrant::{Approval, Scope, Subject};
///
/// let approval = Approval::of(Subject::new("demo")?).with_scope(Scope::new("read write")?);
///
/// // For an OpenID Connect request: the facts that go into the `id_token`.
/// let signed_in_at = "2026-11-23T12:00:00Z".parse()?;
/// let approval = Approval::of(Subject::new("demo")?)
///     .with_scope(Scope::new("openid read")?)
///     .with_authentication(signed_in_at, None, vec!["pwd".to_owned(), "otp".to_owned()])
///     .with_nonce("n-0S6_WzA2Mj".to_owned());
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// The resource owner; absent when the client acts for itself. Use an id that is never given to another person: an
    /// address that is assigned again would hand over the sessions of its former owner.
    pub subject: Option<Subject>,
    /// The scope consented to. It never shrinks and never grows. A refresh may ask for less and later for all of it
    /// again (RFC 6749 section 6).
    pub scope: Scope,
    /// The resources consented to (RFC 8707). Each token names a selection of them as its audience. If empty, tokens
    /// have the [default audience](crate::Client::default_audience_or) of the client.
    pub resources: Resources,
    /// The authorization details consented to (RFC 9396). Each token has a selection of them. The host has checked the
    /// members of each object and may have added some: only the host knows its types. The client must be registered for
    /// each type ([`authorization_details_types`](crate::Client::authorization_details_types)).
    pub authorization_details: Option<AuthorizationDetails>,
    /// The key that a request with a code or refresh token must prove to possess. The host may set one for any client.
    /// For a public client the service sets the first key that is proven when tokens are issued or rotated (RFC 9449
    /// section 5). That key binds the refresh tokens issued from then on.
    pub confirmation: Option<Confirmation>,
    /// The time at which the resource owner was authenticated (OpenID Connect `auth_time`). Not the time of consent: a
    /// session may be hours old by then.
    pub auth_time: Option<Timestamp>,
    /// The strength of that authentication (OpenID Connect `acr`), by the name that the host and its clients agreed on.
    pub acr: Option<String>,
    /// The methods of that authentication (OpenID Connect `amr`), by the names of RFC 8176 section 2.
    pub amr: Vec<String>,
    /// The `nonce` of the authentication request (OpenID Connect Core section 3.1.2.1). The client compares it, so that
    /// an `id_token` of another sign-in cannot be injected.
    pub nonce: Option<String>,
    /// The session at the authorization server in which the grant was approved (`sid` of an `id_token`).
    pub session_id: Option<String>,
    /// The party that acts for the resource owner (`act`, RFC 8693 section 4.1). Token exchange records it.
    pub actor: Option<Actor>,
    /// The only party that may become the actor by token exchange (`may_act`, RFC 8693 section 4.4). Absent: no limit.
    pub may_act: Option<Subject>,
    /// Bytes of the host, which the service carries along unread: a device name, a tenant, the id of a consent receipt.
    /// Keep them few, since they are read and written with every request. Stores keep them in plain text.
    pub data: Vec<u8>,
}

impl Approval {
    /// Returns the approval of a resource owner, of an empty scope. Add a scope with [`with_scope`](Self::with_scope).
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self::bare(Some(subject), Scope::empty())
    }

    /// Returns an approval of `scope` without any other fact.
    pub(super) const fn bare(subject: Option<Subject>, scope: Scope) -> Self {
        Self {
            subject,
            scope,
            resources: Resources::empty(),
            authorization_details: None,
            confirmation: None,
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            nonce: None,
            session_id: None,
            actor: None,
            may_act: None,
            data: Vec::new(),
        }
    }

    /// Sets the scope consented to. The service refuses an approval that exceeds the registered scope of the client.
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

    /// Sets the authorization details consented to.
    ///
    /// ```
    /// use regrant::{Approval, AuthorizationDetails, Subject};
    ///
    /// let payment = AuthorizationDetails::new(r#"[{"type":"payment_initiation","instructedAmount":"123.50"}]"#)?;
    /// let approval = Approval::of(Subject::new("demo")?).with_authorization_details(payment.clone());
    /// assert_eq!(approval.authorization_details, Some(payment));
    /// # Ok::<(), regrant::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn with_authorization_details(mut self, details: impl Into<Option<AuthorizationDetails>>) -> Self {
        self.authorization_details = details.into();
        self
    }

    /// Sets the key that holders must prove to possess, from issue on. Without it a public client may still bind its
    /// tokens with its first proof.
    #[must_use]
    pub fn with_confirmation(mut self, confirmation: impl Into<Option<Confirmation>>) -> Self {
        self.confirmation = confirmation.into();
        self
    }

    /// Sets time, strength and methods of the authentication of the resource owner. An OpenID Connect request with
    /// `max_age` requires the time (Core section 3.1.2.1).
    #[must_use]
    pub fn with_authentication(
        mut self,
        auth_time: Timestamp,
        acr: impl Into<Option<String>>,
        amr: Vec<String>,
    ) -> Self {
        self.auth_time = Some(auth_time);
        self.acr = acr.into();
        self.amr = amr;
        self
    }

    /// Sets the nonce of the authentication request.
    #[must_use]
    pub fn with_nonce(mut self, nonce: impl Into<Option<String>>) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Sets the session in which the grant was approved, so that a client can match a later logout request to
    /// its session (OpenID Connect Back-Channel Logout 1.0).
    #[must_use]
    pub fn with_session_id(mut self, session_id: impl Into<Option<String>>) -> Self {
        self.session_id = session_id.into();
        self
    }

    /// Sets the party that acts for the resource owner.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<Option<Actor>>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Sets the only party that may become the actor. An exchange by another party is refused with
    /// [`Refusal::ActorNotAllowed`](crate::Refusal::ActorNotAllowed).
    ///
    /// ```
    /// use regrant::{Approval, Subject};
    ///
    /// // Only the shipping service may act for the user with this token.
    /// let approval = Approval::of(Subject::from_static("demo")).with_may_act(Subject::from_static("shipping"));
    /// assert_eq!(approval.may_act.as_ref().map(Subject::as_str), Some("shipping"));
    /// ```
    #[must_use]
    pub fn with_may_act(mut self, may_act: impl Into<Option<Subject>>) -> Self {
        self.may_act = may_act.into();
        self
    }

    /// Sets the bytes of the host.
    ///
    /// ```
    /// use regrant::{Approval, Subject};
    ///
    /// let approval = Approval::of(Subject::from_static("demo")).with_data(b"Firefox on Linux".to_vec());
    /// assert_eq!(approval.data, b"Firefox on Linux");
    /// ```
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }
}

impl Default for Approval {
    fn default() -> Self {
        Self::bare(None, Scope::empty())
    }
}

/// A chain of actors (`act`, RFC 8693 section 4.1): the current actor acts for the resource owner, and after the former
/// ones.
///
/// Only the current actor counts for access decisions. The former ones are for audit (RFC 8693 section 4.1). In JSON a
/// chain is `{"sub": "shipping", "act": {"sub": "shop"}}`.
///
/// ```
/// use regrant::Subject;
/// use regrant::grant::Actor;
///
/// // The shop passed the order on to shipping, which now acts.
/// let shop = Actor::new(Subject::new("shop")?, None);
/// let shipping = Actor::new(Subject::new("shipping")?, Some(shop));
/// let chain: Vec<&str> = shipping.chain().map(Subject::as_str).collect();
/// assert_eq!(chain, ["shipping", "shop"]);
/// # Ok::<(), regrant::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    /// The actor: a resource owner, or a client by its id.
    pub subject: Subject,
    /// The actor before this one.
    pub former: Option<Box<Self>>,
}

impl Actor {
    /// The maximum length of a chain. Each exchange adds an actor, and the whole chain is written into every token.
    pub(crate) const MAX_CHAIN: usize = 8;

    /// Returns `subject` acting after `former`. Token exchange calls it with the actor of the subject token, so hosts
    /// need it only to issue a token that is delegated from the start.
    #[must_use]
    pub fn new(subject: Subject, former: Option<Self>) -> Self {
        Self { subject, former: former.map(Box::new) }
    }

    /// Returns the actors from the current one to the first, each as the id to compare with.
    pub fn chain(&self) -> impl Iterator<Item = &Subject> {
        std::iter::successors(Some(self), |actor| actor.former.as_deref()).map(|actor| &actor.subject)
    }
}

impl Serialize for Actor {
    /// Writes the value of `act` (RFC 8693 section 4.1): the current actor outside, former ones inside.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(1 + usize::from(self.former.is_some())))?;
        members.serialize_entry("sub", self.subject.as_str())?;
        if let Some(former) = &self.former {
            members.serialize_entry("act", former)?;
        }
        members.end()
    }
}
