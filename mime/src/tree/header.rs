//! A header and its fields. Values are parsed when they are asked for.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::index::{Index, PartRecord};
use crate::{Address, DateTime, Field};

/// The header of a part: its fields in order.
#[derive(Clone, Copy, Debug)]
pub struct Header<'m, 'a> {
    pub(crate) index: &'m Index,
    pub(crate) part: &'m PartRecord,
    pub(crate) bytes: &'a [u8],
    /// Where the fields are instead of `bytes`.
    pub(crate) kept: Option<&'a Index>,
    pub(crate) field_limit: usize,
}

impl<'m, 'a> Header<'m, 'a> {
    /// The header as stored, with the empty line behind it.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        super::message::slice(self.bytes, self.part.header_range())
    }

    /// Where it begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.part.offset
    }

    /// Its fields in order; lines that are no fields are among them, without a name.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'m, 'a> {
        let Header {
            index,
            part,
            bytes,
            kept,
            field_limit: limit,
        } = *self;
        part.field_range().filter_map(move |number| {
            let at = *index.fields.get(number)?;
            let raw = match kept {
                Some(kept) => kept.kept_field(number),
                None => {
                    let end = at.offset.saturating_add(u64::from(at.length));
                    super::message::slice(bytes, at.offset..end)
                }
            };
            Some(Field::new(at, raw, limit))
        })
    }

    /// The fields of this name, in any case, in order.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'m, 'a, 'n> {
        // The length first: most fields are passed over without a look at their bytes.
        self.fields().filter(move |f| f.is(name))
    }

    /// The first field of this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.all(name).next()
    }

    /// The Subject, decoded.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'a, str>> {
        self.get("subject").map(|f| f.text())
    }

    /// The Date.
    #[must_use]
    pub fn date(&self) -> Option<DateTime> {
        self.get("date")?.date()
    }

    /// The Message-ID, without its brackets.
    #[must_use]
    pub fn message_id(&self) -> Option<Cow<'a, str>> {
        self.get("message-id")?.message_ids().into_iter().next()
    }

    /// The ids of In-Reply-To, without their brackets.
    #[must_use]
    pub fn in_reply_to(&self) -> Vec<Cow<'a, str>> {
        self.ids("in-reply-to")
    }

    /// The ids of References, without their brackets.
    #[must_use]
    pub fn references(&self) -> Vec<Cow<'a, str>> {
        self.ids("references")
    }

    fn ids(&self, name: &str) -> Vec<Cow<'a, str>> {
        self.get(name).map_or(Vec::new(), |f| f.message_ids())
    }

    fn addresses(&self, name: &str) -> Vec<Address<'a>> {
        self.get(name).map_or(Vec::new(), |f| f.addresses())
    }

    /// From.
    #[must_use]
    pub fn from(&self) -> Vec<Address<'a>> {
        self.addresses("from")
    }

    /// Sender.
    #[must_use]
    pub fn sender(&self) -> Vec<Address<'a>> {
        self.addresses("sender")
    }

    /// Reply-To.
    #[must_use]
    pub fn reply_to(&self) -> Vec<Address<'a>> {
        self.addresses("reply-to")
    }

    /// To.
    #[must_use]
    pub fn to(&self) -> Vec<Address<'a>> {
        self.addresses("to")
    }

    /// Cc.
    #[must_use]
    pub fn cc(&self) -> Vec<Address<'a>> {
        self.addresses("cc")
    }

    /// Bcc.
    #[must_use]
    pub fn bcc(&self) -> Vec<Address<'a>> {
        self.addresses("bcc")
    }
}
