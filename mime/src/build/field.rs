//! Header fields to write, by type.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::fold::{Folder, is_token};
use super::people::{write_addresses, write_mailboxes};
use super::{Address, BuildError, Mailbox, MessageId, Url, check};
use crate::DateTime;

/// The longest text of a header, in bytes: encoded it stays under the
/// [limit](crate::Limits::field_bytes) of a field.
const TEXT: usize = 16 << 10;
/// The longest value that is given as it is to be written.
const RAW: usize = 64 << 10;
/// The longest line, without its end (RFC 5322 2.1.1).
const LONGEST: usize = 998;

/// A header field: a name, and a value of a type that says how it is folded and
/// encoded. It has no CR, LF or NUL but those of its folding.
///
/// ```
/// use scop_mime::build::{AutoSubmitted, Builder, Field, Mailbox};
/// # use scop_mime::DateTime;
/// # let now = DateTime::from_unix(0, 0).unwrap();
///
/// let built = Builder::new(Mailbox::new("ann@a.test")?, now)
///     .field(Field::text("X-Mailer", "scop")?)?
///     .field(Field::auto_submitted(AutoSubmitted::Replied))?
///     .build();
/// let text = String::from_utf8(built.to_vec())?;
/// assert!(text.contains("\r\nX-Mailer: scop\r\nAuto-Submitted: auto-replied\r\n"));
/// assert!(Field::text("X", "a\r\nBcc: eve@e.test").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: Cow<'static, str>,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Words(String),
    Phrases(Vec<String>),
    Addresses(Vec<Address>),
    Ids(Vec<MessageId>),
    Date(DateTime),
    Urls(Vec<Url>),
    ListId(String, String),
    Raw(String),
}

/// How a message came about (RFC 3834 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AutoSubmitted {
    /// `no`: a person wrote it.
    No,
    /// `auto-generated`: a program did, on its own account.
    Generated,
    /// `auto-replied`: a program did, to answer a message.
    Replied,
    /// `auto-notified`: a program did, to tell of something (RFC 5435 2.7).
    Notified,
}

/// What a link in a list's mail is for (RFC 2369 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListField {
    /// List-Help.
    Help,
    /// List-Unsubscribe.
    Unsubscribe,
    /// List-Subscribe.
    Subscribe,
    /// List-Post.
    Post,
    /// List-Owner.
    Owner,
    /// List-Archive.
    Archive,
}

impl Field {
    fn new(name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        Field {
            name: name.into(),
            value,
        }
    }

    fn named(name: &str, value: Value) -> Result<Self, BuildError> {
        let graphic = name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        // Two hyphens: within a multipart that could be the start of a delimiter.
        if name.is_empty() || name.len() > 76 || !graphic || name.starts_with("--") {
            return Err(BuildError::FieldName(
                "a name is 1 to 76 printable characters without a colon, and no -- in front",
            ));
        }
        Ok(Self::new(String::from(name), value))
    }

    /// Unstructured text, for instance `X-Mailer` or `Comments`. What is not ASCII
    /// becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`] for a name that is none (RFC 5322 2.2);
    /// [`BuildError::Control`] and [`BuildError::TooLong`] (16 KiB) for the value.
    pub fn text(name: &str, value: impl Into<String>) -> Result<Self, BuildError> {
        let value = value.into();
        check("a field", &value, TEXT)?;
        Self::named(name, Value::Text(value))
    }

    /// Phrases with commas between them, as `Keywords` has.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text); [`BuildError::Empty`] without one, and for one of
    /// nothing.
    pub fn phrases<P: Into<String>>(
        name: &str,
        phrases: impl IntoIterator<Item = P>,
    ) -> Result<Self, BuildError> {
        let phrases: Vec<String> = phrases.into_iter().map(Into::into).collect();
        let mut total = 0;
        for phrase in &phrases {
            total += phrase.len();
            check(
                "a phrase",
                phrase,
                TEXT.saturating_sub(total - phrase.len()),
            )?;
        }
        if phrases.is_empty() || phrases.iter().any(String::is_empty) {
            return Err(BuildError::Empty("a list of phrases"));
        }
        Self::named(name, Value::Phrases(phrases))
    }

    /// Addresses, for instance `Mail-Followup-To`.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`]; [`BuildError::Empty`] without an address.
    pub fn addresses<A: Into<Address>>(
        name: &str,
        addresses: impl IntoIterator<Item = A>,
    ) -> Result<Self, BuildError> {
        let addresses: Vec<Address> = addresses.into_iter().map(Into::into).collect();
        if addresses.is_empty() {
            return Err(BuildError::Empty("a list of addresses"));
        }
        Self::named(name, Value::Addresses(addresses))
    }

    /// Message ids, for instance `Supersedes`.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`]; [`BuildError::Empty`] without an id.
    pub fn ids(name: &str, ids: impl IntoIterator<Item = MessageId>) -> Result<Self, BuildError> {
        let ids: Vec<MessageId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Err(BuildError::Empty("a list of ids"));
        }
        Self::named(name, Value::Ids(ids))
    }

    /// A date, for instance `Expires`.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`].
    pub fn date(name: &str, date: DateTime) -> Result<Self, BuildError> {
        Self::named(name, Value::Date(date))
    }

    /// A value as it is to be written behind the colon and a space: it is neither
    /// encoded nor folded, but may bring its own folding (CRLF, then a space or tab),
    /// as a DKIM-Signature does.
    ///
    /// ```
    /// use scop_mime::build::Field;
    ///
    /// assert!(Field::raw("DKIM-Signature", "v=1; a=rsa-sha256;\r\n\tb=Zm9v").is_ok());
    /// assert!(Field::raw("DKIM-Signature", "v=1;\r\nBcc: eve@e.test").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`]; [`BuildError::Control`] for a line end that folds
    /// nothing (RFC 5322 2.2.3) and for any other control but a tab (RFC 5322 4.1); [`BuildError::Line`] for a line over 998
    /// bytes, of white space, or that ends in white space; [`BuildError::TooLong`] over 64 KiB.
    pub fn raw(name: &str, value: impl Into<String>) -> Result<Self, BuildError> {
        const WHAT: &str = "a field";
        let value = value.into();
        if value.len() > RAW {
            let (what, limit) = (WHAT, RAW);
            return Err(BuildError::TooLong { what, limit });
        }
        let mut offset = 0;
        for (n, line) in value.split("\r\n").enumerate() {
            let stray = line
                .bytes()
                .position(|b| b.is_ascii_control() && b != b'\t');
            if let Some(at) = stray {
                let (what, offset) = (WHAT, offset + at);
                return Err(BuildError::Control { what, offset });
            }
            if n > 0 && !line.starts_with([' ', '\t']) {
                let (what, offset) = (WHAT, offset - 2);
                return Err(BuildError::Control { what, offset });
            }
            let before = if n == 0 { name.len() + 2 } else { 0 };
            let ends =
                line.ends_with([' ', '\t']) || (n == 0 && line.is_empty() && !value.is_empty());
            if ends || before + line.len() > LONGEST {
                return Err(BuildError::Line { what: WHAT, offset });
            }
            offset += line.len() + 2;
        }
        Self::named(name, Value::Raw(value))
    }

    /// Auto-Submitted (RFC 3834).
    #[must_use]
    pub fn auto_submitted(how: AutoSubmitted) -> Self {
        let how = match how {
            AutoSubmitted::No => "no",
            AutoSubmitted::Generated => "auto-generated",
            AutoSubmitted::Replied => "auto-replied",
            AutoSubmitted::Notified => "auto-notified",
        };
        Self::new("Auto-Submitted", Value::Text(how.into()))
    }

    /// A field of a list with links (RFC 2369), the best first.
    ///
    /// # Errors
    ///
    /// [`BuildError::Empty`] without a link.
    pub fn list(field: ListField, urls: impl IntoIterator<Item = Url>) -> Result<Self, BuildError> {
        let urls: Vec<Url> = urls.into_iter().collect();
        if urls.is_empty() {
            return Err(BuildError::Empty("a list of links"));
        }
        let name = match field {
            ListField::Help => "List-Help",
            ListField::Unsubscribe => "List-Unsubscribe",
            ListField::Subscribe => "List-Subscribe",
            ListField::Post => "List-Post",
            ListField::Owner => "List-Owner",
            ListField::Archive => "List-Archive",
        };
        Ok(Self::new(name, Value::Urls(urls)))
    }

    /// `List-Post: NO`: the list takes no mail (RFC 2369 3.4).
    #[must_use]
    pub fn list_post_no() -> Self {
        Self::new("List-Post", Value::Text("NO".into()))
    }

    /// `List-Unsubscribe-Post`: the first https link of List-Unsubscribe needs no more
    /// than a POST (RFC 8058 3.1).
    pub(super) fn one_click() -> Self {
        let value = Value::Text("List-Unsubscribe=One-Click".into());
        Self::new("List-Unsubscribe-Post", value)
    }

    /// List-Id (RFC 2919): a name for people, which may be empty, and an id of labels
    /// with dots.
    ///
    /// ```
    /// use scop_mime::build::Field;
    ///
    /// let field = Field::list_id("Friends of Köln", "koeln.example.org")?;
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`] and [`BuildError::TooLong`] (1 KiB) for the name,
    /// [`BuildError::Token`] for the id.
    pub fn list_id(name: &str, id: &str) -> Result<Self, BuildError> {
        check("the name of a list", name, 1 << 10)?;
        let labels = crate::value::address::is_dot_atom(id.as_bytes());
        if id.len() > 255 || !id.is_ascii() || !labels || !id.contains('.') {
            return Err(BuildError::Token("the id of a list (RFC 2919 2)"));
        }
        Ok(Self::new("List-Id", Value::ListId(name.into(), id.into())))
    }

    /// A field of a block of Resent- fields: what is written of one person or more.
    pub(super) fn resent_addresses(name: &'static str, list: Vec<Address>) -> Self {
        Self::new(name, Value::Addresses(list))
    }

    pub(super) fn resent_date(date: DateTime) -> Self {
        Self::new("Resent-Date", Value::Date(date))
    }

    pub(super) fn resent_message_id(id: MessageId) -> Self {
        Self::new("Resent-Message-ID", Value::Ids(Vec::from([id])))
    }

    /// One token, or several in text: for values that the crate itself makes.
    pub(super) fn words(name: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, Value::Words(value.into()))
    }

    /// Another word behind a comma.
    pub(super) fn and_word(&mut self, word: &str) {
        if let Value::Words(words) = &mut self.value {
            words.push_str(", ");
            words.push_str(word);
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// It has an address that is not ASCII, or raw UTF-8: only a header in UTF-8 can
    /// have it (RFC 6532).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        match &self.value {
            Value::Addresses(list) => list.iter().any(address_needs_utf8),
            Value::Raw(value) => !value.is_ascii(),
            _ => false,
        }
    }

    /// The field as it is written, folded, with its line end: to stand on top of a message
    /// that is there, for instance. What is not ASCII is in encoded words, but for addresses
    /// that cannot be.
    ///
    /// ```
    /// use scop_mime::build::Field;
    /// let field = Field::text("X-Verdict", "grün")?;
    /// assert_eq!(field.to_bytes(), b"X-Verdict: =?utf-8?B?Z3LDvG4=?=\r\n");
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out, self.needs_utf8());
        out
    }

    /// Writes it, with its line end.
    pub(crate) fn write(&self, out: &mut Vec<u8>, utf8: bool) {
        let mut folder = Folder::field(out, &self.name, utf8);
        match &self.value {
            Value::Text(text) => {
                folder.text(text);
            }
            Value::Words(words) => words.split(' ').for_each(|word| {
                folder.word(word);
            }),
            Value::Phrases(phrases) => {
                folder.leave(2);
                for (n, phrase) in phrases.iter().enumerate() {
                    if n > 0 {
                        folder.special(",");
                    }
                    folder.phrase(phrase);
                }
            }
            Value::Addresses(list) => write_addresses(list, &mut folder),
            Value::Ids(ids) => write_ids(ids, &mut folder),
            Value::Date(date) => {
                folder.word(&date.to_rfc5322());
            }
            Value::Urls(urls) => {
                for (n, url) in urls.iter().enumerate() {
                    let end = if n + 1 < urls.len() { "," } else { "" };
                    folder.angle(url.as_str(), end);
                }
            }
            Value::ListId(name, id) => {
                if !name.is_empty() {
                    folder.phrase(name);
                }
                folder.angle(id, "");
            }
            Value::Raw(value) if value.is_empty() => {}
            Value::Raw(value) => {
                folder.glue(" ").glue(value);
            }
        }
        folder.end();
    }
}

pub(super) fn address_needs_utf8(address: &Address) -> bool {
    address.mailboxes().iter().any(Mailbox::needs_smtputf8)
}

/// Writes a field of addresses, if there are any.
pub(super) fn addresses(out: &mut Vec<u8>, name: &str, list: &[Address], utf8: bool) {
    if !list.is_empty() {
        let mut folder = Folder::field(out, name, utf8);
        write_addresses(list, &mut folder);
        folder.end();
    }
}

/// Writes a field of mailboxes.
pub(super) fn mailboxes<'b>(
    out: &mut Vec<u8>,
    name: &str,
    list: impl Iterator<Item = &'b Mailbox>,
    utf8: bool,
) {
    let mut folder = Folder::field(out, name, utf8);
    write_mailboxes(list, &mut folder);
    folder.end();
}

/// Writes a field of ids, if there are any.
pub(super) fn ids(out: &mut Vec<u8>, name: &str, ids: &[MessageId]) {
    if !ids.is_empty() {
        let mut folder = Folder::field(out, name, false);
        write_ids(ids, &mut folder);
        folder.end();
    }
}

fn write_ids(ids: &[MessageId], folder: &mut Folder<'_>) {
    for id in ids {
        folder.angle(id.as_str(), "");
    }
}

/// A token of a Content-* field (RFC 2045 5.1).
pub(super) fn check_token(what: &'static str, token: &str) -> Result<(), BuildError> {
    match (1..=127).contains(&token.len()) && token.bytes().all(is_token) {
        true => Ok(()),
        false => Err(BuildError::Token(what)),
    }
}
