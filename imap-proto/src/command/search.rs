use alloc::{boxed::Box, vec::Vec};

use crate::types::{Atom, Chars, Cursor, Date, ParseError, Pieces, SequenceSet, capitals};

/// How deep keys may nest: `NOT`, `OR` and parentheses, in the default limits.
pub const MAX_DEPTH: usize = 50;

/// SEARCH (RFC 3501 section 6.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search<'a> {
    /// What the strings are encoded in; US-ASCII if not said.
    pub charset: Option<Chars<'a>>,
    /// All of these must hold; never empty where it was parsed. An empty list is
    /// written as `ALL`.
    pub keys: Vec<SearchKey<'a>>,
    /// UID SEARCH: the answer is in UIDs.
    pub uid: bool,
}

/// What a message must be to be found (RFC 3501 section 6.4.4). The dates compare
/// days without regard to time and zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchKey<'a> {
    /// `ALL`: anything.
    All,
    /// `ANSWERED`
    Answered,
    /// `BCC`: this substring, in any case, in the field of the envelope.
    Bcc(Chars<'a>),
    /// `BEFORE`: internal date before that day.
    Before(Date),
    /// `BODY`: this in the body.
    Body(Chars<'a>),
    /// `CC`
    Cc(Chars<'a>),
    /// `DELETED`
    Deleted,
    /// `DRAFT`
    Draft,
    /// `FLAGGED`
    Flagged,
    /// `FROM`
    From(Chars<'a>),
    /// `HEADER`: a field of this name that has this substring; an empty one: that
    /// there is such a field.
    Header(Chars<'a>, Chars<'a>),
    /// `KEYWORD`
    Keyword(Atom<'a>),
    /// `LARGER`: more bytes than that.
    Larger(u32),
    /// `NEW`: recent and not seen.
    New,
    /// `NOT`
    Not(Box<SearchKey<'a>>),
    /// `OLD`: not recent.
    Old,
    /// `ON`: internal date on that day.
    On(Date),
    /// `OR`
    Or(Box<SearchKey<'a>>, Box<SearchKey<'a>>),
    /// `RECENT`
    Recent,
    /// `SEEN`
    Seen,
    /// `SENTBEFORE`: the `Date:` field's day is before that day.
    SentBefore(Date),
    /// `SENTON`
    SentOn(Date),
    /// `SENTSINCE`
    SentSince(Date),
    /// `SINCE`: internal date on that day or later.
    Since(Date),
    /// `SMALLER`: fewer bytes than that.
    Smaller(u32),
    /// `SUBJECT`
    Subject(Chars<'a>),
    /// `TEXT`: this in header or body.
    Text(Chars<'a>),
    /// `TO`
    To(Chars<'a>),
    /// `UID`: UIDs, whichever SEARCH it is.
    Uid(SequenceSet),
    /// `UNANSWERED`
    Unanswered,
    /// `UNDELETED`
    Undeleted,
    /// `UNDRAFT`
    Undraft,
    /// `UNFLAGGED`
    Unflagged,
    /// `UNKEYWORD`
    Unkeyword(Atom<'a>),
    /// `UNSEEN`
    Unseen,
    /// Message numbers.
    Sequence(SequenceSet),
    /// Parentheses: all of these.
    And(Vec<SearchKey<'a>>),
}

impl<'a> Search<'a> {
    pub(super) fn parse(cursor: &mut Cursor<'a>, uid: bool) -> Result<Self, ParseError> {
        let charset = if cursor.eat_word("CHARSET ") {
            let charset = Chars::parse(cursor)?;
            cursor.space()?;
            Some(charset)
        } else {
            None
        };
        let keys = keys(cursor, 1)?;
        Ok(Search { charset, keys, uid })
    }

    pub(super) fn encode(&self, out: &mut Pieces) {
        if let Some(charset) = &self.charset {
            out.raw(b" CHARSET ");
            out.astring(charset.as_bytes());
        }
        if self.keys.is_empty() {
            out.raw(b" ALL");
        }
        for key in &self.keys {
            out.raw(b" ");
            key.encode(out);
        }
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Search<'static> {
        Search {
            charset: self.charset.map(Chars::into_owned),
            keys: self.keys.into_iter().map(SearchKey::into_owned).collect(),
            uid: self.uid,
        }
    }
}

fn keys<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Vec<SearchKey<'a>>, ParseError> {
    let mut keys = Vec::new();
    loop {
        keys.push(SearchKey::parse(cursor, depth)?);
        // A space at the very end is nobody's key.
        if !cursor.rest().starts_with(b" ") || cursor.rest() == b" " {
            return Ok(keys);
        }
        cursor.advance(1);
    }
}

/// A space and a string.
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<Chars<'a>, ParseError> {
    cursor.space()?;
    Chars::parse(cursor)
}

/// A space and a date.
fn date(cursor: &mut Cursor<'_>) -> Result<Date, ParseError> {
    cursor.space()?;
    Date::parse(cursor)
}

/// A space and a number of bytes.
fn size(cursor: &mut Cursor<'_>) -> Result<u32, ParseError> {
    cursor.space()?;
    cursor.number()
}

/// A space and a keyword.
fn keyword<'a>(cursor: &mut Cursor<'a>) -> Result<Atom<'a>, ParseError> {
    cursor.space()?;
    cursor.atom().map(Atom::known)
}

impl<'a> SearchKey<'a> {
    fn parse(cursor: &mut Cursor<'a>, depth: usize) -> Result<Self, ParseError> {
        const RULE: &str = "RFC 3501 9 search-key";
        if depth > MAX_DEPTH {
            return Err(cursor.error("search keys nested more than 50 deep", "limit"));
        }
        if cursor.eat(b'(') {
            let inner = keys(cursor, depth + 1)?;
            cursor.expect(b')', "expected `)` behind search keys", RULE)?;
            return Ok(SearchKey::And(inner));
        }
        if cursor
            .peek()
            .is_some_and(|b| b.is_ascii_digit() || b == b'*')
        {
            return SequenceSet::parse(cursor).map(SearchKey::Sequence);
        }
        let at = cursor.clone();
        let word = cursor.ascii_while(|b| b.is_ascii_alphabetic());
        Ok(match capitals(word, &mut [0; 16]) {
            "ALL" => SearchKey::All,
            "ANSWERED" => SearchKey::Answered,
            "BCC" => SearchKey::Bcc(text(cursor)?),
            "BEFORE" => SearchKey::Before(date(cursor)?),
            "BODY" => SearchKey::Body(text(cursor)?),
            "CC" => SearchKey::Cc(text(cursor)?),
            "DELETED" => SearchKey::Deleted,
            "DRAFT" => SearchKey::Draft,
            "FLAGGED" => SearchKey::Flagged,
            "FROM" => SearchKey::From(text(cursor)?),
            "HEADER" => SearchKey::Header(text(cursor)?, text(cursor)?),
            "KEYWORD" => SearchKey::Keyword(keyword(cursor)?),
            "LARGER" => SearchKey::Larger(size(cursor)?),
            "NEW" => SearchKey::New,
            "NOT" => SearchKey::Not(Self::nested(cursor, depth)?),
            "OLD" => SearchKey::Old,
            "ON" => SearchKey::On(date(cursor)?),
            "OR" => SearchKey::Or(Self::nested(cursor, depth)?, Self::nested(cursor, depth)?),
            "RECENT" => SearchKey::Recent,
            "SEEN" => SearchKey::Seen,
            "SENTBEFORE" => SearchKey::SentBefore(date(cursor)?),
            "SENTON" => SearchKey::SentOn(date(cursor)?),
            "SENTSINCE" => SearchKey::SentSince(date(cursor)?),
            "SINCE" => SearchKey::Since(date(cursor)?),
            "SMALLER" => SearchKey::Smaller(size(cursor)?),
            "SUBJECT" => SearchKey::Subject(text(cursor)?),
            "TEXT" => SearchKey::Text(text(cursor)?),
            "TO" => SearchKey::To(text(cursor)?),
            "UID" => {
                cursor.space()?;
                SearchKey::Uid(SequenceSet::parse(cursor)?)
            }
            "UNANSWERED" => SearchKey::Unanswered,
            "UNDELETED" => SearchKey::Undeleted,
            "UNDRAFT" => SearchKey::Undraft,
            "UNFLAGGED" => SearchKey::Unflagged,
            "UNKEYWORD" => SearchKey::Unkeyword(keyword(cursor)?),
            "UNSEEN" => SearchKey::Unseen,
            _ => return Err(at.error("not a search key", RULE)),
        })
    }

    /// A key one level further in.
    fn nested(cursor: &mut Cursor<'a>, depth: usize) -> Result<Box<Self>, ParseError> {
        cursor.space()?;
        Self::parse(cursor, depth + 1).map(Box::new)
    }

    fn encode(&self, out: &mut Pieces) {
        let text = |out: &mut Pieces, name: &str, text: &Chars<'_>| {
            out.raw(name.as_bytes());
            out.astring(text.as_bytes());
        };
        match self {
            SearchKey::All => out.raw(b"ALL"),
            SearchKey::Answered => out.raw(b"ANSWERED"),
            SearchKey::Deleted => out.raw(b"DELETED"),
            SearchKey::Draft => out.raw(b"DRAFT"),
            SearchKey::Flagged => out.raw(b"FLAGGED"),
            SearchKey::New => out.raw(b"NEW"),
            SearchKey::Old => out.raw(b"OLD"),
            SearchKey::Recent => out.raw(b"RECENT"),
            SearchKey::Seen => out.raw(b"SEEN"),
            SearchKey::Unanswered => out.raw(b"UNANSWERED"),
            SearchKey::Undeleted => out.raw(b"UNDELETED"),
            SearchKey::Undraft => out.raw(b"UNDRAFT"),
            SearchKey::Unflagged => out.raw(b"UNFLAGGED"),
            SearchKey::Unseen => out.raw(b"UNSEEN"),
            SearchKey::Bcc(t) => text(out, "BCC ", t),
            SearchKey::Body(t) => text(out, "BODY ", t),
            SearchKey::Cc(t) => text(out, "CC ", t),
            SearchKey::From(t) => text(out, "FROM ", t),
            SearchKey::Subject(t) => text(out, "SUBJECT ", t),
            SearchKey::Text(t) => text(out, "TEXT ", t),
            SearchKey::To(t) => text(out, "TO ", t),
            SearchKey::Header(name, t) => {
                text(out, "HEADER ", name);
                text(out, " ", t);
            }
            SearchKey::Before(d) => out.display(format_args!("BEFORE {d}")),
            SearchKey::On(d) => out.display(format_args!("ON {d}")),
            SearchKey::SentBefore(d) => out.display(format_args!("SENTBEFORE {d}")),
            SearchKey::SentOn(d) => out.display(format_args!("SENTON {d}")),
            SearchKey::SentSince(d) => out.display(format_args!("SENTSINCE {d}")),
            SearchKey::Since(d) => out.display(format_args!("SINCE {d}")),
            SearchKey::Keyword(a) => out.display(format_args!("KEYWORD {a}")),
            SearchKey::Unkeyword(a) => out.display(format_args!("UNKEYWORD {a}")),
            SearchKey::Larger(n) => out.display(format_args!("LARGER {n}")),
            SearchKey::Smaller(n) => out.display(format_args!("SMALLER {n}")),
            SearchKey::Uid(set) => out.display(format_args!("UID {set}")),
            SearchKey::Sequence(set) => out.display(set),
            SearchKey::Not(key) => {
                out.raw(b"NOT ");
                key.encode(out);
            }
            SearchKey::Or(a, b) => {
                out.raw(b"OR ");
                a.encode(out);
                out.raw(b" ");
                b.encode(out);
            }
            SearchKey::And(keys) if keys.is_empty() => out.raw(b"ALL"),
            SearchKey::And(keys) => {
                for (i, key) in keys.iter().enumerate() {
                    out.raw(if i == 0 { b"(" } else { b" " });
                    key.encode(out);
                }
                out.raw(b")");
            }
        }
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> SearchKey<'static> {
        match self {
            SearchKey::All => SearchKey::All,
            SearchKey::Answered => SearchKey::Answered,
            SearchKey::Bcc(t) => SearchKey::Bcc(t.into_owned()),
            SearchKey::Before(d) => SearchKey::Before(d),
            SearchKey::Body(t) => SearchKey::Body(t.into_owned()),
            SearchKey::Cc(t) => SearchKey::Cc(t.into_owned()),
            SearchKey::Deleted => SearchKey::Deleted,
            SearchKey::Draft => SearchKey::Draft,
            SearchKey::Flagged => SearchKey::Flagged,
            SearchKey::From(t) => SearchKey::From(t.into_owned()),
            SearchKey::Header(n, t) => SearchKey::Header(n.into_owned(), t.into_owned()),
            SearchKey::Keyword(a) => SearchKey::Keyword(a.into_owned()),
            SearchKey::Larger(n) => SearchKey::Larger(n),
            SearchKey::New => SearchKey::New,
            SearchKey::Not(k) => SearchKey::Not(Box::new(k.into_owned())),
            SearchKey::Old => SearchKey::Old,
            SearchKey::On(d) => SearchKey::On(d),
            SearchKey::Or(a, b) => {
                SearchKey::Or(Box::new(a.into_owned()), Box::new(b.into_owned()))
            }
            SearchKey::Recent => SearchKey::Recent,
            SearchKey::Seen => SearchKey::Seen,
            SearchKey::SentBefore(d) => SearchKey::SentBefore(d),
            SearchKey::SentOn(d) => SearchKey::SentOn(d),
            SearchKey::SentSince(d) => SearchKey::SentSince(d),
            SearchKey::Since(d) => SearchKey::Since(d),
            SearchKey::Smaller(n) => SearchKey::Smaller(n),
            SearchKey::Subject(t) => SearchKey::Subject(t.into_owned()),
            SearchKey::Text(t) => SearchKey::Text(t.into_owned()),
            SearchKey::To(t) => SearchKey::To(t.into_owned()),
            SearchKey::Uid(s) => SearchKey::Uid(s),
            SearchKey::Unanswered => SearchKey::Unanswered,
            SearchKey::Undeleted => SearchKey::Undeleted,
            SearchKey::Undraft => SearchKey::Undraft,
            SearchKey::Unflagged => SearchKey::Unflagged,
            SearchKey::Unkeyword(a) => SearchKey::Unkeyword(a.into_owned()),
            SearchKey::Unseen => SearchKey::Unseen,
            SearchKey::Sequence(s) => SearchKey::Sequence(s),
            SearchKey::And(keys) => {
                SearchKey::And(keys.into_iter().map(SearchKey::into_owned).collect())
            }
        }
    }
}
