//! A built message on its way out.

use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Bytes on a line of base64: 76 characters (RFC 2045 6.8).
pub(super) const LINE_BYTES: usize = 57;

/// Lines of base64 that are encoded at a time: a chunk of some 40 KiB.
const LINES: usize = 512;

/// A stretch of a message.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// As it is.
    Plain(Bytes),
    /// To be encoded as it leaves. Its last line has no end: the delimiter behind it
    /// begins with one.
    Base64(Bytes),
}

/// A message, built. It ends in CRLF, and all its lines do.
#[derive(Clone, Debug)]
pub struct Built {
    segments: Vec<Segment>,
}

impl Built {
    pub(super) fn new(segments: Vec<Segment>) -> Self {
        Built { segments }
    }

    /// Its length in bytes, without building it: what SMTP's `SIZE` and an IMAP literal
    /// want to know.
    #[must_use]
    pub fn len(&self) -> u64 {
        let length = |segment: &Segment| match segment {
            Segment::Plain(bytes) => bytes.len() as u64,
            Segment::Base64(bytes) => {
                let (bytes, line) = (bytes.len() as u64, LINE_BYTES as u64);
                bytes.div_ceil(3) * 4 + bytes.div_ceil(line).saturating_sub(1) * 2
            }
        };
        self.segments.iter().map(length).sum()
    }

    /// Never: a message has a header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message in chunks. Attachments are encoded as they are asked for, some 40 KiB
    /// at a time.
    ///
    /// ```
    /// use scop_mime::build::{Attachment, Builder, Mailbox};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let data = vec![7; 1 << 20];
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now)
    ///     .attach(Attachment::new("a.bin", "application/octet-stream", data)?)
    ///     .build();
    /// assert!(built.chunks().all(|chunk| chunk.len() < 48 << 10));
    /// assert_eq!(built.chunks().map(|c| c.len() as u64).sum::<u64>(), built.len());
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks {
            segments: self.segments.iter(),
            encoding: Bytes::new(),
        }
    }

    /// All of it at once.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        self.chunks().for_each(|c| out.extend_from_slice(&c));
        out
    }
}

/// The chunks of a [`Built`] message.
#[derive(Clone, Debug)]
pub struct Chunks<'b> {
    segments: core::slice::Iter<'b, Segment>,
    /// What is left of the attachment in hand.
    encoding: Bytes,
}

impl Iterator for Chunks<'_> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.encoding.is_empty() {
                let n = self.encoding.len().min(LINE_BYTES * LINES);
                let bytes = self.encoding.split_to(n);
                let mut out = Vec::with_capacity(n.div_ceil(LINE_BYTES) * 78);
                base64_lines(&bytes, &mut out);
                if self.encoding.is_empty() {
                    out.truncate(out.len().saturating_sub(2));
                }
                return Some(out.into());
            }
            match self.segments.next()? {
                Segment::Plain(bytes) if bytes.is_empty() => {}
                Segment::Plain(bytes) => return Some(bytes.clone()),
                Segment::Base64(bytes) => self.encoding = bytes.clone(),
            }
        }
    }
}

/// base64 in lines of 76 characters, each with CRLF.
pub(super) fn base64_lines(bytes: &[u8], out: &mut Vec<u8>) {
    for line in bytes.chunks(LINE_BYTES) {
        let start = out.len();
        out.resize(start + line.len().div_ceil(3) * 4, 0);
        if let Some(space) = out.get_mut(start..) {
            // The space is exactly what the line takes.
            let written = STANDARD.encode_slice(line, space);
            debug_assert!(written.is_ok());
        }
        out.extend_from_slice(b"\r\n");
    }
}
