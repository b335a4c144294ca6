//! A message in the store, by its parts.

use std::ops::Range;

use bytes::Bytes;
use scop_imap_proto::{
    response::{BodyStructure, Envelope, Media},
    types::{Section, SectionText},
};
use scop_mime as mime;

use super::{
    described::{Described, piece},
    wire::{Failed, Wire, lost},
};
use crate::store::{Content, MailboxId, Store, StoreError};

/// What is read into memory of one message for one value, where it must be:
/// a header, or a text that is searched.
const IN_MEMORY: u64 = 8 << 20;

pub(super) struct Parts {
    content: Box<dyn Content>,
    described: Described,
}

impl Parts {
    pub(super) async fn of(
        store: &dyn Store,
        mailbox: MailboxId,
        uid: u32,
    ) -> Result<Self, StoreError> {
        let content = store.content(mailbox, uid).await?;
        let described = Described::of(&*content).await?;
        Ok(Parts { content, described })
    }

    pub(super) fn envelope(&self) -> Box<Envelope> {
        self.described.envelope.clone()
    }

    pub(super) fn structure(&self) -> Box<BodyStructure> {
        self.described.structure.clone()
    }

    /// Where a section lies; `None` if the message has no such part. For some
    /// fields of a header: where the header lies.
    pub(super) fn range(&self, section: &Section) -> Option<Range<u64>> {
        self.described.index.range(&mime_section(section))
    }

    /// The fields of the header in `range` that a section asks for, and the line
    /// that ends them.
    pub(super) async fn fields<'a>(
        &self,
        range: Range<u64>,
        names: impl Iterator<Item = &'a str>,
        not: bool,
    ) -> Result<Bytes, StoreError> {
        let names: Vec<&str> = names.collect();
        let header = self.read(range).await?;
        Ok(mime::select_fields(&header, &names, not).into())
    }

    /// The bytes of `range`, up to [`IN_MEMORY`].
    pub(super) async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let end = range.end.min(range.start.saturating_add(IN_MEMORY));
        let mut bytes = Vec::new();
        let mut at = range.start;
        while at < end {
            let next = front(piece(&*self.content, at).await?, end - at);
            at += next.len() as u64;
            bytes.extend_from_slice(&next);
        }
        Ok(bytes)
    }

    /// Sends the bytes of `range`, which were announced: what goes wrong now can
    /// only be said by hanging up.
    pub(super) async fn stream(&self, range: Range<u64>, wire: &mut Wire) -> Result<(), Failed> {
        let mut at = range.start;
        while at < range.end {
            let next = piece(&*self.content, at).await.map_err(|error| {
                tracing::error!(%error, "a message could not be read");
                Failed::Ended(lost("a message could not be read"))
            })?;
            let next = front(next, range.end - at);
            at += next.len() as u64;
            wire.body(next).await?;
        }
        Ok(())
    }

    /// Where the parts lie that are text, each with its header.
    pub(super) fn texts(&self) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        self.collect_texts(&self.described.structure, &mut Vec::new(), &mut found);
        found
    }

    /// `path`: the part's number. The depth of `of` is bounded where it is made.
    fn collect_texts(&self, of: &BodyStructure, path: &mut Vec<u32>, found: &mut Vec<Range<u64>>) {
        let part = match of {
            BodyStructure::Single(part) => part,
            BodyStructure::Multi(multipart) => {
                for (n, part) in (1..).zip(&multipart.parts) {
                    path.push(n);
                    self.collect_texts(part, path, found);
                    path.pop();
                }
                return;
            }
        };
        match &part.media {
            Media::Text { .. } => {
                let range = |text| {
                    let part = path.clone();
                    self.described.index.range(&mime::Section { part, text })
                };
                let whole = if path.is_empty() {
                    range(mime::SectionText::All)
                } else {
                    let (head, body) = (
                        range(mime::SectionText::Mime),
                        range(mime::SectionText::All),
                    );
                    head.zip(body).map(|(head, body)| head.start..body.end)
                };
                found.extend(whole);
            }
            Media::Message { structure, .. } => {
                // The only part of a nested message is its part 1 (RFC 3501 6.4.5).
                let single = matches!(**structure, BodyStructure::Single(_));
                path.extend(single.then_some(1));
                self.collect_texts(structure, path, found);
                if single {
                    path.pop();
                }
            }
            Media::Basic { .. } => {}
        }
    }
}

fn front(mut piece: Bytes, most: u64) -> Bytes {
    piece.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    piece
}

fn mime_section(section: &Section) -> mime::Section {
    mime::Section {
        part: section.part().iter().map(|n| n.get()).collect(),
        text: match section.text() {
            None => mime::SectionText::All,
            Some(SectionText::Header | SectionText::HeaderFields { .. }) => {
                mime::SectionText::Header
            }
            Some(SectionText::Text) => mime::SectionText::Text,
            Some(SectionText::Mime) => mime::SectionText::Mime,
        },
    }
}
