//! A built message on its way out.

use alloc::vec::Vec;
use core::convert::Infallible;

use bytes::Bytes;

use super::written::{Segment, Source, Written};
use crate::{Encoder, TransferEncoding};

/// Bytes that are encoded at a time: lines of base64 that make a chunk of some 40 KiB.
pub(crate) const BLOCK: usize = 57 * 512;

/// A message, built. All its lines end in CRLF, the last one too.
///
/// `S` is what the caller knows a streamed source by; without streamed parts it is
/// [`Infallible`], and [`chunks`](Self::chunks) gives the whole message. With them,
/// [`stream`](Self::stream) asks for their bytes.
#[derive(Clone, Debug)]
pub struct Built<S = Infallible> {
    pub(super) written: Written<S>,
    /// Its header is in UTF-8.
    pub(super) utf8: bool,
    /// A byte over 127 is in it.
    pub(super) eight_bit: bool,
    /// Multiparts and messages in each other.
    pub(super) depth: u16,
}

impl<S> Built<S> {
    /// Its length in bytes, without building it: what SMTP's `SIZE` and an IMAP literal
    /// want to know. `None` if the length of a streamed source was not said.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.written.len()
    }

    /// An address that is not ASCII is in its header, which is in UTF-8: only a mail
    /// system with SMTPUTF8 (RFC 6531) can carry it.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        self.utf8
    }

    /// There are bytes over 127 in it: only a mail system with 8BITMIME (RFC 6152) can
    /// carry it. Not so unless [`eight_bit`](super::Builder::eight_bit) was allowed, an
    /// address needs it, or a message within has it.
    #[must_use]
    pub fn needs_8bitmime(&self) -> bool {
        self.eight_bit || self.utf8
    }

    /// The message in chunks, and questions for the bytes of streamed sources between
    /// them. At most some 40 KiB are encoded at a time; no source is ever held.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Chunk, Mailbox, Part};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let file = vec![7; 100_000]; // think of a file that is larger than memory
    /// let video = Part::streamed("video/mp4", "holiday.mp4", Some(file.len() as u64))?;
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now)
    ///     .streaming() // sources are known by their path, here
    ///     .attach(video.file_name("holiday.mp4")?)
    ///     .build();
    /// let (mut stream, mut sent, mut read) = (built.stream(), Vec::new(), 0);
    /// while let Some(chunk) = stream.next_chunk() {
    ///     match chunk {
    ///         Chunk::Bytes(bytes) => sent.extend_from_slice(&bytes),
    ///         Chunk::Need(path) if read < file.len() => {
    ///             assert_eq!(*path, "holiday.mp4");
    ///             let n = 8192.min(file.len() - read);
    ///             stream.supply(&file[read..read + n])?;
    ///             read += n;
    ///         }
    ///         Chunk::Need(_) => stream.end_source()?,
    ///     }
    /// }
    /// assert_eq!(Some(sent.len() as u64), built.size());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stream(&self) -> Stream<'_, S> {
        Stream {
            written: &self.written,
            at: 0,
            next: 0,
            encoding: Bytes::new(),
            encoder: Encoder::Identity,
            source: None,
            ready: None,
        }
    }
}

impl Built {
    /// Its length in bytes: [`size`](Self::size) where there is no streamed source.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size().unwrap_or(u64::MAX)
    }

    /// Never: a message has a header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The message in chunks. Attachments are encoded as they are asked for, some 40 KiB
    /// at a time.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox, Part};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let data = vec![7; 1 << 20];
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now)
    ///     .attach(Part::attachment("a.bin", "application/octet-stream", data)?)
    ///     .build();
    /// assert!(built.chunks().all(|chunk| chunk.len() < 48 << 10));
    /// assert_eq!(built.chunks().map(|c| c.len() as u64).sum::<u64>(), built.len());
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks(self.stream())
    }

    /// Appends all of it.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.written.write_to(out);
    }

    /// All of it at once.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }

    /// All of it at once, not copied if it lies together: as it does without large
    /// attachments.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now).text("Hello!\n").build();
    /// let (length, copy) = (built.len(), built.to_vec());
    /// let bytes = built.into_vec();
    /// assert_eq!((bytes.len() as u64, &bytes), (length, &copy));
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.written.into_vec()
    }

    /// The same, to be shared.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.into_vec().into()
    }
}

/// The chunks of a [`Built`] message.
#[derive(Clone, Debug)]
pub struct Chunks<'b>(Stream<'b, Infallible>);

impl Iterator for Chunks<'_> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self.0.next_chunk()? {
            Chunk::Bytes(bytes) => Some(bytes),
            Chunk::Need(never) => match *never {},
        }
    }
}

/// What comes next of a message that is streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk<'b, S> {
    /// Bytes of the message.
    Bytes(Bytes),
    /// Bytes of this source are wanted: [`Stream::supply`] some, or
    /// [`Stream::end_source`].
    Need(&'b S),
}

/// A streamed source gave something else than it was said to. The call changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// No source is being read.
    #[error("no bytes were asked for; call next_chunk until it says Need")]
    NotAsked,
    /// More bytes than were announced.
    #[error(
        "the source was said to have {announced} bytes and gave {given}: the message would not have the size that was announced"
    )]
    TooLong {
        /// What was said.
        announced: u64,
        /// What there would be.
        given: u64,
    },
    /// Fewer bytes than were announced.
    #[error(
        "the source was said to have {announced} bytes and ended after {given}: the message would not have the size that was announced"
    )]
    TooShort {
        /// What was said.
        announced: u64,
        /// What there was.
        given: u64,
    },
}

/// A [`Built`] message that leaves: see [`Built::stream`].
#[derive(Clone, Debug)]
pub struct Stream<'b, S> {
    written: &'b Written<S>,
    /// How much of the text is out.
    at: usize,
    /// Which of what is large is next.
    next: usize,
    /// What is left of the attachment in hand.
    encoding: Bytes,
    /// Of the attachment or the source in hand.
    encoder: Encoder,
    source: Option<Asked<'b, S>>,
    /// Encoded bytes of a source.
    ready: Option<Bytes>,
}

#[derive(Clone, Debug)]
struct Asked<'b, S> {
    source: &'b S,
    announced: Option<u64>,
    given: u64,
}

impl<'b, S> Stream<'b, S> {
    /// The next chunk; `None` when the message is over.
    pub fn next_chunk(&mut self) -> Option<Chunk<'b, S>> {
        loop {
            if let Some(bytes) = self.ready.take() {
                return Some(Chunk::Bytes(bytes));
            }
            if let Some(asked) = &self.source {
                return Some(Chunk::Need(asked.source));
            }
            if !self.encoding.is_empty() {
                let n = self.encoding.len().min(BLOCK);
                let bytes = self.encoding.split_to(n);
                let mut out = Vec::new();
                self.encoder.encode(&bytes, &mut out);
                if self.encoding.is_empty() {
                    self.encoder.finish(&mut out);
                }
                return Some(Chunk::Bytes(out.into()));
            }
            let text = &self.written.text;
            let large = self.written.large.get(self.next);
            let end = large.map_or(text.len(), |(at, _)| *at);
            if let Some(text) = text.get(self.at..end).filter(|t| !t.is_empty()) {
                let chunk = text.get(..BLOCK).unwrap_or(text);
                self.at += chunk.len();
                return Some(Chunk::Bytes(Bytes::copy_from_slice(chunk)));
            }
            let (_, segment) = large?;
            self.next += 1;
            match segment {
                Segment::Plain(bytes) if bytes.is_empty() => {}
                Segment::Plain(bytes) => return Some(Chunk::Bytes(bytes.clone())),
                Segment::Base64(bytes) => {
                    self.encoding = bytes.clone();
                    self.encoder = Encoder::new(&TransferEncoding::Base64);
                }
                Segment::Source(source, how) => {
                    let (announced, encoding) = match how {
                        Source::Base64(length) => (*length, TransferEncoding::Base64),
                        Source::QuotedPrintable => (None, TransferEncoding::QuotedPrintable),
                    };
                    self.encoder = Encoder::new(&encoding);
                    self.source = Some(Asked {
                        source,
                        announced,
                        given: 0,
                    });
                }
            }
        }
    }

    /// The next bytes of the source that was asked for. They are encoded at once, so
    /// give no more than may be held: some 30 KiB.
    ///
    /// # Errors
    ///
    /// [`StreamError::NotAsked`], [`StreamError::TooLong`].
    pub fn supply(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let ready = self.ready.is_some();
        let source = self.source.as_mut().filter(|_| !ready);
        let source = source.ok_or(StreamError::NotAsked)?;
        let given = source.given.saturating_add(bytes.len() as u64);
        if let Some(announced) = source.announced.filter(|a| given > *a) {
            return Err(StreamError::TooLong { announced, given });
        }
        source.given = given;
        let mut out = Vec::new();
        self.encoder.encode(bytes, &mut out);
        self.ready = (!out.is_empty()).then(|| out.into());
        Ok(())
    }

    /// The source that was asked for has no more bytes.
    ///
    /// # Errors
    ///
    /// [`StreamError::NotAsked`], [`StreamError::TooShort`].
    pub fn end_source(&mut self) -> Result<(), StreamError> {
        let source = self.source.as_ref().filter(|_| self.ready.is_none());
        let source = source.ok_or(StreamError::NotAsked)?;
        let given = source.given;
        if let Some(announced) = source.announced.filter(|a| given < *a) {
            return Err(StreamError::TooShort { announced, given });
        }
        self.source = None;
        let mut out = Vec::new();
        self.encoder.finish(&mut out);
        self.ready = (!out.is_empty()).then(|| out.into());
        Ok(())
    }
}
