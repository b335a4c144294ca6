//! Paths and the names of hosts: what MAIL, RCPT and EHLO say (RFC 5321 section 4.1.2).

use alloc::{
    borrow::{Cow, ToOwned},
    format,
};
use core::{fmt, net::IpAddr};

use crate::{AddressError, Host, Mailbox};

/// Where bounces go: `<>` or a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath<'a> {
    /// `<>`: the sender of bounces, which gets none.
    Null,
    /// A mailbox.
    Mailbox(Mailbox<'a>),
}

impl ReversePath<'_> {
    /// The mailbox, unless null.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox<'_>> {
        match self {
            ReversePath::Null => None,
            ReversePath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> ReversePath<'static> {
        match self {
            ReversePath::Null => ReversePath::Null,
            ReversePath::Mailbox(m) => ReversePath::Mailbox(m.into_owned()),
        }
    }
}

impl<'a> From<Mailbox<'a>> for ReversePath<'a> {
    fn from(mailbox: Mailbox<'a>) -> Self {
        ReversePath::Mailbox(mailbox)
    }
}

/// With its brackets.
impl fmt::Display for ReversePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.mailbox().map_or("", Mailbox::as_str))
    }
}

/// Where a message goes: a mailbox, or the postmaster of whoever is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath<'a> {
    /// `<Postmaster>`, in any case and without a domain (RFC 5321 section 4.1.1.3).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox<'a>),
}

impl ForwardPath<'_> {
    /// The mailbox, unless it is the bare postmaster.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox<'_>> {
        match self {
            ForwardPath::Postmaster => None,
            ForwardPath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// What stands between the brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("Postmaster", Mailbox::as_str)
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> ForwardPath<'static> {
        match self {
            ForwardPath::Postmaster => ForwardPath::Postmaster,
            ForwardPath::Mailbox(m) => ForwardPath::Mailbox(m.into_owned()),
        }
    }
}

impl<'a> From<Mailbox<'a>> for ForwardPath<'a> {
    fn from(mailbox: Mailbox<'a>) -> Self {
        ForwardPath::Mailbox(mailbox)
    }
}

/// With its brackets.
impl fmt::Display for ForwardPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}

/// How a host calls itself in EHLO and HELO. What a client calls itself is kept
/// whatever it is; what we call ourselves is a domain or an address literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientName<'a>(Cow<'a, str>);

impl<'a> ClientName<'a> {
    /// A domain, or an address literal in its brackets.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn new(host: &str) -> Result<ClientName<'static>, AddressError> {
        Host::parse(host)?;
        Ok(ClientName(Cow::Owned(host.to_owned())))
    }

    /// What a peer sent: `None` unless it is printable ASCII.
    pub(crate) fn lenient(text: &'a str) -> Option<Self> {
        let printable = |b: u8| matches!(b, 32..=126);
        (!text.is_empty() && text.bytes().all(printable)).then_some(ClientName(Cow::Borrowed(text)))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, read; `None` for one that RFC 5321 does not allow, as many send.
    #[must_use]
    pub fn host(&self) -> Option<Host<'_>> {
        Host::parse(&self.0).ok()
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> ClientName<'static> {
        ClientName(Cow::Owned(self.0.into_owned()))
    }
}

/// The address literal (RFC 5321 section 4.1.4: for a client without a name).
impl From<IpAddr> for ClientName<'static> {
    fn from(ip: IpAddr) -> Self {
        ClientName(Cow::Owned(match ip {
            IpAddr::V4(ip) => format!("{}", Host::Ipv4(ip)),
            IpAddr::V6(ip) => format!("{}", Host::Ipv6(ip)),
        }))
    }
}

impl fmt::Display for ClientName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_name_is_exact_and_theirs_is_what_they_say() {
        assert_eq!(
            ClientName::from(IpAddr::from([192, 0, 2, 1])).as_str(),
            "[192.0.2.1]"
        );
        assert_eq!(ClientName::lenient("my_pc").unwrap().host(), None);
        assert_eq!(ClientName::lenient("my\tpc"), None);
        assert!(ClientName::new("my_pc").is_err());
    }

    #[test]
    fn sc02_framing_breakers_cannot_be_built() {
        for bad in ["x\r\nDATA", "x\n", "x\0", "", "a b"] {
            assert!(ClientName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_are_written_with_their_brackets() {
        let tim = Mailbox::parse("tim@example.org").unwrap();
        assert_eq!(format!("{}", ReversePath::Null), "<>");
        assert_eq!(
            format!("{}", ReversePath::from(tim.clone())),
            "<tim@example.org>"
        );
        assert_eq!(format!("{}", ForwardPath::from(tim)), "<tim@example.org>");
        assert_eq!(format!("{}", ForwardPath::Postmaster), "<Postmaster>");
    }
}
