//! An edited message on its way out.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::EncodeBase64;
use crate::build::stream::BLOCK;

/// A stretch of an edited message.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    /// Bytes of the message, and where they lie in it.
    Old(&'a [u8], u64),
    New(Bytes),
    /// To be encoded as it leaves, in lines that end so.
    Base64(Bytes, Eol),
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eol {
    Crlf,
    Lf,
}

impl Eol {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Eol::Crlf => b"\r\n",
            Eol::Lf => b"\n",
        }
    }
}

/// A message, edited: stretches of the old one, and what is new between them.
#[derive(Clone, Debug)]
pub struct Edited<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
}

impl<'a> Edited<'a> {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        let length = |piece: &Piece<'_>| match piece {
            Piece::Old(bytes, _) => bytes.len() as u64,
            Piece::New(bytes) => bytes.len() as u64,
            Piece::Base64(bytes, eol) => {
                let crlf = EncodeBase64::encoded_len(bytes.len() as u64);
                match eol {
                    Eol::Crlf => crlf,
                    // Every line but the last one has 76 characters and its end.
                    Eol::Lf => crlf - crlf.saturating_sub(1) / 78,
                }
            }
        };
        self.pieces.iter().map(length).sum()
    }

    /// Nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message in chunks: of the old one, borrowed, in one chunk each what lies
    /// together there; of what is new, some 40 KiB at most are encoded at a time.
    #[must_use]
    pub fn chunks(&self) -> EditChunks<'_, 'a> {
        EditChunks {
            pieces: self.pieces.iter(),
            encoding: None,
        }
    }

    /// All of it at once.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        self.chunks()
            .for_each(|c| out.extend_from_slice(c.as_ref()));
        out
    }
}

/// A chunk of an edited message.
#[derive(Clone, PartialEq, Eq)]
pub enum EditChunk<'a> {
    /// Bytes of the message that was edited, where they lie.
    Old(&'a [u8]),
    /// Bytes that were added.
    New(Bytes),
}

impl AsRef<[u8]> for EditChunk<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            EditChunk::Old(bytes) => bytes,
            EditChunk::New(bytes) => bytes,
        }
    }
}

impl fmt::Debug for EditChunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            EditChunk::Old(_) => "Old",
            EditChunk::New(_) => "New",
        };
        write!(f, "{kind}(\"{}\")", self.as_ref().escape_ascii())
    }
}

/// The chunks of an [`Edited`] message.
#[derive(Clone, Debug)]
pub struct EditChunks<'e, 'a> {
    pieces: core::slice::Iter<'e, Piece<'a>>,
    encoding: Option<(Bytes, Eol, EncodeBase64)>,
}

impl<'a> Iterator for EditChunks<'_, 'a> {
    type Item = EditChunk<'a>;

    fn next(&mut self) -> Option<EditChunk<'a>> {
        loop {
            if let Some((bytes, eol, encoder)) = &mut self.encoding
                && !bytes.is_empty()
            {
                let lines = bytes.split_to(bytes.len().min(BLOCK));
                let mut out = Vec::new();
                encoder.encode(&lines, &mut out);
                if bytes.is_empty() {
                    encoder.finish(&mut out);
                }
                let out = with_eol(out, *eol);
                return Some(EditChunk::New(out.into()));
            }
            match self.pieces.next()? {
                Piece::Old([], _) => {}
                Piece::New(bytes) if bytes.is_empty() => {}
                Piece::Old(bytes, _) => return Some(EditChunk::Old(bytes)),
                Piece::New(bytes) => return Some(EditChunk::New(bytes.clone())),
                Piece::Base64(bytes, eol) => {
                    self.encoding = Some((bytes.clone(), *eol, EncodeBase64::new()));
                }
            }
        }
    }
}

/// CRLF as `eol`.
pub(super) fn with_eol(bytes: Vec<u8>, eol: Eol) -> Vec<u8> {
    match eol {
        Eol::Crlf => bytes,
        Eol::Lf => bytes.into_iter().filter(|b| *b != b'\r').collect(),
    }
}
