//! Taking the attachments out of a message while it streams.

mod extractor;
mod name;

pub use extractor::{Attachment, AttachmentEnd, Extract, Extractor};
pub use name::{FileNames, safe_filename};
