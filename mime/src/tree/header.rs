//! A header and its fields. Values are parsed when they are asked for.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::index::Index;
use super::record::PartRecord;
use crate::reader::Key;
use crate::{
    Address, AuthenticationResults, AutoSubmitted, Autocrypt, BaseSubject, DateTime, Field,
    FieldAt, Importance, ListId, ListUrls, MimeVersion, Precedence, Priority, Received, Resent,
    ReturnPath, base_subject,
};

/// The header of a part: its fields in order.
///
/// The methods that are named as a field read the first of that name, which is the one
/// that counts where a field may come once; [`all`](Self::all) gives each. What a value
/// cannot say, `None` or an empty list stands for; [`Field::defects`] tells why.
///
/// ```
/// use scop_mime::{Importance, Message, Priority, mailboxes};
///
/// let message = Message::parse(b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nFrom: Ann <ann@a.test>\r\nTo: Team: bob@b.test, cyd@c.test;\r\nKeywords: mail, =?utf-8?Q?caf=C3=A9?=\r\nKeywords: rust\r\nImportance: high\r\nPriority: urgent\r\nDisposition-Notification-To: ann@a.test\r\nMIME-Version: 1.0\r\nList-Id: Rust <rust.a.test>\r\nX-Odd: 1\r\nX-Odd: 2\r\n\r\n");
/// let header = message.header();
/// assert_eq!(header.date().unwrap().to_unix(), 880_127_706);
/// assert_eq!(header.from()[0].mailboxes()[0].name().as_deref(), Some("Ann"));
/// assert_eq!(mailboxes(&header.to()).count(), 2); // those of the group
/// assert_eq!(header.keywords(), ["mail", "café", "rust"]);
/// assert_eq!(header.importance(), Some(Importance::High));
/// assert_eq!(header.priority(), Some(Priority::Urgent));
/// assert_eq!(header.disposition_notification_to().len(), 1);
/// assert_eq!(header.mime_version().unwrap().major, 1);
/// assert_eq!(header.list_id().unwrap().id(), "rust.a.test");
/// assert_eq!(header.get("x-odd").unwrap().text(), "1");
/// assert_eq!(header.all("x-odd").count(), 2);
/// assert_eq!(header.get("cc").is_none(), header.cc().is_empty());
/// ```
#[derive(Clone, Copy)]
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
        self.fields_that(|_| true)
    }

    /// The fields of which `wanted` says so, before anybody looks at their bytes.
    fn fields_that<F: Fn(&FieldAt) -> bool>(
        &self,
        wanted: F,
    ) -> impl Iterator<Item = Field<'a>> + use<'m, 'a, F> {
        let header = *self;
        let fields = header.places().iter().enumerate();
        let wanted = fields.filter(move |(_, at)| wanted(at));
        wanted.map(move |(number, at)| header.field(number, at))
    }

    /// Where its fields are.
    #[inline]
    fn places(&self) -> &'m [FieldAt] {
        let fields = self.index.fields.get(self.part.field_range());
        fields.unwrap_or_default()
    }

    /// The field of that number, which is there.
    #[inline]
    fn field(&self, number: usize, at: &FieldAt) -> Field<'a> {
        let raw = match self.kept {
            Some(kept) => kept.kept_field(self.part.first_field as usize + number),
            None => {
                let end = at.offset.saturating_add(u64::from(at.length));
                super::message::slice(self.bytes, at.offset..end)
            }
        };
        Field::new(*at, raw, self.field_limit)
    }

    /// The fields of this name, in any case, in order. Those whose name has another
    /// length are passed over without a look at them.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'m, 'a, 'n> {
        let key = Key::new(name);
        self.fields_that(move |at| key.has_length(at.name_length))
            .filter(move |f| key.is_of(f.raw()))
    }

    /// The first field of this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.first(&Key::new(name))
    }

    /// The same by a key: where it is known while this is compiled, so is most of the search.
    #[inline(always)]
    fn first(&self, key: &Key<'_>) -> Option<Field<'a>> {
        let places = self.places();
        let mut from = 0;
        loop {
            let mut rest = places.get(from..)?.iter();
            let number = from + rest.position(|at| key.has_length(at.name_length))?;
            let field = self.field(number, places.get(number)?);
            if key.is_of(field.raw()) {
                return Some(field);
            }
            from = number + 1;
        }
    }

    /// The Subject, decoded.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'a, str>> {
        self.first(const { &Key::new("subject") }).map(|f| f.text())
    }

    /// The Date.
    #[must_use]
    pub fn date(&self) -> Option<DateTime> {
        self.first(const { &Key::new("date") })?.date()
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
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Message-ID: <3@a.test>\r\nIn-Reply-To: <2@a.test>\r\nReferences: <1@a.test>\r\n <2@a.test>\r\n\r\n");
    /// let header = message.header();
    /// assert_eq!(header.message_id().unwrap(), "3@a.test");
    /// assert_eq!(header.in_reply_to(), ["2@a.test"]);
    /// assert_eq!(header.references(), ["1@a.test", "2@a.test"]);
    /// ```
    #[must_use]
    pub fn references(&self) -> Vec<Cow<'a, str>> {
        self.ids("references")
    }

    fn ids(&self, name: &str) -> Vec<Cow<'a, str>> {
        self.get(name).map_or(Vec::new(), |f| f.message_ids())
    }

    #[inline(always)]
    fn addresses(&self, key: &Key<'_>) -> Vec<Address<'a>> {
        self.first(key).map_or(Vec::new(), |f| f.addresses())
    }

    /// From.
    #[must_use]
    pub fn from(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("from") })
    }

    /// Sender.
    #[must_use]
    pub fn sender(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("sender") })
    }

    /// Reply-To.
    #[must_use]
    pub fn reply_to(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("reply-to") })
    }

    /// To.
    #[must_use]
    pub fn to(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("to") })
    }

    /// Cc.
    #[must_use]
    pub fn cc(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("cc") })
    }

    /// Bcc.
    #[must_use]
    pub fn bcc(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("bcc") })
    }

    /// The Received fields in order: the one on top is of the last server.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Received: from b.test by c.test; 21 Nov 1997 10:06:00 -0600\r\nReceived: from a.test by b.test; 21 Nov 1997 10:05:43 -0600\r\n\r\n");
    /// let by: Vec<String> = message.header().received().filter_map(|r| r.by().map(String::from)).collect();
    /// assert_eq!(by, ["c.test", "b.test"]);
    /// assert_eq!(message.header().hops(), 2);
    /// ```
    pub fn received(&self) -> impl Iterator<Item = Received<'a>> + use<'m, 'a> {
        self.all("received").map(|f| f.received())
    }

    /// How many Received fields there are: a server that finds a hundred of them holds a
    /// loop (RFC 5321 6.3).
    #[must_use]
    pub fn hops(&self) -> usize {
        self.all("received").count()
    }

    /// The Return-Path.
    #[must_use]
    pub fn return_path(&self) -> Option<ReturnPath<'a>> {
        self.get("return-path")?.return_path()
    }

    /// The id of the mailing list (RFC 2919).
    #[must_use]
    pub fn list_id(&self) -> Option<ListId<'a>> {
        self.get("list-id")?.list_id()
    }

    /// How to leave the mailing list (RFC 2369 3.2).
    #[must_use]
    pub fn list_unsubscribe(&self) -> Option<ListUrls<'a>> {
        self.get("list-unsubscribe").map(|f| f.list_urls())
    }

    /// Where to POST `List-Unsubscribe=One-Click` to leave the mailing list, where the
    /// list allows it (RFC 8058). Before anybody does, a valid DKIM signature has to cover
    /// List-Unsubscribe and List-Unsubscribe-Post, both (RFC 8058 4).
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"List-Unsubscribe: <mailto:x@l.test>,\r\n <https://l.test/u?4711>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n");
    /// assert_eq!(message.header().one_click_unsubscribe().as_deref(), Some("https://l.test/u?4711"));
    /// ```
    #[must_use]
    pub fn one_click_unsubscribe(&self) -> Option<String> {
        if !self.get("list-unsubscribe-post")?.is_one_click() {
            return None;
        }
        self.list_unsubscribe()?.first_of("https").map(String::from)
    }

    /// What Auto-Submitted says (RFC 3834 5).
    #[must_use]
    pub fn auto_submitted(&self) -> Option<AutoSubmitted> {
        self.get("auto-submitted")?.auto_submitted()
    }

    /// What Precedence says.
    #[must_use]
    pub fn precedence(&self) -> Option<Precedence> {
        self.get("precedence").map(|f| Precedence::parse(f.value()))
    }

    /// No person sent it to a person: it says so itself (Auto-Submitted), it is to nobody
    /// (an empty Return-Path), or a list or a sender of bulk mail sent it (a List- field,
    /// Precedence). No program should answer it by itself (RFC 3834 2).
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let is = |field: &str| Message::parse(format!("{field}\r\n\r\n").as_bytes()).header().is_automatic();
    /// assert!(is("Auto-Submitted: auto-replied") && is("List-Id: <l.a.test>") && is("Return-Path: <>"));
    /// assert!(!is("Auto-Submitted: no") && !is("Precedence: first-class"));
    /// ```
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        let says = self.auto_submitted().is_some_and(|a| a.is_automatic());
        let bulk = matches!(
            self.precedence(),
            Some(Precedence::Bulk | Precedence::List | Precedence::Junk)
        );
        let starts = |name: &str| {
            name.get(..5)
                .is_some_and(|n| n.eq_ignore_ascii_case("list-"))
        };
        says || bulk
            || self.return_path() == Some(ReturnPath::Null)
            || self.fields().any(|f| starts(f.name()))
    }

    /// The Authentication-Results fields in order. Only those of servers of one's own are
    /// to be believed.
    pub fn authentication_results(
        &self,
    ) -> impl Iterator<Item = AuthenticationResults<'a>> + use<'m, 'a> {
        self.all("authentication-results")
            .map(|f| f.authentication_results())
    }

    /// The Autocrypt field that counts (Autocrypt level 1.1, section 2.3): valid, for the
    /// one address in From, and the only one that is.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let text = b"From: Ann <ann@a.test>\r\nAutocrypt: addr=ann@a.test; keydata=bWRNRQ==\r\nAutocrypt: addr=bob@a.test; keydata=bWRNRQ==\r\n\r\n";
    /// assert_eq!(Message::parse(text).header().autocrypt().unwrap().key(), b"mdME");
    /// ```
    #[must_use]
    pub fn autocrypt(&self) -> Option<Autocrypt> {
        let from = self.from();
        let [Address::Mailbox(from)] = &from[..] else {
            return None;
        };
        let address = from.address();
        let mut valid = self
            .all("autocrypt")
            .filter_map(|f| f.autocrypt())
            .filter(|a| a.address().eq_ignore_ascii_case(&address));
        let first = valid.next()?;
        valid.next().is_none().then_some(first)
    }

    /// The phrases of all Keywords fields, decoded.
    #[must_use]
    pub fn keywords(&self) -> Vec<Cow<'a, str>> {
        self.all("keywords").flat_map(|f| f.keywords()).collect()
    }

    /// What Importance says (RFC 4021 2.1.53).
    #[must_use]
    pub fn importance(&self) -> Option<Importance> {
        self.get("importance").map(|f| Importance::parse(f.value()))
    }

    /// What Priority says (RFC 4021 2.1.54), else X-Priority.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        let field = self.get("priority").or_else(|| self.get("x-priority"));
        field.map(|f| Priority::parse(f.value()))
    }

    /// Whom the sender asks to be told that the message was seen (RFC 8098 2.1).
    #[must_use]
    pub fn disposition_notification_to(&self) -> Vec<Address<'a>> {
        self.addresses(const { &Key::new("disposition-notification-to") })
    }

    /// What MIME-Version says.
    #[must_use]
    pub fn mime_version(&self) -> Option<MimeVersion> {
        self.get("mime-version")?.mime_version()
    }

    /// The subject by which mail is sorted and threaded (RFC 5256 2.1); empty where there
    /// is no Subject.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Subject: Re: [list] Hello (fwd)\r\n\r\n");
    /// let base = message.header().base_subject();
    /// assert_eq!((&*base.text, base.is_reply_or_forward), ("Hello", true));
    /// ```
    #[must_use]
    pub fn base_subject(&self) -> BaseSubject<'a> {
        match self.subject().unwrap_or_default() {
            Cow::Borrowed(subject) => base_subject(subject),
            Cow::Owned(subject) => {
                let base = base_subject(&subject);
                BaseSubject {
                    is_reply_or_forward: base.is_reply_or_forward,
                    text: Cow::Owned(base.text.into_owned()),
                }
            }
        }
    }

    /// The blocks of Resent- fields: one for each time that somebody passed the message on
    /// as it was, the last one first.
    #[must_use]
    pub fn resent(&self) -> Vec<Resent<'a>> {
        Resent::blocks(self.fields())
    }
}
