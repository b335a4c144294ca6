//! Untagged data but FETCH: what the server has to say of itself and of mailboxes
//! (RFC 3501 sections 7.2 and 7.3, RFC 2342, RFC 2971, RFC 5161).

use alloc::{boxed::Box, vec::Vec};
use core::num::NonZeroU32;

use bytes::Bytes;

use super::{
    Fetch, Raw,
    cursor::Cursor,
    write::{self, display, number},
};
use crate::types::{
    Atom, Capability, Flag, Mailbox,
    write::{astring, nstring, string},
};

/// `response-data` that is not a condition: what the server tells, asked or unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// What the server can do.
    Capability(Vec<Capability<'static>>),
    /// RFC 5161: what was enabled by this command.
    Enabled(Vec<Capability<'static>>),
    /// RFC 2971: what the server says it is: names and values, at most 30 pairs if it
    /// keeps to the RFC.
    Id(Vec<(Bytes, Option<Bytes>)>),
    /// RFC 2342.
    Namespace(Box<Namespace>),
    /// One mailbox of LIST.
    List(List),
    /// One mailbox of LSUB.
    Lsub(List),
    /// What STATUS asked for.
    Status {
        /// Of which mailbox.
        mailbox: Mailbox<'static>,
        /// The answers.
        items: Vec<StatusItem>,
    },
    /// What SEARCH found.
    Search {
        /// Message numbers or UIDs, in the server's order.
        ids: Vec<NonZeroU32>,
        /// RFC 7162: the highest mod-sequence of them.
        mod_seq: Option<u64>,
    },
    /// The flags in use in the mailbox.
    Flags(Vec<Flag<'static>>),
    /// How many messages are in the mailbox.
    Exists(u32),
    /// How many of them are `\Recent`.
    Recent(u32),
    /// The message of that number is gone; those above it count one less from now on.
    Expunge(NonZeroU32),
    /// What is known of a message.
    Fetch(Fetch),
    /// Any other response, or one of these in a form that is not understood: the line
    /// as it came, `*` included, the final CRLF not.
    Unknown(Raw),
}

/// `mailbox-list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// What kind of mailbox it is.
    pub attributes: Vec<Attribute>,
    /// What separates the levels of its name; `None` if names are flat. ASCII.
    pub delimiter: Option<char>,
    /// Its name.
    pub mailbox: Mailbox<'static>,
}

/// `mbx-list-flags`, one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// `\Noinferiors`: it can have no children.
    NoInferiors,
    /// `\Noselect`: it cannot be selected.
    NoSelect,
    /// `\Marked`: it may have new messages.
    Marked,
    /// `\Unmarked`: it has no new messages.
    Unmarked,
    /// `\HasChildren` (RFC 3348).
    HasChildren,
    /// `\HasNoChildren` (RFC 3348).
    HasNoChildren,
    /// Any other, without its backslash: `Sent`, `Trash`.
    Other(Atom<'static>),
}

const ATTRIBUTES: &[(&str, Attribute)] = &[
    ("Noinferiors", Attribute::NoInferiors),
    ("Noselect", Attribute::NoSelect),
    ("Marked", Attribute::Marked),
    ("Unmarked", Attribute::Unmarked),
    ("HasChildren", Attribute::HasChildren),
    ("HasNoChildren", Attribute::HasNoChildren),
];

/// One answer of STATUS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusItem {
    /// How many messages.
    Messages(u32),
    /// How many with `\Recent`.
    Recent(u32),
    /// The next UID at the least.
    UidNext(u32),
    /// The unique identifier validity.
    UidValidity(u32),
    /// How many without `\Seen`.
    Unseen(u32),
    /// RFC 7162: the highest mod-sequence.
    HighestModSeq(u64),
    /// Any other: name, space and value as they came.
    Unknown(Raw),
}

/// RFC 2342: where mailboxes live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The user's own.
    pub personal: Vec<NamespaceEntry>,
    /// Those of other users.
    pub other_users: Vec<NamespaceEntry>,
    /// Shared ones.
    pub shared: Vec<NamespaceEntry>,
}

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceEntry {
    /// What its mailbox names start with.
    pub prefix: Mailbox<'static>,
    /// What separates the levels of its names. ASCII.
    pub delimiter: Option<char>,
}

impl Data {
    /// What stands behind `* ` and does not start with a number.
    pub(crate) fn parse(name: &[u8], c: &mut Cursor<'_>) -> Option<Data> {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        c.spaces();
        Some(if is("SEARCH") {
            search(c)?
        } else if is("LIST") {
            Data::List(List::parse(c)?)
        } else if is("LSUB") {
            Data::Lsub(List::parse(c)?)
        } else if is("FLAGS") {
            Data::Flags(flags(c)?)
        } else if is("STATUS") {
            status(c)?
        } else if is("CAPABILITY") {
            Data::Capability(capabilities(c)?)
        } else if is("ENABLED") {
            Data::Enabled(capabilities(c)?)
        } else if is("ID") {
            Data::Id(id(c)?)
        } else if is("NAMESPACE") {
            Data::Namespace(Box::new(Namespace::parse(c)?))
        } else {
            return None;
        })
    }

    /// All but FETCH and Unknown, without `* ` and CRLF.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Data::Capability(all) => words(out, "CAPABILITY", all),
            Data::Enabled(all) => words(out, "ENABLED", all),
            Data::Id(pairs) if pairs.is_empty() => out.extend_from_slice(b"ID NIL"),
            Data::Id(pairs) => {
                out.extend_from_slice(b"ID ");
                write::list(out, pairs, |out, (name, value)| {
                    string(out, name);
                    out.push(b' ');
                    nstring(out, value.as_deref());
                });
            }
            Data::Namespace(namespace) => namespace.encode(out),
            Data::List(list) => list.encode(out, "LIST "),
            Data::Lsub(list) => list.encode(out, "LSUB "),
            Data::Status { mailbox, items } => {
                out.extend_from_slice(b"STATUS ");
                astring(out, &mailbox.to_wire());
                out.push(b' ');
                write::list(out, items, |out, item| item.encode(out));
            }
            Data::Search { ids, mod_seq } => {
                out.extend_from_slice(b"SEARCH");
                for id in ids {
                    out.push(b' ');
                    number(out, id.get());
                }
                if let Some(n) = mod_seq {
                    out.extend_from_slice(b" (MODSEQ ");
                    number(out, *n);
                    out.push(b')');
                }
            }
            Data::Flags(flags) => {
                out.extend_from_slice(b"FLAGS ");
                write::list(out, flags, display);
            }
            Data::Exists(n) => {
                number(out, *n);
                out.extend_from_slice(b" EXISTS");
            }
            Data::Recent(n) => {
                number(out, *n);
                out.extend_from_slice(b" RECENT");
            }
            Data::Expunge(n) => {
                number(out, n.get());
                out.extend_from_slice(b" EXPUNGE");
            }
            Data::Fetch(_) | Data::Unknown(_) => {}
        }
    }
}

/// One pass; no more memory than the ids there are, four bytes each.
fn search(c: &mut Cursor<'_>) -> Option<Data> {
    // An id and its space are three bytes at least in all but tiny mailboxes; a
    // guess too low grows.
    let mut ids = Vec::with_capacity(c.rest().len() / 5);
    let mut mod_seq = None;
    while !c.is_done() {
        if c.peek() == Some(b'(') {
            mod_seq = Some(paired_mod_seq(c)?);
        } else {
            ids.push(c.nz_number()?);
        }
        if !c.is_done() {
            c.sp()?;
        }
    }
    Some(Data::Search { ids, mod_seq })
}

/// `(MODSEQ n)`.
fn paired_mod_seq(c: &mut Cursor<'_>) -> Option<u64> {
    c.eat(b'(')?;
    c.word()?
        .eq_ignore_ascii_case(b"MODSEQ")
        .then(|| c.spaces())?;
    let n = c.number64()?;
    c.eat(b')')?;
    Some(n)
}

/// Capabilities to the end of the line or to a `]`.
pub(super) fn capabilities(c: &mut Cursor<'_>) -> Option<Vec<Capability<'static>>> {
    let mut all = Vec::new();
    loop {
        c.spaces();
        if matches!(c.peek(), None | Some(b']')) {
            return Some(all);
        }
        all.push(c.strict(Capability::parse)?.into_owned());
    }
}

/// `flag-list`.
pub(super) fn flags(c: &mut Cursor<'_>) -> Option<Vec<Flag<'static>>> {
    let mut all = Vec::new();
    c.list(|c| {
        all.push(c.strict(Flag::parse)?.into_owned());
        Some(())
    })?;
    Some(all)
}

fn id(c: &mut Cursor<'_>) -> Option<Vec<(Bytes, Option<Bytes>)>> {
    let mut pairs = Vec::new();
    if c.peek() == Some(b'(') {
        c.list(|c| {
            let name = c.string()?;
            c.spaces();
            pairs.push((name, c.nstring()?));
            Some(())
        })?;
    } else if c.nstring()?.is_some() {
        return None;
    }
    Some(pairs)
}

/// A quoted character or `NIL`, and the spaces behind it; `""` occurs for `NIL`.
fn delimiter(c: &mut Cursor<'_>) -> Option<Option<char>> {
    let text = c.nstring()?;
    c.spaces();
    match text.as_deref() {
        None | Some([]) => Some(None),
        Some(&[b]) if b.is_ascii() => Some(Some(char::from(b))),
        Some(_) => None,
    }
}

fn encode_delimiter(out: &mut Vec<u8>, delimiter: Option<char>) {
    match delimiter.and_then(|d| u8::try_from(d).ok()) {
        Some(b @ 1..=0x7f) if !matches!(b, b'\r' | b'\n') => string(out, &[b]),
        _ => out.extend_from_slice(b"NIL"),
    }
}

impl List {
    fn parse(c: &mut Cursor<'_>) -> Option<List> {
        let mut attributes = Vec::new();
        c.list(|c| {
            attributes.push(Attribute::parse(c)?);
            Some(())
        })?;
        c.spaces();
        let delimiter = delimiter(c)?;
        let mailbox = c.strict(Mailbox::parse_lenient)?.into_owned();
        c.spaces();
        // `mbox-list-extended` (RFC 5258): not asked for, so not looked at.
        if c.peek() == Some(b'(') {
            c.skip_value()?;
        }
        Some(List {
            attributes,
            delimiter,
            mailbox,
        })
    }

    fn encode(&self, out: &mut Vec<u8>, name: &str) {
        out.extend_from_slice(name.as_bytes());
        write::list(out, &self.attributes, |out, attribute| {
            attribute.encode(out);
        });
        out.push(b' ');
        encode_delimiter(out, self.delimiter);
        out.push(b' ');
        astring(out, &self.mailbox.to_wire());
    }
}

impl Attribute {
    /// With its backslash, which some servers forget.
    fn parse(c: &mut Cursor<'_>) -> Option<Attribute> {
        let _ = c.eat(b'\\');
        let name = c.strict(|c| c.atom())?;
        let known = ATTRIBUTES
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        Some(match known {
            Some((_, attribute)) => attribute.clone(),
            None => Attribute::Other(Atom::known(name).into_owned()),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'\\');
        match self {
            Attribute::Other(name) => out.extend_from_slice(name.as_str().as_bytes()),
            known => {
                let name = ATTRIBUTES.iter().find(|(_, attribute)| attribute == known);
                out.extend_from_slice(name.map_or("", |(name, _)| name).as_bytes());
            }
        }
    }
}

fn status(c: &mut Cursor<'_>) -> Option<Data> {
    let mailbox = c.strict(Mailbox::parse_lenient)?.into_owned();
    c.spaces();
    let mut items = Vec::new();
    c.list(|c| {
        items.push(StatusItem::parse(c)?);
        Some(())
    })?;
    Some(Data::Status { mailbox, items })
}

impl StatusItem {
    fn parse(c: &mut Cursor<'_>) -> Option<StatusItem> {
        let start = c.at();
        if let Some(item) = Self::known(c) {
            return Some(item);
        }
        c.rewind(start);
        c.word()?;
        c.spaces();
        c.skip_value()?;
        Some(StatusItem::Unknown(Raw::new(c.since(start))))
    }

    fn known(c: &mut Cursor<'_>) -> Option<StatusItem> {
        let name = c.word()?;
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        c.spaces();
        let item = if is("MESSAGES") {
            StatusItem::Messages(c.number()?)
        } else if is("RECENT") {
            StatusItem::Recent(c.number()?)
        } else if is("UIDNEXT") {
            StatusItem::UidNext(c.number()?)
        } else if is("UIDVALIDITY") {
            StatusItem::UidValidity(c.number()?)
        } else if is("UNSEEN") {
            StatusItem::Unseen(c.number()?)
        } else if is("HIGHESTMODSEQ") {
            StatusItem::HighestModSeq(c.number64()?)
        } else {
            return None;
        };
        c.ends_value().then_some(item)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (name, value) = match self {
            StatusItem::Messages(n) => ("MESSAGES ", u64::from(*n)),
            StatusItem::Recent(n) => ("RECENT ", u64::from(*n)),
            StatusItem::UidNext(n) => ("UIDNEXT ", u64::from(*n)),
            StatusItem::UidValidity(n) => ("UIDVALIDITY ", u64::from(*n)),
            StatusItem::Unseen(n) => ("UNSEEN ", u64::from(*n)),
            StatusItem::HighestModSeq(n) => ("HIGHESTMODSEQ ", *n),
            StatusItem::Unknown(raw) => return raw.encode(out),
        };
        out.extend_from_slice(name.as_bytes());
        number(out, value);
    }
}

impl Namespace {
    fn parse(c: &mut Cursor<'_>) -> Option<Namespace> {
        Some(Namespace {
            personal: entries(c)?,
            other_users: entries(c)?,
            shared: entries(c)?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"NAMESPACE");
        for entries in [&self.personal, &self.other_users, &self.shared] {
            out.push(b' ');
            if entries.is_empty() {
                out.extend_from_slice(b"NIL");
                continue;
            }
            out.push(b'(');
            for entry in entries {
                out.push(b'(');
                string(out, &entry.prefix.to_wire());
                out.push(b' ');
                encode_delimiter(out, entry.delimiter);
                out.push(b')');
            }
            out.push(b')');
        }
    }
}

/// `nil / "(" 1*( "(" string SP (<"> QUOTED-CHAR <"> / nil)
/// *(Namespace-Response-Extension) ")" ) ")"` and the spaces behind it.
fn entries(c: &mut Cursor<'_>) -> Option<Vec<NamespaceEntry>> {
    let mut all = Vec::new();
    if c.peek() == Some(b'(') {
        c.list(|c| {
            c.eat(b'(')?;
            c.spaces();
            let prefix = c.strict(Mailbox::parse_lenient)?.into_owned();
            c.spaces();
            let delimiter = delimiter(c)?;
            while c.peek() != Some(b')') {
                c.skip_value()?;
                c.spaces();
            }
            c.eat(b')')?;
            all.push(NamespaceEntry { prefix, delimiter });
            Some(())
        })?;
    } else if c.nstring()?.is_some() {
        return None;
    }
    c.spaces();
    Some(all)
}

fn words(out: &mut Vec<u8>, name: &str, all: &[Capability<'_>]) {
    out.extend_from_slice(name.as_bytes());
    for each in all {
        out.push(b' ');
        display(out, each);
    }
}
