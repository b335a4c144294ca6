//! Bodies on their way out: repaired line by line, or encoded anew. Each of these
//! writes the same whatever the cuts, and leaves alone what it wrote itself.

use alloc::vec::Vec;

use super::writer::MARK;
use crate::inspect::LINE;
use crate::{Decoder, TransferEncoding};

/// Bytes on a line of base64: 76 characters (RFC 2045 6.8).
const BASE64_BYTES: usize = 57;
/// Characters on a line of quoted-printable (RFC 2045 6.7 (5)).
const QP_LINE: usize = 76;

/// Changes bare LF to CRLF.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crlf {
    after_cr: bool,
}

impl Crlf {
    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let mut start = 0;
        for lf in memchr::memchr_iter(b'\n', data) {
            let cr = match lf.checked_sub(1) {
                Some(before) => data.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            if !cr {
                out.extend_from_slice(data.get(start..lf).unwrap_or_default());
                out.push(b'\r');
                start = lf;
            }
        }
        out.extend_from_slice(data.get(start..).unwrap_or_default());
        self.after_cr = data.last().map_or(self.after_cr, |b| *b == b'\r');
    }
}

/// Lines of base64, without an end of the last.
#[derive(Debug, Default)]
pub(super) struct ToBase64 {
    rest: Vec<u8>,
    /// A line is out, which a line end must follow.
    started: bool,
}

impl ToBase64 {
    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.rest.extend_from_slice(data);
        let whole = self.rest.len() / BASE64_BYTES * BASE64_BYTES;
        for line in self.rest.chunks_exact(BASE64_BYTES) {
            Self::line(&mut self.started, line, out);
        }
        self.rest.drain(..whole);
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.rest.is_empty() {
            Self::line(&mut self.started, &self.rest, out);
            self.rest.clear();
        }
    }

    fn line(started: &mut bool, line: &[u8], out: &mut Vec<u8>) {
        if core::mem::replace(started, true) {
            out.extend_from_slice(b"\r\n");
        }
        crate::encode::base64_digits(line, out);
    }
}

/// quoted-printable of text: CRLF and LF are line ends, all else is kept.
#[derive(Debug, Default)]
pub(super) struct ToQp {
    column: usize,
    /// White space or CR, whose form depends on the next byte.
    held: Option<u8>,
}

impl ToQp {
    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        for byte in data {
            match (self.held.take(), *byte) {
                (None | Some(b'\r'), b'\n') => self.line_end(out),
                (Some(space), b'\n') => {
                    self.put(space, false, out);
                    self.line_end(out);
                }
                // A CR that ends no line; and white space that may end one.
                (Some(held), b'\r') => {
                    self.put(held, false, out);
                    self.held = Some(b'\r');
                }
                (held, next) => {
                    if let Some(held) = held {
                        self.put(held, held != b'\r', out);
                    }
                    match next {
                        b' ' | b'\t' | b'\r' => self.held = Some(next),
                        _ => self.put(next, next.is_ascii_graphic() && next != b'=', out),
                    }
                }
            }
        }
    }

    /// The body is over. A line end of its own is not written.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(held) = self.held.take() {
            self.put(held, false, out);
        }
    }

    fn line_end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    fn put(&mut self, byte: u8, plain: bool, out: &mut Vec<u8>) {
        // `From ` and `.` at the start of a line have a meaning to some that carry it.
        let plain = plain && !(self.column == 0 && matches!(byte, b'F' | b'.'));
        let width = if plain { 1 } else { 3 };
        // Room for the soft line break.
        if self.column + width >= QP_LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        match plain {
            true => out.push(byte),
            false => crate::build::fold::escape(b'=', byte, out),
        }
        self.column += width;
    }
}

/// base64 as it was, as long as it is by the rule; from there on encoded anew.
#[derive(Debug)]
pub(super) struct MendBase64 {
    decoder: Decoder,
    line: Vec<u8>,
    started: bool,
    /// A line with padding: the last, if nothing follows.
    ended: Vec<u8>,
    /// The body so far ends in a line end.
    after_lf: bool,
    anew: Option<ToBase64>,
    decoded: Vec<u8>,
}

impl MendBase64 {
    pub(super) fn new() -> Self {
        MendBase64 {
            decoder: Decoder::new(&TransferEncoding::Base64),
            line: Vec::new(),
            started: false,
            ended: Vec::new(),
            after_lf: false,
            anew: None,
            decoded: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let mut rest = data;
        self.after_lf = data.last().map_or(self.after_lf, |b| *b == b'\n');
        while !rest.is_empty() && self.anew.is_none() {
            let window = rest.get(..QP_LINE + 3).unwrap_or(rest);
            let end = memchr::memchr(b'\n', window).map_or(window.len(), |lf| lf + 1);
            let (taken, behind) = rest.split_at(end);
            self.line.extend_from_slice(taken);
            rest = behind;
            if self.line.ends_with(b"\n") || self.line.len() > QP_LINE + 2 {
                self.end_line(out);
            }
        }
        self.encode(rest, out);
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let whole = self.line.ends_with(b"\n");
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match judge(text) {
            Line::Blank if whole => self.line.clear(),
            Line::Full if self.ended.is_empty() => {
                Self::put(&mut self.started, text, out);
                self.line.clear();
            }
            Line::Padded if self.ended.is_empty() => {
                self.ended = core::mem::take(&mut self.line);
            }
            _ => self.turn(out),
        }
    }

    fn put(started: &mut bool, text: &[u8], out: &mut Vec<u8>) {
        if core::mem::replace(started, true) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(text);
    }

    /// From here on all is decoded and encoded anew.
    fn turn(&mut self, out: &mut Vec<u8>) {
        self.anew = Some(ToBase64 {
            started: self.started,
            ..ToBase64::default()
        });
        let held = core::mem::take(&mut self.ended);
        self.encode(&held, out);
        let held = core::mem::take(&mut self.line);
        self.encode(&held, out);
    }

    fn encode(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if let Some(anew) = &mut self.anew {
            self.decoded.clear();
            self.decoder.decode(data, &mut self.decoded);
            anew.write(&self.decoded, out);
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.anew.is_none() && !self.line.is_empty() {
            self.end_line(out);
        }
        match &mut self.anew {
            Some(anew) => {
                self.decoded.clear();
                self.decoder.finish(&mut self.decoded);
                anew.write(&self.decoded, out);
                anew.finish(out);
            }
            None if !self.ended.is_empty() => {
                let text = self.ended.trim_ascii_end();
                Self::put(&mut self.started, text, out);
            }
            None => {}
        }
        if self.after_lf {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// A line of base64.
enum Line {
    Blank,
    Full,
    Padded,
    Bad,
}

fn judge(text: &[u8]) -> Line {
    if text.is_empty() {
        return Line::Blank;
    }
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let padding = match text {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    let digits = text.get(..text.len() - padding).unwrap_or_default();
    if text.len() > QP_LINE || !text.len().is_multiple_of(4) || !digits.iter().all(digit) {
        return Line::Bad;
    }
    if padding == 0 {
        return Line::Full;
    }
    // No bits may stand behind the last byte.
    let value = match digits.last() {
        Some(b @ b'A'..=b'Z') => b - b'A',
        Some(b @ b'a'..=b'z') => b - b'a' + 26,
        Some(b @ b'0'..=b'9') => b - b'0' + 52,
        Some(b'+') => 62,
        _ => 63,
    };
    match value & ((1 << (2 * padding)) - 1) {
        0 => Line::Padded,
        _ => Line::Bad,
    }
}

/// quoted-printable as it was, but for the lines that are not by the rule.
#[derive(Debug)]
pub(super) struct MendQp {
    line: Vec<u8>,
    /// A line that is too long to be held: it is decoded and encoded as it comes.
    long: Option<(Decoder, ToQp)>,
    decoded: Vec<u8>,
}

impl MendQp {
    pub(super) fn new() -> Self {
        MendQp {
            line: Vec::new(),
            long: None,
            decoded: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        for piece in data.split_inclusive(|b| *b == b'\n') {
            if self.long.is_none() && self.line.len() + piece.len() > LINE as usize + 2 {
                self.long = Some((
                    Decoder::new(&TransferEncoding::QuotedPrintable),
                    ToQp::default(),
                ));
                let held = core::mem::take(&mut self.line);
                self.anew(&held, out);
            }
            match self.long.is_some() {
                true => self.anew(piece, out),
                false => self.line.extend_from_slice(piece),
            }
            if piece.ends_with(b"\n") {
                self.end_line(true, out);
            }
        }
    }

    fn anew(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if let Some((decoder, encoder)) = &mut self.long {
            self.decoded.clear();
            decoder.decode(data, &mut self.decoded);
            encoder.write(&self.decoded, out);
        }
    }

    fn end_line(&mut self, whole: bool, out: &mut Vec<u8>) {
        if self.long.is_none() {
            let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            let text = match whole {
                true => text.strip_suffix(b"\r").unwrap_or(text),
                false => text,
            };
            if is_clean(text, whole) {
                out.extend_from_slice(text);
                if whole {
                    out.extend_from_slice(b"\r\n");
                }
                self.line.clear();
                return;
            }
            self.long = Some((
                Decoder::new(&TransferEncoding::QuotedPrintable),
                ToQp::default(),
            ));
            let held = core::mem::take(&mut self.line);
            self.anew(&held, out);
        }
        if let Some((mut decoder, mut encoder)) = self.long.take() {
            self.decoded.clear();
            decoder.finish(&mut self.decoded);
            encoder.write(&self.decoded, out);
            encoder.finish(out);
            if whole && encoder.column > 0 {
                // It ended in a soft break.
                out.extend_from_slice(b"=\r\n");
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() || self.long.is_some() {
            self.end_line(false, out);
        }
    }
}

/// A line that every reader decodes the same.
fn is_clean(text: &[u8], whole: bool) -> bool {
    if text.len() as u64 > LINE || text.starts_with(MARK) {
        return false;
    }
    if matches!(text, [.., b' ' | b'\t']) {
        return false;
    }
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'=' => match behind {
                [] => return whole,
                [high, low, behind @ ..] if is_hex(*high) && is_hex(*low) => rest = behind,
                _ => return false,
            },
            b'\t' | b' '..=b'~' => {}
            _ => return false,
        }
    }
    true
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}
