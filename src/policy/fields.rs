/// Generates from one list of fields: the provider's `Policy`, the client's `ClientPolicy` with every field optional,
/// their setters, and the rule by which the second overrides the first. A field that one of them lacked, or that the
/// rule forgot, would be a setting that a client overrides without effect.
macro_rules! policy_fields {
    ($(
        $(#[doc = $doc:literal])+
        $(#[serde(with = $with:literal / $with_optional:literal)])?
        $field:ident : $type:ty = $default:expr, am: $am:expr, with: $setter:ident;
    )+) => {
        /// The settings of the provider for all clients: lifetimes, rotation, the reaction to reuse. A [`ClientPolicy`]
        /// overrides it field by field.
        ///
        /// In a configuration file durations are texts such as `"10m"`, and an unknown key is an error.
        ///
        /// ```
        /// use std::time::Duration;
        /// use regrant::Policy;
        ///
        /// let policy = Policy::default()
        ///     .with_access_token_lifetime(Duration::from_secs(600))
        ///     .with_grant_lifetime(Duration::from_secs(30 * 24 * 3600).into());
        /// assert!(policy.validate().is_ok());
        /// assert!(Policy::default().with_grace_period(Duration::from_secs(121).into()).validate().is_err());
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Policy {
            $( $(#[doc = $doc])+ $(#[serde(with = $with)])? pub $field: $type, )+
        }

        impl Default for Policy {
            /// The defaults of this library. They are those of AM, except where RFC 9700 recommends a safer value.
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl Policy {
            /// The defaults of ForgeRock / Ping AM 7.5, for a migration without a change of behaviour. There is no
            /// grace period, PKCE is optional, and reuse revokes nothing. A new deployment is safer with
            /// [`default`](Self::default).
            #[must_use]
            pub fn am_7_5() -> Self {
                Self { $( $field: $am, )+ }
            }

            /// Returns this policy, with the fields that `client` sets. The result is not validated.
            pub(super) fn overridden_by(&self, client: &ClientPolicy) -> Self {
                Self { $( $field: client.$field.unwrap_or(self.$field), )+ }
            }

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }

        /// The settings of one client that differ from the provider's. An absent field is inherited (AM: 0).
        ///
        /// [`grant_types`](Self::grant_types) has overrides for the grants of one flow, which take precedence.
        ///
        /// ```
        /// use std::time::Duration;
        /// use regrant::Policy;
        /// use regrant::policy::{ClientPolicy, GracePeriod};
        ///
        /// let provider = Policy::default();
        /// let client = ClientPolicy::default().with_grace_period(GracePeriod::UntilSuccessorUse);
        /// assert!(client.validate(&provider).is_ok());
        /// let inherited = client.with_grace_period(None);
        /// assert_eq!(inherited, ClientPolicy::default());
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct ClientPolicy {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                $(#[serde(with = $with_optional)])?
                pub $field: Option<$type>,
            )+
            /// Overrides for the grants of one flow, by the grant type that created them. They do not nest.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub grant_types: BTreeMap<GrantType, ClientPolicy>,
        }

        impl From<Policy> for ClientPolicy {
            /// Overrides every field: the client has exactly `policy`, whatever the provider's policy is.
            ///
            /// ```
            /// use regrant::{Client, ClientId, Policy};
            ///
            /// let spa = Client::public(ClientId::new("spa")?).with_policy(Policy::browser().into());
            /// assert!(spa.policy.validate(&Policy::am_7_5()).is_ok());
            /// # Ok::<(), regrant::InvalidValue>(())
            /// ```
            fn from(policy: Policy) -> Self {
                Self { $( $field: Some(policy.$field), )+ grant_types: BTreeMap::new() }
            }
        }

        impl ClientPolicy {
            /// Returns true if everything is inherited.
            pub(super) fn is_empty(&self) -> bool {
                $( self.$field.is_none() && )+ self.grant_types.is_empty()
            }

            $(
                #[doc = concat!("Overrides [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: impl Into<Option<$type>>) -> Self {
                    self.$field = $field.into();
                    self
                }
            )+
        }
    };
}
pub(super) use policy_fields;
