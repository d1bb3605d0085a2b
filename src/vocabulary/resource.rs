//! Resource indicators (RFC 8707): the APIs for which a token is meant. A token for one API is
//! useless at another one that checks its audience.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{absolute_uri, normal_form, sorted_subset, text_type};

text_type! {
    /// A resource indicator: the place where a token is to be used, as an absolute URI without a fragment (RFC 8707
    /// section 2). At most 2048 characters.
    ///
    /// The text keeps its spelling, and `==` compares the text. The service compares a requested resource with the
    /// registered ones by [`names_same_as`](Self::names_same_as), and tokens have the registered spelling. A resource
    /// server can therefore compare the audience character for character.
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

impl Resource {
    /// Returns true if the two texts are one resource by RFC 3986 sections 6.2.2 and 6.2.3: they may differ in the case
    /// of scheme and host, in the spelling of percent-encodings, in dot segments, in the default port, and in an empty
    /// path. All else counts, such as a trailing slash behind a path, or a query.
    ///
    /// ```
    /// use regrant::Resource;
    ///
    /// let registered = Resource::from_static("https://mcp.example.com");
    /// let is_same = |text: &'static str| registered.names_same_as(&Resource::from_static(text));
    /// assert!(is_same("https://mcp.example.com/"));
    /// assert!(is_same("HTTPS://MCP.example.com:443"));
    /// assert!(!is_same("https://mcp.example.com/?x"));
    /// assert!(!is_same("http://mcp.example.com"));
    /// ```
    #[must_use]
    pub fn names_same_as(&self, other: &Self) -> bool {
        self == other || normal_form(self.as_str()) == normal_form(other.as_str())
    }
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

    /// Returns true if `other` contains every resource of `self`, in any spelling. True for the empty set.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        let spellings = Spellings::of(other);
        sorted_subset(self.iter(), other.iter()) || self.iter().all(|resource| spellings.find(resource).is_some())
    }

    /// Returns the resources that are in both sets, in the spelling of `other`.
    ///
    /// ```
    /// use regrant::{Resource, Resources};
    ///
    /// let registered = Resources::from_iter([Resource::from_static("https://api.example")]);
    /// let requested = Resources::from_iter([Resource::from_static("https://API.example:443/")]);
    /// assert_eq!(requested.intersection(&registered), registered);
    /// ```
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let spellings = Spellings::of(other);
        self.iter().filter_map(|resource| spellings.find(resource)).cloned().collect()
    }

    /// Returns true if the two sets have a resource in common, in any spelling. False if one of them is empty.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let spellings = Spellings::of(other);
        self.iter().any(|resource| spellings.find(resource).is_some())
    }
}

/// Looks up the spelling of a resource in a set. The normal forms are computed once, and not at all while every client
/// spells its resources as they are registered. A request with thousands of resources must not cost millions of
/// comparisons.
struct Spellings<'a> {
    set: &'a Resources,
    normal_forms: OnceCell<Vec<(String, &'a Resource)>>,
}

impl<'a> Spellings<'a> {
    const fn of(set: &'a Resources) -> Self {
        Self { set, normal_forms: OnceCell::new() }
    }

    fn find(&self, resource: &Resource) -> Option<&'a Resource> {
        if let Ok(place) = self.set.0.binary_search(resource) {
            return self.set.0.get(place);
        }
        let normal_forms = self.normal_forms.get_or_init(|| {
            let mut all: Vec<_> = self.set.iter().map(|own| (normal_form(own.as_str()), own)).collect();
            all.sort_unstable();
            all
        });
        let wanted = normal_form(resource.as_str());
        let place = normal_forms.partition_point(|(normal, _)| *normal < wanted);
        normal_forms.get(place).filter(|(normal, _)| *normal == wanted).map(|(_, own)| *own)
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
