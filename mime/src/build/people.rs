//! Addresses, ids and links to write.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::fold::Folder;
use super::{BuildError, check};
use crate::value::address::{is_dot_atom, quote};
use crate::value::words::word_length;
use crate::{DefectClass, DefectKind};

/// The longest display name, in bytes.
const NAME: usize = 1 << 10;
/// The longest id or link, in bytes: it must fit a line (RFC 5322 2.1.1).
const LINK: usize = 900;

/// A mailbox to write: an address, and a name if it has one. One that was
/// [read](crate::Mailbox) becomes one by `try_from`, where a message can carry it:
///
/// ```
/// use scop_mime::build::{Builder, Mailbox, MessageId};
/// use scop_mime::{Message, mailboxes};
/// # use scop_mime::DateTime;
/// # let now = DateTime::from_unix(0, 0).unwrap();
///
/// let message = Message::parse("From: \"Döe, Ann\" <ann@a.test>\r\nMessage-ID: <1@a.test>\r\n\r\n".as_bytes());
/// let mut reply = Builder::new(Mailbox::new("bob@b.test")?, now);
/// for author in mailboxes(&message.header().from()) {
///     reply = reply.to(Mailbox::try_from(author)?);
/// }
/// if let Some(id) = message.header().message_id() {
///     reply = reply.in_reply_to(MessageId::new(id)?);
/// }
/// let text = String::from_utf8(reply.text("Yes.\n").build().to_vec())?;
/// assert!(text.contains("To: =?utf-8?B?RMO2ZSwgQW5u?= <ann@a.test>\r\nIn-Reply-To: <1@a.test>\r\n"), "{text}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// As it is written, quoted where it must be.
    address: String,
    name: Option<String>,
}

impl Mailbox {
    /// A mailbox without a name. What is before the last `@` is the local part, with
    /// quotes or without them; quotes are written where they are needed.
    ///
    /// ```
    /// use scop_mime::build::Mailbox;
    ///
    /// assert_eq!(Mailbox::new("a b@c.test")?.address(), "\"a b\"@c.test");
    /// for several_or_more in ["a@b.test, c@d.test", "Ann <ann@a.test>", " ann@a.test"] {
    ///     assert!(Mailbox::new(several_or_more).is_err());
    /// }
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Address`] for what is no `local@domain` (RFC 5322 3.4.1; lengths
    /// RFC 5321 4.5.3.1), for a local part without quotes that has `@`, `<` or a space
    /// at an end, as a list or a name and an address have, and for what is not ASCII:
    /// see [`utf8`](Self::utf8), or give the domain in its `xn--` form.
    pub fn new(address: &str) -> Result<Self, BuildError> {
        match address.is_ascii() {
            true => Self::utf8(address),
            false => Err(BuildError::Address(
                "only ASCII; `utf8` takes other letters, or write the domain with xn--",
            )),
        }
    }

    /// The same where the address may have UTF-8 in it (RFC 6531, RFC 6532). A message
    /// with such an address has its header in UTF-8, and only a mail system with
    /// SMTPUTF8 can carry it: [`Built::needs_smtputf8`](super::Built::needs_smtputf8)
    /// says so.
    ///
    /// ```
    /// use scop_mime::build::Mailbox;
    ///
    /// assert!(Mailbox::new("jörg@bücher.example").is_err());
    /// assert!(Mailbox::utf8("jörg@bücher.example")?.needs_smtputf8());
    /// assert!(!Mailbox::utf8("joe@books.example")?.needs_smtputf8());
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Address`] as for [`new`](Self::new); controls, white space that is
    /// not ASCII, and marks that turn the direction of text are refused too.
    pub fn utf8(address: &str) -> Result<Self, BuildError> {
        match is_plain(address) {
            true => Ok(Mailbox {
                address: address.into(),
                name: None,
            }),
            false => Self::other(address),
        }
    }

    /// The same without a short way.
    fn other(address: &str) -> Result<Self, BuildError> {
        let bad = |what| Err(BuildError::Address(what));
        let shown = match address.is_ascii() {
            true => address.bytes().all(|b| (b' '..=b'~').contains(&b)),
            false => address.chars().all(is_shown),
        };
        if !shown {
            return bad("only characters that can be seen");
        }
        // Some readers decode it, and see another address (RFC 2047 5).
        if address.contains("=?") {
            return bad("what looks like an encoded word");
        }
        if address.ends_with('>') {
            return bad("the address alone, without brackets; a name goes into `named`");
        }
        let Some((local, domain)) = address.rsplit_once('@') else {
            return bad("no @");
        };
        let bare = local.strip_prefix('"').and_then(|l| l.strip_suffix('"'));
        let mut written = String::with_capacity(address.len() + 2);
        match bare {
            _ if is_dot_atom(local.as_bytes()) => written.push_str(local),
            Some(bare) => {
                let unescaped = crate::value::lex::unescape(bare.as_bytes());
                // It was UTF-8, and so it is still.
                quote(&String::from_utf8_lossy(&unescaped), &mut written);
            }
            None if local.is_empty() => return bad("nothing before the @"),
            // Quoted it would be an address, but not the one that was meant.
            None if local.contains(['@', '<']) || local.trim() != local => {
                return bad("one address alone; quote what is odd before the @");
            }
            None => quote(local, &mut written),
        }
        if written.len() > 66 {
            return bad("more than 64 bytes before the @");
        }
        if !is_domain(domain) {
            return bad("no domain, or not one, behind the @");
        }
        written.push('@');
        written.push_str(domain);
        Ok(Mailbox {
            address: written,
            name: None,
        })
    }

    /// The same with a name to show. What is not ASCII becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`], [`BuildError::TooLong`] over 1 KiB.
    pub fn named(mut self, name: impl Into<String>) -> Result<Self, BuildError> {
        let name = name.into();
        check("a display name", &name, NAME)?;
        self.name = (!name.is_empty()).then_some(name);
        Ok(self)
    }

    /// The address, as it is written.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address is not ASCII (RFC 6531).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.address.is_ascii()
    }

    /// Writes it, and `end` behind it.
    fn write(&self, folder: &mut Folder<'_>, end: &str) {
        match &self.name {
            None => folder.words(&[&self.address, end]),
            Some(name) => folder.phrase(name).angle(&self.address, end),
        };
    }
}

/// Whether that is a mailbox that stays as it is: two dot-atoms (RFC 5322 3.2.3) of
/// letters, digits and a few marks. Not all that are such are found; those found are.
fn is_plain(address: &str) -> bool {
    const ATEXT: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let c = byte as u8;
            table[byte] = c.is_ascii_alphanumeric() || c == b'-' || c == b'_' || c == b'+';
            byte += 1;
        }
        table
    };
    let (mut at, mut starts) = (None, true);
    for (n, byte) in address.bytes().enumerate() {
        if ATEXT.get(usize::from(byte)) == Some(&true) {
            starts = false;
            continue;
        }
        match byte {
            b'.' if !starts => {}
            b'@' if !starts && at.is_none() => at = Some(n),
            _ => return false,
        }
        starts = true;
    }
    !starts && at.is_some_and(|at| at <= 64 && address.len() - at <= 256)
}

/// A character that an address may have: one that is seen, or a space.
fn is_shown(c: char) -> bool {
    let direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match c.is_ascii() {
        true => (' '..='~').contains(&c),
        false => !c.is_control() && !c.is_whitespace() && !direction,
    }
}

/// A domain of dot-separated labels, or an address in brackets.
fn is_domain(domain: &str) -> bool {
    let literal = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
    let fits = domain.len() <= 255;
    fits && match literal {
        Some(text) => {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !matches!(b, b'[' | b']' | b'\\'))
        }
        None => is_dot_atom(domain.as_bytes()),
    }
}

impl TryFrom<&crate::Mailbox<'_>> for Mailbox {
    type Error = BuildError;

    /// As [`utf8`](Self::utf8) and [`named`](Self::named); what is not shown of the name
    /// and the source route are left out.
    fn try_from(read: &crate::Mailbox<'_>) -> Result<Self, BuildError> {
        let mailbox = Self::utf8(&read.address())?;
        match read.name() {
            Some(name) => mailbox.named(name.replace(char::is_control, "")),
            None => Ok(mailbox),
        }
    }
}

/// One mailbox, with a name or without, as people write it.
///
/// ```
/// use scop_mime::build::Mailbox;
///
/// let ann: Mailbox = "Ann Döe <ann@a.test>".parse()?;
/// assert_eq!((ann.name(), ann.address()), (Some("Ann Döe"), "ann@a.test"));
/// assert_eq!(ann.to_string(), "Ann Döe <ann@a.test>");
/// assert!("ann@a.test, bob@b.test".parse::<Mailbox>().is_err());
/// # Ok::<(), scop_mime::build::BuildError>(())
/// ```
impl core::str::FromStr for Mailbox {
    type Err = BuildError;

    /// What is damaged is refused, not mended.
    fn from_str(text: &str) -> Result<Self, BuildError> {
        let mut read = crate::value::address::Addresses::new(text.as_bytes());
        let one = match (read.next(), read.next()) {
            (Some(crate::Address::Mailbox(mailbox)), None) => mailbox,
            _ => return Err(BuildError::Address("one mailbox: Name <local@domain>")),
        };
        let mut field = Vec::from(*b"To:");
        field.extend_from_slice(text.as_bytes());
        let defects = crate::Field::parse(&field).map(|f| f.defects());
        let is_harmless = |kind: DefectKind| {
            let deviates = kind.class() == DefectClass::Deviation;
            deviates && kind != DefectKind::EmptyListItem
        };
        match defects
            .unwrap_or_default()
            .iter()
            .all(|d| is_harmless(d.kind))
        {
            true => Self::try_from(&one),
            false => Err(BuildError::Address(
                "a name that needs no quotes, or has them",
            )),
        }
    }
}

impl fmt::Display for Mailbox {
    /// For people: `Name <local@domain>`, the name in quotes where it would be read as
    /// something else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else {
            return f.write_str(&self.address);
        };
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '_');
        let spaced = name.trim() != name || name.contains("  ");
        match name.chars().all(is_plain) && !spaced {
            true => write!(f, "{name} <{}>", self.address),
            false => {
                let mut quoted = String::with_capacity(name.len() + 2);
                quote(name, &mut quoted);
                write!(f, "{quoted} <{}>", self.address)
            }
        }
    }
}

/// Several mailboxes under a name (RFC 5322 3.4): `name: mailbox, mailbox;`.
///
/// ```
/// use scop_mime::build::{Builder, Group, Mailbox};
/// # use scop_mime::DateTime;
/// # let now = DateTime::from_unix(0, 0).unwrap();
///
/// let built = Builder::new(Mailbox::new("ann@a.test")?, now)
///     .to(Group::undisclosed_recipients())
///     .bcc(Mailbox::new("bob@b.test")?)
///     .build();
/// let text = String::from_utf8(built.to_vec())?;
/// assert!(text.contains("\r\nTo: undisclosed-recipients:;\r\n") && !text.contains("bob"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    name: String,
    members: Vec<Mailbox>,
}

impl Group {
    /// A group. It may have no members.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`], [`BuildError::TooLong`] over 1 KiB, and
    /// [`BuildError::Empty`] for a name of nothing.
    pub fn new(
        name: impl Into<String>,
        members: impl IntoIterator<Item = Mailbox>,
    ) -> Result<Self, BuildError> {
        let name = name.into();
        check("the name of a group", &name, NAME)?;
        if name.is_empty() {
            return Err(BuildError::Empty("the name of a group"));
        }
        Ok(Group {
            name,
            members: members.into_iter().collect(),
        })
    }

    /// Nobody that is named: `undisclosed-recipients:;`.
    #[must_use]
    pub fn undisclosed_recipients() -> Self {
        Group {
            name: "undisclosed-recipients".into(),
            members: Vec::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Those in it.
    #[must_use]
    pub fn members(&self) -> &[Mailbox] {
        &self.members
    }
}

/// Whom a message is to: a mailbox or a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// One mailbox.
    Mailbox(Mailbox),
    /// Several under a name.
    Group(Group),
}

impl From<Mailbox> for Address {
    fn from(mailbox: Mailbox) -> Self {
        Address::Mailbox(mailbox)
    }
}

impl From<Group> for Address {
    fn from(group: Group) -> Self {
        Address::Group(group)
    }
}

impl Address {
    /// The mailbox, or the members of the group.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox] {
        match self {
            Address::Mailbox(mailbox) => core::slice::from_ref(mailbox),
            Address::Group(group) => &group.members,
        }
    }

    fn write(&self, folder: &mut Folder<'_>, end: &str) {
        match self {
            Address::Mailbox(mailbox) => mailbox.write(folder, end),
            Address::Group(group) => {
                // It ends with its last member.
                let last = if end.is_empty() { ";" } else { ";," };
                let alone = group.members.is_empty();
                let behind = if alone { 2 + last.len() } else { 2 };
                folder.leave(behind).phrase(&group.name);
                folder.leave(0).special(":");
                write_list(group.members.iter(), folder, last, Mailbox::write);
                if alone {
                    folder.glue(last);
                }
            }
        }
    }
}

/// Writes addresses with commas between them.
pub(super) fn write_addresses(addresses: &[Address], folder: &mut Folder<'_>) {
    write_list(addresses.iter(), folder, "", Address::write);
}

/// The same for mailboxes.
pub(super) fn write_mailboxes<'b>(
    mailboxes: impl Iterator<Item = &'b Mailbox>,
    folder: &mut Folder<'_>,
) {
    write_list(mailboxes, folder, "", Mailbox::write);
}

fn write_list<'b, T: 'b>(
    list: impl Iterator<Item = &'b T>,
    folder: &mut Folder<'_>,
    last: &str,
    write: impl Fn(&T, &mut Folder<'_>, &str),
) {
    let mut list = list.peekable();
    while let Some(item) = list.next() {
        let end = if list.peek().is_some() { "," } else { last };
        write(item, folder, end);
    }
}

/// The id of a message, or of a part (RFC 2392), without its brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// An id: something unique, an `@`, and a domain of yours.
    ///
    /// # Errors
    ///
    /// [`BuildError::MessageId`] (RFC 5322 3.6.4; no encoded word in it), and
    /// [`BuildError::TooLong`] over 900 bytes.
    pub fn new(id: impl Into<String>) -> Result<Self, BuildError> {
        let id = id.into();
        if id.len() > LINK {
            let (what, limit) = ("a message id", LINK);
            return Err(BuildError::TooLong { what, limit });
        }
        let parts = || id.split_once('@');
        let valid = is_plain(&id)
            || (id.is_ascii()
                && parts()
                    .is_some_and(|(left, right)| is_dot_atom(left.as_bytes()) && is_domain(right)));
        // An encoded word has no place in one (RFC 2047 5).
        let bytes = id.as_bytes();
        let is_word = |at: usize| bytes.get(at..).and_then(word_length).is_some();
        match valid && !memchr::memmem::find_iter(bytes, b"=?").any(is_word) {
            true => Ok(MessageId(id)),
            false => Err(BuildError::MessageId),
        }
    }

    /// An id of 16 octets from a good random source, which nobody else will have, at a
    /// domain of yours.
    ///
    /// ```
    /// use scop_mime::build::MessageId;
    /// let random = [7; 16]; // in earnest: from the system
    /// let id = MessageId::unique(&random, "a.test")?;
    /// assert_eq!(id.to_string(), "<07070707070707070707070707070707@a.test>");
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::MessageId`] for what is no domain.
    pub fn unique(random: &[u8; 16], domain: &str) -> Result<Self, BuildError> {
        Self::new(alloc::format!(
            "{:032x}@{domain}",
            u128::from_be_bytes(*random)
        ))
    }

    /// The id, without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Url {
    /// The link, without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MessageId {
    /// With brackets, as fields have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// A link for a List-* field (RFC 2369), or where a part is (RFC 2557).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url(String);

impl Url {
    /// A link: a scheme, a colon, and what is behind it. What is not ASCII, and `<`
    /// and `>`, must be percent-encoded.
    ///
    /// # Errors
    ///
    /// [`BuildError::Url`] (RFC 3986 appendix A in outline), and [`BuildError::TooLong`]
    /// over 900 bytes.
    pub fn new(url: impl Into<String>) -> Result<Self, BuildError> {
        let url = url.into();
        if url.len() > LINK {
            let (what, limit) = ("a link", LINK);
            return Err(BuildError::TooLong { what, limit });
        }
        let valid = url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !br#"<>"\^`{|}"#.contains(&b))
            && url.split_once(':').is_some_and(|(scheme, rest)| {
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
                    && !rest.is_empty()
            });
        match valid {
            true => Ok(Url(url)),
            false => Err(BuildError::Url),
        }
    }

    /// The link.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        let scheme = self.0.get(..6).unwrap_or_default();
        scheme.eq_ignore_ascii_case("https:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    #[test]
    fn plain_mailboxes_are_found() {
        for address in ["ann@example.org", "a.b+c@x-y.test", "a@b"] {
            assert!(is_plain(address), "{address}");
        }
        for address in [
            "", "@", "a@", "@b", "a@b@c", "a..b@c", ".a@b", "a.@b", "a@b.", "=?a@b",
        ] {
            assert!(!is_plain(address), "{address}");
        }
    }

    #[test]
    fn what_is_not_one_mailbox_is_none() {
        for text in [
            "",
            " ",
            "ann",
            "a@b, c@d",
            "a@b,",
            "g: a@b;",
            "a@b c@d",
            "Ann <a@b",
            "Doe, Ann <a@b>",
            "<a@b> <c@d>",
            "a@b\r\nBcc: c@d",
            "Ann a@b",
        ] {
            assert!(text.parse::<Mailbox>().is_err(), "{text:?}");
        }
        let named: Mailbox = " \"Doe, Ann\" <ann@a.test> ".parse().unwrap();
        assert_eq!(named.name(), Some("Doe, Ann"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_mailbox_that_is_shown_is_read(name in "[ -~é]{0,12}", address in "[a-z.]{1,5}@[a-z]{1,4}") {
            // White space at its ends says nothing to a reader.
            let name = name.trim();
            prop_assume!(!name.contains("=?"));
            if let Ok(mailbox) = Mailbox::new(&address).and_then(|m| m.named(name)) {
                prop_assert_eq!(mailbox.to_string().parse(), Ok(mailbox), "{}", name);
            }
        }

        #[test]
        fn the_short_way_changes_nothing(address in "[a-z.@=?+\"é -]{0,9}@?[a-z.@-]{0,9}|a{60,70}@b|a@b{250,260}") {
            prop_assert_eq!(Mailbox::utf8(&address), Mailbox::other(&address));
        }
    }
}
