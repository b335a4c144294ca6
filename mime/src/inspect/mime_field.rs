//! The MIME fields by the letter of the rule (RFC 2045 5.1 and 6.1, RFC 2183 2):
//! every place where a value leaves it. The lenient readers in `value` say what is
//! read there; this says that others may read something else.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::value::lex::{Cursor, is_space};
use crate::value::note::Notes;
use crate::{DateTime, DefectKind};

/// Told of a kind and where it is in the value.
type Note<'n> = &'n mut dyn FnMut(DefectKind, usize);

/// A Content-Type.
pub(super) fn content_type(value: &[u8], limit: usize, note: Note<'_>) {
    let mut c = Cursor::new(value);
    comments(&mut c, note);
    let kind = c.take_while(is_token);
    gap(&mut c, note);
    if kind.is_empty() || !c.eat(b'/') {
        return note(DefectKind::BadContentType, 0);
    }
    gap(&mut c, note);
    let subtype = c.take_while(is_token);
    if subtype.is_empty() {
        return note(DefectKind::BadContentType, 0);
    }
    let of = |wanted: &[u8]| kind.eq_ignore_ascii_case(wanted);
    if of(b"message") && subtype.eq_ignore_ascii_case(b"news") {
        note(DefectKind::ObsoleteType, 0);
    }
    let field = match subtype {
        _ if of(b"multipart") => Owner::Multipart,
        s if of(b"message") && s.eq_ignore_ascii_case(b"partial") => Owner::Partial,
        s if of(b"message") && s.eq_ignore_ascii_case(b"external-body") => Owner::External,
        s if of(b"text") && s.eq_ignore_ascii_case(b"plain") => Owner::Plain,
        _ => Owner::Other,
    };
    parameters(&mut c, limit, field, note);
}

/// What has the parameters: it says what their values may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Multipart,
    Partial,
    External,
    Plain,
    Other,
    Disposition,
}

impl Owner {
    /// Whether a value is what its name asks for: a date, a number, one of some words.
    fn allows(self, name: &[u8], value: &[u8]) -> bool {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        let one_of = |words: &[&str]| {
            words
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        };
        let digits = || !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        match self {
            Owner::Partial if is(b"number") || is(b"total") => {
                digits() && value.iter().any(|b| *b != b'0')
            }
            // RFC 2046 5.2.3.1.
            Owner::External if is(b"size") => digits(),
            Owner::External if is(b"expiration") => is_date(value),
            Owner::External if is(b"permission") => one_of(&["read", "read-write"]),
            // RFC 3676 4.1 and 4.2.
            Owner::Plain if is(b"format") => one_of(&["fixed", "flowed"]),
            Owner::Plain if is(b"delsp") => one_of(&["yes", "no"]),
            // RFC 2183 2.
            Owner::Disposition if is(b"size") => digits(),
            Owner::Disposition
                if is(b"creation-date") || is(b"modification-date") || is(b"read-date") =>
            {
                is_date(value)
            }
            _ => true,
        }
    }
}

/// A date by the letter of the rule.
fn is_date(value: &[u8]) -> bool {
    let mut good = true;
    let mut bad = |_, _| good = false;
    let read = DateTime::read(value, &mut Notes::new(&mut bad)).is_some();
    read && good
}

/// The longest value that needs no RFC 2231 (RFC 2183 2).
const SHORT: usize = 78;

/// A Content-Disposition.
pub(super) fn disposition(value: &[u8], limit: usize, note: Note<'_>) {
    let mut c = Cursor::new(value);
    comments(&mut c, note);
    let start = c.pos();
    let kind = c.take_while(is_token);
    let mut behind = c.clone();
    behind.skip_cfws();
    if kind.is_empty() || behind.peek() == Some(b'=') {
        return note(DefectKind::BadDisposition, start);
    }
    parameters(&mut c, limit, Owner::Disposition, note);
}

/// A Content-Transfer-Encoding.
pub(super) fn encoding(value: &[u8], note: Note<'_>) {
    use crate::TransferEncoding as E;
    let mut c = Cursor::new(value);
    comments(&mut c, note);
    let name = c.take_while(is_token);
    comments(&mut c, note);
    if c.peek().is_none() && name.is_empty() {
        return note(DefectKind::UnknownEncoding, 0);
    }
    let known = match E::parse(value) {
        E::Unknown(_) => return note(DefectKind::UnknownEncoding, 0),
        E::Uuencode => {
            note(DefectKind::ObsoleteEncoding, 0);
            true
        }
        known => name.eq_ignore_ascii_case(known.as_str().as_bytes()),
    };
    // Python's email takes `base64 ` for another one.
    let line = value.strip_suffix(b"\n").unwrap_or(value);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let behind = line.trim_ascii_end().len() < line.len();
    let folded = memchr::memchr(b'\n', line).is_some();
    if !known || c.peek().is_some() || behind || folded {
        note(DefectKind::JunkInEncoding, 0);
    }
}

/// A MIME-Version.
pub(super) fn mime_version(value: &[u8], note: Note<'_>) {
    let mut digits = Vec::new();
    let mut c = Cursor::new(value);
    c.skip_cfws();
    while let Some(byte) = c.peek() {
        digits.push(byte);
        c.bump();
        c.skip_cfws();
    }
    if digits != b"1.0" {
        note(DefectKind::BadMimeVersion, 0);
    }
}

/// A character of a token, to the letter.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?="#.contains(&byte)
}

/// White space, and comments, which are told of.
fn comments(c: &mut Cursor<'_>, note: Note<'_>) {
    loop {
        c.skip_space();
        if c.peek() != Some(b'(') {
            return;
        }
        let at = c.pos();
        if c.comment().is_none() {
            return note(DefectKind::UnbalancedParenthesis, at);
        }
        note(DefectKind::CommentInMimeField, at);
    }
}

/// Where neither should be.
fn gap(c: &mut Cursor<'_>, note: Note<'_>) {
    let at = c.pos();
    c.skip_cfws();
    if c.pos() > at {
        note(DefectKind::CommentInMimeField, at);
    }
}

/// How a parameter was written so far.
#[derive(Default)]
struct Seen<'a> {
    base: &'a [u8],
    plain: bool,
    extended: bool,
    /// Sections of RFC 2231.
    sections: BTreeSet<u32>,
    /// The one that came last.
    last: Option<u32>,
    /// The first of them says the charset.
    has_charset: bool,
}

/// The parameters so far, by name without regard to case.
#[derive(Default)]
struct Names<'a> {
    all: Vec<Seen<'a>>,
    /// Where those are that came when there were [`MANY`].
    sorted: BTreeMap<Vec<u8>, usize>,
}

/// So many names are soon looked through.
const MANY: usize = 16;

impl<'a> Names<'a> {
    fn find(&self, base: &[u8]) -> Option<usize> {
        let mut few = self.all.iter().take(MANY);
        let found = few.position(|seen| seen.base.eq_ignore_ascii_case(base));
        match self.all.len() {
            ..=MANY => found,
            _ => found.or_else(|| self.sorted.get(&base.to_ascii_lowercase()).copied()),
        }
    }

    /// It is none of those that are there.
    fn add(&mut self, base: &'a [u8]) -> usize {
        let index = self.all.len();
        if index >= MANY {
            self.sorted.insert(base.to_ascii_lowercase(), index);
        }
        self.all.push(Seen {
            base,
            ..Seen::default()
        });
        index
    }
}

fn parameters(c: &mut Cursor<'_>, limit: usize, owner: Owner, note: Note<'_>) {
    let mut seen = Names::default();
    let mut count = 0;
    loop {
        comments(c, note);
        let Some(byte) = c.peek() else { return };
        if byte != b';' {
            note(DefectKind::BadParameter, c.pos());
            skip(c);
            continue;
        }
        let semicolon = c.pos();
        c.bump();
        comments(c, note);
        if matches!(c.peek(), None | Some(b';')) {
            note(DefectKind::StraySemicolon, semicolon);
            continue;
        }
        let start = c.pos();
        let name = c.take_while(is_token);
        let mut behind = c.clone();
        behind.skip_cfws();
        if name.is_empty() || behind.peek() != Some(b'=') {
            note(DefectKind::BadParameter, start);
            skip(c);
            continue;
        }
        gap(c, note);
        c.eat(b'=');
        if count == limit {
            return note(DefectKind::TooManyParameters, start);
        }
        count += 1;
        gap(c, note);
        let at = c.pos();
        let quoted = c.peek() == Some(b'"');
        let value = self::value(c, note);
        if name.contains(&b'*') {
            if !is_extended(name, &value, quoted, &seen) {
                note(DefectKind::BadExtendedValue, at);
            }
        } else if !owner.allows(name, &value) || owner == Owner::Disposition && value.len() > SHORT
        {
            note(DefectKind::OddParameterValue, at);
        }
        if contains_word(&value) {
            note(DefectKind::EncodedWordInParameter, at);
        }
        let duplicate = name_again(&mut seen, name, start, note);
        if duplicate {
            note(DefectKind::DuplicateParameter, start);
        }
        let base = name.split(|b| *b == b'*').next().unwrap_or(name);
        if owner == Owner::Multipart && !duplicate && base.eq_ignore_ascii_case(b"boundary") {
            if base.len() < name.len() {
                note(DefectKind::ExtendedBoundary, start);
            } else if !is_boundary(&value) && !value.is_empty() {
                note(DefectKind::OddBoundary, at);
            }
        }
    }
}

/// Takes note of a name; `true` when it was there.
fn name_again<'a>(seen: &mut Names<'a>, name: &'a [u8], at: usize, note: Note<'_>) -> bool {
    let (stem, starred) = match name.strip_suffix(b"*") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let mut parts = stem.splitn(2, |b| *b == b'*');
    let base = parts.next().unwrap_or(stem);
    let digits = parts.next();
    let number = digits.map(|digits| {
        digits
            .iter()
            .take(5)
            .fold(0, |n, d| n * 10 + u32::from(d.wrapping_sub(b'0')))
    });
    let index = seen.find(base).unwrap_or_else(|| seen.add(base));
    let Some(entry) = seen.all.get_mut(index) else {
        return false;
    };
    let forms =
        |e: &Seen<'_>| u8::from(e.plain) + u8::from(e.extended) + u8::from(!e.sections.is_empty());
    let before = forms(entry);
    let duplicate = match (number, starred) {
        (Some(n), _) => {
            // A section that does not follow the one before: others put them together
            // as they come, or stop.
            let zeros = digits.is_some_and(|d| d.len() > 1 && d.starts_with(b"0"));
            if zeros || entry.last.map_or(0, |last| last + 1) != n {
                note(DefectKind::OddContinuation, at);
            }
            if n == 0 {
                entry.has_charset |= starred;
            }
            let is_new = entry.sections.insert(n);
            if is_new {
                entry.last = Some(n);
            }
            !is_new
        }
        (None, true) => core::mem::replace(&mut entry.extended, true),
        (None, false) => core::mem::replace(&mut entry.plain, true),
    };
    if before == 1 && forms(entry) == 2 {
        note(DefectKind::ConflictingParameter, at);
    }
    duplicate
}

/// Whether the value of a name with a star in it is one by RFC 2231 4 and 4.1.
fn is_extended(name: &[u8], value: &[u8], quoted: bool, seen: &Names<'_>) -> bool {
    let Some(stem) = name.strip_suffix(b"*") else {
        return true;
    };
    let (base, number) = match memchr::memchr(b'*', stem) {
        Some(star) => (stem.get(..star).unwrap_or(stem), stem.get(star + 1..)),
        None => (stem, None),
    };
    let mut percents = value.split(|b| *b == b'%').skip(1);
    let escapes = percents.all(|behind| {
        let hex = behind.get(..2).unwrap_or_default();
        hex.len() == 2 && hex.iter().all(u8::is_ascii_hexdigit)
    });
    let charset = match number {
        None | Some(b"0") => value.iter().filter(|b| **b == b'\'').count() >= 2,
        Some(_) => seen
            .find(base)
            .and_then(|index| seen.all.get(index))
            .is_some_and(|seen| seen.has_charset),
    };
    !quoted && escapes && charset
}

/// A value, quoted or not, without its quotes.
fn value(c: &mut Cursor<'_>, note: Note<'_>) -> Vec<u8> {
    let start = c.pos();
    if c.peek() == Some(b'"') {
        c.bump();
        let (mut value, mut folded) = (Vec::new(), false);
        loop {
            let at = c.pos();
            match c.peek() {
                None => {
                    note(DefectKind::UnbalancedQuote, start);
                    return value;
                }
                Some(b'"') => {
                    if folded {
                        note(DefectKind::FoldInParameter, start);
                    }
                    c.bump();
                    return value;
                }
                Some(b'\\') => {
                    c.bump();
                    match c.peek() {
                        Some(byte @ (b'"' | b'\\')) => value.push(byte),
                        Some(byte) => {
                            note(DefectKind::BackslashInParameter, at);
                            value.push(byte);
                        }
                        None => {}
                    }
                    c.bump();
                }
                Some(b'\r' | b'\n') => {
                    folded = true;
                    c.bump();
                }
                Some(byte) => {
                    // The line end of the field is no fold.
                    if folded && !is_space(byte) {
                        note(DefectKind::FoldInParameter, start);
                        folded = false;
                    }
                    value.push(byte);
                    c.bump();
                }
            }
        }
    }
    let value = c.take_while(|b| !is_space(b) && b != b';' && b != b'(');
    if value.contains(&b'"') {
        note(DefectKind::UnquotedSpace, start);
    } else if value.is_empty() || !value.iter().all(|b| is_token(*b)) {
        note(DefectKind::UnquotedParameter, start);
    }
    let mut behind = c.clone();
    behind.skip_cfws();
    if !matches!(behind.peek(), None | Some(b';')) {
        note(DefectKind::UnquotedSpace, start);
        skip(c);
    }
    value.to_vec()
}

/// To the next semicolon that is not in quotes.
fn skip(c: &mut Cursor<'_>) {
    loop {
        c.take_while(|b| b != b';' && b != b'"');
        match c.peek() {
            Some(b'"') if c.quoted().is_none() => c.bump(),
            Some(b'"') => {}
            _ => return,
        }
    }
}

pub(crate) fn contains_word(value: &[u8]) -> bool {
    let open = memchr::memmem::find(value, b"=?");
    open.is_some_and(|at| {
        let rest = value.get(at + 2..).unwrap_or_default();
        rest.iter().filter(|b| **b == b'?').count() >= 3
            && memchr::memmem::find(rest, b"?=").is_some()
    })
}

/// RFC 2046 5.1.1: 1 to 70 of its characters, no space at the end.
fn is_boundary(value: &[u8]) -> bool {
    let character = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(b);
    (1..=70).contains(&value.len()) && value.iter().all(character) && !value.ends_with(b" ")
}
