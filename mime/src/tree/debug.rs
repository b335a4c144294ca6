//! What is shown of a message where a program is debugged: a few words, not its bytes.

use core::fmt::{Debug, Formatter, Result};

use super::{Field, Header, Message, Part};

impl Debug for Message<'_> {
    /// Its length, its parts and what is wrong with the structure.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Message")
            .field("length", &self.bytes().len())
            .field("parts", &Parts(self))
            .field("defects", &self.defects())
            .finish()
    }
}

struct Parts<'m, 'a>(&'m Message<'a>);

impl Debug for Parts<'_, '_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.0.parts()).finish()
    }
}

impl Debug for Part<'_, '_> {
    /// Which one it is, its type, and where it lies in the message.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Part")
            .field("id", &format_args!("{}", self.id()))
            .field("type", &self.content_type().essence())
            .field("offset", &self.offset())
            .field("body_offset", &self.body_offset())
            .field("body_length", &self.body_length())
            .finish()
    }
}

impl Debug for Header<'_, '_> {
    /// Its fields as stored.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.fields()).finish()
    }
}

impl Debug for Field<'_> {
    /// Itself as stored.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "\"{}\"", self.raw().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_person_can_read_it() {
        let message = Message::parse(b"From: Ann <a@b.test>\r\nSubject: \xe9\r\n\r\nHello\r\n");
        assert_eq!(
            format!("{message:?}"),
            "Message { length: 43, parts: [Part { id: 1, type: \"text/plain\", offset: 0, \
             body_offset: 36, body_length: 7 }], defects: [Defect { offset: 31, kind: NotUtf8InHeader }] }"
        );
        assert_eq!(
            format!("{:?}", message.header()),
            "[\"From: Ann <a@b.test>\\r\\n\", \"Subject: \\xe9\\r\\n\"]"
        );
        assert_eq!(
            format!("{:?}", message.header().from()),
            "[Mailbox(Mailbox { raw_name: Some(\"Ann\"), route: None, address: \"a@b.test\" })]"
        );
    }
}
