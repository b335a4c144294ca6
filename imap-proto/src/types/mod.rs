//! What commands and responses are made of (RFC 3501 section 9). A value that IMAP
//! cannot carry cannot be made: constructors refuse it.
//!
//! A type with a lifetime borrows from what was parsed where it can;
//! `into_owned` gives one that does not.

mod capability;
mod cursor;
mod date;
mod error;
mod flag;
mod literal;
mod mailbox;
mod section;
mod sequence;
mod text;
pub mod utf7;
pub mod write;

pub use capability::Capability;
pub use date::{Date, DateTime};
pub use error::{Invalid, ParseError};
pub use flag::Flag;
pub use literal::{Literal, NonSync};
pub use mailbox::{Mailbox, Pattern};
pub use section::{FieldNames, Partial, Section, SectionText};
pub use sequence::{SeqNumber, SeqRange, SequenceSet};
pub use text::{Atom, Chars, Tag};
pub use write::Pieces;

pub(crate) use cursor::{Cursor, capitals};
