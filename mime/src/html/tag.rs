//! What a `<` begins (HTML, sections 13.2.5.6 to 13.2.5.54).

use memchr::{memchr, memchr_iter, memmem};

/// Something between text, and what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup<'h> {
    /// `<name ..>`; the attributes as they are written.
    Start { name: &'h str, attributes: &'h str },
    /// `</name ..>`
    End { name: &'h str },
    /// A comment, a declaration, or a tag that is cut off: it shows nothing.
    Nothing,
}

/// Reads what `html` begins with, which is a `<`: markup, and how many bytes it has. `None`
/// where the `<` stands for itself. Cost: linear in what is taken.
pub(super) fn markup(html: &str) -> Option<(Markup<'_>, usize)> {
    let bytes = html.as_bytes();
    let until = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        memchr(b'>', rest).map_or(bytes.len(), |at| from + at + 1)
    };
    match bytes {
        [b'<', b'!', b'-', b'-', ..] => Some((Markup::Nothing, comment(bytes))),
        [b'<', b'!' | b'?', ..] => Some((Markup::Nothing, until(2))),
        [b'<', b'/', letter, ..] if letter.is_ascii_alphabetic() => {
            let (name, _, end) = tag(html, 2);
            Some((
                name.map_or(Markup::Nothing, |name| Markup::End { name }),
                end,
            ))
        }
        [b'<', b'/', _, ..] => Some((Markup::Nothing, until(2))),
        [b'<', letter, ..] if letter.is_ascii_alphabetic() => {
            let (name, attributes, end) = tag(html, 1);
            let start = name.map(|name| Markup::Start { name, attributes });
            Some((start.unwrap_or(Markup::Nothing), end))
        }
        _ => None,
    }
}

/// Where a comment ends.
fn comment(bytes: &[u8]) -> usize {
    if let [_, _, _, _, b'>', ..] = bytes {
        return 5;
    }
    if let [_, _, _, _, b'-', b'>', ..] = bytes {
        return 6;
    }
    let mut at = 4;
    while let Some(found) = bytes.get(at..).and_then(|rest| memmem::find(rest, b"--")) {
        match bytes.get(at + found + 2..) {
            Some([b'>', ..]) => return at + found + 3,
            Some([b'!', b'>', ..]) => return at + found + 4,
            _ => at += found + 1,
        }
    }
    bytes.len()
}

/// A tag whose name is at `from`: the name, `None` if it is cut off, its attributes, and
/// where it ends.
fn tag(html: &str, from: usize) -> (Option<&str>, &str, usize) {
    let bytes = html.as_bytes();
    let rest = bytes.get(from..).unwrap_or_default();
    let is_end = |b: &u8| is_space(*b) || matches!(b, b'/' | b'>');
    let length = rest.iter().position(is_end).unwrap_or(rest.len());
    let name = html.get(from..from + length);
    let mut attributes = Attributes {
        html,
        at: from + length,
    };
    while attributes.next().is_some() {}
    let end = attributes.at;
    match bytes.get(end) {
        Some(_) => (
            name,
            html.get(from + length..end).unwrap_or_default(),
            end + 1,
        ),
        None => (None, "", bytes.len()),
    }
}

/// The value of an attribute, not decoded; of several the first.
pub(super) fn attribute<'h>(attributes: &'h str, name: &str) -> Option<&'h str> {
    let mut all = Attributes {
        html: attributes,
        at: 0,
    };
    all.find(|(n, _)| n.eq_ignore_ascii_case(name))?.1
}

/// Name and value of attributes, up to the `>` or the end.
struct Attributes<'h> {
    html: &'h str,
    at: usize,
}

impl<'h> Attributes<'h> {
    fn peek(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    fn take_while(&mut self, is: impl Fn(u8) -> bool) -> &'h str {
        let start = self.at;
        while self.peek().is_some_and(&is) {
            self.at += 1;
        }
        self.html.get(start..self.at).unwrap_or_default()
    }
}

impl<'h> Iterator for Attributes<'h> {
    type Item = (&'h str, Option<&'h str>);

    fn next(&mut self) -> Option<Self::Item> {
        self.take_while(|b| is_space(b) || b == b'/');
        if matches!(self.peek(), None | Some(b'>')) {
            return None;
        }
        let start = self.at;
        // An equals sign at the start belongs to the name.
        self.at += 1;
        self.take_while(|b| !is_space(b) && !matches!(b, b'/' | b'>' | b'='));
        let name = self.html.get(start..self.at).unwrap_or_default();
        self.take_while(is_space);
        if self.peek() != Some(b'=') {
            return Some((name, None));
        }
        self.at += 1;
        self.take_while(is_space);
        let value = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                let value = self.take_while(|b| b != quote);
                self.at = (self.at + 1).min(self.html.len());
                value
            }
            _ => self.take_while(|b| !is_space(b) && b != b'>'),
        };
        Some((name, Some(value)))
    }
}

/// Where the content of an element that holds no markup ends, if it does: at its end tag.
pub(super) fn raw_end(html: &str, name: &str) -> Option<usize> {
    let bytes = html.as_bytes();
    memchr_iter(b'<', bytes).find(|at| {
        let behind = bytes.get(at + 1..).and_then(|rest| rest.strip_prefix(b"/"));
        let Some(behind) = behind else { return false };
        let (start, rest) = behind.split_at(behind.len().min(name.len()));
        let ends = rest
            .first()
            .is_none_or(|b| is_space(*b) || b"/>".contains(b));
        start.eq_ignore_ascii_case(name.as_bytes()) && ends
    })
}

/// White space of HTML.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start<'h>(name: &'h str, attributes: &'h str) -> Markup<'h> {
        Markup::Start { name, attributes }
    }

    #[test]
    fn what_a_less_than_sign_begins() {
        for (html, expected) in [
            ("<b>x", Some((start("b", ""), 3))),
            (
                "<a title='1>2' b>x",
                Some((start("a", " title='1>2' b"), 17)),
            ),
            ("<a title=1>2>", Some((start("a", " title=1"), 11))),
            ("<br/>", Some((start("br", "/"), 5))),
            ("</P >x", Some((Markup::End { name: "P" }, 5))),
            ("< b>", None),
            ("<3", None),
            ("<", None),
            ("</", None),
            ("</ x>y", Some((Markup::Nothing, 5))),
            ("<!doctype html>x", Some((Markup::Nothing, 15))),
            ("<?xml ?>x", Some((Markup::Nothing, 8))),
            ("<!-- a > b -- c --->x", Some((Markup::Nothing, 20))),
            ("<!-->x", Some((Markup::Nothing, 5))),
            ("<!--->x", Some((Markup::Nothing, 6))),
            ("<!-- x --!>y", Some((Markup::Nothing, 11))),
            ("<!-- x", Some((Markup::Nothing, 6))),
            ("<![if !mso]>x", Some((Markup::Nothing, 12))),
            ("<a href=\"x>y", Some((Markup::Nothing, 12))),
            ("<a", Some((Markup::Nothing, 2))),
        ] {
            assert_eq!(markup(html), expected, "{html}");
        }
    }

    #[test]
    fn attributes_by_name() {
        let all = " a=1 ALT = \"x > y\" alt=z b c='' =d=e/f=g";
        for (name, value) in [
            ("a", Some("1")),
            ("alt", Some("x > y")),
            ("b", None),
            ("c", Some("")),
            ("=d", Some("e/f=g")),
            ("nothing", None),
        ] {
            assert_eq!(attribute(all, name), value, "{name}");
        }
    }
}
