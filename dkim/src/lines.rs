//! A header as its strictest and its most careless reader see it.
//!
//! By the exact rules only CRLF without white space behind it ends a field. Others end one
//! at a bare CR or LF too, drop what they do not show from a name, or allow white space
//! before its colon. Where a forger gains by that, both readings count.

/// The fields of a header by the exact rules, each with its offset and its line end. They
/// end at the empty line.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    core::iter::from_fn(move || {
        let rest = header.get(start..)?;
        let mut ends = memchr::memmem::find_iter(rest, b"\r\n").map(|at| at + 2);
        let end = ends.find(|&end| end == 2 || !matches!(rest.get(end), Some(b' ' | b'\t')));
        let field = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        if matches!(field, b"" | b"\r\n") {
            return None;
        }
        let at = start;
        start += field.len();
        Some((at, field))
    })
}

/// What hides in a field behind a bare CR or LF, each with its offset, without the break
/// that ends it.
pub(crate) fn hidden(field: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let field = field.strip_suffix(b"\r\n").unwrap_or(field);
    let mut breaks = memchr::memchr2_iter(b'\r', b'\n', field)
        .filter(|&at| {
            let next = field.get(at + 1);
            let in_crlf = field.get(at) == Some(&b'\r') && next == Some(&b'\n');
            !in_crlf && !matches!(next, Some(b' ' | b'\t'))
        })
        .peekable();
    core::iter::from_fn(move || {
        let start = breaks.next()? + 1;
        let end = breaks.peek().copied().unwrap_or(field.len());
        Some((start, field.get(start..end)?))
    })
}

/// Where a line of the field that begins at `start` ends for one reader or another: at the
/// first bare CR or LF, at the first of each, or with the field. Cost: what is behind `start`.
pub(crate) fn ends(field: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let inner = field.strip_suffix(b"\r\n").unwrap_or(field);
    let behind = inner.get(start..).unwrap_or_default();
    let first = |bare: u8| {
        let mut breaks = hidden(behind).map(|(at, _)| start + at - 1);
        breaks.find(|&at| inner.get(at) == Some(&bare))
    };
    let (cr, lf) = (first(b'\r'), first(b'\n'));
    // Without a break there is one end.
    let ends = [cr, lf, Some(inner.len())];
    ends.into_iter().flatten()
}

/// What is behind the colon, if anyone could read the name before it as `name` (visible
/// ASCII): in any case, folded, with white space, control characters or
/// 8-bit junk in it.
pub(crate) fn value<'f>(field: &'f [u8], name: &str) -> Option<&'f [u8]> {
    let mut name = name.bytes();
    for (at, byte) in field.iter().enumerate() {
        if byte.is_ascii_graphic() {
            match name.next() {
                Some(wanted) if byte.eq_ignore_ascii_case(&wanted) => {}
                None if *byte == b':' => return field.get(at + 1..),
                _ => return None,
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn both_readings() {
        let header = b"A: 1\r\n 2\nB: 3\r4\n\tb\r\n\r\nbody\r\n";
        let fields: Vec<_> = fields(header).collect();
        assert_eq!(fields, [(0, &header[..20])]);
        let hidden: Vec<_> = hidden(fields[0].1).collect();
        assert_eq!(hidden, [(9, &b"B: 3"[..]), (14, b"4\n\tb")]);
        let ends = |start| ends(fields[0].1, start).collect::<Vec<_>>();
        assert_eq!(
            (ends(0), ends(9), ends(14)),
            (alloc::vec![13, 8, 18], alloc::vec![13, 18], alloc::vec![18])
        );
        assert_eq!(super::fields(b"\r\nA: 1\r\n").count(), 0);
        assert_eq!(super::fields(b"A: 1\r\nB").count(), 2);
    }

    #[test]
    fn names_as_others_read_them() {
        for field in [
            "from:x",
            "From:x",
            "From :x",
            "F\0rom\r\n :x",
            "\u{feff}From\t:x",
            " From:x",
        ] {
            assert_eq!(
                value(field.as_bytes(), "from"),
                Some(&b"x"[..]),
                "{field:?}"
            );
        }
        for field in ["Fro:x", "Fromm:x", "From", "X-From:x", ":x", ""] {
            assert_eq!(value(field.as_bytes(), "from"), None, "{field:?}");
        }
    }
}
