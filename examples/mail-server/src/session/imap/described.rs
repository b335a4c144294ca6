//! What is kept beside a message: where its parts lie, and what ENVELOPE and
//! BODYSTRUCTURE say of it.
//!
//! It is computed once, from the passing bytes: the message is never in memory as
//! a whole.
//!
//! ```text
//! kept:  length of the index, 4 bytes | scop-mime's Index | a FETCH response
//! ```

use bytes::Bytes;
use scop_core::Outbox;
use scop_imap_proto::response::{
    Address, BodyStructure, Data, Envelope, Extension, Fetch, FetchItem, Media, Multipart,
    MultipartExtension, Parameters, Part, PartExtension, Response,
};
use scop_mime::{self as mime, Index, Indexer, Limits, Message};

use super::mailbox::number;
use crate::store::{Content, StoreError};

/// See the module.
pub(super) struct Described {
    pub(super) index: Index,
    pub(super) envelope: Box<Envelope>,
    pub(super) structure: Box<BodyStructure>,
}

impl Described {
    /// Of a message in the store, which keeps it if it has not yet.
    pub(super) async fn of(content: &dyn Content) -> Result<Self, StoreError> {
        if let Some(described) = content.structure().and_then(|kept| Self::from_kept(&kept)) {
            return Ok(described);
        }
        let described = Self::compute(content).await?;
        content.keep_structure(described.kept());
        Ok(described)
    }

    async fn compute(content: &dyn Content) -> Result<Self, StoreError> {
        let limits = Limits::default();
        let mut indexer = Indexer::new(limits.clone());
        let mut at = 0;
        while at < content.size() {
            let piece = piece(content, at).await?;
            at += piece.len() as u64;
            indexer.write(&piece);
        }
        let index = indexer.finish();
        let outline = Message::with_index(&[], index.clone(), &limits);
        let headers: Vec<_> = outline
            .parts()
            .map(|part| part.offset()..part.body_offset())
            .collect();
        // Only headers are read here, each in its place in memory that is else
        // untouched, which the system does not hand out before it is.
        let mut skeleton = vec![0; usize::try_from(content.size()).unwrap_or(usize::MAX)];
        for header in headers {
            let mut at = header.start;
            while at < header.end {
                let mut piece = piece(content, at).await?;
                piece.truncate(usize::try_from(header.end - at).unwrap_or(usize::MAX));
                let place = skeleton.get_mut(at as usize..).unwrap_or_default();
                place
                    .iter_mut()
                    .zip(&piece)
                    .for_each(|(to, from)| *to = *from);
                at += piece.len() as u64;
            }
        }
        let message = Message::with_index(&skeleton, index.clone(), &limits);
        Ok(Described {
            envelope: Box::new(envelope(message.envelope())),
            structure: Box::new(structure(message.body_structure())),
            index,
        })
    }

    fn kept(&self) -> Bytes {
        let index = self.index.to_bytes();
        let length = u32::try_from(index.len()).unwrap_or(u32::MAX);
        let mut kept = length.to_be_bytes().to_vec();
        kept.extend_from_slice(&index);
        let mut out = Outbox::new(usize::MAX);
        let fetch = Fetch {
            number: number(1),
            items: vec![
                FetchItem::Envelope(self.envelope.clone()),
                FetchItem::BodyStructure(self.structure.clone()),
            ],
        };
        Response::Data(Data::Fetch(fetch)).encode(&mut out);
        while let Some(chunk) = out.pop() {
            kept.extend_from_slice(&chunk);
        }
        kept.into()
    }

    /// `None` if an earlier version kept it, which did it otherwise.
    fn from_kept(kept: &[u8]) -> Option<Self> {
        let (length, rest) = kept.split_first_chunk()?;
        let (index, response) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        let index = Index::from_bytes(index).ok()?;
        let Response::Data(Data::Fetch(fetch)) = Response::parse(response) else {
            return None;
        };
        let mut items = fetch.items.into_iter();
        match (items.next()?, items.next()?) {
            (FetchItem::Envelope(envelope), FetchItem::BodyStructure(structure)) => {
                Some(Described {
                    index,
                    envelope,
                    structure,
                })
            }
            _ => None,
        }
    }
}

/// The next bytes of a message, of which there must be some.
pub(super) async fn piece(content: &dyn Content, at: u64) -> Result<Bytes, StoreError> {
    let piece = content.read(at).await?;
    if piece.is_empty() {
        return Err(StoreError::Failed(
            "a message is shorter than its size".into(),
        ));
    }
    Ok(piece)
}

fn envelope(of: mime::Envelope) -> Envelope {
    let addresses = |all: Vec<mime::EnvelopeAddress>| {
        let address = |a: mime::EnvelopeAddress| Address {
            name: a.name.map(Into::into),
            adl: a.adl.map(Into::into),
            mailbox: a.mailbox.map(Into::into),
            host: a.host.map(Into::into),
        };
        all.into_iter().map(address).collect()
    };
    Envelope {
        date: of.date.map(Into::into),
        subject: of.subject.map(Into::into),
        from: addresses(of.from),
        sender: addresses(of.sender),
        reply_to: addresses(of.reply_to),
        to: addresses(of.to),
        cc: addresses(of.cc),
        bcc: addresses(of.bcc),
        in_reply_to: of.in_reply_to.map(Into::into),
        message_id: of.message_id.map(Into::into),
    }
}

/// The depth of `of` is bounded where it is made.
fn structure(of: mime::BodyStructure) -> BodyStructure {
    let parameters = |all: Vec<(Vec<u8>, Vec<u8>)>| -> Parameters {
        all.into_iter().map(|(n, v)| (n.into(), v.into())).collect()
    };
    let mut common = Extension::default();
    common.disposition = of.disposition.map(|(kind, p)| (kind.into(), parameters(p)));
    common.language = of.language.into_iter().map(Into::into).collect();
    common.location = of.location.map(Into::into);
    let single = match of.kind {
        mime::BodyKind::Multipart { parts } => {
            return BodyStructure::Multi(Multipart {
                parts: parts.into_iter().map(structure).collect(),
                subtype: of.subtype.into(),
                extension: Some(MultipartExtension {
                    parameters: parameters(of.parameters),
                    common,
                }),
            });
        }
        mime::BodyKind::Single(single) => single,
    };
    let subtype = of.subtype.into();
    let media = match single.detail {
        mime::Detail::Basic => Media::Basic {
            media: single.media_type.into(),
            subtype,
        },
        mime::Detail::Text { lines } => Media::Text { subtype, lines },
        mime::Detail::Message {
            envelope: of,
            body,
            lines,
        } => Media::Message {
            subtype,
            envelope: Box::new(envelope(*of)),
            structure: Box::new(structure(*body)),
            lines,
        },
    };
    BodyStructure::Single(Part {
        media,
        parameters: parameters(of.parameters),
        id: single.id.map(Into::into),
        description: single.description.map(Into::into),
        encoding: single.encoding.into(),
        octets: single.octets,
        extension: Some(PartExtension {
            md5: single.md5.map(Into::into),
            common,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Answer;

    /// A message that comes in pieces of seven bytes, and is never whole.
    struct Dripping(&'static [u8]);

    impl Content for Dripping {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&self, offset: u64) -> Answer<'_, Bytes> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let piece = rest.get(..7).unwrap_or(rest);
            Box::pin(async move { Ok(Bytes::from_static(piece)) })
        }

        fn structure(&self) -> Option<Bytes> {
            None
        }

        fn keep_structure(&self, _: Bytes) {}
    }

    #[tokio::test]
    async fn it_is_that_of_the_whole_message_and_survives_being_kept() {
        let text = b"Subject: outer\r\nFrom: Ann <ann@x.org>\r\n\
            Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \"inner\\\"\r\n\r\nHi\r\n\
            --b--\r\n";
        let described = Described::of(&Dripping(text)).await.unwrap();
        let whole = Message::parse(text);
        assert_eq!(*described.envelope, envelope(whole.envelope()));
        assert_eq!(*described.structure, structure(whole.body_structure()));
        let kept = described.kept();
        let again = Described::from_kept(&kept).unwrap();
        assert_eq!(again.envelope, described.envelope);
        assert_eq!(again.structure, described.structure);
        assert_eq!(again.index, described.index);
        for end in 0..kept.len() {
            let _ = Described::from_kept(kept.get(..end).unwrap());
        }
        assert!(Described::from_kept(b"\xff\xff\xff\xffx").is_none());
    }
}
