//! Bodies as they pass: lines, bytes that have no place there, the transfer encoding
//! and the charset.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::{memchr, memchr_iter};

use crate::{Charset, CharsetDecoder, Decoder, Defect, DefectKind, DefectSet, TransferEncoding};

/// The longest line that is a line (RFC 5322 2.1.1), without its end.
pub(crate) const LINE: u64 = 998;

/// The body of a leaf that is being looked at.
#[derive(Debug)]
pub(super) struct BodyCheck {
    start: u64,
    encoding: TransferEncoding,
    decoder: Decoder,
    /// Defects of the decoder that were told.
    told: usize,
    decoded: Vec<u8>,
    charset: Option<CharsetDecoder>,
    text: String,
    lines: LineCheck,
    found: DefectSet,
    /// The byte before is a CR.
    after_cr: bool,
}

impl BodyCheck {
    /// `charset` is the label of a text.
    pub(super) fn new(
        start: u64,
        encoding: TransferEncoding,
        charset: Option<&[u8]>,
        note: &mut dyn FnMut(Defect),
    ) -> Self {
        let mut check = BodyCheck {
            start,
            decoder: Decoder::new(&encoding),
            encoding,
            told: 0,
            decoded: Vec::new(),
            charset: None,
            text: String::new(),
            lines: LineCheck::default(),
            found: DefectSet::none(),
            after_cr: false,
        };
        if check.encoding == TransferEncoding::Binary {
            check.note(DefectKind::BinaryBody, start, note);
        }
        if let Some(label) = charset {
            check.charset = CharsetDecoder::new(label);
            if check.charset.is_none() {
                check.note(DefectKind::UnknownCharset, start, note);
            } else if Charset::for_label(label).is_some_and(|c| c.is_utf7()) {
                check.note(DefectKind::Utf7, start, note);
            }
        }
        check
    }

    fn note(&mut self, kind: DefectKind, offset: u64, note: &mut dyn FnMut(Defect)) {
        if !self.found.contains(kind) {
            self.found = self.found.with(kind);
            note(Defect::new(kind, offset));
        }
    }

    /// The next bytes of it. What is found in them is told by offset.
    pub(super) fn write(&mut self, data: &[u8], offset: u64, note: &mut dyn FnMut(Defect)) {
        let mut found = Vec::new();
        self.look(data, offset, &mut |defect| found.push(defect));
        found.sort_unstable_by_key(|d: &Defect| d.offset);
        found.into_iter().for_each(note);
    }

    fn look(&mut self, data: &[u8], offset: u64, note: &mut dyn FnMut(Defect)) {
        if let Some(at) = self.lines.pass(data, offset) {
            self.note(DefectKind::LineTooLong, at, note);
        }
        if self.encoding.is_identity() {
            if !self.found.contains(DefectKind::NulInBody)
                && let Some(at) = memchr(0, data)
            {
                self.note(DefectKind::NulInBody, offset + at as u64, note);
            }
            self.bare_cr(data, offset, note);
        }
        if self.encoding == TransferEncoding::SevenBit
            && !self.found.contains(DefectKind::EightBitBody)
            && let Some(at) = data.iter().position(|b| !b.is_ascii())
        {
            self.note(DefectKind::EightBitBody, offset + at as u64, note);
        }
        if self.encoding.is_identity() {
            self.text(data, false, note);
            return;
        }
        let mut decoded = core::mem::take(&mut self.decoded);
        decoded.clear();
        self.decoder.decode(data, &mut decoded);
        self.tell(note);
        self.text(&decoded, false, note);
        self.decoded = decoded;
    }

    /// The body is over.
    pub(super) fn finish(mut self, note: &mut dyn FnMut(Defect)) {
        if let Some(at) = self.lines.end() {
            self.note(DefectKind::LineTooLong, at, note);
        }
        if self.after_cr {
            let at = self.lines.offset.saturating_sub(1);
            self.note(DefectKind::BareCrInBody, at, note);
        }
        let mut decoded = Vec::new();
        self.decoder.finish(&mut decoded);
        self.tell(note);
        self.text(&decoded, true, note);
    }

    fn tell(&mut self, note: &mut dyn FnMut(Defect)) {
        let all = self.decoder.defects();
        for defect in all.get(self.told..).unwrap_or_default() {
            note(Defect::new(defect.kind, self.start + defect.offset));
        }
        self.told = all.len();
    }

    fn text(&mut self, decoded: &[u8], last: bool, note: &mut dyn FnMut(Defect)) {
        let Some(charset) = &mut self.charset else {
            return;
        };
        // In pieces: the text of all of it may be large.
        for piece in decoded.chunks(4 << 10) {
            self.text.clear();
            charset.decode(piece, &mut self.text);
        }
        if last {
            charset.finish(&mut self.text);
        }
        if charset.is_lossy() {
            self.charset = None;
            self.note(DefectKind::NotOfCharset, self.start, note);
        }
    }

    fn bare_cr(&mut self, data: &[u8], offset: u64, note: &mut dyn FnMut(Defect)) {
        if self.found.contains(DefectKind::BareCrInBody) || data.is_empty() {
            return;
        }
        if self.after_cr && data.first() != Some(&b'\n') {
            self.note(DefectKind::BareCrInBody, offset.saturating_sub(1), note);
        }
        let bare =
            memchr_iter(b'\r', data).find(|cr| data.get(cr + 1).is_some_and(|b| *b != b'\n'));
        if let Some(cr) = bare {
            self.note(DefectKind::BareCrInBody, offset + cr as u64, note);
        }
        self.after_cr =
            data.last() == Some(&b'\r') && !self.found.contains(DefectKind::BareCrInBody);
    }
}

/// Finds lines that are too long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineCheck {
    started: bool,
    line: u64,
    offset: u64,
    last: Option<u8>,
}

impl LineCheck {
    /// Where the first line that is too long in what came begins. Afterwards that of
    /// later ones may be told again.
    pub(super) fn pass(&mut self, data: &[u8], offset: u64) -> Option<u64> {
        if !self.started {
            self.started = true;
            self.line = offset;
        }
        let mut found = None;
        for lf in memchr_iter(b'\n', data) {
            let end = offset + lf as u64;
            let before = match lf.checked_sub(1) {
                Some(i) => data.get(i).copied(),
                None => self.last,
            };
            let cr = u64::from(before == Some(b'\r'));
            if end - self.line > LINE + cr && found.is_none() {
                found = Some(self.line);
            }
            self.line = end + 1;
        }
        self.offset = offset + data.len() as u64;
        self.last = data.last().copied().or(self.last);
        // A CR may be the line end's.
        if self.offset.saturating_sub(self.line) > LINE + 1 && found.is_none() {
            found = Some(self.line);
        }
        found
    }

    /// The same of a last line without its end.
    pub(super) fn end(&self) -> Option<u64> {
        (self.offset.saturating_sub(self.line) > LINE).then_some(self.line)
    }
}
