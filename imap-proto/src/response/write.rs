//! Small things on their way out; strings are written by [`crate::types::write`].

use alloc::vec::Vec;

/// `{n}` CRLF.
pub(super) fn announce(out: &mut Vec<u8>, size: u64) {
    out.push(b'{');
    number(out, size);
    out.extend_from_slice(b"}\r\n");
}

/// `number`.
pub(super) fn number(out: &mut Vec<u8>, number: impl Into<u64>) {
    let mut digits = [0u8; 20];
    let mut rest = number.into();
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[digits.len() - used..]);
}

/// What displays as it is written.
pub(super) fn display(out: &mut Vec<u8>, value: impl core::fmt::Display) {
    use core::fmt::Write;
    struct Ascii<'a>(&'a mut Vec<u8>);
    impl Write for Ascii<'_> {
        fn write_str(&mut self, s: &str) -> core::fmt::Result {
            self.0.extend_from_slice(s.as_bytes());
            Ok(())
        }
    }
    // Writing to a Vec does not fail.
    let _ = write!(Ascii(out), "{value}");
}

/// The items with a space between each.
pub(super) fn spaced<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    for (i, each) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        item(out, each);
    }
}

/// The items in parentheses with a space between each.
pub(super) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'(');
    spaced(out, items, item);
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for n in [0, 1, 9, 10, 4_294_967_295, u64::MAX] {
            let mut out = Vec::new();
            number(&mut out, n);
            assert_eq!(out, alloc::format!("{n}").as_bytes());
        }
    }
}
