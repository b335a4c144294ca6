//! What SEARCH reads of a message: fields, decoded, in lower case; and what it found
//! in the texts.

use scop_imap_proto::types::Date;
use scop_mime::{Index, Message, Part};

use super::find::lower;

/// Fills up as far as the keys need it: what the index keeps, the whole header, the
/// texts. What is not read yet is `None`.
#[derive(Debug)]
pub(super) struct Texts {
    /// Names and values, unfolded.
    fields: Vec<(String, String)>,
    /// These are all, and not only those that the index keeps.
    whole: bool,
    /// The day of the `Date:` field, in its own zone.
    sent: Option<Date>,
    /// Those of the needles that are in a text.
    found: Option<Vec<String>>,
}

impl Texts {
    /// From the fields that the index keeps, the envelope's among them.
    pub(super) fn of_index(index: &Index) -> Self {
        let outline = index.outline();
        let sent = outline.header().date().and_then(|date| {
            let (year, month, day) = date.date();
            Date::new(year, month, day).ok()
        });
        Texts {
            fields: fields(&outline.root()),
            whole: false,
            sent,
            found: None,
        }
    }

    /// Adds the header, read whole, with the line that ends it.
    pub(super) fn add_header(&mut self, header: &[u8]) {
        self.fields = fields(&Message::parse(header).root());
        self.whole = true;
    }

    /// Adds which of the needles are in the message's texts.
    pub(super) fn add_found(&mut self, found: Vec<String>) {
        self.found = Some(found);
    }

    /// A field of that name, one of the envelope's, has this in it; `has` is in
    /// lower case.
    pub(super) fn envelope(&self, name: &str, has: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(n, value)| n == name && value.contains(has))
    }

    /// A field of that name has this in it.
    pub(super) fn field(&self, name: &str, has: &str) -> Option<bool> {
        self.whole.then(|| self.envelope(name, has))
    }

    /// Some field has this in its name or value.
    pub(super) fn header(&self, has: &str) -> Option<bool> {
        let mut fields = self.fields.iter();
        let found = fields.any(|(name, value)| format!("{name}: {value}").contains(has));
        (found || self.whole).then_some(found)
    }

    /// A text has this needle in it.
    pub(super) fn body(&self, has: &str) -> Option<bool> {
        let found = self.found.as_ref()?;
        Some(found.iter().any(|needle| needle == has))
    }

    /// The day of the `Date:` field.
    pub(super) fn sent(&self) -> Option<Date> {
        self.sent
    }
}

/// The fields of a part's header, as they read.
pub(super) fn fields(part: &Part<'_, '_>) -> Vec<(String, String)> {
    let fields = part.header().fields();
    let fields = fields.filter(|field| !field.name().is_empty());
    fields
        .map(|field| (lower(field.name()), lower(&field.text())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_mime::Limits;

    #[test]
    fn encoded_text_is_found_as_it_reads() {
        let header = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n aus Wien\r\nTO: Ann <ann@x.org>\r\n\
                      X-Tag: Blue\r\nDate: Mon, 1 Jan 2024 00:30:00 +0100\r\n\r\n";
        let mut texts = Texts::of_index(&Index::of(header.as_bytes(), &Limits::default()));
        assert!(texts.envelope("subject", "grüße aus"));
        assert!(texts.envelope("to", "ann") && texts.envelope("to", ""));
        assert!(!texts.envelope("cc", ""));
        assert_eq!(texts.sent(), Date::new(2024, 1, 1).ok());
        // The index says nothing of other fields.
        assert_eq!(texts.field("x-tag", "blue"), None);
        assert_eq!(texts.header("to: ann"), Some(true));
        assert_eq!(texts.header("x-tag: blue"), None);
        assert_eq!(texts.body("äpfel"), None);
        texts.add_header(header.as_bytes());
        assert_eq!(texts.field("x-tag", "blue"), Some(true));
        assert_eq!(texts.field("x-tag", "red"), Some(false));
        assert_eq!(texts.header("x-tag: blue"), Some(true));
        assert_eq!(texts.header("x-tag: red"), Some(false));
        texts.add_found(vec!["äpfel".to_owned()]);
        assert_eq!(texts.body("äpfel"), Some(true));
        assert_eq!(texts.body("birnen"), Some(false));
    }
}
