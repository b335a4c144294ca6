//! The blocks of Resent- fields (RFC 5322 3.6.6).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::{Address, DateTime, Field};

/// What was added when a message was passed on as it was: by whom, to whom, when.
///
/// A block is a run of Resent- fields in which no name comes twice: whoever passes a
/// message on puts a new block on top, and servers put Received between.
///
/// ```
/// use scop_mime::Message;
///
/// let message = Message::parse(b"Resent-From: Mary <mary@x.test>\r\nResent-To: jane@y.test\r\nResent-Date: Mon, 24 Nov 1997 14:22:01 -0800\r\nResent-From: joe@z.test\r\nFrom: john@m.test\r\n\r\n");
/// let blocks = message.header().resent();
/// assert_eq!(blocks.len(), 2);
/// assert_eq!(blocks[0].from()[0].mailboxes()[0].address(), "mary@x.test");
/// assert_eq!(blocks[0].date().unwrap().to_rfc5322(), "Mon, 24 Nov 1997 14:22:01 -0800");
/// assert_eq!(blocks[1].from()[0].mailboxes()[0].address(), "joe@z.test");
/// ```
#[derive(Clone, Debug)]
pub struct Resent<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Resent<'a> {
    pub(super) fn blocks(fields: impl Iterator<Item = Field<'a>>) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        let mut open = false;
        for field in fields {
            let prefix = field.name().get(..7).unwrap_or_default();
            if !prefix.eq_ignore_ascii_case("resent-") {
                open = false;
                continue;
            }
            let block = match blocks.last_mut() {
                // A block is no longer than there are names.
                Some(block)
                    if open && block.get(field.name()).is_none() && block.fields.len() < 16 =>
                {
                    block
                }
                _ => {
                    blocks.push(Resent { fields: Vec::new() });
                    let Some(block) = blocks.last_mut() else {
                        continue;
                    };
                    block
                }
            };
            block.fields.push(field);
            open = true;
        }
        blocks
    }

    /// Its fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The field of this whole name, in any case: `Resent-From`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.fields.iter().find(|f| f.is(name)).copied()
    }

    fn addresses(&self, name: &str) -> Vec<Address<'a>> {
        self.get(name).map_or(Vec::new(), |f| f.addresses())
    }

    /// Resent-Date.
    #[must_use]
    pub fn date(&self) -> Option<DateTime> {
        self.get("resent-date")?.date()
    }

    /// Resent-From.
    #[must_use]
    pub fn from(&self) -> Vec<Address<'a>> {
        self.addresses("resent-from")
    }

    /// Resent-Sender.
    #[must_use]
    pub fn sender(&self) -> Vec<Address<'a>> {
        self.addresses("resent-sender")
    }

    /// Resent-To.
    #[must_use]
    pub fn to(&self) -> Vec<Address<'a>> {
        self.addresses("resent-to")
    }

    /// Resent-Cc.
    #[must_use]
    pub fn cc(&self) -> Vec<Address<'a>> {
        self.addresses("resent-cc")
    }

    /// Resent-Bcc.
    #[must_use]
    pub fn bcc(&self) -> Vec<Address<'a>> {
        self.addresses("resent-bcc")
    }

    /// Resent-Message-ID, without its brackets.
    #[must_use]
    pub fn message_id(&self) -> Option<Cow<'a, str>> {
        self.get("resent-message-id")?
            .message_ids()
            .into_iter()
            .next()
    }
}
