use alloc::{borrow::Cow, boxed::Box, string::String, vec, vec::Vec};
use core::{fmt, hash};

use super::{Cursor, Invalid, ParseError, utf7};

const RULE: &str = "RFC 3501 9 mailbox";

/// A mailbox name (RFC 3501 section 5.1), as Unicode text; on the wire it is
/// modified UTF-7. `INBOX` in any case is one mailbox and reads `INBOX`.
///
/// No name holds a control character or is longer than [`Mailbox::MAX`] bytes. The
/// empty name stands for the root of the hierarchy in LIST; it names no mailbox.
///
/// ```
/// use scop_imap_proto::types::Mailbox;
///
/// let drafts = Mailbox::from_wire(&b"Entw&APw-rfe"[..])?;
/// assert_eq!(drafts.as_str(), "Entwürfe");
/// assert_eq!(drafts.to_wire(), &b"Entw&APw-rfe"[..]);
/// assert!(Mailbox::new("inbox")?.is_inbox());
/// assert!(Mailbox::new("a\r\nb").is_err());
/// # Ok::<(), scop_imap_proto::types::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mailbox<'a> {
    name: Cow<'a, str>,
    /// Where the peer's form is not the canonical one of `name`.
    wire: Option<Box<[u8]>>,
}

impl<'a> Mailbox<'a> {
    /// The longest name, in bytes of UTF-8 and of the wire.
    pub const MAX: usize = 1024;

    /// The one mailbox everybody has.
    pub const INBOX: Mailbox<'static> = Mailbox {
        name: Cow::Borrowed("INBOX"),
        wire: None,
    };

    /// The mailbox of that name.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a control character (NUL, CR, LF among them) or more than
    /// [`MAX`](Self::MAX) bytes.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, Invalid> {
        let name = name.into();
        if name.len() > Self::MAX || utf7::encode(&name).len() > Self::MAX {
            return Err(Invalid {
                what: "a mailbox name of more than 1024 bytes",
                rule: "limit",
            });
        }
        if name.chars().any(char::is_control) {
            return Err(Invalid {
                what: "a control character in a mailbox name",
                rule: RULE,
            });
        }
        if name.eq_ignore_ascii_case("INBOX") {
            return Ok(Self::INBOX);
        }
        Ok(Mailbox { name, wire: None })
    }

    /// The mailbox of that name on the wire, strictly: what a server does.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as [`new`](Self::new), and for what is not canonical modified
    /// UTF-7 ([`utf7::decode`]).
    pub fn from_wire(wire: impl Into<Cow<'a, [u8]>>) -> Result<Self, Invalid> {
        match wire.into() {
            Cow::Borrowed(wire) => Self::new(utf7::decode(wire)?),
            Cow::Owned(wire) => Self::new(utf7::decode(&wire)?.into_owned()),
        }
    }

    /// The mailbox of that name on the wire, whatever is wrong with its UTF-7: what
    /// a client does, which must be able to name a mailbox as its server does.
    /// [`to_wire`](Self::to_wire) gives these bytes again;
    /// [`as_str`](Self::as_str) what can be read of them.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for NUL, CR, LF or more than [`MAX`](Self::MAX) bytes.
    pub fn from_wire_lenient(wire: impl Into<Cow<'a, [u8]>>) -> Result<Self, Invalid> {
        let wire = wire.into();
        if let Ok(mailbox) = Self::from_wire(wire.clone()) {
            return Ok(mailbox);
        }
        if wire.len() > Self::MAX || wire.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            return Err(Invalid {
                what: "NUL or a line end in a mailbox name, or more than 1024 bytes",
                rule: RULE,
            });
        }
        Ok(Mailbox {
            name: Cow::Owned(String::from_utf8_lossy(&wire).into_owned()),
            wire: Some(wire.into()),
        })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name as it goes over the wire, before it is quoted.
    #[must_use]
    pub fn to_wire(&self) -> Cow<'_, [u8]> {
        match &self.wire {
            Some(wire) => Cow::Borrowed(wire),
            None => match utf7::encode(&self.name) {
                Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                Cow::Owned(name) => Cow::Owned(name.into_bytes()),
            },
        }
    }

    /// It is the INBOX.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.wire.is_none() && self.name == "INBOX"
    }

    /// It is the empty name, which names no mailbox.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether all levels of it under `delimiter` are names of their own: none is
    /// empty, `.` or `..`. Who keeps mailboxes as files must not take another; a
    /// server machine refuses them.
    #[must_use]
    pub fn is_plain(&self, delimiter: Option<char>) -> bool {
        let plain = |level: &str| !matches!(level, "" | "." | "..");
        // `/` always counts: a file system sees it, whatever the delimiter.
        self.name.split('/').all(plain) && delimiter.is_none_or(|d| self.name.split(d).all(plain))
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Mailbox<'static> {
        Mailbox {
            name: Cow::Owned(self.name.into_owned()),
            wire: self.wire,
        }
    }

    /// `mailbox` in a command.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        Self::from_wire(cursor.astring()?).map_err(|e| at.error(e.what, e.rule))
    }

    /// `mailbox` in a response, of which a client takes whatever comes.
    pub(crate) fn parse_lenient(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        Self::from_wire_lenient(cursor.astring()?).map_err(|e| at.error(e.what, e.rule))
    }
}

/// By what goes over the wire.
impl PartialEq for Mailbox<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.wire == other.wire
    }
}

impl Eq for Mailbox<'_> {}

impl hash::Hash for Mailbox<'_> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What LIST and LSUB ask for: a mailbox name in which `*` stands for anything and
/// `%` for anything within one level (RFC 3501 section 6.3.8).
///
/// ```
/// use scop_imap_proto::types::Pattern;
///
/// let pattern = Pattern::new("lists/%")?;
/// assert!(pattern.matches("lists/rust", Some('/')));
/// assert!(!pattern.matches("lists/rust/2024", Some('/')));
/// assert!(Pattern::new("*")?.matches("lists/rust/2024", Some('/')));
/// assert!(Pattern::new("inBOX")?.matches("INBOX", Some('/')));
/// # Ok::<(), scop_imap_proto::types::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern<'a>(Cow<'a, str>);

impl<'a> Pattern<'a> {
    /// That pattern, as text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as [`Mailbox::new`].
    pub fn new(pattern: impl Into<Cow<'a, str>>) -> Result<Self, Invalid> {
        Mailbox::new(pattern).map(|m| Pattern(m.name))
    }

    /// It as text, wildcards included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It as it goes over the wire, before it is quoted.
    #[must_use]
    pub fn to_wire(&self) -> Cow<'_, str> {
        utf7::encode(&self.0)
    }

    /// This pattern under `reference`: what LIST's two arguments mean together
    /// where a reference is just a prefix, as here.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the two together are too long.
    pub fn under(&self, reference: &Mailbox<'_>) -> Result<Pattern<'static>, Invalid> {
        let mut whole = String::from(reference.as_str());
        whole.push_str(&self.0);
        Pattern::new(whole)
    }

    /// Whether `name` (as text, `INBOX` in capitals) matches. Cost: at most the
    /// product of the two lengths, both bounded by [`Mailbox::MAX`].
    #[must_use]
    pub fn matches(&self, name: &str, delimiter: Option<char>) -> bool {
        if self.0.eq_ignore_ascii_case(name) && name == "INBOX" {
            return true;
        }
        // After each character of the pattern: how far into `name` it can have come.
        let ends: Vec<usize> = (name.char_indices().map(|(at, _)| at))
            .chain(core::iter::once(name.len()))
            .collect();
        let chars: Vec<char> = name.chars().collect();
        let mut reached = vec![false; ends.len()];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for p in self.0.chars() {
            let mut next = vec![false; reached.len()];
            let mut carried = false;
            for (i, here) in reached.iter().enumerate() {
                match p {
                    '*' | '%' => {
                        carried |= *here;
                        if let Some(slot) = next.get_mut(i) {
                            *slot = carried;
                        }
                        if p == '%' && chars.get(i).copied() == delimiter && delimiter.is_some() {
                            carried = false;
                        }
                    }
                    _ if *here && chars.get(i) == Some(&p) => {
                        if let Some(slot) = next.get_mut(i + 1) {
                            *slot = true;
                        }
                    }
                    _ => {}
                }
            }
            reached = next;
        }
        reached.last().copied().unwrap_or_default()
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Pattern<'static> {
        Pattern(Cow::Owned(self.0.into_owned()))
    }

    /// `list-mailbox` in a command.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        Mailbox::from_wire(cursor.list_mailbox()?)
            .map(|m| Pattern(m.name))
            .map_err(|e| at.error(e.what, e.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_is_one_mailbox_in_any_case() {
        for name in ["inbox", "INBOX", "InBox"] {
            assert_eq!(Mailbox::new(name).unwrap(), Mailbox::INBOX);
        }
        assert_ne!(Mailbox::new("inbox/x").unwrap().as_str(), "INBOX/x");
        assert!(!Mailbox::new("INBOX/x").unwrap().is_inbox());
    }

    #[test]
    fn is08_names_that_cannot_exist() {
        for bad in ["a\0", "a\r\nb", "a\nb", "a\tb", "\u{85}"] {
            assert!(Mailbox::new(bad).is_err(), "{bad:?}");
        }
        assert!(Mailbox::new("x".repeat(Mailbox::MAX + 1)).is_err());
        for bad in [&b"a\0"[..], b"a\r\n", b"&AAo-", b"&AOQ", b"\xc3\xa4"] {
            assert!(Mailbox::from_wire(bad).is_err(), "{}", bad.escape_ascii());
        }
        for (name, plain) in [
            ("../x", false),
            ("a/../b", false),
            ("a//b", false),
            ("/a", false),
            ("a/", false),
            ("a.b", true),
            ("..a", true),
            ("a/b", true),
        ] {
            let mailbox = Mailbox::new(name).unwrap();
            assert_eq!(mailbox.is_plain(Some('/')), plain, "{name}");
        }
        assert!(!Mailbox::new("a..b").unwrap().is_plain(Some('.')));
    }

    #[test]
    fn a_client_can_name_what_its_server_names() {
        let odd = Mailbox::from_wire_lenient(&b"Entw\xfcrfe & so"[..]).unwrap();
        assert_eq!(odd.to_wire(), &b"Entw\xfcrfe & so"[..]);
        let fine = Mailbox::from_wire_lenient(&b"Entw&APw-rfe"[..]).unwrap();
        assert_eq!(fine.as_str(), "Entwürfe");
        assert!(Mailbox::from_wire_lenient(&b"a\r\nb"[..]).is_err());
    }

    #[test]
    fn patterns_match_within_levels() {
        for (pattern, name, matches) in [
            ("*", "", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("%b", "a/b", false),
            ("*b", "a/b", true),
            ("a*c%", "a/b/c", true),
            ("a*c%", "a/c/d", false),
            ("a*", "b", false),
            ("", "", true),
            ("", "a", false),
            ("Entw%", "Entwürfe", true),
            ("inbox", "INBOX", true),
            ("INBOX", "inbox2", false),
        ] {
            let found = Pattern::new(pattern).unwrap().matches(name, Some('/'));
            assert_eq!(found, matches, "{pattern} {name}");
        }
        assert!(Pattern::new("%").unwrap().matches("a/b", None));
    }

    #[test]
    fn no_pattern_is_exponential() {
        let pattern = Pattern::new("*a".repeat(500)).unwrap();
        assert!(!pattern.matches(&"a".repeat(499), Some('/')));
        assert!(pattern.matches(&"a".repeat(1000), Some('/')));
    }
}
