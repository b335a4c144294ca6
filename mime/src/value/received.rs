//! Received (RFC 5321 4.4, RFC 5322 3.6.7): what a server that passed a message on says
//! about it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use super::address::{self, Mailbox};
use super::lex::{Cursor, is_space, raw_text, trim, unfold};
use super::note::Notes;
use crate::{Address, DateTime, DefectKind};

/// The value of a Received field, in clauses. Servers write what they like into it, and
/// anybody can write one: only those that one's own servers added are to be believed.
///
/// ```
/// use scop_mime::Received;
///
/// let hop = Received::parse(b"from x.test (mail.x.test [192.0.2.1]) by mx.y.test (Postfix)\r\n with ESMTPS id 4711 for <ann@y.test>; Fri, 21 Nov 1997 09:55:06 -0600");
/// assert_eq!((hop.from(), hop.by()), (Some("x.test"), Some("mx.y.test")));
/// let client = hop.tcp_info().unwrap();
/// assert_eq!((client.domain, client.ip), (Some("mail.x.test"), "192.0.2.1".parse().ok()));
/// assert_eq!((hop.with(), hop.id()), (Some("ESMTPS"), Some("4711")));
/// assert_eq!(hop.recipient().unwrap().address(), "ann@y.test");
/// assert_eq!(hop.date().unwrap().to_unix(), 880_127_706);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received<'a> {
    clauses: Vec<Clause<'a>>,
    date: Option<DateTime>,
}

/// One clause: a word that says what it is about, and what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause<'a> {
    keyword: &'static str,
    value: Cow<'a, str>,
    comments: Vec<Cow<'a, str>>,
}

impl Clause<'_> {
    /// Its word in lower case; empty for what stands before the first.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        self.keyword
    }

    /// What is behind it, on one line, without the comments. Words that nobody
    /// registered begin no clause: they are kept here.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The first word of the value: of `from` and `by` the domain.
    #[must_use]
    pub fn word(&self) -> &str {
        self.value.split(' ').next().unwrap_or_default()
    }

    /// The comments in it, without their outer parentheses, on one line each.
    #[must_use]
    pub fn comments(&self) -> &[Cow<'_, str>] {
        &self.comments
    }
}

/// What a server knows of the client itself, beside what the client said (RFC 5321 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpInfo<'r> {
    /// The name that the address has by DNS; some write `unknown`.
    pub domain: Option<&'r str>,
    /// The address as it is written, without its brackets.
    pub literal: &'r str,
    /// The address, where it is one.
    pub ip: Option<IpAddr>,
}

/// The words that begin a clause: those of RFC 5321 4.4 and the registered ones (RFC
/// 8314 7.4), and one that Exim and others write.
const KEYWORDS: [&str; 9] = [
    "from",
    "by",
    "via",
    "with",
    "id",
    "for",
    "tls",
    "group",
    "envelope-from",
];

impl<'a> Received<'a> {
    /// Reads the value of the field. Nothing is refused: what is in no clause is in one
    /// without a word, and the date is `None` where there is none behind a semicolon.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        Self::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &'a [u8], notes: &mut Notes<'_>) -> Self {
        let mut reader = Reader {
            value,
            clauses: Vec::new(),
            clause: Clause::default(),
            words: 0..0,
            last: 0,
            scattered: None,
        };
        let semicolon = reader.clauses(notes);
        let date = semicolon.and_then(|at| {
            let behind = value.get(at + 1..)?;
            let mut took = Vec::new();
            let mut take = |kind, offset: usize| took.push((kind, at + 1 + offset));
            let date = DateTime::read(behind, &mut Notes::new(&mut take));
            took.into_iter().for_each(|(kind, at)| notes.add(kind, at));
            date
        });
        if date.is_none() {
            notes.add(DefectKind::UndatedReceived, semicolon.unwrap_or(0));
        }
        Received {
            clauses: reader.clauses,
            date,
        }
    }

    /// The clauses in order.
    #[must_use]
    pub fn clauses(&self) -> &[Clause<'a>] {
        &self.clauses
    }

    /// The first clause of this word, in lower case.
    #[must_use]
    pub fn clause(&self, keyword: &str) -> Option<&Clause<'a>> {
        self.clauses.iter().find(|c| c.keyword == keyword)
    }

    fn word(&self, keyword: &str) -> Option<&str> {
        let word = self.clause(keyword)?.word();
        (!word.is_empty()).then_some(word)
    }

    /// What the client said it is, in HELO or EHLO: a domain or `[an address]`.
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        self.word("from")
    }

    /// The server that wrote this.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        self.word("by")
    }

    /// How the message was linked, where it was not TCP: `UUCP`.
    #[must_use]
    pub fn via(&self) -> Option<&str> {
        self.word("via")
    }

    /// The protocol: `ESMTPS`, `Microsoft SMTP Server`.
    #[must_use]
    pub fn with(&self) -> Option<&str> {
        let value = self.clause("with")?.value();
        (!value.is_empty()).then_some(value)
    }

    /// The id that the server gave the message.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.word("id")
    }

    /// Whom it was for.
    #[must_use]
    pub fn recipient(&self) -> Option<Mailbox<'_>> {
        let value = self.clause("for")?.value();
        let first = address::Addresses::new(value.as_bytes()).next()?;
        match first {
            Address::Mailbox(mailbox) if !mailbox.local().is_empty() => Some(mailbox),
            _ => None,
        }
    }

    /// When.
    #[must_use]
    pub fn date(&self) -> Option<DateTime> {
        self.date
    }

    /// The client's address as the server saw it, from the comments of `from`: as RFC
    /// 5321 has it (`(mail.x.test [192.0.2.1])`) and as qmail (`(192.0.2.1)`) and
    /// Exchange (`(2001:db8::1)`) write it; else what `from` itself has in brackets.
    #[must_use]
    pub fn tcp_info(&self) -> Option<TcpInfo<'_>> {
        let from = self.clause("from")?;
        let comments = from.comments.iter().map(|c| &**c);
        comments
            .clone()
            .find_map(bracketed)
            .or_else(|| {
                comments.clone().find_map(|c| {
                    let literal = c.trim();
                    let ip = Some(literal.parse().ok()?);
                    Some(TcpInfo {
                        domain: None,
                        literal,
                        ip,
                    })
                })
            })
            .or_else(|| {
                let mut info = bracketed(from.value())?;
                info.domain = None;
                Some(info)
            })
    }
}

/// `[user@]domain [address]`
fn bracketed(text: &str) -> Option<TcpInfo<'_>> {
    let open = text.find('[')?;
    let (before, behind) = text.split_at_checked(open)?;
    let literal = behind.get(1..behind.find(']')?)?;
    let address = match literal.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => literal.get(5..)?,
        _ => literal,
    };
    let ip = match address.parse() {
        Ok(ip) => Some(ip),
        // With a zone, as link-local ones have it.
        Err(_) => (address.split('%').next()?.parse::<Ipv6Addr>().ok()).map(IpAddr::V6),
    };
    let word = before.split_whitespace().next_back();
    let domain = word.map(|w| w.rsplit('@').next().unwrap_or(w));
    let domain = domain.filter(|d| !d.is_empty() && !d.contains('='));
    Some(TcpInfo {
        domain,
        literal,
        ip,
    })
}

struct Reader<'a> {
    value: &'a [u8],
    clauses: Vec<Clause<'a>>,
    clause: Clause<'a>,
    /// The words of the clause, as long as they lie in one piece.
    words: core::ops::Range<usize>,
    /// Where the last of them ends.
    last: usize,
    /// The words, where something lies between.
    scattered: Option<String>,
}

impl<'a> Reader<'a> {
    /// Reads up to the last semicolon, which is before the date: gives where it is.
    fn clauses(&mut self, notes: &mut Notes<'_>) -> Option<usize> {
        let semicolon = last_semicolon(self.value);
        let value = self.value;
        let mut cursor = Cursor::new(value.get(..semicolon.unwrap_or(value.len()))?);
        let mut begun = false;
        loop {
            cursor.skip_space();
            let start = cursor.pos();
            match cursor.peek() {
                None => break,
                Some(b'(') => match cursor.comment_noting(notes) {
                    Some(comment) => {
                        let comment = one_line(comment);
                        self.clause.comments.push(comment);
                        continue;
                    }
                    None => cursor.bump(),
                },
                Some(b'"') => {
                    if cursor.quoted_noting(notes).is_none() {
                        cursor.bump();
                    }
                }
                Some(b'<') => {
                    cursor.take_while(|b| b != b'>' && !is_space(b));
                    cursor.eat(b'>');
                }
                Some(_) => {
                    cursor.take_while(|b| !is_space(b) && b != b'(');
                    let word = cursor.since(start);
                    let keyword = KEYWORDS
                        .iter()
                        .find(|k| k.as_bytes().eq_ignore_ascii_case(word));
                    // What follows a word of a clause is its value, whatever it is.
                    let has_value = !begun || !self.words.is_empty();
                    if let Some(keyword) = keyword
                        && has_value
                    {
                        self.end();
                        self.clause.keyword = keyword;
                        begun = true;
                        continue;
                    }
                }
            }
            begun = begun || !self.words.is_empty();
            self.word(start, cursor.pos());
        }
        self.end();
        semicolon
    }

    fn word(&mut self, start: usize, end: usize) {
        let before = core::mem::replace(&mut self.last, end);
        let gap = self.value.get(before..start).unwrap_or_default();
        let space = if gap.is_empty() { "" } else { " " };
        if self.words.is_empty() {
            self.words = start..end;
        } else if self.scattered.is_none() && matches!(gap, b"" | b" ") {
            self.words.end = end;
        } else {
            let so_far = self.value.get(self.words.clone()).unwrap_or_default();
            let text = self
                .scattered
                .get_or_insert_with(|| one_line(so_far).into_owned());
            text.push_str(space);
            text.push_str(&one_line(self.value.get(start..end).unwrap_or_default()));
        }
    }

    /// The clause is over.
    fn end(&mut self) {
        let words = core::mem::take(&mut self.words);
        self.clause.value = match self.scattered.take() {
            Some(text) => Cow::Owned(text),
            None => one_line(self.value.get(words).unwrap_or_default()),
        };
        let clause = core::mem::take(&mut self.clause);
        if clause != Clause::default() {
            self.clauses.push(clause);
        }
    }
}

/// Text on one line.
fn one_line(text: &[u8]) -> Cow<'_, str> {
    match unfold(text) {
        Cow::Borrowed(text) => raw_text(text),
        Cow::Owned(text) => Cow::Owned(raw_text(&text).into_owned()),
    }
}

/// The last semicolon outside of comments and quotes.
fn last_semicolon(value: &[u8]) -> Option<usize> {
    let mut last = None;
    let mut cursor = Cursor::new(trim(value));
    let before = value.iter().position(|b| !is_space(*b)).unwrap_or(0);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'(' if cursor.comment().is_some() => {}
            b'"' if cursor.quoted().is_some() => {}
            b';' => {
                last = Some(before + cursor.pos());
                cursor.bump();
            }
            _ => cursor.bump(),
        }
    }
    last
}

/// The value of Return-Path (RFC 5321 4.4): where to tell that a message could not be
/// delivered.
///
/// ```
/// use scop_mime::ReturnPath;
///
/// assert_eq!(ReturnPath::parse(b" <>"), Some(ReturnPath::Null));
/// let Some(ReturnPath::Mailbox(ann)) = ReturnPath::parse(b"<ann@a.test>") else { panic!() };
/// assert_eq!(ann.address(), "ann@a.test");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnPath<'a> {
    /// `<>`: nowhere; the message is itself such a report.
    Null,
    /// There.
    Mailbox(Mailbox<'a>),
}

impl<'a> ReturnPath<'a> {
    /// Reads the value of the field; `None` where there is neither.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        Self::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &'a [u8], notes: &mut Notes<'_>) -> Option<Self> {
        let wanted = notes.wanted();
        let mut take = |kind, at| {
            if kind != DefectKind::EmptyAddress {
                notes.add(kind, at);
            }
        };
        let inner = &mut match wanted {
            true => Notes::new(&mut take),
            false => Notes::none(),
        };
        let first = address::read(value, inner).into_iter().next();
        match first {
            Some(Address::Mailbox(mailbox)) if !mailbox.local().is_empty() => {
                if wanted {
                    let mut cursor = Cursor::new(value);
                    cursor.skip_cfws();
                    if cursor.peek() != Some(b'<') {
                        notes.add(DefectKind::OddReturnPath, cursor.pos());
                    }
                }
                Some(ReturnPath::Mailbox(mailbox))
            }
            Some(Address::Mailbox(mailbox)) if mailbox.domain().is_none() => Some(ReturnPath::Null),
            _ => {
                if !trim(value).is_empty() {
                    notes.add(DefectKind::BadAddress, 0);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clauses, `keyword=value (comments)`, and the date.
    fn show(value: &str) -> (Vec<String>, String) {
        let received = Received::parse(value.as_bytes());
        let clause = |c: &Clause<'_>| {
            let comments: String = c
                .comments
                .iter()
                .map(|c| alloc::format!(" ({c})"))
                .collect();
            alloc::format!("{}={}{comments}", c.keyword, c.value)
        };
        let date = received.date.map(|d| alloc::format!("{d}"));
        (
            received.clauses.iter().map(clause).collect(),
            date.unwrap_or_default(),
        )
    }

    fn tcp(value: &str) -> Option<(Option<String>, Option<IpAddr>)> {
        let received = Received::parse(value.as_bytes());
        let info = received.tcp_info()?;
        Some((info.domain.map(String::from), info.ip))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn rfc5321_appendix_d_and_rfc5322_appendix_a_4() {
        let (clauses, date) = show(
            " from x.y.test\r\n   by example.net\r\n   via TCP\r\n   with ESMTP\r\n   id ABC12345\r\n   for <mary@example.net>;  21 Nov 1997 10:05:43 -0600",
        );
        assert_eq!(
            clauses,
            [
                "from=x.y.test",
                "by=example.net",
                "via=TCP",
                "with=ESMTP",
                "id=ABC12345",
                "for=<mary@example.net>"
            ]
        );
        assert_eq!(date, "1997-11-21T10:05:43-06:00");
        let (clauses, date) =
            show(" from bar.com by foo.com ; Thu, 21 May 1998\r\n    05:33:29 -0700");
        assert_eq!(clauses, ["from=bar.com", "by=foo.com"]);
        assert_eq!(date, "1998-05-21T05:33:29-07:00");
    }

    #[test]
    fn postfix() {
        let value = "from mail.x.test (unknown [IPv6:2001:db8::1])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\t(No client certificate requested)\r\n\tby mx.y.test (Postfix) with ESMTPS id 4A5B\r\n\tfor <u@y.test>; Mon, 24 Nov 1997 14:22:01 -0800 (PST)";
        let (clauses, date) = show(value);
        assert_eq!(
            clauses,
            [
                "from=mail.x.test (unknown [IPv6:2001:db8::1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) (No client certificate requested)",
                "by=mx.y.test (Postfix)",
                "with=ESMTPS",
                "id=4A5B",
                "for=<u@y.test>"
            ]
        );
        assert_eq!(date, "1997-11-24T14:22:01-08:00");
        assert_eq!(
            tcp(value),
            Some((Some("unknown".into()), ip("2001:db8::1")))
        );
    }

    #[test]
    fn exim() {
        let value = "from [192.0.2.7] (port=4711 helo=desk)\r\n\tby mx.y.test with esmtpsa (TLS1.2:ECDHE_RSA:256)\r\n\t(Exim 4.80) (envelope-from <a@x.test>) id 1a2b3c-0004d5-Ef\r\n\tfor u@y.test; Mon, 24 Nov 1997 14:22:01 +0000";
        let received = Received::parse(value.as_bytes());
        assert_eq!(received.from(), Some("[192.0.2.7]"));
        assert_eq!(received.id(), Some("1a2b3c-0004d5-Ef"));
        assert_eq!(received.recipient().unwrap().address(), "u@y.test");
        assert_eq!(received.clause("with").unwrap().comments().len(), 3);
        assert_eq!(tcp(value), Some((None, ip("192.0.2.7"))));
    }

    #[test]
    fn exchange() {
        let value = "from AM0PR01.x.test (2603:10a6:208::12) by\r\n DB8PR02.y.test (2603:10a6:10::9) with Microsoft SMTP\r\n Server (version=TLS1_2, cipher=TLS_A) id 15.20.1\r\n via Frontend Transport; Mon, 24 Nov 1997 14:22:01 +0000";
        let received = Received::parse(value.as_bytes());
        assert_eq!(received.with(), Some("Microsoft SMTP Server"));
        assert_eq!(received.by(), Some("DB8PR02.y.test"));
        assert_eq!(received.via(), Some("Frontend"));
        assert_eq!(
            received.clause("via").unwrap().value(),
            "Frontend Transport"
        );
        assert_eq!(tcp(value), Some((None, ip("2603:10a6:208::12"))));
    }

    #[test]
    fn gmail() {
        let value = "by 2002:a05:6402:1e92:0:0:0:0 with SMTP id f18csp1;\r\n        Mon, 24 Nov 1997 14:22:01 -0800 (PST)";
        let received = Received::parse(value.as_bytes());
        assert_eq!(received.by(), Some("2002:a05:6402:1e92:0:0:0:0"));
        assert_eq!((received.from(), received.tcp_info()), (None, None));
        let value = "from mail-f41.x.test (mail-f41.x.test. [209.85.220.41])\r\n        by mx.google.com with SMTPS id a1\r\n        for <u@y.test>\r\n        (Google Transport Security);\r\n        Mon, 24 Nov 1997 14:22:01 -0800 (PST)";
        assert_eq!(
            tcp(value),
            Some((Some("mail-f41.x.test.".into()), ip("209.85.220.41")))
        );
    }

    #[test]
    fn qmail() {
        let (clauses, date) = show("(qmail 12345 invoked by uid 501); 24 Nov 1997 22:22:01 -0000");
        assert_eq!(clauses, ["= (qmail 12345 invoked by uid 501)"]);
        assert_eq!(date, "1997-11-24T22:22:01-00:00");
        let value =
            "from unknown (HELO desk) (192.0.2.7)\n  by 0 with SMTP; 24 Nov 1997 22:22:01 -0000";
        assert_eq!(tcp(value), Some((None, ip("192.0.2.7"))));
    }

    #[test]
    fn sendmail() {
        let value = "from desk (ann@[192.0.2.7] (may be forged))\r\n\tby y.test (8.9.3/8.9.3) with ESMTP id XAA12345\r\n\tfor <u@y.test>; Mon, 24 Nov 1997 14:22:01 -0800 (PST)";
        assert_eq!(tcp(value), Some((None, ip("192.0.2.7"))));
        let value =
            "from x.test (IDENT:ann@m.x.test [192.0.2.7]) by y.test; 24 Nov 1997 22:22:01 GMT";
        assert_eq!(tcp(value), Some((Some("m.x.test".into()), ip("192.0.2.7"))));
        let (clauses, _) =
            show("(from ann@localhost) by y.test (8.8.5) id AA1; 24 Nov 1997 22:22:01 GMT");
        assert_eq!(
            clauses,
            ["= (from ann@localhost)", "by=y.test (8.8.5)", "id=AA1"]
        );
    }

    #[test]
    fn what_nobody_registered_survives() {
        let (clauses, date) = show("something odd from by by y.test tls TLS_X group g5 ; x");
        assert_eq!(
            clauses,
            [
                "=something odd",
                "from=by",
                "by=y.test",
                "tls=TLS_X",
                "group=g5"
            ]
        );
        assert_eq!(date, "");
        let (clauses, _) = show("from a.test for <b@c.test>; <d@e.test>; 24 Nov 1997 22:22:01 GMT");
        assert_eq!(clauses, ["from=a.test", "for=<b@c.test>; <d@e.test>"]);
        let (clauses, _) = show("from a.test (unfinished by b.test");
        assert_eq!(clauses, ["from=a.test (unfinished", "by=b.test"]);
    }

    #[test]
    fn mi04_floods_are_linear() {
        for unit in ["(", ";", "from ", "\"", "from a ", "()", "<", "a\t"] {
            let flood = unit.repeat(100_000);
            let received = Received::parse(flood.as_bytes());
            assert!(received.clauses.len() <= 100_000 && received.date.is_none());
            let _ = (received.tcp_info(), received.recipient());
        }
    }

    #[test]
    fn return_paths() {
        assert_eq!(ReturnPath::parse(b""), None);
        assert_eq!(ReturnPath::parse(b" (x) <> "), Some(ReturnPath::Null));
        let mut found = Vec::new();
        let mut take = |kind, _| found.push(kind);
        let notes = &mut Notes::new(&mut take);
        assert_eq!(ReturnPath::read(b"<>", notes), Some(ReturnPath::Null));
        assert_eq!(ReturnPath::read(b"a:;", notes), None);
        assert_eq!(found, [DefectKind::BadAddress]);
        assert!(matches!(
            ReturnPath::parse(b"<@a.test:b@c.test>"),
            Some(ReturnPath::Mailbox(m)) if m.address() == "b@c.test"
        ));
    }

    /// Found by fuzzing: a quoted string is folded, and a comment lies between.
    #[test]
    fn a_value_in_pieces_is_on_one_line() {
        let received = Received::parse(b" by a (x) \"b\r\n c\" (y) d; 21 Nov 1997 10:05:43 -0600");
        let clause = received.clause("by").unwrap();
        assert_eq!(clause.value(), "a \"b c\" d");
    }
}
