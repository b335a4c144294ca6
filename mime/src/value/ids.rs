//! Message-IDs (RFC 5322 3.6.4).

use alloc::string::String;
use alloc::vec::Vec;

use super::lex::{Cursor, is_space, raw_text};

/// The ids of a Message-ID, In-Reply-To or References, without their brackets and
/// without white space. Words between them, which RFC 822 allowed, are left out;
/// where nothing is in brackets, each word with an `@` is taken for one.
#[must_use]
pub(crate) fn parse(value: &[u8]) -> Vec<String> {
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
                let id: Vec<u8> = id.iter().copied().filter(|b| !is_space(*b)).collect();
                if !id.is_empty() {
                    ids.push(raw_text(&id).into_owned());
                }
            }
            Some(_) => {
                let word = cursor.take_while(|b| !is_space(b) && !matches!(b, b'<' | b','));
                if word.is_empty() {
                    cursor.bump();
                }
                if ids.is_empty() && word.contains(&b'@') {
                    bare.push(raw_text(word).into_owned());
                }
            }
        }
    }
    match ids.is_empty() {
        true => bare,
        false => ids,
    }
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
