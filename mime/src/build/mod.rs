//! Build messages (RFC 5322, RFC 2045 to 2047, RFC 2183, RFC 2231, RFC 6532).
//!
//! What cannot be carried is refused where it is given: a line end or NUL in a
//! header, an address that is none, a file name with a line end. So what a
//! [`Builder`] holds is a valid message, and [`Builder::build`] cannot fail. There
//! is no clock and no randomness: the date and the Message-ID are the caller's, and
//! the same calls give the same bytes.
//!
//! ```
//! use scop_mime::build::{Builder, Mailbox, MessageId, Part};
//! use scop_mime::{DateTime, Message};
//!
//! let ann = Mailbox::new("ann@example.org")?.named("Ann Döe")?;
//! let now = DateTime::from_unix(1_700_000_000, 60).unwrap();
//! let built = Builder::new(ann, now)
//!     .to(Mailbox::new("bob@example.com")?)
//!     .subject("Grüße aus Köln")?
//!     .message_id(MessageId::new("1@example.org")?)
//!     .text("Hello Bob,\nsee the picture.\n")
//!     .attach(Part::attachment("Köln.png", "image/png", &b"\x89PNG"[..])?)
//!     .build();
//! let bytes = built.to_vec(); // or built.chunks(): the attachment is never there twice
//! let message = Message::parse(&bytes);
//! assert_eq!(message.header().subject().as_deref(), Some("Grüße aus Köln"));
//! assert_eq!(message.attachments().next().unwrap().filename().as_deref(), Some("Köln.png"));
//! assert!(message.inspect().is_empty());
//! # Ok::<(), scop_mime::build::BuildError>(())
//! ```
//!
//! Alternatives, images within and invitations have methods of their own; other shapes
//! are trees of [`Part`]s, given as the [`body`](Builder::body). A file that is larger than
//! memory is a [streamed part](Part::streamed).
//!
//! ```
//! use scop_mime::build::{Builder, Group, Mailbox, MessageId, Part};
//! use scop_mime::{DateTime, Message};
//!
//! let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
//! let start = || Ok::<_, scop_mime::build::BuildError>(Builder::new(Mailbox::new("ann@a.test")?, now));
//! let page = start()?
//!     .to(Group::new("Team", [Mailbox::new("bob@b.test")?])?)
//!     .text("See there.\n")
//!     .html("<img src=\"cid:1@a.test\">")
//!     .inline(Part::data("image/png", &b"\x89PNG"[..])?.content_id(MessageId::new("1@a.test")?))
//!     .build();
//! let invitation = start()?.text("Come!\n").calendar("REQUEST", "BEGIN:VCALENDAR\r\n")?.build();
//! let both = start()?.body(Part::mixed([Part::message(page)?, Part::message(invitation)?])?).build();
//! let bytes = both.to_vec();
//! let message = Message::parse(&bytes);
//! let types: Vec<String> = message.parts().map(|p| p.content_type().to_string()).collect();
//! assert_eq!(types[..4], ["multipart/mixed", "message/rfc822", "multipart/alternative", "text/plain"]);
//! assert!(types.contains(&"text/calendar".into()) && types.contains(&"multipart/related".into()));
//! assert!(message.inspect().is_empty());
//! # Ok::<(), scop_mime::build::BuildError>(())
//! ```

mod builder;
pub(crate) mod content;
mod field;
pub(crate) mod fold;
mod leaf;
mod multipart;
mod part;
mod people;
mod reply;
mod resent;
mod shapes;
pub(crate) mod stream;
pub(crate) mod write;
pub(crate) mod written;

use thiserror::Error;

pub use builder::Builder;
pub use field::{AutoSubmitted, Field, ListField};
pub use part::Part;
pub use people::{Address, Group, Mailbox, MessageId, Url};
pub use reply::ReplyTo;
pub use resent::Resent;
pub use shapes::{Returned, Sealed, Signature};
pub use stream::{Built, Chunk, Chunks, Stream, StreamError};

/// A value that no message can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// CR, LF or NUL, which would end the line or the message; in a file name or a
    /// parameter any control.
    #[error(
        "{what} has a CR, LF, NUL or other control at byte {offset} (RFC 5322 2.2); take it out"
    )]
    Control {
        /// Of what.
        what: &'static str,
        /// Where in the value.
        offset: usize,
    },
    /// Longer than readers look at.
    #[error("{what} has more than {limit} bytes; shorten it")]
    TooLong {
        /// What.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not an address.
    #[error("not an address local@domain (RFC 5322 3.4.1; RFC 6532 3.2 for UTF-8): {0}")]
    Address(&'static str),
    /// Not a message id.
    #[error("not a message id left@right in ASCII, without brackets (RFC 5322 3.6.4)")]
    MessageId,
    /// Not a link, or not the one that is needed.
    #[error("not a link (RFC 3986) in ASCII; for one click exactly one with https (RFC 8058)")]
    Url,
    /// Not a type that the part may have.
    #[error("not a content type for this part (RFC 2045 5.1): {0}")]
    ContentType(&'static str),
    /// Not a name of a field that may be added.
    #[error("not a field that may be added: {0}")]
    FieldName(&'static str),
    /// Not what its grammar says.
    #[error("not {0}")]
    Token(&'static str),
    /// Nothing, where there must be something.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// A line that cannot be sent as it is.
    #[error(
        "{what} has a NUL, or a line over 998 bytes or with white space at its end, at byte {offset} (RFC 5322 2.1.1), and may not be encoded"
    )]
    Line {
        /// Of what.
        what: &'static str,
        /// Where in it.
        offset: usize,
    },
    /// Bytes over 127 in what must be sent in seven bits.
    #[error("a message within has bytes over 127 and cannot be signed (RFC 3156 3)")]
    EightBit,
    /// Too many parts in each other.
    #[error("more than 64 parts in each other; readers stop looking")]
    TooDeep,
}

/// Refuses what would end a line, and what is longer than `limit`.
pub(crate) fn check(what: &'static str, text: &str, limit: usize) -> Result<(), BuildError> {
    if text.len() > limit {
        return Err(BuildError::TooLong { what, limit });
    }
    match memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()) {
        Some(offset) => Err(BuildError::Control { what, offset }),
        None => Ok(()),
    }
}
