//! Resource indicators (RFC 8707).

use serde::{Deserialize, Serialize};

use crate::vocabulary::{absolute_uri, sorted_subset, text_type};

text_type! {
    /// Where a token is meant to be used: an absolute URI without a fragment (RFC 8707 section 2).
    ///
    /// ```
    /// use regrant::Resource;
    ///
    /// assert!(Resource::new("https://api.example/orders").is_ok());
    /// assert!(Resource::new("/orders").is_err());
    /// assert!(Resource::new("https://api.example/#top").is_err());
    /// ```
    Resource, |text| absolute_uri("resource", text)
}

/// A set of resource indicators: the audience of a token. Empty means that none was named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Resource>")]
pub struct Resources(Vec<Resource>);

impl Resources {
    /// The set that names no resource.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The resources, in ascending order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Resource> {
        self.0.iter()
    }

    /// Whether no resource is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` names every resource of `self`.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        sorted_subset(self.iter(), other.iter())
    }

    /// The resources that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|resource| other.iter().any(|known| known == *resource)).cloned().collect()
    }

    /// Whether the two have a resource in common.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.iter().any(|resource| other.0.binary_search(resource).is_ok())
    }
}

impl From<Vec<Resource>> for Resources {
    fn from(mut resources: Vec<Resource>) -> Self {
        resources.sort_unstable();
        resources.dedup();
        Self(resources)
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        resources.into_iter().collect::<Vec<_>>().into()
    }
}
