//! What is kept beside a message: scop-mime's index of it, which is all that
//! ENVELOPE, BODYSTRUCTURE and the places of sections need.
//!
//! It is computed once, from the passing bytes: the message is never in memory as
//! a whole.

use bytes::Bytes;
use scop_imap_proto::response::{
    Address, BodyStructure, Envelope, Extension, Media, Multipart, MultipartExtension, Parameters,
    Part, PartExtension,
};
use scop_mime::{self as mime, Index, Indexer, Limits};

use crate::store::{Content, StoreError};

/// The index of a message in the store, which keeps it if it has not yet. One that
/// an earlier version kept otherwise is made anew.
pub(super) async fn index(content: &dyn Content) -> Result<Index, StoreError> {
    let kept = content.structure();
    if let Some(index) = kept.and_then(|kept| Index::from_bytes(&kept).ok()) {
        return Ok(index);
    }
    let mut indexer = Indexer::new(Limits::default());
    let mut at = 0;
    while at < content.size() {
        let piece = piece(content, at).await?;
        at += piece.len() as u64;
        indexer.write(&piece);
    }
    let index = indexer.finish();
    content.keep_structure(index.to_bytes().into());
    Ok(index)
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

/// As the protocol's type.
pub(super) fn envelope(of: mime::Envelope) -> Envelope {
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

/// As the protocol's type. The depth of `of` is bounded where it is made.
pub(super) fn structure(of: mime::BodyStructure) -> BodyStructure {
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
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::store::Answer;
    use scop_mime::Message;

    /// A message that comes in pieces of seven bytes, and is never whole.
    pub(crate) struct Dripping {
        pub(crate) text: Vec<u8>,
        pub(crate) kept: Mutex<Option<Bytes>>,
        /// How many bytes were read.
        pub(crate) read: Mutex<u64>,
    }

    impl Dripping {
        pub(crate) fn new(text: &[u8]) -> Arc<Self> {
            Arc::new(Dripping {
                text: text.to_vec(),
                kept: Mutex::default(),
                read: Mutex::default(),
            })
        }

        /// How many bytes were read since this was asked last.
        pub(crate) fn was_read(&self) -> u64 {
            std::mem::take(&mut *self.read.lock().unwrap())
        }
    }

    impl Content for Arc<Dripping> {
        fn size(&self) -> u64 {
            self.text.len() as u64
        }

        fn read(&self, offset: u64) -> Answer<'_, Bytes> {
            let rest = self.text.get(offset as usize..).unwrap_or_default();
            let piece = Bytes::copy_from_slice(rest.get(..7).unwrap_or(rest));
            *self.read.lock().unwrap() += piece.len() as u64;
            Box::pin(async move { Ok(piece) })
        }

        fn structure(&self) -> Option<Bytes> {
            self.kept.lock().unwrap().clone()
        }

        fn keep_structure(&self, structure: Bytes) {
            *self.kept.lock().unwrap() = Some(structure);
        }
    }

    const NESTED: &[u8] = b"Subject: outer\r\nFrom: Ann <ann@x.org>\r\n\
        Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \"inner\\\"\r\n\r\nHi\r\n\
        --b--\r\n";

    #[tokio::test]
    async fn the_message_is_read_once_and_says_what_it_says_as_a_whole() {
        let content = Dripping::new(NESTED);
        let first = index(&content).await.unwrap();
        assert_eq!(content.was_read(), NESTED.len() as u64);
        let again = index(&content).await.unwrap();
        assert_eq!(content.was_read(), 0);
        assert_eq!(again, first);
        let whole = Message::parse(NESTED);
        assert_eq!(envelope(again.envelope()), envelope(whole.envelope()));
        assert_eq!(
            structure(again.body_structure()),
            structure(whole.body_structure())
        );
    }

    #[tokio::test]
    async fn what_was_kept_otherwise_is_made_anew() {
        let content = Dripping::new(NESTED);
        let good = index(&content).await.unwrap();
        let kept = content.structure().unwrap();
        // A version before put its length in front.
        let before = [
            &(kept.len() as u32).to_be_bytes(),
            &kept[..],
            b"* 1 FETCH ()\r\n",
        ]
        .concat();
        for kept in [
            &b""[..],
            b"\xff\xff\xff\xffx",
            &before,
            &kept[..kept.len() - 1],
        ] {
            content.keep_structure(Bytes::copy_from_slice(kept));
            assert_eq!(index(&content).await.unwrap(), good);
        }
    }
}
