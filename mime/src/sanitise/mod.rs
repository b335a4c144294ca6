//! Rewriting a message so that every reader sees the same (RFC 7103 4 and 7 to 9).

mod body;
mod field;
mod header;
mod rest;
mod writer;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

use crate::inspect::{Inspection, Log, inspect};
use crate::{
    DefectKind, DefectSet, Event, Header, Limits, Message, Reader, Refused, Report, Size, to_crlf,
};
use writer::Writer;

/// Kinds that are mended: what the classes say, and what only a few readers mind.
const MENDED: DefectSet = DefectSet::mended()
    .with(DefectKind::RawUtf8InHeader)
    .with(DefectKind::UnquotedParameter)
    .with(DefectKind::StraySemicolon)
    .with(DefectKind::BadMimeVersion)
    .with(DefectKind::BinaryBody)
    .with(DefectKind::EncodedWordSplit)
    .with(DefectKind::EightBitBody);

/// Sanitises a message that is whole in memory: rewrites it so that every reader sees
/// the same.
///
/// The reading is that of this crate, the one that is documented with each
/// [`DefectKind`]. What is written says it in the plainest form there is:
///
/// - **Structure.** Each multipart that is touched gets a boundary of its own,
///   `=_scop-N_`, that no other line of the message begins with; every part is closed;
///   preambles and epilogues are left out. A body that was not taken apart (a limit, no
///   boundary, no part, a message in base64) becomes `application/octet-stream` in
///   base64, whole.
/// - **Headers.** Lines that are no fields are left out; fields that may come once come
///   once (the first), with no space before the colon, no NUL, no bare CR, no blank
///   continuation, no raw 8-bit text, no line over 998 bytes. Addresses, dates and
///   message ids that not every reader reads alike are written as they were read, in the
///   common form; a field that
///   says nothing to its reader is left out.
/// - **MIME fields.** Content-Type, Content-Transfer-Encoding, Content-Disposition and
///   MIME-Version once each, without comments; each parameter once, in one form; one
///   file name.
/// - **Bodies.** base64 and quoted-printable are repaired line by line, uuencode and
///   binary become base64, what is not fit to be sent as it is becomes
///   quoted-printable or base64. Text in bytes that are not of its charset, UTF-7, and
///   UTF-16 that is not encoded, becomes UTF-8; text of an unknown charset
///   `application/octet-stream`. All lines end in CRLF.
///
/// One with nothing to mend comes back as it is (with CRLF); so does each multipart or
/// message within. What sanitising cannot do is keep a signature over what it changes,
/// or make a person see what a program sees: defects of
/// [`DefectClass::Deception`](crate::DefectClass::Deception) stay.
///
/// ```
/// use scop_mime::{Limits, sanitise};
///
/// let message = b"From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a (c)\r\n\r\n\
///     Hello!\r\n--a\r\n\r\none\r\n--b\r\n--a--\r\n";
/// let (sanitised, report) = sanitise(message, &Limits::default());
/// assert!(report.defects().iter().any(|d| d.to_string() == "comment-in-mime-field at byte 77"));
/// assert_eq!(String::from_utf8_lossy(&sanitised), "From: a@b.test\r\n\
///     MIME-Version: 1.0\r\n\
///     Content-Type: multipart/mixed; boundary=\"=_scop-1_\"\r\n\r\n\
///     --=_scop-1_\r\n\r\none\r\n--b\r\n--=_scop-1_--\r\n");
/// ```
#[must_use]
pub fn sanitise<'a>(message: &'a [u8], limits: &Limits) -> (Cow<'a, [u8]>, Report) {
    let limits = writable(limits);
    let report = inspect(message, &limits);
    (rewrite(message, &limits, &report), report)
}

/// Limits that what is written can keep.
pub(crate) fn writable(limits: &Limits) -> Limits {
    Limits {
        header_bytes: limits.header_bytes.max(16 << 10),
        fields: limits.fields.max(64),
        parameters: limits.parameters.max(8),
        parts: limits.parts.max(2),
        ..limits.clone()
    }
}

/// The same of a message that was inspected.
pub(crate) fn rewrite<'a>(message: &'a [u8], limits: &Limits, report: &Report) -> Cow<'a, [u8]> {
    if report.kinds().intersection(MENDED).is_empty() {
        let same = to_crlf(message);
        let is_same = matches!(same, Cow::Borrowed(_));
        let tree = (!is_same).then(|| Message::parse_with(message, limits));
        if tree.is_none_or(|tree| outgrown(&tree, limits).next().is_none()) {
            return same;
        }
    }
    let mut out = Vec::with_capacity(message.len() + message.len() / 16 + 256);
    let mut limits = limits.clone();
    if report.kinds().contains(DefectKind::TooManyParts) {
        // What holds the rest is a part too.
        limits.parts = limits.parts.saturating_sub(1);
    }
    let limits = &limits;
    let mut sanitiser = Sanitiser::with(limits.clone()).hold(usize::MAX);
    sanitiser.writer.keep(clean(message, limits, report));
    sanitiser.feed(&mut &*message, message, &mut out);
    sanitiser.reader.finish();
    sanitiser.feed(&mut &[][..], message, &mut out);
    Cow::Owned(out)
}

/// Where the outermost multiparts and messages with nothing to mend are.
fn clean(message: &[u8], limits: &Limits, report: &Report) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    if report.more() > 0 {
        return found; // who knows where they are
    }
    let tree = Message::parse_with(message, limits);
    let defects = report.defects().iter();
    let mended = defects.filter(|d| MENDED.contains(d.kind));
    let mut bad: Vec<u64> = mended.map(|d| d.offset).collect();
    bad.extend(outgrown(&tree, limits));
    bad.sort_unstable();
    for part in tree.parts() {
        let range = part.offset()..part.body_offset() + part.body_length();
        let inside = found.last().is_some_and(|last| range.start < last.end);
        if inside || part.children().next().is_none() {
            continue;
        }
        let next = bad.partition_point(|at| *at < range.start);
        let bytes = crate::tree_slice(message, range.clone());
        // One that was sanitised before may have a boundary that is about to be given.
        let ours = memchr::memmem::find(bytes, writer::MARK).is_some();
        if bad.get(next).is_none_or(|at| *at > range.end) && !ours {
            found.push(range);
        }
    }
    found
}

/// Where the headers begin that are past a limit when their lines end in CRLF.
fn outgrown(message: &Message<'_>, limits: &Limits) -> impl Iterator<Item = u64> {
    let length = |bytes: &[u8], limit: u64| match bytes.len() as u64 {
        short if short <= limit / 2 => short,
        _ => Size::of(bytes).crlf_octets,
    };
    let field_limit = limits.field_limit() as u64;
    let outgrown = move |header: &Header<'_, '_>| {
        let raw = header.raw();
        length(raw, limits.header_bytes) > limits.header_bytes
            || length(raw, field_limit) > field_limit
                && header
                    .fields()
                    .any(|field| length(field.raw(), field_limit) > field_limit)
    };
    let headers = message.parts().map(|part| part.header());
    headers.filter(outgrown).map(|header| header.offset())
}

/// Sanitises a message as it streams: see [`sanitise`].
///
/// Limits below 16 KiB of header, 64 fields, 8 parameters and 2 parts are raised to
/// those, and the last part that [`Limits::parts`] allows is the rest of the message:
/// what is written must keep them. It says that it is the rest, and stays as it is when it
/// comes again.
///
/// What is held: one header ([`Limits::header_bytes`]), and of one body, as it would be
/// written, at most [`hold`](Self::hold) bytes, to see whether it can stay as it is (or, of
/// a multipart, to see whether a part comes at all). A body that is longer and not in base64
/// or quoted-printable leaves in one of these whatever is in it; bytes that are not of its
/// charset, and UTF-7, are left in a longer text; of what a longer multipart without a part
/// holds, the rest is left out. Every multipart gets a new boundary, for nobody
/// knows what comes: [inspect](crate::Inspector) a message first where one that has
/// nothing to mend must stay as it is.
///
/// ```
/// use scop_mime::{Limits, Sanitiser};
///
/// let mut sanitiser = Sanitiser::new(Limits::default());
/// let mut out = Vec::new();
/// for chunk in [&b"Subject : a\r\nFrom: a@b.te"[..], b"st\r\nSubject: b\r\n\r\nHi\nthere\r\n"] {
///     sanitiser.write(chunk, &mut out)?;
/// }
/// let report = sanitiser.finish(&mut out)?;
/// assert_eq!(out, b"Subject: a\r\nFrom: a@b.test\r\n\r\nHi\r\nthere\r\n");
/// assert_eq!(report.defects().len(), 4); // no Date, the space, the second Subject, the bare LF
/// # Ok::<(), scop_mime::Refused>(())
/// ```
#[derive(Debug)]
pub struct Sanitiser {
    reader: Reader,
    inspection: Inspection,
    log: Log,
    writer: Writer,
}

impl Sanitiser {
    /// One at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let mut limits = writable(&limits);
        limits.parts = limits.parts.saturating_sub(1);
        Self::with(limits)
    }

    fn with(limits: Limits) -> Self {
        Sanitiser {
            log: Log::new(DefectSet::none(), limits.defects),
            inspection: Inspection::new(limits.clone()),
            writer: Writer::new(limits.clone()),
            reader: Reader::new(limits),
        }
    }

    /// How many bytes of a body are held at most; 1 MiB if not set. Some times as many
    /// are in use while it is decoded.
    #[must_use]
    pub fn hold(mut self, bytes: usize) -> Self {
        self.writer.hold = bytes;
        self
    }

    /// What is in `set` is refused, not mended.
    #[must_use]
    pub fn refusing(mut self, set: DefectSet) -> Self {
        self.log.refuse(set);
        self
    }

    /// The next bytes of the message; what is ready is appended to `out`.
    ///
    /// # Errors
    ///
    /// [`Refused`] as soon as a defect of the refused set shows; every later call
    /// gives it again.
    pub fn write(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        self.log.check()?;
        self.feed(&mut &*chunk, &[], out);
        self.log.check()
    }

    /// The message is over: appends the rest, and tells what was wrong.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Report, Refused> {
        self.reader.finish();
        self.write(&[], out)?;
        Ok(self.log.report())
    }

    fn feed(&mut self, input: &mut &[u8], whole: &[u8], out: &mut Vec<u8>) {
        while let Some(event) = self.reader.read(input) {
            let mut kinds = DefectSet::none();
            let log = &mut self.log;
            self.inspection.take(&event, &mut |defect| {
                kinds = kinds.with(defect.kind);
                log.add(defect);
            });
            if log.check().is_err() {
                return;
            }
            self.writer.take(&event, kinds, whole, out);
        }
    }
}

/// What is wrong with a field that was written, of what is mended.
fn wrong(field: &[u8], limits: &Limits) -> DefectSet {
    let mut kinds = DefectSet::none();
    let mut reader = Reader::new(limits.clone());
    let mut inspection = Inspection::new(limits.clone());
    let mut input = field;
    reader.finish();
    while let Some(event) = reader.read(&mut input) {
        if matches!(event, Event::BodyStart(_)) {
            break;
        }
        inspection.take(&event, &mut |defect| kinds = kinds.with(defect.kind));
    }
    kinds.intersection(MENDED)
}
