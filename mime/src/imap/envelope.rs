//! ENVELOPE.

use alloc::vec::Vec;

use crate::value::lex::unfold;
use crate::{Address, Header, Mailbox};

/// The data of IMAP's ENVELOPE (RFC 3501 7.4.2).
///
/// Strings are as stored, on one line: encoded words are not decoded, 8-bit bytes are
/// kept, NUL is left out because no IMAP string can hold it. A field that is absent
/// is `None` or empty; of one that is there twice the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// The Date as it is written.
    pub date: Option<Vec<u8>>,
    /// The Subject.
    pub subject: Option<Vec<u8>>,
    /// From.
    pub from: Vec<EnvelopeAddress>,
    /// Sender; as From where it is absent or empty.
    pub sender: Vec<EnvelopeAddress>,
    /// Reply-To; as From where it is absent or empty.
    pub reply_to: Vec<EnvelopeAddress>,
    /// To.
    pub to: Vec<EnvelopeAddress>,
    /// Cc.
    pub cc: Vec<EnvelopeAddress>,
    /// Bcc.
    pub bcc: Vec<EnvelopeAddress>,
    /// In-Reply-To as it is written, with brackets.
    pub in_reply_to: Option<Vec<u8>>,
    /// The Message-ID as it is written, with brackets.
    pub message_id: Option<Vec<u8>>,
}

/// An address of an [`Envelope`]. A group is its name, with no host, then its
/// members, then an end marker, with neither host nor mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnvelopeAddress {
    /// The display name: without quotes, encoded words not decoded.
    pub name: Option<Vec<u8>>,
    /// The source route.
    pub adl: Option<Vec<u8>>,
    /// What is before the `@`: without quotes. The name of a group at its start.
    pub mailbox: Option<Vec<u8>>,
    /// What is behind the `@`. An address without a domain has an empty one: `None`
    /// would make it a group.
    pub host: Option<Vec<u8>>,
}

impl Envelope {
    /// The fields that it is made of, in its order.
    pub(crate) const FIELDS: [&str; 10] = [
        "date",
        "subject",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "in-reply-to",
        "message-id",
    ];

    /// The envelope of a message, from its header.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"From: \"A. B.\" <a@b.test>\r\nTo: team:;\r\n\r\n");
    /// let envelope = message.envelope();
    /// assert_eq!(envelope.from[0].name.as_deref(), Some(&b"A. B."[..]));
    /// assert_eq!(envelope.sender, envelope.from);
    /// assert_eq!(envelope.to.len(), 2); // the group's start and its end
    /// ```
    #[must_use]
    pub fn of(header: &Header<'_, '_>) -> Self {
        let mut envelope = Envelope::default();
        let mut seen = [false; 10];
        // One pass: a header may have thousands of fields.
        for field in header.fields() {
            let name = field.name();
            let which = Self::FIELDS
                .iter()
                .position(|n| n.eq_ignore_ascii_case(name));
            let Some(which) = which else { continue };
            match seen.get_mut(which) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let text = || Some(unfold(field.value()).into_owned());
            let addresses = || addresses(&field.addresses());
            match which {
                0 => envelope.date = text(),
                1 => envelope.subject = text(),
                2 => envelope.from = addresses(),
                3 => envelope.sender = addresses(),
                4 => envelope.reply_to = addresses(),
                5 => envelope.to = addresses(),
                6 => envelope.cc = addresses(),
                7 => envelope.bcc = addresses(),
                8 => envelope.in_reply_to = text(),
                _ => envelope.message_id = text(),
            }
        }
        if envelope.sender.is_empty() {
            envelope.sender.clone_from(&envelope.from);
        }
        if envelope.reply_to.is_empty() {
            envelope.reply_to.clone_from(&envelope.from);
        }
        envelope
    }
}

fn addresses(list: &[Address<'_>]) -> Vec<EnvelopeAddress> {
    let mut out = Vec::new();
    for address in list {
        match address {
            Address::Mailbox(mailbox) => out.push(of_mailbox(mailbox)),
            Address::Group { raw_name, members } => {
                out.push(EnvelopeAddress {
                    mailbox: Some(clean(raw_name)),
                    ..EnvelopeAddress::default()
                });
                out.extend(members.iter().map(of_mailbox));
                out.push(EnvelopeAddress::default());
            }
        }
    }
    out
}

fn of_mailbox(mailbox: &Mailbox<'_>) -> EnvelopeAddress {
    let name = mailbox.raw_name().map(clean);
    EnvelopeAddress {
        name: name.filter(|n| !n.is_empty()),
        adl: mailbox.route().map(clean),
        mailbox: Some(clean(mailbox.local())),
        host: Some(clean(mailbox.domain().unwrap_or_default())),
    }
}

/// A name may have a line end in it where the value was quoted or odd.
fn clean(bytes: &[u8]) -> Vec<u8> {
    unfold(bytes).into_owned()
}
