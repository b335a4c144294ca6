//! Bodies as they pass: lines, bytes that have no place there, the transfer encoding
//! and the charset.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::{memchr, memchr_iter};

use super::flowed::FlowedCheck;
use super::uuencoded::UuCheck;
use crate::{
    Charset, CharsetDecoder, Decoder, Defect, DefectKind, DefectSet, Message, TransferEncoding,
};

/// The longest line that is a line (RFC 5322 2.1.1), without its end.
pub(crate) const LINE: u64 = 998;

/// The longest line of base64 and quoted-printable (RFC 2045 6.7 and 6.8).
const ENCODED_LINE: u64 = 76;

/// The longest header of an external body that is looked at.
const PHANTOM: usize = 16 << 10;

/// What a header says about the body of a leaf.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Leaf<'h> {
    /// The label of the charset of a text.
    pub(super) charset: Option<&'h [u8]>,
    /// Something around it says 7bit.
    pub(super) understated: bool,
    /// It is a text in format=flowed.
    pub(super) flowed: bool,
    /// It is the header of something elsewhere.
    pub(super) external: bool,
}

/// The body of a leaf that is being looked at, or what is outside of parts.
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
    encoded_lines: Option<LineCheck>,
    /// Line ends of a text in base64 or quoted-printable.
    ends: Option<EndCheck>,
    flowed: Option<FlowedCheck>,
    uuencoded: Option<UuCheck>,
    understated: bool,
    /// The header of an external body.
    phantom: Option<Vec<u8>>,
    found: DefectSet,
    /// The byte before is a CR.
    after_cr: bool,
}

impl BodyCheck {
    pub(super) fn new(
        start: u64,
        encoding: TransferEncoding,
        leaf: Leaf<'_>,
        note: &mut dyn FnMut(Defect),
    ) -> Self {
        use TransferEncoding::{Base64, Binary, EightBit, QuotedPrintable};
        let is_wide = leaf.charset.is_some_and(|c| {
            let utf16 = c.get(..6).unwrap_or_default();
            utf16.eq_ignore_ascii_case(b"utf-16")
        });
        let ends = match encoding {
            _ if leaf.charset.is_none() || is_wide => None,
            Base64 => Some(EndCheck::new(true)),
            // A line end of the message is one of the text.
            QuotedPrintable => Some(EndCheck::new(false)),
            _ => None,
        };
        let mut check = BodyCheck {
            encoded_lines: matches!(encoding, Base64 | QuotedPrintable)
                .then(|| LineCheck::new(ENCODED_LINE)),
            ends,
            flowed: leaf.flowed.then(FlowedCheck::default),
            uuencoded: leaf.charset.map(|_| UuCheck::default()),
            understated: leaf.understated && matches!(encoding, EightBit | Binary),
            phantom: leaf.external.then(Vec::new),
            start,
            decoder: Decoder::new(&encoding),
            encoding,
            told: 0,
            decoded: Vec::new(),
            charset: None,
            text: String::new(),
            lines: LineCheck::new(LINE),
            found: DefectSet::none(),
            after_cr: false,
        };
        if check.encoding == TransferEncoding::Binary {
            check.note(DefectKind::BinaryBody, start, note);
        }
        if let Some(label) = leaf.charset {
            check.charset = CharsetDecoder::new(label);
            if check.charset.is_none() {
                check.note(DefectKind::UnknownCharset, start, note);
            } else if Charset::is_odd(label) {
                check.note(DefectKind::OddCharset, start, note);
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
        let encoded = self.encoded_lines.as_mut();
        if let Some(at) = encoded.and_then(|lines| lines.pass(data, offset)) {
            self.note(DefectKind::EncodedLineTooLong, at, note);
        }
        let is_qp = self.encoding == TransferEncoding::QuotedPrintable;
        if (self.encoding.is_identity() || is_qp)
            && !self.found.contains(DefectKind::NulInBody)
            && let Some(at) = memchr(0, data)
        {
            self.note(DefectKind::NulInBody, offset + at as u64, note);
        }
        if is_qp && !self.found.contains(DefectKind::QpControl) {
            let control = |b: &u8| matches!(b, 1..=8 | 11 | 12 | 14..=31 | 127);
            if let Some(at) = data.iter().position(control) {
                self.note(DefectKind::QpControl, offset + at as u64, note);
            }
        }
        let eight_bit = match self.encoding {
            TransferEncoding::SevenBit => Some(DefectKind::EightBitBody),
            _ if self.understated => Some(DefectKind::UnderstatedEncoding),
            _ => None,
        };
        if let Some(kind) = eight_bit.filter(|kind| !self.found.contains(*kind))
            && let Some(at) = data.iter().position(|b| !b.is_ascii())
        {
            self.note(kind, offset + at as u64, note);
        }
        self.header_within(data);
        if self.encoding.is_identity() {
            self.bare_cr(data, offset, note);
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
        if let Some(at) = self.encoded_lines.as_ref().and_then(LineCheck::end) {
            self.note(DefectKind::EncodedLineTooLong, at, note);
        }
        if self.after_cr {
            let at = self.lines.offset.saturating_sub(1);
            self.note(DefectKind::BareCrInBody, at, note);
        }
        let mut decoded = Vec::new();
        self.decoder.finish(&mut decoded);
        self.tell(note);
        self.text(&decoded, true, note);
        if let Some(header) = self.phantom.take() {
            let read = Message::parse_header(&header);
            if read.header().get("content-id").is_none() {
                self.note(DefectKind::MissingContentId, self.start, note);
            }
        }
    }

    /// Keeps the header of an external body.
    fn header_within(&mut self, data: &[u8]) {
        if let Some(header) = &mut self.phantom {
            let room = PHANTOM.saturating_sub(header.len());
            header.extend_from_slice(data.get(..room).unwrap_or(data));
        }
    }

    fn tell(&mut self, note: &mut dyn FnMut(Defect)) {
        let all = self.decoder.defects();
        for defect in all.get(self.told..).unwrap_or_default() {
            note(Defect::new(defect.kind, self.start + defect.offset));
        }
        self.told = all.len();
    }

    fn text(&mut self, decoded: &[u8], last: bool, note: &mut dyn FnMut(Defect)) {
        if let Some(ends) = &mut self.ends
            && (ends.pass(decoded) || last && ends.after_cr)
        {
            self.ends = None;
            self.note(DefectKind::LoneLineEnd, self.start, note);
        }
        if let Some(uuencoded) = &mut self.uuencoded
            && let Some(at) = uuencoded.write(decoded)
        {
            self.uuencoded = None;
            // Where it was in what is encoded is not known.
            let at = if self.encoding.is_identity() { at } else { 0 };
            self.note(DefectKind::UuencodedText, self.start + at, note);
        }
        let Some(charset) = &mut self.charset else {
            return;
        };
        let mut odd = false;
        // In pieces: the text of all of it may be large.
        for piece in decoded.chunks(4 << 10) {
            self.text.clear();
            charset.decode(piece, &mut self.text);
            odd = odd || self.flowed.as_mut().is_some_and(|f| f.write(&self.text));
        }
        if last {
            self.text.clear();
            charset.finish(&mut self.text);
            let flowed = self.flowed.as_mut();
            odd = odd || flowed.is_some_and(|f| f.write(&self.text) || f.finish());
        }
        let (lossy, bad_at) = (charset.is_lossy(), charset.bad_at());
        if odd {
            self.flowed = None;
            self.note(DefectKind::OddFlowed, self.start, note);
        }
        if lossy && !self.found.contains(DefectKind::NotOfCharset) {
            // Where a byte was in what is encoded is not known.
            let within = bad_at.filter(|_| self.encoding.is_identity());
            let at = self.start + within.unwrap_or(0);
            self.note(DefectKind::NotOfCharset, at, note);
            if self.flowed.is_none() {
                self.charset = None;
            }
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

/// Finds line ends that are no CRLF in a text.
#[derive(Debug)]
struct EndCheck {
    /// LF alone counts too.
    lf: bool,
    after_cr: bool,
}

impl EndCheck {
    fn new(lf: bool) -> Self {
        EndCheck {
            lf,
            after_cr: false,
        }
    }

    /// Whether there is one in what comes next. A CR at its end is judged later.
    fn pass(&mut self, data: &[u8]) -> bool {
        let Some(last) = data.last() else {
            return false;
        };
        let first_is_lf = data.first() == Some(&b'\n');
        let cr = self.after_cr && !first_is_lf
            || memchr_iter(b'\r', data).any(|cr| data.get(cr + 1).is_some_and(|b| *b != b'\n'));
        let before = |lf: usize| match lf.checked_sub(1) {
            Some(n) => data.get(n) == Some(&b'\r'),
            None => self.after_cr,
        };
        let lf = self.lf && memchr_iter(b'\n', data).any(|lf| !before(lf));
        self.after_cr = *last == b'\r';
        cr || lf
    }
}

/// Finds lines that are too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineCheck {
    /// As long as a line may be, without its end.
    most: u64,
    started: bool,
    line: u64,
    offset: u64,
    last: Option<u8>,
}

impl LineCheck {
    pub(super) fn new(most: u64) -> Self {
        LineCheck {
            most,
            started: false,
            line: 0,
            offset: 0,
            last: None,
        }
    }

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
            if end - self.line > self.most + cr && found.is_none() {
                found = Some(self.line);
            }
            self.line = end + 1;
        }
        self.offset = offset + data.len() as u64;
        self.last = data.last().copied().or(self.last);
        // A CR may be the line end's.
        if self.offset.saturating_sub(self.line) > self.most + 1 && found.is_none() {
            found = Some(self.line);
        }
        found
    }

    /// The same of a last line without its end.
    pub(super) fn end(&self) -> Option<u64> {
        (self.offset.saturating_sub(self.line) > self.most).then_some(self.line)
    }
}
