//! A header and its fields. Values are parsed when they are asked for.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::index::{Index, PartRecord};
use crate::value::lex::{raw_text, unfold};
use crate::value::{address, ids, words};
use crate::{Address, ContentType, DateTime, Disposition, FieldAt, TransferEncoding};

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
            Some(Field { at, raw, limit })
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

/// A field of a header.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    at: FieldAt,
    raw: &'a [u8],
    limit: usize,
}

impl<'a> Field<'a> {
    /// Its name as stored; empty for a line that is no field.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let name = self.raw().get(..self.at.name_length as usize);
        // A name is ASCII, or it is none.
        core::str::from_utf8(name.unwrap_or_default()).unwrap_or_default()
    }

    /// Whether it has this name, in any case. A line that is no field has none.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let length = self.at.name_length as usize;
        length == name.len()
            && length > 0
            && (self.raw().get(..length))
                .is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// All of it as stored, its line ends included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What is behind the colon, as stored, line ends included; of a long field the
    /// first [`Limits::field_bytes`](crate::Limits::field_bytes). Empty for a line
    /// that is no field.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        if self.at.value_start == 0 {
            return &[];
        }
        let raw = self.raw();
        let raw = raw.get(..self.limit).unwrap_or(raw);
        raw.get(self.at.value_start as usize..).unwrap_or_default()
    }

    /// Where it begins in the message.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at.offset
    }

    /// Where its value begins in the message.
    #[must_use]
    pub fn value_offset(&self) -> u64 {
        self.at.offset + u64::from(self.at.value_start)
    }

    /// The value on one line, nothing decoded: line ends and NUL removed, white space
    /// at the ends too.
    #[must_use]
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        unfold(self.value())
    }

    /// The value as text: on one line, encoded words decoded (RFC 2047).
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        words::decode(self.value())
    }

    /// The value on one line as text, encoded words as they are.
    #[must_use]
    pub fn raw_text(&self) -> Cow<'a, str> {
        match self.unfolded() {
            Cow::Borrowed(value) => raw_text(value),
            Cow::Owned(value) => Cow::Owned(raw_text(&value).into_owned()),
        }
    }

    /// The value as a list of addresses.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address<'a>> {
        address::parse(self.value())
    }

    /// The value as a date.
    #[must_use]
    pub fn date(&self) -> Option<DateTime> {
        DateTime::parse(self.value())
    }

    /// The value as message ids, without their brackets.
    #[must_use]
    pub fn message_ids(&self) -> Vec<Cow<'a, str>> {
        ids::parse(self.value())
    }

    /// The value as a content type.
    #[must_use]
    pub fn content_type(&self) -> Option<ContentType> {
        ContentType::parse(self.value())
    }

    /// The value as a content disposition.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition> {
        Disposition::parse(self.value())
    }

    /// The value as a transfer encoding.
    #[must_use]
    pub fn transfer_encoding(&self) -> TransferEncoding {
        TransferEncoding::parse(self.value())
    }
}
