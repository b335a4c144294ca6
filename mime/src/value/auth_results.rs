//! Authentication-Results (RFC 8601), and with its instance ARC-Authentication-Results
//! (RFC 8617 4.1.1).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::lex::{Cursor, is_space, number, word_text};
use super::note::Notes;
use super::words;
use crate::DefectKind;

/// What a server found when it authenticated a message.
///
/// Anybody can write such a field: only those whose [`id`](Self::id) is that of a server
/// of one's own count, and a border server removes others of that id (RFC 8601 5).
///
/// ```
/// use scop_mime::AuthenticationResults;
///
/// let results = AuthenticationResults::parse(b"example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=fail reason=\"not listed\" smtp.mailfrom=example.net");
/// assert_eq!(results.id(), "example.com");
/// assert_eq!(results.of("spf").unwrap().result(), "fail");
/// assert_eq!(results.of("spf").unwrap().reason(), Some("not listed"));
/// assert_eq!(results.of("auth").unwrap().property("smtp", "auth"), Some("sender@example.net"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationResults<'a> {
    instance: Option<u32>,
    id: Cow<'a, str>,
    version: Option<u32>,
    results: Vec<AuthResult<'a>>,
}

/// The result of one method: `spf=pass smtp.mailfrom=a.test`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthResult<'a> {
    method: Cow<'a, str>,
    version: Option<u32>,
    result: Cow<'a, str>,
    reason: Option<Cow<'a, str>>,
    properties: Vec<AuthProperty<'a>>,
    comments: Vec<Cow<'a, str>>,
}

/// What was authenticated: `smtp.mailfrom=a.test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthProperty<'a> {
    /// Where it is from: `smtp`, `header`, `body`, `policy`, or another word.
    pub kind: Cow<'a, str>,
    /// Which of them: `mailfrom`, `d`, `from`.
    pub name: Cow<'a, str>,
    /// Its value, without quotes.
    pub value: Cow<'a, str>,
}

impl<'a> AuthenticationResults<'a> {
    /// Reads the value of either field. Nothing is refused: what is no result is left
    /// out, methods and properties that nobody knows are kept. Without an id before the
    /// first result, as Exchange writes it, the id is empty.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        Self::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &'a [u8], notes: &mut Notes<'_>) -> Self {
        let mut reader = Reader {
            cursor: Cursor::new(value),
            comments: Vec::new(),
        };
        let mut all = AuthenticationResults::default();
        reader.skip(notes);
        let mut start = reader.cursor.clone();
        // i=1; of ARC.
        if reader
            .cursor
            .take_while(is_keyword)
            .eq_ignore_ascii_case(b"i")
        {
            reader.skip(notes);
            if reader.cursor.eat(b'=') {
                reader.skip(notes);
                let number = number(reader.cursor.take_while(|b| b.is_ascii_digit()));
                reader.skip(notes);
                if number.is_some() && reader.cursor.eat(b';') {
                    all.instance = number;
                    reader.skip(notes);
                    start = reader.cursor.clone();
                }
            }
        }
        let begin = start.pos();
        reader.cursor = start.clone();
        let id = match reader.cursor.quoted_noting(notes) {
            Some(Cow::Borrowed(id)) => word_text(id),
            Some(Cow::Owned(id)) => Cow::Owned(word_text(&id).into_owned()),
            None => word_text(
                reader
                    .cursor
                    .take_while(|b| !is_space(b) && !matches!(b, b';' | b'(' | b'"' | b'=')),
            ),
        };
        reader.skip(notes);
        if reader.cursor.peek() == Some(b'=') {
            notes.add(DefectKind::OddAuthenticationResults, start.pos());
            reader.cursor = start;
        } else {
            if id.is_empty() {
                notes.add(DefectKind::OddAuthenticationResults, begin);
            }
            all.id = id;
            all.version = number(reader.cursor.take_while(|b| b.is_ascii_digit()));
            reader.skip_to_next(notes);
        }
        reader.comments.clear();
        let mut said = false;
        while reader.cursor.peek().is_some() {
            reader.skip(notes);
            let start = reader.cursor.clone();
            match reader.result(notes) {
                Some(result) => all.results.push(result),
                None => {
                    reader.cursor = start.clone();
                    let word = reader.cursor.take_while(is_keyword);
                    reader.skip(notes);
                    let alone = matches!(reader.cursor.peek(), None | Some(b';'));
                    let none = alone && word.eq_ignore_ascii_case(b"none");
                    said |= !(alone && word.is_empty());
                    if !(none || alone && word.is_empty()) {
                        notes.add(DefectKind::OddAuthenticationResults, start.pos());
                    }
                }
            }
            reader.comments.clear();
            reader.skip_to_next(notes);
        }
        // Who has nothing to say says `none`.
        if all.results.is_empty() && !said {
            notes.add(DefectKind::OddAuthenticationResults, begin);
        }
        all
    }

    /// The instance of an ARC-Authentication-Results: `i=`.
    #[must_use]
    pub fn instance(&self) -> Option<u32> {
        self.instance
    }

    /// The authserv-id: who says so. Compare it without regard to case (RFC 8601 2.5).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version of the format; `None` is 1. Of another one nothing is to be made (RFC
    /// 8601 2.2).
    #[must_use]
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// The results in order; none for `none`.
    #[must_use]
    pub fn results(&self) -> &[AuthResult<'a>] {
        &self.results
    }

    /// The first result of a method, in any case. A method may come several times: `dkim`
    /// once for each signature.
    #[must_use]
    pub fn of(&self, method: &str) -> Option<&AuthResult<'a>> {
        let is = |r: &&AuthResult<'_>| r.method.eq_ignore_ascii_case(method);
        self.results.iter().find(is)
    }
}

impl<'a> AuthResult<'a> {
    /// The method: `spf`, `dkim`, `dmarc`, `arc`, `auth`, `iprev`, or another one.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The version of the method; `None` is 1.
    #[must_use]
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// What it found: `pass`, `fail`, `none`, or another word.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }

    /// Why, for people.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What was authenticated, in order.
    #[must_use]
    pub fn properties(&self) -> &[AuthProperty<'a>] {
        &self.properties
    }

    /// The value of a property, by its ptype and its name in any case.
    #[must_use]
    pub fn property(&self, kind: &str, name: &str) -> Option<&str> {
        let is = |p: &&AuthProperty<'_>| {
            p.kind.eq_ignore_ascii_case(kind) && p.name.eq_ignore_ascii_case(name)
        };
        self.properties.iter().find(is).map(|p| &*p.value)
    }

    /// The comments in it, without their outer parentheses.
    #[must_use]
    pub fn comments(&self) -> &[Cow<'a, str>] {
        &self.comments
    }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    comments: Vec<Cow<'a, str>>,
}

impl<'a> Reader<'a> {
    /// Skips white space, and collects comments.
    fn skip(&mut self, notes: &mut Notes<'_>) {
        loop {
            self.cursor.skip_space();
            if self.cursor.peek() != Some(b'(') {
                return;
            }
            match self.cursor.comment_noting(notes) {
                Some(comment) => self.comments.push(words::decode(comment)),
                None => self.cursor.bump(),
            }
        }
    }

    /// `method [/ version] = result [reason = value] *(ptype . property = pvalue)`
    fn result(&mut self, notes: &mut Notes<'_>) -> Option<AuthResult<'a>> {
        let method = self.keyword()?;
        self.skip(notes);
        let mut version = None;
        if self.cursor.eat(b'/') {
            self.skip(notes);
            version = number(self.cursor.take_while(|b| b.is_ascii_digit()));
            self.skip(notes);
        }
        if !self.cursor.eat(b'=') {
            return None;
        }
        self.skip(notes);
        let mut found = AuthResult {
            method,
            version,
            result: self.keyword()?,
            ..AuthResult::default()
        };
        loop {
            self.skip(notes);
            let at = self.cursor.pos();
            let Some(word) = self.keyword() else { break };
            self.skip(notes);
            if self.cursor.eat(b'.') {
                self.skip(notes);
                let name = self.keyword().unwrap_or_default();
                self.skip(notes);
                if self.cursor.eat(b'=') {
                    self.skip(notes);
                    let value = self.value(notes);
                    let kind = word;
                    found.properties.push(AuthProperty { kind, name, value });
                    continue;
                }
            } else if self.cursor.eat(b'=') {
                self.skip(notes);
                let value = self.value(notes);
                if word.eq_ignore_ascii_case("reason") && found.reason.is_none() {
                    found.reason = Some(value);
                    continue;
                }
            }
            // `action=none` of Exchange, or what else nobody registered.
            notes.add(DefectKind::OddAuthenticationResults, at);
        }
        if !matches!(self.cursor.peek(), None | Some(b';')) {
            notes.add(DefectKind::OddAuthenticationResults, self.cursor.pos());
        }
        found.comments = core::mem::take(&mut self.comments);
        Some(found)
    }

    fn keyword(&mut self) -> Option<Cow<'a, str>> {
        let word = self.cursor.take_while(is_keyword);
        (!word.is_empty()).then(|| word_text(word))
    }

    /// A token or a quoted string; or an address, whose local part may be one.
    fn value(&mut self, notes: &mut Notes<'_>) -> Cow<'a, str> {
        let start = self.cursor.pos();
        let mut out: Option<Vec<u8>> = None;
        loop {
            let text = match self.cursor.peek() {
                Some(b'"') => match self.cursor.quoted_noting(notes) {
                    Some(text) => {
                        // The address goes on; alone it is the value.
                        let alone = out.is_none() && self.cursor.peek() != Some(b'@');
                        if let (true, Cow::Borrowed(text)) = (alone, &text) {
                            return word_text(text);
                        }
                        out.get_or_insert_default().extend_from_slice(&text);
                        continue;
                    }
                    None => {
                        self.cursor.bump();
                        continue;
                    }
                },
                _ => self
                    .cursor
                    .take_while(|b| !is_space(b) && !matches!(b, b';' | b'(' | b'"')),
            };
            if text.is_empty() {
                break;
            }
            match &mut out {
                Some(out) => out.extend_from_slice(text),
                None if self.cursor.peek() == Some(b'"') => out = Some(text.to_vec()),
                None => return word_text(self.cursor.since(start)),
            }
        }
        Cow::Owned(word_text(&out.unwrap_or_default()).into_owned())
    }

    /// Goes behind the next semicolon.
    fn skip_to_next(&mut self, notes: &mut Notes<'_>) {
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b';' => return self.cursor.bump(),
                b'(' if self.cursor.comment().is_some() => {}
                b'"' if self.cursor.quoted_noting(notes).is_some() => {}
                _ => self.cursor.bump(),
            }
        }
    }
}

/// A letter of a method, a result, a ptype or a property (RFC 5321's Keyword, and what
/// is in use: `x-ms-exchange`, `dkim_adsp`).
fn is_keyword(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// `id/version: method/version=result(reason) ptype.property=value..`
    fn show(value: &str) -> (String, String) {
        let mut found: Vec<String> = Vec::new();
        let mut take = |kind: DefectKind, at: usize| found.push(alloc::format!("{kind}@{at}"));
        let all = AuthenticationResults::read(value.as_bytes(), &mut Notes::new(&mut take));
        assert_eq!(all, AuthenticationResults::parse(value.as_bytes()));
        let mut out = String::from(all.id());
        for r in all.results() {
            out += &alloc::format!("; {}={}", r.method(), r.result());
            if let Some(reason) = r.reason() {
                out += &alloc::format!("({reason})");
            }
            for p in r.properties() {
                out += &alloc::format!(" {}.{}={}", p.kind, p.name, p.value);
            }
        }
        (out, found.join(" "))
    }

    fn check(value: &str, shown: &str) {
        assert_eq!(show(value), (shown.into(), String::new()), "{value}");
    }

    #[test]
    fn rfc8601_appendix_b() {
        // B.2
        check(" example.org 1; none", "example.org");
        check("example.org; none", "example.org");
        // B.3
        check(
            "example.com;\r\n          spf=pass smtp.mailfrom=example.net",
            "example.com; spf=pass smtp.mailfrom=example.net",
        );
        // B.4
        check(
            "example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n          spf=pass smtp.mailfrom=example.net",
            "example.com; auth=pass smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
        );
        check(
            "example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
            "example.com; iprev=pass policy.iprev=192.0.2.200",
        );
        // B.5
        check(
            "example.com;\r\n          dkim=pass (good signature) header.d=example.com",
            "example.com; dkim=pass header.d=example.com",
        );
        // B.6
        check(
            "example.com;\r\n  dkim=pass reason=\"good signature\"\r\n    header.i=@mail-router.example.net;\r\n  dkim=fail reason=\"bad signature\"\r\n    header.i=@newyork.example.com",
            "example.com; dkim=pass(good signature) header.i=@mail-router.example.net; dkim=fail(bad signature) header.i=@newyork.example.com",
        );
        // B.7
        let text = "foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n      policy (A dot can go here) . (like that) expired\r\n      (this surprised me) = (as I wasn't expecting it) 1362471462";
        check(text, "foo.example.net; dkim=fail policy.expired=1362471462");
        let all = AuthenticationResults::parse(text.as_bytes());
        let dkim = all.of("DKIM").unwrap();
        assert_eq!((all.version(), dkim.version()), (Some(1), Some(1)));
        assert_eq!(dkim.comments().len(), 7);
        assert_eq!(dkim.property("policy", "expired"), Some("1362471462"));
    }

    #[test]
    fn no_id_and_nothing_said() {
        let odd = |at: usize| alloc::format!("odd-authentication-results@{at}");
        assert_eq!(show(" ; spf=pass"), ("; spf=pass".into(), odd(1)));
        for nothing in [" a.test", " a.test;", " a.test 1; ;"] {
            assert_eq!(show(nothing), ("a.test".into(), odd(1)), "{nothing}");
        }
    }

    #[test]
    fn arc_has_an_instance() {
        let text = "i=2; lists.example.org;\r\n spf=fail smtp.mailfrom=jqd@d1.example; dkim=pass (512-bit key)\r\n header.i=@example.org; arc=none";
        let all = AuthenticationResults::parse(text.as_bytes());
        assert_eq!((all.instance(), all.id()), (Some(2), "lists.example.org"));
        assert_eq!(all.results().len(), 3);
        assert_eq!(all.of("dkim").unwrap().comments(), ["512-bit key"]);
        check("i=1; a.test; none", "a.test");
    }

    #[test]
    fn what_nobody_knows_survives() {
        check(
            "a.test; x-new=maybe x.y=z; spf=pass smtp.mailfrom=\"a b\"@c.test",
            "a.test; x-new=maybe x.y=z; spf=pass smtp.mailfrom=a b@c.test",
        );
        check("\"a b\"; spf=pass reason=ok", "a b; spf=pass(ok)");
    }

    #[test]
    fn damage() {
        // As Exchange writes it.
        assert_eq!(
            show(
                "spf=pass (sender IP is 192.0.2.1)\r\n smtp.helo=x.test; outlook.com;\r\n dkim=none header.d=none;outlook.com; dmarc=pass action=none header.from=x.test;"
            ),
            (
                "; spf=pass smtp.helo=x.test; dkim=none header.d=none; dmarc=pass header.from=x.test".into(),
                "odd-authentication-results@0 odd-authentication-results@54 odd-authentication-results@93 odd-authentication-results@117".into()
            )
        );
        assert_eq!(
            show("a.test; spf=; =x; dkim=pass !; none"),
            (
                "a.test; dkim=pass".into(),
                "odd-authentication-results@8 odd-authentication-results@14 odd-authentication-results@28".into()
            )
        );
        for unit in [
            "(", ";", "\"", "a=b ", "a.b=c ", "a=b;", "a", "\"a\"", "i=1;",
        ] {
            let flood = unit.repeat(100_000);
            let _ = AuthenticationResults::parse(flood.as_bytes());
            let flood = alloc::format!("a; b=c {flood}");
            assert!(
                !AuthenticationResults::parse(flood.as_bytes())
                    .id()
                    .is_empty()
            );
        }
    }
}
