/// A policy that contradicts itself or leaves its range. Found when the service is built, not when it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy field {field} must be {range}")]
pub struct PolicyError {
    pub(super) field: &'static str,
    pub(super) range: &'static str,
}

impl PolicyError {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}
