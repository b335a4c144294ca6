//! The header of a reply (RFC 5322 3.6.2, 3.6.4, 3.6.5 and appendix A.2).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Builder, Mailbox, MessageId};
use crate::value::parameter::percent_decode;
use crate::{Address, DateTime, Header, mailboxes};

/// The most ids that References has: of a longer conversation the first and the latest.
const REFERENCES: usize = 100;

/// The most bytes of the subject that are taken over.
const SUBJECT: usize = 8 << 10;

/// Whom a reply goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyTo {
    /// Who asked for it in Reply-To, else the authors.
    Author,
    /// These, and in Cc all others whom the message went to.
    Everyone,
    /// The mailing list, by its List-Post (RFC 2369 3.4); without one these of
    /// [`Author`](Self::Author).
    List,
}

impl Builder {
    /// A reply to a message: whom it goes to, `Re:` before the subject unless it is there,
    /// In-Reply-To, and References, which are those of the message and its id. What goes into
    /// it is the caller's to add, as in any message.
    ///
    /// Nobody gets it twice, and `from` none; but whoever answers a message of their own
    /// writes to those it was for. An address that a message cannot carry is left out: whoever
    /// is left is in [`recipients`](Self::recipients). So are ids that are none, and of
    /// more than a hundred References all but the first and the latest.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox, ReplyTo};
    /// use scop_mime::{DateTime, Message};
    /// # let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
    ///
    /// let message = Message::parse(b"From: Ann <ann@a.test>\r\nTo: me@b.test, cy@c.test\r\n\
    ///     Subject: Lunch\r\nMessage-ID: <2@a.test>\r\nReferences: <1@c.test>\r\n\r\nNoon?\r\n");
    /// let me = Mailbox::new("me@b.test")?;
    /// let reply = Builder::reply(&message.header(), me, now, ReplyTo::Everyone).text("Yes.\n");
    /// let text = String::from_utf8(reply.build().into_vec())?;
    /// assert!(text.contains("To: Ann <ann@a.test>\r\nCc: cy@c.test\r\nSubject: Re: Lunch\r\n\
    ///     In-Reply-To: <2@a.test>\r\nReferences: <1@c.test> <2@a.test>\r\n"), "{text}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reply(header: &Header<'_, '_>, from: Mailbox, date: DateTime, to: ReplyTo) -> Self {
        let mut seen = BTreeSet::from([from.address().to_ascii_lowercase()]);
        let mut primary = Vec::new();
        if to == ReplyTo::List
            && let Some(list) = list_post(header)
        {
            take(&mut primary, &mut seen, [list]);
        }
        if primary.is_empty() {
            let asked = header.reply_to();
            let asked = if asked.is_empty() {
                header.from()
            } else {
                asked
            };
            take(&mut primary, &mut seen, written(&asked));
        }
        if primary.is_empty() {
            take(&mut primary, &mut seen, written(&header.to()));
        }
        let start = Builder::new(from, date);
        // Without controls, and short enough, it is one.
        let about = subject(&header.subject().unwrap_or_default());
        let start = start.clone().subject(about).unwrap_or(start);
        let mut reply = primary.into_iter().fold(start, Builder::to);
        if to == ReplyTo::Everyone {
            let mut others = Vec::new();
            take(&mut others, &mut seen, written(&header.to()));
            take(&mut others, &mut seen, written(&header.cc()));
            reply = others.into_iter().fold(reply, Builder::cc);
        }
        let id = header.message_id().and_then(|id| MessageId::new(id).ok());
        let before = match header.references() {
            ids if ids.is_empty() => match header.in_reply_to() {
                // Of several none is known to be its parent (RFC 5322 3.6.4).
                ids if ids.len() == 1 => ids,
                _ => Vec::new(),
            },
            ids => ids,
        };
        let before = before.into_iter().filter_map(|id| MessageId::new(id).ok());
        let all: Vec<MessageId> = before.chain(id.clone()).collect();
        let middle = 1..(all.len() + 1).saturating_sub(REFERENCES).max(1);
        let kept = all.into_iter().enumerate();
        let kept = kept
            .filter(|(at, _)| !middle.contains(at))
            .map(|(_, id)| id);
        reply = kept.fold(reply, Builder::reference);
        match id {
            Some(id) => reply.in_reply_to(id),
            None => reply,
        }
    }
}

/// Those of addresses that were read that can be written.
fn written<'l>(list: &'l [Address<'_>]) -> impl Iterator<Item = Mailbox> + 'l {
    mailboxes(list).filter_map(|mailbox| Mailbox::try_from(mailbox).ok())
}

/// Takes those that were not seen.
fn take(
    into: &mut Vec<Mailbox>,
    seen: &mut BTreeSet<String>,
    from: impl IntoIterator<Item = Mailbox>,
) {
    for mailbox in from {
        if seen.insert(mailbox.address().to_ascii_lowercase()) {
            into.push(mailbox);
        }
    }
}

/// Where the list takes messages.
fn list_post(header: &Header<'_, '_>) -> Option<Mailbox> {
    let field = header.get("list-post")?;
    let urls = field.list_urls();
    let address = urls.first_of("mailto")?.get("mailto:".len()..)?;
    let address = address.split('?').next()?;
    // Percent-encoded (RFC 6068 2).
    let mut bytes = Vec::new();
    percent_decode(address.as_bytes(), &mut bytes);
    Mailbox::new(&String::from_utf8(bytes).ok()?).ok()
}

/// `Re:` once, and what a subject can carry.
fn subject(original: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut subject: String = original.chars().map(plain).collect();
    let start = subject.trim_start().get(..3);
    if !start.is_some_and(|start| start.eq_ignore_ascii_case("re:")) {
        subject.insert_str(0, "Re: ");
    }
    subject.truncate(subject.floor_char_boundary(SUBJECT));
    subject.truncate(subject.trim_end().len());
    subject
}
