//! Resource indicators (RFC 8707): the APIs for which a token is meant. A token for one API is
//! useless at another one that checks its audience.

use serde::{Deserialize, Serialize};

use crate::vocabulary::{absolute_uri, sorted_subset, text_type};

text_type! {
    /// A resource indicator: the place where a token is to be used, as an absolute URI without a fragment (RFC 8707
    /// section 2). At most 2048 characters, never normalized: `https://api.example` and `https://api.example/` are two
    /// resources.
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

/// A set of resource indicators: the audience of a token. Empty if the request named none.
///
/// Equal sets are equal values, whatever the order and the repetitions of their origin.
///
/// ```
/// use regrant::{Resource, Resources};
///
/// let orders = Resource::from_static("https://api.example/orders");
/// let stock = Resource::from_static("https://api.example/stock");
/// let both = Resources::from(vec![stock.clone(), orders.clone(), stock.clone()]);
/// assert_eq!(both, Resources::from_iter([orders.clone(), stock]));
/// assert!(Resources::from(vec![orders]).is_subset_of(&both));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Resource>")]
pub struct Resources(Vec<Resource>);

impl Resources {
    /// The empty set.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the set of `resources` if they are in ascending order, each of them once: the only order in a record.
    pub(crate) fn sorted(resources: Vec<Resource>) -> Option<Self> {
        resources.is_sorted_by(|one, next| one < next).then_some(Self(resources))
    }

    /// Returns the resources in ascending order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Resource> {
        self.0.iter()
    }

    /// Returns true if the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if `other` contains every resource of `self`. True for the empty set.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        sorted_subset(self.iter(), other.iter())
    }

    /// Returns the resources that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|resource| other.iter().any(|known| known == *resource)).cloned().collect()
    }

    /// Returns true if the two sets have a resource in common. False if one of them is empty.
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
