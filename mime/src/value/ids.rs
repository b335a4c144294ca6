//! Message-IDs (RFC 5322 3.6.4 and 4.5.4).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::lex::{Cursor, is_space, word_text};
use super::note::Notes;
use crate::DefectKind;

/// The ids of a Message-ID, In-Reply-To or References, without their brackets and
/// without white space. Phrases between them, which RFC 822 allowed, are left out;
/// where nothing is in brackets, each word with an `@` is taken for one.
///
/// ```
/// use scop_mime::parse_message_ids;
///
/// assert_eq!(parse_message_ids(b"<1@a.test> (first)\r\n <2@b.test>"), ["1@a.test", "2@b.test"]);
/// ```
#[must_use]
pub fn parse(value: &[u8]) -> Vec<Cow<'_, str>> {
    read(value, false, &mut Notes::none())
}

/// The same; `single` where only one may be.
pub(crate) fn read<'a>(value: &'a [u8], single: bool, notes: &mut Notes<'_>) -> Vec<Cow<'a, str>> {
    let mut ids = Vec::new();
    let mut bare = Vec::new();
    // Where the first text between ids is.
    let mut text = None;
    let mut cursor = Cursor::new(value);
    loop {
        cursor.skip_cfws();
        let at = cursor.pos();
        match cursor.peek() {
            None => break,
            Some(b'<') => {
                cursor.bump();
                let id = cursor.take_while(|b| !matches!(b, b'>' | b'<'));
                if !cursor.eat(b'>') {
                    notes.add(DefectKind::UnbalancedBracket, at);
                }
                let id = bare_id(id);
                let whole = id.split_once('@');
                let whole =
                    whole.is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
                if !whole || matches!(id, Cow::Owned(_)) {
                    notes.add(DefectKind::OddMessageId, at);
                }
                if single && ids.len() == 1 {
                    notes.add(DefectKind::SeveralIds, at);
                }
                if !id.is_empty() {
                    ids.push(id);
                }
            }
            Some(b'"') if cursor.quoted_noting(notes).is_some() => {
                text.get_or_insert(at);
            }
            Some(_) => {
                let word = cursor.take_while(|b| !is_space(b) && !matches!(b, b'<' | b','));
                if word.is_empty() {
                    cursor.bump();
                }
                text.get_or_insert(at);
                if ids.is_empty() && word.contains(&b'@') {
                    if single && bare.len() == 1 {
                        notes.add(DefectKind::SeveralIds, at);
                    }
                    bare.push(word_text(word));
                }
            }
        }
    }
    match ids.is_empty() {
        true => {
            if let Some(at) = text {
                notes.add(
                    match bare.is_empty() {
                        true => DefectKind::TextAmongIds,
                        false => DefectKind::OddMessageId,
                    },
                    at,
                );
            }
            bare
        }
        false => {
            if let Some(at) = text {
                notes.add(DefectKind::TextAmongIds, at);
            }
            ids
        }
    }
}

/// An id as it is compared: without the white space and the comments that RFC 5322
/// 4.5.4 allows in it.
fn bare_id(id: &[u8]) -> Cow<'_, str> {
    if !id.iter().any(|b| is_space(*b) || *b == b'(') {
        return word_text(id);
    }
    let mut kept = Vec::with_capacity(id.len());
    let mut cursor = Cursor::new(id);
    while let Some(byte) = cursor.peek() {
        if is_space(byte) || byte == b'(' && cursor.comment().is_some() {
            cursor.skip_space();
        } else {
            kept.push(byte);
            cursor.bump();
        }
    }
    Cow::Owned(word_text(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn ids_are_found() {
        assert_eq!(parse(b" <a@b>\r\n\t<c@d> (x <y@z>)"), ["a@b", "c@d"]);
        assert_eq!(parse(b"Your message of Monday <a@b>"), ["a@b"]);
        assert_eq!(parse(b"\"Joe's <x@y>\" <a@b> of Monday"), ["a@b"]);
        assert_eq!(parse(b"<a@b><c@\r\n d>"), ["a@b", "c@d"]);
        assert_eq!(parse(b"a@b, c@d"), ["a@b", "c@d"]);
        assert_eq!(parse(b"<\"a b\"@c>"), ["\"ab\"@c"]);
        assert_eq!(parse(b"<unfinished@x"), ["unfinished@x"]);
        assert_eq!(parse(b"<a(b@c>"), ["a(b@c"]);
        assert_eq!(parse(b"<a@[1.2.3.4]> , <a.%@b>"), ["a@[1.2.3.4]", "a.%@b"]);
        assert!(parse(b" ( ( <> \"").is_empty());
    }

    #[test]
    fn rfc5322_appendix_a_2_a_4() {
        assert_eq!(parse(b" <3456@example.net>"), ["3456@example.net"]);
        assert_eq!(
            parse(b" <1234@local.machine.example> <3456@example.net>"),
            ["1234@local.machine.example", "3456@example.net"]
        );
        // A.5
        assert_eq!(
            parse(b"              <testabcd.1234@silly.test>"),
            ["testabcd.1234@silly.test"]
        );
    }

    #[test]
    fn what_is_odd_is_told() {
        let odd = |value: &str| {
            let mut found: Vec<String> = Vec::new();
            let mut take = |kind: DefectKind, at: usize| found.push(alloc::format!("{kind}@{at}"));
            let ids = read(value.as_bytes(), false, &mut Notes::new(&mut take));
            assert_eq!(ids, parse(value.as_bytes()));
            found.join(" ")
        };
        assert_eq!(odd(" <a@b> (c) <d@e>"), "");
        assert_eq!(odd("<a@b"), "unbalanced-bracket@0");
        assert_eq!(odd("a@b"), "odd-message-id@0");
        assert_eq!(odd("<ab>"), "odd-message-id@0");
        assert_eq!(odd("<a @b>"), "odd-message-id@0");
        assert_eq!(odd("Your message <a@b>"), "text-among-ids@0");
        assert_eq!(odd("<a@b>, <c@d>"), "text-among-ids@5");
    }

    #[test]
    fn mi04_floods_are_linear() {
        for unit in ["<", "<a@b", "(", "\"", "a@b ", "<a@b>", ","] {
            let flood = unit.repeat(100_000);
            assert!(parse(flood.as_bytes()).len() <= 100_000);
        }
    }
}
