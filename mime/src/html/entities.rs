//! Character references (HTML, sections 13.2.5.72 to 13.2.5.80).

use core::cmp::Ordering;

/// The longest name, and the longest that may go without its semicolon.
const LONGEST: usize = 31;
const LONGEST_OLD: usize = 6;

/// What a reference stands for.
pub(super) type Characters = (char, Option<char>);

/// Reads what is behind an ampersand: the characters, and how many bytes that took. `None`
/// where it is no reference, and the ampersand stands for itself.
///
/// Numbers are read as the standard says: those of C1 controls are windows-1252, and what is
/// no character is U+FFFD. Names are those of [`NAMED`]; the old ones need no semicolon, and the
/// longest counts.
pub(super) fn reference(text: &[u8]) -> Option<(Characters, usize)> {
    match text {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16, 2),
        [b'#', digits @ ..] => number(digits, 10, 1),
        _ => name(text),
    }
}

fn number(text: &[u8], radix: u32, start: usize) -> Option<(Characters, usize)> {
    let mut value = 0u32;
    let mut length = 0;
    while let Some(digit) = text
        .get(length)
        .and_then(|b| char::from(*b).to_digit(radix))
    {
        value = value.saturating_mul(radix).saturating_add(digit);
        length += 1;
    }
    if length == 0 {
        return None;
    }
    let semicolon = usize::from(text.get(length) == Some(&b';'));
    let character = match value {
        0 => None,
        0x80..=0x9f => WINDOWS_1252.get(value as usize - 0x80).copied(),
        _ => char::from_u32(value),
    };
    Some((
        (character.unwrap_or(char::REPLACEMENT_CHARACTER), None),
        start + length + semicolon,
    ))
}

fn name(text: &[u8]) -> Option<(Characters, usize)> {
    let letters = text.iter().take(LONGEST + 1);
    let length = letters.take_while(|b| b.is_ascii_alphanumeric()).count();
    if text.get(length) == Some(&b';')
        && let Some((_, characters)) = find(text.get(..length)?)
    {
        return Some((characters, length + 1));
    }
    (2..=length.min(LONGEST_OLD)).rev().find_map(|length| {
        let (is_old, characters) = find(text.get(..length)?)?;
        is_old.then_some((characters, length))
    })
}

/// Looks a name up: whether it may go without its semicolon, and what it stands for.
fn find(name: &[u8]) -> Option<(bool, Characters)> {
    let mut left = NAMED.as_bytes();
    while !left.is_empty() {
        // The line about the middle.
        let middle = left.len() / 2;
        let is_end = |b: &u8| *b == b'\n';
        let start = left
            .get(..middle)?
            .iter()
            .rposition(is_end)
            .map_or(0, |at| at + 1);
        let end = middle + left.get(middle..)?.iter().position(is_end)?;
        let line = left.get(start..end)?;
        let letters = line.iter().position(|b| matches!(b, b' ' | b';'))?;
        let (known, value) = line.split_at_checked(letters)?;
        match known.cmp(name) {
            Ordering::Less => left = left.get(end + 1..)?,
            Ordering::Greater => left = left.get(..start)?,
            Ordering::Equal => return Some((value.first() == Some(&b' '), characters(value)?)),
        }
    }
    None
}

/// Those that a line of the list tells behind the name and its separator.
fn characters(value: &[u8]) -> Option<Characters> {
    let mut codes = value.get(1..)?.split(|b| *b == b' ').map(|code| {
        let digits = core::str::from_utf8(code).ok()?;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    });
    Some((codes.next()??, codes.next().flatten()))
}

/// What the numbers of the C1 controls stand for.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// All names of HTML, section 13.5, by line and in the order of bytes: a name, a space where it
/// may go without its semicolon and a semicolon where not, and one or two characters in
/// hexadecimal. The list is that of <https://html.spec.whatwg.org/entities.json>, written out
/// from `html.entities.html5` of Python. One text without pointers: 27 KB in a program that
/// reads HTML, and none in another.
const NAMED: &str = include_str!("references.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_each_name_is_found() {
        let lines: alloc::vec::Vec<&str> = NAMED.lines().collect();
        assert_eq!(lines.len(), 2125);
        let name = |line: &str| {
            line.split([' ', ';'])
                .next()
                .map(alloc::string::String::from)
        };
        assert!(lines.is_sorted_by(|a, b| name(a) < name(b)));
        let mut old = 0;
        for line in lines {
            let name = name(line).unwrap();
            let (is_old, characters) = find(name.as_bytes()).unwrap();
            assert!(
                name.len() <= LONGEST && (!is_old || name.len() <= LONGEST_OLD),
                "{name}"
            );
            let written = [name.as_bytes(), b";x"].concat();
            assert_eq!(
                reference(&written),
                Some((characters, name.len() + 1)),
                "{name}"
            );
            let bare = reference(name.as_bytes());
            assert_eq!(bare == Some((characters, name.len())), is_old, "{name}");
            old += usize::from(is_old);
        }
        assert_eq!(old, 106);
        assert_eq!(find(b"").map(|found| found.1), None);
        assert_eq!(find(b"zzzz"), None);
        assert_eq!(find(b"A"), None);
    }

    #[test]
    fn as_the_standard_reads_them() {
        for (text, found) in [
            ("NotEqualTilde;", Some((('\u{2242}', Some('\u{338}')), 14))),
            ("lang;", Some((('\u{27e8}', None), 5))),
            ("notit;", Some((('\u{ac}', None), 3))),
            ("notin;", Some((('\u{2209}', None), 6))),
            (
                "CounterClockwiseContourIntegral;",
                Some((('\u{2233}', None), 32)),
            ),
            ("CounterClockwiseContourIntegrals;", None),
            ("Aacute", Some((('\u{c1}', None), 6))),
            ("Abreve", None),
            ("NonBreakingSpace", None),
            ("#0;", Some((('\u{fffd}', None), 3))),
            ("#x80", Some((('\u{20ac}', None), 4))),
        ] {
            assert_eq!(reference(text.as_bytes()), found, "{text}");
        }
    }
}
