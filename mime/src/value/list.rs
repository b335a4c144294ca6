//! What mailing lists say about themselves: List-Unsubscribe and its like (RFC 2369),
//! List-Id (RFC 2919), List-Unsubscribe-Post (RFC 8058).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::lex::{Cursor, is_space, raw_text, trim};
use super::note::Notes;
use super::words;
use crate::DefectKind;

/// The value of List-Help, List-Unsubscribe, List-Subscribe, List-Post, List-Owner or
/// List-Archive: URLs, the preferred one first.
///
/// ```
/// use scop_mime::ListUrls;
///
/// let list = ListUrls::parse(b"<mailto:l@x.test?subject=help> (List Instructions), <https://x.test/h>");
/// assert_eq!(list.urls()[0].url, "mailto:l@x.test?subject=help");
/// assert_eq!(list.urls()[0].comment.as_deref(), Some("List Instructions"));
/// assert_eq!(list.first_of("https"), Some("https://x.test/h"));
/// assert!(ListUrls::parse(b"NO (posting not allowed on this list)").is_no());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListUrls<'a> {
    urls: Vec<ListUrl<'a>>,
    no: bool,
}

/// One URL. It is the sender's: opening it tells the sender so, and may do more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListUrl<'a> {
    /// The URL, without brackets and without white space.
    pub url: Cow<'a, str>,
    /// The comment behind it, or else before it.
    pub comment: Option<Cow<'a, str>>,
}

impl<'a> ListUrls<'a> {
    /// Reads the value of the field, as RFC 2369 section 2 tells clients to: what is not
    /// in brackets ends it. One URL alone without brackets is taken as well.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        Self::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &'a [u8], notes: &mut Notes<'_>) -> Self {
        let mut list = ListUrls::default();
        let mut cursor = Cursor::new(value);
        loop {
            let before = comments(&mut cursor, notes);
            let at = cursor.pos();
            match cursor.peek() {
                None => break,
                Some(b'<') => {
                    cursor.bump();
                    let url = cursor.take_while(|b| b != b'>');
                    if !cursor.eat(b'>') {
                        notes.add(DefectKind::UnbalancedBracket, at);
                    }
                    let url = without_space(url);
                    let comment = comments(&mut cursor, notes).or(before);
                    if !url.is_empty() {
                        list.urls.push(ListUrl { url, comment });
                    }
                }
                Some(b',') => notes.add(DefectKind::EmptyListItem, at),
                Some(_) => {
                    let word = cursor.take_while(|b| !is_space(b) && !b",(<>".contains(&b));
                    list.no = list.urls.is_empty() && word.eq_ignore_ascii_case(b"NO");
                    if !list.no {
                        notes.add(DefectKind::OddListUrl, at);
                    }
                    let comment = comments(&mut cursor, notes).or(before);
                    if list.urls.is_empty() && word.contains(&b':') && cursor.peek().is_none() {
                        let url = without_space(word);
                        list.urls.push(ListUrl { url, comment });
                    }
                    break;
                }
            }
            // What is between a URL and the comma is ignored.
            let junk = cursor.pos();
            if !trim(cursor.take_while(|b| b != b',')).is_empty() {
                notes.add(DefectKind::OddListUrl, junk);
            }
            cursor.eat(b',');
        }
        list
    }

    /// The URLs in order.
    #[must_use]
    pub fn urls(&self) -> &[ListUrl<'a>] {
        &self.urls
    }

    /// The value is `NO`: nobody may post (RFC 2369 3.4).
    #[must_use]
    pub fn is_no(&self) -> bool {
        self.no
    }

    /// The first URL of a scheme: `mailto`, `https`.
    #[must_use]
    pub fn first_of(&self, scheme: &str) -> Option<&str> {
        let is = |url: &&str| {
            let (own, rest) = url.split_at_checked(scheme.len()).unwrap_or_default();
            own.eq_ignore_ascii_case(scheme) && rest.starts_with(':')
        };
        self.urls.iter().map(|u| &*u.url).find(is)
    }
}

/// Skips white space and comments: the last comment.
fn comments<'a>(cursor: &mut Cursor<'a>, notes: &mut Notes<'_>) -> Option<Cow<'a, str>> {
    let mut last = None;
    loop {
        cursor.skip_space();
        if cursor.peek() != Some(b'(') {
            return last;
        }
        match cursor.comment_noting(notes) {
            Some(comment) => last = Some(words::decode(comment)),
            None => cursor.bump(),
        }
    }
}

fn without_space(url: &[u8]) -> Cow<'_, str> {
    if !url.iter().any(|b| is_space(*b) || *b == 0) {
        return raw_text(url);
    }
    let kept = url.iter().filter(|b| !is_space(**b) && **b != 0);
    Cow::Owned(raw_text(&kept.copied().collect::<Vec<u8>>()).into_owned())
}

/// The value of List-Id (RFC 2919): what names a list for ever, whatever its address is.
///
/// ```
/// use scop_mime::ListId;
///
/// let list = ListId::parse(b"List Header Mailing List <list-header.nisto.com>").unwrap();
/// assert_eq!(list.id(), "list-header.nisto.com");
/// assert_eq!(list.description(), Some("List Header Mailing List"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListId<'a> {
    id: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
}

impl<'a> ListId<'a> {
    /// Reads the value of the field; a word alone without brackets is an id as well.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        Self::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &'a [u8], notes: &mut Notes<'_>) -> Option<Self> {
        let open = match memchr::memrchr(b'<', value) {
            Some(open) => open,
            None => {
                let mut cursor = Cursor::new(value);
                cursor.skip_cfws();
                let at = cursor.pos();
                let id = cursor.take_while(|b| !is_space(b) && !b"(\">,;".contains(&b));
                cursor.skip_cfws();
                notes.add(DefectKind::OddListId, at);
                let id = without_space(id);
                return (!id.is_empty() && cursor.peek().is_none()).then_some(ListId {
                    id,
                    description: None,
                });
            }
        };
        let inner = value.get(open + 1..)?;
        let end = memchr::memchr(b'>', inner);
        if end.is_none() {
            notes.add(DefectKind::UnbalancedBracket, open);
        }
        let id = without_space(inner.get(..end.unwrap_or(inner.len()))?);
        if id.is_empty() {
            notes.add(DefectKind::OddListId, open);
            return None;
        }
        let phrase = trim(value.get(..open)?);
        let mut cursor = Cursor::new(phrase);
        let description = match cursor.quoted() {
            Some(Cow::Borrowed(text)) if cursor.peek().is_none() => words::decode(text),
            Some(Cow::Owned(text)) if cursor.peek().is_none() => {
                Cow::Owned(words::decode(&text).into_owned())
            }
            _ => words::decode(phrase),
        };
        Some(ListId {
            id,
            description: (!description.is_empty()).then_some(description),
        })
    }

    /// The id, without brackets. Compare it without regard to case (RFC 2919 6).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What people call the list, decoded.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

/// Whether a List-Unsubscribe-Post says that a POST is enough (RFC 8058 3.1).
pub(crate) fn is_one_click(value: &[u8]) -> bool {
    let mut cursor = Cursor::new(value);
    cursor.skip_cfws();
    let pair = cursor.take_while(|b| !is_space(b) && b != b'(');
    cursor.skip_cfws();
    cursor.peek().is_none() && pair.eq_ignore_ascii_case(b"List-Unsubscribe=One-Click")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn urls(value: &str) -> (Vec<String>, String) {
        let mut found: Vec<String> = Vec::new();
        let mut take = |kind: DefectKind, at: usize| found.push(alloc::format!("{kind}@{at}"));
        let list = ListUrls::read(value.as_bytes(), &mut Notes::new(&mut take));
        assert_eq!(list, ListUrls::parse(value.as_bytes()));
        let show = |u: &ListUrl<'_>| match &u.comment {
            Some(comment) => alloc::format!("{} ({comment})", u.url),
            None => u.url.clone().into_owned(),
        };
        (list.urls.iter().map(show).collect(), found.join(" "))
    }

    #[test]
    fn rfc2369_examples() {
        let check = |value: &str, expected: &[&str]| {
            let (found, defects) = urls(value);
            assert_eq!(
                (&found[..], &*defects),
                (
                    &expected
                        .iter()
                        .map(|s| String::from(*s))
                        .collect::<Vec<_>>()[..],
                    ""
                ),
                "{value}"
            );
        };
        check(
            "<mailto:list@host.com?subject=help> (List Instructions)",
            &["mailto:list@host.com?subject=help (List Instructions)"],
        );
        check(
            "<ftp://ftp.host.com/list.txt> (FTP),\r\n    <mailto:list@host.com?subject=help>",
            &[
                "ftp://ftp.host.com/list.txt (FTP)",
                "mailto:list@host.com?subject=help",
            ],
        );
        check(
            "(Use this command to get off the list)\r\n     <mailto:list-manager@host.com?body=unsubscribe%20list>",
            &[
                "mailto:list-manager@host.com?body=unsubscribe%20list (Use this command to get off the list)",
            ],
        );
        check(
            "<http://www.host.com/list.cgi?cmd=unsub&lst=list>,\r\n    <mailto:list-request@host.com?subject=unsubscribe>",
            &[
                "http://www.host.com/list.cgi?cmd=unsub&lst=list",
                "mailto:list-request@host.com?subject=unsubscribe",
            ],
        );
        let no = ListUrls::parse(b" NO (posting not allowed on this list)");
        assert!(no.is_no() && no.urls().is_empty());
        check("<mailto:a@b\r\n .test,c>", &["mailto:a@b.test,c"]);
    }

    #[test]
    fn damage() {
        assert_eq!(
            urls("https://x.test/u"),
            (
                alloc::vec!["https://x.test/u".into()],
                "odd-list-url@0".into()
            )
        );
        assert_eq!(
            urls("see <https://x.test/u>"),
            (Vec::new(), "odd-list-url@0".into())
        );
        assert_eq!(
            urls("<a:b> junk, <c:d>, e, <f:g>"),
            (
                alloc::vec!["a:b".into(), "c:d".into()],
                "odd-list-url@6 odd-list-url@19".into()
            )
        );
        assert_eq!(
            urls("<a:b"),
            (alloc::vec!["a:b".into()], "unbalanced-bracket@0".into())
        );
        assert_eq!(
            urls(", <a:b>"),
            (alloc::vec!["a:b".into()], "empty-list-item@0".into())
        );
        for unit in ["<", "(", ",", "<>", "<>,", "() "] {
            let flood = unit.repeat(100_000);
            assert!(ListUrls::parse(flood.as_bytes()).urls().len() <= 1);
        }
    }

    #[test]
    fn rfc2919_examples() {
        let id = |value: &'static str| {
            let list = ListId::parse(value.as_bytes())?;
            Some((
                String::from(list.id()),
                list.description().map(String::from),
            ))
        };
        let check = |value, expected: &str, description: Option<&str>| {
            let expected = (String::from(expected), description.map(String::from));
            assert_eq!(id(value), Some(expected));
        };
        check(
            "List Header Mailing List <list-header.nisto.com>",
            "list-header.nisto.com",
            Some("List Header Mailing List"),
        );
        check(
            "<commonspace-users.list-id.within.com>",
            "commonspace-users.list-id.within.com",
            None,
        );
        check(
            "\"Lena's Personal Joke List\"\r\n         <lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost>",
            "lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost",
            Some("Lena's Personal Joke List"),
        );
        check(
            "\"An internal CMU List\" <0Jks9449.list-id.cmu.edu>",
            "0Jks9449.list-id.cmu.edu",
            Some("An internal CMU List"),
        );
        check("=?utf-8?Q?=C3=BC?= <a.b>", "a.b", Some("ü"));
        check("neko.example.org", "neko.example.org", None);
        assert_eq!(id("a list of ours"), None);
        assert_eq!(id("<>"), None);
        // Found by fuzzing: a bracket is not part of an id.
        assert_eq!(id("\"A,b>"), None);
        assert_eq!(ListId::parse(b"a\0b").unwrap().id(), "ab");
        // Found by fuzzing: an id of nothing but NUL is none.
        assert_eq!(ListId::parse(b"\0\0\n"), None);
        assert_eq!(ListId::parse(b"<\0>"), None);
    }

    #[test]
    fn rfc8058_one_click() {
        assert!(is_one_click(b" List-Unsubscribe=One-Click\r\n"));
        assert!(!is_one_click(b"List-Unsubscribe=Two-Clicks"));
        assert!(is_one_click(b"(a) List-Unsubscribe=One-Click (b)"));
        // The pair alone makes the promise.
        assert!(!is_one_click(b"List-Unsubscribe=One-Click, x=y"));
        assert!(!is_one_click(b"List-Unsubscribe=One-Click x"));
        assert!(!is_one_click(b"x List-Unsubscribe=One-Click"));
    }
}
