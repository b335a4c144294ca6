//! Addresses (RFC 5322 3.4 and 4.4), read leniently as RFC 7103 7.1 advises.

mod parse;
mod piece;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

pub use parse::Addresses;
pub(crate) use parse::read;

use super::lex::raw_text;
use super::note::Notes;
use super::words;

/// One entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// One mailbox.
    Mailbox(Mailbox<'a>),
    /// `name: mailbox, mailbox;`
    Group {
        /// Its name as stored: quotes removed, encoded words not decoded.
        raw_name: Cow<'a, [u8]>,
        /// Those in it; often nobody.
        members: Vec<Mailbox<'a>>,
    },
}

impl<'a> Address<'a> {
    /// The name of a group, decoded.
    #[must_use]
    pub fn group(&self) -> Option<Cow<'_, str>> {
        match self {
            Address::Mailbox(_) => None,
            Address::Group { raw_name, .. } => Some(words::decode(raw_name)),
        }
    }

    /// The mailbox, or the members of the group.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox<'a>] {
        match self {
            Address::Mailbox(mailbox) => core::slice::from_ref(mailbox),
            Address::Group { members, .. } => members,
        }
    }
}

/// A mailbox that was read: who, and where. To write one: [`build::Mailbox`](crate::build::Mailbox).
///
/// It borrows from the value that it was read from, and allocates nothing where the
/// name and the address lie there in one piece.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mailbox<'a> {
    raw_name: Option<Raw<'a>>,
    route: Option<Cow<'a, [u8]>>,
    /// `local@domain`, the local part without its quotes.
    spec: Raw<'a>,
    /// Where its `@` is; the length of `spec` where there is no domain.
    at: usize,
}

/// Bytes of a name or an address as stored.
#[derive(Clone)]
enum Raw<'a> {
    /// Most are shown as they are: nothing is to decode, nothing wants quotes. That is seen
    /// while they are read.
    Plain(&'a str),
    Any(Cow<'a, [u8]>),
}

impl<'a> Raw<'a> {
    /// These bytes, of which `is_plain` says whether they are shown as they are if they are
    /// UTF-8.
    #[inline]
    fn of(bytes: &'a [u8], is_plain: bool) -> Self {
        match core::str::from_utf8(bytes) {
            Ok(text) if is_plain => Raw::Plain(text),
            _ => Raw::Any(Cow::Borrowed(bytes)),
        }
    }
}

impl Deref for Raw<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Raw::Plain(text) => text.as_bytes(),
            Raw::Any(bytes) => bytes,
        }
    }
}

impl Default for Raw<'_> {
    fn default() -> Self {
        Raw::Plain("")
    }
}

impl PartialEq for Raw<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Raw<'_> {}

impl<'a> From<Cow<'a, [u8]>> for Raw<'a> {
    fn from(bytes: Cow<'a, [u8]>) -> Self {
        Raw::Any(bytes)
    }
}

impl<'a> Mailbox<'a> {
    /// The display name, decoded; where there is none, the comment beside the
    /// address, as mail of old has it.
    #[must_use]
    #[inline]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        let name = match self.raw_name.as_ref()? {
            Raw::Plain(name) => Cow::Borrowed(*name),
            Raw::Any(name) => words::decode(name),
        };
        (!name.is_empty()).then_some(name)
    }

    /// The display name as stored: quotes removed, encoded words not decoded.
    #[must_use]
    pub fn raw_name(&self) -> Option<&[u8]> {
        self.raw_name.as_deref()
    }

    /// The source route of old (RFC 5322 4.4): `@a.example,@b.example`. Nothing but
    /// the display of a message should make use of it.
    #[must_use]
    pub fn route(&self) -> Option<&[u8]> {
        self.route.as_deref()
    }

    /// What is before the `@`: without quotes. Encoded words in it are none: RFC 2047
    /// 5 forbids them here, and nothing decodes them.
    #[must_use]
    pub fn local(&self) -> &[u8] {
        self.spec.get(..self.at).unwrap_or(&self.spec)
    }

    /// What is behind the `@`, as it is written: a domain, perhaps in Unicode (RFC
    /// 6532) or with `xn--` in it, or a literal in brackets. None in `root` and `<>`.
    #[must_use]
    pub fn domain(&self) -> Option<&[u8]> {
        self.spec.get(self.at + 1..)
    }

    /// The address, `local@domain`, with quotes where the local part needs them.
    /// Empty where only a name was written.
    #[must_use]
    #[inline]
    pub fn address(&self) -> Cow<'_, str> {
        match &self.spec {
            Raw::Plain(spec) => Cow::Borrowed(spec),
            Raw::Any(_) => self.quoted_address(),
        }
    }

    fn quoted_address(&self) -> Cow<'_, str> {
        let local = self.local();
        // Without brackets it could be an encoded word, of a name, with the `@` inside.
        let is_word = words::word_length(&self.spec).is_some_and(|length| length > local.len());
        if local.is_empty() && self.domain().is_none() || is_dot_atom(local) && !is_word {
            return raw_text(&self.spec);
        }
        let mut out = String::with_capacity(self.spec.len() + 2);
        quote(&raw_text(local), &mut out);
        if let Some(domain) = self.domain() {
            out.push('@');
            out.push_str(&raw_text(domain));
        }
        Cow::Owned(out)
    }
}

impl fmt::Display for Mailbox<'_> {
    /// For people: `Name <local@domain>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) if self.spec.is_empty() => f.write_str(&name),
            Some(name) => write!(f, "{name} <{}>", self.address()),
            None => f.write_str(&self.address()),
        }
    }
}

impl fmt::Display for Address<'_> {
    /// For people: `Name <local@domain>`, of a group `Name: a@b, c@d;`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, members) = match self {
            Address::Mailbox(mailbox) => return mailbox.fmt(f),
            Address::Group { raw_name, members } => (words::decode(raw_name), members),
        };
        write!(f, "{group}:")?;
        for (at, mailbox) in members.iter().enumerate() {
            write!(f, "{}{mailbox}", if at == 0 { " " } else { ", " })?;
        }
        f.write_str(";")
    }
}

impl fmt::Debug for Mailbox<'_> {
    /// As text, not as bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("raw_name", &self.raw_name().map(String::from_utf8_lossy))
            .field("route", &self.route().map(String::from_utf8_lossy))
            .field("address", &self.address())
            .finish()
    }
}

/// All mailboxes of a list, those in groups too.
///
/// ```
/// use scop_mime::{mailboxes, parse_addresses};
///
/// let list = parse_addresses(b"Ann <ann@a.test>, Team: bob@b.test, \"C, D\" <cd@c.test>;");
/// let names: Vec<String> = mailboxes(&list).map(|m| m.to_string()).collect();
/// assert_eq!(names, ["Ann <ann@a.test>", "bob@b.test", "C, D <cd@c.test>"]);
/// ```
pub fn mailboxes<'l, 'a>(list: &'l [Address<'a>]) -> impl Iterator<Item = &'l Mailbox<'a>> {
    list.iter().flat_map(Address::mailboxes)
}

/// The characters of an atom (RFC 5322 3.2.3), and any above 127 (RFC 6532 3.2).
#[inline]
pub(crate) const fn is_atext(byte: u8) -> bool {
    const ATEXT: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let marks = b"!#$%&'*+-/=?^_`{|}~";
        let mut n = 0;
        while n < marks.len() {
            table[marks[n] as usize] = true;
            n += 1;
        }
        table
    };
    ATEXT[byte as usize]
}

pub(crate) fn is_dot_atom(text: &[u8]) -> bool {
    // Behind a dot, or at the start, an atom must come.
    let mut open = true;
    for byte in text {
        let dot = *byte == b'.';
        if (dot && open) || !(dot || is_atext(*byte)) {
            return false;
        }
        open = dot;
    }
    !open
}

/// Appends `text` as a quoted string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Reads an address list: the value of From, To and the like. Time is linear in
/// the value, whatever it is; nothing is refused. [`Addresses`] says how damage is
/// read, and gives the entries one at a time.
#[must_use]
pub fn parse(value: &[u8]) -> Vec<Address<'_>> {
    read(value, &mut Notes::none())
}
