//! A message on its way from the wire to the store: its header is looked at while
//! it passes, and signed where it is a user's; nothing of it is kept.

use bytes::Bytes;
use memchr::memchr;
use scop_dkim::{SignError, Signer, Signing, SystemRandom};

use super::trace::{Trace, date};
use crate::store::{Delivered, Delivery, Draft, StoreError};

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
        };
        (code, format!("{enhanced} {self}"))
    }
}

/// A message that is coming.
pub(crate) struct Incoming {
    draft: Box<dyn Draft>,
    fields: Fields,
    /// It is a user's: what RFC 6409 8 says may be missing is added.
    submitted: bool,
    signing: Option<Sign>,
    failed: Option<Refusal>,
    /// Its name here.
    pub(crate) id: String,
    /// What its Message-ID is to end in.
    domain: String,
    now: u64,
}

enum Sign {
    /// Held back until it is known what is missing: that goes first.
    Header(Box<Signing>, Vec<u8>),
    Body(Box<Signing>),
}

impl Incoming {
    pub(crate) fn new(draft: Box<dyn Draft>, id: String, domain: &str, now: u64) -> Self {
        Incoming {
            draft,
            fields: Fields::default(),
            submitted: false,
            signing: None,
            failed: None,
            id,
            domain: domain.to_owned(),
            now,
        }
    }

    /// Completes and signs it.
    pub(crate) fn submitted(mut self, signer: Option<&Signer>) -> Self {
        self.submitted = true;
        let signing = signer.map(|s| Sign::Header(Box::new(s.start(self.now)), Vec::new()));
        self.signing = signing;
        self
    }

    /// Takes the next bytes. What goes wrong is said at the end: the peer cannot be
    /// told before (RFC 5321 4.5.4.2).
    pub(crate) async fn write(&mut self, data: Bytes) {
        if self.failed.is_none()
            && let Err(refusal) = self.take(data).await
        {
            self.failed = Some(refusal);
            self.signing = None;
        }
    }

    async fn take(&mut self, data: Bytes) -> Result<(), Refusal> {
        let header = self.fields.read(&data);
        if self.fields.received > MAX_HOPS {
            return Err(Refusal::Loop);
        }
        if self.fields.bytes > MAX_HEADER {
            return Err(Refusal::Header);
        }
        if let Some(Sign::Header(_, held)) = &mut self.signing {
            held.extend_from_slice(data.get(..header).unwrap_or_default());
        }
        if self.fields.over {
            self.sign_header()?;
        }
        if let Some(Sign::Body(signing)) = &mut self.signing {
            signing.write(data.get(header..).unwrap_or_default())?;
        }
        Ok(self.draft.write(data).await?)
    }

    fn sign_header(&mut self) -> Result<(), SignError> {
        let missing = self.missing();
        self.signing = match self.signing.take() {
            Some(Sign::Header(mut signing, held)) => {
                signing.write(missing.as_bytes())?;
                signing.write(&held)?;
                Some(Sign::Body(signing))
            }
            other => other,
        };
        Ok(())
    }

    /// RFC 6409 8.2 and 8.3.
    fn missing(&self) -> String {
        let mut fields = String::new();
        if self.submitted && !self.fields.date {
            fields.push_str(&format!("Date: {}\r\n", date(self.now)));
        }
        if self.submitted && !self.fields.message_id {
            fields.push_str(&format!("Message-ID: <{}@{}>\r\n", self.id, self.domain));
        }
        fields
    }

    /// All of it came: when this returns `Ok` it is in those mailboxes for good.
    pub(crate) async fn deliver(
        mut self,
        trace: &Trace<'_>,
        to: Vec<Delivery>,
    ) -> Result<Vec<Delivered>, Refusal> {
        if let Some(refusal) = self.failed {
            return Err(refusal);
        }
        self.sign_header()?; // a message without a body
        let mut head = trace.return_path() + &trace.received();
        let missing = self.missing();
        if let Some(Sign::Body(signing)) = self.signing {
            head.push_str(&signing.finish(&SystemRandom::new())?);
        }
        head.push_str(&missing);
        Ok(self.draft.deliver(head.into(), to).await?)
    }
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
