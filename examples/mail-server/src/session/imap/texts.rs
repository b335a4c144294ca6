//! What SEARCH reads of a message: fields and texts, decoded, in lower case.

use scop_imap_proto::types::Date;
use scop_mime::Message;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Names and values, unfolded.
    fields: Vec<(String, String)>,
    /// The day of the `Date:` field, in its own zone.
    sent: Option<Date>,
    bodies: Vec<String>,
}

impl Texts {
    /// From a header with the line that ends it.
    pub(super) fn new(header: &[u8]) -> Self {
        let message = Message::parse(header);
        let header = message.header();
        let field = |f: scop_mime::Field<'_>| (f.name().to_lowercase(), f.text().to_lowercase());
        let sent = header.date().and_then(|date| {
            let (year, month, day) = date.date();
            Date::new(year, month, day).ok()
        });
        Texts {
            fields: header.fields().map(field).collect(),
            sent,
            bodies: Vec::new(),
        }
    }

    /// Adds a part: its header and its body, as they lie in the message.
    pub(super) fn add_part(&mut self, part: &[u8]) {
        let message = Message::parse(part);
        if let Some(text) = message.root().text() {
            self.bodies.push(text.text.to_lowercase());
        }
    }

    /// A field of that name has this in it; `has` is in lower case.
    pub(super) fn field(&self, name: &str, has: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(n, value)| n == name && value.contains(has))
    }

    /// Some field has this in its name or value.
    pub(super) fn header(&self, has: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(name, value)| format!("{name}: {value}").contains(has))
    }

    /// The body has this in it.
    pub(super) fn body(&self, has: &str) -> bool {
        self.bodies.iter().any(|text| text.contains(has))
    }

    /// The day of the `Date:` field.
    pub(super) fn sent(&self) -> Option<Date> {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_is_found_as_it_reads() {
        let header = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n aus Wien\r\nTO: Ann <ann@x.org>\r\n\
                      Date: Mon, 1 Jan 2024 00:30:00 +0100\r\n\r\n";
        let mut texts = Texts::new(header.as_bytes());
        assert!(texts.field("subject", "grüße aus"));
        assert!(texts.field("to", "ann") && texts.field("to", "") && !texts.field("cc", ""));
        assert!(texts.header("to: ann"));
        assert_eq!(texts.sent(), Date::new(2024, 1, 1).ok());
        let part = "Content-Type: text/plain; charset=iso-8859-1\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\nw5zAw==\r\n";
        texts.add_part(part.as_bytes());
        let html = "Content-Type: text/plain; charset=utf-8\r\n\r\nÄPFEL\r\n";
        texts.add_part(html.as_bytes());
        assert!(texts.body("äpfel") && !texts.body("birnen"));
    }
}
