//! uuencode (POSIX), as it is found in mail older than MIME: as a transfer encoding
//! that nobody registered, and in the middle of texts.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::iter::FusedIterator;

use memchr::{memchr, memmem};

use super::{Firsts, Length, Sink};
use crate::value::lex::raw_text;
use crate::{Defect, DefectKind};

/// The longest line: 63 bytes make 84 characters, and one for the length. What is
/// behind is not looked at, but in the line that begins a file, which has its name.
const LINE: usize = 1000;

/// Decodes uuencoded data: what lies between `begin MODE NAME` and `end`. Text
/// around it is left out, several files are put together.
#[derive(Clone, Debug, Default)]
pub struct Uuencode {
    /// Where the line in hand begins.
    offset: u64,
    /// What is there of a line that a chunk cut, as much as is looked at, and how long
    /// it is so far.
    line: Vec<u8>,
    length: u64,
    /// Between `begin` and `end`.
    inside: bool,
    began: bool,
    defects: Firsts,
}

impl Uuencode {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() / 4 * 3);
        self.run(input, out);
    }

    fn run<S: Sink>(&mut self, input: &[u8], out: &mut S) {
        let mut rest = input;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end + 1);
            match self.length {
                0 => self.decode_line(line, out),
                _ => {
                    self.hold(line);
                    self.end_line(out);
                }
            }
            self.offset += self.length + line.len() as u64;
            self.length = 0;
            rest = behind;
        }
        self.hold(rest);
        self.length += rest.len() as u64;
    }

    /// One byte more than is looked at, which is never the end of a line.
    fn hold(&mut self, line: &[u8]) {
        let room = (LINE + 1).saturating_sub(self.line.len());
        let line = line.get(..room).unwrap_or(line);
        self.line.extend_from_slice(line);
    }

    fn end_line<S: Sink>(&mut self, out: &mut S) {
        let mut line = core::mem::take(&mut self.line);
        self.decode_line(&line, out);
        line.clear();
        self.line = line;
    }

    fn decode_line<S: Sink>(&mut self, line: &[u8], out: &mut S) {
        let line = line.get(..LINE).unwrap_or(line).trim_ascii_end();
        if !self.inside {
            self.inside = Begin::parse(line).is_some();
            self.began |= self.inside;
            return;
        }
        if line == b"end" {
            self.inside = false;
        } else if !data_line(line, out) {
            self.defects.add(DefectKind::UuDamaged, self.offset);
        }
    }

    /// The body is over.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn end<S: Sink>(&mut self, out: &mut S) {
        self.end_line(out);
        if self.inside || !self.began {
            let end = self.offset + self.length;
            self.defects.add(DefectKind::UuDamaged, end);
        }
    }

    /// What was wrong: the first of each kind, with its offset in the encoded body.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects.0
    }
}

/// The length of what [`Uuencode`] makes of a body.
pub(super) fn decoded_len(body: &[u8]) -> u64 {
    let (mut decoder, mut length) = (Uuencode::new(), Length(0));
    let cut = memchr::memrchr(b'\n', body).map_or(0, |lf| lf + 1);
    let (lines, rest) = body.split_at(cut);
    decoder.run(lines, &mut length);
    decoder.decode_line(rest, &mut length);
    length.0
}

/// Decodes a line of data. `false`, and nothing comes out, if it is none.
fn data_line<S: Sink>(line: &[u8], out: &mut S) -> bool {
    let Some((first, digits)) = line.split_first() else {
        return true;
    };
    let length = usize::from(first.wrapping_sub(32) & 63);
    // One character more is a checksum of some encoders.
    let wanted = length.div_ceil(3) * 4;
    if !(32..=96).contains(first) || digits.len() > wanted + 4 {
        return false;
    }
    // Spaces at the end may be lost, and are zeros.
    let mut line = [b' '; 84];
    for (to, from) in line.iter_mut().zip(digits) {
        *to = *from;
    }
    let mut bytes = [0; 63];
    let (groups, _) = line.as_chunks::<4>();
    for (to, group) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(groups) {
        let [a, b, c, d] = group.map(|digit| digit.wrapping_sub(32) & 63);
        *to = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    out.extend(bytes.get(..length).unwrap_or_default());
    true
}

/// `begin 644 name`
struct Begin<'a> {
    mode: u16,
    name: &'a [u8],
}

impl<'a> Begin<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"begin ")?.trim_ascii_start();
        let digits = memchr(b' ', rest.get(..5).unwrap_or(rest))?;
        let (digits, name) = rest.split_at(digits);
        let octal = |b: &u8| (b'0'..=b'7').contains(b);
        if digits.len() < 3 || !digits.iter().all(octal) {
            return None;
        }
        let mode = digits
            .iter()
            .fold(0, |n, digit| n * 8 + u16::from(digit - b'0'));
        let name = name.trim_ascii();
        (!name.is_empty()).then_some(Begin { mode, name })
    }
}

/// Whether a line, without its end, begins a file.
pub(crate) fn is_begin(line: &[u8]) -> bool {
    Begin::parse(line).is_some()
}

/// Whether a line, without its end, can be one of data.
pub(crate) fn is_line(line: &[u8]) -> bool {
    data_line(line, &mut Length(0))
}

/// A file that is uuencoded in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuencoded<'a> {
    offset: usize,
    mode: u16,
    name: &'a [u8],
    raw: &'a [u8],
}

impl<'a> Uuencoded<'a> {
    /// Where its `begin` is in the text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The name that the sender suggests: it may hold a path.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        raw_text(self.name)
    }

    /// The permissions: `0o644`.
    #[must_use]
    pub fn mode(&self) -> u16 {
        self.mode
    }

    /// All of it: from `begin` to the line end behind `end`.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What is in the file.
    #[must_use]
    pub fn decode(&self) -> Vec<u8> {
        let (mut decoder, mut out) = (Uuencode::new(), Vec::new());
        decoder.decode(self.raw, &mut out);
        decoder.finish(&mut out);
        out
    }
}

/// The files in a text that are uuencoded, as mail programs older than MIME, and
/// some newer ones, attach them: from a line `begin 644 name` to a line `end`, with
/// nothing but lines of data in between. A text that only looks like the start of one
/// has none. Linear in the text.
///
/// ```
/// let text = b"Look:\nbegin 644 cat.txt\n#0V%T\n`\nend\nBye\n";
/// let file = scop_mime::uuencoded(text).next().unwrap();
/// assert_eq!((&*file.name(), file.mode()), ("cat.txt", 0o644));
/// assert_eq!(file.decode(), b"Cat");
/// assert_eq!(&text[file.offset() + file.raw().len()..], b"Bye\n");
/// ```
#[must_use]
pub fn uuencoded(text: &[u8]) -> UuencodedFiles<'_> {
    UuencodedFiles { text, at: 0 }
}

/// The files of [`uuencoded`].
#[derive(Clone, Debug)]
pub struct UuencodedFiles<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for UuencodedFiles<'a> {
    type Item = Uuencoded<'a>;

    fn next(&mut self) -> Option<Uuencoded<'a>> {
        loop {
            let rest = self.text.get(self.at..)?;
            let offset = self.at + memmem::find(rest, b"begin ")?;
            self.at = offset + 6;
            if offset > 0 && self.text.get(offset - 1) != Some(&b'\n') {
                continue;
            }
            let mut lines = self.text.get(offset..)?.split_inclusive(|b| *b == b'\n');
            let line = lines.next().unwrap_or_default();
            let Some(begin) = Begin::parse(line.trim_ascii_end()) else {
                continue;
            };
            let mut end = offset + line.len();
            for line in lines {
                end += line.len();
                let text = line.trim_ascii_end();
                if text == b"end" {
                    self.at = end;
                    return Some(Uuencoded {
                        offset,
                        mode: begin.mode,
                        name: begin.name,
                        raw: self.text.get(offset..end).unwrap_or_default(),
                    });
                }
                if !data_line(text, &mut Length(0)) {
                    // It may begin another one. Lines of data do not.
                    end -= line.len();
                    break;
                }
            }
            self.at = end;
        }
    }
}

impl FusedIterator for UuencodedFiles<'_> {}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::TransferEncoding;
    use alloc::string::String;

    #[test]
    fn a_file_in_a_text() {
        let text = b"Here it is:\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nBye\r\n";
        let (out, defects) = run(&TransferEncoding::Uuencode, text);
        assert_eq!(out, b"Cat");
        assert!(defects.is_empty());
        let (out, defects) = run(&TransferEncoding::Uuencode, b"begin 644 x\n#0V%T");
        assert_eq!(
            (out, defects),
            (b"Cat".to_vec(), [DefectKind::UuDamaged].to_vec())
        );
    }

    #[test]
    fn files_are_found_in_texts() {
        let names = |text: &str| -> Vec<String> {
            let files = uuencoded(text.as_bytes());
            files.map(|f| f.name().into_owned()).collect()
        };
        let file = "begin 644 a b.txt\r\n#0V%T\r\n`\r\nend\r\n";
        assert_eq!(names(file), ["a b.txt"]);
        assert_eq!(names(&alloc::format!("Hi\r\n{file}\r\n{file}")).len(), 2);
        for none in [
            "begin 644 x\r\nlower case is no data\r\nend\r\n",
            "begin 644 x\r\n#0V%T\r\n",
            "begin the work today\r\nend\r\n",
            "begin 648 x\r\nend\r\n",
            "begin 644 \r\nend\r\n",
            "x begin 644 x\r\nend\r\n",
        ] {
            assert_eq!(names(none), [""; 0], "{none}");
        }
        // One that does not end is no reason to miss the next.
        let text = alloc::format!("begin 644 x\r\nhello\r\n{file}");
        assert_eq!(names(&text), ["a b.txt"]);
        let text = alloc::format!("begin 644 x\r\n{file}");
        assert_eq!(names(&text), ["a b.txt"]);
    }

    #[test]
    fn many_that_do_not_end_are_linear() {
        let flood = "begin 644 x\n#0V%T\n".repeat(50_000);
        assert_eq!(uuencoded(flood.as_bytes()).count(), 0);
    }
}
