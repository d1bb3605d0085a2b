//! The sender of a request, for rate limits.

use std::net::IpAddr;

use crate::vocabulary::{InvalidValue, text_type};

text_type! {
    /// The sender of a request, as rate limits count it: 1 to 255 bytes of UTF-8 without control characters. Usually an
    /// [`address`](Self::address). On a page behind a sign-in, the user.
    ///
    /// The value must come from the host, and never from a header that a client can set: an attacker would choose a new
    /// sender for each attempt. Behind a proxy it is the address that the proxy adds. The address of the connection is
    /// that of the proxy there, and one attacker would use up the attempts of everybody.
    ///
    /// ```
    /// use regrant::host::Peer;
    ///
    /// let peer = Peer::address("192.0.2.7".parse()?);
    /// assert_eq!(peer.as_str(), "192.0.2.7");
    /// let user = Peer::new("user demo")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Peer, |text| match text.len() {
        1..=255 if !text.chars().any(char::is_control) => Ok(()),
        1..=255 => Err(InvalidValue::new("peer", "control characters are not allowed")),
        _ => Err(InvalidValue::new("peer", "must be 1 to 255 bytes long")),
    }
}

impl Peer {
    /// The sender at this address. Of an IPv6 address the first 64 bits count: a subscriber has at least a whole /64,
    /// and could take another address for each attempt. An IPv4 address that is written as IPv6 is an IPv4 address.
    ///
    /// ```
    /// use regrant::host::Peer;
    ///
    /// let one = Peer::address("2001:db8:1:2::3".parse()?);
    /// assert_eq!(one, Peer::address("2001:db8:1:2:aaaa::4".parse()?));
    /// assert_eq!(one.as_str(), "2001:db8:1:2::/64");
    /// assert_eq!(Peer::address("::ffff:192.0.2.7".parse()?).as_str(), "192.0.2.7");
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_string().into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let network = std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
                Self(format!("{network}/64").into())
            }
        }
    }
}
