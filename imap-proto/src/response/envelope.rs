//! `ENVELOPE` (RFC 3501 section 7.4.2).

use alloc::vec::Vec;

use bytes::Bytes;

use super::{cursor::Cursor, write};
use crate::types::write::nstring;

/// The envelope of a message: its addressing headers as the server parsed them.
///
/// Strings are the raw header values, unfolded: encoded words (RFC 2047) are as
/// they came, and bytes may be in any charset. A field is `None` or empty when the
/// header is missing. On the way out any byte is safe: what cannot be quoted
/// becomes a literal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `Date:` as written in the message.
    pub date: Option<Bytes>,
    /// `Subject:`.
    pub subject: Option<Bytes>,
    /// `From:`.
    pub from: Vec<Address>,
    /// `Sender:`; servers repeat `From:` where it is missing.
    pub sender: Vec<Address>,
    /// `Reply-To:`; servers repeat `From:` where it is missing.
    pub reply_to: Vec<Address>,
    /// `To:`.
    pub to: Vec<Address>,
    /// `Cc:`.
    pub cc: Vec<Address>,
    /// `Bcc:`.
    pub bcc: Vec<Address>,
    /// `In-Reply-To:`.
    pub in_reply_to: Option<Bytes>,
    /// `Message-ID:`.
    pub message_id: Option<Bytes>,
}

/// An address, or the start or end of a group.
///
/// A group starts with an address that has a `mailbox` (its name) and no `host`, and
/// ends with one that has neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name.
    pub name: Option<Bytes>,
    /// The source route (`addr-adl`), in practice always `None`.
    pub adl: Option<Bytes>,
    /// The local part, or the name of a group.
    pub mailbox: Option<Bytes>,
    /// The domain.
    pub host: Option<Bytes>,
}

impl Envelope {
    pub(crate) fn parse(c: &mut Cursor<'_>) -> Option<Envelope> {
        c.eat(b'(')?;
        c.spaces();
        let date = field(c)?;
        let subject = field(c)?;
        let envelope = Envelope {
            date,
            subject,
            from: addresses(c)?,
            sender: addresses(c)?,
            reply_to: addresses(c)?,
            to: addresses(c)?,
            cc: addresses(c)?,
            bcc: addresses(c)?,
            in_reply_to: field(c)?,
            message_id: field(c)?,
        };
        c.eat(b')')?;
        Some(envelope)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'(');
        nstring(out, self.date.as_deref());
        out.push(b' ');
        nstring(out, self.subject.as_deref());
        for list in [
            &self.from,
            &self.sender,
            &self.reply_to,
            &self.to,
            &self.cc,
            &self.bcc,
        ] {
            out.push(b' ');
            if list.is_empty() {
                out.extend_from_slice(b"NIL");
                continue;
            }
            out.push(b'(');
            list.iter().for_each(|address| address.encode(out));
            out.push(b')');
        }
        out.push(b' ');
        nstring(out, self.in_reply_to.as_deref());
        out.push(b' ');
        nstring(out, self.message_id.as_deref());
        out.push(b')');
    }
}

impl Address {
    fn parse(c: &mut Cursor<'_>) -> Option<Address> {
        c.eat(b'(')?;
        c.spaces();
        let address = Address {
            name: field(c)?,
            adl: field(c)?,
            mailbox: field(c)?,
            host: field(c)?,
        };
        c.eat(b')')?;
        Some(address)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'(');
        write::spaced(
            out,
            [&self.name, &self.adl, &self.mailbox, &self.host],
            |out, part| nstring(out, part.as_deref()),
        );
        out.push(b')');
    }
}

/// An nstring and the spaces behind it.
fn field(c: &mut Cursor<'_>) -> Option<Option<Bytes>> {
    let value = c.nstring()?;
    c.spaces();
    Some(value)
}

/// `"(" 1*address ")" / nil`; an empty list, a quoted empty string and spaces
/// between addresses occur.
fn addresses(c: &mut Cursor<'_>) -> Option<Vec<Address>> {
    let mut all = Vec::new();
    if c.peek() == Some(b'(') {
        c.list(|c| {
            if all.is_empty() {
                all.reserve_exact(1);
            }
            all.push(Address::parse(c)?);
            Some(())
        })?;
    } else if c.nstring()?.is_some_and(|s| !s.is_empty()) {
        return None;
    }
    c.spaces();
    Some(all)
}
