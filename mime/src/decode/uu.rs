//! uuencode, as it is found in mail older than MIME.

use alloc::vec::Vec;

use memchr::memchr;

use super::Firsts;
use crate::{Defect, DefectKind};

/// The longest line: 63 bytes make 84 characters, and one for the length. What is
/// behind is not looked at.
const LINE: usize = 128;

/// Decodes uuencoded data: what lies between `begin MODE NAME` and `end`. Text
/// around it is left out, several files are put together.
#[derive(Clone, Debug, Default)]
pub struct Uuencode {
    offset: u64,
    line: Vec<u8>,
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
        let mut rest = input;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let (line, behind) = rest.split_at(end.map_or(rest.len(), |lf| lf + 1));
            let room = LINE.saturating_sub(self.line.len());
            self.line
                .extend_from_slice(line.get(..room).unwrap_or(line));
            self.offset += line.len() as u64;
            rest = behind;
            if end.is_some() {
                self.end_line(out);
            }
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let line = core::mem::take(&mut self.line);
        self.decode_line(line.trim_ascii_end(), out);
        self.line = line;
        self.line.clear();
    }

    fn decode_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if !self.inside {
            self.inside = line.starts_with(b"begin ");
            self.began |= self.inside;
            return;
        }
        if line == b"end" {
            self.inside = false;
            return;
        }
        let Some((first, digits)) = line.split_first() else {
            return;
        };
        let length = usize::from(first.wrapping_sub(32) & 63);
        let wanted = length.div_ceil(3) * 4;
        // Spaces at the end may be lost, and are zeros.
        if !(32..=96).contains(first) || digits.len() > wanted + 4 {
            self.defects.add(DefectKind::UuDamaged, self.offset);
            return;
        }
        let start = out.len();
        for group in 0..length.div_ceil(3) {
            let value = (0..4).fold(0u32, |value, i| {
                let digit = digits.get(group * 4 + i).copied().unwrap_or(b' ');
                value << 6 | u32::from(digit.wrapping_sub(32) & 63)
            });
            let [_, bytes @ ..] = value.to_be_bytes();
            out.extend_from_slice(&bytes);
        }
        out.truncate(start + length);
    }

    /// The body is over.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end_line(out);
        if self.inside || !self.began {
            self.defects.add(DefectKind::UuDamaged, self.offset);
        }
    }

    /// What was wrong: the first of each kind, with its offset in the encoded body.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::TransferEncoding;

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
}
