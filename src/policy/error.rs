/// A policy with a value out of range, or with a contradiction. Building the service reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy field {field} must be {range}")]
pub struct PolicyError {
    pub(super) field: &'static str,
    pub(super) range: &'static str,
}

impl PolicyError {
    /// Returns the name of the field.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}
