//! A message on its way from the wire to the store: its header is held until it is
//! complete, looked at, and cleaned; of its body nothing is kept. A user's message is
//! completed and signed, a stranger's is checked.

use std::{borrow::Cow, sync::Arc};

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use scop_dkim::{AuthservIds, SignError, Signing, SystemRandom};
use scop_mime::Message;

use super::{
    checks::{Action, Checked, Checks},
    trace::{Trace, date},
};
use crate::{
    house::House,
    store::{Draft, StoreError},
};

/// Received fields, one for each server that a message went through; more mean
/// that it goes round in circles (RFC 5321 6.3).
const MAX_HOPS: u32 = 50;
/// Bytes in a header.
const MAX_HEADER: usize = 1 << 20;

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the message went through more than {MAX_HOPS} servers: a loop")]
    Loop,
    #[error("the message's header has more than {MAX_HEADER} bytes")]
    Header,
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("the message's author is not you, who are {0}")]
    NotYou(String),
    #[error("the message does not pass DMARC, and {0} asks to reject what does not")]
    Dmarc(String),
    #[error("{0}: DMARC knows no author")]
    Nobody(String),
    #[error("DNS did not say whether the message passes DMARC, try again later")]
    Later,
}

impl Refusal {
    /// Reply code, and text that begins with an enhanced code (RFC 3463).
    pub(crate) fn reply(&self) -> (u16, String) {
        let (code, enhanced) = match self {
            Refusal::Store(StoreError::Full) => {
                return (452, "4.3.1 No space left here, try again later".into());
            }
            // What exactly is the log's business.
            Refusal::Store(_) => {
                return (
                    451,
                    "4.3.0 Could not store the message, try again later".into(),
                );
            }
            Refusal::Loop => (554, "5.4.6"),
            Refusal::Header => (552, "5.3.4"),
            Refusal::Sign(SignError::Crypto) => (451, "4.3.0"),
            Refusal::Sign(_) => (550, "5.6.0"),
            // Several checks failed together: RFC 7372 3.3.
            Refusal::Dmarc(_) | Refusal::Nobody(_) => (550, "5.7.26"),
            Refusal::NotYou(_) => (550, "5.7.1"),
            Refusal::Later => (451, "4.7.0"),
        };
        (code, format!("{enhanced} {self}"))
    }
}

/// Who brings a message.
pub(crate) enum Origin {
    /// A stranger, checked or, on this machine, not.
    Stranger(Option<Box<Checks>>),
    /// A user, with this address: what RFC 6409 8 says may be missing is added, and
    /// the message is signed if there is a key.
    User(String, Option<Box<Signing>>),
}

/// A message that is coming.
pub(crate) struct Incoming {
    draft: Box<dyn Draft>,
    fields: Fields,
    /// The header, while it comes.
    held: BytesMut,
    origin: Origin,
    /// Fields that are added to a user's message.
    added: String,
    failed: Option<Refusal>,
    /// Its name here.
    pub(crate) id: String,
    /// The domain here, which is in a Message-ID and says what was authenticated.
    domain: String,
    /// The names in which that is said here.
    ours: Arc<AuthservIds>,
    now: u64,
}

/// A message that came in whole and may be delivered.
pub(crate) struct Complete {
    pub(crate) draft: Box<dyn Draft>,
    /// The fields to be put on top of it.
    pub(crate) head: String,
    /// It is to be put aside.
    pub(crate) quarantined: bool,
}

impl Incoming {
    pub(crate) fn new(draft: Box<dyn Draft>, origin: Origin, house: &House) -> Self {
        Incoming {
            draft,
            fields: Fields::default(),
            held: BytesMut::new(),
            origin,
            added: String::new(),
            failed: None,
            id: house.message_id(),
            domain: house.domain.clone(),
            ours: house.ours.clone(),
            now: house.now(),
        }
    }

    /// Takes the next bytes. What goes wrong is said at the end: the peer cannot be
    /// told before (RFC 5321 4.5.4.2).
    pub(crate) async fn write(&mut self, data: Bytes) {
        if self.failed.is_none()
            && let Err(refusal) = self.take(data).await
        {
            self.failed = Some(refusal);
            self.held.clear();
            self.origin = Origin::Stranger(None);
        }
    }

    async fn take(&mut self, mut data: Bytes) -> Result<(), Refusal> {
        if let Origin::Stranger(Some(checks)) = &mut self.origin {
            checks.write(&data);
        }
        if !self.fields.over {
            let header = data.split_to(self.fields.read(&data));
            if self.fields.received > MAX_HOPS {
                return Err(Refusal::Loop);
            }
            if self.fields.bytes > MAX_HEADER {
                return Err(Refusal::Header);
            }
            self.held.extend_from_slice(&header);
            if self.fields.over {
                self.end_header().await?;
            }
        }
        if let Origin::User(_, Some(signing)) = &mut self.origin {
            signing.write(&data)?;
        }
        Ok(self.draft.write(data).await?)
    }

    /// The header is complete: it goes where the body will.
    async fn end_header(&mut self) -> Result<(), Refusal> {
        let header = self.held.split().freeze();
        // Whoever reads the message believes what was found here (RFC 8601 5).
        let header = match self.ours.strip(&header) {
            Cow::Borrowed(_) => header,
            Cow::Owned(clean) => clean.into(),
        };
        if let Origin::User(address, signing) = &mut self.origin {
            only_author(&header, address, &self.domain)?;
            self.added = self.fields.missing(&self.id, &self.domain, self.now);
            if let Some(signing) = signing {
                signing.write(self.added.as_bytes())?;
                signing.write(&header)?;
            }
        }
        Ok(self.draft.write(header).await?)
    }

    /// All of it came.
    pub(crate) async fn complete(mut self, trace: &Trace<'_>) -> Result<Complete, Refusal> {
        if self.failed.is_none() && !self.fields.over {
            self.end_header().await?; // a message without a body
        }
        if let Some(refusal) = self.failed {
            return Err(refusal);
        }
        let mut head = trace.return_path();
        let mut quarantined = false;
        match self.origin {
            Origin::Stranger(None) => head.push_str(&trace.received()),
            Origin::Stranger(Some(checks)) => {
                let Checked { field, action } = checks.finish(&self.domain).await;
                match action {
                    Action::Deliver => {}
                    Action::Quarantine => quarantined = true,
                    Action::Reject(domain) => return Err(Refusal::Dmarc(domain)),
                    Action::Nobody(why) => return Err(Refusal::Nobody(why)),
                    Action::Later => return Err(Refusal::Later),
                }
                head.push_str(&field);
                head.push_str(&trace.received());
            }
            Origin::User(_, signing) => {
                head.push_str(&trace.received());
                if let Some(signing) = signing {
                    head.push_str(&signing.finish(&SystemRandom::new())?);
                }
                head.push_str(&self.added);
            }
        }
        Ok(Complete {
            draft: self.draft,
            head,
            quarantined,
        })
    }
}

/// Nobody may write in another user's name. An author elsewhere is the user's own
/// business: they may have other addresses.
fn only_author(header: &[u8], address: &str, domain: &str) -> Result<(), Refusal> {
    let message = Message::parse_header(header);
    for field in message.header().all("from") {
        let authors = field.addresses();
        for author in scop_mime::mailboxes(&authors) {
            let author = author.address();
            let here = author.rsplit_once('@');
            let is_here = here.is_some_and(|(_, at)| at.eq_ignore_ascii_case(domain));
            if is_here && !author.eq_ignore_ascii_case(address) {
                return Err(Refusal::NotYou(address.to_owned()));
            }
        }
    }
    Ok(())
}

/// Which fields a header has, read in pieces of any size.
#[derive(Debug, Default)]
struct Fields {
    /// How the line begins that is being read.
    start: Vec<u8>,
    bytes: usize,
    over: bool,
    received: u32,
    date: bool,
    message_id: bool,
}

impl Fields {
    /// As much of a line as is looked at.
    const START: usize = 16;

    /// How many bytes of `data` are the header's, with the line that ends it.
    fn read(&mut self, data: &[u8]) -> usize {
        let mut at = 0;
        while !self.over
            && let Some(rest) = data.get(at..)
            && !rest.is_empty()
        {
            let end = memchr(b'\n', rest).map(|lf| lf + 1);
            let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = Self::START
                .saturating_sub(self.start.len())
                .min(piece.len());
            self.start
                .extend_from_slice(piece.get(..room).unwrap_or_default());
            at += piece.len();
            if end.is_some() {
                self.line();
            }
        }
        self.bytes += at;
        at
    }

    fn line(&mut self) {
        let is = |name: &[u8]| {
            let start = self.start.get(..name.len()).unwrap_or_default();
            let rest = self.start.get(name.len()..).unwrap_or_default();
            // Blanks before the colon are obsolete, and still fields (RFC 5322 4.5.3).
            start.eq_ignore_ascii_case(name) && rest.trim_ascii_start().starts_with(b":")
        };
        self.received += u32::from(is(b"received"));
        self.date |= is(b"date");
        self.message_id |= is(b"message-id");
        self.over = self.start == b"\r\n" || self.start == b"\n";
        self.start.clear();
    }

    /// What a user's message is to have besides (RFC 6409 8.2 and 8.3).
    fn missing(&self, id: &str, domain: &str, now: u64) -> String {
        let mut fields = String::new();
        if !self.date {
            fields.push_str(&format!("Date: {}\r\n", date(now)));
        }
        if !self.message_id {
            fields.push_str(&format!("Message-ID: <{id}@{domain}>\r\n"));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_however_the_header_is_cut() {
        let text =
            b"Received: a\r\n b\r\nDATE : x\r\nX-Message-ID: n\r\nReceived:\r\n\r\nDate: body\r\n";
        let header = text.len() - b"Date: body\r\n".len();
        for size in 1..=text.len() {
            let mut fields = Fields::default();
            let read: usize = text.chunks(size).map(|piece| fields.read(piece)).sum();
            assert_eq!(read, header, "pieces of {size}");
            assert_eq!(
                (fields.received, fields.date, fields.message_id),
                (2, true, false)
            );
            assert!(fields.over && fields.bytes == header);
        }
        let mut none = Fields::default();
        assert_eq!(none.read(b"\r\nReceived: x\r\n"), 2);
        assert_eq!(none.received, 0);
    }
}
