//! Passing a message on as it is.

use alloc::vec::Vec;

use super::{Address, Field, Mailbox, MessageId};
use crate::DateTime;

/// Who passes a message on as it is, when and to whom (RFC 5322 3.6.6): a block of
/// Resent- fields, whole by its type, for [`Edit::resend`](crate::edit::Edit::resend).
///
/// To a mail reader the message is still from its author. What is answered or forwarded
/// is a message of its own, and has no such block.
///
/// ```
/// use scop_mime::build::{Mailbox, MessageId, Resent};
/// use scop_mime::edit::Edit;
/// use scop_mime::{DateTime, Message};
///
/// let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
/// let block = Resent::new(Mailbox::new("mary@b.test")?, now)
///     .to(Mailbox::new("jane@c.test")?)
///     .message_id(MessageId::new("2@b.test")?);
/// let message = Message::parse(b"From: john@a.test\r\nSubject: hi\r\n\r\nHi!\r\n");
/// let mut edit = Edit::new(&message);
/// edit.resend(&block)?;
/// assert_eq!(
///     edit.finish()?.to_vec().escape_ascii().to_string(),
///     "Resent-Date: Tue, 14 Nov 2023 22:13:20 +0000\\r\\nResent-From: mary@b.test\\r\\n\
///      Resent-To: jane@c.test\\r\\nResent-Message-ID: <2@b.test>\\r\\n\
///      From: john@a.test\\r\\nSubject: hi\\r\\n\\r\\nHi!\\r\\n"
/// );
/// let recipients: Vec<&str> = block.recipients().map(Mailbox::address).collect();
/// assert_eq!(recipients, ["jane@c.test"]); // for RCPT TO
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Resent {
    date: DateTime,
    from: Vec<Mailbox>,
    sender: Option<Mailbox>,
    to: Vec<Address>,
    cc: Vec<Address>,
    bcc: Vec<Address>,
    message_id: Option<MessageId>,
}

impl Resent {
    /// Passed on by `from` at `date`: what every block must say.
    #[must_use]
    pub fn new(from: Mailbox, date: DateTime) -> Self {
        Resent {
            date,
            from: Vec::from([from]),
            sender: None,
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            message_id: None,
        }
    }

    /// Adds another who passes it on. Of several, the first is the sender too, unless
    /// there is [another](Self::sender).
    #[must_use]
    pub fn and_from(mut self, mailbox: Mailbox) -> Self {
        self.from.push(mailbox);
        self
    }

    /// Who sends it on. A sender who alone passes it on is not written.
    #[must_use]
    pub fn sender(mut self, mailbox: Mailbox) -> Self {
        self.sender = Some(mailbox);
        self
    }

    /// Adds someone to Resent-To.
    #[must_use]
    pub fn to(mut self, address: impl Into<Address>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Adds someone to Resent-Cc.
    #[must_use]
    pub fn cc(mut self, address: impl Into<Address>) -> Self {
        self.cc.push(address.into());
        self
    }

    /// Adds one of the [recipients](Self::recipients) of whom nobody reads in the
    /// message: Resent-Bcc is not written.
    #[must_use]
    pub fn bcc(mut self, address: impl Into<Address>) -> Self {
        self.bcc.push(address.into());
        self
    }

    /// The id of the message as it was passed on, which is not the message's own.
    #[must_use]
    pub fn message_id(mut self, id: MessageId) -> Self {
        self.message_id = Some(id);
        self
    }

    /// Whom it goes to now: those of To, Cc and Bcc in this order. For `RCPT TO`.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.flat_map(Address::mailboxes)
    }

    /// Who is told if it cannot be delivered: the sender, else the first who passes it
    /// on. For `MAIL FROM`.
    #[must_use]
    pub fn reverse_path(&self) -> Option<&Mailbox> {
        self.sender.as_ref().or(self.from.first())
    }

    /// Its fields, from the top.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let one = |mailbox: &Mailbox| Vec::from([Address::from(mailbox.clone())]);
        let from = self.from.iter().cloned().map(Address::from).collect();
        let sender = match (&self.sender, &self.from[..]) {
            (Some(sender), [from]) if sender.address() == from.address() => None,
            (Some(sender), _) => Some(one(sender)),
            (None, [first, _, ..]) => Some(one(first)),
            (None, _) => None,
        };
        let mut fields = Vec::from([
            Field::resent_date(self.date),
            Field::resent_addresses("Resent-From", from),
        ]);
        fields.extend(sender.map(|s| Field::resent_addresses("Resent-Sender", s)));
        for (name, list) in [("Resent-To", &self.to), ("Resent-Cc", &self.cc)] {
            if !list.is_empty() {
                fields.push(Field::resent_addresses(name, list.clone()));
            }
        }
        fields.extend(self.message_id.clone().map(Field::resent_message_id));
        fields
    }
}
