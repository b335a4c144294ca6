//! The header of a message, split exactly: which bytes belong to which field.
//!
//! DKIM signs bytes, so nothing is decoded or repaired here. Only CRLF ends a
//! line, only an empty line (or the end of input) ends the header, and a line
//! that starts with white space belongs to the field above it. A bare CR or LF
//! is a byte like any other, except to [`Header::has_from_lookalike`], which sees
//! a message as a careless reader would.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use crate::limits::{LimitExceeded, Limits};

/// One field: its bytes include the CRLF that ends it, if it came.
#[derive(Clone, Debug)]
struct Field {
    bytes: Range<usize>,
    /// Offset of the colon, counted from the start of the field; none for a
    /// line that is no field at all.
    colon: Option<usize>,
}

/// A header, whole.
#[derive(Debug, Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    /// Lower-case name to the fields that have it, from top to bottom.
    index: BTreeMap<Vec<u8>, Vec<usize>>,
}

/// Collects a header from chunks of any size. Work and memory are linear in
/// the header; each byte is looked at once.
#[derive(Debug)]
pub(crate) struct Splitter {
    header: Header,
    /// Where the unfinished line starts in `header.bytes`.
    line: usize,
    limits: Limits,
}

impl Splitter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            header: Header::default(),
            line: 0,
            limits,
        }
    }

    /// Takes `data`; when the empty line came, gives how much of `data` was
    /// header (the empty line included).
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let mut at = 0;
        while let Some(n) = memchr::memchr(b'\n', &data[at..]) {
            self.append(&data[at..=at + n])?;
            at += n + 1;
            let line = &self.header.bytes[self.line..];
            if line == b"\r\n" {
                self.header.bytes.truncate(self.line);
                return Ok(Some(at));
            }
            if line.ends_with(b"\r\n") {
                self.end_line()?;
            }
        }
        self.append(&data[at..])?;
        Ok(None)
    }

    /// The header as far as it came.
    pub(crate) fn finish(mut self) -> Result<Header, LimitExceeded> {
        if self.line < self.header.bytes.len() {
            self.end_line()?;
        }
        self.header.index();
        Ok(self.header)
    }

    fn append(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        let bytes = &mut self.header.bytes;
        if data.len() > self.limits.header_bytes.saturating_sub(bytes.len()) {
            return Err(LimitExceeded::Header(self.limits.header_bytes));
        }
        bytes.extend_from_slice(data);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), LimitExceeded> {
        let Header { bytes, fields, .. } = &mut self.header;
        let folded = matches!(bytes.get(self.line), Some(b' ' | b'\t'));
        let length = match fields.last_mut() {
            Some(field) if folded => {
                field.bytes.end = bytes.len();
                field.bytes.len()
            }
            _ => {
                if fields.len() >= self.limits.fields {
                    return Err(LimitExceeded::Fields(self.limits.fields));
                }
                fields.push(Field {
                    bytes: self.line..bytes.len(),
                    colon: None,
                });
                bytes.len() - self.line
            }
        };
        if length > self.limits.field_bytes {
            return Err(LimitExceeded::Field(self.limits.field_bytes));
        }
        self.line = bytes.len();
        Ok(())
    }
}

impl Header {
    fn index(&mut self) {
        for (i, field) in self.fields.iter_mut().enumerate() {
            let raw = &self.bytes[field.bytes.clone()];
            // A first line that is folded has no field above it to belong to.
            if matches!(raw, [b' ' | b'\t', ..]) {
                continue;
            }
            field.colon = memchr::memchr(b':', raw);
            let Some(colon) = field.colon else { continue };
            let name = trim_name(&raw[..colon]).to_ascii_lowercase();
            self.index.entry(name).or_default().push(i);
        }
    }

    /// Fields named `name` (lower case), from top to bottom.
    pub(crate) fn named(&self, name: &[u8]) -> &[usize] {
        self.index.get(name).map_or(&[], Vec::as_slice)
    }

    /// The bytes of field `i` without the CRLF that ends it.
    pub(crate) fn field(&self, i: usize) -> &[u8] {
        let raw = self
            .fields
            .get(i)
            .map_or(&[][..], |f| &self.bytes[f.bytes.clone()]);
        raw.strip_suffix(b"\r\n").unwrap_or(raw)
    }

    /// The bytes behind the colon of field `i`, without the final CRLF.
    pub(crate) fn value(&self, i: usize) -> &[u8] {
        let colon = self.fields.get(i).and_then(|f| f.colon);
        colon.map_or(&[], |colon| self.field(i).get(colon + 1..).unwrap_or(&[]))
    }

    /// Whether a reader could take some line for a From field that is none by
    /// the grammar of RFC 5322: ` From:` on top, `From :`, `From\r\n :`, a name
    /// with control characters or 8-bit junk in it, or one behind a bare CR or
    /// LF. Such a message shows an author that the exact fields do not name.
    pub(crate) fn has_from_lookalike(&self) -> bool {
        self.fields.iter().enumerate().any(|(i, field)| {
            let bytes = self.field(i);
            let name = field
                .colon
                .and_then(|colon| bytes.get(..colon))
                .unwrap_or(&[]);
            let folded = memchr::memchr2(b'\r', b'\n', name).is_some()
                && bytes.get(..=name.len()).is_some_and(reads_as_from);
            let lines = bytes.split(|b| matches!(b, b'\r' | b'\n')).enumerate();
            folded
                || lines.into_iter().any(|(n, line)| match n {
                    0 => !name.eq_ignore_ascii_case(b"from") && reads_as_from(line),
                    _ => !matches!(line, [b' ' | b'\t', ..]) && reads_as_from(line),
                })
        })
    }
}

/// The name without white space at its end, which obsolete syntax allowed.
fn trim_name(name: &[u8]) -> &[u8] {
    let end = name
        .iter()
        .rposition(|b| !crate::tags::is_fws(*b))
        .map_or(0, |n| n + 1);
    &name[..end]
}

/// Whether `line` starts with "from" and a colon once everything is dropped
/// that a display would not show.
fn reads_as_from(line: &[u8]) -> bool {
    let mut visible = line.iter().copied().filter(u8::is_ascii_graphic);
    b"from:"
        .iter()
        .all(|want| visible.next().is_some_and(|b| b.eq_ignore_ascii_case(want)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn split(text: &[u8], chunk: usize) -> (Header, Vec<u8>) {
        let mut splitter = Splitter::new(Limits::default());
        let mut body = None;
        for part in text.chunks(chunk) {
            match &mut body {
                Some(body) => Vec::extend_from_slice(body, part),
                None => body = splitter.write(part).unwrap().map(|n| part[n..].to_vec()),
            }
        }
        (splitter.finish().unwrap(), body.unwrap_or_default())
    }

    fn fields(header: &Header) -> Vec<String> {
        (0..header.fields.len())
            .map(|i| String::from_utf8_lossy(header.field(i)).into_owned())
            .collect()
    }

    #[test]
    fn fields_are_exact_at_any_chunking() {
        let text = b"A: 1\r\nB : 2\r\n\t3\r\n \r\nno colon\r\na:4\n5\r\n\r\nbody\r\n\r\n";
        for chunk in 1..text.len() {
            let (header, body) = split(text, chunk);
            assert_eq!(
                fields(&header),
                ["A: 1", "B : 2\r\n\t3\r\n ", "no colon", "a:4\n5"]
            );
            assert_eq!(header.named(b"a"), [0, 3]);
            assert_eq!(header.named(b"b"), [1]);
            assert_eq!(header.value(1), b" 2\r\n\t3\r\n ");
            assert_eq!(body, b"body\r\n\r\n");
        }
    }

    #[test]
    fn headers_that_end_early() {
        let (header, body) = split(b"\r\nbody", 3);
        assert_eq!((header.fields.len(), &body[..]), (0, &b"body"[..]));
        let (header, body) = split(b"A: 1\r\nB: 2", 4);
        assert_eq!(fields(&header), ["A: 1", "B: 2"]);
        assert!(body.is_empty());
    }

    #[test]
    fn limits_hold() {
        let limits = Limits {
            header_bytes: 100,
            field_bytes: 20,
            fields: 3,
            ..Limits::default()
        };
        let run = |text: &[u8]| Splitter::new(limits.clone()).write(text).unwrap_err();
        assert_eq!(run(&[b'a'; 101]), LimitExceeded::Header(100));
        assert_eq!(
            run(b"A: 1\r\n 3456789012345678\r\n"),
            LimitExceeded::Field(20)
        );
        assert_eq!(run(b"A:\r\nB:\r\nC:\r\nD:\r\n"), LimitExceeded::Fields(3));
    }

    #[test]
    fn lookalikes() {
        for text in [
            &b" From: x\r\nTo: y\r\n\r\n"[..],
            b"From : x\r\n\r\n",
            b"To: y\r\nFrom\r\n : x\r\n\r\n",
            b"Fr\0om: x\r\n\r\n",
            b"\xef\xbb\xbfFrom: x\r\n\r\n",
            b"To: y\nFrom: x\r\n\r\n",
            b"To: y\rfrom\t: x\r\n\r\n",
        ] {
            assert!(
                split(text, 7).0.has_from_lookalike(),
                "{}",
                text.escape_ascii()
            );
        }
        for text in [
            &b"From: x\r\nfrom:y\r\n\r\n"[..],
            b"Subject: a\r\n From: x\r\n\r\n",
            b"Resent-From: x\r\nFrom-Me: y\r\n\r\n",
            b"From me Mon Jan  1\r\n\r\n",
        ] {
            assert!(
                !split(text, 7).0.has_from_lookalike(),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
