//! A field of a header. Its value is parsed when it is asked for, by type.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::value::lex::{self, raw_text, unfold};
use crate::value::note::Notes;
use crate::value::words::{self, Place};
use crate::value::{address, auto, content, ids, list};
use crate::{
    Address, AuthenticationResults, AutoSubmitted, Autocrypt, ContentType, DateTime, Defect,
    DefectKind, Disposition, FieldAt, ListId, ListUrls, Message, MimeVersion, Received, ReturnPath,
    TransferEncoding,
};

/// A field of a header.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    at: FieldAt,
    raw: &'a [u8],
    limit: usize,
}

impl<'a> Field<'a> {
    #[inline]
    pub(crate) fn new(at: FieldAt, raw: &'a [u8], limit: usize) -> Self {
        Field { at, raw, limit }
    }

    /// A field that stands alone, `Subject: hi`, with its line ends or without: the first of
    /// these lines. For a value alone there are [`decode_words`](crate::decode_words),
    /// [`parse_addresses`](crate::parse_addresses),
    /// [`parse_message_ids`](crate::parse_message_ids), [`DateTime::parse`],
    /// [`ContentType::parse`] and so on. `None` when nothing is there.
    ///
    /// ```
    /// use scop_mime::Field;
    ///
    /// let field = Field::parse(b"In-Reply-To: <1@a.test>\r\n <2@a.test>").unwrap();
    /// assert_eq!((field.name(), field.message_ids().len()), ("In-Reply-To", 2));
    /// ```
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let message = Message::parse_header(line);
        message.header().fields().next()
    }

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
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What is behind the colon, as stored, line ends included; of a long field the
    /// first [`Limits::field_bytes`](crate::Limits::field_bytes). Empty for a line
    /// that is no field.
    #[must_use]
    #[inline]
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

    /// The value as text: on one line, encoded words decoded (RFC 2047), a character that
    /// is cut between two of them put together.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Subject: =?iso-8859-1*de?Q?Gr=FC?= =?utf-8?B?w58=?=\r\n =?utf-8?B?w7w=?=!\r\n\r\n");
    /// let field = message.header().get("subject").unwrap();
    /// assert_eq!(field.text(), "Grüßü!");
    /// ```
    #[must_use]
    #[inline]
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
    #[inline]
    pub fn addresses(&self) -> Vec<Address<'a>> {
        address::parse(self.value())
    }

    /// The value as a date.
    #[must_use]
    #[inline]
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

    /// The value as Received.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Received: from a.test by b.test; 21 Nov 1997 10:05:43 -0600\r\n\r\n");
    /// let field = message.header().get("received").unwrap();
    /// assert_eq!(field.received().by(), Some("b.test"));
    /// ```
    #[must_use]
    pub fn received(&self) -> Received<'a> {
        Received::parse(self.value())
    }

    /// The value as Return-Path.
    #[must_use]
    pub fn return_path(&self) -> Option<ReturnPath<'a>> {
        ReturnPath::parse(self.value())
    }

    /// The value as the URLs of List-Help and its like (RFC 2369).
    #[must_use]
    pub fn list_urls(&self) -> ListUrls<'a> {
        ListUrls::parse(self.value())
    }

    /// The value as List-Id.
    #[must_use]
    pub fn list_id(&self) -> Option<ListId<'a>> {
        ListId::parse(self.value())
    }

    /// The value of List-Unsubscribe-Post says that one click is enough (RFC 8058).
    #[must_use]
    pub fn is_one_click(&self) -> bool {
        list::is_one_click(self.value())
    }

    /// The value as Auto-Submitted.
    #[must_use]
    pub fn auto_submitted(&self) -> Option<AutoSubmitted> {
        AutoSubmitted::parse(self.value())
    }

    /// The value as Authentication-Results or ARC-Authentication-Results.
    #[must_use]
    pub fn authentication_results(&self) -> AuthenticationResults<'a> {
        AuthenticationResults::parse(self.value())
    }

    /// The value as Autocrypt; `None` where it is not valid.
    #[must_use]
    pub fn autocrypt(&self) -> Option<Autocrypt> {
        Autocrypt::parse(self.value())
    }

    /// The value as Keywords: phrases, decoded.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Keywords: one, \"two, three\"\r\n\r\n");
    /// assert_eq!(message.header().keywords(), ["one", "two, three"]);
    /// ```
    #[must_use]
    pub fn keywords(&self) -> Vec<Cow<'a, str>> {
        auto::keywords(self.value())
    }

    /// The value as the tags of Content-Language (RFC 3282).
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Content-Language: en, de-AT (dialect)\r\n\r\n");
    /// let field = message.header().get("content-language").unwrap();
    /// assert_eq!(field.languages(), ["en", "de-AT"]);
    /// ```
    #[must_use]
    pub fn languages(&self) -> Vec<Cow<'a, str>> {
        content::languages(self.value()).map(raw_text).collect()
    }

    /// The value as MIME-Version.
    #[must_use]
    pub fn mime_version(&self) -> Option<MimeVersion> {
        MimeVersion::parse(self.value())
    }

    /// What is wrong with its value, read as its name says (From as addresses, Date as
    /// a date, what nobody knows as text): each defect with its offset in the message,
    /// in the order in which they were found.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"From: Ann <ann@a.test\r\n\r\n");
    /// let field = message.header().get("from").unwrap();
    /// assert_eq!(field.defects()[0].to_string(), "unbalanced-bracket at byte 10");
    /// ```
    ///
    /// What takes more than the field to see - that it comes twice, that its charset is
    /// not that of the body - is told by [`Message::inspect`](crate::Message::inspect).
    #[must_use]
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        self.note(&mut |defect| defects.push(defect));
        let start = self.value_offset();
        crate::inspect::of_mime_field(self.name(), self.value(), &mut |kind, at| {
            if defects.iter().all(|d: &Defect| d.kind != kind) {
                defects.push(Defect::new(kind, start + at as u64));
            }
        });
        defects
    }

    pub(crate) fn note(&self, take: &mut dyn FnMut(Defect)) {
        let start = self.value_offset();
        let mut take = |kind, at: usize| take(Defect::new(kind, start + at as u64));
        let notes = &mut Notes::new(&mut take);
        let value = self.value();
        let kind = Value::of(self.name());
        match kind {
            Value::Text | Value::Autocrypt => {}
            Value::Addresses | Value::ListId | Value::Keywords => {
                words::placed(value, Place::Phrase, notes);
            }
            _ => words::placed(value, Place::None, notes),
        }
        if matches!(kind, Value::Addresses | Value::ListId | Value::Keywords) {
            // Where they stand was looked at already.
            let placed = [DefectKind::EncodedWordAdjoined, DefectKind::BadEncodedWord];
            words::read(
                value,
                &mut Notes::new(&mut |word, at| {
                    if !placed.contains(&word) {
                        notes.add(word, at);
                    }
                }),
            );
        }
        let empty = || lex::trim(value).is_empty();
        match kind {
            // Nobody need be in a Bcc (RFC 5322 3.6.3).
            Value::Addresses if empty() => {
                let bcc = ["bcc", "resent-bcc"];
                if !bcc.iter().any(|bcc| self.is(bcc)) {
                    notes.add(DefectKind::EmptyField, 0);
                }
            }
            Value::Ids | Value::Id | Value::Keywords if empty() => {
                notes.add(DefectKind::EmptyField, 0);
            }
            Value::Addresses => {
                if address::read(value, notes).is_empty() && !self.unfolded().is_empty() {
                    notes.add(DefectKind::BadAddress, 0);
                }
            }
            Value::Date => match DateTime::read(value, notes) {
                Some(_) => {
                    if let Some(at) = DateTime::uncommon(value) {
                        notes.add(DefectKind::UncommonDate, at);
                    }
                }
                None => notes.add(DefectKind::BadDate, 0),
            },
            Value::Ids => _ = ids::read(value, false, notes),
            Value::Id => _ = ids::read(value, true, notes),
            Value::Received => _ = Received::read(value, notes),
            Value::ReturnPath => _ = ReturnPath::read(value, notes),
            Value::ListUrls => _ = ListUrls::read(value, notes),
            Value::ListId => _ = ListId::read(value, notes),
            Value::AuthenticationResults => _ = AuthenticationResults::read(value, notes),
            Value::Autocrypt => {
                if Autocrypt::parse(value).is_none() {
                    notes.add(DefectKind::BadAutocrypt, 0);
                }
            }
            Value::Mime | Value::Keywords => {}
            Value::Text => _ = words::read(value, notes),
        }
    }
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Addresses,
    Date,
    Id,
    Ids,
    Received,
    ReturnPath,
    ListUrls,
    ListId,
    AuthenticationResults,
    Autocrypt,
    Keywords,
    /// A word, and no text.
    Mime,
    Text,
}

impl Value {
    /// By the name of the field, in any case.
    fn of(name: &str) -> Value {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("resent-").unwrap_or(&name) {
            "from"
            | "sender"
            | "reply-to"
            | "to"
            | "cc"
            | "bcc"
            | "disposition-notification-to"
            | "return-receipt-to"
            | "original-from" => Value::Addresses,
            "date" => Value::Date,
            "message-id" | "content-id" | "original-message-id" => Value::Id,
            "in-reply-to" | "references" => Value::Ids,
            "keywords" => Value::Keywords,
            "mime-version" | "content-transfer-encoding" => Value::Mime,
            "received" => Value::Received,
            "return-path" => Value::ReturnPath,
            "list-help" | "list-unsubscribe" | "list-subscribe" | "list-post" | "list-owner"
            | "list-archive" => Value::ListUrls,
            "list-id" => Value::ListId,
            "authentication-results" | "arc-authentication-results" => Value::AuthenticationResults,
            "autocrypt" => Value::Autocrypt,
            _ => Value::Text,
        }
    }
}
