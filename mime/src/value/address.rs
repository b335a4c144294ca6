//! Addresses (RFC 5322 3.4 and 4.4), read leniently as RFC 7103 7.1 advises.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::lex::{Cursor, is_space, raw_text, unescape, unfold};
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
    pub fn group(&self) -> Option<String> {
        match self {
            Address::Mailbox(_) => None,
            Address::Group { raw_name, .. } => Some(words::decode(raw_name).into_owned()),
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

/// A mailbox: who, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox<'a> {
    raw_name: Option<Cow<'a, [u8]>>,
    route: Option<Cow<'a, [u8]>>,
    local: Cow<'a, [u8]>,
    domain: Option<Cow<'a, [u8]>>,
}

impl<'a> Mailbox<'a> {
    /// The display name, decoded; where there is none, the comment behind the
    /// address, as mail of old has it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let name = words::decode(self.raw_name.as_deref()?).into_owned();
        (!name.is_empty()).then_some(name)
    }

    /// The display name as stored: quotes removed, encoded words not decoded.
    #[must_use]
    pub fn raw_name(&self) -> Option<&[u8]> {
        self.raw_name.as_deref()
    }

    /// The source route of old (RFC 5322 4.4): `@a.example,@b.example`.
    #[must_use]
    pub fn route(&self) -> Option<&[u8]> {
        self.route.as_deref()
    }

    /// What is before the `@`: without quotes.
    #[must_use]
    pub fn local(&self) -> &[u8] {
        &self.local
    }

    /// What is behind the `@`; none in `root` and `<>`.
    #[must_use]
    pub fn domain(&self) -> Option<&[u8]> {
        self.domain.as_deref()
    }

    /// The address, `local@domain`, with quotes where the local part needs them.
    #[must_use]
    pub fn address(&self) -> String {
        let mut out = String::new();
        let local = raw_text(&self.local);
        match self.local.is_empty() && self.domain.is_none() || is_dot_atom(&self.local) {
            true => out.push_str(&local),
            false => quote(&local, &mut out),
        }
        if let Some(domain) = &self.domain {
            out.push('@');
            out.push_str(&raw_text(domain));
        }
        out
    }
}

impl fmt::Display for Mailbox<'_> {
    /// For people: `Name <local@domain>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} <{}>", self.address()),
            None => f.write_str(&self.address()),
        }
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
pub(crate) fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

pub(crate) fn is_dot_atom(text: &[u8]) -> bool {
    text.split(|b| *b == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|b| is_atext(*b)))
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
/// the value, whatever it is; nothing is refused. What has no `@` is a mailbox
/// without a domain.
#[must_use]
pub fn parse(value: &[u8]) -> Vec<Address<'_>> {
    let mut parser = Parser {
        value,
        cursor: Cursor::new(value),
        list: Vec::new(),
        group: None,
        pending: Vec::new(),
        comment: None,
    };
    parser.run();
    parser.list
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    At,
}

/// A piece of a phrase or an address.
#[derive(Clone, Debug)]
struct Piece<'a> {
    kind: Kind,
    text: Cow<'a, [u8]>,
    start: usize,
    end: usize,
}

struct Parser<'a> {
    value: &'a [u8],
    cursor: Cursor<'a>,
    list: Vec<Address<'a>>,
    group: Option<(Cow<'a, [u8]>, Vec<Mailbox<'a>>)>,
    pending: Vec<Piece<'a>>,
    comment: Option<&'a [u8]>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b',' => {
                    self.cursor.bump();
                    self.flush();
                }
                b';' => {
                    self.cursor.bump();
                    self.flush();
                    self.end_group();
                }
                b':' => {
                    self.cursor.bump();
                    let named = |p: &Piece<'_>| p.kind != Kind::At;
                    if self.group.is_none()
                        && !self.pending.is_empty()
                        && self.pending.iter().all(named)
                    {
                        let name = join(self.value, &self.pending, true);
                        self.pending.clear();
                        self.comment = None;
                        self.group = Some((name, Vec::new()));
                    }
                }
                b'<' => self.angle(),
                _ => self.piece(),
            }
        }
        self.flush();
        self.end_group();
    }

    /// A word, a quoted string, an `@`, a comment; or a byte that means nothing.
    fn piece(&mut self) {
        let start = self.cursor.pos();
        let (kind, text) = match self.cursor.peek() {
            Some(b) if is_space(b) => return self.cursor.skip_space(),
            Some(b'(') => {
                match self.cursor.comment() {
                    Some(comment) => self.comment = Some(comment),
                    None => self.cursor.bump(),
                }
                return;
            }
            Some(b'"') => match self.cursor.quoted() {
                Some(text) => (Kind::Quoted, text),
                None => return self.cursor.bump(),
            },
            Some(b'@') => {
                self.cursor.bump();
                (Kind::At, Cow::Borrowed(self.cursor.since(start)))
            }
            Some(b'[') => {
                // A domain literal; one that does not end is a stray bracket.
                let literal = self
                    .cursor
                    .take_while(|b| !matches!(b, b']' | b',' | b'<' | b'>'));
                let literal = match self.cursor.eat(b']') {
                    true => self.cursor.since(start),
                    false => literal,
                };
                (Kind::Word, unfold(literal))
            }
            Some(b'>' | b')' | b']') => return self.cursor.bump(),
            _ => {
                let word = self.cursor.take_while(|b| {
                    !is_space(b)
                        && !matches!(
                            b,
                            b',' | b';'
                                | b':'
                                | b'<'
                                | b'>'
                                | b'('
                                | b')'
                                | b'"'
                                | b'@'
                                | b'['
                                | b']'
                        )
                });
                (Kind::Word, Cow::Borrowed(word))
            }
        };
        let end = self.cursor.pos();
        self.pending.push(Piece {
            kind,
            text,
            start,
            end,
        });
    }

    /// `<` and what it encloses. A bracket that nothing closes ends at the comma.
    fn angle(&mut self) {
        let name = join(self.value, &self.pending, true);
        self.pending.clear();
        let comment = self.comment.take();
        let mut route = None;
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b'<' => self.cursor.bump(),
                b'>' => {
                    self.cursor.bump();
                    break;
                }
                b':' => {
                    self.cursor.bump();
                    if self.pending.first().is_some_and(|p| p.kind == Kind::At) {
                        route = Some(join(self.value, &self.pending, false));
                        self.pending.clear();
                    }
                }
                b',' if self.pending.first().is_some_and(|p| p.kind == Kind::At) => {
                    // Within a route; without its colon this takes no more than
                    // the rest of the value once.
                    let start = self.cursor.pos();
                    self.cursor.bump();
                    self.pending.push(Piece {
                        kind: Kind::Word,
                        text: Cow::Borrowed(self.cursor.since(start)),
                        start,
                        end: self.cursor.pos(),
                    });
                }
                b',' | b';' => break,
                _ => self.piece(),
            }
        }
        let mut mailbox = self.mailbox();
        mailbox.route = route;
        mailbox.raw_name = match name.is_empty() {
            false => Some(name),
            true => comment.or(self.comment).map(comment_text),
        };
        self.comment = None;
        self.push(mailbox);
    }

    /// The pending pieces as an address.
    fn mailbox(&mut self) -> Mailbox<'a> {
        let at = self.pending.iter().rposition(|p| p.kind == Kind::At);
        let (local, domain) = match at {
            Some(at) => {
                let (local, domain) = self.pending.split_at(at);
                (local, domain.get(1..))
            }
            None => (&self.pending[..], None),
        };
        let mailbox = Mailbox {
            raw_name: None,
            route: None,
            local: join(self.value, local, false),
            domain: domain.map(|d| join(self.value, d, false)),
        };
        self.pending.clear();
        mailbox
    }

    /// The pending pieces are an address without brackets, if they are anything.
    fn flush(&mut self) {
        let comment = self.comment.take();
        if self.pending.is_empty() {
            // `<a@b> (Name)`: the comment came behind the brackets.
            let last = match &mut self.group {
                Some((_, members)) => members.last_mut(),
                None => match self.list.last_mut() {
                    Some(Address::Mailbox(mailbox)) => Some(mailbox),
                    _ => None,
                },
            };
            if let (Some(last), Some(comment)) = (last, comment)
                && last.raw_name.is_none()
            {
                last.raw_name = Some(comment_text(comment));
            }
            return;
        }
        let mut mailbox = self.mailbox();
        mailbox.raw_name = comment.map(comment_text);
        self.push(mailbox);
    }

    fn push(&mut self, mailbox: Mailbox<'a>) {
        match &mut self.group {
            Some((_, members)) => members.push(mailbox),
            None => self.list.push(Address::Mailbox(mailbox)),
        }
    }

    fn end_group(&mut self) {
        if let Some((raw_name, members)) = self.group.take() {
            self.list.push(Address::Group { raw_name, members });
        }
    }
}

fn comment_text(comment: &[u8]) -> Cow<'_, [u8]> {
    match comment.contains(&b'\\') {
        true => Cow::Owned(unescape(comment)),
        false => unfold(comment),
    }
}

/// Puts pieces together, borrowed where they lie together already: with one space
/// where there was white space in a phrase, with none in an address.
fn join<'a>(value: &'a [u8], pieces: &[Piece<'a>], phrase: bool) -> Cow<'a, [u8]> {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return Cow::Borrowed(&[]);
    };
    if pieces.len() == 1 {
        return first.text.clone();
    }
    let gap = |a: &Piece<'_>, b: &Piece<'_>| value.get(a.end..b.start).unwrap_or_default();
    let together = pieces.windows(2).all(|p| match p {
        [a, b] => match gap(a, b) {
            [] => true,
            [b' '] => phrase,
            _ => false,
        },
        _ => true,
    });
    let plain = pieces
        .iter()
        .all(|p| p.kind != Kind::Quoted && p.text.len() == p.end - p.start);
    if together && plain {
        return Cow::Borrowed(value.get(first.start..last.end).unwrap_or_default());
    }
    let mut out = Vec::new();
    let mut before: Option<&Piece<'_>> = None;
    for piece in pieces {
        if let Some(before) = before
            && phrase
            && !gap(before, piece).is_empty()
        {
            out.push(b' ');
        }
        out.extend_from_slice(&piece.text);
        before = Some(piece);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    /// The list in one notation: groups in brackets, names before a bar.
    fn show(value: &str) -> Vec<String> {
        let mailbox = |m: &Mailbox<'_>| match m.name() {
            Some(name) => alloc::format!("{name} | {}", m.address()),
            None => m.address(),
        };
        parse(value.as_bytes())
            .iter()
            .map(|a| match a {
                Address::Mailbox(m) => mailbox(m),
                Address::Group { members, .. } => {
                    let members: Vec<String> = members.iter().map(mailbox).collect();
                    alloc::format!("{} [{}]", a.group().unwrap(), members.join("; "))
                }
            })
            .collect()
    }

    fn one(value: &str, shown: &str) {
        assert_eq!(show(value), [shown], "{value}");
    }

    #[test]
    fn rfc5322_appendix_a() {
        // A.1
        one(
            "John Doe <jdoe@machine.example>",
            "John Doe | jdoe@machine.example",
        );
        assert_eq!(
            show("\"Joe Q. Public\" <john.q.public@example.com>"),
            ["Joe Q. Public | john.q.public@example.com"]
        );
        assert_eq!(
            show("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
            [
                "Mary Smith | mary@x.test",
                "jdoe@example.org",
                "Who? | one@y.test"
            ]
        );
        assert_eq!(
            show("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
            [
                "boss@nil.test",
                "Giant; \"Big\" Box | sysservices@example.net"
            ]
        );
        one(
            "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            "A Group [Ed Jones | c@a.test; joe@where.test; John | jdoe@one.test]",
        );
        one("Undisclosed recipients:;", "Undisclosed recipients []");
        // A.5
        one(
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            "Pete | pete@silly.test",
        );
        one(
            "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
            "A Group [Chris Jones | c@public.example; joe@example.org; John | jdoe@one.test]",
        );
        one(
            "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
            "Hidden recipients []",
        );
        // A.6.1
        one(
            "Joe Q. Public <john.q.public@example.com>",
            "Joe Q. Public | john.q.public@example.com",
        );
        assert_eq!(
            show("Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example"),
            ["Mary Smith | mary@example.net", "jdoe@test.example"]
        );
        // A.6.3
        one(
            "John Doe <jdoe@machine(comment).  example>",
            "John Doe | jdoe@machine.example",
        );
    }

    #[test]
    fn routes_are_kept() {
        let list = parse(b"<@a.test,@b.test:joe@c.test>");
        let m = &list[0].mailboxes()[0];
        assert_eq!(m.route(), Some(&b"@a.test,@b.test"[..]));
        assert_eq!(m.address(), "joe@c.test");
    }

    #[test]
    fn names_in_comments_and_encoded_words() {
        one(
            "deuschle@mnh.test (Guenter Deuschle)",
            "Guenter Deuschle | deuschle@mnh.test",
        );
        one("<a@b.test> (Ann)", "Ann | a@b.test");
        one(
            "=?ISO-8859-1?Q?Andr=E9?= Pirard <p@a.test>",
            "André Pirard | p@a.test",
        );
        one("\"=?utf-8?Q?=C3=BC?=\" <p@a.test>", "ü | p@a.test");
        one("=?utf-8?Q?a?= =?utf-8?Q?b?= <p@a.test>", "ab | p@a.test");
        one(
            "J\u{f6}rg <j\u{f6}rg@b\u{fc}cher.test>",
            "Jörg | jörg@bücher.test",
        );
        // An encoded word is never an address.
        one("=?utf-8?Q?a@b.test?= <c@d.test>", "a@b.test | c@d.test");
    }

    #[test]
    fn rfc7103_7_1_what_is_malformed() {
        one("<<<jdoe@example.test>>>", "jdoe@example.test");
        one("<jdoe@example.test", "jdoe@example.test");
        one("jdoe@example.test>", "jdoe@example.test");
        assert_eq!(show("<a@b.test, c@d.test"), ["a@b.test", "c@d.test"]);
        one("\"Joe <joe@example.test>", "Joe | joe@example.test");
        one("(Testing <joe@example.test>", "Testing | joe@example.test");
        one("joe", "joe");
        one("joe@a.test <joe@a.test>", "joe@a.test | joe@a.test");
        assert_eq!(show("Joe, Test <joe@a.test>"), ["Joe", "Test | joe@a.test"]);
        one("\"a b\"@c.test", "\"a b\"@c.test");
        one("\"ab\"@c.test", "ab@c.test");
        one("joe@[192.0.2.1]", "joe@[192.0.2.1]");
        one("<>", "");
        one("a@b@c.test", "\"a@b\"@c.test");
        assert_eq!(show("a@b.test; c@d.test"), ["a@b.test", "c@d.test"]);
        assert_eq!(show(""), Vec::<String>::new());
        assert_eq!(show(" , ,, "), Vec::<String>::new());
    }

    #[test]
    fn mi02_a_hundred_thousand_addresses() {
        let text = "ann@example.test, ".repeat(100_000);
        let list = parse(text.as_bytes());
        assert_eq!(list.len(), 100_000);
        assert_eq!(list[99_999].mailboxes()[0].address(), "ann@example.test");
        let group = alloc::format!("g: {};", "Ann <a@b>,".repeat(50_000));
        assert_eq!(parse(group.as_bytes())[0].mailboxes().len(), 50_000);
    }

    #[test]
    fn mi04_floods_are_linear() {
        for unit in [
            "(", "a:", "\"", "<", "[", "@", ":;", "<@a,", "a ", "\\", "a@", "(\"", ">", "a<",
            "=?a?q?",
        ] {
            let flood = unit.repeat(100_000);
            let list = parse(flood.as_bytes());
            assert!(list.len() <= flood.len(), "{unit}");
        }
        let literal = alloc::format!("a@[{}", "x".repeat(256 << 10));
        assert!(
            parse(literal.as_bytes())[0].mailboxes()[0]
                .to_string()
                .len()
                > 256 << 10
        );
    }
}
