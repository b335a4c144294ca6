//! The grammar of address lists, and what damage is taken for.

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use super::piece::{Kind, Piece, comment_text, is_special};
use super::{Address, Mailbox, Raw, is_atext, is_dot_atom};
use crate::DefectKind;
use crate::scan::plain_quoted_length;
use crate::value::lex::{Cursor, is_space, skip_space, unfold};
use crate::value::note::Notes;
use crate::value::words;

/// The entries of an address list, one at a time (RFC 5322 3.4 and 4.4).
///
/// Nothing is refused and no bytes can make it slow: time is linear in the value. The
/// common entry (`Ann <ann@a.test>`, `ann@a.test`) is borrowed and nothing is
/// allocated for it. What the grammar does not allow has one reading, and
/// [`Field::defects`](crate::Field::defects) tells of each:
///
/// - brackets: one that is missing is added where the entry ends, more than one count
///   once; without any the last word with an `@` is the address, the words before it
///   are the name (`Ann ann@a.test`);
/// - text behind an address: with an `@` it is an entry of its own (`<a@x.test>b@y.test`,
///   `<a@x.test> <b@y.test>`), without it is the name where there is none;
/// - an unquoted name may have dots, brackets, and an `@` in it, and commas: words
///   without an `@` before a comma belong to the name that goes on behind it
///   (`Doe, Ann <ann@a.test>`);
/// - a semicolon outside of a group is a comma; a group that nothing ends ends with the
///   value; an empty entry is none;
/// - of several `@` the last counts, the others belong to the local part;
/// - an entry without an `@` is a local part if it is one word, else a name;
/// - an encoded word is one word, whatever characters are in it, and part of a name alone.
///
/// ```
/// use scop_mime::Addresses;
///
/// let shown: Vec<String> = Addresses::new(b"Doe, Ann <ann@a.test>; <b@b.test>c@c.test, Team:;")
///     .flat_map(|entry| entry.mailboxes().to_vec())
///     .map(|mailbox| mailbox.to_string())
///     .collect();
/// assert_eq!(shown, ["Doe, Ann <ann@a.test>", "b@b.test", "c@c.test"]);
/// ```
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    pub(super) value: &'a [u8],
    cursor: Cursor<'a>,
    /// What was read of the entry in hand outside of brackets.
    pieces: Vec<Piece<'a>>,
    /// The last comment in it.
    comment: Option<&'a [u8]>,
    /// The address in brackets that it has.
    angle: Option<Mailbox<'a>>,
    group: Option<Group<'a>>,
    ready: VecDeque<Address<'a>>,
    /// An entry begins here.
    fresh: bool,
    /// There is an `@` among the pieces.
    has_at: bool,
    before: Before,
    over: bool,
}

/// An `atext` or a dot.
const DOTTED: u8 = 1;
/// A space.
const SPACE: u8 = 2;
/// What an encoded word begins with, which is `atext` too.
const EQUALS: u8 = 4;
/// A dot.
const DOT: u8 = 8;

#[inline]
fn class(byte: u8) -> u8 {
    const CLASSES: [u8; 256] = {
        let mut classes = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            classes[byte] = match byte as u8 {
                b' ' => SPACE,
                b'=' => DOTTED | EQUALS,
                b'.' => DOTTED | DOT,
                b if is_atext(b) => DOTTED,
                _ => 0,
            };
            byte += 1;
        }
        classes
    };
    CLASSES[usize::from(byte)]
}

/// What came last in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Start,
    Item,
    /// A comma, and where.
    Comma(usize),
    /// A comma behind another one.
    Commas,
}

#[derive(Clone, Debug)]
struct Group<'a> {
    name: Cow<'a, [u8]>,
    members: Vec<Mailbox<'a>>,
    start: usize,
}

/// The list, with what is wrong with it.
pub(crate) fn read<'a>(value: &'a [u8], notes: &mut Notes<'_>) -> Vec<Address<'a>> {
    let mut cursor = Cursor::new(value);
    let mut list = Vec::new();
    if !notes.wanted() {
        // As long as they are common ones, nothing else of what reads lists is needed.
        while let Some(Common { mailbox, is_last }) = common(value, &mut cursor) {
            if list.is_empty() {
                list = Vec::with_capacity(if is_last { 1 } else { 4 });
            }
            list.push(Address::Mailbox(mailbox));
            if is_last {
                return list;
            }
        }
    }
    let mut addresses = Addresses::from(value, cursor);
    while let Some(address) = addresses.advance(notes) {
        list.push(address);
    }
    list
}

/// An entry as nearly all are.
struct Common<'a> {
    mailbox: Mailbox<'a>,
    /// The value is over. If not, a comma was behind it.
    is_last: bool,
}

/// Reads one of these without a detour; what is anything else is left, with the cursor
/// where it was, to [`Addresses::token`]. They agree wherever this gives an answer.
#[inline]
fn common<'a>(value: &'a [u8], cursor: &mut Cursor<'a>) -> Option<Common<'a>> {
    let (mailbox, behind) = common_entry(value.get(cursor.pos()..)?)?;
    let is_last = behind.is_empty();
    let behind = match is_last {
        true => behind,
        false => behind.strip_prefix(b",")?,
    };
    cursor.seek(value.len() - behind.len());
    Some(Common { mailbox, is_last })
}

/// The mailbox with which `rest` begins, and what is behind it and white space.
#[inline]
fn common_entry(rest: &[u8]) -> Option<(Mailbox<'_>, &[u8])> {
    let rest = skip_space(rest);
    // The name, and the address in brackets; or an address without.
    let (name, address, (local, seen, at_domain)) = if let [b'"', quoted @ ..] = rest {
        let (text, behind) = quoted.split_at_checked(plain_quoted_length(quoted)?)?;
        let is_plain =
            memchr::memchr(b'=', text).is_none() && !matches!(text, [b' ', ..] | [.., b' ']);
        let address = behind.strip_prefix(b"\"")?;
        let address = skip_space(address).strip_prefix(b"<")?;
        (Some(Raw::of(text, is_plain)), address, run(address, DOTTED))
    } else {
        let (words, seen, behind) = run(rest, DOTTED | SPACE);
        if behind.first() == Some(&b'@') {
            if seen & SPACE != 0 {
                return None;
            }
            (None, rest, (words, seen, behind))
        } else {
            let address = skip_space(behind).strip_prefix(b"<")?;
            let words = words.trim_ascii_end();
            if seen & SPACE != 0 && words.windows(2).any(|w| w == b"  ")
                || seen & EQUALS != 0 && cuts_a_word(rest, words)
            {
                return None;
            }
            let name = Raw::of(words, seen & EQUALS == 0);
            (Some(name), address, run(address, DOTTED))
        }
    };
    if local.is_empty() || local.starts_with(b"=?") {
        return None;
    }
    let (domain, _, behind) = run(at_domain.strip_prefix(b"@")?, DOTTED);
    let spec = address.get(..local.len() + 1 + domain.len())?;
    let behind = match name {
        _ if domain.is_empty() => return None,
        Some(_) => behind.strip_prefix(b">")?,
        None => behind,
    };
    let mailbox = Mailbox {
        at: local.len(),
        raw_name: name.filter(|name| !name.is_empty()),
        route: None,
        spec: Raw::of(spec, seen & DOT == 0 || is_dot_atom(local)),
    };
    Some((mailbox, skip_space(behind)))
}

/// The bytes of these classes with which `bytes` begin, what they are, and what is behind.
#[inline(always)]
fn run(bytes: &[u8], classes: u8) -> (&[u8], u8, &[u8]) {
    let mut seen = 0;
    let mut is_other = |b: &u8| {
        let class = class(*b);
        seen |= class;
        class & classes == 0
    };
    let length = bytes.iter().position(&mut is_other).unwrap_or(bytes.len());
    let (run, behind) = bytes.split_at(length);
    (run, seen, behind)
}

/// Whether an encoded word begins among `words`, with which `rest` begins, and goes on behind
/// them.
fn cuts_a_word(rest: &[u8], words: &[u8]) -> bool {
    let mut at = 0;
    words.split(|b| *b == b' ').any(|word| {
        let begin = at;
        at += word.len() + 1;
        let rest = rest.get(begin..).unwrap_or_default();
        words::word_length(rest).is_some_and(|length| begin + length > words.len())
    })
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Address<'a>;

    fn next(&mut self) -> Option<Address<'a>> {
        self.advance(&mut Notes::none())
    }
}

impl<'a> Addresses<'a> {
    /// The entries of `value`, which is what is behind the colon of From, To and the
    /// like.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Self {
        Self::from(value, Cursor::new(value))
    }

    /// Those that begin at the cursor.
    fn from(value: &'a [u8], cursor: Cursor<'a>) -> Self {
        Addresses {
            value,
            cursor,
            pieces: Vec::new(),
            comment: None,
            angle: None,
            group: None,
            ready: VecDeque::new(),
            fresh: true,
            has_at: false,
            before: Before::Start,
            over: false,
        }
    }

    fn advance(&mut self, notes: &mut Notes<'_>) -> Option<Address<'a>> {
        loop {
            if let Some(address) = self.ready.pop_front() {
                return Some(address);
            }
            if self.over {
                return None;
            }
            if mem::take(&mut self.fresh) && !notes.wanted() {
                if let Some(Common { mailbox, is_last }) = common(self.value, &mut self.cursor) {
                    self.fresh = !is_last;
                    match &mut self.group {
                        None => {
                            self.over = is_last;
                            return Some(Address::Mailbox(mailbox));
                        }
                        Some(group) => group.members.push(mailbox),
                    }
                }
                continue;
            }
            self.token(notes);
        }
    }

    /// The next token of the list.
    fn token(&mut self, notes: &mut Notes<'_>) {
        let start = self.cursor.pos();
        let Some(byte) = self.cursor.peek() else {
            if let Before::Comma(at) = self.before {
                notes.add(DefectKind::EmptyListItem, at);
            }
            self.end_entry(notes);
            if let Some(group) = &self.group {
                notes.add(DefectKind::UnclosedGroup, group.start);
            }
            self.end_group();
            self.over = true;
            return;
        };
        match byte {
            b',' => {
                self.cursor.bump();
                self.before = match self.before {
                    Before::Item => Before::Comma(start),
                    Before::Commas => Before::Commas,
                    Before::Start | Before::Comma(_) => {
                        notes.add(DefectKind::EmptyListItem, start);
                        Before::Commas
                    }
                };
                let naked = self.angle.is_none() && self.comment.is_none() && !self.has_at;
                if naked && !self.pieces.is_empty() {
                    // It may be the first half of a name.
                    self.push(Kind::Comma, Cow::Borrowed(b","), start);
                } else {
                    self.end_entry(notes);
                    self.fresh = true;
                }
            }
            b';' => {
                self.cursor.bump();
                self.end_entry(notes);
                if self.group.is_none() {
                    notes.add(DefectKind::SemicolonSeparator, start);
                }
                self.before = Before::Item;
                self.end_group();
                self.fresh = true;
            }
            b':' => {
                self.cursor.bump();
                self.colon(start, notes);
            }
            b'<' => {
                self.before = Before::Item;
                self.in_brackets(notes);
            }
            b'>' => {
                self.cursor.bump();
                notes.add(
                    match self.angle {
                        Some(_) => DefectKind::ExcessBrackets,
                        None => DefectKind::UnbalancedBracket,
                    },
                    start,
                );
            }
            _ => {
                let words = self.pieces.last().is_none_or(|p| p.kind != Kind::At);
                self.piece(words, notes);
            }
        }
    }

    fn push(&mut self, kind: Kind, text: Cow<'a, [u8]>, start: usize) {
        let end = self.cursor.pos();
        self.has_at |= kind == Kind::At;
        self.pieces.push(Piece {
            kind,
            text,
            start,
            end,
        });
    }

    /// A word, a quoted string, a literal, an `@`, a comment; or a stray character.
    /// An encoded word counts where it can be part of a name: `words`.
    fn piece(&mut self, words: bool, notes: &mut Notes<'_>) {
        let start = self.cursor.pos();
        match self.cursor.peek() {
            Some(b) if is_space(b) => return self.cursor.skip_space(),
            Some(b'(') => match self.cursor.comment_noting(notes) {
                Some(comment) => self.comment = Some(comment),
                None => self.cursor.bump(),
            },
            Some(b'"') => match self.cursor.quoted_noting(notes) {
                Some(text) => self.push(Kind::Quoted, text, start),
                None => self.cursor.bump(),
            },
            Some(b'@') => {
                self.cursor.bump();
                self.push(Kind::At, Cow::Borrowed(b"@"), start);
            }
            Some(b'[') => {
                // A domain literal; one that does not end is a word with a bracket.
                let text = self
                    .cursor
                    .take_while(|b| !matches!(b, b']' | b',' | b'<' | b'>'));
                let text = match self.cursor.eat(b']') {
                    true => self.cursor.since(start),
                    false => text,
                };
                self.push(Kind::Literal, unfold(text), start);
            }
            Some(b')' | b']') => {
                if self.cursor.eat(b')') {
                    notes.add(DefectKind::UnbalancedParenthesis, start);
                } else {
                    self.cursor.bump();
                }
                self.push(Kind::Stray, Cow::Borrowed(self.cursor.since(start)), start);
            }
            _ => {
                // An encoded word is one word, whatever is in it.
                let rest = self.value.get(start..).unwrap_or_default();
                match words::word_length(rest).filter(|_| words) {
                    Some(length) => self.cursor.seek(start + length),
                    None => _ = self.cursor.take_while(|b| !is_space(b) && !is_special(b)),
                }
                let word = self.cursor.since(start);
                let text = match memchr::memchr3(b'\r', b'\n', 0, word) {
                    None => Cow::Borrowed(word),
                    Some(_) => unfold(word),
                };
                self.push(Kind::Word, text, start);
            }
        }
        self.before = Before::Item;
    }

    /// A colon outside of brackets: a group begins, if there is a name for it.
    fn colon(&mut self, at: usize, notes: &mut Notes<'_>) {
        if self.group.is_some() {
            return notes.add(DefectKind::NestedGroup, at);
        }
        // Looked for only where it counts: of many colons behind an `@` each would look
        // through all that came before.
        let cut = match self.angle.is_none() && !self.has_at {
            true => self.last_comma().map_or(0, |c| c + 1),
            false => self.pieces.len(),
        };
        if cut >= self.pieces.len() {
            return notes.add(DefectKind::UnquotedSpecial, at);
        }
        let name = self.pieces.split_off(cut);
        self.end_entry(notes);
        self.note_name(&name, notes);
        self.group = Some(Group {
            start: name.first().map_or(at, |p| p.start),
            name: self.phrase(&name),
            members: Vec::new(),
        });
        self.comment = None;
        // An empty group is no empty entry.
        self.before = Before::Item;
        self.fresh = true;
    }

    fn last_comma(&self) -> Option<usize> {
        self.pieces.iter().rposition(|p| p.kind == Kind::Comma)
    }

    /// `<` and what it encloses.
    fn in_brackets(&mut self, notes: &mut Notes<'_>) {
        let open = self.cursor.pos();
        if let Some(first) = self.angle.take() {
            // No comma between two; what lies between is the name of the second.
            notes.add(DefectKind::TextAfterAddress, open);
            self.add_named(first);
        }
        if let Some(comma) = self.last_comma() {
            if comma + 1 == self.pieces.len() {
                self.end_entry(notes);
            } else if let Some(first) = self.pieces.iter().find(|p| p.kind == Kind::Comma) {
                notes.add(DefectKind::UnquotedComma, first.start);
            }
        }
        let name = mem::take(&mut self.pieces);
        self.note_name(&name, notes);
        let raw_name = Some(self.phrase(&name)).filter(|n| !n.is_empty());
        let raw_name = raw_name.map(Raw::Any);
        self.reuse(name);
        let mut route = None;
        self.cursor.bump();
        loop {
            let at = self.cursor.pos();
            match self.cursor.peek() {
                Some(b'<') if self.pieces.is_empty() => {
                    notes.add(DefectKind::ExcessBrackets, at);
                    self.cursor.bump();
                }
                Some(b'>') => {
                    self.cursor.bump();
                    break;
                }
                Some(b':') => {
                    self.cursor.bump();
                    if self.pieces.first().is_some_and(|p| p.kind == Kind::At) {
                        notes.add(DefectKind::SourceRoute, open);
                        let pieces = mem::take(&mut self.pieces);
                        route = Some(self.join(&pieces, false));
                        self.reuse(pieces);
                    } else {
                        notes.add(DefectKind::UnquotedSpecial, at);
                    }
                }
                Some(b',') if self.route_goes_on() => {
                    self.cursor.bump();
                    self.push(Kind::Comma, Cow::Borrowed(b","), at);
                }
                None | Some(b',' | b';' | b'<') => {
                    notes.add(DefectKind::UnbalancedBracket, open);
                    break;
                }
                _ => self.piece(false, notes),
            }
        }
        let pieces = mem::take(&mut self.pieces);
        let mut mailbox = self.spec(&pieces, open, notes);
        self.reuse(pieces);
        mailbox.route = route;
        mailbox.raw_name = raw_name;
        self.angle = Some(mailbox);
    }

    /// Whether the comma that is next lies within a route: an `@` comes behind it, or
    /// another comma.
    fn route_goes_on(&self) -> bool {
        let mut behind = self.cursor.clone();
        behind.bump();
        behind.skip_space();
        self.pieces.first().is_some_and(|p| p.kind == Kind::At)
            && matches!(behind.peek(), Some(b'@' | b','))
    }

    /// The allocation of `pieces` is used again.
    fn reuse(&mut self, mut pieces: Vec<Piece<'a>>) {
        pieces.clear();
        self.has_at = false;
        self.pieces = pieces;
    }

    /// The entry in hand is over.
    fn end_entry(&mut self, notes: &mut Notes<'_>) {
        let (pieces, has_at) = (mem::take(&mut self.pieces), self.has_at);
        if let Some(mut mailbox) = self.angle.take() {
            if let Some(first) = pieces.first() {
                notes.add(DefectKind::TextAfterAddress, first.start);
            }
            if has_at {
                self.add_named(mailbox);
                self.bare(&pieces, notes);
            } else {
                let name = self.phrase(&pieces);
                if mailbox.raw_name.is_none() && !name.is_empty() {
                    mailbox.raw_name = Some(name.into());
                }
                self.add_named(mailbox);
            }
        } else if has_at {
            self.bare(&pieces, notes);
        } else {
            for entry in pieces.split(|p| p.kind == Kind::Comma) {
                self.naked(entry, notes);
            }
        }
        self.comment = None;
        self.reuse(pieces);
    }

    /// Addresses without brackets: each run of pieces with an `@` in it is one, each
    /// other run is text.
    fn bare(&mut self, pieces: &[Piece<'a>], notes: &mut Notes<'_>) {
        // One with a comma in it began with words that are entries.
        let cut = pieces.iter().rposition(|p| p.kind == Kind::Comma);
        let (before, pieces) = pieces.split_at(cut.map_or(0, |c| c + 1));
        for entry in before.split(|p| p.kind == Kind::Comma) {
            self.naked(entry, notes);
        }
        let mut last: Option<Mailbox<'a>> = None;
        let mut text = 0..0;
        let mut at = 0;
        while let Some(rest) = pieces.get(at..).filter(|r| !r.is_empty()) {
            let length = rest.windows(2).position(|p| !self.pair_joins(p));
            let end = at + length.map_or(rest.len(), |l| l + 1);
            let run = pieces.get(at..end).unwrap_or_default();
            if !run.iter().any(|p| p.kind == Kind::At) {
                text.end = end;
                at = end;
                continue;
            }
            let start = run.first().map_or(0, |p| p.start);
            let name = pieces.get(text.clone()).unwrap_or_default();
            let mut mailbox = self.spec(run, start, notes);
            if let Some(first) = name.first() {
                notes.add(DefectKind::MissingBrackets, first.start);
                let name = Some(self.phrase(name)).filter(|n| !n.is_empty());
                mailbox.raw_name = name.map(Raw::Any);
            }
            if let Some(before) = last.replace(mailbox) {
                notes.add(DefectKind::TextAfterAddress, start);
                self.add(before);
            }
            text = end..end;
            at = end;
        }
        let behind = pieces.get(text).unwrap_or_default();
        if let Some(first) = behind.first() {
            notes.add(DefectKind::TextAfterAddress, first.start);
        }
        if let Some(mut mailbox) = last {
            let name = self.phrase(behind);
            if mailbox.raw_name.is_none() && !name.is_empty() {
                mailbox.raw_name = Some(name.into());
            }
            self.add_named(mailbox);
        }
    }

    /// An entry without an `@`.
    fn naked(&mut self, pieces: &[Piece<'a>], notes: &mut Notes<'_>) {
        let Some(first) = pieces.first() else { return };
        notes.add(DefectKind::NakedLocalPart, first.start);
        let named = first.kind == Kind::Quoted || words::word_length(&first.text).is_some();
        let word = !named && pieces.windows(2).all(|p| self.pair_joins(p));
        let mailbox = match word {
            true => self.spec(pieces, first.start, &mut Notes::none()),
            false => Mailbox {
                raw_name: Some(self.phrase(pieces).into()),
                ..Mailbox::default()
            },
        };
        if !mailbox.spec.is_empty() || mailbox.raw_name.is_some() {
            self.add_named(mailbox);
        }
    }

    /// Adds it to the group or the list; a comment beside it is its name if it has none.
    fn add_named(&mut self, mut mailbox: Mailbox<'a>) {
        let comment = self.comment.take();
        if mailbox.raw_name.is_none() {
            mailbox.raw_name = comment.map(|c| comment_text(c).into());
        }
        self.add(mailbox);
    }

    fn add(&mut self, mailbox: Mailbox<'a>) {
        match &mut self.group {
            Some(group) => group.members.push(mailbox),
            None => self.ready.push_back(Address::Mailbox(mailbox)),
        }
    }

    fn end_group(&mut self) {
        if let Some(Group { name, members, .. }) = self.group.take() {
            self.ready.push_back(Address::Group {
                raw_name: name,
                members,
            });
        }
    }
}
