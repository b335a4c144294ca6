//! Bodies on their way out: repaired line by line, or encoded anew. Each of these
//! writes the same whatever the cuts, and leaves alone what it wrote itself.

use alloc::vec::Vec;

use super::writer::MARK;
use crate::decode::base64_value;
use crate::inspect::LINE;
use crate::{Decoder, EncodeBase64, EncodeQuotedPrintable, TransferEncoding};

/// Characters on a line of base64 (RFC 2045 6.8).
const BASE64_LINE: usize = 76;

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

/// A body that is encoded, on its way out.
#[derive(Debug)]
pub(super) enum Mend {
    Base64(MendBase64),
    Qp(MendQp),
    /// Decoded, then base64.
    Anew(Decoder, EncodeBase64),
}

impl Mend {
    /// Of a body in this encoding.
    pub(super) fn new(encoding: &TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Base64 => Mend::Base64(MendBase64::new()),
            TransferEncoding::QuotedPrintable => Mend::Qp(MendQp::new()),
            other => Self::anew(other),
        }
    }

    /// The same where nothing stays as it is.
    pub(super) fn anew(encoding: &TransferEncoding) -> Self {
        Mend::Anew(Decoder::new(encoding), EncodeBase64::new())
    }

    /// The encoding that it writes.
    pub(super) fn writes(&self) -> &'static TransferEncoding {
        match self {
            Mend::Qp(_) => &TransferEncoding::QuotedPrintable,
            Mend::Base64(_) | Mend::Anew(..) => &TransferEncoding::Base64,
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        match self {
            Mend::Base64(body) => body.write(data, out),
            Mend::Qp(body) => body.write(data, out),
            Mend::Anew(decoder, body) => {
                let mut decoded = Vec::new();
                decoder.decode(data, &mut decoded);
                body.encode(&decoded, out);
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Mend::Base64(body) => body.finish(out),
            Mend::Qp(body) => body.finish(out),
            Mend::Anew(decoder, body) => {
                let mut decoded = Vec::new();
                decoder.finish(&mut decoded);
                body.encode(&decoded, out);
                body.finish(out);
            }
        }
    }
}

/// base64 as it was, as long as it is by the rule; from there on encoded anew.
#[derive(Debug)]
pub(super) struct MendBase64 {
    decoder: Decoder,
    or_raw: bool,
    line: Vec<u8>,
    /// A line is out, which a line end must follow.
    started: bool,
    /// A line with padding: the last, if nothing follows.
    ended: Vec<u8>,
    /// The body so far ends in a line end.
    after_lf: bool,
    anew: Option<EncodeBase64>,
    decoded: Vec<u8>,
}

impl MendBase64 {
    pub(super) fn new() -> Self {
        MendBase64 {
            decoder: Decoder::new(&TransferEncoding::Base64),
            or_raw: false,
            line: Vec::new(),
            started: false,
            ended: Vec::new(),
            after_lf: false,
            anew: None,
            decoded: Vec::new(),
        }
    }

    /// One for which the first line that is not by the rule, and all behind it, is no base64
    /// but what it is.
    pub(super) fn or_raw() -> Self {
        MendBase64 {
            or_raw: true,
            ..Self::new()
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let mut rest = data;
        self.after_lf = data.last().map_or(self.after_lf, |b| *b == b'\n');
        while !rest.is_empty() && self.anew.is_none() {
            let window = rest.get(..BASE64_LINE + 3).unwrap_or(rest);
            let end = memchr::memchr(b'\n', window).map_or(window.len(), |lf| lf + 1);
            let (taken, behind) = rest.split_at(end);
            self.line.extend_from_slice(taken);
            rest = behind;
            if self.line.ends_with(b"\n") || self.line.len() > BASE64_LINE + 2 {
                self.end_line(out);
            }
        }
        self.encode(rest, false, out);
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let whole = self.line.ends_with(b"\n");
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match judge(text) {
            Line::Blank if whole => self.line.clear(),
            Line::Full if self.ended.is_empty() => {
                put(&mut self.started, text, out);
                self.line.clear();
            }
            Line::Padded if self.ended.is_empty() => {
                self.ended = core::mem::take(&mut self.line);
            }
            _ => {
                // From here on all is decoded and encoded anew.
                self.anew = Some(EncodeBase64::new());
                let (ended, line) = (
                    core::mem::take(&mut self.ended),
                    core::mem::take(&mut self.line),
                );
                self.encode(&ended, false, out);
                if self.or_raw {
                    self.decoder = Decoder::Identity;
                }
                self.encode(&line, false, out);
            }
        }
    }

    fn encode(&mut self, data: &[u8], last: bool, out: &mut Vec<u8>) {
        let Some(anew) = &mut self.anew else { return };
        self.decoded.clear();
        self.decoder.decode(data, &mut self.decoded);
        if last {
            self.decoder.finish(&mut self.decoded);
        }
        // The encoder knows of no line before.
        let start = out.len();
        if self.started {
            out.extend_from_slice(b"\r\n");
        }
        let after = out.len();
        anew.encode(&self.decoded, out);
        if last {
            anew.finish(out);
        }
        match out.len() > after {
            true => self.started = false,
            false => out.truncate(start),
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.anew.is_none() && !self.line.is_empty() {
            self.end_line(out);
        }
        self.encode(&[], true, out);
        if !self.ended.is_empty() {
            put(&mut self.started, self.ended.trim_ascii_end(), out);
        }
        if self.after_lf {
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn put(started: &mut bool, text: &[u8], out: &mut Vec<u8>) {
    if core::mem::replace(started, true) {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(text);
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
    let digit = |b: &u8| base64_value(*b).is_some();
    let padding = match text {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    let digits = text.get(..text.len() - padding).unwrap_or_default();
    if text.len() > BASE64_LINE || !text.len().is_multiple_of(4) || !digits.iter().all(digit) {
        return Line::Bad;
    }
    if padding == 0 {
        return Line::Full;
    }
    // No bits may stand behind the last byte.
    let last = digits.last().and_then(|b| base64_value(*b));
    match last.map(|value| value & ((1 << (2 * padding)) - 1)) {
        Some(0) => Line::Padded,
        _ => Line::Bad,
    }
}

/// quoted-printable as it was, but for the lines that are not by the rule.
#[derive(Debug)]
pub(super) struct MendQp {
    line: Vec<u8>,
    /// A line that is not by the rule: it is decoded and encoded as it comes.
    anew: Option<(Decoder, EncodeQuotedPrintable)>,
    /// The byte before is a CR.
    after_cr: bool,
    decoded: Vec<u8>,
}

impl MendQp {
    pub(super) fn new() -> Self {
        MendQp {
            line: Vec::new(),
            anew: None,
            after_cr: false,
            decoded: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        for piece in data.split_inclusive(|b| *b == b'\n') {
            let (text, end) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.anew.is_none() && self.line.len() + text.len() > LINE as usize + 1 {
                self.start(out);
            }
            match self.anew.is_some() {
                true => self.encode(text, out),
                false => self.line.extend_from_slice(text),
            }
            self.after_cr = text.last().map_or(self.after_cr, |b| *b == b'\r');
            if end {
                self.end_line(out);
                self.after_cr = false;
            }
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        self.anew = Some((
            Decoder::new(&TransferEncoding::QuotedPrintable),
            EncodeQuotedPrintable::text(),
        ));
        let held = core::mem::take(&mut self.line);
        self.encode(&held, out);
    }

    fn encode(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if let Some((decoder, encoder)) = &mut self.anew {
            self.decoded.clear();
            decoder.decode(data, &mut self.decoded);
            encoder.encode(&self.decoded, out);
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.anew.is_none() {
            let text = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
            if is_clean(text, true) {
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
                return self.line.clear();
            }
            self.start(out);
        }
        if let Some((mut decoder, mut encoder)) = self.anew.take() {
            self.decoded.clear();
            decoder.decode(b"\n", &mut self.decoded);
            // Without a line end behind it, the line goes on.
            let (rest, hard) = match self.decoded.strip_suffix(b"\n") {
                Some(rest) if self.after_cr => (rest.strip_suffix(b"\r").unwrap_or(rest), true),
                Some(rest) => (rest, true),
                None => (&self.decoded[..], false),
            };
            encoder.encode(rest, out);
            encoder.finish(out);
            out.extend_from_slice(if hard { b"\r\n" } else { b"=\r\n" });
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.anew.is_none() {
            if is_clean(&self.line, false) {
                return out.append(&mut self.line);
            }
            self.start(out);
        }
        if let Some((mut decoder, mut encoder)) = self.anew.take() {
            self.decoded.clear();
            decoder.finish(&mut self.decoded);
            encoder.encode(&self.decoded, out);
            encoder.finish(out);
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

/// In upper case, as the rule is.
fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}
