//! Message-IDs (RFC 5322 3.6.4).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::lex::{Cursor, is_space, raw_text};

/// The ids of a Message-ID, In-Reply-To or References, without their brackets and
/// without white space. Words between them, which RFC 822 allowed, are left out;
/// where nothing is in brackets, each word with an `@` is taken for one.
#[must_use]
pub(crate) fn parse(value: &[u8]) -> Vec<Cow<'_, str>> {
    let mut ids = Vec::new();
    let mut bare = Vec::new();
    let mut cursor = Cursor::new(value);
    loop {
        cursor.skip_cfws();
        match cursor.peek() {
            None => break,
            Some(b'<') => {
                cursor.bump();
                let id = cursor.take_while(|b| !matches!(b, b'>' | b'<'));
                cursor.eat(b'>');
                let id = without_space(id);
                if !id.is_empty() {
                    ids.push(id);
                }
            }
            Some(_) => {
                let word = cursor.take_while(|b| !is_space(b) && !matches!(b, b'<' | b','));
                if word.is_empty() {
                    cursor.bump();
                }
                if ids.is_empty() && word.contains(&b'@') {
                    bare.push(raw_text(word));
                }
            }
        }
    }
    match ids.is_empty() {
        true => bare,
        false => ids,
    }
}

fn without_space(id: &[u8]) -> Cow<'_, str> {
    if !id.iter().any(|b| is_space(*b)) {
        return raw_text(id);
    }
    let kept: Vec<u8> = id.iter().copied().filter(|b| !is_space(*b)).collect();
    Cow::Owned(raw_text(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found() {
        assert_eq!(parse(b" <a@b>\r\n\t<c@d> (x <y@z>)"), ["a@b", "c@d"]);
        assert_eq!(parse(b"Your message of Monday <a@b>"), ["a@b"]);
        assert_eq!(parse(b"<a@b><c@\r\n d>"), ["a@b", "c@d"]);
        assert_eq!(parse(b"a@b, c@d"), ["a@b", "c@d"]);
        assert_eq!(parse(b"<\"a b\"@c>"), ["\"ab\"@c"]);
        assert_eq!(parse(b"<unfinished@x"), ["unfinished@x"]);
        assert!(parse(b" ( ( <> \"").is_empty());
    }
}
