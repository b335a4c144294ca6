use alloc::vec::Vec;
use core::fmt;

use crate::types::{Cursor, Flag, ParseError, Partial, Pieces, Section, SequenceSet, capitals};

/// FETCH (RFC 3501 section 6.4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Of which messages.
    pub set: SequenceSet,
    /// What of them, in the order asked for. The macros ALL, FAST and FULL come as
    /// what they stand for.
    pub attributes: Vec<FetchAttribute>,
    /// UID FETCH: `set` has UIDs, and each response must have a UID.
    pub uid: bool,
}

/// What FETCH asks of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchAttribute {
    /// `BODY`: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `ENVELOPE`
    Envelope,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822`: as `BODY[]`, named otherwise in the response.
    Rfc822,
    /// `RFC822.HEADER`: as `BODY.PEEK[HEADER]`.
    Rfc822Header,
    /// `RFC822.SIZE`
    Rfc822Size,
    /// `RFC822.TEXT`: as `BODY[TEXT]`.
    Rfc822Text,
    /// `UID`
    Uid,
    /// `BODY[...]` or `BODY.PEEK[...]`
    Section {
        /// Which part.
        section: Section,
        /// Only a stretch of it.
        partial: Option<Partial>,
        /// Without setting `\Seen`.
        peek: bool,
    },
}

impl FetchAttribute {
    /// Whether asking for it sets `\Seen`.
    #[must_use]
    pub const fn sets_seen(&self) -> bool {
        match self {
            FetchAttribute::Rfc822 | FetchAttribute::Rfc822Text => true,
            FetchAttribute::Section { peek, .. } => !*peek,
            _ => false,
        }
    }

    /// ALL, FAST and FULL, as what they stand for.
    const MACROS: [(&'static str, &'static [FetchAttribute]); 3] = {
        use FetchAttribute::{Body, Envelope, Flags, InternalDate, Rfc822Size};
        [
            ("ALL", &[Flags, InternalDate, Rfc822Size, Envelope]),
            ("FAST", &[Flags, InternalDate, Rfc822Size]),
            ("FULL", &[Flags, InternalDate, Rfc822Size, Envelope, Body]),
        ]
    };

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        let word = cursor.ascii_while(|b| b.is_ascii_alphanumeric() || b == b'.');
        let bracket = cursor.peek() == Some(b'[');
        Ok(match capitals(word, &mut [0; 16]) {
            name @ ("BODY" | "BODY.PEEK") if bracket => FetchAttribute::Section {
                section: Section::parse(cursor)?,
                partial: Partial::parse(cursor)?,
                peek: name == "BODY.PEEK",
            },
            "BODY" => FetchAttribute::Body,
            "BODYSTRUCTURE" => FetchAttribute::BodyStructure,
            "ENVELOPE" => FetchAttribute::Envelope,
            "FLAGS" => FetchAttribute::Flags,
            "INTERNALDATE" => FetchAttribute::InternalDate,
            "RFC822" => FetchAttribute::Rfc822,
            "RFC822.HEADER" => FetchAttribute::Rfc822Header,
            "RFC822.SIZE" => FetchAttribute::Rfc822Size,
            "RFC822.TEXT" => FetchAttribute::Rfc822Text,
            "UID" => FetchAttribute::Uid,
            _ => return Err(at.error("not a fetch item", "RFC 3501 9 fetch-att")),
        })
    }
}

impl fmt::Display for FetchAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FetchAttribute::Body => "BODY",
            FetchAttribute::BodyStructure => "BODYSTRUCTURE",
            FetchAttribute::Envelope => "ENVELOPE",
            FetchAttribute::Flags => "FLAGS",
            FetchAttribute::InternalDate => "INTERNALDATE",
            FetchAttribute::Rfc822 => "RFC822",
            FetchAttribute::Rfc822Header => "RFC822.HEADER",
            FetchAttribute::Rfc822Size => "RFC822.SIZE",
            FetchAttribute::Rfc822Text => "RFC822.TEXT",
            FetchAttribute::Uid => "UID",
            FetchAttribute::Section {
                section,
                partial,
                peek,
            } => {
                let name = if *peek { "BODY.PEEK" } else { "BODY" };
                write!(f, "{name}[{section}]")?;
                return partial.map_or(Ok(()), |p| p.fmt(f));
            }
        })
    }
}

impl Fetch {
    pub(super) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Self, ParseError> {
        let set = SequenceSet::parse(cursor)?;
        cursor.space()?;
        let attributes = attributes(cursor)?;
        Ok(Fetch {
            set,
            attributes,
            uid,
        })
    }

    pub(super) fn encode(&self, out: &mut Pieces) {
        out.display(format_args!(" {} (", self.set));
        for (i, attribute) in self.attributes.iter().enumerate() {
            out.raw(if i == 0 { b"" } else { b" " });
            out.display(attribute);
        }
        // A list of nothing does not exist.
        out.raw(if self.attributes.is_empty() {
            b"UID)"
        } else {
            b")"
        });
    }
}

fn attributes(cursor: &mut Cursor<'_>) -> Result<Vec<FetchAttribute>, ParseError> {
    if cursor.eat(b'(') {
        let mut found = Vec::new();
        loop {
            found.push(FetchAttribute::parse(cursor)?);
            if cursor.eat(b')') {
                return Ok(found);
            }
            cursor.space()?;
        }
    }
    for (name, expanded) in FetchAttribute::MACROS {
        let word = cursor.rest().trim_ascii_end();
        if word.eq_ignore_ascii_case(name.as_bytes()) {
            cursor.advance(name.len());
            return Ok(expanded.to_vec());
        }
    }
    Ok(alloc::vec![FetchAttribute::parse(cursor)?])
}

/// What STORE does with the flags it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreAction {
    /// `FLAGS`: a message has these, and no others (but `\Recent`).
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// STORE (RFC 3501 section 6.4.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store<'a> {
    /// Of which messages.
    pub set: SequenceSet,
    /// What to do with the flags.
    pub action: StoreAction,
    /// `.SILENT`: the client does not want to be told the new flags.
    pub silent: bool,
    /// The flags. `\Recent` and `\*` cannot be stored: they are neither read nor
    /// written.
    pub flags: Vec<Flag<'a>>,
    /// UID STORE: `set` has UIDs, and each response must have a UID.
    pub uid: bool,
}

impl<'a> Store<'a> {
    pub(super) fn parse(cursor: &mut Cursor<'a>, uid: bool) -> Result<Self, ParseError> {
        let set = SequenceSet::parse(cursor)?;
        cursor.space()?;
        let action = match cursor.peek() {
            Some(b'+') => StoreAction::Add,
            Some(b'-') => StoreAction::Remove,
            _ => StoreAction::Replace,
        };
        if action != StoreAction::Replace {
            cursor.advance(1);
        }
        if !cursor.eat_word("FLAGS") {
            return Err(cursor.error("expected FLAGS", "RFC 3501 9 store-att-flags"));
        }
        let silent = cursor.eat_word(".SILENT");
        cursor.space()?;
        let flags = if cursor.peek() == Some(b'(') {
            flag_list(cursor)?
        } else {
            let mut flags = Vec::new();
            loop {
                flags.push(Flag::parse(cursor)?);
                if !cursor.rest().starts_with(b" ") || cursor.rest() == b" " {
                    break;
                }
                cursor.advance(1);
            }
            flags.retain(Flag::is_settable);
            flags
        };
        Ok(Store {
            set,
            action,
            silent,
            flags,
            uid,
        })
    }

    pub(super) fn encode(&self, out: &mut Pieces) {
        let sign = match self.action {
            StoreAction::Replace => "",
            StoreAction::Add => "+",
            StoreAction::Remove => "-",
        };
        let silent = if self.silent { ".SILENT" } else { "" };
        out.display(format_args!(" {} {sign}FLAGS{silent} ", self.set));
        encode_flags(&self.flags, out);
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Store<'static> {
        Store {
            set: self.set,
            action: self.action,
            silent: self.silent,
            flags: self.flags.into_iter().map(Flag::into_owned).collect(),
            uid: self.uid,
        }
    }
}

/// `flag-list`, of which the flags that no client can set are left out.
pub(super) fn flag_list<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Flag<'a>>, ParseError> {
    cursor.expect(b'(', "expected `(` before flags", "RFC 3501 9 flag-list")?;
    let mut flags = Vec::new();
    if cursor.eat(b')') {
        return Ok(flags);
    }
    loop {
        flags.push(Flag::parse(cursor)?);
        if cursor.eat(b')') {
            flags.retain(Flag::is_settable);
            return Ok(flags);
        }
        cursor.space()?;
    }
}

pub(super) fn encode_flags(flags: &[Flag<'_>], out: &mut Pieces) {
    out.raw(b"(");
    for (i, flag) in flags.iter().filter(|f| f.is_settable()).enumerate() {
        out.raw(if i == 0 { b"" } else { b" " });
        out.display(flag);
    }
    out.raw(b")");
}
