//! What IMAP wants to know of a message (RFC 3501 6.4.5 and 7.4.2): as plain data,
//! for a server to write and a client to read in whatever types it has.

mod envelope;
mod section;
mod structure;

pub use envelope::{Envelope, EnvelopeAddress};
pub use section::{ParseSectionError, Section, SectionText, select_fields, to_crlf};
pub use structure::{BodyKind, BodyStructure, Detail, Parameters, Single};
