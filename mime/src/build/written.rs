//! What was written: text that lies together, and what is large between it.

use alloc::vec::Vec;
use core::convert::Infallible;

use bytes::Bytes;

use crate::EncodeBase64;
use crate::encode::base64_body;

/// A stretch that is not copied to what is around it.
#[derive(Clone, Debug)]
pub(crate) enum Segment<S = Infallible> {
    /// As it is.
    Plain(Bytes),
    /// To be encoded as it leaves. Its last line has no end: what is behind it begins
    /// with one.
    Base64(Bytes),
    /// What a source gives, encoded.
    Source(S, Source),
}

/// How a streamed source is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In base64; so many bytes, if that is known.
    Base64(Option<u64>),
    QuotedPrintable,
}

impl<S> Segment<S> {
    fn len(&self) -> Option<u64> {
        match self {
            Segment::Plain(bytes) => Some(bytes.len() as u64),
            Segment::Base64(bytes) => Some(EncodeBase64::encoded_len(bytes.len() as u64)),
            Segment::Source(_, Source::Base64(length)) => length.map(EncodeBase64::encoded_len),
            Segment::Source(_, Source::QuotedPrintable) => None,
        }
    }

    /// Appends it, but for a source.
    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Segment::Plain(bytes) => out.extend_from_slice(bytes),
            Segment::Base64(bytes) => base64_body(bytes, out),
            Segment::Source(..) => {}
        }
    }
}

impl Segment {
    pub(super) fn lift<S>(self) -> Segment<S> {
        match self {
            Segment::Plain(bytes) => Segment::Plain(bytes),
            Segment::Base64(bytes) => Segment::Base64(bytes),
            Segment::Source(never, _) => match never {},
        }
    }
}

/// A stretch of what was written.
pub(crate) enum Stretch<'w, S> {
    Text(&'w [u8]),
    Large(&'w Segment<S>),
}

/// What was written. Most messages are text alone, in one piece.
#[derive(Clone, Debug)]
pub(crate) struct Written<S = Infallible> {
    pub(super) text: Vec<u8>,
    /// What comes before which byte of the text, in order.
    pub(super) large: Vec<(usize, Segment<S>)>,
}

impl<S> Written<S> {
    /// Its length in bytes; `None` if that of a source is not known.
    pub(super) fn len(&self) -> Option<u64> {
        let mut large = self.large.iter().map(|(_, segment)| segment.len());
        large.try_fold(self.text.len() as u64, |sum, length| {
            Some(sum.saturating_add(length?))
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.large.is_empty()
    }

    pub(super) fn ends_with(&self, end: &[u8]) -> bool {
        match self.large.last() {
            Some((at, last)) if *at == self.text.len() => match last {
                Segment::Plain(bytes) => bytes.ends_with(end),
                Segment::Base64(_) | Segment::Source(..) => false,
            },
            _ => self.text.ends_with(end),
        }
    }

    /// Its stretches in order, none of text that is empty.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = Stretch<'_, S>> {
        let mut from = 0;
        let mut text = move |to| {
            let text = self.text.get(from..to).filter(|t| !t.is_empty());
            from = to;
            text.map(Stretch::Text)
        };
        let ends = self.large.iter().map(|(at, segment)| (*at, Some(segment)));
        ends.chain([(self.text.len(), None)])
            .flat_map(move |(at, segment)| [text(at), segment.map(Stretch::Large)])
            .flatten()
    }
}

impl Written {
    /// Appends all of it.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let length = self.len().unwrap_or(0);
        out.reserve_exact(usize::try_from(length).unwrap_or(0));
        for stretch in self.stretches() {
            match stretch {
                Stretch::Text(text) => out.extend_from_slice(text),
                Stretch::Large(segment) => segment.write_to(out),
            }
        }
    }

    /// All of it. The text before the first that is large stays where it is, if there is
    /// room behind it for the rest.
    pub(super) fn into_vec(mut self) -> Vec<u8> {
        let Some((first, _)) = self.large.first() else {
            return self.text;
        };
        let first = *first;
        let behind = self.text.split_off(first);
        let mut out = core::mem::replace(&mut self.text, behind);
        self.large.iter_mut().for_each(|(at, _)| *at -= first);
        self.write_to(&mut out);
        out
    }

    /// Its stretches on their own; nothing is copied.
    pub(crate) fn into_segments(self) -> Vec<Segment> {
        let mut text = Bytes::from(self.text);
        let (mut segments, mut from) = (Vec::new(), 0);
        let plain = |segments: &mut Vec<_>, bytes: Bytes| {
            if !bytes.is_empty() {
                segments.push(Segment::Plain(bytes));
            }
        };
        for (at, segment) in self.large {
            plain(&mut segments, text.split_to(at - from));
            segments.push(segment);
            from = at;
        }
        plain(&mut segments, text);
        segments
    }
}
