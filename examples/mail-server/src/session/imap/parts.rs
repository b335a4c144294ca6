//! A message in the store, by its parts.

use std::ops::Range;

use bytes::Bytes;
use scop_imap_proto::{
    response::{BodyStructure, Envelope},
    types::{Section, SectionText},
};
use scop_mime::{self as mime, CharsetDecoder, Content as Nature, Decoder, Index, Parent};

use super::{
    described::{self, piece},
    find::Finder,
    texts,
    wire::{Failed, Wire, lost},
};
use crate::store::{Content, MailboxId, Store, StoreError};

pub(super) struct Parts {
    content: Box<dyn Content>,
    index: Index,
}

impl Parts {
    pub(super) async fn of(
        store: &dyn Store,
        mailbox: MailboxId,
        uid: u32,
    ) -> Result<Self, StoreError> {
        Self::of_content(store.content(mailbox, uid).await?).await
    }

    async fn of_content(content: Box<dyn Content>) -> Result<Self, StoreError> {
        let index = described::index(&*content).await?;
        Ok(Parts { content, index })
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn envelope(&self) -> Box<Envelope> {
        Box::new(described::envelope(self.index.envelope()))
    }

    pub(super) fn structure(&self) -> Box<BodyStructure> {
        Box::new(described::structure(self.index.body_structure()))
    }

    /// Where a section lies; `None` if the message has no such part. For some
    /// fields of a header: where the header lies.
    pub(super) fn range(&self, section: &Section) -> Option<Range<u64>> {
        self.index.range(&mime_section(section))
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

    /// The header of the message, with the line that ends it.
    pub(super) async fn header(&self) -> Result<Vec<u8>, StoreError> {
        let section = mime::Section {
            part: Vec::new(),
            text: mime::SectionText::Header,
        };
        match self.index.range(&section) {
            Some(range) => self.read(range).await,
            None => Ok(Vec::new()),
        }
    }

    /// The bytes of `range`: a header, which is no longer than scop-mime lets one be.
    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let next = front(piece(&*self.content, at).await?, range.end - at);
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

    /// Those of `needles` that are in the message's texts, or in what the index keeps
    /// of the headers of messages within. Only text parts are read, in pieces.
    pub(super) async fn find(&self, needles: &[String]) -> Result<Vec<String>, StoreError> {
        let mut finder = Finder::new(needles);
        let outline = self.index.outline();
        for part in outline.parts() {
            if finder.is_done() {
                break;
            }
            if part.parent() == Parent::Message {
                for (name, value) in texts::fields(&part) {
                    finder.add(&format!("{name}: {value}"));
                    finder.end_text();
                }
            }
            let content_type = part.content_type();
            if part.content() != Nature::Leaf || content_type.kind() != "text" {
                continue;
            }
            let charset = content_type.parameter("charset").unwrap_or("us-ascii");
            let Some(mut charset) = CharsetDecoder::new(charset.as_bytes()) else {
                continue;
            };
            let mut decoder = Decoder::new(&part.encoding());
            let (mut decoded, mut text) = (Vec::new(), String::new());
            let (mut at, end) = (part.body_offset(), part.body_offset() + part.body_length());
            while at < end && !finder.is_done() {
                let next = front(piece(&*self.content, at).await?, end - at);
                at += next.len() as u64;
                decoder.decode(&next, &mut decoded);
                if at == end {
                    decoder.finish(&mut decoded);
                }
                charset.decode(&decoded, &mut text);
                if at == end {
                    charset.finish(&mut text);
                }
                finder.add(&text);
                decoded.clear();
                text.clear();
            }
            finder.end_text();
        }
        Ok(finder.finish())
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

#[cfg(test)]
mod tests {
    use super::{super::described::tests::Dripping, *};
    use std::sync::Arc;

    async fn parts(text: &[u8]) -> (Parts, Arc<Dripping>) {
        let content = Dripping::new(text);
        let parts = Parts::of_content(Box::new(Arc::clone(&content))).await;
        content.was_read();
        (parts.unwrap(), content)
    }

    const MESSAGE: &[u8] = b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n\
        R3L832UgYXVz\r\nIMRQRkVMTg==\r\n\
        --b\r\nContent-Type: application/octet-stream\r\n\r\nneedle, and much of nothing else\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\n\
        Subject: =?utf-8?q?H=C3=B6fe?=\r\n\r\nwithin\r\n\
        --b--\r\n";

    #[tokio::test]
    async fn texts_are_found_as_they_read_and_nothing_else_is_read() {
        let (parts, content) = parts(MESSAGE).await;
        let needles = ["grüße aus äpfeln", "höfe", "within", "needle", "outer"];
        let needles = needles.map(str::to_owned);
        let found = parts.find(&needles).await.unwrap();
        assert_eq!(found, ["grüße aus äpfeln", "höfe", "within"]);
        // Each text in pieces of seven bytes, the last of which may go beyond it.
        let texts = (2 * 16 + 2 + 2 * 7 + 6) as u64;
        assert!(content.was_read() <= texts);
        assert!(parts.find(&[]).await.unwrap().is_empty());
        assert_eq!(content.was_read(), 0);
    }

    #[tokio::test]
    async fn what_the_index_says_needs_no_message() {
        let (parts, content) = parts(MESSAGE).await;
        assert_eq!(parts.envelope().subject.as_deref(), Some(&b"outer"[..]));
        assert!(matches!(*parts.structure(), BodyStructure::Multi(m) if m.parts.len() == 3));
        assert_eq!(content.was_read(), 0);
        assert!(
            parts
                .header()
                .await
                .unwrap()
                .ends_with(b"boundary=b\r\n\r\n")
        );
        assert!(content.was_read() < 70);
    }
}
