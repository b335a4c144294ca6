//! The builder of messages.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use super::content::Options;
use super::field::{address_needs_utf8, addresses, ids, mailboxes};
use super::fold::Folder;
use super::part::Part;
use super::write::{Boundaries, Writer};
use super::{Address, BuildError, Built, Field, ListField, Mailbox, MessageId, Url, check};
use crate::DateTime;

/// The longest subject, in bytes.
const TEXT: usize = 16 << 10;

/// Room for the header of most messages.
const HEAD: usize = 512;

/// A message that is being built. See the [module](super).
///
/// `S` is what the caller knows a streamed source by: see
/// [`streaming`](Self::streaming).
#[derive(Clone, Debug)]
pub struct Builder<S = Infallible> {
    date: DateTime,
    from: Mailbox,
    /// More authors.
    others: Vec<Mailbox>,
    sender: Option<Mailbox>,
    reply_to: Vec<Address>,
    to: Vec<Address>,
    cc: Vec<Address>,
    bcc: Vec<Address>,
    keep_bcc: bool,
    subject: Option<String>,
    message_id: Option<MessageId>,
    in_reply_to: Vec<MessageId>,
    references: Vec<MessageId>,
    fields: Vec<Field>,
    parts: Vec<(Role, Part<S>)>,
    eight_bit: bool,
    seed: Vec<u8>,
}

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Text,
    Html,
    Calendar,
    Inline,
    Body,
    Attachment,
}

/// Fields that have a method or are written by the builder itself.
const OWN: [&str; 16] = [
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
    "list-unsubscribe",
    "list-unsubscribe-post",
];

impl Builder {
    /// A message from `from`, written at `date`, which is in 1900 or later (RFC 5322 3.3):
    /// what every message must say (3.6).
    #[must_use]
    pub fn new(from: Mailbox, date: DateTime) -> Self {
        Builder {
            date,
            from,
            others: Vec::new(),
            sender: None,
            reply_to: Vec::new(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            keep_bcc: false,
            subject: None,
            message_id: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            fields: Vec::new(),
            parts: Vec::new(),
            eight_bit: false,
            seed: Vec::new(),
        }
    }

    /// The same where parts may be [streamed](Part::streamed): `S` is what the caller
    /// knows a source by, for instance a path. What was said about the header stays;
    /// parts come behind this.
    #[must_use]
    pub fn streaming<S>(self) -> Builder<S> {
        let parts = self.parts.into_iter();
        Builder {
            date: self.date,
            from: self.from,
            others: self.others,
            sender: self.sender,
            reply_to: self.reply_to,
            to: self.to,
            cc: self.cc,
            bcc: self.bcc,
            keep_bcc: self.keep_bcc,
            subject: self.subject,
            message_id: self.message_id,
            in_reply_to: self.in_reply_to,
            references: self.references,
            fields: self.fields,
            parts: parts.map(|(role, part)| (role, part.lift())).collect(),
            eight_bit: self.eight_bit,
            seed: self.seed,
        }
    }
}

impl<S> Builder<S> {
    /// Adds an author. Of several, the first is the sender too, unless there is
    /// [another](Self::sender) (RFC 5322 3.6.2).
    #[must_use]
    pub fn and_from(mut self, mailbox: Mailbox) -> Self {
        self.others.push(mailbox);
        self
    }

    /// Who sends it. A sender that is the only author is not written (RFC 5322 3.6.2).
    #[must_use]
    pub fn sender(mut self, mailbox: Mailbox) -> Self {
        self.sender = Some(mailbox);
        self
    }

    /// Adds someone to answer to.
    #[must_use]
    pub fn reply_to(mut self, address: impl Into<Address>) -> Self {
        self.reply_to.push(address.into());
        self
    }

    /// Adds someone to To.
    #[must_use]
    pub fn to(mut self, address: impl Into<Address>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Adds someone to Cc.
    #[must_use]
    pub fn cc(mut self, address: impl Into<Address>) -> Self {
        self.cc.push(address.into());
        self
    }

    /// Adds someone to Bcc: one of the [recipients](Self::recipients), of whom nobody
    /// reads in the message.
    #[must_use]
    pub fn bcc(mut self, address: impl Into<Address>) -> Self {
        self.bcc.push(address.into());
        self
    }

    /// Writes Bcc too: for a draft, or for the sender's own copy (RFC 5322 3.6.3).
    #[must_use]
    pub fn keep_bcc(mut self) -> Self {
        self.keep_bcc = true;
        self
    }

    /// The subject. What is not ASCII becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`], [`BuildError::TooLong`] over 16 KiB.
    pub fn subject(mut self, subject: impl Into<String>) -> Result<Self, BuildError> {
        let subject = subject.into();
        check("the subject", &subject, TEXT)?;
        self.subject = Some(subject);
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

    /// Adds another field.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`] for one that has a method here, that describes the
    /// body, or that is written on the way of the message: Resent- fields go on top of one
    /// that is there, as a whole [block](super::Resent).
    pub fn field(mut self, field: Field) -> Result<Self, BuildError> {
        let starts = |prefix: &str| {
            let start = field.name().get(..prefix.len());
            start.is_some_and(|s| s.eq_ignore_ascii_case(prefix))
        };
        if OWN.iter().any(|o| field.is(o)) || starts("content-") || starts("resent-") {
            return Err(BuildError::FieldName(
                "it has a method of its own, or is not the author's to write",
            ));
        }
        self.fields.push(field);
        Ok(self)
    }

    /// How to leave the list (RFC 2369 3.2). With `one_click`, mail readers may do it
    /// with a POST to the https link (RFC 8058).
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox, Url};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let builder = Builder::new(Mailbox::new("news@a.test")?, now);
    /// let leave = Url::new("https://a.test/leave?who=4711")?;
    /// let text = String::from_utf8(builder.list_unsubscribe([leave], true)?.build().to_vec())?;
    /// assert!(text.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Empty`] without a link; [`BuildError::Url`] for one click without
    /// exactly one https link.
    pub fn list_unsubscribe(
        mut self,
        urls: impl IntoIterator<Item = Url>,
        one_click: bool,
    ) -> Result<Self, BuildError> {
        let urls: Vec<Url> = urls.into_iter().collect();
        if one_click && urls.iter().filter(|u| u.is_https()).count() != 1 {
            return Err(BuildError::Url);
        }
        self.fields
            .retain(|f| !f.is("list-unsubscribe") && !f.is("list-unsubscribe-post"));
        self.fields.push(Field::list(ListField::Unsubscribe, urls)?);
        if one_click {
            self.fields.push(Field::one_click());
        }
        Ok(self)
    }

    /// The text: see [`Part::text`].
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.one(Role::Text, Part::text(text).lift())
    }

    /// The text in paragraphs that may be flowed: see [`Part::flowed`].
    #[must_use]
    pub fn flowed(self, text: &str) -> Self {
        self.one(Role::Text, Part::flowed(text).lift())
    }

    /// The same as HTML. With a text, a reader chooses (`multipart/alternative`).
    #[must_use]
    pub fn html(self, html: impl Into<String>) -> Self {
        self.one(Role::Html, Part::html(html).lift())
    }

    /// An invitation, as an alternative to the text and as an attachment, since some
    /// readers know only one of these: see [`Part::calendar`].
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no method.
    pub fn calendar(self, method: &str, text: impl Into<String>) -> Result<Self, BuildError> {
        let text = text.into();
        let file = Part::data("application/ics", text.clone().into_bytes())?;
        let calendar = Part::calendar(method, text)?.lift();
        let this = self.one(Role::Calendar, calendar);
        Ok(this.attach(file.attached().file_name("invite.ics")?.lift()))
    }

    /// Adds what the HTML refers to by its [content id](Part::content_id), an image
    /// mostly: `multipart/related` with the HTML, or with the [body](Self::body), or,
    /// where there is neither, with the text.
    #[must_use]
    pub fn inline(mut self, part: Part<S>) -> Self {
        self.parts.push((Role::Inline, part));
        self
    }

    /// Adds an attachment: [`Part::attachment`], or any part.
    #[must_use]
    pub fn attach(mut self, part: Part<S>) -> Self {
        self.parts.push((Role::Attachment, part));
        self
    }

    /// The body as any tree of parts, in place of text, HTML and calendar. Attachments
    /// come behind it.
    #[must_use]
    pub fn body(self, part: Part<S>) -> Self {
        self.one(Role::Body, part)
    }

    /// The part for a role that there is once.
    fn one(mut self, role: Role, part: Part<S>) -> Self {
        self.parts.retain(|p| p.0 != role);
        self.parts.push((role, part));
        self
    }

    /// Texts may be sent in 8bit: whoever takes the message has 8BITMIME (RFC 6152).
    #[must_use]
    pub fn eight_bit(mut self) -> Self {
        self.eight_bit = true;
        self
    }

    /// Makes boundaries depend on this as well. Without it they follow from what the
    /// message says alone.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Vec<u8>>) -> Self {
        self.seed = seed.into();
        self
    }

    /// Whom it goes to: To, Cc and Bcc, those in groups too, in this order. For
    /// `RCPT TO`.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.flat_map(Address::mailboxes)
    }

    /// Who is told if it cannot be delivered: the sender, else the first author. For
    /// `MAIL FROM`.
    #[must_use]
    pub fn reverse_path(&self) -> Option<&Mailbox> {
        Some(self.sender.as_ref().unwrap_or(&self.from))
    }

    /// The message. Large attachments are not encoded yet: they are as they leave.
    #[must_use]
    pub fn build(mut self) -> Built<S> {
        let utf8 = self.needs_utf8();
        let mut root = self.root();
        let eight_bit = root.choose(Options {
            eight_bit: self.eight_bit,
            ..Options::default()
        });
        let depth = root.depth();
        let mut head = Vec::with_capacity(HEAD + root.room());
        self.head(&mut head, utf8);
        let boundaries = match root.is_multipart() {
            true => Boundaries::new(&self.seed, &head, &root),
            false => Boundaries::none(),
        };
        let mut out = Writer::new(head, boundaries, utf8);
        out.part(root);
        out.finish(eight_bit, depth)
    }

    fn authors(&self) -> impl Iterator<Item = &Mailbox> {
        core::iter::once(&self.from).chain(&self.others)
    }

    fn needs_utf8(&self) -> bool {
        let mut mailboxes = self.authors().chain(&self.sender);
        let bcc = self.keep_bcc.then_some(&self.bcc).into_iter().flatten();
        let lists = self.to.iter().chain(&self.cc).chain(&self.reply_to);
        mailboxes.any(Mailbox::needs_smtputf8)
            || lists.chain(bcc).any(address_needs_utf8)
            || self.fields.iter().any(Field::needs_utf8)
    }

    /// The tree of parts.
    fn root(&mut self) -> Part<S> {
        let (mut body, mut text, mut html, mut calendar) = (None, None, None, None);
        let (mut inline, mut attachments) = (Vec::new(), Vec::new());
        for (role, part) in self.parts.drain(..) {
            match role {
                Role::Text => text = Some(part),
                Role::Html => html = Some(part),
                Role::Calendar => calendar = Some(part),
                Role::Body => body = Some(part),
                Role::Inline => inline.push(part),
                Role::Attachment => attachments.push(part),
            }
        }
        let alone = inline.is_empty();
        let related = |part: Part<S>| match alone {
            true => part,
            false => Part::of_related(part, inline),
        };
        let content = match (body, html, text, calendar) {
            (Some(body), ..) => Some(related(body)),
            (None, None, None, None) if alone => None,
            (None, None, None, None) => Some(related(Part::text("").lift())),
            (None, None, Some(text), None) => Some(related(text)),
            (None, None, text, calendar) => {
                let all = [text, calendar].into_iter().flatten();
                Some(related(Part::of_alternatives(all.collect())))
            }
            (None, Some(html), text, calendar) => {
                let all = [text, Some(related(html)), calendar];
                Some(Part::of_alternatives(all.into_iter().flatten().collect()))
            }
        };
        match (content, attachments.is_empty()) {
            (Some(content), true) if !content.is_entity() => content,
            (None, true) => Part::text("").lift(),
            (content, _) => {
                let mut parts = attachments;
                if let Some(content) = content {
                    parts.insert(0, content);
                }
                Part::of_parts("multipart/mixed", parts)
            }
        }
    }

    fn head(&self, out: &mut Vec<u8>, utf8: bool) {
        out.extend_from_slice(b"Date: ");
        self.date.write_rfc5322(out);
        out.extend_from_slice(b"\r\n");
        mailboxes(out, "From", self.authors(), utf8);
        let alone = self.others.is_empty();
        let sender = match &self.sender {
            Some(sender) if alone && self.from.address() == sender.address() => None,
            None if alone => None,
            sender => Some(sender.as_ref().unwrap_or(&self.from)),
        };
        if let Some(sender) = sender {
            mailboxes(out, "Sender", core::iter::once(sender), utf8);
        }
        addresses(out, "Reply-To", &self.reply_to, utf8);
        addresses(out, "To", &self.to, utf8);
        addresses(out, "Cc", &self.cc, utf8);
        if self.keep_bcc {
            addresses(out, "Bcc", &self.bcc, utf8);
        }
        if let Some(subject) = &self.subject {
            Folder::field(out, "Subject", utf8).text(subject).end();
        }
        ids(out, "Message-ID", self.message_id.as_slice());
        ids(out, "In-Reply-To", &self.in_reply_to);
        ids(out, "References", &self.references);
        for field in &self.fields {
            field.write(out, utf8);
        }
        out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    }
}
