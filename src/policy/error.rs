/// A policy with a value out of range, or with a contradiction. Building the service reports it.
///
/// ```
/// use std::time::Duration;
/// use regrant::Policy;
///
/// let hour = Policy::default().with_authorization_code_lifetime(Duration::from_secs(3600));
/// let error = hour.validate().err().map(|error| error.to_string());
/// assert_eq!(error.as_deref(), Some("policy field authorization_code_lifetime must be 1s to 10m"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy field {field} must be {range}")]
pub struct PolicyError {
    pub(super) field: &'static str,
    pub(super) range: &'static str,
}

impl PolicyError {
    /// Returns the name of the field, as it stands in a configuration file.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}
