//! Build messages (RFC 5322, RFC 2045 to 2047, RFC 2183, RFC 2231).
//!
//! What cannot be carried is refused where it is given: a line end or NUL in a
//! header, an address that is none, a file name with a line end. So what a
//! [`Builder`] holds is a valid message, and [`Builder::build`] cannot fail. There
//! is no clock and no randomness: the date and the Message-ID are the caller's, and
//! the same calls give the same bytes.
//!
//! ```
//! use scop_mime::build::{Attachment, Builder, Mailbox, MessageId};
//! use scop_mime::{DateTime, Message};
//!
//! let ann = Mailbox::new("ann@example.org")?.named("Ann Döe")?;
//! let now = DateTime::from_unix(1_700_000_000, 60).unwrap();
//! let built = Builder::new(ann, now)
//!     .to(Mailbox::new("bob@example.com")?)
//!     .subject("Grüße aus Köln")?
//!     .message_id(MessageId::new("1@example.org")?)
//!     .text("Hello Bob,\nsee the picture.\n")
//!     .attach(Attachment::new("Köln.png", "image/png", &b"\x89PNG"[..])?)
//!     .build();
//! let bytes = built.to_vec(); // or built.chunks(): the attachment is never there twice
//! let message = Message::parse(&bytes);
//! assert_eq!(message.header().subject().as_deref(), Some("Grüße aus Köln"));
//! assert_eq!(message.attachments().next().unwrap().filename().as_deref(), Some("Köln.png"));
//! assert!(message.inspect().is_empty());
//! # Ok::<(), scop_mime::build::BuildError>(())
//! ```

mod attachment;
mod body;
mod fold;
mod people;
mod stream;

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use thiserror::Error;

pub use attachment::Attachment;
pub use people::{Mailbox, MessageId};
pub use stream::{Built, Chunks};

use crate::DateTime;
use body::TextBody;
use fold::Folder;
use stream::Segment;

/// A value that no message can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// CR, LF or NUL, which would end the line or the message.
    #[error("{what} has a CR, LF or NUL at byte {offset} (RFC 5322 2.2); take it out")]
    Control {
        /// Of what.
        what: &'static str,
        /// Where in the value.
        offset: usize,
    },
    /// Longer than readers look at.
    #[error("{what} has more than {limit} bytes; shorten it")]
    TooLong {
        /// What.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not an address.
    #[error("not an address local@domain in ASCII (RFC 5322 3.4.1): {0}")]
    Address(&'static str),
    /// Not a message id.
    #[error("not a message id left@right in ASCII, without brackets (RFC 5322 3.6.4)")]
    MessageId,
    /// Not a type that an attachment may have.
    #[error("not a content type for an attachment (RFC 2045 5.1): {0}")]
    ContentType(&'static str),
    /// Not a name of a field that may be added.
    #[error("not a field that may be added: {0}")]
    FieldName(&'static str),
}

/// The longest text of a header, in bytes: encoded it stays under the
/// [limit](crate::Limits::field_bytes) of a field.
const TEXT: usize = 16 << 10;

/// Refuses what would end a line, and what is longer than `limit`.
fn check(what: &'static str, text: &str, limit: usize) -> Result<(), BuildError> {
    if text.len() > limit {
        return Err(BuildError::TooLong { what, limit });
    }
    match memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()) {
        Some(offset) => Err(BuildError::Control { what, offset }),
        None => Ok(()),
    }
}

/// A message that is being built. See the [module](self).
#[derive(Clone, Debug)]
pub struct Builder {
    date: DateTime,
    from: Mailbox,
    sender: Option<Mailbox>,
    reply_to: Vec<Mailbox>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    subject: Option<String>,
    message_id: Option<MessageId>,
    in_reply_to: Vec<MessageId>,
    references: Vec<MessageId>,
    extra: Vec<(String, String)>,
    text: Option<String>,
    html: Option<String>,
    attachments: Vec<Attachment>,
}

/// Fields that have a method or are written by the builder itself.
const OWN: [&str; 14] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "received",
    "return-path",
];

impl Builder {
    /// A message from `from`, written at `date`: what every message must say (RFC 5322
    /// 3.6).
    #[must_use]
    pub fn new(from: Mailbox, date: DateTime) -> Self {
        Builder {
            date,
            from,
            sender: None,
            reply_to: Vec::new(),
            to: Vec::new(),
            cc: Vec::new(),
            subject: None,
            message_id: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            extra: Vec::new(),
            text: None,
            html: None,
            attachments: Vec::new(),
        }
    }

    /// Who sends it, if not the author.
    #[must_use]
    pub fn sender(mut self, mailbox: Mailbox) -> Self {
        self.sender = Some(mailbox);
        self
    }

    /// Adds someone to answer to.
    #[must_use]
    pub fn reply_to(mut self, mailbox: Mailbox) -> Self {
        self.reply_to.push(mailbox);
        self
    }

    /// Adds someone to To.
    #[must_use]
    pub fn to(mut self, mailbox: Mailbox) -> Self {
        self.to.push(mailbox);
        self
    }

    /// Adds someone to Cc. There is no Bcc: whom a message goes to besides is said to
    /// the server (`RCPT TO`), not in the message.
    #[must_use]
    pub fn cc(mut self, mailbox: Mailbox) -> Self {
        self.cc.push(mailbox);
        self
    }

    /// The subject. What is not ASCII becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`], [`BuildError::TooLong`] over 16 KiB.
    pub fn subject(mut self, subject: &str) -> Result<Self, BuildError> {
        check("the subject", subject, TEXT)?;
        self.subject = Some(subject.into());
        Ok(self)
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(mut self, id: MessageId) -> Self {
        self.message_id = Some(id);
        self
    }

    /// Adds a message that this one answers.
    #[must_use]
    pub fn in_reply_to(mut self, id: MessageId) -> Self {
        self.in_reply_to.push(id);
        self
    }

    /// Adds a message of the conversation, oldest first.
    #[must_use]
    pub fn reference(mut self, id: MessageId) -> Self {
        self.references.push(id);
        self
    }

    /// Adds another field of unstructured text, for instance `X-Mailer`. What is not
    /// ASCII becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`] for a name that is none, one that has a method here
    /// or that describes the body; [`BuildError::Control`] and
    /// [`BuildError::TooLong`] (16 KiB) for the value.
    pub fn field(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        let graphic = name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if name.is_empty() || name.len() > 76 || !graphic {
            return Err(BuildError::FieldName(
                "a name is 1 to 76 printable characters without a colon",
            ));
        }
        let lower = name.to_ascii_lowercase();
        if OWN.contains(&lower.as_str()) || lower.starts_with("content-") {
            return Err(BuildError::FieldName(
                "it has a method of its own, or is not the author's to write",
            ));
        }
        check("a field", value, TEXT)?;
        self.extra.push((name.into(), value.into()));
        Ok(self)
    }

    /// The text, in lines that end in LF or CRLF. A last line without an end gets one.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The same as HTML. With a text, a reader chooses (`multipart/alternative`).
    #[must_use]
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Adds an attachment.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// The message. Attachments are not encoded yet: they are as they leave.
    #[must_use]
    pub fn build(self) -> Built {
        let mut head = String::new();
        self.head(&mut head);
        let mut texts = Vec::new();
        if let Some(text) = &self.text {
            texts.push(TextBody::new("plain", text));
        }
        if let Some(html) = &self.html {
            texts.push(TextBody::new("html", html));
        }
        if texts.is_empty() && self.attachments.is_empty() {
            texts.push(TextBody::new("plain", ""));
        }
        let boundaries = Boundaries::new(&head, &texts);
        let mut out = Writer {
            buffer: head,
            segments: Vec::new(),
        };
        match self.attachments.is_empty() {
            true => out.texts(&texts, &boundaries),
            false => {
                out.multipart("mixed", &boundaries.mixed);
                if !texts.is_empty() {
                    out.delimiter(&boundaries.mixed, "");
                    out.texts(&texts, &boundaries);
                }
                for attachment in self.attachments {
                    out.delimiter(&boundaries.mixed, "");
                    attachment.head(&mut out.buffer);
                    out.bytes(Segment::Base64(attachment.data));
                }
                out.delimiter(&boundaries.mixed, "--");
            }
        }
        out.finish()
    }

    fn head(&self, out: &mut String) {
        Folder::field(out, "Date")
            .word(&self.date.to_rfc5322())
            .end();
        let from = core::slice::from_ref(&self.from);
        mailboxes(out, "From", from);
        mailboxes(out, "Sender", self.sender.as_slice());
        mailboxes(out, "Reply-To", &self.reply_to);
        mailboxes(out, "To", &self.to);
        mailboxes(out, "Cc", &self.cc);
        if let Some(subject) = &self.subject {
            Folder::field(out, "Subject").text(subject).end();
        }
        ids(out, "Message-ID", self.message_id.as_slice());
        ids(out, "In-Reply-To", &self.in_reply_to);
        ids(out, "References", &self.references);
        for (name, value) in &self.extra {
            Folder::field(out, name).text(value).end();
        }
        out.push_str("MIME-Version: 1.0\r\n");
    }
}

fn mailboxes(out: &mut String, name: &str, mailboxes: &[Mailbox]) {
    let Some((last, others)) = mailboxes.split_last() else {
        return;
    };
    let mut folder = Folder::field(out, name);
    for mailbox in others {
        mailbox.write(&mut folder, ",");
    }
    last.write(&mut folder, "");
    folder.end();
}

fn ids(out: &mut String, name: &str, ids: &[MessageId]) {
    if ids.is_empty() {
        return;
    }
    let mut folder = Folder::field(out, name);
    for id in ids {
        folder.word(&alloc::format!("<{}>", id.as_str()));
    }
    folder.end();
}

/// Boundaries that no line of the message begins with. base64 and quoted-printable
/// have no `=_`; other text is searched.
struct Boundaries {
    mixed: String,
    alternative: String,
}

impl Boundaries {
    fn new(head: &str, texts: &[TextBody]) -> Self {
        // FNV-1a: messages that are put into each other should differ here.
        let bytes = texts.iter().flat_map(|t| t.encoded.iter());
        let hash = head.bytes().chain(bytes.copied());
        let hash = hash.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let mut number = 0u64;
        let mut next = || loop {
            let boundary = alloc::format!("=_{hash:016x}_{number:04x}");
            number += 1;
            let finder = memchr::memmem::Finder::new(boundary.as_bytes());
            if texts.iter().all(|t| finder.find(&t.encoded).is_none()) {
                return boundary;
            }
        };
        Boundaries {
            mixed: next(),
            alternative: next(),
        }
    }
}

/// Puts a message together.
struct Writer {
    buffer: String,
    segments: Vec<Segment>,
}

impl Writer {
    /// One text, or two to choose from.
    fn texts(&mut self, texts: &[TextBody], boundaries: &Boundaries) {
        if let [text] = texts {
            return self.text(text);
        }
        self.multipart("alternative", &boundaries.alternative);
        for text in texts {
            self.delimiter(&boundaries.alternative, "");
            self.text(text);
        }
        self.delimiter(&boundaries.alternative, "--");
    }

    fn text(&mut self, text: &TextBody) {
        text.head(&mut self.buffer);
        self.buffer.push_str("\r\n");
        self.bytes(Segment::Plain(Bytes::copy_from_slice(&text.encoded)));
    }

    fn multipart(&mut self, subtype: &str, boundary: &str) {
        Folder::field(&mut self.buffer, "Content-Type")
            .word(&alloc::format!("multipart/{subtype};"))
            .word(&alloc::format!("boundary=\"{boundary}\""))
            .end();
    }

    /// The line end before it is the delimiter's; behind a header it is the empty line.
    fn delimiter(&mut self, boundary: &str, close: &str) {
        self.buffer.push_str("\r\n--");
        self.buffer.push_str(boundary);
        self.buffer.push_str(close);
        self.buffer.push_str("\r\n");
    }

    fn bytes(&mut self, segment: Segment) {
        let text = core::mem::take(&mut self.buffer);
        self.segments.push(Segment::Plain(text.into_bytes().into()));
        self.segments.push(segment);
    }

    fn finish(mut self) -> Built {
        let text = core::mem::take(&mut self.buffer);
        self.segments.push(Segment::Plain(text.into_bytes().into()));
        Built::new(self.segments)
    }
}
