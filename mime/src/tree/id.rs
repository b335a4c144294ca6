//! Naming a part as IMAP does (RFC 3501 6.4.5).

use alloc::vec::Vec;
use core::fmt;

/// Which part of a message: the numbers that IMAP gives it, from the outermost
/// multipart inwards.
///
/// [`Display`](fmt::Display) gives the section whose content is the part's body:
/// `1.2`; `TEXT` for a multipart that is the body of the whole message, which has no
/// number, and `3.TEXT` for one that is the body of the message in part 3.
/// [`Message::part`](crate::Message::part) finds the part again, and
/// [`Message::part_at`](crate::Message::part_at) by the text.
///
/// ```
/// use scop_mime::Message;
///
/// let message = Message::parse(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b--\n");
/// let ids: Vec<_> = message.parts().map(|p| p.id()).collect();
/// assert_eq!((ids[0].to_string(), ids[1].to_string()), ("TEXT".into(), "1".into()));
/// assert_eq!((ids[0].numbers(), ids[1].numbers()), (&[][..], &[1][..]));
/// assert_eq!(message.part(&ids[1]).unwrap().decoded(), &b"Hi"[..]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartId {
    pub(crate) path: Vec<u32>,
    pub(crate) is_text: bool,
}

impl PartId {
    /// The numbers, each from 1. Of a part that ends in `TEXT` those of the message
    /// that it is the body of.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.path
    }

    /// It is a multipart that is the body of a message and has no number.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_text
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.path.iter().enumerate() {
            let dot = if i > 0 { "." } else { "" };
            write!(f, "{dot}{number}")?;
        }
        match (self.is_text, self.path.is_empty()) {
            (false, _) => Ok(()),
            (true, true) => f.write_str("TEXT"),
            (true, false) => f.write_str(".TEXT"),
        }
    }
}
